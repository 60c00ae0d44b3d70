package train

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset"
)

// maxCached is how many values of normalised windows are kept in memory; a
// larger data set is read anew in every pass.
const maxCached = 64 << 20

// data is the training windows, normalised.
type data struct {
	windows iter.Seq2[dataset.Window, error] // those that train
	dim     int                              // values a window
	n       int                              // windows
	norm    *bam.Norm
	widened []float64 // norm.Std over the windows' deviation; nil: 1
	peaks   []float64 // largest |z| of each value
	weights []float64 // of the error of each normalised value; mean square 1
	cached  []float32 // all windows, row-major; nil where they are too many
}

// readData makes the pass that measures mean and deviation, and the one that
// normalises.
func readData(ctx context.Context, windows iter.Seq2[dataset.Window, error], s Settings) (*data, error) {
	d := &data{windows: dataset.Limit(dataset.Train(windows, s.Split), s.MaxSamples)}
	var stats dataset.Stats
	for w, err := range d.windows {
		if err == nil {
			err = stats.Add(w.Values)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
	}
	d.n = stats.Count()
	if d.n == 0 {
		return nil, ErrNoData
	}
	d.dim = len(stats.Mean())
	d.norm = &bam.Norm{Mean: stats.Mean(), Std: stats.Std()}
	err := d.norm.Check()
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	keep := d.n <= maxCached/d.dim
	if d.weights, err = toleranceWeights(s.Tolerances, d.norm.Std); err != nil {
		return nil, err
	}
	d.peaks = make([]float64, d.dim)
	var cached []float32
	if keep {
		cached = make([]float32, 0, d.n*d.dim)
	}
	for z, err := range d.normalised(ctx) {
		if err != nil {
			return nil, err
		}
		for i, v := range z {
			d.peaks[i] = max(d.peaks[i], math.Abs(float64(v)))
		}
		if keep {
			cached = append(cached, z...)
		}
	}
	d.cached = cached
	return d, nil
}

// toleranceWeights are what each normalised value's error counts for, given what
// is tolerable of the value itself; all 1 without tolerances.
func toleranceWeights(tolerances, std []float64) ([]float64, error) {
	w := make([]float64, len(std))
	if tolerances == nil {
		for i := range w {
			w[i] = 1
		}
		return w, nil
	}
	if len(tolerances) == 0 || len(std)%len(tolerances) != 0 {
		return nil, fmt.Errorf("%w: %d tolerances, want one a value of a step or of a window of %d", ErrSettings, len(tolerances), len(std))
	}
	sum := 0.0
	for i := range w {
		t := tolerances[i%len(tolerances)]
		if !(t > 0) || math.IsInf(t, 0) {
			return nil, fmt.Errorf("%w: tolerances[%d] is %g, want a number above 0", ErrSettings, i%len(tolerances), t)
		}
		if w[i] = std[i] / t; std[i] == 0 {
			w[i] = 1 // the value never varies
		}
		sum += float64(w[i] * w[i])
	}
	for i := range w {
		w[i] /= math.Sqrt(sum / float64(len(w)))
	}
	return w, nil
}

// widenedTo returns the same windows normalised by deviations so much wider that
// every value stays within ±peak. The receiver stays as it is.
func (d *data) widenedTo(peak float64) *data {
	w := *d
	w.norm = &bam.Norm{Mean: d.norm.Mean, Std: slices.Clone(d.norm.Std)}
	w.widened, w.peaks = make([]float64, d.dim), make([]float64, d.dim)
	for i, p := range d.peaks {
		w.widened[i] = 1
		if p > 0 {
			w.widened[i] = p / peak
		}
		w.norm.Std[i] *= w.widened[i]
		w.peaks[i] = p / w.widened[i]
	}
	if d.cached != nil {
		w.cached = make([]float32, len(d.cached))
		for i, v := range d.cached {
			w.cached[i] = float32(float64(v) / w.widened[i%d.dim])
		}
	}
	return &w
}

// normalised yields the training windows in file order. Each slice is good
// until the next.
func (d *data) normalised(ctx context.Context) iter.Seq2[[]float32, error] {
	return d.shuffled(ctx, 0, 0)
}

// shuffled is normalised in the order that a shuffle buffer of size windows
// and the seed give.
func (d *data) shuffled(ctx context.Context, size int, seed int64) iter.Seq2[[]float32, error] {
	if d.cached != nil {
		return dataset.Shuffle(func(yield func([]float32, error) bool) {
			for i := 0; i < len(d.cached); i += d.dim {
				if err := ctx.Err(); err != nil {
					yield(nil, err)
					return
				}
				if !yield(d.cached[i:i+d.dim:i+d.dim], nil) {
					return
				}
			}
		}, size, seed)
	}
	return func(yield func([]float32, error) bool) {
		z := make([]float32, d.dim)
		for w, err := range dataset.Shuffle(d.windows, size, seed) {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil && len(w.Values) != d.dim {
				err = fmt.Errorf("train: window %d has %d values, want %d", w.ID, len(w.Values), d.dim)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			d.norm.Normalize(z, w.Values)
			if !yield(z, nil) {
				return
			}
		}
	}
}
