package sim

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
)

// shared returns pairs of n senders with one receiver. The windows of the senders differ.
func shared(t testing.TB, timing link.Timing, n, windows int, change func(i int, s *link.SenderSettings)) []Pair {
	t.Helper()
	var pairs []Pair
	for i := range n {
		p := pair(t, 8, timing, windows, func(s *link.SenderSettings) {
			s.RetryJitter, s.Seed = time.Second, uint64(i)
			change(i, s)
		})
		if i > 0 {
			p.Receiver = pairs[0].Receiver
		}
		source := p.Source
		p.Source = func() (link.Outbound, time.Duration, bool) {
			w, offer, ok := source()
			if ok {
				w.Values[0] += float64(i) * 1e6
			}
			return w, offer, ok
		}
		pairs = append(pairs, p)
	}
	return pairs
}

// Two senders on one channel, with equal counters: what one sends is no repetition of
// what the other sent. The receiver delivers both, and never acknowledges what it did not
// deliver.
func TestTwoSendersOnOneChannel(t *testing.T) {
	timing := link.Timing{PHY: phy(7), Guard: 20 * time.Millisecond, MaxRetries: 4}
	const windows = 10_000
	for _, c := range []struct {
		name      string
		senders   int
		secondSeq byte
		channel   Channel
		told      bool // whether the receiver is to tell of a second sender
	}{
		{"equal counters", 2, 250, Channel{}, true},
		{"counters half a round apart", 2, 122, Channel{}, true},
		{"counters close to each other", 2, 253, Channel{}, true},
		{"losses", 2, 250, Channel{Impairments: Impairments{Seed: 1, Loss: 0.2}}, true},
		{"collisions", 2, 250, Channel{Collisions: true}, true},
		{"one sender", 1, 0, Channel{}, false},
		{"one sender, much wrong on the air", 1, 0, Channel{Impairments: Impairments{Seed: 2, Loss: 0.3, MeanBurst: 20, Duplicate: 0.1, Reorder: 0.1}}, false},
		{"one sender, hardly anything arrives", 1, 0, Channel{Impairments: Impairments{Seed: 3, Loss: 0.9}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.channel.PHY, c.channel.Shared = timing.PHY, true
			pairs := shared(t, timing, c.senders, windows, func(i int, s *link.SenderSettings) {
				if i == 1 {
					s.FirstSeq = c.secondSeq
				}
			})
			var meter runlog.Meter
			delivered := map[string]bool{} // SEQ and payload
			for i := range pairs {
				pairs[i].OnEvent = func(role link.Role, e link.Event) {
					meter.Add(role, e)
					if e.Kind != link.EventRxOK {
						return
					}
					window := fmt.Sprintf("%d %x", e.Seq, e.Payload)
					if e.Duplicate && !delivered[window] {
						t.Fatalf("window %s counts as a repetition, but was not delivered", window)
					}
					delivered[window] = true
				}
			}
			r, err := Run(context.Background(), c.channel, 0, pairs...)
			if err != nil {
				t.Fatal(err)
			}
			m := meter.Metrics()
			for i, o := range r.Pairs {
				t.Logf("sender %d: %+v", i, o)
				lost := windows - o.Delivered
				if reported := o.Failed + o.FalselyAcked; lost > reported {
					t.Errorf("sender %d: %d windows lost, %d given up or falsely acknowledged", i, lost, reported)
				}
				if c.channel.Loss == 0 && !c.channel.Collisions && (o.Delivered != windows || o.FalselyAcked != 0) {
					t.Errorf("sender %d: delivered %d of %d, %d falsely acknowledged", i, o.Delivered, windows, o.FalselyAcked)
				}
			}
			t.Logf("conflicts %d, interleaved %d, repeated %d", m.RxConflicts, m.RxInterleaved, m.RxRepeated)
			if told := m.Warning() != ""; told != c.told || !c.told && m.RxConflicts > 0 {
				t.Errorf("conflicts %d, interleaved %d, warning %q", m.RxConflicts, m.RxInterleaved, m.Warning())
			}
		})
	}
}

// A receiver that several pairs have needs a channel that is shared.
func TestSharedReceiverNeedsASharedChannel(t *testing.T) {
	timing := link.Timing{PHY: phy(7)}
	pairs := shared(t, timing, 2, 1, func(int, *link.SenderSettings) {})
	if _, err := Run(context.Background(), Channel{PHY: timing.PHY}, 0, pairs...); err == nil {
		t.Error("no error")
	}
}

// A run ends at the first event after its context, however long a window takes.
func TestInterruptEndsAtOnce(t *testing.T) {
	timing := link.Timing{PHY: phy(7)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := pair(t, 8, timing, 10_000, nil)
	events := 0
	p.OnEvent = func(link.Role, link.Event) {
		if events++; events == 20 {
			cancel()
		}
	}
	if _, err := Run(ctx, Channel{PHY: timing.PHY}, 0, p); !errors.Is(err, context.Canceled) || events > 25 {
		t.Errorf("%d events, %v", events, err)
	}
}
