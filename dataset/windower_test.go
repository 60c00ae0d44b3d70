package dataset

import (
	"errors"
	"iter"
	"reflect"
	"testing"

	"github.com/loralink/loralink-go/dataset/sensor"
)

// samplesAt yields samples of these times whose every value is the time.
func samplesAt(times ...int64) iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		for _, ts := range times {
			s := Sample{TsMs: ts, Values: make([]float64, sensor.MotionDims)}
			for i := range s.Values {
				s.Values[i] = float64(ts)
			}
			if !yield(s, nil) {
				return
			}
		}
	}
}

func TestWindows(t *testing.T) {
	cases := []struct {
		name     string
		settings WindowerSettings
		times    []int64
		want     [][]float64 // the times in each window
	}{
		{"zero value", WindowerSettings{}, []int64{1, 2, 3}, [][]float64{{1}, {2}, {3}}},
		{"W 3", WindowerSettings{W: 3, Stride: 1}, []int64{1, 2, 3, 4, 5}, [][]float64{{1, 2, 3}, {2, 3, 4}, {3, 4, 5}}},
		{"W 3, too few", WindowerSettings{W: 3, Stride: 1}, []int64{1, 2}, nil},
		{"stride below W", WindowerSettings{W: 3, Stride: 2}, []int64{1, 2, 3, 4, 5, 6}, [][]float64{{1, 2, 3}, {3, 4, 5}}},
		{"stride of W", WindowerSettings{W: 2, Stride: 2}, []int64{1, 2, 3, 4, 5}, [][]float64{{1, 2}, {3, 4}}},
		{"stride above W", WindowerSettings{W: 2, Stride: 3}, []int64{1, 2, 3, 4, 5, 6, 7, 8}, [][]float64{{1, 2}, {4, 5}, {7, 8}}},
		{"gap off", WindowerSettings{W: 2, Stride: 1}, []int64{1, 2, 100}, [][]float64{{1, 2}, {2, 100}}},
		{"gap of just the limit", WindowerSettings{W: 2, Stride: 1, MaxGapMs: 98}, []int64{1, 2, 100}, [][]float64{{1, 2}, {2, 100}}},
		{"gap", WindowerSettings{W: 2, Stride: 1, MaxGapMs: 97}, []int64{1, 2, 100, 101}, [][]float64{{1, 2}, {100, 101}}},
		{"gap restarts the stride", WindowerSettings{W: 1, Stride: 3, MaxGapMs: 10}, []int64{1, 2, 100, 101, 102, 103}, [][]float64{{1}, {100}, {103}}},
		{"back in time", WindowerSettings{W: 2, Stride: 1}, []int64{5, 6, 5, 6}, [][]float64{{5, 6}, {5, 6}}},
		{"one time twice", WindowerSettings{W: 2, Stride: 1}, []int64{5, 5, 6}, [][]float64{{5, 5}, {5, 6}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.settings.RunID, c.settings.FirstID = "r", 10
			seq := Windows(samplesAt(c.times...), c.settings)
			for range 2 {
				windows, err := collect(seq)
				if err != nil {
					t.Fatal(err)
				}
				var got [][]float64
				for i, w := range windows {
					if w.ID != int64(10+i) || w.RunID != "r" || len(w.Order) != 12 || len(w.Units) != 12 {
						t.Fatalf("window %d: %+v", i, w)
					}
					var times []float64
					for step := 0; step < len(w.Values); step += sensor.MotionDims {
						times = append(times, w.Values[step])
					}
					if w.TsMs != int64(times[len(times)-1]) {
						t.Fatalf("window %d: time %d, want its last sample's, %v", i, w.TsMs, times)
					}
					got = append(got, times)
				}
				if !reflect.DeepEqual(got, c.want) {
					t.Fatalf("got %v, want %v", got, c.want)
				}
			}
		})
	}
}

func TestWindowsError(t *testing.T) {
	broken := errors.New("broken")
	seq := func(yield func(Sample, error) bool) {
		if yield(Sample{}, nil) {
			yield(Sample{}, broken)
		}
	}
	got, err := collect(Windows(seq, WindowerSettings{}))
	if len(got) != 1 || err != broken {
		t.Fatalf("got %d windows, %v", len(got), err)
	}
}

// A window is the caller's: the windower does not write to it later.
func TestWindowsAreTheCallers(t *testing.T) {
	w := NewWindower(WindowerSettings{W: 2, Stride: 1})
	var first Window
	for s := range samplesAt(1, 2, 3, 4, 5) {
		if win, ok := w.Push(s); ok && first.Values == nil {
			first = win
		}
	}
	if first.Values[0] != 1 || first.Values[sensor.MotionDims] != 2 {
		t.Fatalf("first window changed: %v", first.Values)
	}
}

func TestWindowerSettingsCheck(t *testing.T) {
	for _, c := range []struct {
		settings WindowerSettings
		want     string // "": valid
	}{
		{WindowerSettings{}, ""},
		{WindowerSettings{W: 3, Stride: 2, MaxGapMs: 1, FirstID: -1}, ""},
		{WindowerSettings{W: -1}, "dataset: invalid settings: W is -1, want 1..5461, or 0 for 1"},
		{WindowerSettings{W: 5462}, "dataset: invalid settings: W is 5462, want 1..5461, or 0 for 1"},
		{WindowerSettings{W: 21845, Dims: 3}, ""},
		{WindowerSettings{W: 21846, Dims: 3}, "dataset: invalid settings: W is 21846, want 1..21845, or 0 for 1"},
		{WindowerSettings{Dims: -1}, "dataset: invalid settings: Dims is -1, want 1..65536, or 0 for 12"},
		{WindowerSettings{Stride: -1}, "dataset: invalid settings: Stride is -1, want at least 1, or 0 for 1"},
		{WindowerSettings{MaxGapMs: -1}, "dataset: invalid settings: MaxGapMs is -1, want at least 1, or 0 for no limit"},
	} {
		err := c.settings.Check()
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrSettings) || err.Error() != c.want) {
			t.Errorf("%+v: %v", c.settings, err)
		}
	}
}

func TestSensorSchema(t *testing.T) {
	unnamed := ofText("{\"window\":[1,2,3,4]}\n", WindowSettings{})
	for _, c := range []struct {
		name    string
		windows iter.Seq2[Window, error]
		w       int
		dims    int
		want    string // the error; "": none
	}{
		{"motion samples", Windows(samplesAt(1, 2), WindowerSettings{W: 2}), 2, 12, ""},
		{"unnamed", unnamed, 2, 2, ""},
		{"no windows", ofText("", WindowSettings{}), 2, 0, ""},
		{"not a multiple", ofText("{\"window\":[1,2,3,4]}\n", WindowSettings{}), 3, 0, "dataset: found windows of 4 values, want a multiple of 3, the number of steps"},
		{"no steps", ofText("{\"window\":[1]}\n", WindowSettings{}), 0, 0, "dataset: invalid settings: windows of 0 steps, want at least 1"},
	} {
		s, err := SensorSchema(c.windows, c.w)
		if len(s) != c.dims || c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%s: %d values, %v", c.name, len(s), err)
		}
	}
}
