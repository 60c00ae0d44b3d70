// Package sim simulates a radio channel in virtual time. It runs the state
// machines of package radio/link as they run on the air, but an hour at SF12 takes
// milliseconds, and the same seed gives the same run.
//
// [Channel] says what happens to frames: loss, independent or in bursts, delay,
// duplication, reordering, bit errors, bytes lost between modem and host, and
// collisions. Each transmitter has a random generator of its own, so that two runs
// with the same seed but different codecs lose the same frames.
//
// Loss can be made to grow with the time on air (Channel.LossPerSecond). Be careful
// with that: on links that were measured, short frames arrived only slightly more
// often than long ones. What a smaller payload saves for certain is airtime, and
// with it energy and room for other senders; Channel.Collisions can show the
// latter.
//
// Package radio/sim/study compares codecs over such a channel.
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

// ErrSettings is wrapped by every error about a [Channel] or a [Pair].
var ErrSettings = errors.New("sim: invalid settings")

// Channel says what happens to frames between two modems. PHY must be set; if all
// else is zero, nothing goes wrong. Probabilities are 0..1 and apply to each frame,
// ACKs included, in each direction alike.
type Channel struct {
	PHY radio.PHY
	// Latency is how long each end takes to carry a frame between host and modem,
	// see link.UARTLatency. nil: no time.
	Latency func(frameLen int) time.Duration
	// Seed decides everything that is random. Any value is valid.
	Seed uint64

	Loss float64 // probability that a frame is lost
	// MeanBurst is how many frames in a row a loss lasts on average. The channel is
	// then a Gilbert-Elliott channel: it has a good state that loses no frame and a
	// bad one that loses every frame. 0: losses are independent.
	MeanBurst float64
	// LossPerSecond adds losses that grow with the time on air: a frame of t
	// seconds is lost with probability 1-exp(-LossPerSecond·t).
	LossPerSecond float64

	Delay     time.Duration // of every frame, besides its time on air
	Jitter    time.Duration // added to Delay, uniformly at random from 0 to this
	Duplicate float64       // probability that a frame arrives twice, the second time after LateBy
	Reorder   float64       // probability that a frame arrives later, by LateBy
	LateBy    time.Duration // 0: twice the frame's time on air

	BitError float64 // probability that one to three bits flip; with PHY.CRC the modem drops the frame
	UARTDrop float64 // probability that one byte is lost between the receiving modem and its host

	// Collisions makes frames that overlap on the air destroy each other, whoever
	// sent them.
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

// Pair is a sender and the receiver that it sends to. Each receives only the
// frames of the other, but with Collisions the frames of all pairs collide.
type Pair struct {
	Sender   *link.Sender
	Receiver *link.Receiver
	// Source returns the next window and when it comes, counted from the start of
	// the run. After the last window ok is false. It is called when the time of the
	// previous window has come and, unless Live is set, the sender's queue has room.
	Source func() (w link.Outbound, at time.Duration, ok bool)
	// Live makes windows come at their times even if the queue is full, as those
	// of a live sensor do. The queue's policy then drops one.
	Live bool
	// OnEvent is called with every event of both ends. It may be nil.
	OnEvent func(role link.Role, e link.Event)
	// OnDeliver is called with every delivery and with what only a simulation knows:
	// the window_id of the frame that was sent, and whether the payload arrived as
	// it was sent. It may be nil.
	OnDeliver func(id int64, intact bool, d link.Delivery)
}

// Outcome is what became of a pair's windows, as seen by an observer of both ends.
type Outcome struct {
	Offered        int `json:"offered"`         // windows
	Delivered      int `json:"delivered"`       // distinct windows that arrived as they were sent
	DeliveredTwice int `json:"delivered_twice"` // deliveries of a window beyond its first
	Corrupt        int `json:"corrupt"`         // deliveries whose payload is not the one sent
	Acked          int `json:"acked"`           // windows acknowledged
	FalselyAcked   int `json:"falsely_acked"`   // windows acknowledged, but never delivered as sent
	Failed         int `json:"failed"`          // windows that the sender gave up, delivered or not
	Dropped        int `json:"dropped"`         // windows that the queue dropped
	// Unreported counts windows that were not delivered as sent, and of which the
	// sender did not report that they failed or were dropped.
	Unreported int `json:"unreported"`
}

// AirStats counts what the channel did, over all pairs.
type AirStats struct {
	Frames     int `json:"frames"`      // sent, ACKs included
	Lost       int `json:"lost"`        // by Loss and LossPerSecond
	Collided   int `json:"collided"`    // destroyed by a collision
	CRCDropped int `json:"crc_dropped"` // with flipped bits, dropped by the modem
	BitErrors  int `json:"bit_errors"`  // with flipped bits, handed to the host
	Duplicated int `json:"duplicated"`
	Reordered  int `json:"reordered"`
	UARTDrops  int `json:"uart_drops"` // with a byte missing
}

// Result is how a run ended.
type Result struct {
	Elapsed time.Duration // virtual time
	Air     AirStats
	Pairs   []Outcome // in the order of the pairs
}

// Epoch is the virtual time at which every run starts.
var Epoch = time.Unix(0, 0).UTC()

// Run runs the pairs over the channel until every sender is done or, if limit is
// above 0, until that virtual time. The machines must not have been used before.
// Hooks are called from the calling goroutine. When ctx ends, Run returns its
// error, and the result up to there.
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
