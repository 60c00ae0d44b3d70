// Package sim simulates a radio channel in virtual time. It runs the state
// machines of package radio/link as they run on the air, but an hour at SF12 takes
// milliseconds, and the same seed gives the same run.
//
// [Impairments] are what happens to frames at random: loss, independent or in bursts,
// delay, duplication, reordering, bit errors, and bytes lost between modem and host. A
// [Channel] adds the PHY and collisions. Each transmitter has a random generator of
// its own, so that two runs with the same seed but different codecs lose the same
// frames.
//
// Loss can grow with the time on air (Impairments.LossPerSecond). Use that with care:
// on links that were measured, short frames arrived only slightly more often than
// long ones. What a smaller payload saves for certain is time on air, and so energy
// and capacity for other senders; Channel.Collisions shows the capacity.
//
// Package radio/sim/study compares codecs over such a channel.
package sim

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"time"

	"github.com/loralink/loralink-go/internal/fielderr"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
)

// ErrSettings is wrapped by every error about a [Channel], [Impairments] or a [Pair].
var ErrSettings = errors.New("sim: invalid settings")

// Channel is what carries frames between modems. PHY must be set; if all else is
// zero, every frame arrives intact.
type Channel struct {
	PHY radio.PHY
	// Latency returns how long each end takes to carry a frame between host and modem,
	// see link.UARTLatency. nil: no time.
	Latency func(frameLen int) time.Duration
	// Collisions makes frames that overlap on the air destroy each other, whichever
	// pairs they belong to.
	Collisions bool
	// Shared makes every receiver hear every sender, and every sender every receiver, as on
	// one channel. v1 frames have no address, so receivers and senders take each other's
	// frames for their own. Pairs may then have one Receiver. What happens to a frame
	// happens to it at all ends. false: the ends of a pair hear each other only.
	Shared bool
	Impairments
}

// Impairments are what happens to frames at random. The zero value has none.
// Probabilities are 0..1 and apply to each frame, ACKs included, in each direction
// alike. Names of flags are those of RegisterFlags.
type Impairments struct {
	// Seed is the seed of everything that is random. Any value is valid. Flag --seed,
	// which defaults to 1
	Seed uint64

	Loss float64 // probability that a frame is lost. Flag --loss
	// MeanBurst is the mean length of a loss burst, in frames. The channel is then a
	// Gilbert-Elliott channel: in its good state it loses no frame, in its bad state
	// every frame. It must be at least 1 and at least Loss/(1-Loss), or else the share
	// of lost frames could not be Loss; at a Loss of 1 it has no effect. 0: losses are
	// independent. Flag --bursts
	MeanBurst float64
	// LossPerSecond adds losses that grow with the time on air: a frame of t
	// seconds is lost with probability 1-exp(-LossPerSecond·t). 0: none.
	LossPerSecond float64

	Delay     time.Duration // of every frame, besides its time on air
	Jitter    time.Duration // upper limit of a uniformly random time that is added to Delay; 0: none
	Duplicate float64       // probability that a frame arrives twice, the second time after LateBy. Flag --duplicates
	Reorder   float64       // probability that a frame arrives later, by LateBy. Flag --reorder
	LateBy    time.Duration // 0: twice the frame's time on air

	BitError float64 // probability that one to three bits flip; with PHY.CRC the modem drops the frame. Flag --bit-errors
	UARTDrop float64 // probability that one byte is lost between the receiving modem and its host
}

// RegisterFlags adds the flags that the fields mention.
func (m *Impairments) RegisterFlags(fs *flag.FlagSet) {
	fs.Float64Var(&m.Loss, "loss", 0, "mean share of frames that are lost in each direction, 0..1")
	fs.Float64Var(&m.MeanBurst, "bursts", 0, "mean length of a loss burst, in frames; 0: losses are independent")
	fs.Float64Var(&m.Duplicate, "duplicates", 0, "share of frames that arrive twice, 0..1")
	fs.Float64Var(&m.Reorder, "reorder", 0, "share of frames that arrive late, 0..1")
	fs.Float64Var(&m.BitError, "bit-errors", 0, "share of frames with flipped bits, 0..1")
	fs.Uint64Var(&m.Seed, "seed", 1, "seed of the channel: the same seed gives the same run")
}

