package dataset

import (
	"cmp"
	"flag"
	"fmt"
	"iter"

	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/flagvalue"
)

// WindowerSettings describe how samples are cut into windows. The zero value makes a
// window of each sample.
type WindowerSettings struct {
	W      int // samples per window; 0: 1
	Stride int // samples from the start of one window to the next; 0: 1
	// MaxGapMs is the longest time in ms between two consecutive samples of a window;
	// 0: no limit.
	MaxGapMs int64
	// Dims is the number of values in a sample, by which Check limits W; 0: that of
	// sensor.Motion.
	Dims    int
	RunID   string // run_id of the windows
	FirstID int64  // window_id of the first window; the others follow in steps of 1
}

// RegisterFlags defines the flags --window-W, --window-stride and --max-gap-ms, and
// sets their fields to the defaults of the flags.
func (s *WindowerSettings) RegisterFlags(fs *flag.FlagSet) {
	s.W, s.Stride, s.MaxGapMs = 1, 1, 0
	fs.Var(&flagvalue.Int[int]{Dst: &s.W, Min: 1}, "window-W", "number of samples in a window")
	fs.Var(&flagvalue.Int[int]{Dst: &s.Stride, Min: 1}, "window-stride", "number of samples from the start of one window to the next")
	fs.Var(&flagvalue.Int[int64]{Dst: &s.MaxGapMs}, "max-gap-ms", "longest gap between two samples of a window, in ms; 0: no limit")
}

// Check returns an error that wraps ErrSettings if a number is negative, other than
// FirstID, or a window would have more than sensor.MaxWindowLen values.
func (s *WindowerSettings) Check() error {
	dims := cmp.Or(s.Dims, sensor.MotionDims)
	switch {
	case dims < 0 || dims > sensor.MaxWindowLen:
		return fmt.Errorf("%w: Dims is %d, want 1..%d, or 0 for %d", ErrSettings, s.Dims, sensor.MaxWindowLen, sensor.MotionDims)
	case s.W < 0 || s.W > sensor.MaxWindowLen/dims:
		return fmt.Errorf("%w: W is %d, want 1..%d, or 0 for 1", ErrSettings, s.W, sensor.MaxWindowLen/dims)
	case s.Stride < 0:
		return fmt.Errorf("%w: Stride is %d, want at least 1, or 0 for 1", ErrSettings, s.Stride)
	case s.MaxGapMs < 0:
		return fmt.Errorf("%w: MaxGapMs is %d, want at least 1, or 0 for no limit", ErrSettings, s.MaxGapMs)
	}
	return nil
}

// A Windower cuts a stream of samples into windows, oldest step first. The first window
// is complete after W samples, the next ones after every Stride further samples. If time
// goes back, as when a recording is played again, after a gap of more than MaxGapMs, or if
// the number of values changes, the Windower starts anew: no window has samples from both sides, and the next one is
// complete after W samples. A Windower is not safe for concurrent use.
type Windower struct {
	settings WindowerSettings
	nextID   int64
	values   []float64 // of the last samples, W at most
	dims     int       // values of a sample
	last     int64     // time of the newest sample
	count    int       // samples since the start
}

// NewWindower returns a Windower. Negative numbers in the settings, which Check
// refuses, count as 0.
func NewWindower(settings WindowerSettings) *Windower {
	settings.W, settings.Stride = max(settings.W, 1), max(settings.Stride, 1)
	return &Windower{settings: settings, nextID: settings.FirstID}
}

// Push adds a sample. If it completes a window, Push returns that window and true.
func (w *Windower) Push(s Sample) (Window, bool) {
	size, stride, maxGap := w.settings.W, w.settings.Stride, w.settings.MaxGapMs
	if w.count > 0 && (s.TsMs < w.last || maxGap > 0 && s.TsMs-w.last > maxGap || len(s.Values) != w.dims) {
		w.values, w.count = w.values[:0], 0
	}
	w.dims, w.last = len(s.Values), s.TsMs
	if len(w.values) == size*w.dims {
		w.values = w.values[:copy(w.values, w.values[w.dims:])]
	}
	w.values = append(w.values, s.Values...)
	w.count++
	if w.count < size || (w.count-size)%stride != 0 {
		return Window{}, false
	}
	out := Window{TsMs: s.TsMs, RunID: w.settings.RunID, ID: w.nextID, Values: append([]float64(nil), w.values...)}
	out.Order, out.Units = s.described()
	w.nextID++
	return out, true
}

// Windows yields the windows that a new Windower cuts from the samples. Each pass ranges
// over samples once.
func Windows(samples iter.Seq2[Sample, error], settings WindowerSettings) iter.Seq2[Window, error] {
	return func(yield func(Window, error) bool) {
		w := NewWindower(settings)
		for s, err := range samples {
			if err != nil {
				yield(Window{}, err)
				return
			}
			if out, ok := w.Push(s); ok && !yield(out, nil) {
				return
			}
		}
	}
}
