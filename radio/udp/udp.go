// Package udp is a radio over datagrams on loopback, so that two ends of a link
// run in two terminals without hardware. A datagram is a frame. It has no time
// on air: the pace is the sender's.
package udp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// ErrSettings is behind every fault of a Settings.
var ErrSettings = errors.New("udp: invalid settings")

// Settings says between which addresses frames travel. Both must be loopback
// addresses: nothing here keeps a network out.
type Settings struct {
	Local  string // 127.0.0.1:7001; port 0 takes a free one
	Remote string
	// Loss is the share of frames that Send loses on purpose, drawn by Seed.
	Loss float64
	Seed uint64
}

// Check reports addresses that are not on loopback and a loss outside 0..1, as
// ErrSettings.
func (s Settings) Check() error {
	_, _, err := s.resolve()
	return err
}

// resolve checks the settings and returns the addresses.
func (s Settings) resolve() (local, remote netip.AddrPort, err error) {
	if local, err = loopback("local", s.Local); err != nil {
		return local, remote, err
	}
	if remote, err = loopback("remote", s.Remote); err != nil {
		return local, remote, err
	}
	if !(s.Loss >= 0 && s.Loss <= 1) {
		err = fmt.Errorf("%w: loss %v, want 0..1", ErrSettings, s.Loss)
	}
	return local, remote, err
}

// Radio is a radio.Radio over UDP.
type Radio struct {
	conn   *net.UDPConn
	remote netip.AddrPort
	loss   float64

	mu  sync.Mutex // guards rng
	rng *rand.Rand

	receiving sync.Mutex
	closed    sync.Once
	closeErr  error
}

var _ radio.Radio = (*Radio)(nil)

// Open binds the local address.
func Open(settings Settings) (*Radio, error) {
	local, remote, err := settings.resolve()
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(local))
	if err != nil {
		return nil, fmt.Errorf("udp: %w", err)
	}
	return &Radio{conn: conn, remote: remote, loss: settings.Loss, rng: rand.New(rand.NewPCG(settings.Seed, 1))}, nil
}

func loopback(which, address string) (netip.AddrPort, error) {
	a, err := netip.ParseAddrPort(address)
	if err != nil || !a.Addr().IsLoopback() {
		return a, fmt.Errorf("%w: %s address %q, want one on loopback as 127.0.0.1:7001", ErrSettings, which, address)
	}
	return a, nil
}

// LocalAddr is the address it listens on.
func (r *Radio) LocalAddr() string { return r.conn.LocalAddr().String() }

// Send sends one frame. That nobody listens is no error, as on the air.
func (r *Radio) Send(ctx context.Context, frame []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	lost := r.rng.Float64() < r.loss
	r.mu.Unlock()
	if lost {
		return nil
	}
	_, err := r.conn.WriteToUDPAddrPort(frame, r.remote)
	switch {
	case err == nil || errors.Is(err, syscall.ECONNREFUSED):
		return nil
	case errors.Is(err, net.ErrClosed):
		return radio.ErrClosed
	}
	return fmt.Errorf("udp: %w", err)
}

// Receive waits for the next datagram from the remote address. One that is no
// frame comes with Err set.
func (r *Radio) Receive(ctx context.Context) (radio.Reception, error) {
	r.receiving.Lock()
	defer r.receiving.Unlock()
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		r.conn.SetReadDeadline(time.Unix(0, 1)) // unblocks the read
		close(interrupted)
	})
	defer func() {
		if !stop() {
			<-interrupted
			r.conn.SetReadDeadline(time.Time{})
		}
	}()
	buf := make([]byte, radio.MaxFrameLen+1)
	for {
		n, from, err := r.conn.ReadFromUDPAddrPort(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return radio.Reception{}, radio.ErrClosed
		case ctx.Err() != nil:
			return radio.Reception{}, ctx.Err()
		case errors.Is(err, syscall.ECONNREFUSED):
			continue
		case err != nil:
			return radio.Reception{}, fmt.Errorf("udp: %w", err)
		case netip.AddrPortFrom(from.Addr().Unmap(), from.Port()) != r.remote:
			continue
		}
		reception := radio.Reception{At: time.Now()}
		if _, err := radio.ParseFrame(buf[:n]); err != nil {
			reception.Err = err
		} else {
			reception.Frame = buf[:n:n]
		}
		return reception, nil
	}
}

// Close closes the socket and unblocks the others. It is idempotent.
func (r *Radio) Close() error {
	r.closed.Do(func() { r.closeErr = r.conn.Close() })
	return r.closeErr
}
