package quality

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// SensorErrors has the errors of one value of a step, over all windows and their
// steps, in the value's unit.
type SensorErrors struct {
	Sensor string  `json:"sensor"`         // name of the value, or "dim 3" if it has none
	Unit   string  `json:"unit,omitempty"` // "" if it is not known
	MAE    float64 `json:"mae"`
	MSE    float64 `json:"mse"` // in the unit squared
	// P50 and P99 are the median and the 99th percentile of the absolute errors, Max
	// is the largest. For more than a million errors, P50 and P99 are those of an
	// evenly spaced subset.
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// bySensor returns one entry per value of a step.
func bySensor(tally *Tally, sizes []errorSizes, schema sensor.Schema) []SensorErrors {
	dims := len(sizes)
	out := make([]SensorErrors, dims)
	for i := range sizes {
		e := tally.Dims(dims, i, i+1)
		out[i] = SensorErrors{schema.Label(i), schema[i].Unit, e.MAE, e.MSE, sizes[i].Quantile(0.5), sizes[i].Quantile(0.99), sizes[i].Max()}
	}
	return out
}

// DriftLimit is the distance from the mean, in deviations, beyond which [Drift] counts a
// value as outside the training data.
const DriftLimit = 4

// Drift says how windows differ from the training windows of a model. A model's files
// have the mean and deviation of its training windows, but not their range: a value
// counts as outside if it is more than DriftLimit deviations from the mean. See
// [Evaluation].Saturation for values that the payload cannot hold.
type Drift struct {
	Samples        int     `json:"samples"`
	Limit          float64 `json:"limit"`         // DriftLimit
	WindowsOutside float64 `json:"windows_share"` // share of windows with a value outside
	// BySensor has one entry per value of a step.
	BySensor []SensorDrift `json:"by_sensor"`
}

// SensorDrift is the drift of one value of a step. If the training deviation is 0,
// every value other than the mean counts as outside, and Shift, Spread and Farthest are
// 0.
type SensorDrift struct {
	Sensor   string  `json:"sensor"`
	Shift    float64 `json:"shift"`    // difference of the means, in deviations of the training windows
	Spread   float64 `json:"spread"`   // deviation divided by that of the training windows
	Outside  float64 `json:"outside"`  // share of values outside
	Farthest float64 `json:"farthest"` // largest distance from the training mean, in its deviations
}

// MeasureDrift compares windows with norm, which has the mean and deviation of every
// value over the training windows: of a model, its Norm.Mean and DataStd. Schema
// describes the values of a step.
func MeasureDrift(ctx context.Context, windows iter.Seq2[dataset.Window, error], norm *bam.Norm, schema sensor.Schema) (*Drift, error) {
	n, dims := len(norm.Mean), len(schema)
	if dims < 1 || n%dims != 0 || len(norm.Std) != n {
		return nil, fmt.Errorf("quality: drift of windows of %d values with %d deviations, want as many of each and steps of %d to divide them", n, len(norm.Std), dims)
	}
	d := &Drift{Limit: DriftLimit, BySensor: make([]SensorDrift, dims)}
	count := make([]float64, dims) // values with a measure
	mean, square := make([]float64, dims), make([]float64, dims)
	windowsOut := 0
	for w, err := range until(ctx, windows) {
		if err != nil {
			return nil, err
		}
		if len(w.Values) != n {
			return nil, fmt.Errorf("quality: window %d: %w: %d values, want %d", w.ID, codec.ErrShape, len(w.Values), n)
		}
		d.Samples++
		out := false
		for i, v := range w.Values {
			s := &d.BySensor[i%dims]
			if norm.Std[i] == 0 {
				if v != norm.Mean[i] {
					s.Outside++
					out = true
				}
				continue
			}
			z := (v - norm.Mean[i]) / norm.Std[i]
			if math.Abs(z) > DriftLimit {
				s.Outside++
				out = true
			}
			s.Farthest = max(s.Farthest, math.Abs(z))
			count[i%dims]++
			step := z - mean[i%dims]
			mean[i%dims] += step / count[i%dims]
			square[i%dims] += float64(step * (z - mean[i%dims]))
		}
		if out {
			windowsOut++
		}
	}
	if d.Samples > 0 {
		d.WindowsOutside = float64(windowsOut) / float64(d.Samples)
	}
	for i := range d.BySensor {
		s := &d.BySensor[i]
		s.Sensor = schema.Label(i)
		s.Outside /= float64(max(1, d.Samples*(n/dims)))
		s.Shift = mean[i]
		if count[i] > 1 {
			s.Spread = math.Sqrt(square[i] / (count[i] - 1))
		}
	}
	return d, nil
}
