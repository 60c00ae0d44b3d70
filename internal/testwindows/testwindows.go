// Package testwindows has windows for tests of codecs: a sample, a walk, and parts of the
// field recordings.
package testwindows

import (
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
)

// Sample returns a plausible motion sample.
func Sample() []float64 {
	return []float64{37.1234567, 127.7654321, 31.25, 0.1, -0.2, 9.8, 1.5, -2.5, 100.25, 1, -2, 90}
}

// Of yields the given windows.
func Of(windows ...[]float64) iter.Seq2[[]float64, error] {
	return func(yield func([]float64, error) bool) {
		for _, w := range windows {
			if !yield(w, nil) {
				return
			}
		}
	}
}

// Around yields two windows, whose values are by spread below and above those of window.
func Around(window []float64, spread float64) iter.Seq2[[]float64, error] {
	low, high := slices.Clone(window), slices.Clone(window)
	for i := range window {
		low[i] -= spread
		high[i] += spread
	}
	return Of(low, high)
}

// Wander yields n windows of w motion samples of a random walk through yaw ±180 with
// stops. They are the same in each pass.
func Wander(n, w int) iter.Seq2[[]float64, error] {
	tolerances := sensor.Motion().Tolerances()
	return func(yield func([]float64, error) bool) {
		rng := rand.New(rand.NewPCG(3, 4))
		sample := Sample()
		for i := range n {
			var window []float64
			for range w {
				for j, tol := range tolerances {
					if i/50%3 > 0 {
						sample[j] += tol * rng.NormFloat64()
					}
				}
				for _, j := range []int{9, 11} {
					sample[j] = math.Remainder(sample[j], 360)
				}
				window = append(window, sample...)
			}
			if !yield(window, nil) {
				return
			}
		}
	}
}

// Recording yields the windows of w samples of a part of a field recording: "train" and
// "holdout" of a split by hash, "first" (60 %) and "rest" of a split by time, or all
// windows for "". It skips the test like testenv.Shared.
func Recording(t testing.TB, name, part string, w int) iter.Seq2[[]float64, error] {
	t.Helper()
	path := testenv.Shared(t, "field", name+".jsonl")
	windows := dataset.Windows(dataset.OpenSamples(path, dataset.SampleSettings{}), dataset.WindowerSettings{W: w})
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
		windows = dataset.Training(windows, split)
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
