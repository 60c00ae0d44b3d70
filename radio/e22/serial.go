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

// Open opens the serial port of that name (/dev/ttyUSB0, COM3) and returns a
// Radio over it. A port that cannot be opened now is an error; one that is lost
// later is opened again, unless cfg.Open says how else. ctx bounds the opening
// only.
func Open(ctx context.Context, name string, cfg Settings) (*Radio, error) {
	if cfg.Open == nil {
		cfg.Open = func(context.Context) (Port, error) { return openSerial(name) }
	}
	port, err := cfg.Open(ctx)
	if err != nil {
		return nil, &PortError{"open " + name, err}
	}
	return New(port, cfg)
}

// openSerial opens at a module's factory speed; New sets the one it wants.
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

// serialPort mends what serial.Port leaves to its callers: a Write after Close
// would reach whatever file has that descriptor by then.
type serialPort struct {
	serial.Port
	closed atomic.Bool
	mu     sync.Mutex // held while the descriptor is written or set
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

// Close ends a Write that waits for the UART, by throwing away what the UART
// has yet to send. A pseudo-terminal whose other end is held open and no longer
// read does not oblige: such a Write goes on until that end is closed.
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

// isInterrupted says whether a system call was merely interrupted by a signal.
func isInterrupted(err error) bool { return errors.Is(err, syscall.EINTR) }
