package link

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// DefaultQueueLen is the default of SenderSettings.QueueLen.
const DefaultQueueLen = 64

// SenderSettings are the settings of a [Sender]. Timing.PHY and Codec must be set.
type SenderSettings struct {
	Timing
	Codec Codec
	// Encoder, if not nil, encodes windows instead of Codec, with memory of earlier ones.
	// It must be new. Windows are then encoded when they are first sent, not when they are
	// offered.
	Encoder Encoder
	// LogBounds adds the error bounds of each window to tx_sent events, if there is an
	// Encoder.
	LogBounds bool
	// OneWay sends every window once and waits for no ACK. The receiver's setting must be
	// the same.
	OneWay   bool
	FirstSeq byte        // sequence number of the first window; after a restart, the next one of the last run
	Queue    QueuePolicy // "": QueueBlock
	QueueLen int         // windows that the queue holds; 0: DefaultQueueLen
	// DutyCycle is the share of any hour that the sender may be on the air, 0..1:
	// 0.01 in most of the EU868 band. Frames wait until they fit; waiting does not
	// count as a retry. 0: no limit.
	DutyCycle float64
	// Spent is the time on air of earlier runs in the last hour, which counts towards
	// DutyCycle; see [Sender.AppendSpent].
	Spent []Spent
	// RetryJitter is the upper limit of a time, uniformly random from 0, that is added
	// to the wait for each ACK. Where other transmitters use the same frequency, it should
	// be several times on air; otherwise two senders whose frames collided would collide at
	// each repetition. 0: no jitter.
	RetryJitter time.Duration
	// Seed is the seed of RetryJitter. Any value is valid. Neighbours need different
	// seeds.
	Seed uint64
	// Clock is read before and after encoding a window, to log how long that takes.
	// nil: it is logged as 0.
	Clock func() time.Time
}

// Check returns an error that wraps [ErrSettings] if a field is out of range. It
// refuses a codec whose payloads have one byte, because a receiver would take them
// for ACKs.
func (s SenderSettings) Check() error {
	_, err := s.resolve()
	return err
}

// resolve checks the settings and replaces their zeros.
func (s SenderSettings) resolve() (SenderSettings, error) {
	if s.Codec == nil {
		return s, fmt.Errorf("%w: Codec is nil, want a codec", ErrSettings)
	}
	var err error
	if s.Timing, err = s.Timing.resolve(s.Codec); err != nil {
		return s, err
	}
	if err := s.checkEncoder(); err != nil {
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
		return s, fmt.Errorf("%w: Queue is %q, want %s, %s or %s", ErrSettings, s.Queue, QueueBlock, QueueDropOldest, QueueDropNewest)
	case s.RetryJitter < 0:
		return s, fmt.Errorf("%w: RetryJitter is %v, want 0 or more", ErrSettings, s.RetryJitter)
	case s.QueueLen < 1:
		return s, fmt.Errorf("%w: QueueLen is %d, want 1 or more, or 0 for %d", ErrSettings, s.QueueLen, DefaultQueueLen)
	}
	return s, checkDuty(s.DutyCycle, s.PHY.TimeOnAir(radio.HeaderLen+s.MaxPayloadLen))
}

// Sender sends windows in order and repeats those that are not acknowledged. It is
// a state machine without I/O. It must not be used by several goroutines at once.
//
// An ACK has no address. A sender counts any ACK with a SEQ in flight as its own, also one
// that is for another sender, or that was forged.
type Sender struct {
	settings SenderSettings
	memory   time.Duration // longest time from a frame's first sending to a repetition
	budget   *budget
	rng      *rand.Rand

	head, tail *slot // the queue
	queued     int
	flight     []*slot // windows that await their ACK, in order of first sending and so of SEQ
	free       *slot   // slots to use again

	seq      byte // of the next window
	nextSend time.Time
	shutdown bool
	last     *slot // the window that was sent last; nil once it is settled
}

// slot is a window in the queue or in flight.
type slot struct {
	next      *slot
	id        int64
	sensorMs  int64
	frame     []byte
	values    []float64 // with an Encoder: of a window that was not sent yet
	bounds    []float64 // with LogBounds
	seq       byte
	attempts  int
	due       bool // to be repeated as soon as a frame may be sent
	offered   time.Time
	firstSent time.Time
	lastSent  time.Time
	deadline  time.Time // for its ACK
	encode    time.Duration
}

// NewSender returns a sender with an empty queue. The error is that of
// settings.Check.
func NewSender(settings SenderSettings) (*Sender, error) {
	s, err := settings.resolve()
	if err != nil {
		return nil, err
	}
	return &Sender{settings: s, memory: s.Memory(), budget: newBudget(s.DutyCycle, s.Spent), seq: s.FirstSeq,
		rng: rand.New(rand.NewPCG(s.Seed, 0)), flight: make([]*slot, 0, s.MaxInFlight)}, nil
}

// QueueSpace returns how many more windows fit into the queue. If it is 0, the
// queue's policy drops a window at the next Offer.
func (s *Sender) QueueSpace() int { return s.settings.QueueLen - s.queued }

// Pending returns the number of windows that are queued or in flight.
func (s *Sender) Pending() int { return s.queued + len(s.flight) }

// Done reports whether the sender was shut down and has nothing pending.
func (s *Sender) Done() bool { return s.shutdown && s.Pending() == 0 }

