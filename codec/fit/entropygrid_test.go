package fit_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/internal/testwindows"
)

// walk is an entropy-coded grid fitted to n windows of w steps of a walk.
func walk(t testing.TB, n, w int, settings *fit.EntropyGridSettings) *codec.EntropyGrid {
	t.Helper()
	r, err := fit.EntropyGrid(t.Context(), testwindows.Wander(n, w), settings)
	if err != nil {
		t.Fatal(err)
	}
	return r.Codec
}

func ptr[T any](v T) *T { return &v }

func TestEntropyGrid(t *testing.T) {
	r, err := fit.EntropyGrid(t.Context(), testwindows.Wander(600, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := r.Codec
	if again := walk(t, 600, 1, nil); c.Schema() != again.Schema() {
		t.Error("the same windows made another file")
	}
	if len(r.Choices) < 3 || r.Choices[0].Components != 0 || r.Choices[0].Score <= 0 {
		t.Errorf("choices %+v", r.Choices)
	}
	longest := 0
	for w := range testwindows.Wander(600, 1) {
		n, _ := c.Need(w)
		longest = max(longest, n)
	}
	if c.MaxPayloadLen() != longest {
		t.Errorf("%d bytes, want those of the longest window, %d", c.MaxPayloadLen(), longest)
	}
	if none := walk(t, 600, 1, &fit.EntropyGridSettings{Components: ptr(0), PayloadBytes: 9}); none.Components() != 1 || none.MaxPayloadLen() != 9 {
		t.Errorf("%d components, %d bytes", none.Components(), none.MaxPayloadLen())
	}
	if some := walk(t, 600, 1, &fit.EntropyGridSettings{Components: ptr(5)}); some.Components() < 2 || some.Components() > 6 {
		t.Errorf("%d components, want 2..6", some.Components())
	}
	// A single window and windows that are all alike are enough.
	for _, windows := range []fit.Windows{testwindows.Of(sample), testwindows.Of(slices.Repeat([][]float64{sample}, 100)...)} {
		r, err := fit.EntropyGrid(t.Context(), windows, &fit.EntropyGridSettings{Components: ptr(3)})
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := r.Codec.Need(sample); !ok || n > 2 {
			t.Errorf("%d bytes, want 2", n)
		}
	}
	// Angles of 0..360 stay there.
	turn := slices.Clone(sample)
	turn[11] = 300
	if r, err = fit.EntropyGrid(t.Context(), testwindows.Of(turn), &fit.EntropyGridSettings{PayloadBytes: 20}); err != nil {
		t.Fatal(err)
	}
	payload, err := r.Codec.AppendEncode(nil, turn)
	if back, err2 := r.Codec.AppendDecode(nil, payload); err != nil || err2 != nil || math.Abs(back[11]-300) > 3 {
		t.Errorf("yaw 300 decodes to %v, %v, %v", back, err, err2)
	}
}

// random are n windows of random values.
func random(n, values int) [][]float64 {
	rng := rand.New(rand.NewPCG(5, 6))
	windows := make([][]float64, n)
	for i := range windows {
		windows[i] = make([]float64, values)
		for j := range windows[i] {
			windows[i][j] = 100 * rng.NormFloat64()
		}
	}
	return windows
}

func TestEntropyGridRefuses(t *testing.T) {
	broken := errors.New("broken")
	for _, v := range []struct {
		name     string
		windows  fit.Windows
		settings fit.EntropyGridSettings
		want     error
	}{
		{"no windows", testwindows.Of(), fit.EntropyGridSettings{}, fit.ErrNoData},
		{"no tolerance", testwindows.Of(sample), fit.EntropyGridSettings{Bounds: bounds([]float64{})}, fit.ErrSettings},
		{"a tolerance of 0", testwindows.Of(sample), fit.EntropyGridSettings{Bounds: bounds(make([]float64, 12))}, fit.ErrSettings},
		{"half a step", testwindows.Of(sample[:6]), fit.EntropyGridSettings{}, codec.ErrShape},
		{"windows of two lengths", testwindows.Of(sample, slices.Repeat(sample, 2)), fit.EntropyGridSettings{}, codec.ErrShape},
		{"NaN", testwindows.Of(slices.Repeat([]float64{math.NaN()}, 12)), fit.EntropyGridSettings{}, codec.ErrValue},
		{"too fine", testwindows.Of([]float64{1e6}), fit.EntropyGridSettings{Bounds: bounds([]float64{1e-6})}, fit.ErrSettings},
		{"too fine an angle", testwindows.Of(sample), fit.EntropyGridSettings{Bounds: bounds(slices.Repeat([]float64{1e-9}, 12))}, fit.ErrSettings},
		{"many components", testwindows.Of(sample), fit.EntropyGridSettings{Components: ptr(65)}, fit.ErrSettings},
		{"fewer than no components", testwindows.Of(sample), fit.EntropyGridSettings{Components: ptr(-1)}, fit.ErrSettings},
		{"1 byte", testwindows.Of(sample), fit.EntropyGridSettings{PayloadBytes: 1}, fit.ErrSettings},
		{"256 bytes", testwindows.Of(sample), fit.EntropyGridSettings{PayloadBytes: 256}, fit.ErrSettings},
		{"a file too large", testwindows.Of(random(200, 1000)...), fit.EntropyGridSettings{Bounds: bounds(slices.Repeat([]float64{1}, 500)), Components: ptr(16)}, fit.ErrSettings},
		{"too many values", testwindows.Of(make([]float64, 6000)), fit.EntropyGridSettings{Bounds: bounds(slices.Repeat([]float64{1}, 6000))}, fit.ErrSettings},
		{"an error", func(yield func([]float64, error) bool) { yield(nil, broken) }, fit.EntropyGridSettings{}, broken},
	} {
		if r, err := fit.EntropyGrid(t.Context(), v.windows, &v.settings); !errors.Is(err, v.want) || r != nil {
			t.Errorf("%s: %v, want %v", v.name, err, v.want)
		}
	}
}

// recordingLadder is the default ladder, fitted to a part of a recording.
func recordingLadder(t testing.TB, name, train string, w int) *codec.Ladder {
	t.Helper()
	r, err := fit.Ladder(t.Context(), testwindows.Recording(t, name, train, w), &fit.LadderSettings{Window: sensor.Shape{W: w}})
	if err != nil {
		t.Fatal(err)
	}
	return r.Codec
}

// within fails the test where a value is further off than its tolerance.
func within(t *testing.T, b *codec.Ladder, window, back []float64) {
	t.Helper()
	angles, tolerances := b.Angles(), b.Tolerances()
	for i, v := range window {
		d := i % len(angles)
		if e := math.Abs(sensor.Difference(v, back[i], angles[d])); !(e <= tolerances[d]) {
			t.Fatalf("value %d is %v, decoded as %v: off by %v", i, v, back[i], e)
		}
	}
}

// meanBytes is the mean payload of windows, each of which must come back within
// the tolerances.
func meanBytes(t *testing.T, b *codec.Ladder, windows fit.Windows) float64 {
	t.Helper()
	n, total := 0, 0
	var payload []byte
	var back []float64
	for w, err := range windows {
		if err != nil {
			t.Fatal(err)
		}
		if payload, err = b.AppendEncode(payload[:0], w); err != nil {
			t.Fatal(err)
		}
		if back, err = b.AppendDecode(back[:0], payload); err != nil {
			t.Fatal(err)
		}
		within(t, b, w, back)
		n++
		total += len(payload)
	}
	return float64(total) / float64(n)
}

// The mean payload is at most 0.7 of that of a uniform grid fitted to the same
// part, and no window of any recording is beyond a tolerance.
func TestEntropyGridOnRecordings(t *testing.T) {
	names := []string{"walk", "car", "phone"}
	for i, want := range [][]float64{{4.91, 4.90, 5.61}, {5.75, 5.05, 11.2}} {
		for j, name := range names {
			train, test := "train", "holdout"
			if i == 1 {
				train, test = "first", "rest"
			}
			b := recordingLadder(t, name, train, 1)
			mean := meanBytes(t, b, testwindows.Recording(t, name, test, 1))
			if mean > want[j] {
				t.Errorf("%s, %s: %.3f bytes, want at most %.2f", name, test, mean, want[j])
			}
			line := fmt.Sprintf("%s, %s: %.2f bytes;", name, test, mean)
			for _, other := range names {
				line += fmt.Sprintf(" all of %s %.2f", other, meanBytes(t, b, testwindows.Recording(t, other, "", 1)))
			}
			t.Log(line)
		}
	}
}

func TestEntropyGridOnLongWindows(t *testing.T) {
	if testing.Short() || testenv.Race {
		t.Skip("fits to windows of 8 samples")
	}
	for _, part := range [][2]string{{"train", "holdout"}, {"first", "rest"}} {
		b := recordingLadder(t, "car", part[0], 8)
		mean := meanBytes(t, b, testwindows.Recording(t, "car", part[1], 8)) / 8
		t.Logf("%s: %.2f bytes a sample", part[1], mean)
		if mean > 2.5 {
			t.Errorf("%s: %.3f bytes a sample, want at most 2.5", part[1], mean)
		}
	}
}
