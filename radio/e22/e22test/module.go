package e22test

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/loralink/loralink-go/radio/e22"
)

// Errors of a module's ports.
var (
	ErrUnplugged = errors.New("e22test: unplugged")
	ErrBusy      = errors.New("e22test: port is open already")
	ErrClosed    = errors.New("e22test: port is closed")
)

// bufferLen is how many bytes a module buffers for the air.
const bufferLen = 1000

// answerDelay is how long a module takes to answer a command.
const answerDelay = 5 * time.Millisecond

// productID is that of every simulated module.
var productID = [e22.ProductIDLen]byte{0x00, 0x22, 0x16, 0x0B, 0x00, 0x00, 0x00}

// Faults are what goes wrong between a module and its host. The zero value is
// nothing.
type Faults struct {
	Stray           []byte   // bytes before every answer in configuration mode
	Trailing        []byte   // bytes after every answer and every received packet
	MuteAnswers     int      // how many of the next answers are not sent at all
	Reject          int      // how many of the next commands are answered with FF FF FF
	ShortAnswers    int      // how many of the answers after those stop after five bytes
	IgnoreRegisters []string // settings that cannot be changed: airrate, or airrate=300 for that value only
	DropRate        float64  // probability that a byte on the UART is lost, in either direction, 0..1
	ReadLen         int      // how many bytes a Read returns at most; 0: no limit
	WriteLen        int      // how many bytes a Write writes at most; 0: no limit
}

// registers are addresses 00 to 08: the settings and the key.
type registers [e22.RegistersLen + 2]byte

func (r *registers) settings() (s e22.Registers) {
	_ = s.UnmarshalBinary(r[:e22.RegistersLen]) // its length is right
	return s
}

func (r *registers) key() [2]byte { return [2]byte(r[e22.RegistersLen:]) }

type mode int

const (
	modeNormal mode = iota
	modeWOR
	modeConfig
	modeSleep
)

// Module is a simulated E22-900T22S. It starts plugged in and in normal mode. It
// implements [e22.ModePins] and [e22.AUX]. Its methods may be called from several
// goroutines at once.
//
// It uses the clock of package time, so that in a testing/synctest bubble it runs in
// virtual time. Only ServePTY starts goroutines.
type Module struct {
	medium *Medium

	// Guarded by air.mu.
	faults  Faults
	kept    registers // those after the next power-on
	live    registers // those in force
	m0, m1  bool
	plugged bool
	replug  chan struct{} // closed when plugged changes
	port    *Port         // the open one; nil: none is
	in      []byte        // bytes from the host
	ready   int           // how many of them have been followed by silence
	inEnd   time.Time     // when the last of them arrives
	outEnd  time.Time     // when the last byte to the host has left
	sending *packet       // nil: none
	last    int           // dBm of the last packet
}

// NewModule returns a module in an air; nil stands for an air of its own. The
// settings are those that it has when it is powered on. They must be valid.
func NewModule(air *Medium, settings e22.Registers) (*Module, error) {
	b, err := settings.MarshalBinary()
	if err != nil {
		return nil, err
	}
	if air == nil {
		air = NewMedium(MediumSettings{})
	}
	m := &Module{medium: air, plugged: true, replug: make(chan struct{}), last: -256}
	copy(m.kept[:], b)
	m.live = m.kept
	air.mu.Lock()
	defer air.mu.Unlock()
	air.modules = append(air.modules, m)
	return m, nil
}

// Open opens the module's port. Only one can be open at a time. It can serve as
// e22.Settings.Open.
func (m *Module) Open(context.Context) (e22.Port, error) {
	p, err := m.open()
	if err != nil {
		return nil, err // not a nil *Port
	}
	return p, nil
}

func (m *Module) open() (*Port, error) {
	m.medium.mu.Lock()
	defer m.medium.mu.Unlock()
	switch {
	case !m.plugged:
		return nil, ErrUnplugged
	case m.port != nil:
		return nil, ErrBusy
	}
	m.port = &Port{m: m, wake: make(chan struct{}, 1), done: make(chan struct{}), timeout: -1}
	return m.port, nil
}

// Drive opens the module's port and returns a driver over it, which knows the
// module's pins and AUX and opens the port again after it was lost.
func (m *Module) Drive(ctx context.Context, settings e22.Settings) (*e22.Radio, error) {
	port, err := m.Open(ctx)
	if err != nil {
		return nil, err
	}
	settings.Pins, settings.AUX, settings.Open = m, m, m.Open
	return e22.New(port, settings)
}

// SetFaults replaces the faults, at any time.
func (m *Module) SetFaults(f Faults) {
	m.medium.mu.Lock()
	defer m.medium.mu.Unlock()
	m.faults = f
}

// SetPins sets the mode, as jumpers or pins do. If the mode changes, bytes that the
// module had not transmitted are lost.
func (m *Module) SetPins(m0, m1 bool) error {
	m.medium.mu.Lock()
	defer m.medium.mu.Unlock()
	if m.m0 != m0 || m.m1 != m1 {
		m.m0, m.m1 = m0, m1
		m.in, m.ready = nil, 0
	}
	return nil
}

// Ready returns the state of the AUX pin: false while bytes wait for the air, or
// are being sent to the host.
func (m *Module) Ready() (bool, error) {
	m.medium.mu.Lock()
	defer m.medium.mu.Unlock()
	if !m.plugged {
		return false, ErrUnplugged
	}
	return len(m.in) == 0 && !time.Now().Before(m.outEnd), nil
}

// Registers returns the settings in force.
func (m *Module) Registers() e22.Registers {
	m.medium.mu.Lock()
	defer m.medium.mu.Unlock()
	return m.live.settings()
}

