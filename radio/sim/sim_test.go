package sim

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
)

// numbers is a codec of n bytes whose payload holds the window's only value.
type numbers int

func (n numbers) MaxPayloadLen() int { return int(n) }

func (n numbers) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	b := make([]byte, max(int(n), 8))
	binary.LittleEndian.PutUint64(b, uint64(window[0]))
	return append(dst, b[:n]...), nil
}

var errLength = errors.New("numbers: wrong length")

func (n numbers) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	if len(payload) != int(n) {
		return dst, errLength
	}
	var b [8]byte
	copy(b[:], payload)
	return append(dst, float64(binary.LittleEndian.Uint64(b[:]))), nil
}

func phy(sf int) radio.PHY {
	return radio.PHY{SF: sf, BandwidthHz: 125000, CodingRate: 1, Preamble: 8, CRC: true, ExplicitHeader: true, TxPowerDBm: 22}
}

// pair returns a sender and a receiver for windows of n bytes.
func pair(t testing.TB, n int, timing link.Timing, windows int, change func(*link.SenderSettings)) Pair {
	t.Helper()
	settings := link.SenderSettings{Timing: timing, Codec: numbers(n), FirstSeq: 250}
	if change != nil {
		change(&settings)
	}
	sender, err := link.NewSender(settings)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := link.NewReceiver(link.ReceiverSettings{Timing: timing, Codec: numbers(n)})
	if err != nil {
		t.Fatal(err)
	}
	return Pair{Sender: sender, Receiver: receiver, Source: count(windows)}
}

func count(windows int) func() (link.Outbound, time.Duration, bool) {
	i := 0
	value := make([]float64, 1)
	return func() (link.Outbound, time.Duration, bool) {
		if i == windows {
			return link.Outbound{}, 0, false
		}
		i++
		value[0] = float64(i - 1)
		return link.Outbound{ID: int64(i - 1), Values: value}, 0, true
	}
}

func ExampleRun() {
	timing := link.Timing{PHY: radio.AirDataRates()[2].PHY, Guard: 20 * time.Millisecond, MaxRetries: 5}
	sender, err := link.NewSender(link.SenderSettings{Timing: timing, Codec: numbers(8)})
	if err != nil {
		fmt.Println(err)
		return
	}
	receiver, err := link.NewReceiver(link.ReceiverSettings{Timing: timing, Codec: numbers(8)})
	if err != nil {
		fmt.Println(err)
		return
	}
	var meter runlog.Meter
	result, err := Run(context.Background(), Channel{PHY: timing.PHY, Impairments: Impairments{Loss: 0.2, Seed: 1}}, 0,
		Pair{Sender: sender, Receiver: receiver, Source: count(1000), OnEvent: meter.Add})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := meter.Metrics()
	fmt.Println("delivered", result.Pairs[0].Delivered, "failed", m.Failed, "in", result.Elapsed.Round(time.Second))
	fmt.Printf("PDR %.2f ETX %.2f\n", m.PDR, m.ETX)
	// Output:
	// delivered 999 failed 4 in 3m53s
	// PDR 0.79 ETX 1.59
}

