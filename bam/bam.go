// Package bam is the arithmetic of a bidirectional associative memory: layers
// with a matrix W from input to latent and V back, the transmission function
// between them, normalisation, and the packing of latents into bytes.
//
// It runs what other packages train and store. Weights and latents are
// float32, sensor values float64. Nothing here allocates in steady state: the
// caller brings a [Scratch] and the slices results go to. Methods of [Model],
// [Norm] and [Packer] do not change them, so that any number of goroutines may
// share one, each with a Scratch of its own.
//
// Products are converted before they are added, which keeps a compiler from
// fusing the two: a payload decodes to the same bits on every processor.
//
// The model is that of Chartier, Giguère, Renaud, Lina and Proulx, "FEBAM: A
// feature-extracting bidirectional associative memory", IJCNN 2007.
package bam

import (
	"errors"
	"fmt"
	"math"
)

// Errors that a caller may want to tell apart.
var (
	// ErrShape marks slices or matrices whose sizes do not fit together.
	ErrShape = errors.New("bam: shape mismatch")
	// ErrNotFinite marks a NaN or an infinity where a number is needed.
	ErrNotFinite = errors.New("bam: value is not finite")
	// ErrCorrupt marks a payload that no encoder writes.
	ErrCorrupt = errors.New("bam: corrupt payload")
	// ErrParam marks a parameter outside what the model allows.
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

// Row returns row i, which shares the matrix's memory.
func (m Matrix) Row(i int) []float32 { return m.Data[i*m.Cols : (i+1)*m.Cols] }

// MulVec sets dst = m·x. dst has Rows elements, x has Cols; they do not overlap.
func (m Matrix) MulVec(dst, x []float32) {
	x = x[:m.Cols]
	for i := range dst[:m.Rows] {
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

// Layer is one associative memory: W is out×in, V is in×out.
type Layer struct {
	W, V Matrix
}

// In is the number of values of the layer's input.
func (l Layer) In() int { return l.W.Cols }

// Out is the number of values of the layer's latent.
func (l Layer) Out() int { return l.W.Rows }

// Squash applies the cubic transmission f(a) = (delta+1)·a − delta·a³, clipped
// to [-1, 1], to every element. A delta of 0 leaves v as it is.
func Squash(v []float32, delta float32) {
	if delta == 0 {
		return
	}
	for i, a := range v {
		v[i] = min(1, max(-1, float32((delta+1)*a)-float32(delta*(a*a*a))))
	}
}

// MaxCycleDelta bounds delta where cycles run: from here on the transmission
// has no stable fixed point to settle in.
const MaxCycleDelta = 0.5

// Model is a stack of layers. Encoding goes through them in order, decoding
// back.
type Model struct {
	Layers []Layer
	// Delta is the strength of the cubic transmission; 0 makes it linear.
	Delta float32
	// EncodeCycles and DecodeCycles are the extra rounds through V and W in
	// every layer, on the way in and on the way back.
	EncodeCycles, DecodeCycles int
}

// InputLen is the number of values a window has.
func (m *Model) InputLen() int { return m.Layers[0].In() }

// LatentDim is the number of latents.
func (m *Model) LatentDim() int { return m.Layers[len(m.Layers)-1].Out() }

// maxCycles keeps a stranger's model from running for minutes a window.
const maxCycles = 1000

// CheckTransmission says what is wrong with a model's delta and cycles.
func CheckTransmission(delta float64, encodeCycles, decodeCycles int) error {
	switch {
	case !finite(delta) || delta < 0 || delta > math.MaxFloat32:
		return fmt.Errorf("%w: delta is %g, want a number ≥ 0", ErrParam, delta)
	case encodeCycles < 0 || encodeCycles > maxCycles:
		return fmt.Errorf("%w: encode cycles is %d, want 0..%d", ErrParam, encodeCycles, maxCycles)
	case decodeCycles < 0 || decodeCycles > maxCycles:
		return fmt.Errorf("%w: decode cycles is %d, want 0..%d", ErrParam, decodeCycles, maxCycles)
	case delta >= MaxCycleDelta && encodeCycles+decodeCycles > 0:
		return fmt.Errorf("%w: delta is %g with cycles, want below %g (above it they have no fixed point) or no cycles", ErrParam, delta, MaxCycleDelta)
	}
	return nil
}

// Check reports the first thing that keeps the model from running: layers
// that do not chain, weights that are not finite, parameters out of range.
func (m *Model) Check() error {
	if len(m.Layers) == 0 {
		return fmt.Errorf("%w: model has no layers, want at least one", ErrShape)
	}
	in := m.Layers[0].In()
	for i, l := range m.Layers {
		if l.Out() < 1 || in < 1 {
			return fmt.Errorf("%w: layer %d is %d→%d, want both at least 1", ErrShape, i, in, l.Out())
		}
		if err := l.W.check(fmt.Sprintf("layer %d W", i), l.Out(), in); err != nil {
			return err
		}
		if err := l.V.check(fmt.Sprintf("layer %d V", i), in, l.Out()); err != nil {
			return err
		}
		in = l.Out()
	}
	return CheckTransmission(float64(m.Delta), m.EncodeCycles, m.DecodeCycles)
}

// Scratch is the working memory of one goroutine.
type Scratch struct {
	a, b, c []float32
}

// NewScratch returns working memory for the model.
func (m *Model) NewScratch() *Scratch {
	n := m.InputLen()
	for _, l := range m.Layers {
		n = max(n, l.Out())
	}
	return &Scratch{a: make([]float32, n), b: make([]float32, n), c: make([]float32, n)}
}

// Encode sets y, LatentDim long, to the latent of the normalised window x,
// InputLen long.
func (m *Model) Encode(y, x []float32, s *Scratch) {
	cur, next := s.a, s.b
	copy(cur, x[:m.InputLen()])
	for _, l := range m.Layers {
		m.EncodeLayer(l, next[:l.Out()], cur[:l.In()], s)
		cur, next = next, cur
	}
	copy(y[:m.LatentDim()], cur)
}

// EncodeLayer takes x, In values, through one layer to y, Out values, with the
// model's transmission and cycles. y and x do not overlap.
func (m *Model) EncodeLayer(l Layer, y, x []float32, s *Scratch) {
	l.W.MulVec(y, x)
	Squash(y, m.Delta)
	back := s.c[:l.In()]
	for range m.EncodeCycles {
		l.V.MulVec(back, y)
		Squash(back, m.Delta)
		l.W.MulVec(y, back)
		Squash(y, m.Delta)
	}
}

// Decode sets x, InputLen long, to the normalised window rebuilt from the
// latent y, LatentDim long.
func (m *Model) Decode(x, y []float32, s *Scratch) {
	cur, next := s.a, s.b
	copy(cur, y[:m.LatentDim()])
	for i := len(m.Layers) - 1; i >= 0; i-- {
		l := m.Layers[i]
		in, out := next[:l.In()], cur[:l.Out()]
		l.V.MulVec(in, out)
		Squash(in, m.Delta)
		for range m.DecodeCycles {
			again := s.c[:l.Out()]
			l.W.MulVec(again, in)
			Squash(again, m.Delta)
			l.V.MulVec(in, again)
			Squash(in, m.Delta)
		}
		cur, next = next, cur
	}
	copy(x[:m.InputLen()], cur)
}