// Unplug disconnects the module and its power. Its open port fails, bytes that it
// had not transmitted are lost, and so are settings that were not kept.
func (m *Module) Unplug() {
	m.medium.mu.Lock()
	defer m.medium.mu.Unlock()
	if !m.plugged {
		return
	}
	m.plug(false)
	m.live = m.kept
	m.in, m.ready, m.inEnd, m.outEnd = nil, 0, time.Time{}, time.Time{}
	if m.sending != nil {
		m.sending.collided, m.sending = true, nil // it breaks off
	}
	if m.port != nil {
		m.port.end(ErrUnplugged)
	}
}

// Plug connects the module again.
func (m *Module) Plug() {
	m.medium.mu.Lock()
	defer m.medium.mu.Unlock()
	if !m.plugged {
		m.plug(true)
	}
}

// The methods below are called with air.mu held.

// plug notes whether the module is plugged in.
func (m *Module) plug(in bool) {
	m.plugged = in
	close(m.replug)
	m.replug = make(chan struct{})
}

func (m *Module) mode() mode {
	switch {
	case m.m0 && m.m1:
		return modeSleep
	case m.m1:
		return modeConfig
	case m.m0:
		return modeWOR
	}
	return modeNormal
}

// char returns how long a character takes on the UART.
func (m *Module) char() time.Duration {
	baud, parity := m.speed()
	bits := 10
	if parity != e22.Parity8N1 {
		bits = 11
	}
	return time.Duration(bits) * time.Second / time.Duration(baud)
}

// speed returns what the host must set for the UART.
func (m *Module) speed() (int, e22.Parity) {
	if m.mode() == modeConfig {
		return 9600, e22.Parity8N1
	}
	s := m.live.settings()
	return s.BaudRate, s.Parity
}

// wire returns what of b arrives at the other end of the UART.
func (m *Module) wire(b []byte) []byte {
	baud, parity := m.speed()
	wrong := m.port.baud != 0 && (m.port.baud != baud || m.port.parity != parity)
	var out []byte
	for _, c := range b {
		if m.faults.DropRate > 0 && m.medium.rng.Float64() < m.faults.DropRate {
			continue
		}
		if wrong {
			c ^= 0x5A
		}
		out = append(out, c)
	}
	return out
}

// accept takes bytes from the host.
func (m *Module) accept(b []byte) {
	now := time.Now()
	if m.inEnd.Before(now) {
		m.inEnd = now
	}
	m.inEnd = m.inEnd.Add(time.Duration(len(b)) * m.char())
	b = m.wire(b)
	m.in = append(m.in, b[:min(len(b), bufferLen-len(m.in))]...)
	m.after(m.inEnd.Add(3*m.char()).Sub(now), m.silence)
}

// after calls f later, unless the module was unplugged meanwhile.
func (m *Module) after(d time.Duration, f func()) {
	replug := m.replug
	time.AfterFunc(d, func() {
		m.medium.mu.Lock()
		defer m.medium.mu.Unlock()
		if m.replug == replug {
			f()
		}
	})
}

// silence handles what the host wrote when it has paused.
func (m *Module) silence() {
	if time.Now().Before(m.inEnd.Add(3*m.char())) || len(m.in) == m.ready {
		return // it has not paused
	}
	fresh := m.in[m.ready:]
	switch {
	case m.mode() == modeConfig:
		command := bytes.Clone(fresh)
		m.in = nil
		m.after(answerDelay, func() { m.answer(command) })
	case m.mode() == modeSleep:
		m.in = nil
	case bytes.Equal(fresh, []byte{0xC0, 0xC1, 0xC2, 0xC3, 0x00, 0x02}) && m.live.settings().AmbientRSSI:
		m.in = m.in[:m.ready]
		m.output([]byte{0xC1, 0x00, 0x02, byte(m.medium.settings.NoiseDBm + 256), byte(m.last + 256)})
	default:
		m.ready = len(m.in)
		m.pump()
	}
}

// pump transmits the next packet, if there is one and the channel allows it.
func (m *Module) pump() {
	s := m.live.settings()
	if m.ready == 0 || m.sending != nil || !m.plugged || s.LBT && m.medium.busy(s.Channel) {
		return
	}
	p := &packet{from: m, live: m.live, target: s.Address, channel: s.Channel}
	head := 0
	if s.FixedPoint {
		if head = 3; m.ready < head {
			m.in, m.ready = m.in[m.ready:], 0
			return
		}
		p.target, p.channel = uint16(m.in[0])<<8|uint16(m.in[1]), int(m.in[2])
	}
	n := min(m.ready, head+s.PacketSize)
	p.data = bytes.Clone(m.in[head:n])
	m.in, m.ready = m.in[n:], m.ready-n
	m.sending = p
	m.medium.transmit(p, s.PHY().TimeOnAir(len(p.data)))
}

// receive takes a packet from the air.
func (m *Module) receive(p *packet) {
	m.last = m.medium.settings.RSSIDBm
	data := bytes.Clone(p.data)
	if m.live.settings().RSSIByte {
		data = append(data, byte(m.last+256))
	}
	m.output(append(data, m.faults.Trailing...))
}

// output sends bytes to the host. They arrive in pieces, because USB adapters collect
// bytes for 16 ms.
func (m *Module) output(b []byte) {
	if m.port == nil {
		return // no port is open
	}
	if now := time.Now(); m.outEnd.Before(now) {
		m.outEnd = now
	}
	char := m.char()
	piece := max(1, int(16*time.Millisecond/char))
	for len(b) > 0 {
		n := min(piece, len(b))
		m.outEnd = m.outEnd.Add(time.Duration(n) * char)
		m.port.pending = append(m.port.pending, segment{m.outEnd, m.wire(b[:n])})
		b = b[n:]
	}
	m.port.notify()
}
