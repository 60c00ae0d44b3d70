package e22test

import (
	"time"

	"github.com/loralink/loralink-go/radio/e22"
)

// Port is the host's end of a module's UART, in memory. It implements [e22.Port] and
// [e22.SpeedSetter]. Until a speed is set, it has that of the module. Bytes that are
// sent at another speed arrive garbled.
type Port struct {
	m    *Module
	wake chan struct{} // signals that there may be bytes
	done chan struct{} // closed when err is set

	// Guarded by m.medium.mu.
	err     error
	baud    int // 0: the module's
	parity  e22.Parity
	pending []segment
	timeout time.Duration // of Read; negative: none
}

var (
	_ e22.Port        = (*Port)(nil)
	_ e22.SpeedSetter = (*Port)(nil)
	_ e22.ModePins    = (*Module)(nil)
	_ e22.AUX         = (*Module)(nil)
)

// segment is a piece of output and when it reaches the host.
type segment struct {
	time time.Time
	data []byte
}

// Read waits for at least one byte. If the timeout passes first, it returns (0, nil),
// as go.bug.st/serial does. If the port is closed or the module is unplugged, it
// returns [ErrClosed] or [ErrUnplugged].
func (p *Port) Read(b []byte) (int, error) {
	p.m.medium.mu.Lock()
	timeout := p.timeout
	p.m.medium.mu.Unlock()
	var expired <-chan time.Time
	if timeout >= 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		expired = t.C
	}
	for {
		n, next, err := p.take(b)
		if n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
		var arrival <-chan time.Time
		var t *time.Timer
		if !next.IsZero() {
			t = time.NewTimer(time.Until(next))
			arrival = t.C
		}
		var stop bool
		select {
		case <-arrival:
		case <-p.wake:
		case <-p.done:
		case <-expired:
			stop = true
		}
		if t != nil {
			t.Stop()
		}
		if stop {
			n, _, err := p.take(b)
			return n, err
		}
	}
}

// take returns the bytes that have arrived by now, and when the next ones will.
func (p *Port) take(b []byte) (n int, next time.Time, err error) {
	p.m.medium.mu.Lock()
	defer p.m.medium.mu.Unlock()
	if p.err != nil {
		return 0, time.Time{}, p.err
	}
	if limit := p.m.faults.ReadLen; limit > 0 {
		b = b[:min(len(b), limit)]
	}
	now := time.Now()
	for len(p.pending) > 0 && n < len(b) {
		s := &p.pending[0]
		if now.Before(s.time) {
			return n, s.time, nil
		}
		k := copy(b[n:], s.data)
		n += k
		if s.data = s.data[k:]; len(s.data) == 0 {
			p.pending = p.pending[1:]
		}
	}
	return n, time.Time{}, nil
}

// Write writes bytes to the UART. It does not wait until they have passed it.
func (p *Port) Write(b []byte) (int, error) {
	p.m.medium.mu.Lock()
	defer p.m.medium.mu.Unlock()
	if p.err != nil {
		return 0, p.err
	}
	if limit := p.m.faults.WriteLen; limit > 0 {
		b = b[:min(len(b), limit)]
	}
	p.m.accept(b)
	return len(b), nil
}

// SetReadTimeout sets the timeout of the Reads that follow. If it is negative, they
// wait without a limit; with 0 they do not wait.
func (p *Port) SetReadTimeout(d time.Duration) error {
	p.m.medium.mu.Lock()
	defer p.m.medium.mu.Unlock()
	p.timeout = d
	return p.err
}

// SetSpeed sets the speed of the host's end of the UART.
func (p *Port) SetSpeed(baudRate int, parity e22.Parity) error {
	p.m.medium.mu.Lock()
	defer p.m.medium.mu.Unlock()
	p.baud, p.parity = baudRate, parity
	return p.err
}

// Close unblocks Read, and makes the module ready for the next Open. Calling it again
// has no effect.
func (p *Port) Close() error {
	p.m.medium.mu.Lock()
	defer p.m.medium.mu.Unlock()
	p.end(ErrClosed)
	return nil
}

// end is called with medium.mu held.
func (p *Port) end(err error) {
	if p.err == nil {
		p.err = err
		close(p.done)
	}
	if p.m.port == p {
		p.m.port = nil
	}
}

// notify wakes Read up.
func (p *Port) notify() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}
