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

// Settings are the settings of the driver. The zero value suits a module with its
// factory registers. BaudRate, Parity, PacketSize and RSSIByte must be those in the
// module's registers; after ReadRegisters or WriteRegisters the driver uses what it
// has found there.
type Settings struct {
	BaudRate   int    // of the UART, in bit/s; 0: 9600
	Parity     Parity // of the UART
	PacketSize int    // in bytes; 0: 240
	RSSIByte   bool   // whether the module appends a byte of signal strength to each packet

	// Silence is the time without a byte that ends a burst. 0 or negative:
	// radio.SilenceForBaud(BaudRate), which is 20 characters but at least 40 ms.
	Silence time.Duration

	// Destination is the module that Send sends to. Set it if, and only if, the
	// module's FixedPoint register is on.
	Destination *Destination

	// TimeOnAir returns how long a frame of frameLen bytes is on the air;
	// Registers.PHY().TimeOnAir estimates it. Send then waits that long before it
	// writes the next frame. nil: it does not wait. Package radio/link needs no
	// TimeOnAir, because it waits itself; neither do programs that send more slowly
	// than the air carries.
	TimeOnAir func(frameLen int) time.Duration

	Pins ModePins // nil: jumpers set the mode
	AUX  AUX      // nil: the driver estimates when the module is ready

	// Open opens the port again after it was lost. It is called from a goroutine of
	// the driver, with a context that Close cancels. nil: a lost port is not opened
	// again.
	Open func(ctx context.Context) (Port, error)
	// BackoffMin is the wait before the first try to open a lost port again. Each
	// failure doubles the wait, up to BackoffMax. 0 or negative: 100 ms and 2 s.
	BackoffMin, BackoffMax time.Duration
	// OnConnection is called with an error when the port is lost, and with nil when
	// it is open again. It is called from a goroutine of the driver, must return
	// soon and must not call Close. It may be nil.
	OnConnection func(err error)
}

// Destination is the module that a packet is for, in fixed-point mode.
type Destination struct {
	Address uint16 // Broadcast: all modules on the channel
	Channel uint8  // 0..80
}

// withDefaults replaces the zeros.
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

// Check returns a [*RegisterError] for each field that no module's registers can
// have, joined, or nil.
func (s Settings) Check() error {
	s = s.withDefaults()
	r := FactoryRegisters()
	r.BaudRate, r.Parity, r.PacketSize = s.BaudRate, s.Parity, s.PacketSize
	if s.Destination != nil {
		r.Channel = int(s.Destination.Channel)
	}
	return r.Check()
}

// ErrPacketSize reports a frame that does not fit into one packet.
var ErrPacketSize = errors.New("e22: frame exceeds the packet size")

// ErrOverrun is wrapped by the Err of a Reception. It reports that earlier
// receptions were dropped, because Receive was not called soon enough.
var ErrOverrun = errors.New("e22: receptions dropped")

const (
	defaultBaudRate = 9600 // a module's factory setting
	queueLen        = 256  // receptions kept for Receive
)

// line holds what both ends of the UART must agree on.
type line struct {
	baud       int
	parity     Parity
	packetSize int
	rssiByte   bool
}

// Radio is the driver of a module on a UART. Its methods may be called from several
// goroutines at once; frames and commands are written one after another.
type Radio struct {
	settings Settings
	ctx      context.Context // ends when the radio is closed, or its port is lost for good; its cause says which
	cancel   context.CancelCauseFunc
	closed   atomic.Bool
	ended    chan struct{} // closed when the goroutine that reads has ended

	received chan radio.Reception
	dropped  atomic.Int64

	command chan struct{} // held while a command waits for its answer
	writing chan struct{} // held while writing; guards free
	free    time.Time     // when the module can take the next bytes

	mu         sync.Mutex
	conn       *conn
	changed    chan struct{} // closed when conn changes
	line       line          // of the module, now
	persistent line          // of the module, when it is powered on
	tap        *tap          // takes all received bytes while a command is under way; nil: none is
	query      chan RSSI     // takes the answer to the RSSI command; nil: none is awaited
}

var _ radio.LatencyRadio = (*Radio)(nil)

