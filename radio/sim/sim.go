// Package sim is a radio channel in virtual time. It runs the machines of
// radio/link as they run on the air, but an hour at SF12 takes milliseconds, and
// a seed gives the same run again.
//
// What a channel does to frames is in [Channel]: loss, independent or in
// bursts, delay, repetition, reordering, bit errors, bytes lost on the way from
// modem to host, collisions. Each transmitter draws from its own generator, so
// that two runs with one seed but different codecs meet the same luck, frame by
// frame.
//
// Loss can be made to grow with time on air (LossPerSecond). Be careful with
// it: on links that were measured, short frames got through only slightly more
// often than long ones. A smaller payload saves airtime, hence energy, and
// leaves room for other senders, which Collisions can show.
package sim

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
)

// ErrSettings is behind every fault of a Channel.
var ErrSettings = errors.New("sim: invalid settings")

// Channel says what happens to frames between two modems. The zero Channel but
// for its PHY is perfect. Probabilities are 0..1 and apply to each frame, ACKs
// included, in each direction alike.
type Channel struct {
	PHY radio.PHY
	// Latency of the way between host and modem at each end, see
	// link.UARTLatency. Nil is none.
	Latency func(frameLen int) time.Duration
	Seed    uint64

	Loss float64 // mean share of frames lost
	// MeanBurst is the mean number of frames a loss lasts: a Gilbert-Elliott
	// channel whose bad state loses every frame. 0 makes losses independent.
	MeanBurst float64
	// LossPerSecond is a further hazard: a frame of t seconds on the air is lost
	// with probability 1-exp(-LossPerSecond·t).
	LossPerSecond float64

	Delay     time.Duration // of every frame, besides its time on air
	Jitter    time.Duration // uniform, added to Delay
	Duplicate float64       // arrives twice, the second after LateBy
	Reorder   float64       // arrives late by LateBy
	LateBy    time.Duration // 0 is twice the frame's time on air

	BitError float64 // one to three bits flip; with PHY.CRC the modem drops the frame
	UARTDrop float64 // one byte is lost between the receiving modem and its host

	// Collisions makes frames that overlap on the air destroy each other, and
	// a modem deaf while it sends.
	Collisions bool
}

// RegisterFlags adds the flags --loss, --bursts, --duplicates, --reorder,
// --bit-errors and --seed.
func (c *Channel) RegisterFlags(fs *flag.FlagSet) {
	fs.Float64Var(&c.Loss, "loss", 0, "mean share of frames lost, in each direction")
	fs.Float64Var(&c.MeanBurst, "bursts", 0, "mean number of frames that a loss lasts; 0: losses are independent")
	fs.Float64Var(&c.Duplicate, "duplicates", 0, "share of frames that arrive twice")
	fs.Float64Var(&c.Reorder, "reorder", 0, "share of frames that arrive late")
	fs.Float64Var(&c.BitError, "bit-errors", 0, "share of frames with flipped bits")
	fs.Uint64Var(&c.Seed, "seed", 1, "seed of the channel: the same seed gives the same run")
}

// Check reports a PHY out of range, probabilities outside 0..1 and the like, as
// ErrSettings.
func (c Channel) Check() error {
	if err := c.PHY.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrSettings, err)
	}
	for _, p := range []struct {
		name  string
		value float64
	}{{"loss", c.Loss}, {"duplicate", c.Duplicate}, {"reorder", c.Reorder}, {"bit error", c.BitError}, {"uart drop", c.UARTDrop}} {
		if !(p.value >= 0 && p.value <= 1) {
			return fmt.Errorf("%w: %s %v, want 0..1", ErrSettings, p.name, p.value)
		}
	}
	if c.MeanBurst != 0 {
		// Both transition probabilities must be at most 1.
		if least := max(1, c.Loss/(1-c.Loss)); !(c.MeanBurst >= least) {
			return fmt.Errorf("%w: mean burst of %v frames at loss %v, want at least %.3g, or 0 for independent losses",
				ErrSettings, c.MeanBurst, c.Loss, least)
		}
	}
	if !(c.LossPerSecond >= 0) || c.Delay < 0 || c.Jitter < 0 || c.LateBy < 0 {
		return fmt.Errorf("%w: negative loss per second, delay, jitter or lateness", ErrSettings)
	}
	return nil
}

