package e22

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.bug.st/serial"

	"github.com/loralink/loralink-go/radio"
)

// Open opens the serial port of that name, such as /dev/ttyUSB0 or COM3, and
// returns a Radio over it. If the port cannot be opened now, the error is a
// [*PortError]. The driver opens a port again that is lost later, by settings.Open
// if that is set. Ctx applies to this call only.
func Open(ctx context.Context, name string, settings Settings) (*Radio, error) {
	if settings.Open == nil {
		settings.Open = func(context.Context) (Port, error) { return openSerial(name) }
	}
	port, err := settings.Open(ctx)
	if err != nil {
		return nil, &PortError{"open " + name, err}
	}
	return New(port, settings)
}

// OpenPort opens a serial port that has no module on it but, for example, a sensor, at
// a speed in bit/s, with 8 data bits, no parity and one stop bit. If the port cannot be
// opened, the error is a [*PortError].
func OpenPort(name string, baudRate int) (Port, error) {
	p, err := serial.Open(name, serialMode(baudRate, Parity8N1))
	if err != nil {
		return nil, &PortError{"open " + name, err}
	}
	return &serialPort{Port: p}, nil
}

// openSerial opens a port at a module's factory speed. New sets the right one.
func openSerial(name string) (Port, error) {
	p, err := serial.Open(name, serialMode(defaultBaudRate, Parity8N1))
	if err != nil {
		return nil, err
	}
	return &serialPort{Port: p}, nil
}

func serialMode(baud int, parity Parity) *serial.Mode {
	mode := &serial.Mode{BaudRate: baud, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit}
	switch parity {
	case Parity8O1:
		mode.Parity = serial.OddParity
	case Parity8E1:
		mode.Parity = serial.EvenParity
	}
	return mode
}

// serialPort refuses writes after Close. A serial.Port would write to whatever file
// has its descriptor by then.
type serialPort struct {
	serial.Port
	closed atomic.Bool
	mu     sync.Mutex // held while the descriptor is in use for writing or setting
}

func (p *serialPort) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed.Load() {
		return 0, radio.ErrClosed
	}
	return p.Port.Write(b)
}

func (p *serialPort) SetSpeed(baud int, parity Parity) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed.Load() {
		return radio.ErrClosed
	}
	return p.SetMode(serialMode(baud, parity))
}

// Close unblocks a Write that waits for the UART, by discarding the bytes that the
// UART has not sent yet. That does not work on a pseudo-terminal whose other end is
// open and not read: there, Write returns when the other end is closed.
func (p *serialPort) Close() error {
	p.closed.Store(true)
	free := p.mu.TryLock()
	for range 100 {
		if free {
			break
		}
		_ = p.ResetOutputBuffer()
		time.Sleep(time.Millisecond)
		free = p.mu.TryLock()
	}
	if free {
		defer p.mu.Unlock()
	}
	return p.Port.Close()
}

// isInterrupted reports whether a system call was interrupted by a signal.
func isInterrupted(err error) bool { return errors.Is(err, syscall.EINTR) }
