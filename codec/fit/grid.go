package fit

import (
	"context"
	"fmt"
	"math"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// GridSettings are the settings of Grid and PhysicalGrid. The zero value is the default.
type GridSettings struct {
	Bounds
}

// GridResult is a fitted grid.
type GridResult struct {
	Codec *codec.Grid
}

// Save writes the grid to path, a grid.json. The file appears whole.
func (r *GridResult) Save(path string) error { return saveFile(path, r.Codec.File()) }

// Grid fits the grid with the shortest payload that encodes all windows within the
// tolerances.
//
// Each value takes as many bits as its range over the windows needs. Levels left over
// lie half below the range and half above it. Bits left over in the last byte go to
// the values with the fewest levels left over. A payload has at least 2 bytes, the
// shortest that a frame carries.
func Grid(ctx context.Context, windows Windows, settings *GridSettings) (*GridResult, error) {
	var s GridSettings
	if settings != nil {
		s = *settings
	}
	b, err := s.Bounds.filled()
	if err != nil {
		return nil, err
	}
	ranges, length, err := b.ranges(ctx, windows, func([]float64) {})
	if err != nil {
		return nil, err
	}
	return b.grid(ranges, length/len(b.Tolerances))
}

// PhysicalGrid returns a grid for windows of w steps whose ranges are the physical
// ranges of the schema. For motion samples these are latitude ±90 and longitude
// ±180 deg, altitude -500..20,000 m, ±160 m/s², ±2000 deg/s and angles of a full turn:
// 16 bytes per sample with the default tolerances. If the schema lacks a range, the
// error wraps ErrSettings.
func PhysicalGrid(w int, settings *GridSettings) (*GridResult, error) {
	var s GridSettings
	if settings != nil {
		s = *settings
	}
	b, err := s.Bounds.filled()
	if err != nil {
		return nil, err
	}
	if err := (sensor.Shape{Dims: len(b.Schema), W: w, Stride: 1}).Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	ranges := make([]valueRange, len(b.Schema))
	for i, v := range b.Schema {
		if !(v.Low < v.High) {
			return nil, fmt.Errorf("%w: the physical range of %s is not known", ErrSettings, b.Schema.Label(i))
		}
		ranges[i] = newRange(v.Angle)
		ranges[i].add(v.Low)
		ranges[i].add(v.High)
		ranges[i].full = v.Angle
	}
	return b.grid(ranges, w)
}

// valueRange is the range of one value of a step. For an angle it has the range within
// -180..180 and the range within 0..360: unless the angles go all the way round, the
// smaller of the two does not contain the wrap-around.
type valueRange struct {
	angle, full       bool
	low, high         float64 // of values; of angles within -180..180
	turnLow, turnHigh float64 // of angles within 0..360
	largest           float64 // |value|
	negative          bool    // any value
}

func newRange(angle bool) valueRange {
	return valueRange{angle: angle, low: math.Inf(1), high: math.Inf(-1), turnLow: math.Inf(1), turnHigh: math.Inf(-1)}
}

func (r *valueRange) add(v float64) {
	r.largest = max(r.largest, math.Abs(v))
	r.negative = r.negative || v < 0
	if r.angle {
		v = math.Remainder(v, 360)
		turn := v
		if turn < 0 {
			turn += 360
		}
		r.turnLow, r.turnHigh = min(r.turnLow, turn), max(r.turnHigh, turn)
	}
	r.low, r.high = min(r.low, v), max(r.high, v)
}

// span returns the smallest range that contains all values.
func (r *valueRange) span() (low, high float64) {
	switch {
	case r.full:
		return -180, 180
	case r.angle && r.turnHigh-r.turnLow < r.high-r.low:
		return r.turnLow, r.turnHigh
	}
	return r.low, r.high
}

// grid returns the grid of windows of w steps over the ranges.
func (b *Bounds) grid(ranges []valueRange, w int) (*GridResult, error) {
	dims := make([]codec.GridDim, len(ranges))
	most := make([]int, len(ranges)) // bits beyond which levels repeat, or are too many
	total := 0
	for i := range ranges {
		low, high := ranges[i].span()
		tol := b.Tolerances[i]
		d := codec.GridDim{Step: b.step(i), Angle: ranges[i].angle}
		levels := math.Floor((high-low)/d.Step) + 1
		most[i] = codec.MaxGridBits
		if d.Angle {
			turn := math.Ceil(360 / d.Step)
			levels = min(levels, turn)
			most[i] = min(codec.MaxGridBits, bitsFor(turn))
		}
		if d.Bits = bitsFor(levels); d.Bits > codec.MaxGridBits || ranges[i].largest > 1e9*tol {
			return nil, fmt.Errorf("%w: tolerance of %s is %g, too fine for values of %g..%g", ErrSettings, b.Schema.Label(i), tol, low, high)
		}
		total += d.Bits
		dims[i] = d
	}
	length := max(2, (total*w+7)/8)
	for spare := (8*length - total*w) / w; spare > 0; spare-- {
		if tight := tightest(dims, most, ranges); tight >= 0 {
			dims[tight].Bits++
		}
	}
	for i := range dims {
		dims[i].Low = lowest(&dims[i], &ranges[i])
	}
	g, err := codec.NewGrid(w, dims)
	if err != nil {
		return nil, err
	}
	return &GridResult{g}, nil
}

// WidenGrid returns a grid with the same quantisation steps, wider ranges, and payloads
// n bytes longer, for windows out of the range of the training windows. Each additional
// bit doubles the range of one value around its middle, in turn from the first value
// on; angles with a full turn are skipped. If n is less than 1, or more bytes than can
// be used, the error wraps ErrSettings.
func WidenGrid(g *codec.Grid, n int) (*GridResult, error) {
	if n < 1 || n > codec.MaxPayloadBytes {
		return nil, fmt.Errorf("%w: grid widened by %d bytes, want 1..%d", ErrSettings, n, codec.MaxPayloadBytes)
	}
	dims, w := g.Dims(), g.Window().W
	bits := 0
	for _, d := range dims {
		bits += d.Bits
	}
	spare := (8*(g.PayloadLen()+n) - bits*w) / w
	for widened := true; spare > 0 && widened; {
		widened = false
		for i := range dims {
			if spare > 0 && widenDim(&dims[i]) {
				widened = true
				spare--
			}
		}
	}
	wide, err := codec.NewGrid(w, dims)
	if err != nil {
		return nil, err
	}
	if wide.PayloadLen() != g.PayloadLen()+n {
		return nil, fmt.Errorf("%w: grid of %d bytes widened by %d: at most %d are of use", ErrSettings, g.PayloadLen(), n, wide.PayloadLen()-g.PayloadLen())
	}
	return &GridResult{wide}, nil
}

// widenDim doubles the range of one value, if it can be wider.
func widenDim(d *codec.GridDim) bool {
	span := math.Exp2(float64(d.Bits)) * d.Step
	if d.Bits == codec.MaxGridBits || d.Angle && span >= 360 {
		return false
	}
	d.Bits++
	low := d.Low - span/2
	switch {
	case !d.Angle:
	case 2*span >= 360:
		low = 0
		if d.Low < 0 {
			low = -180
		}
	case d.Low < 0 && low < -360, d.Low >= 0 && low < 0:
		low += 360
	}
	d.Low = low
	return true
}

// tightest returns the value whose range fills its levels most, among those that can
// have more bits, or -1 if there is none.
func tightest(dims []codec.GridDim, most []int, ranges []valueRange) int {
	best, least := -1, math.Inf(1)
	for i, d := range dims {
		low, high := ranges[i].span()
		ratio := math.Exp2(float64(d.Bits)) * d.Step / max(high-low, d.Step/2)
		if d.Bits < most[i] && ratio < least {
			best, least = i, ratio
		}
	}
	return best
}

// lowest returns the lowest level of levels centred on the range.
func lowest(d *codec.GridDim, r *valueRange) float64 {
	levels := math.Exp2(float64(d.Bits))
	if d.Angle && levels*d.Step >= 360 {
		if r.negative {
			return -180
		}
		return 0
	}
	low, high := r.span()
	v := low + (high-low)/2 - (levels-1)*d.Step/2
	if !d.Angle {
		return v
	}
	// The sign says whether angles are decoded as the windows had them.
	if v = math.Mod(v, 360); v < 0 {
		v += 360
	}
	if v >= 360 { // what was just below 0
		v = 0
	}
	if r.negative {
		v -= 360
	}
	return v
}

// bitsFor returns the number of bits that number so many levels.
func bitsFor(levels float64) int { return int(math.Ceil(math.Log2(levels))) }