// Check returns an error that wraps [ErrSettings] if the PHY or a field of the
// impairments is out of range.
func (c Channel) Check() error {
	if err := c.PHY.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrSettings, err)
	}
	return c.Impairments.Check()
}

// Check returns an error that wraps [ErrSettings] if a field is out of range.
func (m Impairments) Check() error {
	loss, meanBurst := fielderr.Name{Field: "Loss", Flag: "loss"}, fielderr.Name{Field: "MeanBurst", Flag: "bursts"}
	for _, p := range []struct {
		name  fielderr.Name
		value float64
	}{
		{loss, m.Loss},
		{fielderr.Name{Field: "Duplicate", Flag: "duplicates"}, m.Duplicate},
		{fielderr.Name{Field: "Reorder", Flag: "reorder"}, m.Reorder},
		{fielderr.Name{Field: "BitError", Flag: "bit-errors"}, m.BitError},
		{fielderr.Name{Field: "UARTDrop"}, m.UARTDrop},
	} {
		if !(p.value >= 0 && p.value <= 1) {
			return fielderr.New(ErrSettings, "%v is %v, want 0..1", p.name, p.value)
		}
	}
	minBurst := 1.0
	if m.Loss < 1 {
		minBurst = max(minBurst, m.Loss/(1-m.Loss)) // so that both transition probabilities are at most 1
	}
	if m.MeanBurst != 0 && (!(m.MeanBurst >= minBurst) || math.IsInf(m.MeanBurst, 1)) {
		return fielderr.New(ErrSettings, "%v is %v with %v %v, want at least %.3g, or 0 for independent losses", meanBurst, m.MeanBurst, loss, m.Loss, minBurst)
	}
	if !(m.LossPerSecond >= 0) {
		return fielderr.New(ErrSettings, "%v is %v, want 0 or more", fielderr.Name{Field: "LossPerSecond"}, m.LossPerSecond)
	}
	for _, d := range []struct {
		field string
		value time.Duration
	}{{"Delay", m.Delay}, {"Jitter", m.Jitter}, {"LateBy", m.LateBy}} {
		if d.value < 0 {
			return fielderr.New(ErrSettings, "%v is %v, want 0 or more", fielderr.Name{Field: d.field}, d.value)
		}
	}
	return nil
}

// Pair is a sender and the receiver that it sends to. Each receives only the
// frames of the other, unless Channel.Shared is set, but with Collisions the frames of all
// pairs collide.
type Pair struct {
	Sender   *link.Sender
	Receiver *link.Receiver
	// Source returns the next window and the time at which it is offered, counted from
	// the start of the run. Ok is false after the last window. Source is called when
	// the time of the previous window has come and, unless Live is set, the sender's
	// queue is not full.
	Source func() (w link.Outbound, offer time.Duration, ok bool)
	// Live offers windows at their times even if the queue is full, as a live sensor
	// does. The queue's policy then drops one.
	Live bool
	// OnEvent is called with every event of both ends. The events of a receiver that
	// several pairs have go to the first of them. It may be nil.
	OnEvent func(role link.Role, e link.Event)
	// OnDeliver is called with every delivery of this pair's frames, and with what only a
	// simulation knows: the window_id of the frame that was sent, and whether the payload
	// arrived as it was sent. It may be nil.
	OnDeliver func(id int64, intact bool, d link.Delivery)
}

