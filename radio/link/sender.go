package link

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// SenderSettings is what a Sender needs.
type SenderSettings struct {
	Timing
	Codec    Codec
	FirstSeq byte        // see State.Seq
	Queue    QueuePolicy // "" is QueueBlock
	QueueLen int         // windows that wait for the air, 0 is 64
	// DutyCycle is the share of any hour the sender may be on the air: 0.01 in
	// most of the EU868 band. 0 is no limit. Waiting for it is no timeout.
	DutyCycle float64
	// RetryJitter is the most that is added, at random by Seed, to the wait
	// before a repetition. Senders that share a channel need it, of some times on
	// air: without it two whose frames met would meet again each time. 0 is none.
	RetryJitter time.Duration
	Seed        uint64
	// Clock times the encoding for the log. Nil leaves it out.
	Clock func() time.Time
}

// Sender sends windows in order and repeats what is not acknowledged. It is a
// state machine for one goroutine.
type Sender struct {
	cfg    SenderSettings
	memory time.Duration // how long a frame may be repeated
	budget *budget
	rng    *rand.Rand

	head, tail *slot // queue
	queued     int
	flight     []*slot // by first sending, so by SEQ
	free       *slot

	seq      byte // of the next window
	nextSend time.Time
	shutdown bool
	last     *slot // whose frame was sent last, until it is settled
}

// slot is a window in the queue or in flight.
type slot struct {
	next      *slot
	id        int64
	sensorMs  int64
	frame     []byte
	seq       byte
	attempts  int
	due       bool // to be repeated as soon as the air is free
	offered   time.Time
	firstSent time.Time
	lastSent  time.Time
	deadline  time.Time // for its ACK
	encode    time.Duration
}

// NewSender checks the configuration: an error is an ErrSettings. A codec whose
// payloads have one byte is refused, since a receiver could not tell them from
// ACKs.
func NewSender(cfg SenderSettings) (*Sender, error) {
	if cfg.Codec == nil {
		return nil, fmt.Errorf("%w: a sender needs a codec", ErrSettings)
	}
	var err error
	if cfg.Timing, err = cfg.Timing.withDefaults(cfg.Codec); err != nil {
		return nil, err
	}
	if cfg.Queue == "" {
		cfg.Queue = QueueBlock
	}
	if cfg.QueueLen == 0 {
		cfg.QueueLen = 64
	}
	switch {
	case cfg.Queue != QueueBlock && cfg.Queue != QueueDropOldest && cfg.Queue != QueueDropNewest:
		return nil, fmt.Errorf("%w: queue policy %q, want block, drop_oldest or drop_newest", ErrSettings, cfg.Queue)
	case cfg.RetryJitter < 0:
		return nil, fmt.Errorf("%w: retry jitter %v, want 0 or more", ErrSettings, cfg.RetryJitter)
	case cfg.QueueLen < 1:
		return nil, fmt.Errorf("%w: queue of %d windows, want 1 or more", ErrSettings, cfg.QueueLen)
	}
	if err := checkDuty(cfg.DutyCycle, cfg.PHY.TimeOnAir(radio.HeaderLen+cfg.MaxPayloadLen)); err != nil {
		return nil, err
	}
	return &Sender{cfg: cfg, memory: cfg.Memory(), budget: newBudget(cfg.DutyCycle), seq: cfg.FirstSeq,
		rng: rand.New(rand.NewPCG(cfg.Seed, 0)), flight: make([]*slot, 0, cfg.MaxInFlight)}, nil
}

func checkDuty(share float64, longest time.Duration) error {
	if !(share >= 0 && share <= 1) {
		return fmt.Errorf("%w: duty cycle %v, want 0..1", ErrSettings, share)
	}
	if share > 0 && longest > time.Duration(share*float64(dutyHour)) {
		return fmt.Errorf("%w: duty cycle %v leaves less an hour than one frame's %v", ErrSettings, share, longest)
	}
	return nil
}

// Room is how many windows the queue takes before its policy acts.
func (s *Sender) Room() int { return s.cfg.QueueLen - s.queued }

// Pending is how many windows are queued or in flight.
func (s *Sender) Pending() int { return s.queued + len(s.flight) }

// Done is true after Shutdown once nothing is pending.
func (s *Sender) Done() bool { return s.shutdown && s.Pending() == 0 }

// NextSeq is the number the next window will carry.
func (s *Sender) NextSeq() byte { return s.seq }

