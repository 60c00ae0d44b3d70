package train

import (
	"context"
	"fmt"
	"iter"
	"math"

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
	widened float64 // norm.Std over the windows' deviation
	maxAbsZ float64
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
	d.norm, d.widened = &bam.Norm{Mean: stats.Mean(), Std: stats.Std()}, 1
	if err := d.norm.Validate(); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	keep := d.n <= maxCached/d.dim
	var cached []float32
	if keep {
		cached = make([]float32, 0, d.n*d.dim)
	}
	for z, err := range d.normalised(ctx) {
		if err != nil {
			return nil, err
		}
		for _, v := range z {
			d.maxAbsZ = max(d.maxAbsZ, math.Abs(float64(v)))
		}
		if keep {
			cached = append(cached, z...)
		}
	}
	d.cached = cached
	return d, nil
}

// widen makes the deviations factor times as large, and the normalised windows
// as much smaller.
func (d *data) widen(factor float64) {
	d.widened *= factor
	for i := range d.norm.Std {
		d.norm.Std[i] *= factor
	}
	for i := range d.cached {
		d.cached[i] = float32(float64(d.cached[i]) / factor)
	}
	d.maxAbsZ /= factor
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
