package codec

import (
	"fmt"
	"io/fs"
	"math"
	"slices"

	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/modelfile"
)

const gridID = "grid"

// GridFile is the usual name of the file of a grid.
const GridFile = "grid.json"

// Grid is a uniform quantiser: it sends the number of the level nearest to each
// value, in a fixed number of bits. A decoded value is within half a quantisation
// step of the one encoded; values out of range are refused with ErrRange, never
// clipped.
//
// Level numbers are packed in order, each from its lowest bit up, beginning with the
// lowest bit of the first byte. The last byte is padded with zero bits.
type Grid struct {
	dims   []GridDim
	w      int
	top    []uint64 // highest level of each dimension
	length int      // of the payload
	file   []byte   // grid.json
	schema string
}

var _ interface {
	Codec
	FixedLength
	Windowed
	Angular
	Estimator
} = (*Grid)(nil)

// GridDim is the quantiser of one value of a step. It has 2^Bits levels at Low,
// Low+Step, Low+2·Step, …
//
// An angle is quantised as its offset from Low modulo 360. Levels a full turn beyond
// the first ones are not used. It is decoded to -180..180 if Low is negative, and
// otherwise to 0..360.
type GridDim struct {
	Low   float64 `json:"low"`
	Step  float64 `json:"step"` // quantisation step, above 0
	Bits  int     `json:"bits"` // 0..MaxGridBits
	Angle bool    `json:"angle"`
}

// Top returns the number of the highest level: 2^Bits-1, or for an angle the last level
// of the first turn if that is lower.
func (d GridDim) Top() uint64 {
	top := uint64(1)<<d.Bits - 1
	if d.Angle {
		if full := math.Ceil(360/d.Step) - 1; full < float64(top) {
			top = uint64(full)
		}
	}
	return top
}

// MaxError returns the largest error of a value that is encoded: half a quantisation
// step, and a margin for rounding errors.
func (d GridDim) MaxError() float64 { return d.Step * (0.5 + GridMargin/2) }

const (
	// MaxGridBits is the largest number of bits of one value.
	MaxGridBits = 32
	// GridMargin is a relative margin for rounding errors of float64. A quantiser
	// for a tolerance has the quantisation step 2·tolerance·(1-GridMargin).
	GridMargin = 1e-6

	maxGridDims = 512
	maxGridFile = 128 << 10 // bytes; more than maxGridDims take
)

// gridFile is grid.json.
type gridFile struct {
	W    int       `json:"window_W"`
	Dims []GridDim `json:"dims"`
}

// NewGrid returns a grid for windows of w steps, each of len(dims) values. An error
// wraps ErrSpec.
func NewGrid(w int, dims []GridDim) (*Grid, error) {
	f := gridFile{w, slices.Clone(dims)}
	data, err := modelfile.EncodeJSON(f)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err) // a low or step that is not finite
	}
	g, faults := newGrid(data, f)
	if err := located(GridFile, faults); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	return g, nil
}

// LoadGrid returns the codec of the grid.json at path.
func LoadGrid(path string) (*Grid, error) { return opener{tree: modelfile.Disk()}.grid(path) }

// LoadGridFS is like LoadGrid with a file in fsys, such as an embed.FS.
func LoadGridFS(fsys fs.FS, name string) (*Grid, error) {
	return opener{tree: modelfile.FS(fsys), dir: "."}.grid(name)
}

func (o opener) grid(name string) (*Grid, error) {
	data, err := o.read(name, maxGridFile)
	if err != nil {
		return nil, err
	}
	return parseGrid(name, data)
}

func parseGrid(name string, data []byte) (*Grid, error) {
	var f gridFile
	faults := modelfile.DecodeStrict(data, &f)
	if len(faults) == 0 {
		var g *Grid
		if g, faults = newGrid(data, f); len(faults) == 0 {
			return g, nil
		}
	}
	return nil, located(name, faults)
}

// check reports what is wrong with sizes and quantisers.
func (f *gridFile) check(faults *modelfile.Faults) {
	switch {
	case f.W < 1:
		faults.Add("window_W", ErrMalformed, "%d, want at least 1", f.W)
	case len(f.Dims) < 1:
		faults.Add("dims", ErrMalformed, "no values, want at least 1")
	case len(f.Dims) > maxGridDims:
		faults.Add("dims", ErrTooLarge, "%d values, want at most %d", len(f.Dims), maxGridDims)
	case f.W > sensor.MaxWindowLen/len(f.Dims):
		faults.Add("window_W", ErrTooLarge, "%d steps of %d dims, want at most %d values a window", f.W, len(f.Dims), sensor.MaxWindowLen)
	}
	for i, d := range f.Dims[:min(len(f.Dims), maxGridDims)] {
		at := fmt.Sprintf("dims[%d]", i)
		if !(d.Step > 0) {
			faults.Add(at+".step", ErrMalformed, "%g, want more than 0", d.Step)
		}
		switch {
		case d.Bits < 0:
			faults.Add(at+".bits", ErrMalformed, "%d, want at least 0", d.Bits)
		case d.Bits > MaxGridBits:
			faults.Add(at+".bits", ErrTooLarge, "%d, want at most %d", d.Bits, MaxGridBits)
		}
		if d.Angle && !(d.Low >= -360 && d.Low < 360) {
			faults.Add(at+".low", ErrMalformed, "%g, want an angle of -360 or more and less than 360", d.Low)
		}
	}
}

