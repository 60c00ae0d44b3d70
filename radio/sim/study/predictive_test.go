package study_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
)

// duplex is a sender and a receiver of codec predictive, and a channel between them
// that loses, repeats, delays and damages frames. Either end may restart at any time.
type duplex struct {
	t        *testing.T
	rng      *rand.Rand
	codec    *codec.Predictive
	windows  [][]float64
	settings link.Timing

	loss, duplicate, late, damage float64
	restartTx, restartRx          float64 // for each event

	now      time.Time
	sender   *link.Sender
	receiver *link.Receiver
	wake     time.Time // of the sender
	air      []transit
	next     int // window to offer
	sending  int // id of the frame that is sent next

	delivered map[int]bool
	memory    []link.Delivered // what receivers keep on disk
	restarts  int
	damaged   int // frames that arrived damaged
	accepted  int // of them, delivered
	acked     int
	failed    int
	corrupt   map[int]bool // ids that were acknowledged by a damaged frame
}

// transit is a frame on its way.
type transit struct {
	arrives time.Time
	toRx    bool
	frame   []byte
	id      int
	damaged bool
}

func (d *duplex) newSender(seq byte) {
	sender, err := link.NewSender(link.SenderSettings{Timing: d.settings, Codec: d.codec, FirstSeq: seq,
		Encoder: d.codec.NewEncoder(func() uint16 { return uint16(d.rng.Uint32()) })})
	if err != nil {
		d.t.Fatal(err)
	}
	d.sender, d.wake = sender, time.Time{}
}

func (d *duplex) newReceiver() {
	receiver, err := link.NewReceiver(link.ReceiverSettings{Timing: d.settings, Codec: d.codec, Decoder: d.codec.NewDecoder(), Delivered: d.memory})
	if err != nil {
		d.t.Fatal(err)
	}
	d.receiver = receiver
}

// run sends all windows.
func (d *duplex) run() {
	d.now, d.delivered, d.corrupt = time.Unix(0, 0), map[int]bool{}, map[int]bool{}
	d.newSender(byte(d.rng.Uint32()))
	d.newReceiver()
	for {
		if d.rng.Float64() < d.restartTx {
			d.newSender(d.sender.NextSeq())
			d.restarts++
		}
		if d.rng.Float64() < d.restartRx {
			d.newReceiver()
			d.restarts++
		}
		for d.next < len(d.windows) && d.sender.Pending() < 2*d.settings.MaxInFlight {
			id := d.next
			d.next++
			d.stepTx(link.Offer(link.Outbound{ID: int64(id), Values: d.windows[id]}))
		}
		if d.next == len(d.windows) && d.sender.Pending() == 0 {
			return
		}
		// The next thing to happen.
		first := -1
		for i, f := range d.air {
			if first < 0 || f.arrives.Before(d.air[first].arrives) {
				first = i
			}
		}
		if first < 0 || !d.wake.IsZero() && d.wake.Before(d.air[first].arrives) {
			if d.wake.IsZero() {
				d.t.Fatal("nothing will happen any more")
			}
			d.now = d.wake
			d.stepTx(link.Tick())
			continue
		}
		f := d.air[first]
		d.air = slices.Delete(d.air, first, first+1)
		d.now = f.arrives
		reception := link.Received(radio.Reception{Frame: f.frame, Time: d.now})
		if f.toRx {
			d.stepRx(reception, f)
		} else {
			d.stepTx(reception)
		}
	}
}

func (d *duplex) stepTx(input link.Input) {
	actions, next := d.sender.Step(d.now, input, nil)
	d.wake = next
	for _, a := range actions {
		switch {
		case a.Kind == link.ActionSend:
			d.send(transit{toRx: true, frame: a.Frame, id: d.sending})
		case a.Event.Kind == link.EventTxSent:
			d.sending = int(a.Event.WindowID)
		case a.Event.Kind == link.EventTxFailed:
			d.failed++
			if a.Event.Attempt == 0 {
				d.t.Fatalf("window %d: %s", a.Event.WindowID, a.Event.Reason)
			}
		case a.Event.Kind == link.EventAckReceived:
			d.acked++
			if id := int(a.Event.WindowID); !d.delivered[id] && !d.corrupt[id] {
				d.t.Fatalf("window %d was acknowledged, but not delivered", id)
			}
		}
	}
}

