package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// bytesCodec makes payloads of n bytes that start with the window's only value.
type bytesCodec struct {
	n      int
	refuse bool // to decode
}

func (c bytesCodec) MaxPayloadLen() int { return c.n }

func (c bytesCodec) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	if window[0] < 0 {
		return dst, errors.New("negative")
	}
	b := make([]byte, max(c.n, 4))
	binary.BigEndian.PutUint32(b, uint32(window[0]))
	return append(dst, b[:c.n]...), nil
}

func (c bytesCodec) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	if len(payload) != c.n || c.refuse {
		return dst, errors.New("corrupt")
	}
	b := make([]byte, 4)
	copy(b, payload)
	return append(dst, float64(binary.BigEndian.Uint32(b))), nil
}

var sf7 = radio.PHY{SF: 7, BandwidthHz: 125000, CodingRate: 1, Preamble: 8, CRC: true, ExplicitHeader: true, TxPowerDBm: 22}

var start = time.UnixMilli(1_700_000_000_000)

func window(id int) Outbound { return Outbound{ID: int64(id), Values: []float64{float64(id)}} }

// bench drives one sender by hand.
type bench struct {
	t       *testing.T
	s       *Sender
	now     time.Time
	next    time.Time
	frames  [][]byte
	events  []string
	timings []time.Time // of the frames
}

func newBench(t *testing.T, change func(*SenderSettings)) *bench {
	t.Helper()
	settings := SenderSettings{Timing: Timing{PHY: sf7, Guard: 20 * time.Millisecond}, Codec: bytesCodec{n: 8}}
	if change != nil {
		change(&settings)
	}
	s, err := NewSender(settings)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t: t, s: s, now: start}
}

func (b *bench) step(input Input) {
	b.t.Helper()
	actions, next := b.s.Step(b.now, input, nil)
	b.next = next
	for _, a := range actions {
		switch a.Kind {
		case ActionSend:
			b.frames = append(b.frames, slices.Clone(a.Frame))
			b.timings = append(b.timings, b.now)
		case ActionLog:
			e := a.Event
			b.events = append(b.events, strings.TrimSpace(fmt.Sprintf("%s %d/%d %s", e.Kind, e.WindowID, e.Seq, e.Reason)))
		}
	}
	if !next.IsZero() && !next.After(b.now) {
		b.t.Fatalf("asks to be called at %v, which is not after %v", next, b.now)
	}
}

// wait lets time pass until the sender wants to be called.
func (b *bench) wait() {
	b.t.Helper()
	if b.next.IsZero() {
		b.t.Fatal("the sender waits for nothing")
	}
	b.now = b.next
	b.step(Tick())
}

func (b *bench) ack(seq byte) {
	b.t.Helper()
	b.step(Received(radio.Reception{Frame: radio.AppendAck(nil, 99, seq)}))
}

func (b *bench) expect(want ...string) {
	b.t.Helper()
	if !slices.Equal(b.events, want) {
		b.t.Errorf("events\n %s\nwant\n %s", strings.Join(b.events, "\n "), strings.Join(want, "\n "))
	}
	b.events = nil
}

func TestStopAndWait(t *testing.T) {
	b := newBench(t, func(c *SenderSettings) { c.FirstSeq, c.MaxRetries = 255, 1 })
	b.step(Offer(window(1)))
	b.step(Offer(window(2)))
	b.expect("tx_sent 1/255")
	if got := fmt.Sprintf("%x", b.frames[0]); got != "08ff0000000100000000" {
		t.Errorf("frame %s", got)
	}
	// 10 bytes take 41.216 ms, an ACK of 3 takes 30.976: with 40 ms more that
	// is 112.192, rounded up.
	if wait := b.next.Sub(b.now); wait != 113*time.Millisecond {
		t.Errorf("waits %v for the ACK", wait)
	}
	b.wait()
	b.expect("tx_sent 1/255")
	b.now = b.now.Add(90 * time.Millisecond)
	b.ack(254) // of another window
	b.expect()
	b.ack(255)
	b.expect("ack_received 1/255", "tx_sent 2/0")
	b.ack(255) // once more
	b.expect()
	b.wait()
	b.wait()
	b.expect("tx_sent 2/0", "tx_failed 2/0 no ack")
	if !b.next.IsZero() || b.s.Pending() != 0 || b.s.Done() {
		t.Errorf("next %v, pending %d, done %v", b.next, b.s.Pending(), b.s.Done())
	}
	b.step(Shutdown())
	if !b.s.Done() {
		t.Error("not done after shutdown")
	}
	b.step(Offer(window(3)))
	b.expect("tx_dropped 3/0 shutdown")
}

