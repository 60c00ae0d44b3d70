package e22test

import (
	"time"

	"github.com/loralink/loralink-go/radio/e22"
)

// Port is the host's end of a module's UART, in memory. It implements [e22.Port] and
// [e22.SpeedSetter]. Until a speed is set, it has that of the module; bytes that
// are sent at another speed arrive garbled. As with go.bug.st/serial, Read returns
// (0, nil) after its timeout.
type Port struct {
	m    *Module
	wake chan struct{} // signals that there may be bytes
	done chan struct{} // closed when err is set

	// Guarded by m.air.mu.
	err     error
	baud    int // 0: that of the module
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
	at   time.Time
	data []byte
}

// Read waits for at least one byte, for the timeout, or until the port is closed or
// unplugged.
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
		if now.Before(s.at) {
			return n, s.at, nil
		}
		k := copy(b[n:], s.data)
		n += k
		if s.data = s.data[k:]; len(s.data) == 0 {
			p.pending = p.pending[1:]
		}
	}
	return n, time.Time{}, nil
}

// Write hands bytes to the UART. It does not wait until they have passed it.
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

// SetReadTimeout sets the timeout of the Reads that follow; a negative one means
// that they wait for as long as it takes.
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

// end is called with air.mu held.
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
