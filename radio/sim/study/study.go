// Package study compares codecs over a simulated channel, in virtual time: their
// time on air, the number of windows that arrive, and the errors of the delivered
// windows.
//
// [Replay] sends recorded windows over a channel, once with each codec. [Stress]
// makes a channel worse until at most half of the raw frames arrive, and then sends
// raw, truncated and latent payloads over it. Raw payloads are those of the codec
// sensor12_packed, truncated payloads are raw ones cut to the length of the latent
// ones, and latent payloads are those of the endpoint's codec, whichever that is. The
// same windows, settings and seed give the same report. The channel is that of
// package radio/sim.
//
// [Phase0] and [Phase1] repeat two simulations of the reference, with its files: the
// choice of a profile by its PDR, and raw against latent payloads under that profile's
// losses. Their channel has no delay.
package study

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/table"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/radio/link"
)

// ErrSettings is wrapped by every error about settings, endpoints and windows that
// cannot be used.
var ErrSettings = errors.New("study: invalid settings")

// All returns windows as the sequence that [Replay] and [Stress] take.
func All(windows []dataset.Window) iter.Seq2[dataset.Window, error] {
	return func(yield func(dataset.Window, error) bool) {
		for _, w := range windows {
			if !yield(w, nil) {
				return
			}
		}
	}
}

// survey is what a pass over all windows finds.
type survey struct {
	windows  int
	firstMs  int64   // TsMs of the first window
	latitude float64 // mean of the first value, which is the latitude of motion samples, in degrees
	// std holds the standard deviations that errors are divided by: those of the values that
	// the endpoint's codec was fitted to or, if it does not know them, those of the windows.
	std []float64
}

// newSurvey passes over the windows. It refuses windows that do not fit the endpoint's
// codec. Keep is called with each window; it may be nil.
func newSurvey(ctx context.Context, e *endpoint.Endpoint, windows iter.Seq2[dataset.Window, error], keep func(dataset.Window)) (*survey, error) {
	s := &survey{}
	var stats dataset.Stats
	n, known := e.Codec().WindowLen(), e.DataStd()
	if len(known) == n {
		s.std = known
	}
	for w, err := range windows {
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(w.Values) != n {
			return nil, fmt.Errorf("%w: window %d has %d values, want %d for the codec", ErrSettings, w.ID, len(w.Values), n)
		}
		if s.windows == 0 {
			s.firstMs = w.TsMs
		}
		s.windows++
		s.latitude += w.Values[0]
		if s.std == nil {
			if err := stats.Add(w.Values); err != nil {
				return nil, err
			}
		}
		if keep != nil {
			keep(w)
		}
	}
	if s.windows == 0 {
		return nil, fmt.Errorf("%w: found no windows, want windows to send", ErrSettings)
	}
	s.latitude /= float64(s.windows)
	if s.std == nil {
		s.std = stats.Std()
	}
	return s, nil
}

// delivered sums up the errors of the windows that a run delivered.
type delivered struct {
	tally *quality.Tally // nil: the run was read from JSON
	std   []float64
}

func newDelivered(std []float64) delivered { return delivered{quality.NewTally(len(std)), std} }

// zscored returns the errors divided by the deviations, or nil if nothing was
// delivered.
func (d *delivered) zscored() *quality.Errors {
	if d.tally.Windows() == 0 {
		return nil
	}
	z := d.tally.Scaled(d.std)
	return &z
}

// byGroup returns the errors of each group of motion samples, or nil if nothing was
// delivered.
func (d *delivered) byGroup() map[string]quality.Errors {
	if d.tally.Windows() == 0 {
		return nil
	}
	groups := map[string]quality.Errors{}
	for _, g := range sensor.Motion().Groups() {
		groups[g.Name] = d.tally.Dims(sensor.MotionDims, g.From, g.To)
	}
	return groups
}

// figure returns the text of a figure of motion samples, or "-" if nothing was
// delivered.
func (d *delivered) figure(f quality.Figure, latitude float64) string {
	if d.tally == nil || d.tally.Windows() == 0 {
		return "-"
	}
	dims := func(first, end int) quality.Errors { return d.tally.Dims(sensor.MotionDims, first, end) }
	return table.Digits(f.RMS(dims, latitude)) + " " + f.Unit
}

// mse returns the text of a mean square error, or "-" if e is nil.
func mse(e *quality.Errors) string {
	if e == nil {
		return "-"
	}
	return table.Digits(e.MSE)
}

// writeForeign writes a hint if a model's errors are those of windows of other places or
// units than it was trained on. The mean of the training windows has an error of about 1.
func writeForeign(w io.Writer, e *quality.Errors) {
	if e != nil && e.MSE > 10 {
		fmt.Fprintf(w, "A zscored.mse of %s is far above 1, that of the mean: the model was trained on other windows than these.\n", table.Digits(e.MSE))
	}
}

// millis returns d in milliseconds.
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// seconds returns the text of a time in seconds.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d >= time.Hour:
		return d.Round(time.Second).String()
	case d >= time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}

// epochs returns the epochs of an Encoder, which depend on the seed alone.
func epochs(seed uint64) func() uint16 {
	rng := rand.New(rand.NewPCG(seed, 0xe0c4))
	return func() uint16 { return uint16(rng.Uint32()) }
}

// unwrapped returns the decoded values of a window with full turns added to those that
// the codec takes for angles, so that they are nearest to the ones that were sent.
func unwrapped(c link.Codec, sent, decoded []float64) []float64 {
	a, ok := c.(codec.Angular)
	if !ok || len(a.Angles()) == 0 {
		return decoded
	}
	angles := a.Angles()
	values := slices.Clone(decoded)
	for i, v := range values {
		if angles[i%len(angles)] && math.Abs(sent[i]-v) > 180 {
			values[i] = sent[i] - sensor.Difference(sent[i], v, true)
		}
	}
	return values
}
