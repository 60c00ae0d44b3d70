package endpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/runspec"
)

// DefaultFlush is how long a sender goes on with what is pending once its context
// has ended.
const DefaultFlush = 5 * time.Second

// NoFlush is a SendSettings.Flush that gives up at once what is pending.
const NoFlush time.Duration = -1

// SendSettings are what a program may add to [Endpoint.Send]. The zero value adds
// nothing. Hooks are called from the goroutine that runs the link and must
// return soon.
type SendSettings struct {
	// Dataset is the path of a data set to append the windows to, as they were
	// before encoding. "": none.
	Dataset string
	// Flush is how long Send goes on with what is pending once its context has
	// ended; what is left then is logged as failed. 0: DefaultFlush; NoFlush: not
	// at all.
	Flush time.Duration
	// OnStart hears the SEQ and the window_id of the first window.
	OnStart func(seq byte, windowID int64)
	// OnEvent hears every event after it was logged. Its slices are valid until
	// OnEvent returns.
	OnEvent func(link.Event)
	// Progress hears how many windows have been acknowledged so far.
	Progress func(windows int)
}

// Send sends windows over a radio until there are no more, or the RunSpec's
// max_windows have been sent, and each is acknowledged or given up. Then it
// returns nil. It logs every event. The radio may be any implementation and
// stays the caller's to close. Settings may be nil.
//
// Windows is called once, with a context that ends when the run does, whether by
// ctx or by an error: a source that waits for its next window must end then. Send
// numbers the windows itself, from where the last run with this run_id left off,
// and gives them the RunSpec's run_id; other fields are used as they are.
//
// Send returns the metrics of what was sent in any case. When ctx ends it first
// flushes, see SendSettings, and returns an error that wraps the context's.
// Errors of windows end the run after what is pending, errors of the radio, of
// the log and of the data set at once.
func (e *Endpoint) Send(ctx context.Context, r radio.Radio, windows func(context.Context) iter.Seq2[dataset.Window, error], settings *SendSettings) (runlog.Metrics, error) {
	s := SendSettings{}
	if settings != nil {
		s = *settings
	}
	switch {
	case s.Flush == 0:
		s.Flush = DefaultFlush
	case s.Flush < 0:
		s.Flush = 0
	}
	if e.spec.Role != runspec.RoleTX {
		return runlog.Metrics{}, fmt.Errorf("%w: role %s cannot send, want %s", ErrSettings, e.spec.Role, runspec.RoleTX)
	}
	state, err := OpenState(e.spec.Logging.OutDir, e.spec.RunID)
	if err != nil {
		return runlog.Metrics{}, err
	}
	defer state.Close()
	senderSettings := e.SenderSettings(r)
	senderSettings.FirstSeq, senderSettings.Clock = state.Seq(), time.Now
	sender, err := link.NewSender(senderSettings)
	if err != nil {
		return runlog.Metrics{}, err
	}
	out, err := e.openOutput(s.Dataset, s.OnEvent)
	if err != nil {
		return runlog.Metrics{}, err
	}
	source := &windowSource{windows: windows, limit: e.spec.TX.MaxWindows, runID: e.spec.RunID,
		id: max(state.WindowID(), out.nextID()), out: out, state: state}
	if s.OnStart != nil {
		s.OnStart(state.Seq(), source.id)
	}
	acked := 0
	runner := link.Runner{Radio: r, Flush: s.Flush, OnSeq: state.SetSeq, Log: func(event link.Event) error {
		if err := out.event(event); err != nil {
			return err
		}
		if event.Kind == link.EventAckReceived {
			acked++
			if s.Progress != nil {
				s.Progress(acked)
			}
		}
		return nil
	}}
	err = runner.Send(ctx, sender, source.next)
	source.stop()
	return out.meter.Metrics(), errors.Join(err, out.close())
}

// windowSource numbers windows, keeps them in the data set and hands them to the
// link.
type windowSource struct {
	windows func(context.Context) iter.Seq2[dataset.Window, error]
	limit   int // 0: none
	runID   string
	id      int64 // of the next window
	out     *output
	state   *State

	pull func() (dataset.Window, error, bool) // nil before the first window
	end  func()
}

// next is a link.Runner's source.
func (s *windowSource) next(ctx context.Context) (link.Outbound, error) {
	if s.pull == nil {
		s.pull, s.end = iter.Pull2(dataset.Limit(s.windows(ctx), s.limit))
	}
	w, err, ok := s.pull()
	if !ok {
		return link.Outbound{}, io.EOF
	}
	if err != nil {
		return link.Outbound{}, err
	}
	w.ID, w.RunID = s.id, s.runID
	s.id++
	// The data set first, then the id: neither is used twice, whenever this
	// process is killed.
	if err := s.out.write(w); err != nil {
		return link.Outbound{}, err
	}
	return link.Outbound{ID: w.ID, SensorMs: w.TsMs, Values: w.Values}, s.state.SetWindowID(w.ID + 1)
}

func (s *windowSource) stop() {
	if s.end != nil {
		s.end()
	}
}
