package dataset

import (
	"flag"
	"fmt"
	"iter"

	"github.com/loralink/loralink-go/dataset/sensor"
)

// Windower cuts a stream of samples into windows, oldest step first. The first
// window comes after W samples, then one after every Stride samples. A time
// that goes back, as where a recording is played again, or a gap longer than
// MaxGapMs starts afresh: no window spans it, and the next one comes W samples
// later. Set the fields before the first Push; it is not safe for concurrent use.
type Windower struct {
	W        int    // steps of a window; below 1 counts as 1
	Stride   int    // samples from one window to the next; below 1 counts as 1
	MaxGapMs int64  // longest time between two samples of a window; 0: any
	RunID    string // of the windows
	NextID   int64  // window_id of the next window

	buf   []float64 // values of the last samples, W at most
	last  int64     // time of the newest
	count int       // samples since the start or the last fresh start
}

// RegisterFlags adds the flags --window-W, --window-stride and --max-gap-ms.
func (w *Windower) RegisterFlags(fs *flag.FlagSet) {
	fs.IntVar(&w.W, "window-W", 1, "samples of a window")
	fs.IntVar(&w.Stride, "window-stride", 1, "samples from one window to the next")
	fs.Int64Var(&w.MaxGapMs, "max-gap-ms", 0, "no window spans a longer gap between two samples; 0: any gap")
}

// Check reports what its flags cannot mean, as ErrSettings.
func (w *Windower) Check() error {
	switch {
	case w.W < 1:
		return fmt.Errorf("%w: --window-W is %d, want at least 1", ErrSettings, w.W)
	case w.Stride < 1:
		return fmt.Errorf("%w: --window-stride is %d, want at least 1", ErrSettings, w.Stride)
	case w.MaxGapMs < 0:
		return fmt.Errorf("%w: --max-gap-ms is %d, want 0 or more", ErrSettings, w.MaxGapMs)
	}
	return nil
}

// Push takes a sample and returns the window it completes, if it does.
func (w *Windower) Push(s Sample) (Window, bool) {
	size, stride := max(w.W, 1), max(w.Stride, 1)
	if w.count > 0 && (s.TsMs < w.last || w.MaxGapMs > 0 && s.TsMs-w.last > w.MaxGapMs) {
		w.buf, w.count = w.buf[:0], 0
	}
	if len(w.buf) == size*sensor.MotionDims {
		w.buf = w.buf[:copy(w.buf, w.buf[sensor.MotionDims:])]
	}
	w.buf = append(w.buf, s.Values[:]...)
	w.last = s.TsMs
	w.count++
	if w.count < size || (w.count-size)%stride != 0 {
		return Window{}, false
	}
	out := Window{
		TsMs: s.TsMs, RunID: w.RunID, ID: w.NextID,
		Order: sampleNames, Units: sampleUnits,
		Values: append([]float64(nil), w.buf...),
	}
	w.NextID++
	return out, true
}

// Windows yields the windows that a Windower with these settings cuts from the
// samples. Each range starts anew.
func Windows(samples iter.Seq2[Sample, error], settings Windower) iter.Seq2[Window, error] {
	return func(yield func(Window, error) bool) {
		w := Windower{W: settings.W, Stride: settings.Stride, MaxGapMs: settings.MaxGapMs, RunID: settings.RunID, NextID: settings.NextID}
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
