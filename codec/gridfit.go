package codec

import (
	"fmt"
	"iter"
	"math"

	"github.com/loralink/loralink-go/dataset/sensor"
)

// FitGrid returns the smallest grid that holds all windows with errors within
// the tolerances, one for each value of a step, in its unit. Windows have any
// number of steps, all the same.
//
// A dimension takes the whole bits that its range asks for. The levels this
// leaves over lie half below the range and half above it; bits left over in
// the last byte widen the dimensions whose ranges fill their levels most. A
// payload has at least 2 bytes, the least a frame carries.
func FitGrid(windows iter.Seq2[[]float64, error], tolerances []float64) (*Grid, error) {
	ranges, length, err := rangesOf(windows, tolerances, func([]float64) {})
	if err != nil {
		return nil, err
	}
	return gridOver(ranges, tolerances, length/len(tolerances))
}

// rangesOf gathers the range of each value of a step over windows of one length,
// which it returns, and hands every window to each.
func rangesOf(windows iter.Seq2[[]float64, error], tolerances []float64, each func(window []float64)) (ranges []valueRange, length int, err error) {
	if err := checkTolerances(tolerances); err != nil {
		return nil, 0, err
	}
	dims := len(tolerances)
	ranges = make([]valueRange, dims)
	for i, angle := range sensor.ForDims(dims).Angles() {
		ranges[i] = newRange(angle)
	}
	for window, err := range windows {
		if err != nil {
			return nil, 0, err
		}
		if length == 0 {
			length = len(window)
		}
		if length == 0 || length%dims != 0 || length > sensor.MaxWindowLen {
			return nil, 0, fmt.Errorf("%w: %d values, want whole steps of %d and at most %d values", ErrShape, length, dims, sensor.MaxWindowLen)
		}
		if err := checkWindow(window, length); err != nil {
			return nil, 0, err
		}
		for i, v := range window {
			ranges[i%dims].add(v)
		}
		each(window)
	}
	if length == 0 {
		return nil, 0, fmt.Errorf("%w: no windows to fit to, want at least one", ErrSpec)
	}
	return ranges, length, nil
}

// physical are the ranges of what sensors can physically give.
var physical = [sensor.MotionDims][2]float64{
	{-90, 90}, {-180, 180}, {-500, 20000},
	{-160, 160}, {-160, 160}, {-160, 160},
	{-2000, 2000}, {-2000, 2000}, {-2000, 2000},
	{-180, 180}, {-180, 180}, {-180, 180},
}

// PhysicalGrid returns a grid for windows of w samples that holds whatever
// sensors can physically give: latitude ±90 and longitude ±180 deg, altitude
// -500..20,000 m, ±160 m/s², ±2000 deg/s, angles of a full turn. With
// tolerances of 4.5e-5, 4.5e-5 deg, 5 m, 0.5 m/s², 5 deg/s and 3 deg it takes 16
// bytes a sample.
func PhysicalGrid(w int, tolerances []float64) (*Grid, error) {
	if len(tolerances) != sensor.MotionDims {
		return nil, fmt.Errorf("%w: %d tolerances, want %d, one for each value of a sample", ErrSpec, len(tolerances), sensor.MotionDims)
	}
	if most := sensor.MaxWindowLen / sensor.MotionDims; w < 1 || w > most {
		return nil, fmt.Errorf("%w: grid of W %d, want 1..%d", ErrSpec, w, most)
	}
	if err := checkTolerances(tolerances); err != nil {
		return nil, err
	}
	ranges := make([]valueRange, sensor.MotionDims)
	for i, angle := range sensor.ForDims(sensor.MotionDims).Angles() {
		ranges[i] = newRange(angle)
		ranges[i].add(physical[i][0])
		ranges[i].add(physical[i][1])
		if angle {
			ranges[i].full = true
		}
	}
	return gridOver(ranges, tolerances, w)
}

