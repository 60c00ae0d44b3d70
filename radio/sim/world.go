package sim

import (
	"bytes"
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
)

// fate is what became of a window, as bits.
type fate uint8

const (
	fateOffered   fate = 1 << iota
	fateDelivered      // intact
	fateAcked
	fateReported // reported by the sender as failed or dropped
)

// fates holds the fate of each window by its window_id, in pages, so that a window takes a
// byte or two.
type fates map[int64]*[fatePage]fate

const (
	fateShift = 6
	fatePage  = 1 << fateShift
)

// add adds bits to a window's fate, and returns the bits that it had.
func (f *fates) add(id int64, bits fate) (before fate) {
	if *f == nil {
		*f = fates{}
	}
	page := (*f)[id>>fateShift]
	if page == nil {
		page = new([fatePage]fate)
		(*f)[id>>fateShift] = page
	}
	at := &page[uint64(id)%fatePage]
	before = *at
	*at |= bits
	return before
}

// all yields the fates of the windows that were offered.
func (f fates) all() iter.Seq[fate] {
	return func(yield func(fate) bool) {
		for _, page := range f {
			for _, x := range page {
				if x&fateOffered != 0 && !yield(x) {
					return
				}
			}
		}
	}
}

// machine is a link.Sender or a link.Receiver.
type machine interface {
	Step(now time.Time, input link.Input, actions []link.Action) ([]link.Action, time.Time)
}

// node is one end: host, UART and modem.
type node struct {
	role     link.Role
	pair     *pairRun
	peer     *node
	machine  machine
	rng      *rand.Rand
	parser   *radio.StreamParser
	burst    bool      // whether the Gilbert-Elliott channel is in its bad state
	modemEnd time.Time // when the modem has sent the frames it was given
	wakeTime time.Time // of the one wake event that counts; zero: none
	tickTime time.Time // of the one parser event that counts; zero: none
	windowID int64     // of the frame being sent
	arrival  *flight   // whose bytes came last
	actions  []link.Action
	found    []radio.Reception
}

// pairRun is a pair while it runs.
type pairRun struct {
	Pair
	tx, rx  *node
	fates   fates
	outcome Outcome
	waiting bool // whether window waits for its time or for space in the queue
	window  link.Outbound
	next    time.Time // when window is offered
	ended   bool
	feeding bool
}

// flight is a frame in transit.
type flight struct {
	sender    *node
	sent      []byte // as the sender gave it
	bytes     []byte // as it arrives
	windowID  int64
	timeOnAir time.Duration
	collided  bool
}

// world is the state of a run.
type world struct {
	ch     Channel
	now    time.Time
	nodes  []*node
	pairs  []*pairRun
	queue  eventQueue
	onAir  []*flight
	air    AirStats
	pushed uint64
}

// schedule adds an event at the time t.
func (w *world) schedule(t time.Time, kind eventKind, n *node, f *flight) {
	w.pushed++
	w.queue.push(event{time: t, order: w.pushed, kind: kind, node: n, flight: f})
}

func (w *world) handle(e event) {
	switch e.kind {
	case eventWake:
		if e.time.Equal(e.node.wakeTime) {
			e.node.wakeTime = time.Time{}
			w.step(e.node, link.Tick())
		}
	case eventOffer:
		w.feed(e.node.pair)
	case eventAirStart:
		for _, other := range w.onAir {
			other.collided, e.flight.collided = true, true
		}
		w.onAir = append(w.onAir, e.flight)
		w.schedule(e.time.Add(e.flight.timeOnAir), eventAirEnd, e.node, e.flight)
	case eventAirEnd:
		for i, f := range w.onAir {
			if f == e.flight {
				w.onAir = append(w.onAir[:i], w.onAir[i+1:]...)
				break
			}
		}
		w.land(e.flight)
	case eventArrive:
		w.arrive(e.flight)
	case eventParserTick:
		if e.time.Equal(e.node.tickTime) {
			e.node.tickTime = time.Time{}
			w.received(e.node, nil)
		}
	}
}

