package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// Runner gives a machine a radio and the real clock.
type Runner struct {
	Radio radio.Radio
	// Log takes every event, before the frame it is about is sent; Log.Write is
	// one. Nil takes none. Its error ends the run.
	Log func(Event) error
	// OnSeq is told the SEQ that comes next before one is used; State.SetSeq is
	// one. Nil is not told. Its error ends the run.
	OnSeq func(next byte) error
	// Flush is how long a sender may go on with what is pending after its
	// context has ended. What is left then is reported failed.
	Flush time.Duration
}

// Send runs a sender over what next yields until next returns io.EOF and
// everything is settled; it returns nil then. next is called from another
// goroutine, one call at a time, and must return when its context ends; a
// window's values must stay as they are until the following call. Where the
// queue blocks, next is called only while there is room.
//
// When ctx ends, Send flushes and returns ctx's error. Errors of next, of the
// radio and of Log end the run in the same way, but those of the latter two
// without flushing.
func (r *Runner) Send(ctx context.Context, s *Sender, next func(context.Context) (Outbound, error)) error {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	source, stopSource := context.WithCancel(ctx)
	run := &sendRun{Runner: r, sender: s, ctx: inner,
		receptions: make(chan received, 16), windows: make(chan offered), ask: make(chan struct{}, 1)}
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
	close(run.ask)
	<-done
	<-done
	return err
}

type received struct {
	reception radio.Reception
	err       error
}

type offered struct {
	window Outbound
	err    error
}

// sendRun is one call of Send.
type sendRun struct {
	*Runner
	sender     *Sender
	ctx        context.Context // ends with the run, later than the caller's
	receptions chan received
	windows    chan offered
	ask        chan struct{} // for one window
	actions    []Action
	deadline   time.Time
}

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

func (r *sendRun) loop(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var asked, ended bool
	var result error
	stop := ctx.Done()
	var flushed <-chan time.Time
	for !r.sender.Done() {
		if !asked && !ended && (r.sender.cfg.Queue != QueueBlock || r.sender.Room() > 0) {
			asked = true
			r.ask <- struct{}{}
		}
		timer.Reset(r.untilDeadline())
		// What has been received comes before the time that has passed: an ACK
		// that waited while a frame was being sent is no lost one.
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
			asked = false
			if w.err == nil && !ended {
				err = r.step(Offer(w.window))
				break
			}
			if w.err != nil && !ended && !errors.Is(w.err, io.EOF) && ctx.Err() == nil {
				result = fmt.Errorf("link: next window: %w", w.err)
			}
			ended = true
			err = r.step(Shutdown())
		case <-timer.C:
			err = r.step(Tick())
		case <-stop:
			stop, ended, result = nil, true, ctx.Err()
			flushed = time.After(r.Flush)
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
	return result
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

// step runs the sender and does what it asks for.
func (r *sendRun) step(in Input) error {
	actions, deadline := r.sender.Step(time.Now(), in, r.actions[:0])
	r.actions, r.deadline = actions, deadline
	for i := range actions {
		switch a := &actions[i]; a.Kind {
		case ActionLog:
			if r.Log != nil {
				if err := r.Log(a.Event); err != nil {
					return err
				}
			}
		case ActionSend:
			if r.OnSeq != nil {
				if err := r.OnSeq(r.sender.NextSeq()); err != nil {
					return err
				}
			}
			start := time.Now()
			if err := r.Radio.Send(r.ctx, a.Frame); err != nil {
				return fmt.Errorf("link: send: %w", err)
			}
			if stall := time.Since(start) - r.sender.cfg.Latency(len(a.Frame)); stall > time.Millisecond {
				// A step's send is its last action.
				return r.step(Stalled(stall))
			}
		}
	}
	return nil
}

// Receive runs a receiver until ctx ends, and returns its error then, or until
// the radio, Log or deliver fail. A delivery is handed over before its ACK is
// sent; deliver may be nil.
func (r *Runner) Receive(ctx context.Context, rx *Receiver, deliver func(Delivery) error) error {
	var actions []Action
	for {
		reception, err := r.Radio.Receive(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("link: receive: %w", err)
		}
		actions, _ = rx.Step(time.Now(), Received(reception), actions[:0])
		for i := range actions {
			switch a := &actions[i]; a.Kind {
			case ActionLog:
				if r.Log == nil {
					continue
				}
				if err := r.Log(a.Event); err != nil {
					return err
				}
			case ActionSend:
				if err := r.Radio.Send(ctx, a.Frame); err != nil {
					if ctx.Err() != nil {
						return ctx.Err()
					}
					return fmt.Errorf("link: send: %w", err)
				}
			case ActionDeliver:
				if deliver == nil {
					continue
				}
				if err := deliver(a.Delivery); err != nil {
					return err
				}
			}
		}
	}
}
