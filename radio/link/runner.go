package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// DefaultFlush is the default of Runner.Flush.
const DefaultFlush = 5 * time.Second

// NoFlush is a value of Runner.Flush: pending windows are given up at once.
const NoFlush time.Duration = -1

// Runner runs a machine with a radio and the real clock. Its fields must not change
// while it runs.
type Runner struct {
	Radio radio.Radio
	// Log is called with every event, before the frame that the event is about is
	// sent. It can be the method Write of a runlog.Writer. An error ends the run. It may
	// be nil.
	Log func(Event) error
	// OnSeq is called with the sequence number of the next window before a frame is
	// sent, so that it can be stored. An error ends the run. It may be nil.
	OnSeq func(next byte) error
	// Flush is how long a sender continues with pending windows after its context has
	// ended. Windows that are pending then are reported as failed. 0: DefaultFlush;
	// negative, as NoFlush: not at all.
	Flush time.Duration
}

// Send runs a sender over the windows that next returns, until next returns io.EOF
// and every window is acknowledged or given up. Then it returns nil.
//
// Send calls next from another goroutine, one call at a time. With QueueBlock it
// calls next only while the queue is not full. Next must return when its context
// ends, which is when the run does. A window's values must stay unchanged until the
// following call.
//
// When ctx ends, Send continues with pending windows for as long as Flush says, and
// returns the context's error. A frame that the radio has not taken by then is given up:
// the context that Send passes to the radio ends. After an error of next, Send finishes
// the pending windows and returns the error. An error of the radio, of Log or of OnSeq
// ends the run at once.
func (r *Runner) Send(ctx context.Context, s *Sender, next func(context.Context) (Outbound, error)) error {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	source, stopSource := context.WithCancel(ctx)
	sending, stopSending := context.WithCancel(inner)
	run := &sendRun{Runner: r, sender: s, ctx: inner, sending: sending,
		receptions: make(chan received, 16), windows: make(chan offered), ask: make(chan struct{}, 1)}
	flushed := make(chan struct{})
	stopFlush := context.AfterFunc(ctx, func() {
		defer close(flushed)
		if wait(inner, r.flush()) {
			stopSending()
		}
	})
	done := make(chan struct{}, 2)
	go func() {
		run.receive(inner)
		done <- struct{}{}
	}()
	go func() {
		run.fetch(source, next)
		done <- struct{}{}
	}()
	err := run.loop(ctx)
	cancel()
	stopSource()
	stopSending()
	close(run.ask)
	<-done
	<-done
	if !stopFlush() {
		<-flushed
	}
	return err
}

// wait waits for d. It returns false if ctx ends before.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// received is what the radio's Receive returned.
type received struct {
	reception radio.Reception
	err       error
}

// offered is what the source of windows returned.
type offered struct {
	window Outbound
	err    error
}

// sendRun is one call of Send.
type sendRun struct {
	*Runner
	sender     *Sender
	ctx        context.Context // ends with the run, later than the caller's
	sending    context.Context // ends when pending windows are to be given up
	receptions chan received
	windows    chan offered
	ask        chan struct{} // asks fetch for one window
	actions    []Action
	deadline   time.Time // when the sender must be called; zero: not before an input

	asked, ended bool  // a window was asked for; no more will be
	result       error // of the source, for when the run is over
}

