package e22

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Port is the UART that a module is connected to. The driver calls Read from one
// goroutine and Write from another.
//
// As in go.bug.st/serial, Read returns (0, nil) if the read timeout has passed
// without a byte. It returns an error if the port is lost. Write may write fewer
// bytes than it was given and return no error. Close unblocks both.
type Port interface {
	io.ReadWriteCloser
	// SetReadTimeout sets the timeout of the Reads that follow. It is called from
	// the goroutine that reads.
	SetReadTimeout(time.Duration) error
}

// SpeedSetter is an optional interface of a [Port] whose speed can be changed while
// it is open, even during a Read.
type SpeedSetter interface {
	// SetSpeed sets the speed in bit/s and the parity.
	SetSpeed(baudRate int, parity Parity) error
}

// ModePins sets a module's mode pins, on boards that connect them to outputs of the
// host. Normal mode is M0 and M1 low; configuration mode is M0 low and M1 high.
type ModePins interface {
	// SetPins sets both pins; true is high.
	SetPins(m0, m1 bool) error
}

// AUX reads a module's AUX pin, which is high while the module can take bytes.
type AUX interface {
	// Ready reports whether the pin is high.
	Ready() (bool, error)
}

// ErrDisconnected is wrapped by every [*PortError].
var ErrDisconnected = errors.New("e22: port failed")

// PortError reports an operation on a port that failed.
type PortError struct {
	Op  string // read, write, set speed, set pins, read aux, or open and the port's name
	Err error  // the port's error
}

func (e *PortError) Error() string { return fmt.Sprintf("%v: %s: %v", ErrDisconnected, e.Op, e.Err) }

// Unwrap returns ErrDisconnected and Err.
func (e *PortError) Unwrap() []error { return []error{ErrDisconnected, e.Err} }

// conn is a port, from its opening until it is lost.
type conn struct {
	port Port
	lost context.Context // ends when the port has failed; its cause is a *PortError
	fail context.CancelCauseFunc
	once sync.Once
	err  error // of Close
}

func newConn(parent context.Context, port Port) *conn {
	c := &conn{port: port}
	c.lost, c.fail = context.WithCancelCause(parent)
	return c
}

// close closes the port, once.
func (c *conn) close() error {
	c.once.Do(func() { c.err = c.port.Close() })
	return c.err
}

// write writes all of b, in as many pieces as the port needs. An error marks the
// connection as lost.
func (c *conn) write(b []byte) error {
	for stuck := 0; len(b) > 0; {
		n, err := c.port.Write(b)
		n = min(max(n, 0), len(b))
		b = b[n:]
		switch {
		case err != nil && !isInterrupted(err):
			return c.broken("write", err)
		case n > 0:
			stuck = 0
		case stuck == 100:
			return c.broken("write", io.ErrNoProgress)
		default:
			stuck++
			if err := sleep(c.lost, time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeContext does what write does, but returns the context's error when ctx ends. The
// module may then have a part of b, so the connection is marked as lost, and the port is
// opened again. A Write that the port does not return from ends when the port is closed.
func (c *conn) writeContext(ctx context.Context, b []byte) error {
	b = bytes.Clone(b) // the caller may use b again while Write still runs
	done := make(chan error, 1)
	go func() { done <- c.write(b) }()
	select {
	case err := <-done:
		return err
	case <-c.lost.Done():
		return context.Cause(c.lost)
	case <-ctx.Done():
		_ = c.broken("write", ctx.Err())
		return ctx.Err()
	}
}

// setSpeed sets the speed of the port if it is a SpeedSetter.
func (c *conn) setSpeed(baud int, parity Parity) error {
	if s, ok := c.port.(SpeedSetter); ok {
		if err := s.SetSpeed(baud, parity); err != nil {
			return c.broken("set speed", err)
		}
	}
	return nil
}

// broken marks the connection as lost and returns the reason. The goroutine that
// reads then closes the port.
func (c *conn) broken(op string, err error) error {
	c.fail(&PortError{op, err})
	return context.Cause(c.lost)
}

// sleep waits for d, or returns the cause if ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	if err := context.Cause(ctx); err != nil || d <= 0 {
		return err
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
