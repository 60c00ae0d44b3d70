package link

import (
	"fmt"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// ReceiverSettings are the settings of a [Receiver].
type ReceiverSettings struct {
	Timing // must be the sender's
	// Codec decodes payloads. nil: the receiver delivers payloads without decoding
	// them.
	Codec Codec
	// Decoder, if not nil, decodes payloads instead of Codec, with memory of earlier ones.
	// It must be new. A payload then repeats another one if it has the same SEQ and the
	// same bytes; otherwise the same SEQ is enough.
	Decoder Decoder
	// LogBounds adds the error bounds of each window to recon_done events, if there is a
	// Decoder.
	LogBounds bool
	// OneWay sends no ACKs, as the sender's setting of that name expects.
	OneWay bool
	// FirstSeq is the sequence number of the first ACK frame.
	FirstSeq byte
	// DutyCycle is the share of any hour that the receiver may spend sending ACKs,
	// 0..1. When it is used up, the receiver delivers windows without an ACK, and the
	// sender repeats them. 0: no limit.
	DutyCycle float64
}

// Check returns an error that wraps [ErrSettings] if a field is out of range.
func (s ReceiverSettings) Check() error {
	_, err := s.resolve()
	return err
}

// resolve checks the settings and replaces their zeros.
func (s ReceiverSettings) resolve() (ReceiverSettings, error) {
	var err error
	if s.Timing, err = s.Timing.resolve(s.Codec); err != nil {
		return s, err
	}
	return s, checkDuty(s.DutyCycle, s.PHY.TimeOnAir(radio.AckFrameLen))
}

// Receiver acknowledges windows and delivers each of them once. It is a state machine
// without I/O. It must not be used by several goroutines at once.
type Receiver struct {
	settings ReceiverSettings
	memory   time.Duration
	budget   *budget

	seq    byte           // of the next ACK frame
	newest byte           // the SEQ furthest ahead, if one is remembered
	seen   [256]time.Time // when each SEQ was delivered; zero: never, or forgotten
	last   time.Time      // when the last window came; zero: none came
	ack    []byte
	window []float64

	payloads [256]uint64 // with a Decoder, the hash of the payload delivered with each SEQ
	bounds   []float64
}

// NewReceiver returns a receiver that has received nothing yet. The error is that of
// settings.Check.
func NewReceiver(settings ReceiverSettings) (*Receiver, error) {
	s, err := settings.resolve()
	if err != nil {
		return nil, err
	}
	return &Receiver{settings: s, memory: s.Memory(), budget: newBudget(s.DutyCycle), seq: s.FirstSeq}, nil
}

// Step processes an input at the time now, which must not go back. It appends to
// actions what the caller is to do, and returns the extended slice. Next is always
// zero, because a receiver waits for inputs only.
func (r *Receiver) Step(now time.Time, input Input, actions []Action) (_ []Action, next time.Time) {
	if input.Kind != InputReceived {
		return actions, time.Time{}
	}
	frame, err := r.parse(input.Reception)
	if err != nil {
		return appendEvent(actions, Event{Kind: EventRxParseFail, Time: now, Reason: err.Error()}), time.Time{}
	}
	if _, ok := frame.Acked(); ok {
		return actions, time.Time{} // another receiver's ACK
	}
	repeated := r.repeated(now, frame.Seq) && r.samePayload(frame.Seq, frame.Payload)
	actions = appendEvent(actions, Event{
		Kind: EventRxOK, Time: now, Seq: frame.Seq, PayloadBytes: len(frame.Payload), Payload: frame.Payload, FrameBytes: len(input.Reception.Frame),
		RSSIdBm: input.Reception.RSSIdBm, HasRSSI: input.Reception.HasRSSI, Duplicate: repeated,
	})
	if !repeated {
		var ok bool
		if actions, ok = r.deliver(now, frame, input.Reception, actions); !ok {
			return actions, time.Time{} // not acknowledged: the sender repeats it, or reports that it failed
		}
	}
	return r.acknowledge(now, frame.Seq, actions), time.Time{}
}

// parse returns the frame of a reception.
func (r *Receiver) parse(reception radio.Reception) (radio.Frame, error) {
	if reception.Err != nil {
		return radio.Frame{}, reception.Err
	}
	frame, err := radio.ParseFrame(reception.Frame)
	if err == nil && len(frame.Payload) > r.settings.MaxPayloadLen {
		err = fmt.Errorf("link: payload of %d bytes, want at most %d", len(frame.Payload), r.settings.MaxPayloadLen)
	}
	return frame, err
}

// deliver decodes a new frame and delivers its window. Ok is false if the codec
// cannot decode it.
func (r *Receiver) deliver(now time.Time, frame radio.Frame, reception radio.Reception, actions []Action) (_ []Action, ok bool) {
	d := Delivery{Seq: frame.Seq, Payload: frame.Payload, Time: now, RSSIdBm: reception.RSSIdBm, HasRSSI: reception.HasRSSI}
	var decoded bool
	var err error
	if r.window, decoded, err = r.appendDecode(r.window[:0], frame.Seq, frame.Payload); decoded {
		if err != nil {
			return appendEvent(actions, Event{Kind: EventReconFailed, Time: now, Seq: frame.Seq, Reason: err.Error()}), false
		}
		d.Window = r.window
		r.bounds = r.appendBounds(r.bounds[:0])
		actions = appendEvent(actions, Event{Kind: EventReconDone, Time: now, Seq: frame.Seq, Window: r.window, Bounds: r.bounds})
	}
	r.remember(now, frame.Seq)
	r.payloads[frame.Seq] = payloadHash(frame.Payload)
	return append(actions, Action{Kind: ActionDeliver, Delivery: d}), true
}

// acknowledge sends the ACK of seq, if the duty cycle allows it.
func (r *Receiver) acknowledge(now time.Time, seq byte, actions []Action) []Action {
	timeOnAir := r.settings.PHY.TimeOnAir(radio.AckFrameLen)
	if r.settings.OneWay || r.budget.freeTime(now, timeOnAir).After(now) {
		return actions
	}
	r.budget.spend(now, timeOnAir)
	r.ack = radio.AppendAck(r.ack[:0], r.seq, seq)
	r.seq++
	actions = appendEvent(actions, Event{Kind: EventAckSent, Time: now, Seq: seq, TimeOnAir: timeOnAir})
	return append(actions, Action{Kind: ActionSend, Frame: r.ack})
}

// repeated reports whether the window with that SEQ was delivered before.
func (r *Receiver) repeated(now time.Time, seq byte) bool {
	delivered := r.seen[seq]
	return !delivered.IsZero() && now.Sub(delivered) <= r.memory
}

// remember notes that seq was delivered. If seq is the furthest ahead, the receiver
// forgets the numbers that are no longer among the 127 before it, so that new windows
// can have them.
func (r *Receiver) remember(now time.Time, seq byte) {
	if r.last.IsZero() {
		r.newest = seq
	}
	if ahead := seq - r.newest; ahead <= 128 {
		for i := range ahead {
			r.seen[r.newest-radio.MaxInFlight+i] = time.Time{}
		}
		r.newest = seq
	}
	r.seen[seq], r.last = now, now
}

// appendEvent asks for an event to be logged.
func appendEvent(actions []Action, e Event) []Action {
	return append(actions, Action{Kind: ActionLog, Event: e})
}
