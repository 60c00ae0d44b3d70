package e22

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Port is the UART a module hangs on. Read and Write are called from two
// goroutines, never each from several.
//
// Read returns (0, nil) once the read timeout has passed without a byte, as
// go.bug.st/serial does, and any error once the port is lost. Write may take
// fewer bytes than it was given and say no error. Close unblocks both.
type Port interface {
	io.ReadWriteCloser
	// SetReadTimeout bounds the Reads that follow. It is called by the
	// goroutine that reads.
	SetReadTimeout(time.Duration) error
}

// SpeedSetter is a [Port] whose speed can change while it is open, even while
// a Read waits.
type SpeedSetter interface {
	SetSpeed(baudRate int, parity Parity) error
}

// ModePins drives the module's mode pins, for boards that wire them to
// something a program can set; true is high. Normal mode is M0 and M1 low,
// configuration mode M0 low and M1 high.
type ModePins interface {
	SetPins(m0, m1 bool) error
}

// AUX reads the module's AUX pin, which is high while the module is ready to
// take bytes.
type AUX interface {
	Ready() (bool, error)
}

// ErrDisconnected is behind every [*PortError].
var ErrDisconnected = errors.New("e22: port failed")

// PortError is a port that failed, and what it was doing.
type PortError struct {
	Op  string // read, write, set speed, set pins, read aux, or open and the name
	Err error  // what the port said
}

func (e *PortError) Error() string { return fmt.Sprintf("%v: %s: %v", ErrDisconnected, e.Op, e.Err) }

func (e *PortError) Unwrap() []error { return []error{ErrDisconnected, e.Err} }

// conn is a port for as long as it works.
type conn struct {
	port Port
	lost context.Context // done once the port has failed, its cause a *PortError
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

// write writes all of b, whatever pieces the port takes it in. An error marks
// the connection as lost.
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

func (c *conn) setSpeed(baud int, parity Parity) error {
	if s, ok := c.port.(SpeedSetter); ok {
		if err := s.SetSpeed(baud, parity); err != nil {
			return c.broken("set speed", err)
		}
	}
	return nil
}

// broken marks the connection as lost and returns why. The goroutine that reads
// finds out and closes the port.
func (c *conn) broken(op string, err error) error {
	c.fail(&PortError{op, err})
	return context.Cause(c.lost)
}

// sleep waits for d, or returns why ctx is done.
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
