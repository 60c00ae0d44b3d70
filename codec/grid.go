package codec

import (
	"fmt"
	"math"
	"slices"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/atomicfile"
)

const gridID = "grid"

// GridFile is the usual name of a grid's file.
const GridFile = "grid.json"

// Grid sends every value as the number of its nearest level on a uniform grid,
// in just the bits that takes. A decoded value is within half a step of the
// one sent, or the window is refused with ErrRange: nothing is ever clipped.
//
// Levels are packed from the lowest bit of the first byte on, value after
// value, lowest bit first; the last byte is filled up with zeros.
type Grid struct {
	dims   []GridDim
	w      int
	top    []uint64 // highest level of each dimension
	length int      // of the payload
	file   []byte   // grid.json
	schema string
}

var _ Codec = (*Grid)(nil)

// GridDim is the grid of one value of a step: 2^Bits levels at Low, Low+Step,
// Low+2·Step, …
//
// An angle is an offset from Low modulo 360, and levels that would repeat the
// first ones are left out. It is decoded to -180..180 where Low is negative,
// and to 0..360 where it is not.
type GridDim struct {
	Low   float64 `json:"low"`
	Step  float64 `json:"step" validate:"gt=0"`
	Bits  int     `json:"bits" validate:"min=0,max=32"`
	Angle bool    `json:"angle"`
}

const (
	maxGridBits = 32
	maxGridDims = 512
	maxGridFile = 128 << 10 // bytes; more than maxGridDims take
	// gridMargin is the part of half a step, or of a tolerance, left to the
	// rounding of float64, so that what the bound promises holds to the last
	// digit, at the edges between levels and far from zero.
	gridMargin = 1e-6
)

// gridFile is grid.json.
type gridFile struct {
	WindowW int       `json:"window_W" validate:"min=1,max=65536"`
	Dims    []GridDim `json:"dims" validate:"min=1,max=512,dive"`
}

// NewGrid returns the codec for windows of w steps.
func NewGrid(w int, dims []GridDim) (*Grid, error) {
	f := gridFile{w, slices.Clone(dims)}
	if err := checkTags(GridFile, &f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	data, err := encodeFile(f)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err) // a low or step that is not finite
	}
	g, err := newGrid(GridFile, data, f)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	return g, nil
}

// LoadGrid returns the codec of the grid.json at path.
func LoadGrid(path string) (*Grid, error) { return place{}.grid(path) }

func (p place) grid(rel string) (*Grid, error) {
	if rel == "" {
		return nil, fmt.Errorf("%w: codec %s without grid_path, want the path of a %s", ErrSpec, gridID, GridFile)
	}
	name, err := p.path(rel)
	if err != nil {
		return nil, &Error{rel, "", err}
	}
	data, err := p.read(name)
	if err != nil {
		return nil, err
	}
	return parseGrid(name, data)
}

func parseGrid(name string, data []byte) (*Grid, error) {
	var f gridFile
	if len(data) > maxGridFile {
		return nil, &Error{name, "", fmt.Errorf("%w: %d bytes, want at most %d", artifacts.ErrTooLarge, len(data), maxGridFile)}
	}
	if err := parseFile(name, data, &f); err != nil {
		return nil, err
	}
	if err := checkTags(name, &f); err != nil {
		return nil, err
	}
	return newGrid(name, data, f)
}

