package e22test

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/loralink/loralink-go/radio/e22"
)

// MediumSettings say what happens to packets between modules. With the zero value no
// packet is lost.
type MediumSettings struct {
	Loss     float64 // probability that a packet is lost on its way to one module, 0..1
	Seed     uint64  // of the losses, here and on the UARTs: the same seed loses the same. Any value is valid
	RSSIDBm  int     // signal strength of every packet; 0: -60
	NoiseDBm int     // of the channels; 0: -100
}

// Medium connects modules. Each receives what the others transmit on its channel, at
// its air data rate, with its NETID and key, when the packet's time on air is over.
// Packets that overlap on a channel destroy each other, and a module that transmits
// receives nothing. The time on air is that of [e22.Registers.PHY], which is an
// estimate. An Medium may be used from several goroutines at once.
type Medium struct {
	settings MediumSettings

	mu      sync.Mutex // guards the air and all its modules
	rng     *rand.Rand
	modules []*Module
	onAir   []*packet
	stats   MediumStats
}

// MediumStats counts what has happened so far.
type MediumStats struct {
	Packets   int           // transmitted
	Lost      int           // by AirSettings.Loss, once for each module that would have received them
	Collided  int           // destroyed by another one
	TimeOnAir time.Duration // the sum over all packets
}

// packet is one transmission.
type packet struct {
	from     *Module
	live     registers
	target   uint16 // with FixedPoint; otherwise the sender's own address
	channel  int
	data     []byte
	collided bool
	deaf     map[*Module]bool // modules that were transmitting meanwhile
}

// NewMedium returns an air without modules.
func NewMedium(settings MediumSettings) *Medium {
	if settings.RSSIDBm == 0 {
		settings.RSSIDBm = -60
	}
	if settings.NoiseDBm == 0 {
		settings.NoiseDBm = -100
	}
	return &Medium{settings: settings, rng: rand.New(rand.NewPCG(settings.Seed, 0xE22))}
}

// Stats returns what has been counted so far.
func (a *Medium) Stats() MediumStats {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stats
}

// The methods below are called with a.mu held.

// busy reports whether a packet is on the channel.
func (a *Medium) busy(channel int) bool {
	for _, p := range a.onAir {
		if p.channel == channel {
			return true
		}
	}
	return false
}

// transmit puts a packet on the air.
func (a *Medium) transmit(p *packet, airTime time.Duration) {
	a.stats.Packets++
	a.stats.TimeOnAir += airTime
	p.deaf = map[*Module]bool{p.from: true}
	for _, other := range a.onAir {
		other.deaf[p.from], p.deaf[other.from] = true, true
		if other.channel == p.channel {
			other.collided, p.collided = true, true
		}
	}
	a.onAir = append(a.onAir, p)
	time.AfterFunc(airTime, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.land(p)
	})
}

// land ends a packet's time on air.
func (a *Medium) land(p *packet) {
	for i, other := range a.onAir {
		if other == p {
			a.onAir = append(a.onAir[:i], a.onAir[i+1:]...)
			break
		}
	}
	if p.collided {
		a.stats.Collided++
	} else {
		for _, m := range a.modules {
			if p.deaf[m] || !m.accepts(p) {
				continue
			}
			if a.rng.Float64() < a.settings.Loss {
				a.stats.Lost++
				continue
			}
			m.receive(p)
		}
	}
	if p.from.sending == p {
		p.from.sending = nil
	}
	for _, m := range a.modules {
		m.pump() // the sender's next packet, and those that wait for a free channel
	}
}

// accepts reports whether a packet is for the module.
func (m *Module) accepts(p *packet) bool {
	own, sender := m.live.settings(), p.live.settings()
	return m.plugged && m.mode() == modeNormal &&
		own.Channel == p.channel && own.AirDataRate == sender.AirDataRate && own.NetID == sender.NetID &&
		m.live.key() == p.live.key() &&
		(own.Address == p.target || own.Address == e22.Broadcast || p.target == e22.Broadcast)
}
