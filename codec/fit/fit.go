// Package fit fits codecs with an error bound to training windows and writes their
// files: uniform quantisers ([Grid]), entropy-coded ones ([EntropyGrid]) and ladders
// ([Ladder]).
//
//	result, err := fit.Ladder(ctx, fit.Values(windows), &fit.LadderSettings{Window: shape})
//	…
//	ladder, err := result.Save("out/ladders/a", nil)
//
// Each fit takes windows and settings and returns a result. Nil settings are the
// default, which is for motion samples. The same windows and settings give the same
// codec, on any number of cores. When the context ends, a fit returns an error that
// wraps the context's.
package fit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/atomicfile"
)

// ErrSettings reports invalid settings.
var ErrSettings = errors.New("fit: invalid settings")

// ErrNoData reports a sequence without windows.
var ErrNoData = errors.New("fit: no training windows")

// maxDims is the largest number of values of a step.
const maxDims = 512

// Windows are the values of training windows, row-major, with the same number of
// steps in all. Ladder ranges over them twice, the other fits once.
type Windows = iter.Seq2[[]float64, error]

// Values yields the values of a data set's windows.
func Values(windows iter.Seq2[dataset.Window, error]) Windows {
	return func(yield func([]float64, error) bool) {
		for w, err := range windows {
			if !yield(w.Values, err) || err != nil {
				return
			}
		}
	}
}

// Bounds are the largest errors that a codec may have.
type Bounds struct {
	// Schema describes the values of a step. Nil means sensor.ForDims of the number
	// of Tolerances, or sensor.Motion if there are none.
	Schema sensor.Schema
	// Tolerances are the largest error of each value of a step, in its unit. Nil
	// means the defaults in Schema; it is an error if a value has none.
	Tolerances []float64
}

// filled returns the bounds with the defaults filled in, and checks them.
func (b Bounds) filled() (Bounds, error) {
	if b.Schema == nil {
		n := len(b.Tolerances)
		if b.Tolerances == nil {
			n = sensor.MotionDims
		}
		b.Schema = sensor.ForDims(n)
	}
	if b.Tolerances == nil {
		if b.Tolerances = b.Schema.Tolerances(); b.Tolerances == nil {
			return b, fmt.Errorf("%w: no tolerances, want one for each of %d values of a step: not all have a default", ErrSettings, len(b.Schema))
		}
	}
	if n := len(b.Tolerances); n < 1 || n > maxDims || n != len(b.Schema) {
		return b, fmt.Errorf("%w: %d tolerances, want one for each of %d values of a step, 1..%d", ErrSettings, n, len(b.Schema), maxDims)
	}
	for i, t := range b.Tolerances {
		if !(t > 0) || math.IsInf(t, 0) {
			return b, fmt.Errorf("%w: tolerance of %s is %g, want a number above 0", ErrSettings, b.Schema.Label(i), t)
		}
	}
	return b, nil
}

// step returns the quantisation step of value i.
func (b *Bounds) step(i int) float64 { return 2 * b.Tolerances[i] * (1 - codec.GridMargin) }

// ranges returns the range of each value of a step over windows, and their length,
// which must be the same for all. It calls each for every window.
func (b *Bounds) ranges(ctx context.Context, windows Windows, each func(window []float64)) (ranges []valueRange, length int, err error) {
	dims := len(b.Tolerances)
	ranges = make([]valueRange, dims)
	for i, v := range b.Schema {
		ranges[i] = newRange(v.Angle)
	}
	for window, err := range windows {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, 0, err
		}
		if length == 0 {
			length = len(window)
		}
		if length == 0 || length%dims != 0 || length > sensor.MaxWindowLen || len(window) != length {
			return nil, 0, fmt.Errorf("fit: %w: %d values, want whole steps of %d, as many in all windows and at most %d values", codec.ErrShape, len(window), dims, sensor.MaxWindowLen)
		}
		for i, v := range window {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, 0, fmt.Errorf("fit: %w: %s is %g, want a finite number", codec.ErrValue, b.Schema.Label(i%dims), v)
			}
			ranges[i%dims].add(v)
		}
		each(window)
	}
	if length == 0 {
		return nil, 0, fmt.Errorf("%w: want at least one", ErrNoData)
	}
	return ranges, length, nil
}

// saveFile writes a codec's file, which appears whole.
func saveFile(path string, text []byte) error {
	if err := atomicfile.WriteBytes(path, text); err != nil {
		return &codec.Error{File: path, Err: err}
	}
	return nil
}
