package e22

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// Settings says how to talk to a module. The zero value suits one with its
// factory settings. BaudRate, Parity, PacketSize and RSSIByte must be what the
// module has in its registers; once ReadRegisters or WriteRegisters have seen those,
// the driver goes by them.
type Settings struct {
	BaudRate   int    // bit/s of the UART; 0 is 9600
	Parity     Parity // of the UART
	PacketSize int    // bytes; 0 is 240
	RSSIByte   bool   // the module appends a byte of signal strength to each packet

	// Silence ends a burst of received bytes. 0 is radio.SilenceAt of BaudRate:
	// 20 characters, and at least 40 ms.
	Silence time.Duration

	// Destination is where Send sends to. Set it if and only if the module's
	// FixedPoint register is on.
	Destination *Destination

	// AirTime is how long a frame of so many bytes is on the air, as
	// Registers.PHY().TimeOnAir estimates it. Send then leaves that time before
	// it writes the next frame. Nil leaves none: for radio/link, which waits by
	// itself, for modules with AUX, and for senders slower than the air.
	AirTime func(frameLen int) time.Duration

	Pins ModePins // nil: the mode is set by jumpers
	AUX  AUX      // nil: every wait is estimated

	// Open opens the port again after it was lost. Nil, a lost port is final.
	// It is called from a goroutine of the driver, with a context that Close
	// ends.
	Open func(ctx context.Context) (Port, error)
	// BackoffMin is the wait before the first attempt to open the port again;
	// each failure doubles it, up to BackoffMax. 0 is 100 ms and 2 s.
	BackoffMin, BackoffMax time.Duration
	// OnConnection hears of a lost port (the error) and of its return (nil). It
	// is called from a goroutine of the driver: it must return soon, and must
	// not call Close.
	OnConnection func(err error)
}

// Destination is the module a packet goes to in fixed-point mode.
type Destination struct {
	Address uint16 // Broadcast reaches all on the channel
	Channel uint8  // 0..80
}

// withDefaults resolves the zeros.
func (s Settings) withDefaults() Settings {
	if s.BaudRate == 0 {
		s.BaudRate = defaultBaudRate
	}
	if s.PacketSize == 0 {
		s.PacketSize = 240
	}
	if s.BackoffMin <= 0 {
		s.BackoffMin = 100 * time.Millisecond
	}
	if s.BackoffMax <= 0 {
		s.BackoffMax = 2 * time.Second
	}
	return s
}

// Check returns every setting that no module has as a [*RegisterError], joined,
// or nil.
func (s Settings) Check() error {
	s = s.withDefaults()
	check := FactoryRegisters()
	check.BaudRate, check.Parity, check.PacketSize = s.BaudRate, s.Parity, s.PacketSize
	if s.Destination != nil {
		check.Channel = int(s.Destination.Channel)
	}
	return check.Check()
}

// ErrPacketSize is returned for a frame that does not fit one packet.
var ErrPacketSize = errors.New("e22: frame exceeds the packet size")

// ErrOverrun is in a Reception, where receptions before it were dropped because
// nobody called Receive.
var ErrOverrun = errors.New("e22: receptions dropped")

const (
	defaultBaudRate = 9600 // a module's factory setting
	queueLen        = 256  // receptions kept for Receive
)

// line is what both ends of the UART must agree on.
type line struct {
	baud       int
	parity     Parity
	packetSize int
	rssiByte   bool
}

// Radio is a module on a UART. Its methods may be called from several
// goroutines at once; frames and commands are written one after the other.
type Radio struct {
	cfg    Settings
	ctx    context.Context // done once closed, or lost for good; its cause says which
	cancel context.CancelCauseFunc
	closed atomic.Bool
	ended  chan struct{} // closed once the goroutine that reads has ended

	received chan radio.Reception
	dropped  atomic.Int64

	command chan struct{} // held while a command waits for its answer
	writing chan struct{} // held while writing; guards free
	free    time.Time     // when the module can take the next bytes

	mu      sync.Mutex
	conn    *conn
	changed chan struct{} // closed when conn changes
	line    line          // the module's now
	kept    line          // what it has when it is switched on
	tap     *tap          // takes all bytes received while a command is under way
	query   chan RSSI     // takes the answer to the RSSI command
}