// AppendSpent appends the time on air of the last hour to dst, for the next run's
// settings. It appends nothing if there is no duty cycle. Call it from the goroutine that
// calls Step.
func (s *Sender) AppendSpent(dst []Spent, now time.Time) []Spent {
	return s.budget.appendSpent(dst, now)
}

// NextSeq returns the sequence number of the next window.
func (s *Sender) NextSeq() byte { return s.seq }

// Step processes an input at the time now, which must not go back. It appends to
// actions what the caller is to do, and returns the extended slice. The caller must
// call Step again at next at the latest, and earlier if there is an input. If next is
// zero, the sender waits for an input only.
func (s *Sender) Step(now time.Time, input Input, actions []Action) (_ []Action, next time.Time) {
	switch input.Kind {
	case InputOffer:
		actions = s.offer(now, input.Window, actions)
	case InputReceived:
		actions = s.received(now, input.Reception, actions)
	case InputStalled:
		s.stalled(input.Stall)
	case InputShutdown:
		s.shutdown = true
	case InputAbort:
		s.shutdown = true
		actions = s.abort(now, actions)
	}
	actions = s.expire(now, actions)
	return s.send(now, actions)
}

// offer queues a window. It encodes it, unless there is an Encoder.
func (s *Sender) offer(now time.Time, w Outbound, actions []Action) []Action {
	if s.shutdown {
		return appendEvent(actions, Event{Kind: EventTxDropped, Time: now, WindowID: w.ID, Reason: "shutdown"})
	}
	f := s.take()
	if s.settings.Encoder != nil {
		f.keep(w.Values)
	} else if err := s.encode(f, w.Values); err != nil {
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

// encode fills the slot's frame with the payload of values, after two bytes for the
// header.
func (s *Sender) encode(f *slot, values []float64) error {
	start := s.clock()
	frame, err := s.appendEncode(f, values)
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
			arrived = r.Time // it waited for this Step
		}
		actions = appendEvent(actions, Event{
			Kind: EventAckReceived, Time: now, Seq: acked, WindowID: f.id,
			RTT: arrived.Sub(f.lastSent), Queued: f.firstSent.Sub(f.offered), EndToEnd: arrived.Sub(f.offered), Encode: f.encode,
			RSSIdBm: r.RSSIdBm, HasRSSI: r.HasRSSI,
		})
		s.acked(f)
		s.settle(i)
		break
	}
	return actions
}

// stalled prolongs all waits that began with the last frame.
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
		s.givenUp(s.flight[0])
		s.settle(0)
	}
	for s.head != nil {
		f := s.pop()
		actions = appendFailure(actions, now, f, "run ended")
		s.put(f)
	}
	return actions
}

// expire marks windows as due if their wait is over, and gives them up if they have
// no attempts left.
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
		s.givenUp(f)
		s.settle(i)
	}
	return actions
}

// appendFailure reports a window that is given up.
func appendFailure(actions []Action, now time.Time, f *slot, reason string) []Action {
	return appendEvent(actions, Event{Kind: EventTxFailed, Time: now, Seq: f.seq, WindowID: f.id, Reason: reason, Attempt: f.attempts})
}

// send sends frames as long as there is one that may be sent now. Next is the time at
// which Step must be called again.
func (s *Sender) send(now time.Time, actions []Action) (_ []Action, next time.Time) {
	for {
		f := s.candidate()
		if f == nil {
			break
		}
		if f.attempts == 0 && s.settings.Encoder != nil {
			if next = s.nextSend; now.Before(next) {
				break
			}
			next = time.Time{}
			var ok bool
			if actions, ok = s.encodeHead(now, f, actions); !ok {
				continue
			}
		}
		timeOnAir := s.settings.PHY.TimeOnAir(len(f.frame))
		if next = s.sendTime(now, timeOnAir); now.Before(next) {
			break
		}
		next = time.Time{}
		actions = s.transmit(now, f, timeOnAir, actions)
	}
	for _, f := range s.flight {
		if !f.due && (next.IsZero() || f.deadline.Before(next)) {
			next = f.deadline
		}
	}
	return actions, next
}

// sendTime returns when the next frame may be sent: not before the last one has left
// the air, and within the duty cycle.
func (s *Sender) sendTime(now time.Time, timeOnAir time.Duration) time.Time {
	if free := s.budget.freeTime(now, timeOnAir); free.After(s.nextSend) {
		return free
	}
	return s.nextSend
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
		Bounds: f.bounds,
	})
	if s.settings.OneWay {
		s.settle(len(s.flight) - 1)
	}
	return append(actions, Action{Kind: ActionSend, Frame: f.frame})
}

// candidate returns the window to send next: one that is due, or else the head of the
// queue if one more window may be in flight. The SEQs in flight span less than half of
// all, so that the receiver can tell old from new.
func (s *Sender) candidate() *slot {
	for _, f := range s.flight {
		if f.due {
			return f
		}
	}
	if s.head == nil || len(s.flight) >= s.settings.MaxInFlight ||
		len(s.flight) > 0 && s.seq-s.flight[0].seq > s.span() {
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

// settle removes a window from those in flight.
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
	*f = slot{frame: f.frame, values: f.values, bounds: f.bounds[:0]}
	return f
}

func (s *Sender) put(f *slot) {
	f.next = s.free
	s.free = f
}
