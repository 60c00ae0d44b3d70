package fit_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testwindows"
)

var (
	sample     = testwindows.Sample()
	tolerances = sensor.Motion().Tolerances()
)

// bounds are those of motion samples with tolerances of the test's own.
func bounds(tolerances []float64) fit.Bounds { return fit.Bounds{Tolerances: tolerances} }

// checkBound encodes a window that a grid of these tolerances must hold.
func checkBound(t *testing.T, g *codec.Grid, window, tolerances []float64) {
	t.Helper()
	payload, err := g.AppendEncode(nil, window)
	if err != nil {
		t.Errorf("%v: %v", window, err)
		return
	}
	back, err := g.AppendDecode(nil, payload)
	if err != nil {
		t.Errorf("%v: % x: %v", window, payload, err)
		return
	}
	dims := g.Dims()
	for i, v := range window {
		d := i % len(tolerances)
		if e := math.Abs(sensor.Difference(v, back[i], dims[d].Angle)); !(e <= tolerances[d]) {
			t.Errorf("value %d: %v decodes to %v: off by %v, want at most %v (%+v)", i, v, back[i], e, tolerances[d], dims[d])
		}
	}
}

// Half-way between two levels, at both ends of the range, and a few steps of
// float64 beside them.
func TestGridHoldsItsBoundAtTheEdges(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		tolerances := make([]float64, sensor.MotionDims)
		low, high := make([]float64, sensor.MotionDims), make([]float64, sensor.MotionDims)
		for i := range tolerances {
			tolerances[i] = math.Exp(rng.Float64()*12 - 9)
			low[i] = (rng.Float64() - 0.5) * math.Exp(rng.Float64()*8)
			high[i] = low[i] + tolerances[i]*math.Exp(rng.Float64()*9)
		}
		r, err := fit.Grid(t.Context(), testwindows.Of(low, high), &fit.GridSettings{Bounds: bounds(tolerances)})
		if err != nil {
			t.Fatal(err)
		}
		checkBound(t, r.Codec, low, tolerances)
		checkBound(t, r.Codec, high, tolerances)
		if wide, err := fit.WidenGrid(r.Codec, 1+rng.IntN(3)); err == nil {
			checkBound(t, wide.Codec, low, tolerances)
			checkBound(t, wide.Codec, high, tolerances)
		}
		for range 50 {
			window := make([]float64, sensor.MotionDims)
			for i := range window {
				d := r.Codec.Dims()[i]
				n := float64(rng.IntN(levels(d)))
				v := d.Low + (n+0.5)*d.Step
				for range rng.IntN(4) {
					v = math.Nextafter(v, math.Inf(2*rng.IntN(2)-1))
				}
				if !d.Angle {
					v = min(high[i], max(low[i], v))
				} else if math.Abs(sensor.Difference(v, low[i], true)) > high[i]-low[i] {
					v = low[i]
				}
				window[i] = v
			}
			checkBound(t, r.Codec, window, tolerances)
		}
	}
}

// levels is how many levels a dimension has.
func levels(d codec.GridDim) int {
	n := 1 << d.Bits
	if d.Angle {
		n = min(n, int(math.Ceil(360/d.Step)))
	}
	return n
}