// Step takes an input at the time now, which must not step back, and appends
// to actions what is to be done. It wants to be called again at next, or
// earlier when something happens; a zero next is never.
func (s *Sender) Step(now time.Time, in Input, actions []Action) (_ []Action, next time.Time) {
	switch in.Kind {
	case InputOffer:
		actions = s.offer(now, in.Window, actions)
	case InputReceived:
		actions = s.received(now, in.Reception, actions)
	case InputStalled:
		if s.last != nil {
			s.last.deadline = s.last.deadline.Add(in.Stall)
			s.last.lastSent = s.last.lastSent.Add(in.Stall)
		}
		s.nextSend = s.nextSend.Add(in.Stall)
	case InputShutdown:
		s.shutdown = true
	case InputAbort:
		s.shutdown = true
		actions = s.abort(now, actions)
	}
	actions = s.expire(now, actions)
	return s.send(now, actions)
}

func (s *Sender) offer(now time.Time, w Outbound, actions []Action) []Action {
	dropped := func(id int64, seqReason string) {
		actions = append(actions, Action{Kind: ActionLog, Event: Event{Kind: EventTxDropped, At: now, WindowID: id, Reason: seqReason}})
	}
	if s.shutdown {
		dropped(w.ID, "shutdown")
		return actions
	}
	slot := s.take()
	start := s.clock()
	frame, err := s.cfg.Codec.AppendEncode(append(slot.frame[:0], 0, 0), w.Values)
	slot.encode = s.clock().Sub(start)
	payload := len(frame) - radio.HeaderLen
	if err == nil && (payload < radio.MinPayloadLen || payload > s.cfg.MaxPayloadLen) {
		err = fmt.Errorf("payload of %d bytes, want %d..%d", payload, radio.MinPayloadLen, s.cfg.MaxPayloadLen)
	}
	if err != nil {
		s.put(slot)
		return append(actions, Action{Kind: ActionLog, Event: Event{Kind: EventTxFailed, At: now, WindowID: w.ID,
			Seq: s.seq, Reason: "encode: " + err.Error()}})
	}
	slot.id, slot.sensorMs, slot.frame, slot.offered = w.ID, w.SensorMs, frame, now
	if s.Room() <= 0 {
		if s.cfg.Queue != QueueDropOldest {
			s.put(slot)
			dropped(w.ID, "queue full")
			return actions
		}
		oldest := s.pop()
		dropped(oldest.id, "queue full")
		s.put(oldest)
	}
	if s.tail == nil {
		s.head = slot
	} else {
		s.tail.next = slot
	}
	s.tail = slot
	s.queued++
	return actions
}

func (s *Sender) clock() time.Time {
	if s.cfg.Clock == nil {
		return time.Time{}
	}
	return s.cfg.Clock()
}

func (s *Sender) received(now time.Time, r radio.Reception, actions []Action) []Action {
	frame, err := radio.ParseFrame(r.Frame)
	if r.Err != nil {
		err = r.Err
	}
	if err != nil {
		return append(actions, Action{Kind: ActionLog, Event: Event{Kind: EventRxParseFail, At: now, Reason: err.Error()}})
	}
	acked, ok := frame.Acked()
	if !ok {
		return actions // another sender's window
	}
	for i, f := range s.flight {
		if f.seq != acked {
			continue
		}
		arrived := now // or before, where it had to wait for this Step
		if r.At.After(f.lastSent) && r.At.Before(now) {
			arrived = r.At
		}
		actions = append(actions, Action{Kind: ActionLog, Event: Event{
			Kind: EventAckReceived, At: now, Seq: acked, WindowID: f.id,
			RTT: arrived.Sub(f.lastSent), Queued: f.firstSent.Sub(f.offered), EndToEnd: arrived.Sub(f.offered), Encode: f.encode,
			RSSIdBm: r.RSSIdBm, HasRSSI: r.HasRSSI,
		}})
		s.settle(i)
		break
	}
	return actions
}

// abort gives up all that is pending.
func (s *Sender) abort(now time.Time, actions []Action) []Action {
	fail := func(f *slot) {
		actions = append(actions, Action{Kind: ActionLog, Event: Event{Kind: EventTxFailed, At: now, Seq: f.seq,
			WindowID: f.id, Reason: "run ended", Attempt: f.attempts}})
	}
	for len(s.flight) > 0 {
		fail(s.flight[0])
		s.settle(0)
	}
	for s.head != nil {
		f := s.pop()
		fail(f)
		s.put(f)
	}
	return actions
}