func TestPace(t *testing.T) {
	uart := UARTLatency(9600)
	for _, c := range []struct {
		name    string
		latency func(int) time.Duration
		sf      int
		want    time.Duration
	}{
		{"the air", nil, 7, 41216*time.Microsecond + 20*time.Millisecond},
		{"the UART, where it is slower", uart, 5, uart(10) + 20*time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, func(settings *SenderSettings) {
				settings.PHY.SF, settings.Latency, settings.MaxInFlight = c.sf, c.latency, 3
				settings.PHY.BandwidthHz = map[int]int{5: 500000, 7: 125000}[c.sf]
			})
			for i := range 4 {
				b.step(Offer(window(i)))
			}
			for len(b.frames) < 3 {
				b.wait()
			}
			for i := range 2 {
				if got := b.timings[i+1].Sub(b.timings[i]); got != c.want {
					t.Errorf("frame %d comes after %v, want %v", i+1, got, c.want)
				}
			}
		})
	}
}

func TestSeveralInFlight(t *testing.T) {
	b := newBench(t, func(c *SenderSettings) {
		c.MaxInFlight, c.MaxRetries, c.FirstSeq, c.AckTimeout = 3, 1, 254, time.Second
	})
	for i := range 5 {
		b.step(Offer(window(i)))
	}
	b.wait()
	b.wait()
	b.expect("tx_sent 0/254", "tx_sent 1/255", "tx_sent 2/0")
	b.ack(255) // the second, out of order
	b.wait()
	b.expect("ack_received 1/255", "tx_sent 3/1")
	b.ack(0)
	b.ack(1)
	b.wait() // the first is repeated before the fifth goes out
	b.wait()
	b.expect("ack_received 2/0", "ack_received 3/1", "tx_sent 4/2", "tx_sent 0/254")
}

// However many may be in flight, the numbers of those that are span less than
// half the circle.
func TestSeqSpan(t *testing.T) {
	b := newBench(t, func(c *SenderSettings) { c.MaxInFlight, c.QueueLen, c.AckTimeout = 127, 1000, time.Hour })
	for i := range 300 {
		b.step(Offer(window(i)))
	}
	for b.next.Before(start.Add(time.Hour)) {
		b.wait()
		b.ack(b.frames[len(b.frames)-1][1]) // all but the first
	}
	if last := b.frames[len(b.frames)-1][1]; last != 127 {
		t.Errorf("stopped at %d while 0 is in flight, want 127", last)
	}
	b.ack(0)
	if len(b.frames) == 128 {
		b.wait()
	}
	if last := b.frames[len(b.frames)-1][1]; last != 128 {
		t.Errorf("does not go on: sent %d", last)
	}
}

func TestQueuePolicies(t *testing.T) {
	for _, c := range []struct {
		policy QueuePolicy
		want   []string
	}{
		{QueueBlock, []string{"tx_sent 0/0", "tx_dropped 3/0 queue full"}},
		{QueueDropNewest, []string{"tx_sent 0/0", "tx_dropped 3/0 queue full"}},
		{QueueDropOldest, []string{"tx_sent 0/0", "tx_dropped 1/0 queue full"}},
	} {
		t.Run(string(c.policy), func(t *testing.T) {
			b := newBench(t, func(settings *SenderSettings) { settings.Queue, settings.QueueLen = c.policy, 2 })
			for i := range 4 {
				if i == 3 && b.s.QueueSpace() != 0 {
					t.Errorf("room for %d", b.s.QueueSpace())
				}
				b.step(Offer(window(i)))
			}
			b.expect(c.want...)
		})
	}
}