var _ radio.LatencyRadio = (*Radio)(nil)

// New returns a Radio over port, which it closes in the end, even if it returns
// an error. The port's speed is set where the port is a [SpeedSetter].
func New(port Port, cfg Settings) (*Radio, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Check(); err != nil {
		return nil, errors.Join(err, port.Close())
	}

	r := &Radio{
		cfg:      cfg,
		ended:    make(chan struct{}),
		received: make(chan radio.Reception, queueLen),
		command:  make(chan struct{}, 1),
		writing:  make(chan struct{}, 1),
		changed:  make(chan struct{}),
		line:     line{cfg.BaudRate, cfg.Parity, cfg.PacketSize, cfg.RSSIByte},
	}
	r.kept = r.line
	r.ctx, r.cancel = context.WithCancelCause(context.Background())
	c := newConn(r.ctx, port)
	if err := c.setSpeed(r.line.baud, r.line.parity); err != nil {
		r.cancel(err)
		return nil, errors.Join(err, c.close())
	}
	r.conn = c
	go r.run(c)
	return r, nil
}

// Close closes the port and ends what waits. It is idempotent.
func (r *Radio) Close() error {
	first := r.closed.CompareAndSwap(false, true)
	r.cancel(radio.ErrClosed)
	r.mu.Lock()
	c := r.conn
	r.mu.Unlock()
	err := c.close()
	<-r.ended
	if !first {
		return nil
	}
	return err
}

// err says why the radio is no more.
func (r *Radio) err() error {
	if r.closed.Load() {
		return radio.ErrClosed
	}
	return context.Cause(r.ctx)
}

// Send writes a frame to the module and returns once it has passed the UART. It
// waits for its turn, for the module to be ready for a new packet and for a lost
// port to return. An error means that the module did not take the whole frame:
// a frame that is no frame (a [*radio.FrameError]), [ErrPacketSize], the
// context's, radio.ErrClosed, or a [*PortError] where the port is lost for good.
func (r *Radio) Send(ctx context.Context, frame []byte) error {
	if r.cfg.Destination != nil {
		return r.SendTo(ctx, *r.cfg.Destination, frame)
	}
	return r.send(ctx, nil, frame)
}

// SendTo is Send to another module than Settings.Destination. The FixedPoint
// register must be on.
func (r *Radio) SendTo(ctx context.Context, to Destination, frame []byte) error {
	if to.Channel > maxChannel {
		return &RegisterError{"channel", fmt.Sprint(to.Channel), fmt.Sprintf("0..%d", maxChannel)}
	}
	return r.send(ctx, []byte{byte(to.Address >> 8), byte(to.Address), to.Channel}, frame)
}

func (r *Radio) send(ctx context.Context, to, frame []byte) error {
	if _, err := radio.ParseFrame(frame); err != nil {
		return err
	}
	if err := r.acquire(ctx, r.writing); err != nil {
		return err
	}
	defer r.release(r.writing)
	b := append(to, frame...)
	// The manual does not say whether the address counts, so it does.
	if size := r.lineNow().packetSize; len(b) > size {
		return fmt.Errorf("%w: %d bytes, address included, want at most %d", ErrPacketSize, len(b), size)
	}
	for {
		c, err := r.connected(ctx)
		if err != nil {
			return err
		}
		err = r.put(ctx, c, b)
		if err == nil || c.lost.Err() == nil || ctx.Err() != nil {
			if err == nil && r.cfg.AirTime != nil {
				r.free = r.free.Add(r.cfg.AirTime(len(frame)))
			}
			return err
		}
		// The port was lost with the frame: once more when it is back.
	}
}

