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

// SendSettings are the settings of [Endpoint.Send]. The zero value is the default.
// Functions are called from the goroutine that runs the link and must return soon;
// nil ones are not called.
type SendSettings struct {
	// Dataset is the path of a data set, JSONL, to append the windows to, as they are
	// before encoding. "": none.
	Dataset string
	// Flush is how long Send continues with pending windows after its context has
	// ended. Windows that are pending then are logged as failed. 0: link.DefaultFlush;
	// negative, as link.NoFlush: not at all.
	Flush time.Duration
	// OnStart is called with the SEQ and the window_id of the first window.
	OnStart func(seq byte, windowID int64)
	// OnEvent is called with every event after it was logged. The slices of the
	// event are valid until OnEvent returns.
	OnEvent func(link.Event)
	// Progress is called with the number of windows acknowledged so far, and with the
	// RunSpec's tx.max_windows, which is 0 if there is no limit.
	Progress func(done, total int)
}

// Check returns an error that wraps [ErrSettings] if Dataset names a numpy file.
func (s *SendSettings) Check() error { return checkOut(s.Dataset) }

// Send sends windows over a radio and logs every event. It returns when there are no
// more windows, or the RunSpec's tx.max_windows have been sent, and each is
// acknowledged or given up. The radio can be any implementation; Send does not
// close it. Settings may be nil.
//
// Send calls windows once, which must not be nil, and iterates over its sequence once.
// The context that it passes ends when the run does, whether because ctx has ended or
// because of an error; a sequence that waits for its next window must end then. Send
// numbers the windows, continuing after the last run with this run_id, and gives them
// the RunSpec's run_id. It ignores their own ID and RunID.
//
// If ctx ends, Send continues with pending windows for as long as settings.Flush says,
// and returns an error that wraps the context's. If windows yields an error, Send
// finishes the pending windows and returns the error. An error of the radio, the log or
// the data set ends the run at once. The metrics are valid whatever the error.
func (e *Endpoint) Send(ctx context.Context, r radio.Radio, windows func(context.Context) iter.Seq2[dataset.Window, error], settings *SendSettings) (metrics runlog.Metrics, err error) {
	s := SendSettings{}
	if settings != nil {
		s = *settings
	}
	if e.spec.Role != runspec.RoleTX {
		return runlog.Metrics{}, fmt.Errorf("%w: RunSpec role is %s, want %s to send", ErrSettings, e.spec.Role, runspec.RoleTX)
	}
	if err := s.Check(); err != nil {
		return runlog.Metrics{}, err
	}
	state, err := OpenState(e.spec.Logging.OutDir, e.spec.RunID)
	if err != nil {
		return runlog.Metrics{}, err
	}
	defer func() { err = errors.Join(err, state.Close()) }()
	senderSettings := e.SenderSettings(r)
	senderSettings.FirstSeq, senderSettings.Clock = state.Seq(), time.Now
	if err := senderSettings.Check(); err != nil {
		return runlog.Metrics{}, err
	}
	out, err := e.openOutput(s.Dataset, s.OnEvent)
	if err != nil {
		return runlog.Metrics{}, err
	}
	sender, err := out.sender(senderSettings)
	if err != nil {
		return runlog.Metrics{}, errors.Join(err, out.closeFiles())
	}
	if err := out.start(e.start, sender.AppendSpent); err != nil {
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
				s.Progress(acked, e.spec.TX.MaxWindows)
			}
		}
		return nil
	}}
	err = runner.Send(ctx, sender, source.next)
	source.stop()
	return out.meter.Metrics(), errors.Join(err, out.close())
}

// sender returns a sender that goes on where the last run ended.
func (o *output) sender(s link.SenderSettings) (*link.Sender, error) {
	var err error
	if s.Spent, err = o.spent(s.DutyCycle); err != nil {
		return nil, err
	}
	return link.NewSender(s)
}

// windowSource numbers windows and writes them to the data set before the link gets
// them.
type windowSource struct {
	windows func(context.Context) iter.Seq2[dataset.Window, error]
	limit   int    // 0: none
	runID   string // of all windows
	id      int64  // of the next window
	out     *output
	state   *State

	pull func() (dataset.Window, error, bool) // nil before the first window
	end  func()
}

// next returns the next window for link.Runner.Send.
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
	// Reserve the id before it is used, so that it is not used twice.
	if err := s.state.SetWindowID(s.id); err != nil {
		return link.Outbound{}, err
	}
	return link.Outbound{ID: w.ID, SensorMs: w.TsMs, Values: w.Values}, s.out.write(w)
}

// stop ends the sequence of windows.
func (s *windowSource) stop() {
	if s.end != nil {
		s.end()
	}
}