// The acceptance run: much goes wrong on the air, nothing at the ends.
func TestBadAirWithCRC(t *testing.T) {
	for _, c := range []struct {
		name     string
		inFlight int
		burst    float64
	}{
		{"stop and wait", 1, 0},
		{"stop and wait, losses in bursts", 1, 5},
		{"eight in flight", 8, 0},
		{"as many as can be in flight", 127, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			timing := link.Timing{PHY: phy(7), Guard: 20 * time.Millisecond, MaxRetries: 4, MaxInFlight: c.inFlight}
			const windows = 60_000 // some 100,000 data frames
			p := pair(t, 8, timing, windows, nil)
			var meter runlog.Meter
			p.OnEvent = meter.Add
			r, err := Run(context.Background(), Channel{PHY: phy(7), Impairments: Impairments{Seed: 3, Loss: 0.2, MeanBurst: c.burst, Duplicate: 0.05, Reorder: 0.05, BitError: 0.01}}, 0, p)
			if err != nil {
				t.Fatal(err)
			}
			o, m := r.Pairs[0], meter.Metrics()
			t.Logf("%+v %+v\n%+v", o, r.Air, m)
			if o.Offered != windows || m.Sent < 85_000 {
				t.Errorf("%d windows, %d frames", o.Offered, m.Sent)
			}
			if o.DeliveredTwice+o.Corrupt+o.FalselyAcked+o.Unreported != 0 {
				t.Errorf("outcome %+v", o)
			}
			if o.Acked+o.Failed+o.Dropped != windows {
				t.Errorf("%d acked, %d failed, %d dropped of %d", o.Acked, o.Failed, o.Dropped, windows)
			}
			if m.Delivered != o.Delivered || m.Acked != o.Acked {
				t.Errorf("events say %d delivered, %d acked; the observer %d, %d", m.Delivered, m.Acked, o.Delivered, o.Acked)
			}
		})
	}
}

// Without the modem's CRC, and with bytes lost on the UART, the frame's own
// weakness shows. It is counted, and nothing stands still.
func TestBadAirWithoutCRC(t *testing.T) {
	noCRC := phy(7)
	noCRC.CRC = false
	timing := link.Timing{PHY: noCRC, Guard: 20 * time.Millisecond, MaxRetries: 4}
	const windows = 60_000
	p := pair(t, 8, timing, windows, nil)
	var meter runlog.Meter
	p.OnEvent = meter.Add
	r, err := Run(context.Background(), Channel{PHY: noCRC, Impairments: Impairments{Seed: 3, Loss: 0.2, Duplicate: 0.05, Reorder: 0.05, BitError: 0.01, UARTDrop: 0.01}}, 0, p)
	if err != nil {
		t.Fatal(err)
	}
	o, m := r.Pairs[0], meter.Metrics()
	t.Logf("%+v\n%+v", o, r.Air)
	if o.Acked+o.Failed != windows {
		t.Errorf("%d acked, %d failed of %d", o.Acked, o.Failed, windows)
	}
	if o.Corrupt == 0 || o.DeliveredTwice == 0 || o.FalselyAcked == 0 || m.ParseFails == 0 {
		t.Errorf("the observer sees nothing wrong: %+v, %d parse failures", o, m.ParseFails)
	}
	// One flipped frame in a hundred, half of whose bits are payload: no more
	// than that goes wrong.
	if bad := o.Corrupt + o.DeliveredTwice + o.FalselyAcked; bad > r.Air.BitErrors+r.Air.UARTDrops {
		t.Errorf("%d windows went wrong from %d broken frames", bad, r.Air.BitErrors+r.Air.UARTDrops)
	}
	if o.Delivered < windows*99/100 {
		t.Errorf("%d of %d windows delivered", o.Delivered, windows)
	}
}

// A byte lost on the UART must not cost a frame after the next silence.
func TestStreamFindsItsWayBack(t *testing.T) {
	timing := link.Timing{PHY: phy(7), Guard: 50 * time.Millisecond}
	p := pair(t, 8, timing, 2000, nil)
	var meter runlog.Meter
	p.OnEvent = meter.Add
	r, err := Run(context.Background(), Channel{PHY: phy(7), Impairments: Impairments{Seed: 1, UARTDrop: 0.1}}, 0, p)
	if err != nil {
		t.Fatal(err)
	}
	o, m := r.Pairs[0], meter.Metrics()
	// Every frame or ACK that lost a byte costs its own window, and no other.
	if o.Failed > r.Air.UARTDrops || m.RxOK < 2000-r.Air.UARTDrops || r.Air.UARTDrops < 300 {
		t.Errorf("%d failed, %d received, %d bytes dropped", o.Failed, m.RxOK, r.Air.UARTDrops)
	}
}

