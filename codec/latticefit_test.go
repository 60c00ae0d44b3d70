package codec

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"testing"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
)

func TestFitLattice(t *testing.T) {
	a, choices, err := FitLattice(wander(600, 1), fieldTolerances, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := wanderLattice(t, 600, 1, nil)
	if a.Schema() != b.Schema() {
		t.Error("the same windows made another file")
	}
	if len(choices) < 3 || choices[0].Regions != 0 || choices[0].Score <= 0 {
		t.Errorf("choices %+v", choices)
	}
	longest := 0
	for w := range wander(600, 1) {
		n, err := a.CodeLen(w)
		if err != nil {
			t.Fatal(err)
		}
		longest = max(longest, n)
	}
	if a.MaxPayloadLen() != longest {
		t.Errorf("%d bytes, want those of the longest window, %d", a.MaxPayloadLen(), longest)
	}
	if none := wanderLattice(t, 600, 1, &LatticeSettings{Regions: -1, PayloadBytes: 9}); none.Modes() != 1 || none.MaxPayloadLen() != 9 {
		t.Errorf("%d modes, %d bytes", none.Modes(), none.MaxPayloadLen())
	}
	if some := wanderLattice(t, 600, 1, &LatticeSettings{Regions: 5}); some.Modes() < 2 || some.Modes() > 6 {
		t.Errorf("%d modes, want 2..6", some.Modes())
	}
	// A single window and windows that are all alike are enough.
	for _, windows := range []iter.Seq2[[]float64, error]{windowsOf(sample), windowsOf(slices.Repeat([][]float64{sample}, 100)...)} {
		c, _, err := FitLattice(windows, fieldTolerances, &LatticeSettings{Regions: 3})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := c.CodeLen(sample); err != nil || n > 2 {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
	// Angles of 0..360 stay there.
	turn := slices.Clone(sample)
	turn[11] = 300
	c, _, err := FitLattice(windowsOf(turn), fieldTolerances, &LatticeSettings{PayloadBytes: 20})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := c.AppendEncode(nil, turn)
	if back, err2 := c.AppendDecode(nil, payload); err != nil || err2 != nil || math.Abs(back[11]-300) > 3 {
		t.Errorf("yaw 300 decodes to %v, %v, %v", back, err, err2)
	}
	broken := errors.New("broken")
	for _, v := range []struct {
		name       string
		windows    iter.Seq2[[]float64, error]
		tolerances []float64
		set        *LatticeSettings
		want       error
	}{
		{"no windows", windowsOf(), fieldTolerances, nil, ErrSpec},
		{"no tolerances", windowsOf(sample), nil, nil, ErrSpec},
		{"a tolerance of 0", windowsOf(sample), make([]float64, 12), nil, ErrSpec},
		{"half a step", windowsOf(sample[:6]), fieldTolerances, nil, ErrShape},
		{"windows of two lengths", windowsOf(sample, slices.Repeat(sample, 2)), fieldTolerances, nil, ErrShape},
		{"NaN", windowsOf(slices.Repeat([]float64{math.NaN()}, 12)), fieldTolerances, nil, ErrValue},
		{"too fine", windowsOf([]float64{1e6}), []float64{1e-6}, nil, ErrSpec},
		{"too fine an angle", windowsOf(sample), slices.Repeat([]float64{1e-9}, 12), nil, ErrSpec},
		{"many regions", windowsOf(sample), fieldTolerances, &LatticeSettings{Regions: 65}, ErrSpec},
		{"1 byte", windowsOf(sample), fieldTolerances, &LatticeSettings{PayloadBytes: 1}, ErrSpec},
		{"256 bytes", windowsOf(sample), fieldTolerances, &LatticeSettings{PayloadBytes: 256}, ErrSpec},
		{"a file too large", windowsOf(make([]float64, 6000)), slices.Repeat([]float64{1}, 6000), nil, ErrSpec},
		{"an error", func(yield func([]float64, error) bool) { yield(nil, broken) }, fieldTolerances, nil, broken},
	} {
		if c, _, err := FitLattice(v.windows, v.tolerances, v.set); !errors.Is(err, v.want) || c != nil {
			t.Errorf("%s: %v, want %v", v.name, err, v.want)
		}
	}
}

// The lengths chosen are those that trying all finds.
func TestLatticeLengths(t *testing.T) {
	c := wanderLattice(t, 300, 1, nil)
	if all, err := c.Lengths(wander(300, 1), 14, 16); err != nil || !slices.Equal(all, []int{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}) {
		t.Errorf("%v, %v", all, err)
	}
	const last = 12
	needs := make([]float64, last+1)
	for w := range wander(300, 1) {
		n, _ := c.CodeLen(w)
		needs[min(last, max(2, n))]++
	}
	for n := 2; n <= last; n++ {
		needs[n] += 30 / float64(n)
	}
	least := math.Inf(1)
	var want []int
	for a := 2; a < last; a++ {
		for b := a + 1; b < last; b++ {
			for d := b + 1; d < last; d++ {
				sum, from := 0.0, 2
				for _, n := range []int{a, b, d, last} {
					for ; from <= n; from++ {
						sum += needs[from] * float64(n)
					}
				}
				if sum < least {
					least, want = sum, []int{a, b, d}
				}
			}
		}
	}
	if got, err := c.Lengths(wander(300, 1), 3, last); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if _, err := c.Lengths(wander(1, 1), 0, 16); !errors.Is(err, ErrSpec) {
		t.Errorf("no lengths: %v", err)
	}
}

// recording yields windows of w samples of one kind of part, as field does;
// all of them for "".
func recording(t testing.TB, name, part string, w int) iter.Seq2[[]float64, error] {
	t.Helper()
	path := testenv.Shared(t, "field", name+".jsonl")
	windows := dataset.Windows(dataset.OpenSamples(path, dataset.SampleSettings{}), dataset.Windower{W: w})
	var split dataset.Split = dataset.HashSplit{TrainRatio: 0.8}
	if part == "first" || part == "rest" {
		byTime, err := dataset.NewTimeSplit(windows, 0.6)
		if err != nil {
			t.Fatal(err)
		}
		split = byTime
	}
	switch part {
	case "train", "first":
		windows = dataset.Train(windows, split)
	case "holdout", "rest":
		windows = dataset.Holdout(windows, split)
	}
	return func(yield func([]float64, error) bool) {
		for w, err := range windows {
			if !yield(w.Values, err) {
				return
			}
		}
	}
}

// latticeLadder is a lattice fitted to the training part, at as many lengths as
// a ladder holds, and the physical grid.
func latticeLadder(t testing.TB, name, train string, w int) *Bounded {
	t.Helper()
	fitted, _, err := FitLattice(recording(t, name, train, w), fieldTolerances, nil)
	if err != nil {
		t.Fatal(err)
	}
	last, err := PhysicalGrid(w, fieldTolerances)
	if err != nil {
		t.Fatal(err)
	}
	lengths, err := fitted.Lengths(recording(t, name, train, w), 15, last.MaxPayloadLen())
	if err != nil {
		t.Fatal(err)
	}
	var rungs []Codec
	for _, n := range lengths {
		c, err := fitted.WithPayloadBytes(n)
		if err != nil {
			t.Fatal(err)
		}
		rungs = append(rungs, c)
	}
	b, err := NewBounded(sensor.Shape{Dims: 12, W: w}, fieldTolerances, append(rungs, last)...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// meanBytes is the mean payload of windows, each of which must come back within
// the tolerances.
func meanBytes(t *testing.T, b *Bounded, windows iter.Seq2[[]float64, error]) float64 {
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
		if back, err = b.AppendDecode(back[:0], payload); err != nil || b.beyond(w, back) >= 0 {
			t.Fatalf("%v decodes to %v, %v", w, back, err)
		}
		n++
		total += len(payload)
	}
	return float64(total) / float64(n)
}

// The mean payload is at most 0.7 of that of a uniform grid fitted to the same
// part, and no window of any recording is beyond a tolerance.
func TestLatticeOnRecordings(t *testing.T) {
	names := []string{"walk", "car", "phone"}
	for i, want := range [][]float64{{4.91, 4.90, 5.61}, {5.75, 5.05, 11.2}} {
		for j, name := range names {
			train, test := "train", "holdout"
			if i == 1 {
				train, test = "first", "rest"
			}
			b := latticeLadder(t, name, train, 1)
			mean := meanBytes(t, b, recording(t, name, test, 1))
			if mean > want[j] {
				t.Errorf("%s, %s: %.3f bytes, want at most %.2f", name, test, mean, want[j])
			}
			line := fmt.Sprintf("%s, %s: %.2f bytes;", name, test, mean)
			for _, other := range names {
				line += fmt.Sprintf(" all of %s %.2f", other, meanBytes(t, b, recording(t, other, "", 1)))
			}
			t.Log(line)
		}
	}
}

func TestLatticeOnLongWindows(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("fits to windows of 8 samples")
	}
	for _, part := range [][2]string{{"train", "holdout"}, {"first", "rest"}} {
		b := latticeLadder(t, "car", part[0], 8)
		mean := meanBytes(t, b, recording(t, "car", part[1], 8)) / 8
		t.Logf("%s: %.2f bytes a sample", part[1], mean)
		if mean > 2.5 {
			t.Errorf("%s: %.3f bytes a sample, want at most 2.5", part[1], mean)
		}
	}
}