// expire notes which waits are over, and gives up what has had its attempts.
func (s *Sender) expire(now time.Time, actions []Action) []Action {
	for i := 0; i < len(s.flight); {
		f := s.flight[i]
		reason := ""
		switch {
		case !f.due && now.Before(f.deadline):
		case f.attempts > s.cfg.MaxRetries:
			reason = "no ack"
		case now.Sub(f.firstSent) > s.memory:
			// The receiver may have forgotten the first copy.
			reason = "too late to repeat"
		default:
			f.due = true
		}
		if reason == "" {
			i++
			continue
		}
		actions = append(actions, Action{Kind: ActionLog, Event: Event{Kind: EventTxFailed, At: now, Seq: f.seq,
			WindowID: f.id, Reason: reason, Attempt: f.attempts}})
		s.settle(i)
	}
	return actions
}

// send puts the next frame on the air if there is one and the air is free, and
// returns when there is something to do again.
func (s *Sender) send(now time.Time, actions []Action) (_ []Action, next time.Time) {
	for {
		f := s.candidate()
		if f == nil {
			break
		}
		airtime := s.cfg.PHY.TimeOnAir(len(f.frame))
		at := s.nextSend
		if free := s.budget.freeAt(now, airtime); free.After(at) {
			at = free
		}
		if now.Before(at) {
			next = at
			break
		}
		if f.attempts == 0 {
			s.pop()
			s.flight = append(s.flight, f)
			f.seq = s.seq
			s.seq++
			f.firstSent = now
		}
		f.frame[0], f.frame[1] = byte(len(f.frame)-radio.HeaderLen), f.seq
		f.attempts++
		f.due = false
		f.lastSent = now
		f.deadline = now.Add(s.cfg.Wait(len(f.frame)) + s.ahead(f) + s.jitter())
		s.nextSend = now.Add(s.cfg.Pace(len(f.frame)))
		s.budget.spend(now, airtime)
		s.last = f
		actions = append(actions,
			Action{Kind: ActionLog, Event: Event{
				Kind: EventTxSent, At: now, Seq: f.seq, WindowID: f.id, SensorMs: f.sensorMs, Attempt: f.attempts,
				PayloadBytes: len(f.frame) - radio.HeaderLen, Payload: f.frame[radio.HeaderLen:], FrameBytes: len(f.frame), TimeOnAir: airtime,
				Guard: s.cfg.Guard, AckTimeout: s.cfg.AckTimeoutFor(len(f.frame)), Age: now.Sub(f.offered), Encode: f.encode,
			}},
			Action{Kind: ActionSend, Frame: f.frame})
	}
	for _, f := range s.flight {
		if !f.due && (next.IsZero() || f.deadline.Before(next)) {
			next = f.deadline
		}
	}
	return actions, next
}

// candidate is what goes on the air next: a repetition, or else the head of
// the queue if one more may be in flight. The SEQs in flight span less than
// half the circle, so that the receiver can tell old from new.
func (s *Sender) candidate() *slot {
	for _, f := range s.flight {
		if f.due {
			return f
		}
	}
	if s.head == nil || len(s.flight) >= s.cfg.MaxInFlight ||
		len(s.flight) > 0 && s.seq-s.flight[0].seq > radio.MaxInFlight {
		return nil
	}
	return s.head
}

func (s *Sender) jitter() time.Duration {
	if s.cfg.RetryJitter == 0 {
		return 0
	}
	return time.Duration(s.rng.Int64N(int64(s.cfg.RetryJitter)))
}

// ahead is the time on air of what else awaits an ACK.
func (s *Sender) ahead(f *slot) time.Duration {
	var sum time.Duration
	for _, g := range s.flight {
		if g != f {
			sum += s.cfg.PHY.TimeOnAir(len(g.frame))
		}
	}
	return sum
}

func (s *Sender) pop() *slot {
	f := s.head
	s.head = f.next
	if s.head == nil {
		s.tail = nil
	}
	f.next = nil
	s.queued--
	return f
}

// settle takes a window out of flight.
func (s *Sender) settle(i int) {
	f := s.flight[i]
	s.flight = append(s.flight[:i], s.flight[i+1:]...)
	if s.last == f {
		s.last = nil
	}
	s.put(f)
}

func (s *Sender) take() *slot {
	f := s.free
	if f == nil {
		return &slot{frame: make([]byte, 0, radio.HeaderLen+s.cfg.MaxPayloadLen)}
	}
	s.free = f.next
	*f = slot{frame: f.frame}
	return f
}

func (s *Sender) put(f *slot) {
	f.next = s.free
	s.free = f
}