func TestEncodeFailureCostsItsWindowAlone(t *testing.T) {
	b := newBench(t, nil)
	b.step(Offer(window(-1)))
	b.step(Offer(window(1)))
	b.expect("tx_failed -1/0 encode: negative", "tx_sent 1/0")
}

func TestStall(t *testing.T) {
	b := newBench(t, nil)
	b.step(Offer(window(1)))
	b.now = b.now.Add(5 * time.Second)
	b.step(Stalled(5 * time.Second))
	if wait := b.next.Sub(b.now); wait != 113*time.Millisecond {
		t.Errorf("waits %v after the stall", wait)
	}
	b.expect("tx_sent 1/0")
}

func TestAbortReportsWhatIsPending(t *testing.T) {
	b := newBench(t, func(c *SenderSettings) { c.FirstSeq = 7 })
	b.step(Offer(window(1)))
	b.step(Offer(window(2)))
	b.step(Abort())
	b.expect("tx_sent 1/7", "tx_failed 1/7 run ended", "tx_failed 2/0 run ended")
	if !b.s.Done() {
		t.Error("not done")
	}
}

// A repetition that the duty cycle would put off beyond the receiver's memory
// is given up.
func TestDutyCycle(t *testing.T) {
	b := newBench(t, func(c *SenderSettings) { c.DutyCycle, c.MaxRetries, c.QueueLen = 0.001, 1, 1000 })
	for i := range 100 {
		b.step(Offer(window(i)))
	}
	toa := sf7.TimeOnAir(10)
	for b.now.Before(start.Add(3*time.Hour)) && b.s.Pending() > 0 {
		b.wait()
		if len(b.frames)%2 == 1 {
			b.ack(b.frames[len(b.frames)-1][1])
		}
	}
	if len(b.frames) < 120 {
		t.Errorf("only %d frames", len(b.frames))
	}
	for i := range b.timings {
		var spent time.Duration
		for _, when := range b.timings[:i+1] {
			if b.timings[i].Sub(when) < time.Hour {
				spent += toa
			}
		}
		if limit := 3600 * time.Millisecond; spent > limit {
			t.Fatalf("%v on the air in the hour before frame %d, want at most %v", spent, i, limit)
		}
	}
	if late := slices.IndexFunc(b.events, func(e string) bool { return strings.HasSuffix(e, "too late to repeat") }); late < 0 {
		t.Error("no repetition was given up")
	}
}

func TestBudget(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	b := newBudget(0.01, nil)
	now := start
	var when []time.Time
	var spent []time.Duration
	for range 5000 {
		now = now.Add(time.Duration(rng.ExpFloat64() * float64(3*time.Second)))
		air := time.Duration(rng.Int64N(int64(2 * time.Second)))
		free := b.freeTime(now, air)
		if free.Before(now) || free.After(now.Add(time.Hour+2*dutyStep)) {
			t.Fatalf("free at %v, asked at %v", free, now)
		}
		now = free
		if again := b.freeTime(now, air); again.After(now) {
			t.Fatalf("free at %v, and then only at %v", now, again)
		}
		b.spend(now, air)
		when, spent = append(when, now), append(spent, air)
		var sum time.Duration
		for i := len(when) - 1; i >= 0 && now.Sub(when[i]) < time.Hour; i-- {
			sum += spent[i]
		}
		if sum > 36*time.Second {
			t.Fatalf("%v in an hour", sum)
		}
	}
}