// receive passes on what the radio receives.
func (r *sendRun) receive(ctx context.Context) {
	for {
		reception, err := r.Radio.Receive(ctx)
		select {
		case r.receptions <- received{reception, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// fetch gets a window from the source each time it is asked.
func (r *sendRun) fetch(ctx context.Context, next func(context.Context) (Outbound, error)) {
	for range r.ask {
		w, err := next(ctx)
		select {
		case r.windows <- offered{w, err}:
		case <-r.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// loop steps the sender until it is done.
func (r *sendRun) loop(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	stop, flushed := ctx.Done(), r.sending.Done()
	for !r.sender.Done() {
		if !r.asked && !r.ended && (r.sender.settings.Queue != QueueBlock || r.sender.QueueSpace() > 0) {
			r.asked = true
			r.ask <- struct{}{}
		}
		timer.Reset(r.untilDeadline())
		// Process receptions before the time: an ACK that waited while a frame was being
		// sent is not late.
		select {
		case rec := <-r.receptions:
			if err := r.received(rec); err != nil {
				return err
			}
			continue
		default:
		}
		var err error
		select {
		case rec := <-r.receptions:
			err = r.received(rec)
		case w := <-r.windows:
			err = r.offered(ctx, w)
		case <-timer.C:
			err = r.step(Tick())
		case <-stop:
			stop, r.ended = nil, true
			err = r.step(Shutdown())
		case <-flushed:
			err = r.step(Abort())
		}
		if err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.result
}

// flush returns Flush with its default.
func (r *Runner) flush() time.Duration {
	if r.Flush == 0 {
		return DefaultFlush
	}
	return max(r.Flush, 0)
}

func (r *sendRun) untilDeadline() time.Duration {
	if r.deadline.IsZero() {
		return time.Hour
	}
	return max(time.Until(r.deadline), 0)
}

func (r *sendRun) received(rec received) error {
	if rec.err != nil {
		return fmt.Errorf("link: receive: %w", rec.err)
	}
	return r.step(Received(rec.reception))
}

// offered processes a window from the source, or the source's end.
func (r *sendRun) offered(ctx context.Context, w offered) error {
	r.asked = false
	if w.err == nil && !r.ended {
		return r.step(Offer(w.window))
	}
	if w.err != nil && !r.ended && !errors.Is(w.err, io.EOF) && ctx.Err() == nil {
		r.result = fmt.Errorf("link: next window: %w", w.err)
	}
	r.ended = true
	return r.step(Shutdown())
}

// step runs the sender and does what it asks for.
func (r *sendRun) step(input Input) error {
	actions, deadline := r.sender.Step(time.Now(), input, r.actions[:0])
	r.actions, r.deadline = actions, deadline
	for i := range actions {
		switch a := &actions[i]; a.Kind {
		case ActionLog:
			if err := r.log(a.Event); err != nil {
				return err
			}
		case ActionSend:
			stall, err := r.transmit(a.Frame)
			if err != nil && r.sending.Err() != nil {
				return r.step(Abort()) // the frame was not sent by the end of the flush
			}
			if err != nil {
				return err
			}
			if stall > time.Millisecond {
				return r.step(Stalled(stall)) // the send is the last action of a step
			}
		}
	}
	return nil
}

// transmit sends a frame and returns by how much that took longer than the radio's
// latency.
func (r *sendRun) transmit(frame []byte) (stall time.Duration, err error) {
	if r.OnSeq != nil {
		if err := r.OnSeq(r.sender.NextSeq()); err != nil {
			return 0, err
		}
	}
	start := time.Now()
	if err := r.Radio.Send(r.sending, frame); err != nil {
		return 0, fmt.Errorf("link: send: %w", err)
	}
	return time.Since(start) - r.sender.settings.Latency(len(frame)), nil
}

// log calls Log, if it is set.
func (r *Runner) log(e Event) error {
	if r.Log == nil {
		return nil
	}
	return r.Log(e)
}

// Receive runs a receiver until ctx ends, and then returns the context's error. An
// error of the radio, of Log or of deliver ends the run at once. Deliver is called
// before the window is acknowledged; it may be nil.
func (r *Runner) Receive(ctx context.Context, rx *Receiver, deliver func(Delivery) error) error {
	var actions []Action
	for {
		reception, err := r.Radio.Receive(ctx)
		if err != nil {
			return r.radioError(ctx, "receive", err)
		}
		actions, _ = rx.Step(time.Now(), Received(reception), actions[:0])
		for i := range actions {
			switch a := &actions[i]; a.Kind {
			case ActionLog:
				err = r.log(a.Event)
			case ActionSend:
				if err = r.Radio.Send(ctx, a.Frame); err != nil {
					err = r.radioError(ctx, "send", err)
				}
			case ActionDeliver:
				if deliver != nil {
					err = deliver(a.Delivery)
				}
			}
			if err != nil {
				return err
			}
		}
	}
}

// radioError returns the context's error if that is why the radio failed.
func (r *Runner) radioError(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("link: %s: %w", op, err)
}
