package codec_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/entropygrid"
	"github.com/loralink/loralink-go/internal/modelfile"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/internal/testwindows"
)

// smallEntropyGrid is that of the worked example in docs/ladder.md: a line of
// steps of 1 about 10, and an angle of 36 steps.
func smallEntropyGrid(t testing.TB, w int) *codec.EntropyGrid {
	t.Helper()
	table := slices.Repeat([]int{130}, entropygrid.Symbols)
	const zero = entropygrid.DirectSteps
	table[zero-1], table[zero], table[zero+1] = 8192, 33160, 16384
	f := &entropygrid.File{
		W:          w,
		Dims:       []entropygrid.Dim{{Step: 1}, {Low: -180, Steps: 36}},
		Components: []entropygrid.Component{{Frequency: 65536, Center: []float64{10, 18}, First: [][]int{table, table}}},
	}
	if w > 1 {
		f.Components[0].Next = [][]int{table, table}
	}
	text, err := f.Text()
	if err != nil {
		t.Fatal(err)
	}
	c, err := codec.ParseEntropyGrid(text, 2)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wanderGrid is fitted to n windows of w steps of a walk, with payloads as long as
// the longest of them needs.
func wanderGrid(t testing.TB, n, w int, settings *fit.EntropyGridSettings) *codec.EntropyGrid {
	t.Helper()
	r, err := fit.EntropyGrid(t.Context(), testwindows.Wander(n, w), settings)
	if err != nil {
		t.Fatal(err)
	}
	return r.Codec
}

func TestEntropyGridBytes(t *testing.T) {
	c := smallEntropyGrid(t, 1)
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
		{[]float64{-99990, 170}, nil, nil, codec.ErrTooLong},
		{[]float64{1e9, 0}, nil, nil, codec.ErrRange},
		{[]float64{0, 1e300}, nil, nil, codec.ErrRange},
		{[]float64{math.NaN(), 0}, nil, nil, codec.ErrValue},
		{[]float64{1}, nil, nil, codec.ErrShape},
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
		if got, err := c.AppendDecode([]float64{1}, p); !errors.Is(err, codec.ErrCorrupt) || len(got) != 1 {
			t.Errorf("% x: %v, %v, want %v", p, got, err, codec.ErrCorrupt)
		}
	}
	long, err := c.WithPayloadBytes(9)
	if err != nil {
		t.Fatal(err)
	}
	got, err := long.AppendEncode(nil, []float64{-99990, 170})
	if n, ok := c.Need([]float64{-99990, 170}); err != nil || !ok || n > 9 || slices.Max(got[n:]) != 0 || got[n-1] == 0 {
		t.Errorf("% x of %d bytes, %v", got, n, err)
	}
	if !strings.HasPrefix(long.Schema(), "entropy_grid_v1:"+modelfile.Hash(c.File())) || !strings.HasSuffix(long.Schema(), ":bytes=9") {
		t.Error(long.Schema())
	}
	for _, n := range []int{-1, 1, 256} {
		if _, err := c.WithPayloadBytes(n); !errors.Is(err, codec.ErrSpec) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// Without a length, payloads are as long as each window needs, and no two
// payloads decode to one window.
func TestEntropyGridAsLongAsNeeded(t *testing.T) {
	fixed := wanderGrid(t, 300, 1, nil)
	c, err := fixed.WithPayloadBytes(0)
	if err != nil {
		t.Fatal(err)
	}
	if c.PayloadLen() != 0 || c.MaxPayloadLen() != codec.MaxPayloadBytes || c.Schema() == fixed.Schema() {
		t.Errorf("length %d, at most %d, schema %s", c.PayloadLen(), c.MaxPayloadLen(), c.Schema())
	}
	lengths := map[int]bool{}
	for w := range testwindows.Wander(300, 1) {
		payload, err := c.AppendEncode(nil, w)
		if n, ok := c.Need(w); err != nil || !ok || len(payload) != n {
			t.Fatalf("%d bytes, %v, want %d", len(payload), err, n)
		}
		lengths[len(payload)] = true
		padded, err := fixed.AppendEncode(nil, w)
		if err != nil {
			t.Fatal(err)
		}
		back, err := c.AppendDecode(nil, payload)
		want, err2 := fixed.AppendDecode(nil, padded)
		if err != nil || err2 != nil || !slices.Equal(back, want) {
			t.Fatalf("decoded %v, %v, want %v, %v", back, err, want, err2)
		}
		if _, err := c.AppendDecode(nil, append(payload, 0)); !errors.Is(err, codec.ErrCorrupt) {
			t.Fatalf("with a zero behind: %v, want %v", err, codec.ErrCorrupt)
		}
	}
	if len(lengths) < 3 {
		t.Errorf("payloads of %v bytes only", lengths)
	}
	for _, n := range []int{0, 1, 256} {
		if _, err := c.AppendDecode(nil, make([]byte, n)); !errors.Is(err, codec.ErrCorrupt) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// Steps are told by their difference, and that of angles the short way round.
func TestEntropyGridSteps(t *testing.T) {
	c := smallEntropyGrid(t, 3)
	near, _ := c.Need([]float64{10, 175, 11, -175, 10, 175})
	far, _ := c.Need([]float64{10, 175, 40, 5, 10, 175})
	if near >= far {
		t.Errorf("across the cut %d bytes, half round %d bytes", near, far)
	}
	c, _ = c.WithPayloadBytes(20)
	window := []float64{10, 175, 900, -175, -10, 179}
	payload, err := c.AppendEncode(nil, window)
	back, err2 := c.AppendDecode(nil, payload)
	if want := []float64{10, 175, 900, -175, -10, 175}; err != nil || err2 != nil || !slices.Equal(back, want) {
		t.Errorf("%v, %v, %v, want %v", back, err, err2, want)
	}
}

// What decodes, encodes: no payload gives a value that AppendEncode would refuse.
func TestEntropyGridDecodesNothingOutOfRange(t *testing.T) {
	codecs := []*codec.EntropyGrid{smallEntropyGrid(t, 1), smallEntropyGrid(t, 3), wanderGrid(t, 300, 1, nil), wanderGrid(t, 100, 3, nil)}
	n := 1_000_000
	if testing.Short() || testenv.Race {
		n = 50_000
	}
	decoded, refused := 0, 0
	for i, c := range codecs {
		rng := rand.New(rand.NewPCG(9, uint64(i)))
		forms := make([]*codec.EntropyGrid, 40)
		for length := range forms {
			forms[length], _ = c.WithPayloadBytes(length + 2)
		}
		var window []float64
		var err error
		for range n / len(codecs) {
			// Random bytes are far away at once, or make a short code.
			length := rng.IntN(len(forms))
			payload := make([]byte, length+2)
			for j := range payload[:rng.IntN(len(payload))+1] {
				payload[j] = byte(rng.Uint32())
			}
			if rng.IntN(2) == 0 {
				payload[0] = 0xff
			}
			if window, err = forms[length].AppendDecode(window[:0], payload); err != nil {
				refused++
				continue
			}
			decoded++
			if _, ok := c.Need(window); !ok {
				// At the very end of the range the middle of a step may lie beyond.
				for j, v := range window {
					d := c.Model().Dims[j%len(c.Model().Dims)]
					window[j] = max(-d.Reach(), min(d.Reach(), v))
				}
				if _, ok := c.Need(window); !ok {
					t.Fatalf("codec %d: % x decodes to %v, which cannot be encoded", i, payload, window)
				}
				if again, err := forms[length].AppendEncode(nil, window); err == nil && !slices.Equal(again, payload) {
					t.Errorf("codec %d: % x decodes to %v beyond the range", i, payload, window)
				}
			}
		}
	}
	t.Logf("%d payloads decoded, %d refused", decoded, refused)
	if decoded == 0 || refused == 0 {
		t.Errorf("%d payloads decoded, %d refused: want some of both", decoded, refused)
	}
}

// Every window that sensors can physically give has a code, and comes back
// within the tolerances.
func TestEntropyGridHoldsItsBound(t *testing.T) {
	fitted, err := wanderGrid(t, 500, 1, nil).WithPayloadBytes(60)
	if err != nil {
		t.Fatal(err)
	}
	n := 1_000_000
	if testing.Short() || testenv.Race {
		n = 50_000
	}
	dims, centre := fitted.Model().Dims, centreOf(t, fitted)
	var wg sync.WaitGroup
	for part := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(7, uint64(part)))
			window := make([]float64, sensor.MotionDims)
			var payload []byte
			var back []float64
			for range n / 4 {
				for i, v := range sensor.Motion() {
					window[i] = v.Low + rng.Float64()*(v.High-v.Low)
					switch d := &dims[i]; {
					case rng.IntN(40) == 0:
						window[i] = []float64{v.Low, v.High}[rng.IntN(2)]
					case rng.IntN(40) > 0: // else at the edge between two steps
					case d.Steps > 0:
						window[i] = d.Low + 360*float64(rng.Int64N(d.Steps+1))/float64(d.Steps)
					default:
						window[i] = centre[i] + (float64(rng.IntN(9))-4.5)*2*tolerances[i]*(1-codec.GridMargin)
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
					if e := math.Abs(v - back[i]); !(e <= tolerances[i]) {
						t.Errorf("value %d: %v decodes to %v: off by %v", i, v, back[i], e)
					}
				}
			}
		})
	}
	wg.Wait()
}

// centreOf is the centre of the first component.
func centreOf(t *testing.T, c *codec.EntropyGrid) []float64 {
	t.Helper()
	var f entropygrid.File
	if err := json.Unmarshal(c.File(), &f); err != nil {
		t.Fatal(err)
	}
	return f.Components[0].Center
}

func TestEntropyGridFile(t *testing.T) {
	r, err := fit.EntropyGrid(t.Context(), testwindows.Wander(200, 2), &fit.EntropyGridSettings{Components: ptr(2)})
	if err != nil {
		t.Fatal(err)
	}
	c := r.Codec
	path := filepath.Join(t.TempDir(), codec.EntropyGridFile)
	if err := r.Save(path); err != nil {
		t.Fatal(err)
	}
	same, err := codec.LoadEntropyGrid(path, c.MaxPayloadLen())
	if err != nil || same.Schema() != c.Schema() {
		t.Fatalf("%v, %v", same, err)
	}
	embedded, err := codec.LoadEntropyGridFS(os.DirFS(filepath.Dir(path)), codec.EntropyGridFile, 7)
	if err != nil || embedded.MaxPayloadLen() != 7 {
		t.Errorf("through an fs.FS: %v", err)
	}
	spec := codec.Spec{ID: "entropy_grid", Version: "1", Params: codec.Params{EntropyGridPath: path, PayloadBytes: 20}, Window: sensor.Shape{Dims: 12, W: 2, Stride: 3}}
	if got, err := codec.New(spec); err != nil || got.MaxPayloadLen() != 20 {
		t.Errorf("New: %v", err)
	}
	for name, edit := range map[string]func(*codec.Spec){
		"another W":     func(s *codec.Spec) { s.Window.W = 1 },
		"as many":       func(s *codec.Spec) { s.Window.Dims, s.Window.W = 24, 1 },
		"too few bytes": func(s *codec.Spec) { s.Params.PayloadBytes = 1 },
		"no path":       func(s *codec.Spec) { s.Params.EntropyGridPath = "" },
		"other version": func(s *codec.Spec) { s.Version = "2" },
	} {
		s := spec
		edit(&s)
		if got, err := codec.New(s); !errors.Is(err, codec.ErrSpec) || got != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	good := string(smallEntropyGrid(t, 1).File())
	for _, v := range []struct {
		name, old, new string
		want           error
		field          string
	}{
		{"misspelt key", `"center"`, `"centre"`, codec.ErrMalformed, "centre"},
		{"W of 0", `"window_W": 1`, `"window_W": 0`, codec.ErrMalformed, "window_W"},
		{"too many values", `"window_W": 1`, `"window_W": 65536`, codec.ErrTooLarge, "window_W"},
		{"W of 2 without steps behind the first", `"window_W": 1`, `"window_W": 2`, codec.ErrMalformed, "modes[0].next"},
		{"neither step nor cells", `{"step":1}`, `{}`, codec.ErrMalformed, "dims[0]"},
		{"step and cells", `{"step":1}`, `{"step":1,"cells":3}`, codec.ErrMalformed, "dims[0]"},
		{"negative step", `{"step":1}`, `{"step":-1}`, codec.ErrMalformed, "dims[0].step"},
		{"huge step", `{"step":1}`, `{"step":1e300}`, codec.ErrMalformed, "dims[0].step"},
		{"too many cells", `"cells":36`, `"cells":1073741825`, codec.ErrTooLarge, "dims[1].cells"},
		{"a dim more", `{"step":1},`, `{"step":1},{"step":1},`, codec.ErrMalformed, "modes[0].center"},
		{"center far away", `[10,18]`, `[1e99,18]`, codec.ErrMalformed, "modes[0].center[0]"},
		{"center between cells", `[10,18]`, `[10,18.5]`, codec.ErrMalformed, "modes[0].center[1]"},
		{"center beyond the cells", `[10,18]`, `[10,36]`, codec.ErrMalformed, "modes[0].center[1]"},
		{"mode frequencies", `"frequency": 65536`, `"frequency": 65535`, codec.ErrMalformed, "modes"},
		{"mode without", `"frequency": 65536`, `"frequency": 0`, codec.ErrMalformed, "modes[0].frequency"},
		{"table's sum", `33160`, `33161`, codec.ErrMalformed, "modes[0].first[0]"},
		{"a frequency of 0", `[130,130`, `[0,260`, codec.ErrMalformed, "modes[0].first[0]"},
		{"a frequency that overflows", `[130,130`, `[9223372036854775807,130`, codec.ErrMalformed, "modes[0].first[0]"},
		{"a token too few", `[130,130`, `[260`, codec.ErrMalformed, "modes[0].first[0]"},
		{"a string", `[130,130`, `["130",130`, codec.ErrMalformed, "modes.first"},
		{"more behind", "\n}\n", "\n}\n{}", codec.ErrMalformed, ""},
	} {
		if !strings.Contains(good, v.old) {
			t.Fatalf("%s: no %q in %s", v.name, v.old, good)
		}
		_, err := codec.ParseEntropyGrid([]byte(strings.Replace(good, v.old, v.new, 1)), 2)
		var located *codec.Error
		if !errors.Is(err, v.want) || !errors.As(err, &located) || !strings.Contains(err.Error(), v.field) {
			t.Errorf("%s: %v, want %v at %s", v.name, err, v.want, v.field)
		}
	}
	if _, err := codec.LoadEntropyGrid(filepath.Join(t.TempDir(), "none.json"), 2); !errors.Is(err, codec.ErrNotFound) {
		t.Errorf("missing: %v", err)
	}
	large := filepath.Join(t.TempDir(), codec.EntropyGridFile)
	if err := os.WriteFile(large, make([]byte, codec.MaxFile+1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := codec.LoadEntropyGrid(large, 2); !errors.Is(err, codec.ErrTooLarge) {
		t.Errorf("large: %v", err)
	}
}

// A ladder file that holds one entropy-coded grid at several lengths, with a grid
// behind.
func TestEntropyGridLadder(t *testing.T) {
	dir := t.TempDir()
	fitted := wanderGrid(t, 300, 1, nil)
	last := physicalGrid(t, 1)
	write(t, filepath.Join(dir, codec.EntropyGridFile), fitted.File())
	write(t, filepath.Join(dir, codec.GridFile), last.File())
	var rungs []codec.RungSpec
	for n := 2; n < 16; n++ {
		c, err := fitted.WithPayloadBytes(n)
		if err != nil {
			t.Fatal(err)
		}
		rungs = append(rungs, codec.NewRungSpec(c, codec.Params{EntropyGridPath: codec.EntropyGridFile, PayloadBytes: n}))
	}
	rungs = append(rungs, codec.NewRungSpec(last, codec.Params{GridPath: codec.GridFile}))
	path := filepath.Join(dir, codec.LadderFile)
	writeLadder(t, path, 1, rungs...)
	b, err := codec.LoadLadder(path)
	if err != nil {
		t.Fatal(err)
	}
	for w := range testwindows.Wander(300, 1) {
		payload, err := b.AppendEncode(nil, w)
		n, _ := fitted.Need(w)
		if want := min(16, n); err != nil || len(payload) != want {
			t.Fatalf("%d bytes, %v, want %d", len(payload), err, want)
		}
	}
	if _, ok := fitted.Need([]float64{1e9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}); ok {
		t.Error("a latitude of 1e9 has a code")
	}
	far := []float64{-89, 179, 19000, 150, -150, 150, 1900, -1900, 1900, 179, -179, 0}
	if payload, err := b.AppendEncode(nil, far); err != nil || len(payload) != 16 {
		t.Errorf("%d bytes, %v, want the physical grid's 16", len(payload), err)
	}
	if !testenv.Race {
		payload := make([]byte, 0, 16)
		for _, w := range [][]float64{testwindows.Sample(), far} {
			if n := testing.AllocsPerRun(100, func() { payload, _ = b.AppendEncode(payload[:0], w) }); n != 0 {
				t.Errorf("%v allocations a window, want none", n)
			}
		}
	}
	// Another entropy-coded grid of the same shape is refused.
	write(t, filepath.Join(dir, codec.EntropyGridFile), wanderGrid(t, 301, 1, nil).File())
	if _, err := codec.LoadLadder(path); !errors.Is(err, codec.ErrMismatch) {
		t.Errorf("another entropy-coded grid: %v", err)
	}
}

func FuzzEntropyGridDecode(f *testing.F) {
	codecs := []*codec.EntropyGrid{smallEntropyGrid(f, 1), smallEntropyGrid(f, 3), wanderGrid(f, 300, 1, nil), wanderGrid(f, 100, 3, nil)}
	for _, c := range codecs {
		window := windowFor(c)
		long, _ := c.WithPayloadBytes(100)
		payload, err := long.AppendEncode(nil, window)
		if err != nil {
			f.Fatal(err)
		}
		n, _ := c.Need(window)
		f.Add(payload[:n])
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
				if len(back) != 1 || !errors.Is(err, codec.ErrCorrupt) {
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

func FuzzEntropyGridFile(f *testing.F) {
	f.Add(smallEntropyGrid(f, 1).File())
	f.Add(smallEntropyGrid(f, 2).File())
	f.Add([]byte(`{"window_W": 1, "dims": [{"cells": 1}], "modes": [{"frequency": 65536, "center": [0]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := codec.ParseEntropyGrid(data, 255)
		if err != nil {
			return
		}
		window := make([]float64, c.WindowLen())
		payload, err := c.AppendEncode(nil, window)
		if err != nil {
			return
		}
		back, err := c.AppendDecode(nil, payload)
		for i, v := range back {
			d := c.Model().Dims[i%len(c.Model().Dims)]
			half := d.Step / 2
			if d.Steps > 0 {
				half = 180 / float64(d.Steps)
			}
			if !(math.Abs(sensor.Difference(window[i], v, d.Steps > 0)) <= half*(1+1e-6)) {
				t.Errorf("value %d is %g, half a step is %g", i, v, half)
			}
		}
		if err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkEntropyGrid(b *testing.B) {
	fitted, err := wanderGrid(b, 1000, 1, &fit.EntropyGridSettings{Components: ptr(16)}).WithPayloadBytes(15)
	if err != nil {
		b.Fatal(err)
	}
	last, sample := physicalGrid(b, 1), testwindows.Sample()
	var rungs []codec.Codec
	for n := 2; n < 16; n++ {
		c, _ := fitted.WithPayloadBytes(n)
		rungs = append(rungs, c)
	}
	ladder, err := codec.NewLadder(sensor.Shape{Dims: 12, W: 1}, nil, tolerances, append(rungs, last)...)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		codec.Codec
	}{{"entropy grid", fitted}, {"ladder", ladder}} {
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
