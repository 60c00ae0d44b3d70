package e22test

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/loralink/loralink-go/radio/e22"
)

// MediumSettings are the settings of a [Medium]. With the zero value no packet is lost.
type MediumSettings struct {
	Loss float64 // probability that a packet is lost on its way to one module, 0..1
	// Seed is the seed of the losses, here and on the UARTs. The same seed loses the
	// same packets and bytes. Any value is valid.
	Seed     uint64
	RSSIDBm  int // signal strength of every packet, in dBm; 0: -60
	NoiseDBm int // noise on every channel, in dBm; 0: -100
}

// Medium connects modules. Each receives what the others transmit on its channel, at
// its air data rate, with its NETID and key, when the packet's time on air is over.
// Packets that overlap on a channel destroy each other, and a module that transmits
// receives nothing. The time on air is that of [e22.Registers.PHY], which is an
// estimate. A Medium may be used from several goroutines at once.
type Medium struct {
	settings MediumSettings

	mu      sync.Mutex // guards the medium and all its modules
	rng     *rand.Rand
	modules []*Module
	onAir   []*packet
	stats   MediumStats
}

// MediumStats counts packets.
type MediumStats struct {
	Packets   int           // packets transmitted
	Lost      int           // packets lost by MediumSettings.Loss, once for each module that would have received them
	Collided  int           // packets destroyed by another one
	TimeOnAir time.Duration // sum over all packets
}

// packet is one transmission.
type packet struct {
	sender   *Module
	live     registers // the sender's
	target   uint16    // address in a fixed-point packet; otherwise the sender's own
	channel  int
	data     []byte
	collided bool
	deaf     map[*Module]bool // modules that transmitted at the same time
}

// NewMedium returns a medium without modules; see [NewModule].
func NewMedium(settings MediumSettings) *Medium {
	if settings.RSSIDBm == 0 {
		settings.RSSIDBm = -60
	}
	if settings.NoiseDBm == 0 {
		settings.NoiseDBm = -100
	}
	return &Medium{settings: settings, rng: rand.New(rand.NewPCG(settings.Seed, 0xE22))}
}

// Stats returns the counts so far.
func (m *Medium) Stats() MediumStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stats
}

// The methods below are called with m.mu held.

// busy reports whether a packet is on the channel.
func (m *Medium) busy(channel int) bool {
	for _, p := range m.onAir {
		if p.channel == channel {
			return true
		}
	}
	return false
}

// transmit puts a packet on the air.
func (m *Medium) transmit(p *packet, timeOnAir time.Duration) {
	m.stats.Packets++
	m.stats.TimeOnAir += timeOnAir
	p.deaf = map[*Module]bool{p.sender: true}
	for _, other := range m.onAir {
		other.deaf[p.sender], p.deaf[other.sender] = true, true
		if other.channel == p.channel {
			other.collided, p.collided = true, true
		}
	}
	m.onAir = append(m.onAir, p)
	time.AfterFunc(timeOnAir, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.land(p)
	})
}

// land ends a packet's time on air.
func (m *Medium) land(p *packet) {
	for i, other := range m.onAir {
		if other == p {
			m.onAir = append(m.onAir[:i], m.onAir[i+1:]...)
			break
		}
	}
	if p.collided {
		m.stats.Collided++
	} else {
		for _, module := range m.modules {
			if p.deaf[module] || !module.accepts(p) {
				continue
			}
			if m.rng.Float64() < m.settings.Loss {
				m.stats.Lost++
				continue
			}
			module.receive(p)
		}
	}
	if p.sender.sending == p {
		p.sender.sending = nil
	}
	for _, module := range m.modules {
		module.pump() // the sender's next packet, and those that wait for a free channel
	}
}

// accepts reports whether a packet is for the module.
func (m *Module) accepts(p *packet) bool {
	own, sender := m.live.named(), p.live.named()
	return m.plugged && m.mode() == modeNormal &&
		own.Channel == p.channel && own.AirDataRate == sender.AirDataRate && own.NetID == sender.NetID &&
		m.live.key() == p.live.key() &&
		(own.Address == p.target || own.Address == e22.Broadcast || p.target == e22.Broadcast)
}