// At SF7 and 9600 baud the UART takes longer than the air: no frame may be
// repeated for that, whatever its length.
func TestUARTCausesNoRetries(t *testing.T) {
	uart := link.UARTLatency(9600)
	for _, c := range []struct {
		name     string
		bytes    int
		inFlight int
		guard    time.Duration
	}{
		{"latent", 8, 1, 20 * time.Millisecond},
		{"raw", 30, 1, 20 * time.Millisecond},
		{"the longest", 238, 1, 20 * time.Millisecond},
		{"several in flight, with room for the ACK", 30, 4, 120 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			timing := link.Timing{PHY: phy(7), Guard: c.guard, MaxRetries: 2, MaxInFlight: c.inFlight, Latency: uart}
			p := pair(t, c.bytes, timing, 500, nil)
			var meter runlog.Meter
			p.OnEvent = meter.Add
			if _, err := Run(context.Background(), Channel{PHY: phy(7), Latency: uart, Collisions: true}, 0, p); err != nil {
				t.Fatal(err)
			}
			if m := meter.Metrics(); m.Retries != 0 || m.RxRepeated != 0 || m.Acked != 500 {
				t.Errorf("%d retries, %d repeated, %d acknowledged", m.Retries, m.RxRepeated, m.Acked)
			}
		})
	}
}

func TestSameSeedSameRun(t *testing.T) {
	ch := Channel{PHY: phy(9), Impairments: Impairments{Loss: 0.3, MeanBurst: 3, Duplicate: 0.1, Reorder: 0.1, Jitter: 50 * time.Millisecond, BitError: 0.1}}
	run := func(seed uint64) string {
		ch.Seed = seed
		var log []byte
		p := pair(t, 8, link.Timing{PHY: phy(9), MaxRetries: 2, MaxInFlight: 4}, 500, nil)
		p.OnEvent = func(role link.Role, e link.Event) {
			var err error
			if log, err = (runlog.Entry{Header: runlog.Header{Role: role}, Event: e}).AppendJSON(log); err != nil {
				t.Fatal(err)
			}
		}
		r, err := Run(context.Background(), ch, 0, p)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%+v %s", r, log)
	}
	first, again, other := run(1), run(1), run(2)
	if first != again {
		t.Error("the same seed gave another run")
	}
	if first == other {
		t.Error("another seed gave the same run")
	}
}

// The mean loss is the one asked for, bursts or not, and so is their length.
func TestLossStatistics(t *testing.T) {
	for _, c := range []struct {
		name        string
		loss, burst float64
	}{
		{"independent", 0.2, 0},
		{"independent, by way of bursts", 0.2, 1.25}, // 1/(1-0.2)
		{"in bursts", 0.2, 6},
		{"more lost than not", 0.7, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{ch: Channel{PHY: phy(7), Impairments: Impairments{Loss: c.loss, MeanBurst: c.burst}}}
			n := &node{rng: newRand(5, 0)}
			const frames = 200_000
			lost, bursts, before := 0, 0, false
			for range frames {
				l := w.lost(&flight{sender: n})
				if l {
					lost++
					if !before {
						bursts++
					}
				}
				before = l
			}
			burst := c.burst
			if burst == 0 {
				burst = 1 / (1 - c.loss)
			}
			if got := float64(lost) / frames; got < c.loss*0.97 || got > c.loss*1.03 {
				t.Errorf("loss %.4f, want %v", got, c.loss)
			}
			if got := float64(lost) / float64(bursts); got < burst*0.96 || got > burst*1.04 {
				t.Errorf("mean burst %.3f, want %v", got, burst)
			}
		})
	}
}

