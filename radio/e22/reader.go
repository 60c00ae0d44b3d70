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
		b := byteReader{r: r, c: c}
		b.run()
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

// reopen opens the port again, for a module that is back to its persistent
// registers. It returns nil if that fails.
func (r *Radio) reopen() *conn {
	port, err := r.settings.Open(r.ctx)
	if err != nil {
		return nil
	}
	c := newConn(r.ctx, port)
	r.mu.Lock()
	r.line = r.persistent
	now := r.line
	r.mu.Unlock()
	if c.setSpeed(now.baud, now.parity) != nil || sleep(r.ctx, bootTime) != nil {
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

// tap receives the bytes that arrive while a command is under way, until stop is
// closed.
type tap struct {
	bytes chan []byte
	stop  chan struct{}
}

// byteReader turns the bytes of one connection into receptions.
type byteReader struct {
	r         *Radio
	c         *conn
	parser    *radio.StreamParser // nil: create one for the current line
	prefix    []byte              // possibly the start of the answer to the RSSI command
	prefixEnd time.Time           // when the last byte of prefix arrived
	timeout   time.Duration       // of Read, as set last
}

// run reads until the connection is lost.
func (b *byteReader) run() {
	buf := make([]byte, 512)
	for b.c.lost.Err() == nil {
		deadline, burst := b.deadline()
		wait := idleRead
		if burst {
			wait = min(max(time.Until(deadline), time.Millisecond), idleRead)
		}
		if wait != b.timeout {
			if err := b.c.port.SetReadTimeout(wait); err != nil {
				b.c.broken("read", err)
				break
			}
			b.timeout = wait
		}
		began := time.Now()
		n, err := b.c.port.Read(buf)
		now := time.Now()
		if burst && n > 0 && !now.Before(deadline) {
			// Only a Read that times out proves a silence. These bytes were there, and
			// this program was not running.
			now = deadline.Add(-1)
		}
		b.take(buf[:min(max(n, 0), len(buf))], now)
		switch {
		case err != nil && !isInterrupted(err):
			b.c.broken("read", err)
		case n <= 0 && now.Sub(began) < wait/2:
			// Do not spin on a port that ignores its timeout.
			_ = sleep(b.c.lost, time.Millisecond)
		}
	}
	b.flush()
}

// deadline returns when the burst being read would end.
func (b *byteReader) deadline() (deadline time.Time, ok bool) {
	if len(b.prefix) > 0 {
		return b.prefixEnd.Add(b.silence()), true
	}
	if b.parser == nil {
		return time.Time{}, false
	}
	return b.parser.Deadline()
}

// silence returns the time without a byte that ends a burst.
func (b *byteReader) silence() time.Duration {
	if b.r.settings.Silence > 0 {
		return b.r.settings.Silence
	}
	return radio.SilenceForBaud(b.r.lineNow().baud)
}

// take passes data that arrived at the time now to the command under way or to the
// parser. With no data it passes the time.
func (b *byteReader) take(data []byte, now time.Time) {
	b.r.mu.Lock()
	tap, query, rssiByte := b.r.tap, b.r.query, b.r.line.rssiByte
	b.r.mu.Unlock()
	if tap != nil {
		b.flush()
		b.parser = nil // the command may change the line
		if len(data) > 0 {
			select {
			case tap.bytes <- bytes.Clone(data):
			case <-tap.stop:
			case <-b.c.lost.Done():
			}
		}
		return
	}
	if b.parser == nil {
		b.parser = radio.NewStreamParser(radio.StreamSettings{RSSIByte: rssiByte, Silence: b.silence()})
	}
	var got []radio.Reception
	if len(b.prefix) > 0 && (query == nil || len(data) == 0 && !now.Before(b.prefixEnd.Add(b.silence()))) {
		got = b.parser.Push(got, b.prefix, b.prefixEnd)
		b.prefix = nil
	}
	if query == nil {
		got = b.parser.Push(got, data, now)
	} else {
		got = b.parser.Tick(got, now)
		for _, c := range data {
			got = b.sift(got, c, now, query)
		}
	}
	b.r.deliver(got)
}

// sift looks for the answer to the RSSI command wherever a frame could begin, and
// passes other bytes to the parser. While the answer is awaited, a frame with LEN
// 193, SEQ 0 and a payload that begins with 02 is mistaken for it.
func (b *byteReader) sift(got []radio.Reception, c byte, now time.Time, query chan RSSI) []radio.Reception {
	if _, burst := b.parser.Deadline(); burst {
		return b.parser.Push(got, []byte{c}, now)
	}
	b.prefix = append(b.prefix, c)
	b.prefixEnd = now
	n := len(headRSSI)
	switch {
	case !bytes.HasPrefix(b.prefix, headRSSI[:min(n, len(b.prefix))]):
		got = b.parser.Push(got, b.prefix, now)
		b.prefix = nil
	case len(b.prefix) == n+2:
		select {
		case query <- RSSI{AmbientDBm: dBm(b.prefix[n]), LastPacketDBm: dBm(b.prefix[n+1])}:
		default: // it was answered before
		}
		b.prefix = nil
	}
	return got
}

// flush ends the burst being read.
func (b *byteReader) flush() {
	if b.parser == nil {
		return
	}
	var got []radio.Reception
	if len(b.prefix) > 0 {
		got = b.parser.Push(got, b.prefix, b.prefixEnd)
		b.prefix = nil
	}
	if deadline, burst := b.parser.Deadline(); burst {
		got = b.parser.Tick(got, deadline)
	}
	b.r.deliver(got)
}