// Pair is a sender and a receiver who hear each other, and nobody else's
// frames, though they collide with them.
type Pair struct {
	Sender   *link.Sender
	Receiver *link.Receiver
	// Source returns the next window and when it is there, since the start of
	// the run; ok is false after the last. It is asked only when the sender's
	// queue has room and the last window's time has come, or, where Live, whether
	// there is room or not.
	Source func() (w link.Outbound, at time.Duration, ok bool)
	// Live windows do not wait for room: the queue's policy decides.
	Live bool
	// OnEvent and OnDeliver may be nil. id is the window whose frame brought the
	// delivery, which only a simulation knows; intact says whether the payload
	// is the one sent.
	OnEvent   func(role link.Role, e link.Event)
	OnDeliver func(id int64, intact bool, d link.Delivery)
}

// Outcome is what became of a pair's windows, by an observer who sees both ends.
type Outcome struct {
	Offered        int `json:"offered"`
	Delivered      int `json:"delivered"`       // distinct windows that arrived intact
	DeliveredTwice int `json:"delivered_twice"` // deliveries beyond the first
	Corrupt        int `json:"corrupt"`         // deliveries whose payload is not the one sent
	Acked          int `json:"acked"`
	FalselyAcked   int `json:"falsely_acked"` // acknowledged, and never delivered intact
	Failed         int `json:"failed"`        // given up by the sender, delivered or not
	Dropped        int `json:"dropped"`       // by the queue
	// Unreported windows were neither delivered intact nor reported failed or
	// dropped to the sender.
	Unreported int `json:"unreported"`
}

// Air counts what the channel did, over all pairs.
type Air struct {
	Frames     int `json:"frames"` // sent, ACKs included
	Lost       int `json:"lost"`
	Collided   int `json:"collided"`
	CRCDropped int `json:"crc_dropped"`
	BitErrors  int `json:"bit_errors"` // frames handed on with flipped bits
	Duplicated int `json:"duplicated"`
	Reordered  int `json:"reordered"`
	UARTDrops  int `json:"uart_drops"`
}

// Result is a run's end.
type Result struct {
	Elapsed time.Duration // virtual time
	Air     Air
	Pairs   []Outcome
}

// Epoch is the virtual time at which every run starts.
var Epoch = time.Unix(0, 0).UTC()

// Run sends what the sources yield over the channel until every sender is done
// or, where limit is positive, until that virtual time. The machines must be
// fresh. It calls back from the calling goroutine.
func Run(ctx context.Context, channel Channel, limit time.Duration, pairs ...Pair) (Result, error) {
	if err := channel.Check(); err != nil {
		return Result{}, err
	}
	w := &world{ch: channel, now: Epoch}
	for i, p := range pairs {
		if p.Sender == nil || p.Receiver == nil || p.Source == nil {
			return Result{}, fmt.Errorf("%w: pair %d lacks a sender, a receiver or a source", ErrSettings, i)
		}
		run := &pairRun{Pair: p, windows: map[int64]fate{}, next: Epoch}
		for _, role := range []link.Role{link.RoleTX, link.RoleRX} {
			n := &node{role: role, pair: run, parser: radio.NewStreamParser(radio.StreamSettings{}),
				rng: newRand(channel.Seed, uint64(len(w.nodes))), machine: p.Sender}
			if role == link.RoleRX {
				n.machine = p.Receiver
			}
			w.nodes = append(w.nodes, n)
		}
		run.tx, run.rx = w.nodes[2*i], w.nodes[2*i+1]
		run.tx.peer, run.rx.peer = run.rx, run.tx
		w.pairs = append(w.pairs, run)
	}
	for _, p := range w.pairs {
		w.feed(p)
	}
	for steps := 0; w.queue.len() > 0; steps++ {
		if steps%1024 == 0 && ctx.Err() != nil {
			return w.result(), ctx.Err()
		}
		e := w.queue.pop()
		if limit > 0 && e.at.Sub(Epoch) > limit {
			w.now = Epoch.Add(limit)
			break
		}
		w.now = e.at
		w.handle(e)
	}
	return w.result(), nil
}

func (w *world) result() Result {
	r := Result{Elapsed: w.now.Sub(Epoch), Air: w.air}
	for _, p := range w.pairs {
		o := p.outcome
		for _, f := range p.windows {
			if f&fateDelivered != 0 {
				o.Delivered++
			}
			if f&fateAcked != 0 && f&fateDelivered == 0 {
				o.FalselyAcked++
			}
			if f&(fateDelivered|fateReported) == 0 {
				o.Unreported++
			}
		}
		r.Pairs = append(r.Pairs, o)
	}
	return r
}