// newGrid builds the codec of a file that passed its tags.
func newGrid(name string, data []byte, f gridFile) (*Grid, error) {
	g := &Grid{dims: f.Dims, w: f.WindowW, top: make([]uint64, len(f.Dims)), file: data, schema: "grid_v1:" + sha256Hex(data)}
	if len(f.Dims)*f.WindowW > sensor.MaxWindowLen {
		return nil, &Error{name, "window_W", fmt.Errorf("%w: %d steps of %d dims, want at most %d values a window", artifacts.ErrTooLarge, f.WindowW, len(f.Dims), sensor.MaxWindowLen)}
	}
	bits := 0
	for i, d := range f.Dims {
		g.top[i] = 1<<d.Bits - 1
		if d.Angle {
			if !(d.Low >= -360 && d.Low < 360) {
				return nil, &Error{name, fmt.Sprintf("dims[%d].low", i), fmt.Errorf("%w: %g, want an angle of -360 or more and less than 360", artifacts.ErrMalformed, d.Low)}
			}
			if full := math.Ceil(360/d.Step) - 1; full < float64(g.top[i]) {
				g.top[i] = uint64(full)
			}
		}
		if last := g.level(i, g.top[i]); math.IsInf(last, 0) || math.IsNaN(last) {
			return nil, &Error{name, fmt.Sprintf("dims[%d]", i), fmt.Errorf("%w: the last level is %g, want a finite number", artifacts.ErrMalformed, last)}
		}
		bits += d.Bits
	}
	if bits == 0 {
		return nil, &Error{name, "dims", fmt.Errorf("%w: 0 bits in all, want at least 1", artifacts.ErrMalformed)}
	}
	g.length = (bits*f.WindowW + 7) / 8
	return g, nil
}

// Save writes the grid to path, a grid.json. The file appears whole.
func (g *Grid) Save(path string) error {
	if err := atomicfile.WriteBytes(path, g.file); err != nil {
		return &Error{path, "", err}
	}
	return nil
}

// Dims returns the grid of each value of a step.
func (g *Grid) Dims() []GridDim { return slices.Clone(g.dims) }

// ID is "grid".
func (g *Grid) ID() string { return gridID }

// Version is "1".
func (g *Grid) Version() string { return "1" }

// Schema holds the SHA-256 of grid.json.
func (g *Grid) Schema() string { return g.schema }

// WindowLen is dims·W.
func (g *Grid) WindowLen() int { return len(g.dims) * g.w }

// MaxPayloadLen is the length of every payload.
func (g *Grid) MaxPayloadLen() int { return g.length }

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
	bound := d.Step * (0.5 + gridMargin/2)
	if deviation(x, g.level(i, n), d.Angle) <= bound {
		return n, true
	}
	// Just short of a full turn the first level may be the nearest.
	if d.Angle && deviation(x, g.level(i, 0), true) <= bound {
		return 0, true
	}
	return 0, false
}

// deviation is how far b is from a: on a circle of 360 where they are angles.
// It is NaN where either is.
func deviation(a, b float64, angle bool) float64 {
	if angle {
		return math.Abs(math.Remainder(a-b, 360))
	}
	return math.Abs(a - b)
}

// AppendEncode packs the levels nearest to the window's values. A value that
// is further than half a step from every level is ErrRange.
func (g *Grid) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	if err := checkWindow(window, g.WindowLen()); err != nil {
		return dst, err
	}
	out, bad := g.tryEncode(dst, window)
	if bad >= 0 {
		d := bad % len(g.dims)
		return dst, fmt.Errorf("%w: value %d is %g, want %g..%g", ErrRange, bad, window[bad],
			g.dims[d].Low, g.dims[d].Low+float64(g.top[d])*g.dims[d].Step)
	}
	return out, nil
}

// tryEncode is AppendEncode for a checked window. It returns the index of the
// first value that is out of range, or -1.
func (g *Grid) tryEncode(dst []byte, window []float64) (out []byte, bad int) {
	out = slices.Grow(dst, g.length)
	var acc uint64
	bits := 0
	for i, x := range window {
		d := i % len(g.dims)
		n, ok := g.quantize(d, x)
		if !ok {
			return dst, i
		}
		acc |= n << bits
		for bits += g.dims[d].Bits; bits >= 8; bits -= 8 {
			out = append(out, byte(acc))
			acc >>= 8
		}
	}
	if bits > 0 {
		out = append(out, byte(acc))
	}
	return out, -1
}

// AppendDecode unpacks the levels' values. Levels that no encoder writes, and
// a filled-up last byte, are ErrCorrupt.
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
			return dst, fmt.Errorf("%w: value %d is level %d, want at most %d", ErrCorrupt, i, n, g.top[d])
		}
		out = append(out, g.level(d, n))
	}
	if acc != 0 {
		return dst, fmt.Errorf("%w: bits set after the last value", ErrCorrupt)
	}
	return out, nil
}
