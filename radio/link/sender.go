package link

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// DefaultQueueLen is how many windows a sender's queue holds where nothing else is
// asked for.
const DefaultQueueLen = 64

// SenderSettings are the settings of a [Sender]. Timing.PHY and Codec must be set.
type SenderSettings struct {
	Timing
	Codec    Codec
	FirstSeq byte        // of the first window; continue where the last run left off
	Queue    QueuePolicy // "": QueueBlock
	QueueLen int         // windows that the queue holds; 0: DefaultQueueLen
	// DutyCycle is the share of any hour that the sender may be on the air, 0..1:
	// 0.01 in most of the EU868 band. Frames wait for it; that is not a timeout.
	// 0: no limit.
	DutyCycle float64
	// RetryJitter is added to the wait before a repetition, uniformly at random
	// from 0 to this. Senders that share a channel need it, some times on air
	// long: without it, two whose frames collided would collide again each time.
	// 0: none.
	RetryJitter time.Duration
	// Seed is that of RetryJitter. Any value is valid; give each sender its own.
	Seed uint64
	// Clock is read before and after encoding a window, to log how long that
	// takes. nil: it is logged as 0.
	Clock func() time.Time
}

// Check reports settings out of range, as ErrSettings. It refuses a codec whose
// payloads have one byte, because a receiver would take them for ACKs.
func (s SenderSettings) Check() error {
	_, err := s.resolve()
	return err
}

// resolve checks the settings and replaces their zeros.
func (s SenderSettings) resolve() (SenderSettings, error) {
	if s.Codec == nil {
		return s, fmt.Errorf("%w: a sender needs a codec", ErrSettings)
	}
	var err error
	if s.Timing, err = s.Timing.resolve(s.Codec); err != nil {
		return s, err
	}
	if s.Queue == "" {
		s.Queue = QueueBlock
	}
	if s.QueueLen == 0 {
		s.QueueLen = DefaultQueueLen
	}
	switch {
	case s.Queue != QueueBlock && s.Queue != QueueDropOldest && s.Queue != QueueDropNewest:
		return s, fmt.Errorf("%w: queue policy %q, want %s, %s or %s", ErrSettings, s.Queue, QueueBlock, QueueDropOldest, QueueDropNewest)
	case s.RetryJitter < 0:
		return s, fmt.Errorf("%w: retry jitter %v, want 0 or more", ErrSettings, s.RetryJitter)
	case s.QueueLen < 1:
		return s, fmt.Errorf("%w: queue of %d windows, want 1 or more", ErrSettings, s.QueueLen)
	}
	return s, checkDuty(s.DutyCycle, s.PHY.TimeOnAir(radio.HeaderLen+s.MaxPayloadLen))
}