// Restarts neither grant time on air nor take more than a step, however often they come.
func TestBudgetSurvivesRestarts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const air = 900 * time.Millisecond
	var spent []Spent
	var when []time.Time
	b, now := newBudget(0.01, nil), start
	for range 2000 {
		free := b.freeTime(now, air)
		if free.After(now.Add(time.Hour + 2*dutyStep)) {
			t.Fatalf("free at %v, asked at %v", free, now)
		}
		now = free
		b.spend(now, air)
		when = append(when, now)
		n := 0
		for i := len(when) - 1; i >= 0 && now.Sub(when[i]) < time.Hour; i-- {
			n++
		}
		if n > 40 {
			t.Fatalf("%v in an hour", time.Duration(n)*air)
		}
		spent = b.appendSpent(spent[:0], now)
		pause := time.Duration(rng.ExpFloat64() * float64(20*time.Second))
		for i := range spent {
			spent[i].Age += pause
		}
		now = now.Add(pause)
		b = newBudget(0.01, slices.Clone(spent))
	}
	if mean := now.Sub(start) / 2000; mean > 100*time.Second {
		t.Errorf("a frame every %v, want about 90 s", mean)
	}
}

// A budget follows the monotonic clock, if its caller's times have one, and so ignores
// jumps of the wall clock. A test cannot set the clock; it checks that no time loses its
// monotonic reading, which Round(0) removes.
func TestBudgetIgnoresWallClockJumps(t *testing.T) {
	now := time.Now()
	b := newBudget(0.01, nil)
	b.spend(now, 36*time.Second)
	if b.origin.Round(0) == b.origin {
		t.Error("origin has lost its monotonic reading")
	}
	if free := b.freeTime(now.Add(time.Minute), time.Second); free.Round(0) == free {
		t.Error("the time at which a frame may be sent has no monotonic reading")
	}
}

func TestSettingsRefused(t *testing.T) {
	good := SenderSettings{Timing: Timing{PHY: sf7}, Codec: bytesCodec{n: 8}}
	for _, c := range []struct {
		name   string
		change func(*SenderSettings)
	}{
		{"no codec", func(c *SenderSettings) { c.Codec = nil }},
		{"payloads of one byte", func(c *SenderSettings) { c.Codec = bytesCodec{n: 1} }},
		{"payloads above the limit", func(c *SenderSettings) { c.MaxPayloadLen = 7 }},
		{"a limit below a data frame's", func(c *SenderSettings) { c.MaxPayloadLen = 1 }},
		{"payloads no frame holds", func(c *SenderSettings) { c.Codec, c.MaxPayloadLen = bytesCodec{n: 239}, 255 }},
		{"PHY", func(c *SenderSettings) { c.PHY.SF = 13 }},
		{"retries", func(c *SenderSettings) { c.MaxRetries = -1 }},
		{"too many in flight", func(c *SenderSettings) { c.MaxInFlight = 128 }},
		{"guard", func(c *SenderSettings) { c.Guard = -1 }},
		{"policy", func(c *SenderSettings) { c.Queue = "lifo" }},
		{"queue", func(c *SenderSettings) { c.QueueLen = -1 }},
		{"duty cycle", func(c *SenderSettings) { c.DutyCycle = 1.5 }},
		{"a duty cycle no frame fits", func(c *SenderSettings) { c.DutyCycle = 1e-6 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			settings := good
			c.change(&settings)
			if s, err := NewSender(settings); !errors.Is(err, ErrSettings) {
				t.Errorf("%v, %v", s, err)
			}
			if err := settings.Check(); !errors.Is(err, ErrSettings) {
				t.Errorf("they pass: %v", err)
			}
		})
	}
	if _, err := NewReceiver(ReceiverSettings{Timing: Timing{PHY: sf7}, Codec: bytesCodec{n: 1}}); !errors.Is(err, ErrSettings) {
		t.Errorf("receiver: %v", err)
	}
	if err := (ReceiverSettings{Timing: Timing{PHY: sf7}, DutyCycle: 2}).Check(); !errors.Is(err, ErrSettings) {
		t.Errorf("a receiver's duty cycle of 2 passes: %v", err)
	}
	if err := good.Check(); err != nil {
		t.Errorf("good ones: %v", err)
	}
}

