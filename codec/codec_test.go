package codec

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/loralink/loralink-go/dataset/sensor"
)

// sample is a plausible step.
var sample = []float64{37.1234567, 127.7654321, 31.25, 0.1, -0.2, 9.8, 1.5, -2.5, 100.25, 1, -2, 90}

func all(t testing.TB) map[string]Codec {
	t.Helper()
	out := map[string]Codec{}
	for _, gc := range goldenCases(t) {
		out[gc.Name] = goldenCodec(t, gc.Manifest)
	}
	for _, w := range []int{1, 3} {
		c, err := NewSensor12(w)
		if err != nil {
			t.Fatal(err)
		}
		out[fmt.Sprintf("sensor12_packed W=%d", w)] = c
		window := slices.Repeat(sample, w)
		for _, build := range []func() (Codec, error){
			func() (Codec, error) { return NewRaw(12*w, 0) },
			func() (Codec, error) { return NewRaw(12*w, 19.5) },
			func() (Codec, error) { return NewSensor12Truncate(w, 13) },
			func() (Codec, error) { return NewSensor12Truncate(w, 100) },
			func() (Codec, error) { return NewZlib(12*w, 0) },
			func() (Codec, error) { return FitGrid(around(window, 1), fieldTolerances) },
			func() (Codec, error) { return PhysicalGrid(w, fieldTolerances) },
			func() (Codec, error) { return testLadder(w) },
			func() (Codec, error) { return wanderLattice(t, 60, w, nil).WithPayloadBytes(40 * w) },
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

// fieldTolerances are 5 m on the ground (at the equator), 5 m, 0.5 m/s²,
// 5 deg/s and 3 deg.
var fieldTolerances = []float64{4.5e-5, 4.5e-5, 5, 0.5, 0.5, 0.5, 5, 5, 5, 3, 3, 3}

// around yields two windows whose values are spread below and above those of
// window.
func around(window []float64, spread float64) iter.Seq2[[]float64, error] {
	return func(yield func([]float64, error) bool) {
		for _, by := range []float64{-spread, spread} {
			w := slices.Clone(window)
			for i := range w {
				w[i] += by
			}
			if !yield(w, nil) {
				return
			}
		}
	}
}

// testLadder is a ladder whose first two rungs seldom serve.
func testLadder(w int) (*Bounded, error) {
	window := slices.Repeat(sample, w)
	raw, err := NewSensor12Truncate(w, 1)
	if err != nil {
		return nil, err
	}
	fitted, err := FitGrid(around(window, 1e-3), fieldTolerances)
	if err != nil {
		return nil, err
	}
	last, err := PhysicalGrid(w, fieldTolerances)
	if err != nil {
		return nil, err
	}
	return NewBounded(sensor.Shape{Dims: 12, W: w}, fieldTolerances, raw, fitted, last)
}

func windowFor(c Codec) []float64 {
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
				{"short", func(w []float64) []float64 { return w[1:] }, ErrShape},
				{"long", func(w []float64) []float64 { return append(w, 0) }, ErrShape},
				{"empty", func([]float64) []float64 { return nil }, ErrShape},
				{"NaN", func(w []float64) []float64 { w[len(w)-1] = math.NaN(); return w }, ErrValue},
				{"infinity", func(w []float64) []float64 { w[0] = math.Inf(-1); return w }, ErrValue},
				{"beyond float32", func(w []float64) []float64 { w[0] = 1e300; return w }, ErrValue},
			} {
				if _, clips := c.(Raw); (clips || c.ID() == zlibID) && bad.name == "beyond float32" {
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
				if b, ok := c.(*Bounded); ok && b.Rung(n) >= 0 {
					continue // another rung's length
				}
				got, err := c.AppendDecode([]float64{7}, payload[:n])
				if !errors.Is(err, ErrCorrupt) || len(got) != 1 {
					t.Errorf("first %d bytes: %v, %v", n, got, err)
				}
			}
			if got, err := c.AppendDecode([]float64{7}, append(payload, 0)); !errors.Is(err, ErrCorrupt) || len(got) != 1 {
				t.Errorf("a byte too many: %v, %v", got, err)
			}
		})
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget")
	}
	for name, c := range all(t) {
		window := windowFor(c)
		other := slices.Clone(window)
		other[0] += 3 // another rung of a ladder
		payload := make([]byte, 0, c.MaxPayloadLen())
		back := make([]float64, 0, c.WindowLen())
		for _, w := range [][]float64{window, other} {
			if _, err := c.AppendEncode(nil, w); errors.Is(err, ErrRange) {
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
	c, _ := NewSensor12(1)
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