func TestPhysicalGrid(t *testing.T) {
	r, err := fit.PhysicalGrid(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := r.Codec
	if g.MaxPayloadLen() != 16 {
		t.Errorf("%d bytes a sample, want 16", g.MaxPayloadLen())
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, at := range []func() float64{func() float64 { return 0 }, func() float64 { return 1 }, rng.Float64} {
		for range 1000 {
			window := make([]float64, sensor.MotionDims)
			for i, v := range sensor.Motion() {
				window[i] = v.Low + at()*(v.High-v.Low)
			}
			window[11] += 360 // a yaw of 0..360 is the same angle
			checkBound(t, g, window, tolerances)
		}
	}
	for i, v := range sensor.Motion() {
		window := make([]float64, sensor.MotionDims)
		window[i] = v.High * 10
		if _, err := g.AppendEncode(nil, window); !v.Angle && !errors.Is(err, codec.ErrRange) {
			t.Errorf("value %d is %g: %v, want %v", i, window[i], err, codec.ErrRange)
		}
	}
	for w := 2; w <= 14; w++ {
		if r, err := fit.PhysicalGrid(w, nil); err != nil || r.Codec.MaxPayloadLen() > 16*w || r.Codec.MaxPayloadLen() > codec.MaxPayloadBytes {
			t.Errorf("W=%d: %+v, %v", w, r, err)
		}
	}
	for name, v := range map[string]struct {
		w        int
		settings *fit.GridSettings
	}{
		"no steps":                {0, nil},
		"too many steps":          {1 << 20, nil},
		"values of unknown range": {1, &fit.GridSettings{Bounds: bounds([]float64{1, 1})}},
	} {
		if r, err := fit.PhysicalGrid(v.w, v.settings); !errors.Is(err, fit.ErrSettings) || r != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Angles come back in the turn that the windows had them in, whether they wrap
// or not.
func TestGridOnAngles(t *testing.T) {
	for _, c := range []struct {
		name   string
		angles []float64
		bits   int // of tolerance 1
	}{
		{"around north, signed", []float64{-20, 0, 20}, 5},
		{"around south, signed", []float64{-170, 180, 160}, 4},
		{"around north, unsigned", []float64{340, 0, 20}, 5},
		{"around south, unsigned", []float64{190, 180, 160}, 4},
		{"all round, signed", []float64{-180, -90, 0, 90, 179}, 8},
		{"all round, unsigned", []float64{0, 90, 180, 270, 359}, 8},
	} {
		tolerances := slices.Repeat([]float64{1000}, sensor.MotionDims)
		tolerances[11] = 1
		var windows [][]float64
		for _, a := range c.angles {
			w := make([]float64, sensor.MotionDims)
			w[11] = a
			windows = append(windows, w)
		}
		r, err := fit.Grid(t.Context(), testwindows.Of(windows...), &fit.GridSettings{Bounds: bounds(tolerances)})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		g := r.Codec
		if got := g.Dims()[11].Bits; got < c.bits || c.bits == 8 && got != 8 {
			t.Errorf("%s: %d bits, want %d and what is left over", c.name, got, c.bits)
		}
		for _, w := range windows {
			payload, err := g.AppendEncode(nil, w)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			back, err := g.AppendDecode(nil, payload)
			if e := math.Abs(back[11] - w[11]); err != nil || e > 1 && math.Abs(w[11]) != 180 && w[11] != 0 && w[11] != 359 && w[11] != 179 {
				t.Errorf("%s: %g comes back as %g, %v", c.name, w[11], back[11], err)
			}
		}
	}
}

func TestGridRefuses(t *testing.T) {
	stop := errors.New("stop")
	for _, c := range []struct {
		name       string
		windows    fit.Windows
		tolerances []float64
		want       error
	}{
		{"no windows", testwindows.Of(), []float64{1}, fit.ErrNoData},
		{"not motion samples, without tolerances", testwindows.Of([]float64{1}), nil, codec.ErrShape},
		{"no tolerance", testwindows.Of([]float64{1}), []float64{}, fit.ErrSettings},
		{"tolerance 0", testwindows.Of([]float64{1}), []float64{0}, fit.ErrSettings},
		{"tolerance NaN", testwindows.Of([]float64{1}), []float64{math.NaN()}, fit.ErrSettings},
		{"tolerance beyond float64's digits", testwindows.Of([]float64{1e6}), []float64{1e-6}, fit.ErrSettings},
		{"tolerance beyond 32 bits", testwindows.Of([]float64{0}, []float64{10}), []float64{1e-9}, fit.ErrSettings},
		{"no whole step", testwindows.Of([]float64{1, 2, 3}), []float64{1, 1}, codec.ErrShape},
		{"windows of two lengths", testwindows.Of([]float64{1, 2}, []float64{1}), []float64{1}, codec.ErrShape},
		{"infinity", testwindows.Of([]float64{math.Inf(1)}), []float64{1}, codec.ErrValue},
		{"a fault of the reader's", func(yield func([]float64, error) bool) { yield(nil, stop) }, []float64{1}, stop},
	} {
		if r, err := fit.Grid(t.Context(), c.windows, &fit.GridSettings{Bounds: bounds(c.tolerances)}); !errors.Is(err, c.want) || r != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if r, err := fit.Grid(t.Context(), testwindows.Of([]float64{7, 7}, []float64{7, 7}), &fit.GridSettings{Bounds: bounds([]float64{1})}); err != nil || r.Codec.MaxPayloadLen() != 2 {
		t.Errorf("constant windows: %v, want 2 bytes, the least a frame carries", err)
	}
}

func TestWidenGrid(t *testing.T) {
	dims := []codec.GridDim{{Low: 10, Step: 2, Bits: 4}, {Low: -30, Step: 1, Bits: 5, Angle: true}, {Low: 0, Step: 90, Bits: 2, Angle: true}, {Low: 340, Step: 10, Bits: 3, Angle: true}}
	g, err := codec.NewGrid(1, dims)
	if err != nil {
		t.Fatal(err)
	}
	r, err := fit.WidenGrid(g, 1)
	if err != nil {
		t.Fatal(err)
	}
	wide := r.Codec
	// 14 bits in 2 bytes become 24: the full turn gets none, the others one
	// after the other until an angle is whole.
	want := []codec.GridDim{{Low: -230, Step: 2, Bits: 8}, {Low: -142, Step: 1, Bits: 8, Angle: true}, dims[2], {Low: 0, Step: 10, Bits: 6, Angle: true}}
	if got := wide.Dims(); !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if wide.MaxPayloadLen() != 3 {
		t.Errorf("%d bytes, want 3", wide.MaxPayloadLen())
	}
	for _, n := range []int{0, -1, 1000} {
		if _, err := fit.WidenGrid(g, n); !errors.Is(err, fit.ErrSettings) {
			t.Errorf("by %d: %v, want %v", n, err, fit.ErrSettings)
		}
	}
	whole, err := codec.NewGrid(1, []codec.GridDim{dims[2]})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fit.WidenGrid(whole, 1); !errors.Is(err, fit.ErrSettings) {
		t.Errorf("a full turn: %v, want %v", err, fit.ErrSettings)
	}
}

// Whatever lies within the range a grid is fitted to comes back within the
// tolerance.
func FuzzGrid(f *testing.F) {
	f.Add(0.0, 1.0, 0.1, 0.5)
	f.Add(126.5, 126.6, 4.5e-5, 126.500045)
	f.Add(-180.0, 180.0, 3.0, 179.99)
	f.Fuzz(func(t *testing.T, a, b, tol, x float64) {
		tolerances := slices.Repeat([]float64{tol}, sensor.MotionDims)
		low, high, mid := slices.Repeat([]float64{a}, sensor.MotionDims), slices.Repeat([]float64{b}, sensor.MotionDims), slices.Repeat([]float64{x}, sensor.MotionDims)
		r, err := fit.Grid(t.Context(), testwindows.Of(low, high, mid), &fit.GridSettings{Bounds: bounds(tolerances)})
		if err != nil {
			return
		}
		for _, w := range [][]float64{low, high, mid} {
			checkBound(t, r.Codec, w, tolerances)
		}
		if r, err = fit.Grid(t.Context(), testwindows.Of(low, high), &fit.GridSettings{Bounds: bounds(tolerances)}); err != nil {
			t.Fatal(err)
		}
		mid[1], mid[9], mid[11] = a, a, a // an angle between may lie on the other arc
		if min(a, b) <= x && x <= max(a, b) {
			checkBound(t, r.Codec, mid, tolerances)
		}
	})
}

func TestValuesEndsWithAnError(t *testing.T) {
	stop := errors.New("stop")
	failing := func(yield func(dataset.Window, error) bool) {
		if yield(dataset.Window{Values: sample}, nil) && yield(dataset.Window{}, stop) {
			t.Error("asked for more after an error")
		}
	}
	if r, err := fit.Grid(t.Context(), fit.Values(failing), nil); !errors.Is(err, stop) || r != nil {
		t.Errorf("%v, want %v", err, stop)
	}
}
