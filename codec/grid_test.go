package codec

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/dataset/sensor"
)

func windowsOf(windows ...[]float64) iter.Seq2[[]float64, error] {
	return func(yield func([]float64, error) bool) {
		for _, w := range windows {
			if !yield(w, nil) {
				return
			}
		}
	}
}

func TestGridBytes(t *testing.T) {
	g, err := NewGrid(2, []GridDim{{Low: 0, Step: 1, Bits: 3}, {Low: -180, Step: 10, Bits: 6, Angle: true}, {Low: 5, Step: 2, Bits: 0}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		window, back []float64
		payload      []byte
		err          error
	}{
		// 5 | 18<<3 | 6<<9 | 35<<12, in 18 bits.
		{[]float64{5, 0, 6, 6.5, 170, 4}, []float64{5, 0, 5, 6, 170, 5}, []byte{0x95, 0x3c, 0x02}, nil},
		{[]float64{5.5, 360, 6, 7.4, 535, 4}, []float64{6, 0, 5, 7, 170, 5}, []byte{0x96, 0x3e, 0x02}, nil},
		{[]float64{7.6, 0, 5, 0, 0, 5}, nil, nil, ErrRange},
		{[]float64{-0.6, 0, 5, 0, 0, 5}, nil, nil, ErrRange},
		{[]float64{0, 0, 6.5, 0, 0, 5}, nil, nil, ErrRange},
		{[]float64{math.MaxFloat64, 0, 5, 0, 0, 5}, nil, nil, ErrRange},
		{[]float64{math.NaN(), 0, 5, 0, 0, 5}, nil, nil, ErrValue},
	} {
		got, err := g.AppendEncode(nil, c.window)
		if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%v: error %v, want %v", c.window, err, c.err)
			continue
		}
		if err != nil {
			continue
		}
		back, err := g.AppendDecode(nil, got)
		if err != nil || !slices.Equal(back, c.back) || !slices.Equal(got, c.payload) {
			t.Errorf("%v: % x is %v, %v, want % x, %v", c.window, got, back, err, c.payload, c.back)
		}
	}
	for _, p := range []struct {
		name    string
		payload []byte
	}{
		{"level 36 of 36", []byte{36 << 3 & 0xff, 36 >> 5, 0}},
		{"filled-up bits", []byte{0, 0, 0x80}},
		{"short", []byte{0, 0}},
	} {
		if _, err := g.AppendDecode(nil, p.payload); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}

// checkBound encodes a window that a grid of these tolerances must hold.
func checkBound(t *testing.T, g *Grid, window, tolerances []float64) {
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
	for i, v := range window {
		d := i % len(tolerances)
		if e := deviation(v, back[i], g.dims[d].Angle); !(e <= tolerances[d]) {
			t.Errorf("value %d: %v decodes to %v: off by %v, want at most %v (%+v)", i, v, back[i], e, tolerances[d], g.dims[d])
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
		g, err := FitGrid(windowsOf(low, high), tolerances)
		if err != nil {
			t.Fatal(err)
		}
		checkBound(t, g, low, tolerances)
		checkBound(t, g, high, tolerances)
		if wide, err := g.Widen(1 + rng.IntN(3)); err == nil {
			checkBound(t, wide, low, tolerances)
			checkBound(t, wide, high, tolerances)
		}
		for range 50 {
			window := make([]float64, sensor.MotionDims)
			for i := range window {
				d := g.dims[i]
				n := float64(rng.IntN(1 + int(g.top[i])))
				v := d.Low + (n+0.5)*d.Step
				for range rng.IntN(4) {
					v = math.Nextafter(v, math.Inf(2*rng.IntN(2)-1))
				}
				if !d.Angle {
					v = min(high[i], max(low[i], v))
				} else if deviation(v, low[i], true) > high[i]-low[i] {
					v = low[i]
				}
				window[i] = v
			}
			checkBound(t, g, window, tolerances)
		}
	}
}

func TestPhysicalGrid(t *testing.T) {
	g, err := PhysicalGrid(1, fieldTolerances)
	if err != nil {
		t.Fatal(err)
	}
	if g.MaxPayloadLen() != 16 {
		t.Errorf("%d bytes a sample, want 16", g.MaxPayloadLen())
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, at := range []func() float64{func() float64 { return 0 }, func() float64 { return 1 }, rng.Float64} {
		for range 1000 {
			window := make([]float64, sensor.MotionDims)
			for i, r := range physical {
				window[i] = r[0] + at()*(r[1]-r[0])
			}
			window[11] += 360 // a yaw of 0..360 is the same angle
			checkBound(t, g, window, fieldTolerances)
		}
	}
	for i, r := range physical {
		window := make([]float64, sensor.MotionDims)
		window[i] = r[1] * 10
		if _, err := g.AppendEncode(nil, window); !sensor.ForDims(sensor.MotionDims).Angles()[i] && !errors.Is(err, ErrRange) {
			t.Errorf("value %d is %g: %v, want %v", i, window[i], err, ErrRange)
		}
	}
	for w := 2; w <= 14; w++ {
		if g, err := PhysicalGrid(w, fieldTolerances); err != nil || g.MaxPayloadLen() > 16*w || g.MaxPayloadLen() > MaxPayloadBytes {
			t.Errorf("W=%d: %d bytes, %v", w, g.MaxPayloadLen(), err)
		}
	}
}

// Angles come back in the turn that the windows had them in, whether they wrap
// or not.
func TestFitGridOnAngles(t *testing.T) {
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
		g, err := FitGrid(windowsOf(windows...), tolerances)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := g.dims[11].Bits; got < c.bits || c.bits == 8 && got != 8 {
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

func TestFitGridRefuses(t *testing.T) {
	stop := errors.New("stop")
	for _, c := range []struct {
		name       string
		windows    iter.Seq2[[]float64, error]
		tolerances []float64
		want       error
	}{
		{"no windows", windowsOf(), []float64{1}, ErrSpec},
		{"no tolerances", windowsOf([]float64{1}), nil, ErrSpec},
		{"tolerance 0", windowsOf([]float64{1}), []float64{0}, ErrSpec},
		{"tolerance NaN", windowsOf([]float64{1}), []float64{math.NaN()}, ErrSpec},
		{"tolerance beyond float64's digits", windowsOf([]float64{1e6}), []float64{1e-6}, ErrSpec},
		{"tolerance beyond 32 bits", windowsOf([]float64{0}, []float64{10}), []float64{1e-9}, ErrSpec},
		{"no whole step", windowsOf([]float64{1, 2, 3}), []float64{1, 1}, ErrShape},
		{"windows of two lengths", windowsOf([]float64{1, 2}, []float64{1}), []float64{1}, ErrShape},
		{"infinity", windowsOf([]float64{math.Inf(1)}), []float64{1}, ErrValue},
		{"a fault of the reader's", func(yield func([]float64, error) bool) { yield(nil, stop) }, []float64{1}, stop},
	} {
		if g, err := FitGrid(c.windows, c.tolerances); !errors.Is(err, c.want) || g != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if g, err := FitGrid(windowsOf([]float64{7, 7}, []float64{7, 7}), []float64{1}); err != nil || g.MaxPayloadLen() != 2 {
		t.Errorf("constant windows: %v, want 2 bytes, the least a frame carries", err)
	}
}

func TestWiden(t *testing.T) {
	dims := []GridDim{{Low: 10, Step: 2, Bits: 4}, {Low: -30, Step: 1, Bits: 5, Angle: true}, {Low: 0, Step: 90, Bits: 2, Angle: true}, {Low: 340, Step: 10, Bits: 3, Angle: true}}
	g, err := NewGrid(1, dims)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := g.Widen(1)
	if err != nil {
		t.Fatal(err)
	}
	// 14 bits in 2 bytes become 24: the full turn gets none, the others one
	// after the other until an angle is whole.
	want := []GridDim{{Low: -230, Step: 2, Bits: 8}, {Low: -142, Step: 1, Bits: 8, Angle: true}, dims[2], {Low: 0, Step: 10, Bits: 6, Angle: true}}
	if got := wide.Dims(); !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if wide.MaxPayloadLen() != 3 {
		t.Errorf("%d bytes, want 3", wide.MaxPayloadLen())
	}
	for _, n := range []int{0, -1, 1000} {
		if _, err := g.Widen(n); !errors.Is(err, ErrSpec) {
			t.Errorf("by %d: %v, want %v", n, err, ErrSpec)
		}
	}
	whole, err := NewGrid(1, []GridDim{dims[2]})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := whole.Widen(1); !errors.Is(err, ErrSpec) {
		t.Errorf("a full turn: %v, want %v", err, ErrSpec)
	}
}

func TestGridFile(t *testing.T) {
	g, err := PhysicalGrid(2, fieldTolerances)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), GridFile)
	if err := g.Save(path); err != nil {
		t.Fatal(err)
	}
	back, err := LoadGrid(path)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(path)
	if !slices.Equal(back.Dims(), g.Dims()) || back.Schema() != g.Schema() || back.Schema() != "grid_v1:"+sha256Hex(data) {
		t.Errorf("%v %s, want %v %s", back.Dims(), back.Schema(), g.Dims(), g.Schema())
	}
	for _, c := range []struct {
		name, text string
		want       error
		names      []string
	}{
		{"empty", ``, artifacts.ErrMalformed, nil},
		{"null", `null`, artifacts.ErrMalformed, []string{"window_W", "dims"}},
		{"a list", `[]`, artifacts.ErrMalformed, nil},
		{"two objects", `{"window_W":1,"dims":[{"low":0,"step":1,"bits":3,"angle":false}]} {}`, artifacts.ErrMalformed, []string{"more"}},
		{"a misspelt key", `{"window_W":1,"dims":[{"lo":0,"step":1,"bits":3}]}`, artifacts.ErrMalformed, []string{"lo"}},
		{"a wrong type", `{"window_W":1,"dims":[{"low":"0","step":1,"bits":3}]}`, artifacts.ErrMalformed, []string{"low", "string"}},
		{"NaN", `{"window_W":1,"dims":[{"low":NaN,"step":1,"bits":3}]}`, artifacts.ErrMalformed, nil},
		{"all faults at once", `{"window_W":0,"dims":[{"low":0,"step":0,"bits":-1},{"low":0,"step":-1,"bits":1}]}`, artifacts.ErrMalformed,
			[]string{"window_W", "dims[0].step", "dims[0].bits", "dims[1].step"}},
		{"too many bits", `{"window_W":1,"dims":[{"low":0,"step":1,"bits":64}]}`, artifacts.ErrTooLarge, []string{"dims[0].bits", "64", "32"}},
		{"no bits", `{"window_W":1,"dims":[{"low":0,"step":1,"bits":0}]}`, artifacts.ErrMalformed, []string{"dims"}},
		{"levels beyond float64", `{"window_W":1,"dims":[{"low":1e308,"step":1e308,"bits":8}]}`, artifacts.ErrMalformed, []string{"dims[0]"}},
		{"an angle out of its turn", `{"window_W":1,"dims":[{"low":400,"step":1,"bits":8,"angle":true}]}`, artifacts.ErrMalformed, []string{"dims[0].low"}},
		{"a window too large", `{"window_W":65536,"dims":[{"low":0,"step":1,"bits":8},{"low":0,"step":1,"bits":8}]}`, artifacts.ErrTooLarge, []string{"window_W"}},
		{"a huge file", strings.Repeat(" ", maxFile+1), artifacts.ErrTooLarge, nil},
		{"deep", strings.Repeat("[", 1e5), artifacts.ErrMalformed, nil},
	} {
		path := filepath.Join(t.TempDir(), "bad.json")
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := LoadGrid(path)
		var located *Error
		if !errors.Is(err, c.want) || !errors.As(err, &located) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		for _, name := range append(c.names, "bad.json") {
			if !strings.Contains(fmt.Sprint(err), name) {
				t.Errorf("%s: %v does not name %s", c.name, err, name)
			}
		}
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
		g, err := FitGrid(windowsOf(low, high, mid), tolerances)
		if err != nil {
			return
		}
		for _, w := range [][]float64{low, high, mid} {
			checkBound(t, g, w, tolerances)
		}
		if g, err = FitGrid(windowsOf(low, high), tolerances); err != nil {
			t.Fatal(err)
		}
		mid[1], mid[9], mid[11] = a, a, a // an angle between may lie on the other arc
		if min(a, b) <= x && x <= max(a, b) {
			checkBound(t, g, mid, tolerances)
		}
	})
}

func FuzzGridFile(f *testing.F) {
	g, err := PhysicalGrid(1, fieldTolerances)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(g.file, []byte("0123456789abcdef"))
	f.Add([]byte(`{"window_W":3,"dims":[{"low":-1,"step":1e-9,"bits":32,"angle":true},{"low":1,"step":5,"bits":1}]}`), []byte("0123456789abc"))
	f.Fuzz(func(t *testing.T, data, payload []byte) {
		g, err := parseGrid(GridFile, data)
		if err != nil {
			return
		}
		window, err := g.AppendDecode(nil, payload)
		if err != nil {
			return
		}
		for _, v := range window {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("decoded %g", v)
			}
		}
	})
}
