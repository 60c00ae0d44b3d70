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

// bufferLen is the number of bytes that a module buffers for transmission.
const bufferLen = 1000

// answerDelay is how long a module takes to answer a command.
const answerDelay = 5 * time.Millisecond

// productID is that of every simulated module.
var productID = [e22.ProductIDLen]byte{0x00, 0x22, 0x16, 0x0B, 0x00, 0x00, 0x00}

// Faults are faults between a module and its host. The zero value has none.
type Faults struct {
	Stray    []byte // bytes before every answer in configuration mode
	Trailing []byte // bytes after every answer and every received packet
	Reject   int    // number of coming commands that are answered with FF FF FF
	// MuteAnswers is the number of coming answers that are not sent.
	MuteAnswers int
	// ShortAnswers is the number of answers, after those of MuteAnswers, that are cut
	// to five bytes.
	ShortAnswers int
	// IgnoreRegisters names the registers that the module does not change, as
	// "airrate", or as "airrate=300" for that value only.
	IgnoreRegisters []string
	DropRate        float64 // probability that a byte on the UART is lost, in either direction, 0..1
	ReadLen         int     // largest number of bytes that a Read returns; 0 or negative: no limit
	WriteLen        int     // largest number of bytes that a Write writes; 0 or negative: no limit
}

// registers are addresses 00 to 08: the registers and the key.
type registers [e22.RegistersLen + 2]byte

// named returns the registers by name.
func (r *registers) named() (n e22.Registers) {
	_ = n.UnmarshalBinary(r[:e22.RegistersLen]) // its length is right
	return n
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

	// Guarded by medium.mu.
	faults     Faults
	persistent registers // those after the next power-on
	live       registers // those in force
	m0, m1     bool
	plugged    bool
	replug     chan struct{} // closed when plugged changes
	port       *Port         // the open port; nil: none
	input      []byte        // bytes from the host
	ready      int           // the number of bytes of input that a silence has followed
	inputEnd   time.Time     // when the last byte of input arrives
	outputEnd  time.Time     // when the last byte to the host has left
	sending    *packet       // nil: none
	lastDBm    int           // signal strength of the last packet
}

// NewModule returns a module that shares a medium with others. If medium is nil, the
// module is alone. The registers are those that it has when it is powered on. If they
// are out of range, the error is that of [e22.Registers.Check].
func NewModule(medium *Medium, registers e22.Registers) (*Module, error) {
	b, err := registers.MarshalBinary()
	if err != nil {
		return nil, err
	}
	if medium == nil {
		medium = NewMedium(MediumSettings{})
	}
	m := &Module{medium: medium, plugged: true, replug: make(chan struct{}), lastDBm: -256}
	copy(m.persistent[:], b)
	m.live = m.persistent
	medium.mu.Lock()
	defer medium.mu.Unlock()
	medium.modules = append(medium.modules, m)
	return m, nil
}

// Open opens the module's port. If the port is open already, the error is
// [ErrBusy]; if the module is unplugged, [ErrUnplugged]. Open can serve as
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

// Drive opens the module's port and returns a driver over it. It sets Pins, AUX and
// Open of the settings to the module's.
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

// SetPins sets the mode, as jumpers or pins do; true is high. If the mode changes,
// bytes that the module has not transmitted are lost.
func (m *Module) SetPins(m0, m1 bool) error {
	m.medium.mu.Lock()
	defer m.medium.mu.Unlock()
	if m.m0 != m0 || m.m1 != m1 {
		m.m0, m.m1 = m0, m1
		m.input, m.ready = nil, 0
	}
	return nil
}

// Ready reports whether the AUX pin is high. It is low while bytes wait to be
// transmitted, or are being sent to the host.
func (m *Module) Ready() (bool, error) {
	m.medium.mu.Lock()
	defer m.medium.mu.Unlock()
	if !m.plugged {
		return false, ErrUnplugged
	}
	return len(m.input) == 0 && !time.Now().Before(m.outputEnd), nil
}

// Registers returns the registers in force.
func (m *Module) Registers() e22.Registers {
	m.medium.mu.Lock()
	defer m.medium.mu.Unlock()
	return m.live.named()
}

