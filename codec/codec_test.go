package codec_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/internal/testwindows"
)

var (
	sample     = testwindows.Sample()
	tolerances = sensor.Motion().Tolerances()
)

func ptr[T any](v T) *T { return &v }

func all(t testing.TB) map[string]codec.Codec {
	t.Helper()
	out := map[string]codec.Codec{}
	for _, gc := range goldenCases(t) {
		out[gc.Name] = goldenCodec(t, gc.Manifest)
	}
	for _, w := range []int{1, 3} {
		c, err := codec.NewSensor12(w, codec.Sensor12Scales{})
		if err != nil {
			t.Fatal(err)
		}
		out[fmt.Sprintf("sensor12_packed W=%d", w)] = c
		window := slices.Repeat(sample, w)
		for _, build := range []func() (codec.Codec, error){
			func() (codec.Codec, error) { return codec.NewRaw(12*w, 0) },
			func() (codec.Codec, error) { return codec.NewRaw(12*w, 19.5) },
			func() (codec.Codec, error) { return codec.NewSensor12Truncate(w, 13, codec.Sensor12Scales{}) },
			func() (codec.Codec, error) { return codec.NewSensor12Truncate(w, 100, codec.Sensor12Scales{}) },
			func() (codec.Codec, error) { return codec.NewZlib(12*w, 0, codec.DefaultZlibLevel) },
			func() (codec.Codec, error) { return fittedGrid(t, window, 1), nil },
			func() (codec.Codec, error) { return physicalGrid(t, w), nil },
			func() (codec.Codec, error) { return shortLadder(t, w), nil },
			func() (codec.Codec, error) { return wanderGrid(t, 60, w, nil).WithPayloadBytes(40 * w) },
			func() (codec.Codec, error) { return wanderGrid(t, 60, w, nil).WithPayloadBytes(0) },
		} {
			c, err := build()
			if err != nil {
				t.Fatal(err)
			}
			out[fmt.Sprintf("%s W=%d", c.Schema(), w)] = c
		}
	}
	return out
}