// put writes b as one packet. The caller holds r.writing.
func (r *Radio) put(ctx context.Context, c *conn, b []byte) error {
	if err := r.ready(ctx, c); err != nil {
		return err
	}
	if err := c.write(b); err != nil {
		return err
	}
	now := r.lineNow()
	char := charTime(now.baud, now.parity)
	onWire := time.Duration(len(b)) * char
	// Three characters of silence end a packet. The port may be late by some
	// milliseconds.
	r.free = time.Now().Add(onWire + 5*char + 5*time.Millisecond)
	if err := pause(ctx, c, onWire); err != nil && ctx.Err() == nil {
		return err
	}
	return nil // it is out, though the context may not have waited for it
}

// ready waits until the module can take bytes for a new packet.
func (r *Radio) ready(ctx context.Context, c *conn) error {
	if err := pause(ctx, c, time.Until(r.free)); err != nil {
		return err
	}
	for r.cfg.AUX != nil {
		ok, err := r.cfg.AUX.Ready()
		if err != nil {
			return &PortError{"read aux", err}
		}
		if ok {
			break
		}
		if err := pause(ctx, c, 2*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// Receive waits for the next frame, or the next burst that was none. Signal
// strength is known where the RSSI byte is on. At is when the operating system
// handed over the last byte; USB adapters hold bytes back for up to 16 ms.
// Receptions wait in a queue of 256; beyond it the oldest are dropped, which the
// next Reception reports as [ErrOverrun].
func (r *Radio) Receive(ctx context.Context) (radio.Reception, error) {
	if r.closed.Load() {
		return radio.Reception{}, radio.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return radio.Reception{}, err
	}
	if n := r.dropped.Swap(0); n > 0 {
		return radio.Reception{At: time.Now(), Err: fmt.Errorf("%w: %d, as Receive was not called in time", ErrOverrun, n)}, nil
	}
	select {
	case got := <-r.received: // what came before the port was lost
		return got, nil
	default:
	}
	select {
	case got := <-r.received:
		return got, nil
	case <-ctx.Done():
		return radio.Reception{}, ctx.Err()
	case <-r.ctx.Done():
		return radio.Reception{}, r.err()
	}
}

// deliver queues receptions for Receive. Only one goroutine calls it.
func (r *Radio) deliver(got []radio.Reception) {
	for _, g := range got {
		select {
		case r.received <- g:
			continue
		default:
		}
		select {
		case <-r.received:
			r.dropped.Add(1)
		default:
		}
		r.received <- g // there is room: nobody else adds
	}
}

// adapterHold is how long a USB adapter may hold back bytes that it received.
const adapterHold = 16 * time.Millisecond

// Latency implements [radio.LatencyRadio]: the frame's characters on the UART, the
// three characters of silence that end a packet, and the 16 ms for which a USB
// adapter may hold bytes back.
func (r *Radio) Latency(frameLen int) time.Duration {
	now := r.lineNow()
	return time.Duration(frameLen+3)*charTime(now.baud, now.parity) + adapterHold
}

// connected waits for a port that works.
func (r *Radio) connected(ctx context.Context) (*conn, error) {
	for {
		r.mu.Lock()
		c, changed := r.conn, r.changed
		r.mu.Unlock()
		if c.lost.Err() == nil {
			return c, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-r.ctx.Done():
			return nil, r.err()
		}
	}
}

func (r *Radio) acquire(ctx context.Context, lock chan struct{}) error {
	if r.ctx.Err() != nil {
		return r.err()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ctx.Done():
		return r.err()
	}
}

func (r *Radio) release(lock chan struct{}) { <-lock }

func (r *Radio) lineNow() line {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.line
}

// pause waits for d, or says why ctx or the connection is done.
func pause(ctx context.Context, c *conn, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.lost.Err() != nil {
		return context.Cause(c.lost)
	}
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.lost.Done():
		return context.Cause(c.lost)
	}
}
