// Package bam implements the arithmetic of a bidirectional associative memory
// (BAM), which compresses a window of sensor values into a few bytes.
//
// Encoding takes three steps. A [Norm] subtracts the mean of each value and
// divides by its standard deviation. The [Layer]s of a [Model] multiply the
// result by a matrix W each, with a transmission function after every product. The
// outputs of the last layer are the latents. A [Packer] rounds them to the bytes of a
// payload. Decoding takes the inverse steps, with a matrix V in place of each W.
//
// Package bam runs models; package train fits their weights, package artifacts
// reads and writes them, and package codec combines all of this into a codec.
//
// Weights and latents are float32, sensor values are float64. The caller provides
// the working memory, a [Scratch], and the slices for results, so that encoding
// and decoding allocate nothing once those exist. Methods of [Model], [Norm] and
// [Packer] do not modify their receivers: several goroutines may share one, each with
// its own Scratch. They panic if a slice has the wrong length.
//
// The package rounds every product before it adds it to a sum, so that compilers
// cannot fuse the two operations. A payload therefore decodes to the same bits on
// every architecture.
//
// The model is that of Chartier, Giguère, Renaud, Lina and Proulx, "FEBAM: A
// feature-extracting bidirectional associative memory", IJCNN 2007.
package bam

import (
	"errors"
	"fmt"
	"math"
)

// The errors of this package wrap one of these.
var (
	// ErrShape reports slices or matrices of sizes that do not match.
	ErrShape = errors.New("bam: shape mismatch")
	// ErrNotFinite reports a NaN or an infinity.
	ErrNotFinite = errors.New("bam: value is not finite")
	// ErrCorrupt reports a payload that AppendPack does not write.
	ErrCorrupt = errors.New("bam: corrupt payload")
	// ErrParam reports a parameter out of range.
	ErrParam = errors.New("bam: invalid parameter")
)

// Matrix is a row-major matrix: element (i, j) is Data[i*Cols+j].
type Matrix struct {
	Rows, Cols int
	Data       []float32
}

// NewMatrix returns a rows×cols matrix of zeros.
func NewMatrix(rows, cols int) Matrix {
	return Matrix{Rows: rows, Cols: cols, Data: make([]float32, rows*cols)}
}

// Row returns row i. The slice shares the matrix's memory.
func (m Matrix) Row(i int) []float32 { return m.Data[i*m.Cols : (i+1)*m.Cols] }

// checkLen panics unless a slice has the wanted length.
func checkLen(name string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("bam: %s has %d elements, want %d", name, got, want))
	}
}

// MulVec sets dst to the product m·x. It panics unless dst has Rows elements and x has
// Cols elements. The slices must not overlap.
func (m Matrix) MulVec(dst, x []float32) {
	checkLen("dst", len(dst), m.Rows)
	checkLen("x", len(x), m.Cols)
	for i := range dst {
		row := m.Data[i*m.Cols:][:len(x)]
		var s0, s1, s2, s3 float32
		j := 0
		for ; j+4 <= len(x); j += 4 {
			s0 += float32(row[j] * x[j])
			s1 += float32(row[j+1] * x[j+1])
			s2 += float32(row[j+2] * x[j+2])
			s3 += float32(row[j+3] * x[j+3])
		}
		for ; j < len(x); j++ {
			s0 += float32(row[j] * x[j])
		}
		dst[i] = (s0 + s1) + (s2 + s3)
	}
}