// newGrid builds the codec of a file, whose text is data.
func newGrid(data []byte, f gridFile) (*Grid, modelfile.Faults) {
	var faults modelfile.Faults
	if f.check(&faults); len(faults) > 0 {
		return nil, faults
	}
	g := &Grid{dims: f.Dims, w: f.W, top: make([]uint64, len(f.Dims)), file: data, schema: "grid_v1:" + modelfile.Hash(data)}
	bits := 0
	for i, d := range f.Dims {
		g.top[i] = d.Top()
		if last := g.level(i, g.top[i]); math.IsInf(last, 0) || math.IsNaN(last) {
			faults.Add(fmt.Sprintf("dims[%d]", i), ErrMalformed, "the last level is %g, want a finite number", last)
			return nil, faults
		}
		bits += d.Bits
	}
	if bits == 0 {
		faults.Add("dims", ErrMalformed, "0 bits in all, want at least 1")
		return nil, faults
	}
	g.length = (bits*f.W + 7) / 8
	return g, nil
}

// File returns the content of the grid's grid.json.
func (g *Grid) File() []byte { return slices.Clone(g.file) }

// Dims returns the quantiser of each value of a step.
func (g *Grid) Dims() []GridDim { return slices.Clone(g.dims) }

// ID returns "grid".
func (g *Grid) ID() string { return gridID }

// Version returns "1".
func (g *Grid) Version() string { return "1" }

// Schema returns a string with the SHA-256 of grid.json.
func (g *Grid) Schema() string { return g.schema }

// WindowLen returns dims·W.
func (g *Grid) WindowLen() int { return len(g.dims) * g.w }

// MaxPayloadLen returns the length of every payload.
func (g *Grid) MaxPayloadLen() int { return g.length }

// PayloadLen returns the length of every payload.
func (g *Grid) PayloadLen() int { return g.length }

// Window returns dims and W of the windows. Its Stride is 0: any.
func (g *Grid) Window() sensor.Shape { return sensor.Shape{Dims: len(g.dims), W: g.w} }

// Angles reports for each value of a step whether it is an angle.
func (g *Grid) Angles() []bool {
	angles := make([]bool, len(g.dims))
	for i, d := range g.dims {
		angles[i] = d.Angle
	}
	return angles
}

// Need returns the payload's length, and false if a value is out of range.
func (g *Grid) Need(window []float64) (bytes int, ok bool) {
	for i, x := range window {
		if _, ok := g.quantize(i%len(g.dims), x); !ok {
			return 0, false
		}
	}
	return g.length, true
}

// Code returns the schema: only equal grids need equal numbers of bytes.
func (g *Grid) Code() string { return g.schema }

// level is the value of a level of dimension i.
func (g *Grid) level(i int, n uint64) float64 {
	d := &g.dims[i]
	// The conversion keeps the product from being fused with the sum, which
	// would round differently on some processors.
	v := d.Low + float64(float64(n)*d.Step)
	if !d.Angle {
		return v
	}
	switch {
	case d.Low >= 0 && v >= 360, d.Low < 0 && v >= 180:
		return v - 360
	case d.Low < 0 && v < -180:
		return v + 360
	}
	return v
}

// quantize returns the level nearest to x, and whether it is within half a step.
func (g *Grid) quantize(i int, x float64) (uint64, bool) {
	d := &g.dims[i]
	offset := x - d.Low
	if d.Angle {
		if offset = math.Mod(offset, 360); offset < 0 {
			offset += 360
		}
	}
	top := float64(g.top[i])
	n := uint64(min(top, max(0, math.RoundToEven(offset/d.Step))))
	bound := d.MaxError()
	if math.Abs(sensor.Difference(x, g.level(i, n), d.Angle)) <= bound {
		return n, true
	}
	// Just short of a full turn the first level may be the nearest.
	if d.Angle && math.Abs(sensor.Difference(x, g.level(i, 0), true)) <= bound {
		return 0, true
	}
	return 0, false
}

// AppendEncode implements Codec. It returns ErrRange for a value further than half a
// quantisation step from every level.
func (g *Grid) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	if err := checkWindow(g, window); err != nil {
		return dst, err
	}
	out := slices.Grow(dst, g.length)
	var acc uint64
	bits := 0
	for i, x := range window {
		j := i % len(g.dims)
		d := &g.dims[j]
		n, ok := g.quantize(j, x)
		if !ok {
			return dst, fmt.Errorf("%w: %s is %.9g, want %.7g..%.7g", ErrRange, valueName(g, i), x, d.Low, d.Low+float64(float64(g.top[j])*d.Step))
		}
		acc |= n << bits
		for bits += d.Bits; bits >= 8; bits -= 8 {
			out = append(out, byte(acc))
			acc >>= 8
		}
	}
	if bits > 0 {
		out = append(out, byte(acc))
	}
	return out, nil
}

// AppendDecode implements Codec. Numbers of unused levels and padding other than zero
// give ErrCorrupt.
func (g *Grid) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	if err := checkPayload(payload, g.length); err != nil {
		return dst, err
	}
	out := slices.Grow(dst, g.WindowLen())
	var acc uint64
	have := 0
	for i := range g.WindowLen() {
		d := i % len(g.dims)
		want := g.dims[d].Bits
		for ; have < want; have += 8 {
			acc |= uint64(payload[0]) << have
			payload = payload[1:]
		}
		n := acc & (1<<want - 1)
		acc >>= want
		have -= want
		if n > g.top[d] {
			return dst, fmt.Errorf("%w: %s is level %d, want at most %d", ErrCorrupt, valueName(g, i), n, g.top[d])
		}
		out = append(out, g.level(d, n))
	}
	if acc != 0 {
		return dst, fmt.Errorf("%w: bits set after the last value", ErrCorrupt)
	}
	return out, nil
}