func (d *duplex) stepRx(input link.Input, f transit) {
	actions, _ := d.receiver.Step(d.now, input, nil)
	for _, a := range actions {
		switch a.Kind {
		case link.ActionSend:
			d.send(transit{frame: a.Frame})
		case link.ActionDeliver:
			d.memory = append(d.memory, link.Delivered{Seq: a.Delivery.Seq, Time: d.now, Payload: link.DigestOf(a.Delivery.Payload)})
			d.memory = d.memory[max(0, len(d.memory)-256):]
			if f.damaged {
				d.accepted++
				for id := range d.windows { // whichever window the ACK is taken for
					if id > d.next-64 && id <= d.next {
						d.corrupt[id] = true
					}
				}
				continue
			}
			d.deliver(f.id, a.Delivery)
		}
	}
}

// deliver checks a delivery.
func (d *duplex) deliver(id int, delivery link.Delivery) {
	if d.delivered[id] {
		d.t.Fatalf("window %d was delivered twice", id)
	}
	d.delivered[id] = true
	tolerances, angles := d.codec.Tolerances(), d.codec.Angles()
	for i, want := range d.windows[id] {
		j := i % len(tolerances)
		if e := math.Abs(sensor.Difference(want, delivery.Window[i], angles[j])); !(e <= tolerances[j]) && !d.corrupt[id] {
			d.t.Fatalf("window %d, value %d: %g came back as %g", id, i, want, delivery.Window[i])
		}
	}
}

// send gives a frame to the channel.
func (d *duplex) send(f transit) {
	f.frame = slices.Clone(f.frame)
	f.arrives = d.now.Add(30 * time.Millisecond)
	if d.rng.Float64() < d.late {
		f.arrives = f.arrives.Add(time.Duration(d.rng.IntN(600)) * time.Millisecond)
	}
	if d.rng.Float64() < d.duplicate {
		again := f
		again.arrives = f.arrives.Add(time.Duration(d.rng.IntN(600)) * time.Millisecond)
		d.air = append(d.air, again)
	}
	if f.toRx && d.rng.Float64() < d.damage {
		intact := f.frame
		f.frame = slices.Clone(f.frame)
		switch d.rng.IntN(3) {
		case 0: // any payload
			for i := range f.frame[2:] {
				f.frame[2+i] = byte(d.rng.Uint32())
			}
		case 1: // two bits
			for range 2 {
				f.frame[1+d.rng.IntN(len(f.frame)-1)] ^= 1 << d.rng.IntN(8)
			}
		case 2: // another SEQ and another byte
			f.frame[1] ^= byte(1 + d.rng.IntN(255))
			f.frame[2+d.rng.IntN(len(f.frame)-2)] ^= byte(1 + d.rng.IntN(255))
		}
		if f.damaged = !slices.Equal(f.frame, intact); f.damaged {
			d.damaged++
		}
	}
	if d.rng.Float64() >= d.loss {
		d.air = append(d.air, f)
	}
}

func duplexOf(t *testing.T, seed uint64, c *codec.Predictive, windows [][]float64, inFlight, retries int) *duplex {
	return &duplex{t: t, rng: rand.New(rand.NewPCG(seed, 0)), codec: c, windows: windows,
		settings: link.Timing{PHY: radio.PHY{SF: 7, BandwidthHz: 125000, CodingRate: 1, Preamble: 8, ExplicitHeader: true}, MaxRetries: retries, MaxInFlight: inFlight}}
}

// consecutive returns the windows of a recording that follow each other.
func consecutive(t *testing.T, path string, w int) (windows [][]float64) {
	t.Helper()
	for w, err := range dataset.Windows(dataset.OpenSamples(path, dataset.SampleSettings{}), dataset.WindowerSettings{W: w, Stride: w}) {
		if err != nil {
			t.Fatal(err)
		}
		windows = append(windows, w.Values)
	}
	return windows
}