// Sender sends windows in order and repeats those that are not acknowledged. It is
// a state machine without I/O, for use by one goroutine.
type Sender struct {
	settings SenderSettings
	memory   time.Duration // how long after its first sending a frame may be repeated
	budget   *budget
	rng      *rand.Rand

	head, tail *slot // the queue
	queued     int
	flight     []*slot // what awaits its ACK, by first sending and so by SEQ
	free       *slot   // slots to use again

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

// NewSender returns a sender with an empty queue. An error is that of
// settings.Check.
func NewSender(settings SenderSettings) (*Sender, error) {
	s, err := settings.resolve()
	if err != nil {
		return nil, err
	}
	return &Sender{settings: s, memory: s.Memory(), budget: newBudget(s.DutyCycle), seq: s.FirstSeq,
		rng: rand.New(rand.NewPCG(s.Seed, 0)), flight: make([]*slot, 0, s.MaxInFlight)}, nil
}

// QueueSpace returns how many windows the queue takes before its policy drops one.
func (s *Sender) QueueSpace() int { return s.settings.QueueLen - s.queued }

// Pending returns how many windows are queued or in flight.
func (s *Sender) Pending() int { return s.queued + len(s.flight) }

// Done reports whether the sender was shut down and has nothing pending.
func (s *Sender) Done() bool { return s.shutdown && s.Pending() == 0 }

// NextSeq returns the sequence number of the next window.
func (s *Sender) NextSeq() byte { return s.seq }

// Step takes an input at the time now, which must not go back, and appends to
// actions what is to be done. It must be called again at next at the latest, and
// earlier when something happens. A zero next means that it waits for nothing.
func (s *Sender) Step(now time.Time, in Input, actions []Action) (_ []Action, next time.Time) {
	switch in.Kind {
	case InputOffer:
		actions = s.offer(now, in.Window, actions)
	case InputReceived:
		actions = s.received(now, in.Reception, actions)
	case InputStalled:
		s.stalled(in.Stall)
	case InputShutdown:
		s.shutdown = true
	case InputAbort:
		s.shutdown = true
		actions = s.abort(now, actions)
	}
	actions = s.expire(now, actions)
	return s.send(now, actions)
}

// offer encodes a window and queues it.
func (s *Sender) offer(now time.Time, w Outbound, actions []Action) []Action {
	if s.shutdown {
		return appendEvent(actions, Event{Kind: EventTxDropped, Time: now, WindowID: w.ID, Reason: "shutdown"})
	}
	f := s.take()
	if err := s.encode(f, w.Values); err != nil {
		s.put(f)
		return appendEvent(actions, Event{Kind: EventTxFailed, Time: now, WindowID: w.ID, Seq: s.seq, Reason: "encode: " + err.Error()})
	}
	f.id, f.sensorMs, f.offered = w.ID, w.SensorMs, now
	if s.QueueSpace() <= 0 {
		dropped := f
		if s.settings.Queue == QueueDropOldest {
			dropped = s.pop()
		}
		actions = appendEvent(actions, Event{Kind: EventTxDropped, Time: now, WindowID: dropped.id, Reason: "queue full"})
		s.put(dropped)
		if dropped == f {
			return actions
		}
	}
	s.push(f)
	return actions
}

// encode fills the slot's frame with the payload of values, leaving room for the
// header.
func (s *Sender) encode(f *slot, values []float64) error {
	start := s.clock()
	frame, err := s.settings.Codec.AppendEncode(append(f.frame[:0], 0, 0), values)
	f.encode = s.clock().Sub(start)
	if err != nil {
		return err
	}
	if n := len(frame) - radio.HeaderLen; n < radio.MinPayloadLen || n > s.settings.MaxPayloadLen {
		return fmt.Errorf("payload of %d bytes, want %d..%d", n, radio.MinPayloadLen, s.settings.MaxPayloadLen)
	}
	f.frame = frame
	return nil
}

func (s *Sender) clock() time.Time {
	if s.settings.Clock == nil {
		return time.Time{}
	}
	return s.settings.Clock()
}

// received settles the window that an ACK acknowledges.
func (s *Sender) received(now time.Time, r radio.Reception, actions []Action) []Action {
	frame, err := radio.ParseFrame(r.Frame)
	if r.Err != nil {
		err = r.Err
	}
	if err != nil {
		return appendEvent(actions, Event{Kind: EventRxParseFail, Time: now, Reason: err.Error()})
	}
	acked, ok := frame.Acked()
	if !ok {
		return actions // another sender's window
	}
	for i, f := range s.flight {
		if f.seq != acked {
			continue
		}
		arrived := now
		if r.Time.After(f.lastSent) && r.Time.Before(now) {
			arrived = r.Time // it had to wait for this Step
		}
		actions = appendEvent(actions, Event{
			Kind: EventAckReceived, Time: now, Seq: acked, WindowID: f.id,
			RTT: arrived.Sub(f.lastSent), Queued: f.firstSent.Sub(f.offered), EndToEnd: arrived.Sub(f.offered), Encode: f.encode,
			RSSIdBm: r.RSSIdBm, HasRSSI: r.HasRSSI,
		})
		s.settle(i)
		break
	}
	return actions
}

// stalled moves all waits that began with the last frame.
func (s *Sender) stalled(d time.Duration) {
	if s.last != nil {
		s.last.deadline = s.last.deadline.Add(d)
		s.last.lastSent = s.last.lastSent.Add(d)
	}
	s.nextSend = s.nextSend.Add(d)
}

// abort gives up everything that is pending.
func (s *Sender) abort(now time.Time, actions []Action) []Action {
	for len(s.flight) > 0 {
		actions = appendFailure(actions, now, s.flight[0], "run ended")
		s.settle(0)
	}
	for s.head != nil {
		f := s.pop()
		actions = appendFailure(actions, now, f, "run ended")
		s.put(f)
	}
	return actions
}

// expire marks the windows whose wait is over as due, and gives up those that have
// had all their attempts.
func (s *Sender) expire(now time.Time, actions []Action) []Action {
	for i := 0; i < len(s.flight); {
		f := s.flight[i]
		reason := ""
		switch {
		case !f.due && now.Before(f.deadline):
		case f.attempts > s.settings.MaxRetries:
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
		actions = appendFailure(actions, now, f, reason)
		s.settle(i)
	}
	return actions
}

// appendFailure reports a window that is given up.
func appendFailure(actions []Action, now time.Time, f *slot, reason string) []Action {
	return appendEvent(actions, Event{Kind: EventTxFailed, Time: now, Seq: f.seq, WindowID: f.id, Reason: reason, Attempt: f.attempts})
}

// send sends frames for as long as there is one and the air is free. It returns
// when there is something to do again.
func (s *Sender) send(now time.Time, actions []Action) (_ []Action, next time.Time) {
	for {
		f := s.candidate()
		if f == nil {
			break
		}
		timeOnAir := s.settings.PHY.TimeOnAir(len(f.frame))
		if at := s.sendAt(now, timeOnAir); now.Before(at) {
			next = at
			break
		}
		actions = s.transmit(now, f, timeOnAir, actions)
	}
	for _, f := range s.flight {
		if !f.due && (next.IsZero() || f.deadline.Before(next)) {
			next = f.deadline
		}
	}
	return actions, next
}

// sendAt returns when the next frame may be sent: not before the last one has left
// the air, and within the duty cycle.
func (s *Sender) sendAt(now time.Time, timeOnAir time.Duration) time.Time {
	at := s.nextSend
	if free := s.budget.freeAt(now, timeOnAir); free.After(at) {
		at = free
	}
	return at
}

// transmit sends the frame of f and starts the wait for its ACK.
func (s *Sender) transmit(now time.Time, f *slot, timeOnAir time.Duration, actions []Action) []Action {
	if f.attempts == 0 { // it is the head of the queue
		s.pop()
		s.flight = append(s.flight, f)
		f.seq = s.seq
		s.seq++
		f.firstSent = now
	}
	n := len(f.frame)
	f.frame[0], f.frame[1] = byte(n-radio.HeaderLen), f.seq
	f.attempts++
	f.due = false
	f.lastSent = now
	f.deadline = now.Add(s.settings.Wait(n) + s.ahead(f) + s.jitter())
	s.nextSend = now.Add(s.settings.Pace(n))
	s.budget.spend(now, timeOnAir)
	s.last = f
	actions = appendEvent(actions, Event{
		Kind: EventTxSent, Time: now, Seq: f.seq, WindowID: f.id, SensorMs: f.sensorMs, Attempt: f.attempts,
		PayloadBytes: n - radio.HeaderLen, Payload: f.frame[radio.HeaderLen:], FrameBytes: n, TimeOnAir: timeOnAir,
		Guard: s.settings.Guard, AckTimeout: s.settings.AckTimeoutFor(n), Age: now.Sub(f.offered), Encode: f.encode,
	})
	return append(actions, Action{Kind: ActionSend, Frame: f.frame})
}

// candidate returns what is sent next: a repetition, or else the head of the queue
// if one more may be in flight. The SEQs in flight span less than half of all, so
// that the receiver can tell old from new.
func (s *Sender) candidate() *slot {
	for _, f := range s.flight {
		if f.due {
			return f
		}
	}
	if s.head == nil || len(s.flight) >= s.settings.MaxInFlight ||
		len(s.flight) > 0 && s.seq-s.flight[0].seq > radio.MaxInFlight {
		return nil
	}
	return s.head
}

func (s *Sender) jitter() time.Duration {
	if s.settings.RetryJitter == 0 {
		return 0
	}
	return time.Duration(s.rng.Int64N(int64(s.settings.RetryJitter)))
}

// ahead returns the time on air of the other frames that await an ACK.
func (s *Sender) ahead(f *slot) time.Duration {
	var sum time.Duration
	for _, g := range s.flight {
		if g != f {
			sum += s.settings.PHY.TimeOnAir(len(g.frame))
		}
	}
	return sum
}

// push appends a slot to the queue.
func (s *Sender) push(f *slot) {
	if s.tail == nil {
		s.head = f
	} else {
		s.tail.next = f
	}
	s.tail = f
	s.queued++
}

// pop removes the head of the queue.
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

// take returns an unused slot, which put gives back.
func (s *Sender) take() *slot {
	f := s.free
	if f == nil {
		return &slot{frame: make([]byte, 0, radio.HeaderLen+s.settings.MaxPayloadLen)}
	}
	s.free = f.next
	*f = slot{frame: f.frame}
	return f
}

func (s *Sender) put(f *slot) {
	f.next = s.free
	s.free = f
}
