package e22

import (
	"bytes"
	"context"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// idleRead is the timeout of a Read between bursts. It limits how long a lost port
// or Close goes unnoticed if closing the port does not unblock Read.
const idleRead = 100 * time.Millisecond

// bootTime is how long a module that was just plugged in needs to start.
const bootTime = 100 * time.Millisecond

// run reads from the port, and from those that replace it, until the radio ends.
func (r *Radio) run(c *conn) {
	defer close(r.ended)
	delay := r.settings.BackoffMin
	for {
		opened := time.Now()
		in := reader{r: r, c: c}
		in.run()
		c.close()
		if r.ctx.Err() != nil {
			return
		}
		err := context.Cause(c.lost)
		if r.settings.OnConnection != nil {
			r.settings.OnConnection(err)
		}
		if r.settings.Open == nil {
			r.cancel(err)
			return
		}
		if time.Since(opened) > r.settings.BackoffMax {
			delay = r.settings.BackoffMin
		}
		for c = nil; c == nil; delay = min(2*delay, r.settings.BackoffMax) {
			if sleep(r.ctx, delay) != nil {
				return
			}
			c = r.reopen()
		}
		if r.settings.OnConnection != nil {
			r.settings.OnConnection(nil)
		}
	}
}

// reopen opens the port again, for a module that is back to its kept settings. It
// returns nil if that fails.
func (r *Radio) reopen() *conn {
	port, err := r.settings.Open(r.ctx)
	if err != nil {
		return nil
	}
	c := newConn(r.ctx, port)
	r.mu.Lock()
	r.line = r.kept
	kept := r.kept
	r.mu.Unlock()
	if c.setSpeed(kept.baud, kept.parity) != nil || sleep(r.ctx, bootTime) != nil {
		c.fail(radio.ErrClosed)
		c.close()
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conn = c
	close(r.changed)
	r.changed = make(chan struct{})
	return c
}

// tap takes the bytes that are received while a command is under way, until stop
// is closed.
type tap struct {
	bytes chan []byte
	stop  chan struct{}
}

// reader turns the bytes of one connection into receptions.
type reader struct {
	r       *Radio
	c       *conn
	parser  *radio.StreamParser // nil: create one for the current line
	held    []byte              // possibly the answer to the RSSI command
	heldAt  time.Time
	timeout time.Duration // of Read, as set last
}

// run reads until the connection is lost.
func (in *reader) run() {
	buf := make([]byte, 512)
	for in.c.lost.Err() == nil {
		deadline, burst := in.deadline()
		wait := idleRead
		if burst {
			wait = min(max(time.Until(deadline), time.Millisecond), idleRead)
		}
		if wait != in.timeout {
			if err := in.c.port.SetReadTimeout(wait); err != nil {
				in.c.broken("read", err)
				break
			}
			in.timeout = wait
		}
		began := time.Now()
		n, err := in.c.port.Read(buf)
		at := time.Now()
		if burst && n > 0 && !at.Before(deadline) {
			// Only a Read that times out proves a silence. These bytes were there, and
			// this program was not running.
			at = deadline.Add(-1)
		}
		in.take(buf[:min(max(n, 0), len(buf))], at)
		switch {
		case err != nil && !isInterrupted(err):
			in.c.broken("read", err)
		case n <= 0 && at.Sub(began) < wait/2:
			// Do not spin on a port that ignores its timeout.
			_ = sleep(in.c.lost, time.Millisecond)
		}
	}
	in.flush()
}

// deadline returns when the burst being read would end.
func (in *reader) deadline() (at time.Time, ok bool) {
	if len(in.held) > 0 {
		return in.heldAt.Add(in.silence()), true
	}
	if in.parser == nil {
		return time.Time{}, false
	}
	return in.parser.Deadline()
}

// silence returns how long no byte arrives before a burst is over.
func (in *reader) silence() time.Duration {
	if in.r.settings.Silence > 0 {
		return in.r.settings.Silence
	}
	return radio.SilenceForBaud(in.r.lineNow().baud)
}

// take passes on bytes, or with none the time: to a command, or to the parser.
func (in *reader) take(b []byte, at time.Time) {
	in.r.mu.Lock()
	tap, query, rssiByte := in.r.tap, in.r.query, in.r.line.rssiByte
	in.r.mu.Unlock()
	if tap != nil {
		in.flush()
		in.parser = nil // the command may change the line
		if len(b) > 0 {
			select {
			case tap.bytes <- bytes.Clone(b):
			case <-tap.stop:
			case <-in.c.lost.Done():
			}
		}
		return
	}
	if in.parser == nil {
		in.parser = radio.NewStreamParser(radio.StreamSettings{RSSIByte: rssiByte, Silence: in.silence()})
	}
	var got []radio.Reception
	if len(in.held) > 0 && (query == nil || len(b) == 0 && !at.Before(in.heldAt.Add(in.silence()))) {
		got = in.parser.Push(got, in.held, in.heldAt)
		in.held = nil
	}
	if query == nil {
		got = in.parser.Push(got, b, at)
	} else {
		got = in.parser.Tick(got, at)
		for _, c := range b {
			got = in.sift(got, c, at, query)
		}
	}
	in.r.deliver(got)
}

// sift looks for the answer to the RSSI command wherever a frame could begin, and
// passes the rest to the parser. While the answer is awaited, a frame of 193 bytes
// with SEQ 0 and a payload that begins with 02 would be mistaken for it.
func (in *reader) sift(got []radio.Reception, c byte, at time.Time, query chan RSSI) []radio.Reception {
	if _, burst := in.parser.Deadline(); burst {
		return in.parser.Push(got, []byte{c}, at)
	}
	in.held = append(in.held, c)
	in.heldAt = at
	n := len(headRSSI)
	switch {
	case !bytes.HasPrefix(in.held, headRSSI[:min(n, len(in.held))]):
		got = in.parser.Push(got, in.held, at)
		in.held = nil
	case len(in.held) == n+2:
		select {
		case query <- RSSI{AmbientDBm: dBm(in.held[n]), LastPacketDBm: dBm(in.held[n+1])}:
		default: // it was answered before
		}
		in.held = nil
	}
	return got
}

// flush ends the burst being read.
func (in *reader) flush() {
	if in.parser == nil {
		return
	}
	var got []radio.Reception
	if len(in.held) > 0 {
		got = in.parser.Push(got, in.held, in.heldAt)
		in.held = nil
	}
	if deadline, burst := in.parser.Deadline(); burst {
		got = in.parser.Tick(got, deadline)
	}
	in.r.deliver(got)
}