func (m Matrix) check(name string, rows, cols int) error {
	if m.Rows != rows || m.Cols != cols || len(m.Data) != rows*cols {
		return fmt.Errorf("%w: %s is %d×%d with %d values, want %d×%d", ErrShape, name, m.Rows, m.Cols, len(m.Data), rows, cols)
	}
	for i, v := range m.Data {
		if !finite(float64(v)) {
			return fmt.Errorf("%w: %s[%d,%d] is %g", ErrNotFinite, name, i/cols, i%cols, v)
		}
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// A Layer maps In values to Out values with the Out×In matrix W, and back with
// the In×Out matrix V.
type Layer struct {
	W, V Matrix
}

// In returns the number of input values of the layer, when encoding.
func (l Layer) In() int { return l.W.Cols }

// Out returns the number of output values of the layer, when encoding.
func (l Layer) Out() int { return l.W.Rows }

// Transmit applies the cubic transmission function f(a) = (delta+1)·a − delta·a³,
// clipped to [-1, 1], to every element of v. If delta is 0, f is the identity and does
// not clip. Training methods use it; Encode and Decode include it.
func Transmit(v []float32, delta float32) {
	if delta == 0 {
		return
	}
	for i, a := range v {
		v[i] = min(1, max(-1, float32((delta+1)*a)-float32(delta*(a*a*a))))
	}
}

// MaxCycleDelta is the exclusive upper bound of delta in a model with cycles. For a
// larger delta the transmission function has no stable fixed point, so that cycles do
// not converge.
const MaxCycleDelta = 0.5

// A Model is a stack of layers. Encoding applies them in order, decoding in
// reverse order.
type Model struct {
	Layers []Layer
	// Delta is the strength of the cubic transmission function; 0 makes the
	// model linear. See Transmit.
	Delta float32
	// EncodeCycles and DecodeCycles are numbers of extra iterations in every
	// layer: when encoding through V and then W, when decoding through W and
	// then V.
	EncodeCycles, DecodeCycles int
}

// InputLen returns the number of values in a window.
func (m *Model) InputLen() int { return m.Layers[0].In() }

// LatentDim returns the number of latents.
func (m *Model) LatentDim() int { return m.Layers[len(m.Layers)-1].Out() }

// maxCycles limits the time that a model from an untrusted source takes.
const maxCycles = 1000

// CheckTransmission returns an error that wraps ErrParam unless
//
//   - delta is finite, at least 0 and at most the largest float32,
//   - the numbers of cycles are 0 to 1000,
//   - and delta is below MaxCycleDelta, 0.5, or both numbers of cycles are 0.
func CheckTransmission(delta float64, encodeCycles, decodeCycles int) error {
	switch {
	case !finite(delta) || delta < 0 || delta > math.MaxFloat32:
		return fmt.Errorf("%w: delta is %g, want a finite number of at least 0", ErrParam, delta)
	case encodeCycles < 0 || encodeCycles > maxCycles:
		return fmt.Errorf("%w: encode cycles is %d, want 0..%d", ErrParam, encodeCycles, maxCycles)
	case decodeCycles < 0 || decodeCycles > maxCycles:
		return fmt.Errorf("%w: decode cycles is %d, want 0..%d", ErrParam, decodeCycles, maxCycles)
	case delta >= MaxCycleDelta && encodeCycles+decodeCycles > 0:
		return fmt.Errorf("%w: delta is %g with cycles, want delta below %g, so that cycles converge, or no cycles", ErrParam, delta, MaxCycleDelta)
	}
	return nil
}

// Check returns an error unless there is at least one layer, the sizes of the layers
// match, all weights are finite and CheckTransmission accepts the parameters. The other
// methods need a model that Check accepts.
func (m *Model) Check() error {
	if len(m.Layers) == 0 {
		return fmt.Errorf("%w: found no layers, want at least one", ErrShape)
	}
	inputs := m.Layers[0].In()
	for i, l := range m.Layers {
		if l.Out() < 1 || inputs < 1 {
			return fmt.Errorf("%w: layer %d is %d→%d, want both at least 1", ErrShape, i, inputs, l.Out())
		}
		if err := l.W.check(fmt.Sprintf("layer %d W", i), l.Out(), inputs); err != nil {
			return err
		}
		if err := l.V.check(fmt.Sprintf("layer %d V", i), inputs, l.Out()); err != nil {
			return err
		}
		inputs = l.Out()
	}
	return CheckTransmission(float64(m.Delta), m.EncodeCycles, m.DecodeCycles)
}

// Scratch is working memory for encoding and decoding. Goroutines must not share one.
type Scratch struct {
	a, b, c []float32
}

// NewScratch returns working memory for the model. It must not be used for a model with
// larger layers.
func (m *Model) NewScratch() *Scratch {
	n := m.InputLen()
	for _, l := range m.Layers {
		n = max(n, l.Out())
	}
	return &Scratch{a: make([]float32, n), b: make([]float32, n), c: make([]float32, n)}
}

// Encode sets y to the latents of the normalised window x. It panics unless y has
// LatentDim elements and x has InputLen elements.
func (m *Model) Encode(y, x []float32, s *Scratch) {
	checkLen("y", len(y), m.LatentDim())
	checkLen("x", len(x), m.InputLen())
	cur, next := s.a, s.b
	copy(cur, x)
	for _, l := range m.Layers {
		m.encodeLayer(l, next[:l.Out()], cur[:l.In()], s)
		cur, next = next, cur
	}
	copy(y, cur)
}

// encodeLayer sets y, of length l.Out, to the output of one layer for the input x,
// of length l.In, with the model's transmission function and cycles. The slices
// must not overlap.
func (m *Model) encodeLayer(l Layer, y, x []float32, s *Scratch) {
	l.W.MulVec(y, x)
	Transmit(y, m.Delta)
	back := s.c[:l.In()]
	for range m.EncodeCycles {
		l.V.MulVec(back, y)
		Transmit(back, m.Delta)
		l.W.MulVec(y, back)
		Transmit(y, m.Delta)
	}
}

// Decode sets x to the normalised window of the latents y. It panics unless x has
// InputLen elements and y has LatentDim elements.
func (m *Model) Decode(x, y []float32, s *Scratch) {
	checkLen("x", len(x), m.InputLen())
	checkLen("y", len(y), m.LatentDim())
	cur, next := s.a, s.b
	copy(cur, y)
	for i := len(m.Layers) - 1; i >= 0; i-- {
		l := m.Layers[i]
		input, output := next[:l.In()], cur[:l.Out()]
		l.V.MulVec(input, output)
		Transmit(input, m.Delta)
		for range m.DecodeCycles {
			again := s.c[:l.Out()]
			l.W.MulVec(again, input)
			Transmit(again, m.Delta)
			l.V.MulVec(input, again)
			Transmit(input, m.Delta)
		}
		cur, next = next, cur
	}
	copy(x, cur)
}
