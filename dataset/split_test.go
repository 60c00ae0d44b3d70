package dataset

import (
	"iter"
	"math"
	"reflect"
	"slices"
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
			if c.split.TrainsID(id) {
				n++
			}
		}
		if n != c.want {
			t.Errorf("%s: %d train, want %d", c.name, n, c.want)
		}
	}
	// hashlib: ids of -3..12 that train at seed -7, ratio 0.5.
	var got []int64
	for id := int64(-3); id <= 12; id++ {
		if (HashSplit{TrainRatio: 0.5, Seed: -7}).Trains(Window{ID: id}) {
			got = append(got, id)
		}
	}
	if want := ([]int64{-3, -1, 0, 1, 2, 3, 7, 8, 10, 11, 12}); !reflect.DeepEqual(got, want) {
		t.Errorf("seed -7: %v train, want %v", got, want)
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
			train, _ := collect(Train(seq, split))
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
