package e22

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"go.bug.st/serial"

	"github.com/loralink/loralink-go/radio"
)

// Open opens the serial port of that name (/dev/ttyUSB0, COM3) and returns a
// Radio over it. A port that cannot be opened now is an error; one that is lost
// later is opened again, unless cfg.Open says how else. ctx bounds the opening
// only.
func Open(ctx context.Context, name string, cfg Config) (*Radio, error) {
	if cfg.Open == nil {
		cfg.Open = func(context.Context) (Port, error) { return openSerial(name) }
	}
	port, err := cfg.Open(ctx)
	if err != nil {
		return nil, &PortError{"open", err}
	}
	return New(port, cfg)
}

// openSerial opens at a module's factory speed; New sets the one it wants.
func openSerial(name string) (Port, error) {
	p, err := serial.Open(name, serialMode(9600, Parity8N1))
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

// serialPort mends what serial.Port leaves to its callers: a Write after Close
// would reach whatever file has that descriptor by then.
type serialPort struct {
	serial.Port
	mu     sync.Mutex // held by Write
	closed bool       // guarded by mu
}

func (p *serialPort) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, radio.ErrClosed
	}
	return p.Port.Write(b)
}

func (p *serialPort) SetSpeed(baud int, parity Parity) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return radio.ErrClosed
	}
	return p.SetMode(serialMode(baud, parity))
}

func (p *serialPort) Close() error {
	for !p.mu.TryLock() {
		// A Write that waits for a peer which reads no more goes on once the
		// system's buffer is empty.
		_ = p.ResetOutputBuffer()
		time.Sleep(time.Millisecond)
	}
	defer p.mu.Unlock()
	p.closed = true
	return p.Port.Close()
}

// isInterrupted says whether a system call was merely interrupted by a signal.
func isInterrupted(err error) bool { return errors.Is(err, syscall.EINTR) }
