package link

import (
	"crypto/sha256"
	"fmt"
	"slices"
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
	// It must be new.
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
	// Spent is the time on air of earlier runs in the last hour, which counts towards
	// DutyCycle; see [Receiver.AppendSpent].
	Spent []Spent
	// Delivered are windows that an earlier run delivered, in any order. The receiver does
	// not deliver them again while it remembers them; see [Timing.Memory]. Package
	// radio/endpoint keeps them in a file.
	Delivered []Delivered
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
//
// It expects one sender. Frames carry no address, so it cannot tell two senders apart,
// but it reports signs of a second one: see [EventRxConflict] and [EventRxInterleaved].
type Receiver struct {
	settings ReceiverSettings
	memory   time.Duration
	budget   *budget

	seq     byte         // of the next ACK frame
	newest  byte         // the SEQ furthest ahead, if one is remembered
	seen    [256]payload // what was delivered with each SEQ
	last    time.Time    // when the last window came; zero: none came
	senders interleaving
	ack     []byte
	window  []float64
	bounds  []float64
	decoded bool // the Decoder has decoded something
}

// A Digest identifies a payload.
type Digest [16]byte

// DigestOf returns the digest of a payload: the first half of its SHA-256.
func DigestOf(payload []byte) Digest {
	sum := sha256.Sum256(payload)
	return Digest(sum[:len(Digest{})])
}

// Delivered is what a receiver remembers about a window that it delivered.
type Delivered struct {
	Seq     byte
	Time    time.Time // of the delivery
	Payload Digest
}

// maxPayloads is how many payloads a receiver remembers of a SEQ. There is more than one
// only if senders with equal SEQs share the channel.
const maxPayloads = 4

// payload holds the payloads that were delivered with one SEQ, the newest first.
type payload struct {
	n       int
	time    [maxPayloads]time.Time
	digests [maxPayloads]Digest
}

// NewReceiver returns a receiver that has received nothing yet, except
// settings.Delivered. The error is that of settings.Check.
func NewReceiver(settings ReceiverSettings) (*Receiver, error) {
	s, err := settings.resolve()
	if err != nil {
		return nil, err
	}
	r := &Receiver{settings: s, memory: s.Memory(), budget: newBudget(s.DutyCycle, s.Spent), seq: s.FirstSeq}
	r.senders.span = byte(min(2+(s.MaxInFlight-1)*(s.MaxRetries+1), 128))
	old := slices.Clone(s.Delivered)
	slices.SortStableFunc(old, func(a, b Delivered) int { return a.Time.Compare(b.Time) })
	for _, d := range old {
		r.remember(d.Time, d.Seq, d.Payload)
	}
	r.settings.Delivered = nil
	return r, nil
}

// AppendSpent does what [Sender.AppendSpent] does, for the time on air of ACKs.
func (r *Receiver) AppendSpent(dst []Spent, now time.Time) []Spent {
	return r.budget.appendSpent(dst, now)
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
	digest := DigestOf(frame.Payload)
	repeated, conflict := r.repeated(now, frame.Seq, digest)
	if repeated {
		r.relearn(frame.Seq, frame.Payload)
	}
	actions = appendEvent(actions, Event{
		Kind: EventRxOK, Time: now, Seq: frame.Seq, PayloadBytes: len(frame.Payload), Payload: frame.Payload, FrameBytes: len(input.Reception.Frame),
		RSSIdBm: input.Reception.RSSIdBm, HasRSSI: input.Reception.HasRSSI, Duplicate: repeated,
	})
	if !repeated {
		if conflict {
			actions = appendEvent(actions, Event{Kind: EventRxConflict, Time: now, Seq: frame.Seq, Reason: reasonConflict})
		}
		var ok bool
		if actions, ok = r.deliver(now, frame, digest, input.Reception, actions); !ok {
			return actions, time.Time{} // not acknowledged: the sender repeats it, or reports that it failed
		}
	}
	return r.acknowledge(now, frame.Seq, actions), time.Time{}
}

// The reasons of the events that hint at a second sender.
const (
	reasonConflict    = "another payload with the SEQ of a delivered window"
	reasonInterleaved = "SEQs from two counters in turn"
)

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
func (r *Receiver) deliver(now time.Time, frame radio.Frame, digest Digest, reception radio.Reception, actions []Action) (_ []Action, ok bool) {
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
	r.remember(now, frame.Seq, digest)
	if r.senders.add(frame.Seq) {
		actions = appendEvent(actions, Event{Kind: EventRxInterleaved, Time: now, Seq: frame.Seq, Reason: reasonInterleaved})
	}
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

// repeated reports whether the window with that SEQ and payload was delivered before.
// Conflict is true if one with that SEQ was, but with another payload.
func (r *Receiver) repeated(now time.Time, seq byte, digest Digest) (repeated, conflict bool) {
	p := &r.seen[seq]
	for i := range p.n {
		if now.Sub(p.time[i]) > r.memory {
			break
		}
		if p.digests[i] == digest {
			return true, false
		}
		conflict = true
	}
	return false, conflict
}

// remember notes that a window was delivered. If seq is the furthest ahead, the receiver
// forgets the numbers that are no longer among the 127 before it, so that new windows
// can have them.
func (r *Receiver) remember(now time.Time, seq byte, digest Digest) {
	if r.last.IsZero() {
		r.newest = seq
	}
	if ahead := seq - r.newest; ahead <= 128 {
		for i := range ahead {
			r.seen[r.newest-radio.MaxInFlight+i].n = 0
		}
		r.newest = seq
	}
	p := &r.seen[seq]
	copy(p.time[1:], p.time[:])
	copy(p.digests[1:], p.digests[:])
	p.time[0], p.digests[0] = now, digest
	p.n = min(p.n+1, maxPayloads)
	r.last = now
}

// appendEvent asks for an event to be logged.
func appendEvent(actions []Action, e Event) []Action {
	return append(actions, Action{Kind: ActionLog, Event: e})
}
