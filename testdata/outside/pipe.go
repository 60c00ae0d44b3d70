package outside

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// pipe is one end of a radio link in memory.
type pipe struct {
	in     <-chan []byte
	out    chan<- []byte
	closed chan struct{}
	once   sync.Once
	lose   func() bool // whether to lose the next frame
}

// Pipe returns two radios that hear each other. Every nth frame that the first one
// sends is lost; 0: none.
func Pipe(n int) (a, b radio.Radio) {
	toA, toB := make(chan []byte, 16), make(chan []byte, 16)
	sent := 0
	lose := func() bool { sent++; return n > 0 && sent%n == 0 }
	return &pipe{in: toA, out: toB, closed: make(chan struct{}), lose: lose},
		&pipe{in: toB, out: toA, closed: make(chan struct{}), lose: func() bool { return false }}
}

func (p *pipe) Send(ctx context.Context, frame []byte) error {
	if p.lose() {
		return nil
	}
	select {
	case p.out <- bytes.Clone(frame):
		return nil
	case <-p.closed:
		return radio.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pipe) Receive(ctx context.Context) (radio.Reception, error) {
	select {
	case frame := <-p.in:
		return radio.Reception{Frame: frame, Time: time.Now()}, nil
	case <-p.closed:
		return radio.Reception{}, radio.ErrClosed
	case <-ctx.Done():
		return radio.Reception{}, ctx.Err()
	}
}

func (p *pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}