// step runs a node's machine and does what it asks for.
func (w *world) step(n *node, input link.Input) {
	actions, next := n.machine.Step(w.now, input, n.actions[:0])
	n.actions = actions
	for i := range actions {
		switch a := &actions[i]; a.Kind {
		case link.ActionLog:
			w.observe(n, a.Event)
		case link.ActionSend:
			w.transmit(n, a.Frame)
		case link.ActionDeliver:
			w.deliver(n, a.Delivery)
		}
	}
	if !next.IsZero() && (n.wakeTime.IsZero() || !next.Equal(n.wakeTime)) {
		n.wakeTime = next
		w.schedule(next, eventWake, n, nil)
	}
	if n.role == link.RoleTX {
		w.feed(n.pair)
	}
}

// feed offers windows to the sender at their times. Unless Live is set, it waits
// while the queue is full.
func (w *world) feed(p *pairRun) {
	if p.feeding {
		return // each offer steps the sender, which would feed it again
	}
	p.feeding = true
	defer func() { p.feeding = false }()
	for !p.ended {
		if !p.waiting {
			if !p.Live && p.Sender.QueueSpace() <= 0 {
				return
			}
			window, offer, ok := p.Source()
			if !ok {
				p.ended = true
				w.step(p.tx, link.Shutdown())
				return
			}
			p.waiting, p.window, p.next = true, window, Epoch.Add(offer)
			if p.next.After(w.now) {
				w.schedule(p.next, eventOffer, p.tx, nil)
				return
			}
		}
		if p.next.After(w.now) || !p.Live && p.Sender.QueueSpace() <= 0 {
			return
		}
		p.waiting = false
		p.outcome.Offered++
		p.fates.add(p.window.ID, fateOffered)
		w.step(p.tx, link.Offer(p.window))
	}
}

// observe notes an event of a node and passes it on.
func (w *world) observe(n *node, e link.Event) {
	p := n.pair
	switch e.Kind {
	case link.EventTxSent:
		n.windowID = e.WindowID
	case link.EventAckReceived:
		p.outcome.Acked++
		p.fates.add(e.WindowID, fateAcked)
	case link.EventTxFailed:
		p.outcome.Failed++
		p.fates.add(e.WindowID, fateReported)
	case link.EventTxDropped:
		p.outcome.Dropped++
		p.fates.add(e.WindowID, fateReported)
	}
	if p.OnEvent != nil {
		p.OnEvent(n.role, e)
	}
}

// deliver notes a delivery and passes it on.
func (w *world) deliver(n *node, d link.Delivery) {
	f := n.arrival
	p := f.sender.pair
	intact := bytes.Equal(d.Payload, f.sent[radio.HeaderLen:])
	if !intact {
		p.outcome.Corrupt++
	} else if p.fates.add(f.windowID, fateDelivered)&fateDelivered != 0 {
		p.outcome.DeliveredTwice++
	}
	if p.OnDeliver != nil {
		p.OnDeliver(f.windowID, intact, d)
	}
}

// transmit hands a frame to the node's modem, which sends one frame after another.
func (w *world) transmit(n *node, frame []byte) {
	f := &flight{sender: n, sent: append([]byte(nil), frame...), windowID: n.windowID,
		timeOnAir: w.ch.PHY.TimeOnAir(len(frame))}
	start := w.now.Add(w.latency(len(frame)))
	if n.modemEnd.After(start) {
		start = n.modemEnd
	}
	n.modemEnd = start.Add(f.timeOnAir)
	w.air.Frames++
	w.schedule(start, eventAirStart, n, f)
}

func (w *world) latency(frameLen int) time.Duration {
	if w.ch.Latency == nil {
		return 0
	}
	return w.ch.Latency(frameLen)
}

// land decides what happens to a frame at the end of its time on air. It always
// makes all random draws, so that what happens to one frame does not depend on
// what happened to those before it.
func (w *world) land(f *flight) {
	ch, rng := w.ch, f.sender.rng
	lost := w.lost(f)
	jitter := time.Duration(rng.Float64() * float64(ch.Jitter))
	duplicate, late := rng.Float64() < ch.Duplicate, rng.Float64() < ch.Reorder
	flips, drop := rng.Float64() < ch.BitError, rng.Float64() < ch.UARTDrop
	noise := rng.Uint64()

	switch {
	case f.collided && ch.Collisions:
		w.air.Collided++
		return
	case lost:
		w.air.Lost++
		return
	case flips && ch.PHY.CRC:
		w.air.CRCDropped++
		return
	}
	w.damage(f, flips, drop, noise)
	lateBy := ch.LateBy
	if lateBy == 0 {
		lateBy = 2 * f.timeOnAir
	}
	arrival := w.now.Add(ch.Delay + jitter + w.latency(len(f.bytes)))
	if late {
		w.air.Reordered++
		arrival = arrival.Add(lateBy)
	}
	w.schedule(arrival, eventArrive, nil, f)
	if duplicate {
		w.air.Duplicated++
		w.schedule(arrival.Add(lateBy), eventArrive, nil, f)
	}
}

