package codec

import (
	"errors"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// smallLattice is that of the worked example in docs/ladder.md: a line of cells
// of 1 about 10, and an angle of 36 cells.
func smallLattice(t testing.TB, w int) *Lattice {
	t.Helper()
	table := slices.Repeat([]int{130}, latticeTokens)
	table[directCells-1], table[directCells], table[directCells+1] = 8192, 33160, 16384
	f := &latticeFile{
		WindowW: w,
		Dims:    []LatticeDim{{Step: 1}, {Low: -180, Cells: 36}},
		Modes:   []latticeFileMode{{Frequency: 65536, Center: []float64{10, 18}, First: [][]int{table, table}}},
	}
	if w > 1 {
		f.Modes[0].Next = [][]int{table, table}
	}
	return latticeOf(t, f)
}

func latticeOf(t testing.TB, f *latticeFile) *Lattice {
	t.Helper()
	text, err := f.text()
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseLattice(LatticeFile, text)
	if err != nil {
		t.Fatal(err)
	}
	return &Lattice{m, 2}
}

// wander yields n windows of samples of a walk that turns through north, with
// a stop now and then.
func wander(n, w int) iter.Seq2[[]float64, error] {
	return func(yield func([]float64, error) bool) {
		rng := rand.New(rand.NewPCG(3, 4))
		at := slices.Clone(sample)
		for i := range n {
			var window []float64
			for range w {
				for j, tol := range fieldTolerances {
					if i/50%3 > 0 {
						at[j] += tol * rng.NormFloat64()
					}
				}
				for _, j := range []int{9, 11} {
					at[j] = math.Remainder(at[j], 360)
				}
				window = append(window, at...)
			}
			if !yield(window, nil) {
				return
			}
		}
	}
}

func wanderLattice(t testing.TB, n, w int, set *LatticeSettings) *Lattice {
	t.Helper()
	c, _, err := FitLattice(wander(n, w), fieldTolerances, set)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLatticeBytes(t *testing.T) {
	c := smallLattice(t, 1)
	for _, v := range []struct {
		window, back []float64
		payload      []byte
		err          error
	}{
		{[]float64{10, 0}, []float64{10, 5}, []byte{0x3b, 0}, nil},
		{[]float64{11.2, -3}, []float64{11, -5}, []byte{0xab, 0}, nil},
		{[]float64{11.5, 717}, []float64{12, -5}, nil, nil}, // to even, two turns on
		{[]float64{30.4, -3}, []float64{30, -5}, []byte{0xf0, 0xe5}, nil},
		{[]float64{10, 180}, []float64{10, 175}, nil, nil}, // not -175
		{[]float64{10, -180}, []float64{10, -175}, nil, nil},
		{[]float64{-99990, 170}, nil, nil, ErrTooLong},
		{[]float64{1e9, 0}, nil, nil, ErrRange},
		{[]float64{0, 1e300}, nil, nil, ErrRange},
		{[]float64{math.NaN(), 0}, nil, nil, ErrValue},
		{[]float64{1}, nil, nil, ErrShape},
	} {
		got, err := c.AppendEncode(nil, v.window)
		if !errors.Is(err, v.err) || (err == nil) != (v.err == nil) {
			t.Errorf("%v: error %v, want %v", v.window, err, v.err)
			continue
		}
		if err != nil {
			continue
		}
		back, err := c.AppendDecode(nil, got)
		if err != nil || !slices.Equal(back, v.back) || v.payload != nil && !slices.Equal(got, v.payload) {
			t.Errorf("%v: % x is %v, %v, want % x, %v", v.window, got, back, err, v.payload, v.back)
		}
	}
	for _, p := range [][]byte{{0x3b, 1}, {0x3c, 0}, {0xff, 0xff}, {0}, {0, 0, 0}} {
		if got, err := c.AppendDecode([]float64{1}, p); !errors.Is(err, ErrCorrupt) || len(got) != 1 {
			t.Errorf("% x: %v, %v, want %v", p, got, err, ErrCorrupt)
		}
	}
	long, err := c.WithPayloadBytes(9)
	if err != nil {
		t.Fatal(err)
	}
	got, err := long.AppendEncode(nil, []float64{-99990, 170})
	if n, e := c.CodeLen([]float64{-99990, 170}); err != nil || e != nil || n > 9 || slices.Max(got[n:]) != 0 || got[n-1] == 0 {
		t.Errorf("% x of %d bytes, %v, %v", got, n, err, e)
	}
	if !strings.HasPrefix(long.Schema(), "lattice_v1:"+sha256Hex(c.file)) || !strings.HasSuffix(long.Schema(), ":bytes=9") {
		t.Error(long.Schema())
	}
	for _, n := range []int{-1, 0, 1, 256} {
		if _, err := c.WithPayloadBytes(n); !errors.Is(err, ErrSpec) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// Steps are told by their difference, and that of angles the short way round.
func TestLatticeSteps(t *testing.T) {
	c := smallLattice(t, 3)
	near, err := c.CodeLen([]float64{10, 175, 11, -175, 10, 175})
	far, err2 := c.CodeLen([]float64{10, 175, 40, 5, 10, 175})
	if err != nil || err2 != nil || near >= far {
		t.Errorf("across the cut %d bytes, %v; half round %d bytes, %v", near, err, far, err2)
	}
	c, _ = c.WithPayloadBytes(20)
	window := []float64{10, 175, 900, -175, -10, 179}
	payload, err := c.AppendEncode(nil, window)
	back, err2 := c.AppendDecode(nil, payload)
	if want := []float64{10, 175, 900, -175, -10, 175}; err != nil || err2 != nil || !slices.Equal(back, want) {
		t.Errorf("%v, %v, %v, want %v", back, err, err2, want)
	}
}

// Every window that sensors can physically give has a code, and comes back
// within the tolerances.
func TestLatticeHoldsItsBound(t *testing.T) {
	fitted, err := wanderLattice(t, 500, 1, nil).WithPayloadBytes(60)
	if err != nil {
		t.Fatal(err)
	}
	n := 1_000_000
	if testing.Short() || raceEnabled {
		n = 50_000
	}
	var wg sync.WaitGroup
	for part := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(7, uint64(part)))
			window := make([]float64, sensor.MotionDims)
			var payload []byte
			var back []float64
			for range n / 4 {
				for i, r := range physical {
					window[i] = r[0] + rng.Float64()*(r[1]-r[0])
					switch d := &fitted.dims[i]; {
					case rng.IntN(40) == 0:
						window[i] = r[rng.IntN(2)]
					case rng.IntN(40) > 0: // else at the edge between two cells
					case d.Cells > 0:
						window[i] = d.Low + 360*float64(rng.Int64N(d.Cells+1))/float64(d.Cells)
					default:
						window[i] = fitted.modes[0].origin[i] + (float64(rng.IntN(9))-4.5)*2*fieldTolerances[i]*(1-gridMargin)
					}
				}
				var err error
				if payload, err = fitted.AppendEncode(payload[:0], window); err != nil {
					t.Errorf("%v: %v", window, err)
					return
				}
				if back, err = fitted.AppendDecode(back[:0], payload); err != nil {
					t.Errorf("%v: % x: %v", window, payload, err)
					return
				}
				for i, v := range window {
					// Not modulo 360: an angle of -180..180 stays on its turn.
					if e := math.Abs(v - back[i]); !(e <= fieldTolerances[i]) {
						t.Errorf("value %d: %v decodes to %v: off by %v", i, v, back[i], e)
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestLatticeFile(t *testing.T) {
	c := wanderLattice(t, 200, 2, &LatticeSettings{Regions: 2})
	path := filepath.Join(t.TempDir(), LatticeFile)
	if err := c.Save(path); err != nil {
		t.Fatal(err)
	}
	same, err := LoadLattice(path, c.MaxPayloadLen())
	if err != nil || same.Schema() != c.Schema() {
		t.Fatalf("%v, %v", same, err)
	}
	embedded, err := LoadLatticeFS(os.DirFS(filepath.Dir(path)), LatticeFile, 7)
	if err != nil || embedded.MaxPayloadLen() != 7 {
		t.Errorf("through an fs.FS: %v", err)
	}
	spec := Spec{ID: "lattice", Version: "1", Params: Params{LatticePath: path, PayloadBytes: 20}, Dims: 12, W: 2, Stride: 3}
	if got, err := New(spec); err != nil || got.MaxPayloadLen() != 20 {
		t.Errorf("New: %v", err)
	}
	for name, edit := range map[string]func(*Spec){
		"another W":     func(s *Spec) { s.W = 1 },
		"as many":       func(s *Spec) { s.Dims, s.W = 24, 1 },
		"no bytes":      func(s *Spec) { s.Params.PayloadBytes = 0 },
		"no path":       func(s *Spec) { s.Params.LatticePath = "" },
		"other version": func(s *Spec) { s.Version = "2" },
	} {
		s := spec
		edit(&s)
		if got, err := New(s); !errors.Is(err, ErrSpec) || got != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	good := string(smallLattice(t, 1).file)
	for _, v := range []struct {
		name, old, new string
		want           error
		field          string
	}{
		{"misspelt key", `"center"`, `"centre"`, artifacts.ErrMalformed, "centre"},
		{"W of 0", `"window_W": 1`, `"window_W": 0`, artifacts.ErrMalformed, "window_W"},
		{"too many values", `"window_W": 1`, `"window_W": 65536`, artifacts.ErrTooLarge, "window_W"},
		{"W of 2 without steps behind the first", `"window_W": 1`, `"window_W": 2`, artifacts.ErrMalformed, "modes[0].next"},
		{"neither step nor cells", `{"step":1}`, `{}`, artifacts.ErrMalformed, "dims[0]"},
		{"step and cells", `{"step":1}`, `{"step":1,"cells":3}`, artifacts.ErrMalformed, "dims[0]"},
		{"negative step", `{"step":1}`, `{"step":-1}`, artifacts.ErrMalformed, "dims[0].step"},
		{"huge step", `{"step":1}`, `{"step":1e300}`, artifacts.ErrMalformed, "dims[0].step"},
		{"too many cells", `"cells":36`, `"cells":1073741825`, artifacts.ErrTooLarge, "dims[1].cells"},
		{"a dim more", `{"step":1},`, `{"step":1},{"step":1},`, artifacts.ErrMalformed, "modes[0].center"},
		{"center far away", `[10,18]`, `[1e99,18]`, artifacts.ErrMalformed, "modes[0].center[0]"},
		{"center between cells", `[10,18]`, `[10,18.5]`, artifacts.ErrMalformed, "modes[0].center[1]"},
		{"center beyond the cells", `[10,18]`, `[10,36]`, artifacts.ErrMalformed, "modes[0].center[1]"},
		{"mode frequencies", `"frequency": 65536`, `"frequency": 65535`, artifacts.ErrMalformed, "modes"},
		{"mode without", `"frequency": 65536`, `"frequency": 0`, artifacts.ErrMalformed, "modes[0].frequency"},
		{"table's sum", `33160`, `33161`, artifacts.ErrMalformed, "modes[0].first[0]"},
		{"a frequency of 0", `[130,130`, `[0,260`, artifacts.ErrMalformed, "modes[0].first[0]"},
		{"a frequency that overflows", `[130,130`, `[9223372036854775807,130`, artifacts.ErrMalformed, "modes[0].first[0]"},
		{"a token too few", `[130,130`, `[260`, artifacts.ErrMalformed, "modes[0].first[0]"},
		{"a string", `[130,130`, `["130",130`, artifacts.ErrMalformed, "modes.first"},
		{"more behind", "\n}\n", "\n}\n{}", artifacts.ErrMalformed, ""},
	} {
		if !strings.Contains(good, v.old) {
			t.Fatalf("%s: no %q in %s", v.name, v.old, good)
		}
		_, err := parseLattice(LatticeFile, []byte(strings.Replace(good, v.old, v.new, 1)))
		var located *Error
		if !errors.Is(err, v.want) || !errors.As(err, &located) || !strings.Contains(err.Error(), v.field) {
			t.Errorf("%s: %v, want %v at %s", v.name, err, v.want, v.field)
		}
	}
	if _, err := LoadLattice(filepath.Join(t.TempDir(), "none.json"), 2); !errors.Is(err, artifacts.ErrNotFound) {
		t.Errorf("missing: %v", err)
	}
	large := filepath.Join(t.TempDir(), LatticeFile)
	if err := os.WriteFile(large, make([]byte, maxFile+1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadLattice(large, 2); !errors.Is(err, artifacts.ErrTooLarge) {
		t.Errorf("large: %v", err)
	}
}

// A ladder file that holds one lattice at several lengths, with a grid behind.
func TestLatticeLadder(t *testing.T) {
	dir := t.TempDir()
	fitted := wanderLattice(t, 300, 1, nil)
	last, err := PhysicalGrid(1, fieldTolerances)
	if err != nil || fitted.Save(filepath.Join(dir, LatticeFile)) != nil || last.Save(filepath.Join(dir, GridFile)) != nil {
		t.Fatal(err)
	}
	l := &Ladder{Window: sensor.Shape{Dims: 12, W: 1, Stride: 1}, Tolerances: fieldTolerances}
	for n := 2; n < 16; n++ {
		l.Rungs = append(l.Rungs, Rung{Codec: Section{latticeID, "1", Params{LatticePath: LatticeFile, PayloadBytes: n}}})
	}
	l.Rungs = append(l.Rungs, Rung{Codec: Section{gridID, "1", Params{GridPath: GridFile}}})
	path := filepath.Join(dir, LadderFile)
	if _, err := SaveLadder(path, l); err != nil {
		t.Fatal(err)
	}
	b, err := LoadBounded(path)
	if err != nil {
		t.Fatal(err)
	}
	for w := range wander(300, 1) {
		payload, err := b.AppendEncode(nil, w)
		n, _ := fitted.CodeLen(w)
		if want := min(16, max(2, n)); err != nil || len(payload) != want {
			t.Fatalf("%d bytes, %v, want %d", len(payload), err, want)
		}
	}
	far := []float64{-89, 179, 19000, 150, -150, 150, 1900, -1900, 1900, 179, -179, 0}
	if payload, err := b.AppendEncode(nil, far); err != nil || len(payload) != 16 {
		t.Errorf("%d bytes, %v, want the physical grid's 16", len(payload), err)
	}
	if !raceEnabled {
		payload := make([]byte, 0, 16)
		for _, w := range [][]float64{sample, far} {
			if n := testing.AllocsPerRun(100, func() { payload, _ = b.AppendEncode(payload[:0], w) }); n != 0 {
				t.Errorf("%v allocations a window, want none", n)
			}
		}
	}
	// Another lattice of the same shape is refused.
	if err := wanderLattice(t, 301, 1, nil).Save(filepath.Join(dir, LatticeFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadBounded(path); !errors.Is(err, artifacts.ErrMismatch) {
		t.Errorf("another lattice: %v", err)
	}
}

func FuzzLatticeDecode(f *testing.F) {
	codecs := []*Lattice{smallLattice(f, 1), smallLattice(f, 3), wanderLattice(f, 300, 1, nil), wanderLattice(f, 100, 3, nil)}
	for _, c := range codecs {
		window := windowFor(c)
		long, _ := c.WithPayloadBytes(100)
		payload, err := long.AppendEncode(nil, window)
		if err != nil {
			f.Fatal(err)
		}
		n, _ := c.CodeLen(window)
		f.Add(payload[:max(2, n)])
	}
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, payload []byte) {
		for i, c := range codecs {
			c, err := c.WithPayloadBytes(len(payload))
			if err != nil {
				return
			}
			back, err := c.AppendDecode([]float64{1}, payload)
			if err != nil {
				if len(back) != 1 || !errors.Is(err, ErrCorrupt) {
					t.Errorf("%d: %d values, %v", i, len(back)-1, err)
				}
				continue
			}
			if len(back) != 1+c.WindowLen() {
				t.Errorf("%d: %d values", i, len(back)-1)
			}
			for _, v := range back {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("%d: decoded %g", i, v)
				}
			}
		}
	})
}

func FuzzLatticeFile(f *testing.F) {
	f.Add(smallLattice(f, 1).file)
	f.Add(smallLattice(f, 2).file)
	f.Add([]byte(`{"window_W": 1, "dims": [{"cells": 1}], "modes": [{"frequency": 65536, "center": [0]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseLattice(LatticeFile, data)
		if err != nil {
			return
		}
		c := &Lattice{m, 255}
		window := make([]float64, c.WindowLen())
		payload, err := c.AppendEncode(nil, window)
		if err != nil {
			return
		}
		back, err := c.AppendDecode(nil, payload)
		for i, v := range back {
			d := c.dims[i%len(c.dims)]
			half := d.Step / 2
			if d.Cells > 0 {
				half = 180 / float64(d.Cells)
			}
			if !(deviation(window[i], v, d.Cells > 0) <= half*(1+1e-6)) {
				t.Errorf("value %d is %g, half a cell is %g", i, v, half)
			}
		}
		if err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkLattice(b *testing.B) {
	fitted, err := wanderLattice(b, 1000, 1, &LatticeSettings{Regions: 16}).WithPayloadBytes(15)
	if err != nil {
		b.Fatal(err)
	}
	last, err := PhysicalGrid(1, fieldTolerances)
	if err != nil {
		b.Fatal(err)
	}
	var rungs []Codec
	for n := 2; n < 16; n++ {
		c, _ := fitted.WithPayloadBytes(n)
		rungs = append(rungs, c)
	}
	ladder, err := NewBounded(sensor.Shape{Dims: 12, W: 1}, fieldTolerances, append(rungs, last)...)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		Codec
	}{{"lattice", fitted}, {"ladder", ladder}} {
		payload, err := c.AppendEncode(nil, sample)
		if err != nil {
			b.Fatal(err)
		}
		buf, window := make([]byte, 0, 16), make([]float64, 0, sensor.MotionDims)
		b.Run(c.name+"/encode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				buf, _ = c.AppendEncode(buf[:0], sample)
			}
		})
		b.Run(c.name+"/decode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				window, _ = c.AppendDecode(window[:0], payload)
			}
		})
	}
}