func TestMemory(t *testing.T) {
	for _, c := range []struct {
		name string
		t    Timing
		want time.Duration
	}{
		{"at least ten seconds", Timing{PHY: sf7, MaxPayloadLen: 8}, 10 * time.Second},
		{"retries and flight", Timing{PHY: sf7, MaxPayloadLen: 8, MaxRetries: 9, MaxInFlight: 20}, 200 * 113 * time.Millisecond},
		{"the longest payload by default", Timing{PHY: sf7, MaxRetries: 49},
			Timing{PHY: sf7, MaxPayloadLen: 238, MaxRetries: 49}.Memory()},
		{"a guard longer than the wait", Timing{PHY: sf7, MaxPayloadLen: 8, MaxRetries: 1, Guard: 10 * time.Second},
			2 * (10*time.Second + 41216*time.Microsecond)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.t.Memory(); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestUARTLatency(t *testing.T) {
	if got, want := UARTLatency(9600)(96), 100*time.Millisecond; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, baud := range []int{0, -5} {
		if UARTLatency(baud) != nil {
			t.Errorf("%d baud has a latency", baud)
		}
	}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	s, err := NewSender(SenderSettings{Timing: Timing{PHY: sf7}, Codec: fixedCodec{}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReceiver(ReceiverSettings{Timing: Timing{PHY: sf7}, Codec: fixedCodec{}})
	if err != nil {
		t.Fatal(err)
	}
	var sent, acked []Action
	now := start
	values := []float64{1}
	if n := testing.AllocsPerRun(1000, func() {
		now = now.Add(time.Second)
		sent, _ = s.Step(now, Offer(Outbound{Values: values}), sent[:0])
		acked, _ = r.Step(now, Received(radio.Reception{Frame: sent[len(sent)-1].Frame}), acked[:0])
		sent, _ = s.Step(now, Received(radio.Reception{Frame: acked[len(acked)-1].Frame}), sent[:0])
	}); n > 0 {
		t.Errorf("%v allocations a window", n)
	}
}

type fixedCodec struct{}

func (fixedCodec) MaxPayloadLen() int { return 4 }
func (fixedCodec) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	return append(dst, 1, 2, 3, 4), nil
}
func (fixedCodec) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	return append(dst, 1), nil
}

func Example() {
	timing := Timing{PHY: radio.PHY{SF: 12, BandwidthHz: 125000, CodingRate: 1, Preamble: 8, CRC: true, ExplicitHeader: true, TxPowerDBm: 14},
		Guard: 20 * time.Millisecond, MaxRetries: 3}
	sender, err := NewSender(SenderSettings{Timing: timing, Codec: bytesCodec{n: 8}})
	if err != nil {
		fmt.Println(err)
		return
	}
	receiver, err := NewReceiver(ReceiverSettings{Timing: timing, Codec: bytesCodec{n: 8}})
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.UnixMilli(0)
	show := func(actions []Action) (frame []byte) {
		for _, a := range actions {
			switch a.Kind {
			case ActionLog:
				fmt.Println(now.UnixMilli(), a.Event.Kind)
			case ActionDeliver:
				fmt.Println(now.UnixMilli(), "delivered", a.Delivery.Window)
			case ActionSend:
				frame = a.Frame
			}
		}
		return frame
	}
	actions, next := sender.Step(now, Offer(Outbound{ID: 1, Values: []float64{42}}), nil)
	show(actions) // this frame is lost

	now = next // no ACK came until then
	actions, _ = sender.Step(now, Tick(), nil)
	frame := show(actions)

	now = now.Add(timing.PHY.TimeOnAir(len(frame)))
	actions, _ = receiver.Step(now, Received(radio.Reception{Frame: frame}), nil)
	ack := show(actions)

	now = now.Add(timing.PHY.TimeOnAir(len(ack)))
	actions, _ = sender.Step(now, Received(radio.Reception{Frame: ack}), nil)
	show(actions)
	// Output:
	// 0 tx_sent
	// 1859 tx_sent
	// 2850 rx_ok
	// 2850 recon_done
	// 2850 delivered [42]
	// 2850 ack_sent
	// 3677 ack_received
}