func TestLossByAirtime(t *testing.T) {
	pdr := func(bytes int) float64 {
		p := pair(t, bytes, link.Timing{PHY: phy(10)}, 5000, nil)
		var meter runlog.Meter
		p.OnEvent = meter.Add
		if _, err := Run(context.Background(), Channel{PHY: phy(10), Impairments: Impairments{Seed: 1, LossPerSecond: 0.5}}, 0, p); err != nil {
			t.Fatal(err)
		}
		return meter.Metrics().PDR
	}
	// exp(-0.5·t) at 0.288768 and 1.026048 s.
	for bytes, want := range map[int]float64{8: 0.866, 100: 0.599} {
		if got := pdr(bytes); got < want-0.02 || got > want+0.02 {
			t.Errorf("%d bytes: PDR %.3f, want %.3f", bytes, got, want)
		}
	}
}

// Many senders share the air: what is offered collides, and smaller payloads
// collide less.
func TestALOHA(t *testing.T) {
	delivery := func(bytes int) float64 {
		var pairs []Pair
		for i := range 20 {
			p := pair(t, bytes, link.Timing{PHY: phy(9)}, 0, func(c *link.SenderSettings) { c.Queue = link.QueueDropOldest })
			rng := newRand(7, uint64(i))
			when, n := time.Duration(0), 0
			p.Live = true
			p.Source = func() (link.Outbound, time.Duration, bool) {
				when += time.Duration(rng.ExpFloat64() * float64(10*time.Second))
				n++
				return link.Outbound{ID: int64(n), Values: []float64{float64(n)}}, when, n <= 300
			}
			pairs = append(pairs, p)
		}
		r, err := Run(context.Background(), Channel{PHY: phy(9), Collisions: true, Impairments: Impairments{Seed: 1}}, 0, pairs...)
		if err != nil {
			t.Fatal(err)
		}
		delivered, offered := 0, 0
		for _, o := range r.Pairs {
			delivered += o.Delivered
			offered += o.Offered
		}
		if r.Air.Collided == 0 || offered != 20*300 {
			t.Errorf("%d collided, %d offered", r.Air.Collided, offered)
		}
		return float64(delivered) / float64(offered)
	}
	small, large := delivery(8), delivery(30)
	// Pure ALOHA delivers exp(-2G); ACKs add to the load. 8 B: 0.144384 s and
	// 0.103424 s for an ACK.
	if small < 0.5 || small > 0.75 || large > small-0.05 {
		t.Errorf("8 bytes deliver %.3f, 30 bytes %.3f", small, large)
	}
}

func TestLiveQueueDrops(t *testing.T) {
	for _, policy := range []link.QueuePolicy{link.QueueDropOldest, link.QueueDropNewest} {
		t.Run(string(policy), func(t *testing.T) {
			p := pair(t, 8, link.Timing{PHY: phy(12)}, 0, func(c *link.SenderSettings) { c.Queue, c.QueueLen = policy, 4 })
			n := 0
			p.Live = true
			p.Source = func() (link.Outbound, time.Duration, bool) {
				n++
				return link.Outbound{ID: int64(n), Values: []float64{float64(n)}}, time.Duration(n) * time.Second, n <= 600
			}
			r, err := Run(context.Background(), Channel{PHY: phy(12), Collisions: true}, 0, p)
			if err != nil {
				t.Fatal(err)
			}
			// An exchange takes 1.8 s, a window comes each second.
			if o := r.Pairs[0]; o.Dropped < 200 || o.Delivered+o.Dropped != 600 || o.Unreported != 0 {
				t.Errorf("%+v", o)
			}
		})
	}
}