// Outcome counts what became of a pair's windows, as seen by an observer of both
// ends.
type Outcome struct {
	Offered        int `json:"offered"`         // windows offered to the sender
	Delivered      int `json:"delivered"`       // distinct windows that were delivered as they were sent
	DeliveredTwice int `json:"delivered_twice"` // deliveries of a window beyond its first
	Corrupt        int `json:"corrupt"`         // deliveries whose payload is not the one that was sent
	Acked          int `json:"acked"`           // windows acknowledged
	FalselyAcked   int `json:"falsely_acked"`   // windows acknowledged, but never delivered as they were sent
	Failed         int `json:"failed"`          // windows that the sender gave up, delivered or not
	Dropped        int `json:"dropped"`         // windows that the queue dropped
	Unreported     int `json:"unreported"`      // windows neither delivered as they were sent nor reported as failed or dropped
}

// AirStats counts what happened to frames, over all pairs.
type AirStats struct {
	Frames     int `json:"frames"`      // frames sent, ACKs included
	Lost       int `json:"lost"`        // frames lost by Loss and LossPerSecond
	Collided   int `json:"collided"`    // frames destroyed by a collision
	CRCDropped int `json:"crc_dropped"` // frames with flipped bits that the modem dropped
	BitErrors  int `json:"bit_errors"`  // frames with flipped bits that reached the host
	Duplicated int `json:"duplicated"`  // frames that arrived twice
	Reordered  int `json:"reordered"`   // frames that arrived late
	UARTDrops  int `json:"uart_drops"`  // frames that lost a byte between modem and host
}

// Result is the result of a run.
type Result struct {
	Elapsed time.Duration // virtual time
	Air     AirStats
	Pairs   []Outcome // in the order of Run's pairs
}

// Epoch is the virtual time at which every run starts.
var Epoch = time.Unix(0, 0).UTC()

// Run runs the pairs over the channel until every sender is done or, if limit is
// above 0, until that virtual time. The machines must not have been used before.
// OnEvent, OnDeliver and Source are called from the goroutine that calls Run. If ctx
// ends, Run returns its error and the result so far.
func Run(ctx context.Context, channel Channel, limit time.Duration, pairs ...Pair) (Result, error) {
	if err := channel.Check(); err != nil {
		return Result{}, err
	}
	w := &world{ch: channel, now: Epoch}
	receivers := map[*link.Receiver]*node{}
	for i, p := range pairs {
		if p.Sender == nil || p.Receiver == nil || p.Source == nil {
			return Result{}, fmt.Errorf("%w: pair %d lacks a sender, a receiver or a source", ErrSettings, i)
		}
		run := &pairRun{Pair: p, next: Epoch}
		for _, role := range []link.Role{link.RoleTX, link.RoleRX} {
			if shared := receivers[p.Receiver]; role == link.RoleRX && shared != nil {
				if !channel.Shared {
					return Result{}, fmt.Errorf("%w: pair %d has the receiver of another pair, want Channel.Shared", ErrSettings, i)
				}
				run.rx = shared
				continue
			}
			n := &node{role: role, pair: run, parser: radio.NewStreamParser(radio.StreamSettings{}),
				rng: newRand(channel.Seed, uint64(len(w.nodes))), machine: p.Sender}
			if role == link.RoleRX {
				n.machine, run.rx = p.Receiver, n
				receivers[p.Receiver] = n
			} else {
				run.tx = n
			}
			w.nodes = append(w.nodes, n)
		}
		run.tx.peer, run.rx.peer = run.rx, run.tx
		w.pairs = append(w.pairs, run)
	}
	for _, p := range w.pairs {
		w.feed(p)
	}
	for w.queue.len() > 0 {
		if ctx.Err() != nil {
			return w.result(), ctx.Err()
		}
		e := w.queue.pop()
		if limit > 0 && e.time.Sub(Epoch) > limit {
			w.now = Epoch.Add(limit)
			break
		}
		w.now = e.time
		w.handle(e)
	}
	return w.result(), nil
}

func (w *world) result() Result {
	r := Result{Elapsed: w.now.Sub(Epoch), Air: w.air}
	for _, p := range w.pairs {
		o := p.outcome
		for f := range p.fates.all() {
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