// New returns a Radio over port, which belongs to the Radio from then on: Close
// closes it, and so does New if it returns an error. If the port is a
// [SpeedSetter], New sets its speed. The error is that of settings.Check or of the
// port.
func New(port Port, settings Settings) (*Radio, error) {
	settings = settings.withDefaults()
	if err := settings.Check(); err != nil {
		return nil, errors.Join(err, port.Close())
	}

	r := &Radio{
		settings: settings,
		ended:    make(chan struct{}),
		received: make(chan radio.Reception, queueLen),
		command:  make(chan struct{}, 1),
		writing:  make(chan struct{}, 1),
		changed:  make(chan struct{}),
		line:     line{settings.BaudRate, settings.Parity, settings.PacketSize, settings.RSSIByte},
	}
	r.persistent = r.line
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

// Close closes the port. It unblocks all other methods, which then return
// radio.ErrClosed. Calling it again has no effect.
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

// err returns why the radio cannot be used any more.
func (r *Radio) err() error {
	if r.closed.Load() {
		return radio.ErrClosed
	}
	return context.Cause(r.ctx)
}

// Send writes a frame to the module and returns when it has passed the UART. It
// waits for its turn, until the module is ready for a new packet, and while the
// port is lost. If ctx ends while the port does not take the frame, Send closes the
// port, and the driver opens it again. An error means that the module did not get the
// whole frame. It is a
// [*radio.FrameError] if the bytes are not a frame, a [*PortError] if the port is
// lost and cannot be opened again, the context's error, or one that wraps
// [ErrPacketSize] or radio.ErrClosed.
func (r *Radio) Send(ctx context.Context, frame []byte) error {
	if r.settings.Destination != nil {
		return r.SendTo(ctx, *r.settings.Destination, frame)
	}
	return r.send(ctx, nil, frame)
}

// SendTo sends a frame to dst as Send does to Settings.Destination. The FixedPoint
// register must be on. If dst.Channel is above 80, the error is a [*RegisterError].
func (r *Radio) SendTo(ctx context.Context, dst Destination, frame []byte) error {
	if dst.Channel > maxChannel {
		return &RegisterError{"channel", fmt.Sprint(dst.Channel), fmt.Sprintf("0..%d", maxChannel)}
	}
	return r.send(ctx, []byte{byte(dst.Address >> 8), byte(dst.Address), dst.Channel}, frame)
}

// send writes an address, which may be empty, and a frame as one packet.
func (r *Radio) send(ctx context.Context, address, frame []byte) error {
	if _, err := radio.ParseFrame(frame); err != nil {
		return err
	}
	if err := r.acquire(ctx, r.writing); err != nil {
		return err
	}
	defer r.release(r.writing)
	b := append(address, frame...)
	// The manual does not say whether the address counts. Assume that it does.
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
			if err == nil && r.settings.TimeOnAir != nil {
				r.free = r.free.Add(r.settings.TimeOnAir(len(frame)))
			}
			return err
		}
		// The port was lost while the frame was written: write it again.
	}
}

// put writes b as one packet. The caller holds r.writing.
func (r *Radio) put(ctx context.Context, c *conn, b []byte) error {
	if err := r.ready(ctx, c); err != nil {
		return err
	}
	if err := c.writeContext(ctx, b); err != nil {
		return err
	}
	now := r.lineNow()
	char := charTime(now.baud, now.parity)
	onWire := time.Duration(len(b)) * char
	// Three characters of silence end a packet. Allow some milliseconds for a port
	// that is late.
	r.free = time.Now().Add(onWire + 5*char + 5*time.Millisecond)
	if err := pause(ctx, c, onWire); err != nil && ctx.Err() == nil {
		return err
	}
	return nil // the bytes are written, even if ctx has ended
}

// ready waits until the module can take bytes for a new packet.
func (r *Radio) ready(ctx context.Context, c *conn) error {
	if err := pause(ctx, c, time.Until(r.free)); err != nil {
		return err
	}
	for r.settings.AUX != nil {
		ok, err := r.settings.AUX.Ready()
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

// Receive waits for the next frame, or for a burst that was not a frame. A
// reception has a signal strength if the RSSIByte register is on. Its Time is when
// the operating system returned the last byte; USB adapters hold bytes back for up
// to 16 ms. The driver queues up to 256 receptions. If more arrive, it drops the
// oldest and reports that by a Reception whose Err wraps [ErrOverrun].
func (r *Radio) Receive(ctx context.Context) (radio.Reception, error) {
	if r.closed.Load() {
		return radio.Reception{}, radio.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return radio.Reception{}, err
	}
	if n := r.dropped.Swap(0); n > 0 {
		return radio.Reception{Time: time.Now(), Err: fmt.Errorf("%w: %d, because Receive was not called in time", ErrOverrun, n)}, nil
	}
	select {
	case got := <-r.received: // it was received before the port was lost
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

// deliver queues receptions for Receive. It is called from one goroutine.
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
		r.received <- g // does not block: no other goroutine sends
	}
}

// adapterHold is how long a USB adapter may hold back bytes that it received.
const adapterHold = 16 * time.Millisecond

// Latency returns how long a frame of frameLen bytes, header included, takes
// between the host and the air: its characters on the UART, the three characters of
// silence that end a packet, and the 16 ms for which a USB adapter may hold bytes
// back. It implements [radio.LatencyRadio].
func (r *Radio) Latency(frameLen int) time.Duration {
	now := r.lineNow()
	return time.Duration(frameLen+3)*charTime(now.baud, now.parity) + adapterHold
}

// connected waits until there is a working port.
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

// acquire takes a lock, which release gives back.
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

// lineNow returns what the UART is set to.
func (r *Radio) lineNow() line {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.line
}

// pause waits for d. It returns an error if ctx ends or the connection is lost
// before.
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