func checkTolerances(tolerances []float64) error {
	if len(tolerances) < 1 || len(tolerances) > maxGridDims {
		return fmt.Errorf("%w: %d tolerances, want one for each value of a step, 1..%d", ErrSpec, len(tolerances), maxGridDims)
	}
	for i, t := range tolerances {
		if !(t > 0) || math.IsInf(t, 0) {
			return fmt.Errorf("%w: tolerance %d is %g, want a number above 0", ErrSpec, i, t)
		}
	}
	return nil
}

// valueRange is where the values of one dimension lie. Of an angle it keeps
// the range within -180..180 and that within 0..360: one of them is whole where
// the values do not go all the way round.
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

// span is the shortest range that holds all values.
func (r *valueRange) span() (low, high float64) {
	switch {
	case r.full:
		return -180, 180
	case r.angle && r.turnHigh-r.turnLow < r.high-r.low:
		return r.turnLow, r.turnHigh
	}
	return r.low, r.high
}

// gridOver returns the grid of windows of w steps over the ranges.
func gridOver(ranges []valueRange, tolerances []float64, w int) (*Grid, error) {
	dims := make([]GridDim, len(ranges))
	most := make([]int, len(ranges)) // bits beyond which levels repeat, or are too many
	total := 0
	for i := range ranges {
		low, high := ranges[i].span()
		tol := tolerances[i]
		d := GridDim{Step: 2 * tol * (1 - gridMargin), Angle: ranges[i].angle}
		levels := math.Floor((high-low)/d.Step) + 1
		most[i] = maxGridBits
		if d.Angle {
			turn := math.Ceil(360 / d.Step)
			levels = min(levels, turn)
			most[i] = min(maxGridBits, bitsFor(turn))
		}
		if d.Bits = bitsFor(levels); d.Bits > maxGridBits || ranges[i].largest > 1e9*tol {
			return nil, fmt.Errorf("%w: tolerance %d is %g, too fine for values of %g..%g", ErrSpec, i, tol, low, high)
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
		dims[i].Low = dims[i].lowFor(&ranges[i])
	}
	return NewGrid(w, dims)
}

// Widen returns the grid with payloads n bytes longer: the bits go to one
// dimension after the other from the first on, doubling its range around its
// middle, except where an angle has its full turn already. It carries windows
// that have moved out of what the grid was fitted to, at the same tolerances.
func (g *Grid) Widen(n int) (*Grid, error) {
	if n < 1 || n > MaxPayloadBytes {
		return nil, fmt.Errorf("%w: grid widened by %d bytes, want 1..%d", ErrSpec, n, MaxPayloadBytes)
	}
	dims := g.Dims()
	bits := 0
	for _, d := range dims {
		bits += d.Bits
	}
	spare := (8*(g.length+n) - bits*g.w) / g.w
	for moved := true; spare > 0 && moved; {
		moved = false
		for i := range dims {
			d := &dims[i]
			span := math.Exp2(float64(d.Bits)) * d.Step
			if spare == 0 || d.Bits == maxGridBits || d.Angle && span >= 360 {
				continue
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
			spare--
			moved = true
		}
	}
	wide, err := NewGrid(g.w, dims)
	if err != nil {
		return nil, err
	}
	if wide.length != g.length+n {
		return nil, fmt.Errorf("%w: grid of %d bytes widened by %d: at most %d are of use", ErrSpec, g.length, n, wide.length-g.length)
	}
	return wide, nil
}

// tightest is the dimension whose range fills its levels most, among those
// that can have more; -1 where none can.
func tightest(dims []GridDim, most []int, ranges []valueRange) int {
	best, least := -1, math.Inf(1)
	for i, d := range dims {
		low, high := ranges[i].span()
		room := math.Exp2(float64(d.Bits)) * d.Step / max(high-low, d.Step/2)
		if d.Bits < most[i] && room < least {
			best, least = i, room
		}
	}
	return best
}

// lowFor puts the levels' middle in the middle of the range.
func (d *GridDim) lowFor(r *valueRange) float64 {
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

// bitsFor is the number of whole bits that tell levels apart.
func bitsFor(levels float64) int { return int(math.Ceil(math.Log2(levels))) }
