package link

import (
	"fmt"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// ReceiverSettings is what a Receiver needs. Timing must be the sender's.
type ReceiverSettings struct {
	Timing
	// Codec decodes payloads. Nil leaves them as they came.
	Codec Codec
	// FirstSeq is the number of the first ACK frame.
	FirstSeq byte
	// DutyCycle is the share of any hour the receiver may be on the air with its
	// ACKs; beyond it none is sent. 0 is no limit.
	DutyCycle float64
}

// Receiver acknowledges windows and delivers each once. It is a state machine
// for one goroutine.
type Receiver struct {
	cfg    ReceiverSettings
	memory time.Duration
	budget *budget

	seq    byte           // of the next ACK frame
	newest byte           // furthest SEQ heard, where any is remembered
	seen   [256]time.Time // when each SEQ was delivered; zero: not, or forgotten
	last   time.Time      // when the last window came; zero: none yet
	ack    []byte
	window []float64
}

// NewReceiver checks the configuration: an error is an ErrSettings.
func NewReceiver(cfg ReceiverSettings) (*Receiver, error) {
	var err error
	if cfg.Timing, err = cfg.Timing.withDefaults(cfg.Codec); err != nil {
		return nil, err
	}
	if err := checkDuty(cfg.DutyCycle, cfg.PHY.TimeOnAir(radio.AckFrameLen)); err != nil {
		return nil, err
	}
	return &Receiver{cfg: cfg, memory: cfg.Memory(), budget: newBudget(cfg.DutyCycle), seq: cfg.FirstSeq}, nil
}

// Step takes an input at the time now and appends to actions what is to be
// done. A receiver waits for nothing: next is always zero.
func (r *Receiver) Step(now time.Time, in Input, actions []Action) (_ []Action, next time.Time) {
	if in.Kind != InputReceived {
		return actions, time.Time{}
	}
	frame, err := radio.ParseFrame(in.Reception.Frame)
	if in.Reception.Err != nil {
		err = in.Reception.Err
	}
	if err == nil && len(frame.Payload) > r.cfg.MaxPayloadLen {
		err = fmt.Errorf("link: payload of %d bytes, want at most %d", len(frame.Payload), r.cfg.MaxPayloadLen)
	}
	if err != nil {
		return append(actions, Action{Kind: ActionLog, Event: Event{Kind: EventRxParseFail, At: now, Reason: err.Error()}}), time.Time{}
	}
	if _, ok := frame.Acked(); ok {
		return actions, time.Time{} // another receiver's ACK
	}
	repeated := r.repeated(now, frame.Seq)
	actions = append(actions, Action{Kind: ActionLog, Event: Event{
		Kind: EventRxOK, At: now, Seq: frame.Seq, PayloadBytes: len(frame.Payload), Payload: frame.Payload, FrameBytes: len(in.Reception.Frame),
		RSSIdBm: in.Reception.RSSIdBm, HasRSSI: in.Reception.HasRSSI, Duplicate: repeated,
	}})
	if !repeated {
		delivery := Delivery{Seq: frame.Seq, Payload: frame.Payload, At: now,
			RSSIdBm: in.Reception.RSSIdBm, HasRSSI: in.Reception.HasRSSI}
		if r.cfg.Codec != nil {
			r.window, err = r.cfg.Codec.AppendDecode(r.window[:0], frame.Payload)
			if err != nil {
				// Not acknowledged: its sender repeats it, or learns that it failed.
				return append(actions, Action{Kind: ActionLog, Event: Event{Kind: EventReconFailed, At: now, Seq: frame.Seq,
					Reason: err.Error()}}), time.Time{}
			}
			delivery.Window = r.window
			actions = append(actions, Action{Kind: ActionLog, Event: Event{Kind: EventReconDone, At: now, Seq: frame.Seq,
				Window: r.window}})
		}
		r.remember(now, frame.Seq)
		actions = append(actions, Action{Kind: ActionDeliver, Delivery: delivery})
	}
	return r.acknowledge(now, frame.Seq, actions), time.Time{}
}

func (r *Receiver) acknowledge(now time.Time, seq byte, actions []Action) []Action {
	airtime := r.cfg.PHY.TimeOnAir(radio.AckFrameLen)
	if r.budget.freeAt(now, airtime).After(now) {
		return actions
	}
	r.budget.spend(now, airtime)
	r.ack = radio.AppendAck(r.ack[:0], r.seq, seq)
	r.seq++
	return append(actions,
		Action{Kind: ActionLog, Event: Event{Kind: EventAckSent, At: now, Seq: seq, TimeOnAir: airtime}},
		Action{Kind: ActionSend, Frame: r.ack})
}

// repeated says whether the window of seq was delivered before.
func (r *Receiver) repeated(now time.Time, seq byte) bool {
	at := r.seen[seq]
	return !at.IsZero() && now.Sub(at) <= r.memory
}

// remember notes seq as delivered. Where it is the newest, the numbers that
// fall out of the half circle behind it are free for new windows.
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