func smallPredictive(t *testing.T, w int, params codec.Params) *codec.Predictive {
	t.Helper()
	c, err := codec.NewPredictive(sensor.Shape{Dims: 12, W: w}, params, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// overLinks sends windows over channels of all kinds, and returns how often an end
// restarted. Whatever the channel does, and whenever either end restarts, every window
// that is delivered is within the tolerances of the one that was sent, none is
// delivered twice, and none is acknowledged that was not delivered.
func overLinks(t *testing.T, path string, seed uint64) (restarts int) {
	windows := consecutive(t, path, 1)
	windows = windows[:min(len(windows), 2500)]
	profiles := []string{codec.ProfileSmall, codec.ProfileFull}
	for _, inFlight := range []int{1, 2, 4, 7, 15} {
		for _, loss := range []float64{0, 0.05, 0.2} {
			seed++
			c := smallPredictive(t, 1, codec.Params{Profile: profiles[seed%2]})
			d := duplexOf(t, seed, c, windows, inFlight, int(seed)%9)
			if loss > 0 {
				d.loss, d.duplicate, d.late = loss, loss/2, loss/2
				d.restartTx, d.restartRx = 0.003, 0.003
			}
			d.run()
			restarts += d.restarts
			if loss == 0 && (d.acked != len(windows) || len(d.delivered) != len(windows)) {
				t.Errorf("%d in flight: %d of %d windows were delivered without loss", inFlight, len(d.delivered), len(windows))
			}
			if len(d.delivered) < len(windows)/4 {
				t.Errorf("%d in flight, loss %g, %d retries: %d of %d windows were delivered", inFlight, loss, d.settings.MaxRetries, len(d.delivered), len(windows))
			}
			t.Logf("%d in flight, loss %g, %d retries, %d restarts: %d of %d windows delivered", inFlight, loss, d.settings.MaxRetries, d.restarts, len(d.delivered), len(windows))
		}
	}
	return restarts
}

func TestPredictiveLink(t *testing.T) {
	overLinks(t, testenv.Repo("testdata", "walk.jsonl"), 0)
}

func TestPredictiveLinkOnRecordings(t *testing.T) {
	testenv.Long(t)
	restarts := 0
	for i, name := range []string{"walk", "car", "phone"} {
		restarts += overLinks(t, testenv.Shared(t, "field", name+".jsonl"), uint64(100*i))
	}
	if t.Logf("%d restarts", restarts); restarts < 1000 {
		t.Errorf("%d restarts, want 1000", restarts)
	}
}

// Damage that the modem's CRC did not find is delivered as seldom as the check says.
func TestPredictiveLinkDamage(t *testing.T) {
	windows := consecutive(t, testenv.Repo("testdata", "walk.jsonl"), 1)
	damaged, accepted := 0, 0
	c := smallPredictive(t, 1, codec.Params{Profile: codec.ProfileSmall})
	for seed := range uint64(20) {
		d := duplexOf(t, seed, c, windows[:min(len(windows), 1500)], 1+int(seed)%4, 8)
		d.damage, d.loss = 0.3, 0.05
		d.run()
		damaged += d.damaged
		accepted += d.accepted
	}
	t.Logf("%d of %d damaged frames were delivered: 1 in %d", accepted, damaged, damaged/max(accepted, 1))
	if most := damaged/256 + 3*int(math.Sqrt(float64(damaged)/256)); accepted > most {
		t.Errorf("%d of %d damaged frames were delivered, want at most %d", accepted, damaged, most)
	}
}

// A receiver that restarts does not deliver a key frame again, but learns from it.
func TestPredictiveRestartAfterKeyFrame(t *testing.T) {
	c := smallPredictive(t, 1, codec.Params{})
	timing := duplexOf(t, 0, c, nil, 1, 8).settings
	encoder := c.NewEncoder(nil)
	now := time.Unix(0, 0)
	receiver := func(delivered ...link.Delivered) *link.Receiver {
		r, err := link.NewReceiver(link.ReceiverSettings{Timing: timing, Decoder: c.NewDecoder(), Delivered: delivered})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	step := func(r *link.Receiver, seq byte, payload []byte) (delivered, acked bool) {
		frame, err := radio.AppendFrame(nil, seq, payload)
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
		actions, _ := r.Step(now, link.Received(radio.Reception{Frame: frame, Time: now}), nil)
		for _, a := range actions {
			delivered = delivered || a.Kind == link.ActionDeliver
			acked = acked || a.Kind == link.ActionSend
		}
		return delivered, acked
	}
	key, err := encoder.AppendEncode(nil, 7, make([]float64, 12))
	if err != nil {
		t.Fatal(err)
	}
	if delivered, acked := step(receiver(), 7, key); !delivered || !acked {
		t.Errorf("delivered %v, acknowledged %v, want both", delivered, acked)
	}
	restarted := receiver(link.Delivered{Seq: 7, Time: now, Payload: link.DigestOf(key)})
	if delivered, acked := step(restarted, 7, key); delivered || !acked {
		t.Errorf("again: delivered %v, acknowledged %v, want only the latter", delivered, acked)
	}
	encoder.Acked(7)
	next, err := encoder.AppendEncode(nil, 8, make([]float64, 12))
	if err != nil {
		t.Fatal(err)
	}
	if delivered, acked := step(restarted, 8, next); !delivered || !acked || c.Reference(next) != 1 {
		t.Errorf("the next: delivered %v, acknowledged %v, want both", delivered, acked)
	}
}