// fittedGrid holds windows whose values are within spread of those of window.
func fittedGrid(t testing.TB, window []float64, spread float64) *codec.Grid {
	t.Helper()
	r, err := fit.Grid(t.Context(), testwindows.Around(window, spread), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r.Codec
}

func physicalGrid(t testing.TB, w int) *codec.Grid {
	t.Helper()
	r, err := fit.PhysicalGrid(w, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r.Codec
}

// shortLadder is a ladder whose first two rungs seldom serve.
func shortLadder(t testing.TB, w int) *codec.Ladder {
	t.Helper()
	first, err := codec.NewSensor12Truncate(w, 1, codec.Sensor12Scales{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := codec.NewLadder(sensor.Shape{Dims: 12, W: w}, nil, tolerances, first, fittedGrid(t, slices.Repeat(sample, w), 1e-3), physicalGrid(t, w))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func windowFor(c codec.Codec) []float64 {
	var w []float64
	for len(w) < c.WindowLen() {
		w = append(w, sample...)
	}
	return w[:c.WindowLen()]
}

func TestAppendKeepsPrefixAndCapacity(t *testing.T) {
	for name, c := range all(t) {
		t.Run(name, func(t *testing.T) {
			window := windowFor(c)
			bare, err := c.AppendEncode(nil, window)
			if err != nil {
				t.Fatal(err)
			}
			if len(bare) > c.MaxPayloadLen() {
				t.Errorf("%d bytes, MaxPayloadLen is %d", len(bare), c.MaxPayloadLen())
			}
			got, err := c.AppendEncode([]byte("prefix"), window)
			if err != nil || string(got[:6]) != "prefix" || !slices.Equal(got[6:], bare) {
				t.Errorf("with a prefix: % x, %v, want % x", got, err, bare)
			}
			// A canary behind the capacity stays.
			buf := make([]byte, 2*c.MaxPayloadLen()+2)
			buf[len(bare)] = 0xAA
			if _, err := c.AppendEncode(buf[0:0:len(bare)], window); err != nil || buf[len(bare)] != 0xAA {
				t.Errorf("wrote beyond dst's capacity: %v", err)
			}
			back, err := c.AppendDecode([]float64{1, 2}, bare)
			if err != nil || len(back) != 2+c.WindowLen() || back[0] != 1 || back[1] != 2 {
				t.Errorf("decoded %v, %v", back, err)
			}
		})
	}
}

func TestRefusesAndLeavesDst(t *testing.T) {
	for name, c := range all(t) {
		t.Run(name, func(t *testing.T) {
			for _, bad := range []struct {
				name string
				edit func([]float64) []float64
				want error
			}{
				{"short", func(w []float64) []float64 { return w[1:] }, codec.ErrShape},
				{"long", func(w []float64) []float64 { return append(w, 0) }, codec.ErrShape},
				{"empty", func([]float64) []float64 { return nil }, codec.ErrShape},
				{"NaN", func(w []float64) []float64 { w[len(w)-1] = math.NaN(); return w }, codec.ErrValue},
				{"infinity", func(w []float64) []float64 { w[0] = math.Inf(-1); return w }, codec.ErrValue},
				{"beyond float32", func(w []float64) []float64 { w[0] = 1e300; return w }, codec.ErrValue},
			} {
				if (c.ID() == "raw" || c.ID() == "zlib") && bad.name == "beyond float32" {
					continue
				}
				dst := append(make([]byte, 0, 300), 9)
				got, err := c.AppendEncode(dst, bad.edit(slices.Clone(windowFor(c))))
				if !errors.Is(err, bad.want) || len(got) != 1 || got[0] != 9 {
					t.Errorf("%s: dst %v, error %v, want %v", bad.name, got, err, bad.want)
				}
			}
			payload, err := c.AppendEncode(nil, windowFor(c))
			if err != nil {
				t.Fatal(err)
			}
			for n := range payload {
				if b, ok := c.(codec.Laddered); ok && b.RungForLength(n) >= 0 {
					continue // another rung's length
				}
				if c.ID() == "entropy_grid" && c.(codec.FixedLength).PayloadLen() == 0 {
					continue // the code of another window, if any
				}
				got, err := c.AppendDecode([]float64{7}, payload[:n])
				if !errors.Is(err, codec.ErrCorrupt) || len(got) != 1 {
					t.Errorf("first %d bytes: %v, %v", n, got, err)
				}
			}
			if got, err := c.AppendDecode([]float64{7}, append(payload, 0)); !errors.Is(err, codec.ErrCorrupt) || len(got) != 1 {
				t.Errorf("a byte too many: %v, %v", got, err)
			}
		})
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	if testenv.Race {
		t.Skip("the race detector makes sync.Pool forget")
	}
	for name, c := range all(t) {
		window := windowFor(c)
		other := slices.Clone(window)
		other[0] += 3 // another rung of a ladder
		payload := make([]byte, 0, c.MaxPayloadLen())
		back := make([]float64, 0, c.WindowLen())
		for _, w := range [][]float64{window, other} {
			if _, err := c.AppendEncode(nil, w); errors.Is(err, codec.ErrRange) {
				continue // an error takes memory
			}
			if n := testing.AllocsPerRun(200, func() {
				payload, _ = c.AppendEncode(payload[:0], w)
				back, _ = c.AppendDecode(back[:0], payload)
			}); n != 0 {
				t.Errorf("%s: %v allocations a window, want none", name, n)
			}
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	for name, c := range all(t) {
		want, err := c.AppendEncode(nil, windowFor(c))
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 50 {
					got, err := c.AppendEncode(nil, windowFor(c))
					if err != nil || !slices.Equal(got, want) {
						t.Errorf("%s: % x, %v", name, got, err)
						return
					}
					if _, err := c.AppendDecode(nil, got); err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

func TestSensor12Bytes(t *testing.T) {
	c, _ := codec.NewSensor12(1, codec.Sensor12Scales{})
	window := []float64{1, -2, 0.5, 0.0005, 0.0015, 40, 0.05, 0.15, -5000, 180, -180, 0.25}
	got, err := c.AppendEncode(nil, window)
	if err != nil {
		t.Fatal(err)
	}
	want := []byte{
		0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f, // float32
		0, 0, 2, 0, 0xff, 0x7f, // 0.5 and 1.5 to even, clipped at 32.767 m/s²
		0, 0, 2, 0, 0, 0x80,
		0x08, 0x07, 0xf8, 0xf8, 2, 0,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  % x\nwant % x", got, want)
	}
}

func FuzzDecode(f *testing.F) {
	codecs := all(f)
	for _, c := range codecs {
		payload, err := c.AppendEncode(nil, windowFor(c))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		for name, c := range codecs {
			window, err := c.AppendDecode([]float64{1}, payload)
			if err != nil {
				if len(window) != 1 {
					t.Errorf("%s: dst changed on error", name)
				}
				continue
			}
			if len(window) != 1+c.WindowLen() {
				t.Errorf("%s: %d values", name, len(window)-1)
			}
			for _, v := range window {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("%s: decoded %g", name, v)
				}
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	c := goldenCodec(b, "deep_int16/bam_manifest.json")
	window, payload := windowFor(c), make([]byte, 0, c.MaxPayloadLen())
	b.ReportAllocs()
	for b.Loop() {
		payload, _ = c.AppendEncode(payload[:0], window)
	}
}

func BenchmarkDecode(b *testing.B) {
	c := goldenCodec(b, "deep_int16/bam_manifest.json")
	payload, err := c.AppendEncode(nil, windowFor(c))
	if err != nil {
		b.Fatal(err)
	}
	window := make([]float64, 0, c.WindowLen())
	b.ReportAllocs()
	for b.Loop() {
		window, _ = c.AppendDecode(window[:0], payload)
	}
}
