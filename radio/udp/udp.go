// Package udp implements a radio over UDP datagrams on loopback, so that the two ends
// of a link can run in two terminals of one machine without hardware. One datagram
// carries one frame. Datagrams have no time on air; a sender of package radio/link
// spaces them as if they had.
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

	"github.com/loralink/loralink-go/internal/fielderr"
	"github.com/loralink/loralink-go/radio"
)

// ErrSettings is wrapped by every error about [Settings]. The text of such an error
// begins with the name of the field.
var ErrSettings = errors.New("udp: invalid settings")

// ErrFlood is wrapped by the Err of a Reception. It reports that earlier datagrams were
// dropped, because more arrived than a LoRa radio can receive.
var ErrFlood = errors.New("udp: datagrams dropped")

// A Radio takes floodBurst datagrams at once, and then one per floodEvery. The fastest PHY
// carries about 500 frames a second.
const (
	floodBurst = 2000
	floodEvery = time.Millisecond
)

// Settings are the settings of a [Radio]. The zero value is not valid: both addresses
// must be set. They must be on loopback, because frames are not
// authenticated.
type Settings struct {
	Local  string // address of this end, such as 127.0.0.1:17001; port 0: a free port
	Remote string // address of the other end
	// Loss is the probability, 0..1, that Send drops a frame to simulate loss.
	Loss float64
	// Seed is the seed of Loss. The same seed drops the same frames. Any value is valid.
	Seed uint64
}

// Check returns an error that wraps [ErrSettings] if an address is not on loopback, or
// Loss is outside 0..1.
func (s Settings) Check() error {
	_, _, err := s.resolve()
	return err
}

// resolve checks the settings and returns the addresses.
func (s Settings) resolve() (local, remote netip.AddrPort, err error) {
	if local, err = loopback(fieldLocal, s.Local); err != nil {
		return local, remote, err
	}
	if remote, err = loopback(fieldRemote, s.Remote); err != nil {
		return local, remote, err
	}
	if !(s.Loss >= 0 && s.Loss <= 1) {
		return local, remote, fielderr.New(ErrSettings, "%v is %v, want 0..1", fieldLoss, s.Loss)
	}
	return local, remote, nil
}

// The fields, and the flags that package radio/endpoint adds for them.
var (
	fieldLocal  = fielderr.Name{Field: "Local", Flag: "udp-local"}
	fieldRemote = fielderr.Name{Field: "Remote", Flag: "udp-remote"}
	fieldLoss   = fielderr.Name{Field: "Loss", Flag: "udp-loss"}
)

// Radio is a [radio.Radio] over UDP. Its methods may be called from several
// goroutines at once.
type Radio struct {
	conn   *net.UDPConn
	remote netip.AddrPort
	loss   float64

	mu  sync.Mutex // guards rng
	rng *rand.Rand

	receiving sync.Mutex // guards the fields up to closed
	taken     int        // datagrams beyond the rate
	since     time.Time
	dropped   int
	waiting   *radio.Reception // was received after others were dropped
	closed    sync.Once
	closeErr  error
}

var _ radio.Radio = (*Radio)(nil)

// Open binds the local address. The error is that of settings.Check or of the
// operating system.
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

// loopback parses the address in a field, which must be on loopback.
func loopback(field fielderr.Name, address string) (netip.AddrPort, error) {
	a, err := netip.ParseAddrPort(address)
	if err != nil || !a.Addr().IsLoopback() {
		return a, fielderr.New(ErrSettings, "%v is %q, want an address on loopback, such as 127.0.0.1:17001", field, address)
	}
	return a, nil
}

// LocalAddr returns the address that the radio receives on, with its port if
// Settings.Local has port 0.
func (r *Radio) LocalAddr() string { return r.conn.LocalAddr().String() }

// Send sends one frame. It returns no error if no other end receives it, as on the
// air.
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

// Receive waits for the next datagram from the remote address. A datagram that is
// not a frame is a Reception with Err set. Datagrams from other addresses are
// dropped. So are those beyond 1,000 a second after the first 2,000; a
// Reception whose Err wraps [ErrFlood] then comes before the next one.
func (r *Radio) Receive(ctx context.Context) (radio.Reception, error) {
	r.receiving.Lock()
	defer r.receiving.Unlock()
	if waiting := r.waiting; waiting != nil {
		r.waiting = nil
		return *waiting, nil
	}
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
		n, source, err := r.conn.ReadFromUDPAddrPort(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return radio.Reception{}, radio.ErrClosed
		case ctx.Err() != nil:
			return radio.Reception{}, ctx.Err()
		case errors.Is(err, syscall.ECONNREFUSED):
			continue
		case err != nil:
			return radio.Reception{}, fmt.Errorf("udp: %w", err)
		case netip.AddrPortFrom(source.Addr().Unmap(), source.Port()) != r.remote:
			continue
		}
		reception := radio.Reception{Time: time.Now()}
		if !r.admit(reception.Time) {
			continue
		}
		if _, err := radio.ParseFrame(buf[:n]); err != nil {
			reception.Err = err
		} else {
			reception.Frame = buf[:n:n]
		}
		if r.dropped > 0 {
			err := fmt.Errorf("%w: %d, because more than %d a second arrived", ErrFlood, r.dropped, time.Second/floodEvery)
			r.dropped, r.waiting = 0, &reception
			return radio.Reception{Time: reception.Time, Err: err}, nil
		}
		return reception, nil
	}
}

// admit reports whether a datagram is within the rate.
func (r *Radio) admit(now time.Time) bool {
	if n := int(min(now.Sub(r.since)/floodEvery, floodBurst)); n > 0 {
		r.taken = max(r.taken-n, 0)
		r.since = now
	}
	if r.taken == floodBurst {
		r.dropped++
		return false
	}
	r.taken++
	return true
}

// Close closes the socket. It unblocks Receive, which then returns radio.ErrClosed.
// Calling it again has no effect.
func (r *Radio) Close() error {
	r.closed.Do(func() { r.closeErr = r.conn.Close() })
	return r.closeErr
}
