package fit_test

import (
	"math"
	"slices"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testwindows"
)

// field yields the samples of a part of a recording.
func field(t *testing.T, name, part string) fit.Windows {
	t.Helper()
	return testwindows.Recording(t, name, part, 1)
}

// A grid fitted to the training part, with the physical one behind it. Plain is
// the mean without use of the levels beyond the training range, as the
// recordings' description counts it.
func TestGridOnRecordings(t *testing.T) {
	for _, c := range []struct {
		name, train, test string
		length            int
		plain             float64
	}{
		{"walk", "train", "holdout", 7, 7.02}, {"car", "train", "holdout", 7, 7.00}, {"phone", "train", "holdout", 8, 8.01},
		{"walk", "first", "rest", 6, 8.22}, {"car", "first", "rest", 7, 7.22}, {"phone", "first", "rest", 8, 16.0},
	} {
		fitted, err := fit.Grid(t.Context(), field(t, c.name, c.train), nil)
		if err != nil {
			t.Fatal(err)
		}
		physical, err := fit.PhysicalGrid(1, nil)
		if err != nil {
			t.Fatal(err)
		}
		g, last := fitted.Codec, physical.Codec
		if g.MaxPayloadLen() != c.length {
			t.Errorf("%s, %s: %d bytes, want %d", c.name, c.train, g.MaxPayloadLen(), c.length)
		}
		for w := range field(t, c.name, c.train) {
			checkBound(t, g, w, tolerances)
		}
		b, err := codec.NewLadder(sensor.Shape{Dims: 12, W: 1}, nil, tolerances, g, last)
		if err != nil {
			t.Fatal(err)
		}
		windows, total, outside := 0, 0, 0
		var payload []byte
		var back []float64
		for w := range field(t, c.name, c.test) {
			if payload, err = b.AppendEncode(payload[:0], w); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if back, err = b.AppendDecode(back[:0], payload); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			within(t, b, w, back)
			windows++
			total += len(payload)
			if len(payload) == last.MaxPayloadLen() {
				outside++
			}
		}
		mean := float64(total) / float64(windows)
		if plain := plainMean(t, c.name, c.train, c.test); math.Round(100*plain)/100 != c.plain {
			t.Errorf("%s, %s: %.3f bytes on average without spare levels, want %.2f", c.name, c.test, plain, c.plain)
		}
		t.Logf("%s, %s: %d bytes (%d bits), %.2f on average, %.1f %% outside", c.name, c.test, g.MaxPayloadLen(), bitsOf(g), mean, 100*float64(outside)/float64(windows))
		if math.Round(100*mean)/100 > c.plain {
			t.Errorf("%s, %s: %.3f bytes on average, want at most %.2f", c.name, c.test, mean, c.plain)
		}
	}
}

// plainMean is the mean length where a window may leave the training range by
// a tolerance and no more.
func plainMean(t *testing.T, name, train, test string) float64 {
	low, high := slices.Repeat([]float64{math.Inf(1)}, sensor.MotionDims), slices.Repeat([]float64{math.Inf(-1)}, sensor.MotionDims)
	for w := range field(t, name, train) {
		for i, v := range w {
			low[i], high[i] = min(low[i], v), max(high[i], v)
		}
	}
	bits := 0
	for i, tol := range tolerances {
		bits += int(math.Ceil(math.Log2(math.Floor((high[i]-low[i])/(2*tol)) + 1)))
	}
	windows, total := 0, 0
	for w := range field(t, name, test) {
		windows++
		length := (bits + 7) / 8
		for i, v := range w {
			if tol := tolerances[i]; v < low[i]-tol || v > high[i]+tol {
				length = 16
			}
		}
		total += length
	}
	return float64(total) / float64(windows)
}

func bitsOf(g *codec.Grid) (n int) {
	for _, d := range g.Dims() {
		n += d.Bits
	}
	return n
}
