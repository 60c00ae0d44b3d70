package link_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
)

// recorder is an encoder and a decoder that note what they are told. A payload is what
// was acknowledged last, and the window's first value.
type recorder struct {
	last  byte
	calls []string
}

var errNegative = errors.New("a negative value")

func (m *recorder) AppendEncode(dst []byte, seq byte, window []float64) ([]byte, error) {
	m.calls = append(m.calls, fmt.Sprintf("encode %d %g", seq, window[0]))
	if window[0] < 0 {
		return dst, errNegative
	}
	return append(dst, m.last, byte(window[0])), nil
}

func (m *recorder) AppendDecode(dst []float64, seq byte, payload []byte) ([]float64, error) {
	m.calls = append(m.calls, fmt.Sprintf("decode %d %x", seq, payload))
	if payload[1] == 0xff {
		return dst, errNegative
	}
	return append(dst, float64(payload[1])), nil
}

func (m *recorder) Acked(seq byte) {
	m.last = seq
	m.calls = append(m.calls, fmt.Sprintf("acked %d", seq))
}
func (m *recorder) GivenUp(seq byte)                     { m.calls = append(m.calls, fmt.Sprintf("given up %d", seq)) }
func (m *recorder) MaxInFlight() int                     { return 3 }
func (m *recorder) AppendBounds(dst []float64) []float64 { return append(dst, 0.25) }

func memoryTiming(inFlight, retries int) link.Timing {
	return link.Timing{PHY: radio.PHY{SF: 7, BandwidthHz: 125000, CodingRate: 1, Preamble: 8, ExplicitHeader: true}, MaxInFlight: inFlight, MaxRetries: retries}
}

// A window is encoded when it is first sent, not again when it is repeated, and the
// encoder learns what became of it.
func TestSenderWithMemory(t *testing.T) {
	m := &recorder{}
	s, err := link.NewSender(link.SenderSettings{Timing: memoryTiming(1, 1), Codec: fourBytes{}, Encoder: m, FirstSeq: 255, LogBounds: true})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(0, 0)
	var frames [][]byte
	var failed []string
	step := func(input link.Input) time.Time {
		actions, next := s.Step(now, input, nil)
		for _, a := range actions {
			switch {
			case a.Kind == link.ActionSend:
				frames = append(frames, slices.Clone(a.Frame))
			case a.Event.Kind == link.EventTxSent && !slices.Equal(a.Event.Bounds, []float64{0.25}):
				t.Errorf("bounds %v, want 0.25", a.Event.Bounds)
			case a.Event.Kind == link.EventTxFailed:
				failed = append(failed, fmt.Sprintf("%d %s", a.Event.WindowID, a.Event.Reason))
			}
		}
		return next
	}
	values := []float64{7}
	step(link.Offer(link.Outbound{ID: 1, Values: values}))
	values[0] = 8 // the caller's again
	step(link.Offer(link.Outbound{ID: 2, Values: values}))
	values[0] = -1
	next := step(link.Offer(link.Outbound{ID: 3, Values: values}))
	values[0] = 9
	step(link.Offer(link.Outbound{ID: 4, Values: values}))
	now = next
	step(link.Tick()) // sends the first again
	now = now.Add(10 * time.Millisecond)
	step(link.Received(radio.Reception{Frame: radio.AppendAck(nil, 0, 255)}))
	now = now.Add(time.Second)
	next = step(link.Tick()) // the second
	for range 3 {            // again, and given up; the third cannot be encoded; the fourth
		now = next
		next = step(link.Tick())
	}
	step(link.Abort())
	want := []string{"encode 255 7", "acked 255", "encode 0 8", "given up 0", "encode 1 -1", "encode 1 9", "given up 1"}
	if !slices.Equal(m.calls, want) {
		t.Errorf("the encoder was called\n%q, want\n%q", m.calls, want)
	}
	if len(frames) < 5 || !slices.Equal(frames[0], frames[1]) || !slices.Equal(frames[2], frames[3]) || frames[2][2] != 255 {
		t.Errorf("frames % x", frames)
	}
	if want := []string{"2 no ack", "3 encode: a negative value", "4 run ended"}; !slices.Equal(failed, want) {
		t.Errorf("failed %q, want %q", failed, want)
	}
	if _, err := link.NewSender(link.SenderSettings{Timing: memoryTiming(4, 0), Codec: fourBytes{}, Encoder: m}); !errors.Is(err, link.ErrSettings) {
		t.Errorf("4 in flight: %v, want ErrSettings", err)
	}
}

// SEQ advances by no more than the encoder remembers beyond the oldest window in
// flight.
func TestSenderSpanWithMemory(t *testing.T) {
	m := &recorder{}
	s, err := link.NewSender(link.SenderSettings{Timing: memoryTiming(3, 1000), Codec: fourBytes{}, Encoder: m})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(0, 0)
	newest := byte(0)
	for i := range 20 {
		actions, next := s.Step(now, link.Offer(link.Outbound{ID: int64(i), Values: []float64{1}}), nil)
		for range 10 {
			for _, a := range actions {
				if a.Kind == link.ActionSend {
					newest = max(newest, a.Frame[1])
					if a.Frame[1] > 0 { // all but the first are acknowledged
						s.Step(now, link.Received(radio.Reception{Frame: radio.AppendAck(nil, 0, a.Frame[1])}), nil)
					}
				}
			}
			if !next.IsZero() {
				now = next
			}
			actions, next = s.Step(now, link.Tick(), nil)
		}
	}
	if newest != 2 {
		t.Errorf("SEQ %d was sent while 0 awaits its ACK, want at most 2", newest)
	}
}

