package e22test

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/loralink/loralink-go/radio/e22"
)

// AirSettings says what happens to packets between modules. The zero value loses
// none.
type AirSettings struct {
	Loss     float64 // chance of each packet to be lost on its way to each module, 0..1
	Seed     uint64  // of the losses, here and on the UARTs: the same seed loses the same
	RSSIDBm  int     // strength of every packet; 0 is -60
	NoiseDBm int     // of the channels; 0 is -100
}

// Air joins modules: each hears what the others send on its channel, at its air
// rate, with its NETID and key, after the packet's time on air. Packets that
// overlap on a channel destroy each other, and a module that sends hears
// nothing. The time on air is that of [e22.Registers.PHY], an estimate.
type Air struct {
	cfg AirSettings

	mu      sync.Mutex // guards the air and all its modules
	rng     *rand.Rand
	modules []*Module
	onAir   []*packet
	stats   AirStats
}

// AirStats counts what happened so far.
type AirStats struct {
	Packets  int // sent
	Lost     int // by AirSettings.Loss, per module that would have heard them
	Collided int // sent at the same time as another
	AirTime  time.Duration
}

// packet is one transmission.
type packet struct {
	from     *Module
	live     registers
	target   uint16 // FixedPoint alone; otherwise the sender's own address
	channel  int
	data     []byte
	collided bool
	deaf     map[*Module]bool // those that were sending meanwhile
}

// NewAir returns an air without modules.
func NewAir(cfg AirSettings) *Air {
	if cfg.RSSIDBm == 0 {
		cfg.RSSIDBm = -60
	}
	if cfg.NoiseDBm == 0 {
		cfg.NoiseDBm = -100
	}
	return &Air{cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 0xE22))}
}

// Stats returns what was counted so far.
func (a *Air) Stats() AirStats {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stats
}

// The methods below are called with a.mu held.

func (a *Air) busy(channel int) bool {
	for _, p := range a.onAir {
		if p.channel == channel {
			return true
		}
	}
	return false
}

func (a *Air) transmit(p *packet, airTime time.Duration) {
	a.stats.Packets++
	a.stats.AirTime += airTime
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

func (a *Air) land(p *packet) {
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
			if p.deaf[m] || !m.hears(p) {
				continue
			}
			if a.rng.Float64() < a.cfg.Loss {
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
		m.pump() // the sender's next, and those that listened before talking
	}
}

func (m *Module) hears(p *packet) bool {
	own, sender := m.live.settings(), p.live.settings()
	return m.plugged && m.mode() == modeNormal &&
		own.Channel == p.channel && own.AirDataRate == sender.AirDataRate && own.NetID == sender.NetID &&
		m.live.key() == p.live.key() &&
		(own.Address == p.target || own.Address == e22.Broadcast || p.target == e22.Broadcast)
}