// arrive passes a frame to the hosts that hear it.
func (w *world) arrive(f *flight) {
	if !w.ch.Shared {
		f.sender.peer.arrival = f
		w.received(f.sender.peer, f.bytes)
		return
	}
	for _, n := range w.nodes {
		// Frames of an end of the same role mean nothing to a machine, nor do ACKs to a
		// sender that waits for none.
		if n.role == f.sender.role || n.role == link.RoleTX && n.pair.Sender.Pending() == 0 {
			continue
		}
		n.arrival = f
		w.received(n, f.bytes)
	}
}

// damage flips bits of a frame and drops one of its bytes, chosen by noise.
func (w *world) damage(f *flight, flips, drop bool, noise uint64) {
	f.bytes = f.sent
	if flips || drop {
		f.bytes = append([]byte(nil), f.sent...)
	}
	if flips {
		w.air.BitErrors++
		for i := range 1 + noise%3 {
			bit := noise >> (8 + 16*i) % uint64(8*len(f.bytes))
			f.bytes[bit/8] ^= 1 << (bit % 8)
		}
	}
	if drop {
		w.air.UARTDrops++
		i := int(noise>>56) % len(f.bytes)
		f.bytes = append(f.bytes[:i], f.bytes[i+1:]...)
	}
}

// lost draws whether a frame is lost.
func (w *world) lost(f *flight) bool {
	ch, n := w.ch, f.sender
	u, hazard := n.rng.Float64(), n.rng.Float64()
	lost := u < ch.Loss
	if ch.MeanBurst > 0 && ch.Loss > 0 && ch.Loss < 1 {
		leave := 1 / ch.MeanBurst
		enter := ch.Loss / (1 - ch.Loss) * leave
		if n.burst {
			n.burst = u >= leave
		} else {
			n.burst = u < enter
		}
		lost = n.burst
	}
	return lost || hazard < 1-math.Exp(-ch.LossPerSecond*f.timeOnAir.Seconds())
}

// received passes bytes to the node's stream parser, or only the time if there are no
// bytes.
func (w *world) received(n *node, b []byte) {
	n.found = n.parser.Push(n.found[:0], b, w.now)
	for _, r := range n.found {
		w.step(n, link.Received(r))
	}
	if deadline, ok := n.parser.Deadline(); ok && !deadline.Equal(n.tickTime) {
		n.tickTime = deadline
		w.schedule(deadline, eventParserTick, n, nil)
	}
}

func newRand(seed, stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }

type eventKind uint8

// If events have the same time, the kind that is listed first comes first: a frame
// leaves the air before the next one enters it.
const (
	eventAirEnd eventKind = iota
	eventAirStart
	eventArrive
	eventParserTick
	eventOffer
	eventWake
)

type event struct {
	time   time.Time
	order  uint64 // in which events were pushed, which decides among those of one kind
	kind   eventKind
	node   *node
	flight *flight
}

// eventQueue is a binary heap by time.
type eventQueue struct{ heap []event }

func (q *eventQueue) len() int { return len(q.heap) }

func (q *eventQueue) before(i, j int) bool {
	a, b := &q.heap[i], &q.heap[j]
	if c := a.time.Compare(b.time); c != 0 {
		return c < 0
	}
	if a.kind != b.kind {
		return a.kind < b.kind
	}
	return a.order < b.order
}

func (q *eventQueue) push(e event) {
	q.heap = append(q.heap, e)
	for i := len(q.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !q.before(i, up) {
			return
		}
		q.heap[i], q.heap[up] = q.heap[up], q.heap[i]
		i = up
	}
}

func (q *eventQueue) pop() event {
	top := q.heap[0]
	last := len(q.heap) - 1
	q.heap[0], q.heap[last] = q.heap[last], event{}
	q.heap = q.heap[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			return top
		}
		if down+1 < last && q.before(down+1, down) {
			down++
		}
		if !q.before(down, i) {
			return top
		}
		q.heap[i], q.heap[down] = q.heap[down], q.heap[i]
		i = down
	}
}