// A repetition has the same SEQ and the same payload.
func TestReceiverWithMemory(t *testing.T) {
	m := &recorder{}
	r, err := link.NewReceiver(link.ReceiverSettings{Timing: memoryTiming(1, 0), Decoder: m, LogBounds: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		payload               string
		delivered, acked, dup bool
	}{
		{"\x01\x02", true, true, false},
		{"\x01\x02", false, true, true},
		{"\x01\x03", true, true, false},
		{"\x01\x02", false, true, true},
		{"\x01\xff", false, false, false},
		{"\x01\x02", false, true, true},
	} {
		frame, err := radio.AppendFrame(nil, 9, []byte(c.payload))
		if err != nil {
			t.Fatal(err)
		}
		actions, _ := r.Step(time.Unix(int64(i), 0), link.Received(radio.Reception{Frame: frame}), nil)
		delivered, acked, dup := false, false, false
		for _, a := range actions {
			delivered = delivered || a.Kind == link.ActionDeliver
			acked = acked || a.Kind == link.ActionSend
			dup = dup || a.Event.Duplicate
			if a.Event.Kind == link.EventReconDone && !slices.Equal(a.Event.Bounds, []float64{0.25}) {
				t.Errorf("bounds %v, want 0.25", a.Event.Bounds)
			}
		}
		if delivered != c.delivered || acked != c.acked || dup != c.dup {
			t.Errorf("frame %d: delivered %v, acknowledged %v, duplicate %v, want %v, %v, %v", i, delivered, acked, dup, c.delivered, c.acked, c.dup)
		}
	}
}

// A window that waits for the duty cycle is encoded anew, so that it builds on what is
// acknowledged when it is sent.
func TestSenderWithMemoryWaits(t *testing.T) {
	m := &recorder{}
	timing := memoryTiming(2, 0)
	timing.AckTimeout = 2 * time.Hour
	onAir := timing.PHY.TimeOnAir(radio.HeaderLen + 4)
	s, err := link.NewSender(link.SenderSettings{Timing: timing, Codec: fourBytes{}, Encoder: m, FirstSeq: 5,
		DutyCycle: 1.2 * onAir.Seconds() / 3600})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(0, 0)
	var frames [][]byte
	step := func(input link.Input) time.Time {
		actions, next := s.Step(now, input, nil)
		for _, a := range actions {
			if a.Kind == link.ActionSend {
				frames = append(frames, slices.Clone(a.Frame))
			}
		}
		return next
	}
	step(link.Offer(link.Outbound{ID: 1, Values: []float64{7}}))
	step(link.Offer(link.Outbound{ID: 2, Values: []float64{8}}))
	now = now.Add(time.Second)
	step(link.Tick())
	step(link.Received(radio.Reception{Frame: radio.AppendAck(nil, 0, 5)}))
	for range 5 {
		if next := step(link.Tick()); next.After(now) {
			now = next
		}
	}
	if len(frames) != 2 || frames[1][1] != 6 || frames[1][2] != 5 || frames[1][3] != 8 {
		t.Errorf("frames % x, want the second with SEQ 6, encoded after the ACK of 5", frames)
	}
}

// A one-way sender is done with a window when it has sent it.
func TestOneWay(t *testing.T) {
	m := &recorder{}
	s, err := link.NewSender(link.SenderSettings{Timing: memoryTiming(1, 8), Codec: fourBytes{}, Encoder: m, OneWay: true})
	if err != nil {
		t.Fatal(err)
	}
	r, err := link.NewReceiver(link.ReceiverSettings{Timing: memoryTiming(1, 8), Decoder: m, OneWay: true})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(0, 0)
	sent, delivered := 0, 0
	input := link.Offer(link.Outbound{ID: 0, Values: []float64{1}})
	for i := 1; i <= 12; i++ {
		actions, next := s.Step(now, input, nil)
		input = link.Tick()
		if i < 6 {
			input = link.Offer(link.Outbound{ID: int64(i), Values: []float64{1}})
		}
		for _, a := range actions {
			if a.Kind != link.ActionSend {
				if a.Event.Kind != link.EventTxSent {
					t.Errorf("event %s", a.Event.Kind)
				}
				continue
			}
			sent++
			answers, _ := r.Step(now, link.Received(radio.Reception{Frame: a.Frame}), nil)
			for _, b := range answers {
				if b.Kind == link.ActionSend {
					t.Errorf("the receiver answers % x", b.Frame)
				}
				if b.Kind == link.ActionDeliver {
					delivered++
				}
			}
		}
		now = now.Add(time.Second)
		if next.After(now) {
			now = next
		}
	}
	if sent != 6 || delivered != 6 || s.Pending() != 0 {
		t.Errorf("%d sent, %d delivered, %d pending, want 6, 6 and 0", sent, delivered, s.Pending())
	}
}