// Unplug disconnects the module and its power. Its open port fails, and bytes that it
// has not transmitted and volatile registers are lost.
func (m *Module) Unplug() {
	m.medium.mu.Lock()
	defer m.medium.mu.Unlock()
	if !m.plugged {
		return
	}
	m.plug(false)
	m.live = m.persistent
	m.input, m.ready, m.inputEnd, m.outputEnd = nil, 0, time.Time{}, time.Time{}
	if m.sending != nil {
		m.sending.collided, m.sending = true, nil // it breaks off
	}
	if m.port != nil {
		m.port.end(ErrUnplugged)
	}
}

// Plug connects the module again. It has no effect on a module that is plugged in.
func (m *Module) Plug() {
	m.medium.mu.Lock()
	defer m.medium.mu.Unlock()
	if !m.plugged {
		m.plug(true)
	}
}

// The methods below are called with medium.mu held.

// plug notes whether the module is plugged in.
func (m *Module) plug(plugged bool) {
	m.plugged = plugged
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
	s := m.live.named()
	return s.BaudRate, s.Parity
}

// wire returns the bytes of b that arrive at the other end of the UART.
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
	if m.inputEnd.Before(now) {
		m.inputEnd = now
	}
	m.inputEnd = m.inputEnd.Add(time.Duration(len(b)) * m.char())
	b = m.wire(b)
	m.input = append(m.input, b[:min(len(b), bufferLen-len(m.input))]...)
	m.after(m.inputEnd.Add(3*m.char()).Sub(now), m.silence)
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
	if time.Now().Before(m.inputEnd.Add(3*m.char())) || len(m.input) == m.ready {
		return // it has not paused
	}
	fresh := m.input[m.ready:]
	switch {
	case m.mode() == modeConfig:
		command := bytes.Clone(fresh)
		m.input = nil
		m.after(answerDelay, func() { m.answer(command) })
	case m.mode() == modeSleep:
		m.input = nil
	case bytes.Equal(fresh, []byte{0xC0, 0xC1, 0xC2, 0xC3, 0x00, 0x02}) && m.live.named().AmbientRSSI:
		m.input = m.input[:m.ready]
		m.output([]byte{0xC1, 0x00, 0x02, byte(m.medium.settings.NoiseDBm + 256), byte(m.lastDBm + 256)})
	default:
		m.ready = len(m.input)
		m.pump()
	}
}

// pump transmits the next packet, if there is one and the channel allows it.
func (m *Module) pump() {
	s := m.live.named()
	if m.ready == 0 || m.sending != nil || !m.plugged || s.LBT && m.medium.busy(s.Channel) {
		return
	}
	p := &packet{sender: m, live: m.live, target: s.Address, channel: s.Channel}
	head := 0
	if s.FixedPoint {
		if head = 3; m.ready < head {
			m.input, m.ready = m.input[m.ready:], 0
			return
		}
		p.target, p.channel = uint16(m.input[0])<<8|uint16(m.input[1]), int(m.input[2])
	}
	n := min(m.ready, head+s.PacketSize)
	p.data = bytes.Clone(m.input[head:n])
	m.input, m.ready = m.input[n:], m.ready-n
	m.sending = p
	m.medium.transmit(p, s.PHY().TimeOnAir(len(p.data)))
}

// receive passes a packet from the medium to the host.
func (m *Module) receive(p *packet) {
	m.lastDBm = m.medium.settings.RSSIDBm
	data := bytes.Clone(p.data)
	if m.live.named().RSSIByte {
		data = append(data, byte(m.lastDBm+256))
	}
	m.output(append(data, m.faults.Trailing...))
}

// output sends bytes to the host. They arrive in pieces, because USB adapters collect
// bytes for 16 ms.
func (m *Module) output(b []byte) {
	if m.port == nil {
		return // no port is open
	}
	if now := time.Now(); m.outputEnd.Before(now) {
		m.outputEnd = now
	}
	char := m.char()
	piece := max(1, int(16*time.Millisecond/char))
	for len(b) > 0 {
		n := min(piece, len(b))
		m.outputEnd = m.outputEnd.Add(time.Duration(n) * char)
		m.port.pending = append(m.port.pending, segment{m.outputEnd, m.wire(b[:n])})
		b = b[n:]
	}
	m.port.notify()
}
