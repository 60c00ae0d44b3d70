package dataset

import (
	"errors"
	"flag"
	"io"
	"iter"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestHashSplit(t *testing.T) {
	cases := []struct {
		name  string
		split HashSplit
		ids   int64
		want  int
	}{
		{"the format's own figure", HashSplit{TrainRatio: 0.8}, 2505, 2008},
		{"ratio 1", HashSplit{TrainRatio: 1}, 100, 100},
		{"ratio above 1", HashSplit{TrainRatio: 2, Seed: 5}, 100, 100},
		{"ratio 0", HashSplit{}, 100, 0},
		{"ratio NaN", HashSplit{TrainRatio: math.NaN()}, 100, 0},
	}
	for _, c := range cases {
		n := 0
		for id := range c.ids {
			if c.split.InTraining(Window{ID: id}) {
				n++
			}
		}
		if n != c.want {
			t.Errorf("%s: %d in the training set, want %d", c.name, n, c.want)
		}
	}
	// From hashlib: the ids of -3..12 in the training set with seed -7 and ratio 0.5.
	var got []int64
	for id := int64(-3); id <= 12; id++ {
		if (HashSplit{TrainRatio: 0.5, Seed: -7}).InTraining(Window{ID: id}) {
			got = append(got, id)
		}
	}
	if want := ([]int64{-3, -1, 0, 1, 2, 3, 7, 8, 10, 11, 12}); !reflect.DeepEqual(got, want) {
		t.Errorf("seed -7: %v in the training set, want %v", got, want)
	}
}

func TestTimeSplit(t *testing.T) {
	cases := []struct {
		name  string
		times []int64
		ratio float64
		train []int64
	}{
		{"in order", []int64{1, 2, 3, 4, 5}, 0.6, []int64{1, 2, 3}},
		{"out of order", []int64{5, 1, 4, 2, 3}, 0.6, []int64{1, 2, 3}},
		{"a time across the cut", []int64{1, 2, 3, 3, 5}, 0.6, []int64{1, 2}},
		{"all", []int64{1, 2}, 1, []int64{1, 2}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			seq := func(yield func(Window, error) bool) {
				for _, ts := range c.times {
					if !yield(Window{TsMs: ts}, nil) {
						return
					}
				}
			}
			split, err := NewTimeSplit(seq, c.ratio)
			if err != nil {
				t.Fatal(err)
			}
			train, _ := collect(Training(seq, split))
			holdout, _ := collect(Holdout(seq, split))
			var got []int64
			for _, w := range train {
				got = append(got, w.TsMs)
			}
			slices.Sort(got)
			if !slices.Equal(got, c.train) || len(train)+len(holdout) != len(c.times) {
				t.Fatalf("train %v, want %v; %d in the holdout", got, c.train, len(holdout))
			}
		})
	}
	for name, seq := range map[string]iter.Seq2[Window, error]{
		"no windows": ofText("", WindowSettings{}), "no times": ofText("{\"window\":[1]}\n{\"window\":[1]}\n", WindowSettings{}),
		"an error": ofText("x\n", WindowSettings{}),
	} {
		if _, err := NewTimeSplit(seq, 0.8); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestSubset(t *testing.T) {
	windows := Windows(samplesAt(1, 2, 3, 4, 5), WindowerSettings{})
	split := TimeSplit{CutMs: 3}
	for name, want := range map[string]int{SubsetAll: 5, SubsetTrain: 2, SubsetHoldout: 3} {
		if got, err := collect(Subset(windows, split, name)); len(got) != want || err != nil {
			t.Errorf("%s: %d windows, %v; want %d", name, len(got), err, want)
		}
	}
	for _, name := range []string{"", "hold-out"} {
		if got, err := collect(Subset(windows, split, name)); len(got) != 0 || !errors.Is(err, ErrSettings) {
			t.Errorf("%q: %d windows, %v", name, len(got), err)
		}
	}
}

func TestSplitSettings(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings SplitSettings
		want     Split // nil: ErrSettings
	}{
		{"zero value", SplitSettings{}, HashSplit{TrainRatio: 0.8}},
		{"hash", SplitSettings{Method: ByHash, TrainRatio: 0.5, Seed: -1}, HashSplit{TrainRatio: 0.5, Seed: -1}},
		{"time", SplitSettings{Method: ByTime, TrainRatio: 0.6}, TimeSplit{CutMs: 4, TrainRatio: 0.6}},
		{"time, at a cut", SplitSettings{Method: ByTime, CutMs: new(int64)}, TimeSplit{TrainRatio: 0.8}},
		{"all", SplitSettings{TrainRatio: 7}, HashSplit{TrainRatio: 7}},
		{"unknown method", SplitSettings{Method: "temporal"}, nil},
		{"negative ratio", SplitSettings{TrainRatio: -1}, nil},
		{"NaN", SplitSettings{TrainRatio: math.NaN()}, nil},
	} {
		got, err := c.settings.Split(Windows(samplesAt(1, 2, 3, 4, 5), WindowerSettings{}))
		if got != c.want || (c.want == nil) != errors.Is(err, ErrSettings) {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}

func TestSplitFlags(t *testing.T) {
	for args, want := range map[string]string{ // the end of the error; "": none
		"":                             "",
		"--split time":                 "",
		"--train-ratio 1":              "",
		"--split temporal":             "flag -split: want hash or time",
		"--train-ratio 7":              "flag -train-ratio: want a number above 0 and at most 1",
		"--train-ratio 0":              "flag -train-ratio: want a number above 0 and at most 1",
		"--split-seed -3 --split hash": "",
	} {
		var s SplitSettings
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		s.RegisterFlags(fs)
		err := fs.Parse(strings.Fields(args))
		if want == "" && (err != nil || s.Check() != nil) || want != "" && (err == nil || !strings.HasSuffix(err.Error(), want)) {
			t.Errorf("%s: %v", args, err)
		}
	}
}