func TestLimitAndContext(t *testing.T) {
	run := func(ctx context.Context, limit time.Duration) (Result, error) {
		return Run(ctx, Channel{PHY: phy(12)}, limit, pair(t, 8, link.Timing{PHY: phy(12)}, 1_000_000, nil))
	}
	r, err := run(context.Background(), time.Hour)
	if err != nil || r.Elapsed != time.Hour || r.Pairs[0].Delivered < 1900 || r.Pairs[0].Delivered > 2100 {
		t.Errorf("an hour: %+v, %v", r, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := run(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestChannelRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		ch   Channel
	}{
		{"PHY", Channel{}},
		{"loss", Channel{PHY: phy(7), Impairments: Impairments{Loss: 1.5}}},
		{"burst too short for its loss", Channel{PHY: phy(7), Impairments: Impairments{Loss: 0.8, MeanBurst: 2}}},
		{"burst of less than a frame at total loss", Channel{PHY: phy(7), Impairments: Impairments{Loss: 1, MeanBurst: 0.5}}},
		{"burst without an end", Channel{PHY: phy(7), Impairments: Impairments{Loss: 0.2, MeanBurst: math.Inf(1)}}},
		{"negative delay", Channel{PHY: phy(7), Impairments: Impairments{Delay: -1}}},
		{"hazard", Channel{PHY: phy(7), Impairments: Impairments{LossPerSecond: -1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Run(context.Background(), c.ch, 0); !errors.Is(err, ErrSettings) {
				t.Errorf("got %v", err)
			}
			if err := c.ch.Check(); !errors.Is(err, ErrSettings) {
				t.Errorf("it passes: %v", err)
			}
		})
	}
	if err := (Impairments{Loss: 1, MeanBurst: 2}).Check(); err != nil {
		t.Errorf("a burst at total loss: %v", err)
	}
	if _, err := Run(context.Background(), Channel{PHY: phy(7)}, 0, Pair{}); !errors.Is(err, ErrSettings) {
		t.Error("took a pair of nothing")
	}
}

func TestChannelFlags(t *testing.T) {
	var ch Channel
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	ch.RegisterFlags(fs)
	args := "--loss 0.1 --bursts 2 --duplicates 0.2 --reorder 0.3 --bit-errors 0.4 --seed 9"
	if err := fs.Parse(strings.Fields(args)); err != nil {
		t.Fatal(err)
	}
	if ch.Loss != 0.1 || ch.MeanBurst != 2 || ch.Duplicate != 0.2 || ch.Reorder != 0.3 || ch.BitError != 0.4 || ch.Seed != 9 {
		t.Errorf("%+v", ch)
	}
	if ch.PHY = phy(7); ch.Check() != nil {
		t.Error(ch.Check())
	}
}

// BenchmarkHourSF12 is an hour of virtual time at SF12 with a fifth of the
// frames lost.
func BenchmarkHourSF12(b *testing.B) {
	b.ReportAllocs()
	windows := 0
	for b.Loop() {
		p := pair(b, 8, link.Timing{PHY: phy(12), Guard: 20 * time.Millisecond, MaxRetries: 8}, 1<<30, nil)
		r, err := Run(context.Background(), Channel{PHY: phy(12), Collisions: true, Impairments: Impairments{Seed: 1, Loss: 0.2}}, time.Hour, p)
		if err != nil {
			b.Fatal(err)
		}
		windows = r.Pairs[0].Delivered
	}
	b.ReportMetric(float64(windows), "windows/hour")
}

// Two senders whose frames met would meet again at each repetition, were it not
// for jitter.
func TestJitterPartsSenders(t *testing.T) {
	delivered := func(jitter time.Duration) int {
		var pairs []Pair
		for i := range 2 {
			pairs = append(pairs, pair(t, 8, link.Timing{PHY: phy(9), MaxRetries: 8}, 1, func(c *link.SenderSettings) {
				c.RetryJitter, c.Seed = jitter, uint64(i)
			}))
		}
		r, err := Run(context.Background(), Channel{PHY: phy(9), Collisions: true}, 0, pairs...)
		if err != nil {
			t.Fatal(err)
		}
		return r.Pairs[0].Delivered + r.Pairs[1].Delivered
	}
	if without, with := delivered(0), delivered(time.Second); without != 0 || with != 2 {
		t.Errorf("%d delivered without jitter, %d with it", without, with)
	}
}
