package codec

import (
	"fmt"
	"math/rand/v2"

	"github.com/loralink/loralink-go/internal/predict"
)

// ringLen is the number of windows that a Decoder remembers. A window that is sent
// again may be followed by at most maxReference-1 others, and builds on one at most
// maxReference before it: fewer than ringLen in all, so that what is needed is there.
const ringLen = 32

// sent is a window that was encoded, and the state after it.
type sent struct {
	seq   byte
	epoch uint16
	key   bool
	state *predict.State
}

// predictiveEncoder is the Encoder of a Predictive.
type predictiveEncoder struct {
	codec  *Predictive
	random func() uint16

	epoch   uint16
	started bool   // epoch is set
	ref     sent   // the newest window of this epoch that was acknowledged; its state is nil where there is none
	flight  []sent // windows that await their acknowledgement, oldest first
	free    []*predict.State
	missing int // windows given up since the last one that was acknowledged
	age     int // one-way: windows since the last key frame, it included
	last    *predict.State
}

func newPredictiveEncoder(c *Predictive, epoch func() uint16) *predictiveEncoder {
	if epoch == nil {
		epoch = func() uint16 { return uint16(rand.Uint32()) }
	}
	return &predictiveEncoder{codec: c, random: epoch, flight: make([]sent, 0, maxReference+1)}
}

// MaxInFlight implements Encoder.
func (e *predictiveEncoder) MaxInFlight() int { return maxReference }

// AppendEncode implements Encoder.
func (e *predictiveEncoder) AppendEncode(dst []byte, seq byte, window []float64) ([]byte, error) {
	if n := len(e.flight); n > 0 && e.flight[n-1].seq == seq { // it was not sent
		e.drop(n - 1)
	}
	if e.codec.keyEvery > 0 {
		e.assume()
	} else if len(e.flight) == maxReference {
		e.drop(0) // its acknowledgement would come too late to be of use
	}
	h := header{seq: seq}
	s := e.take()
	if e.needsKey(seq) {
		h.epoch = e.nextEpoch()
		e.codec.model.Reset(s)
	} else {
		h.epoch, h.distance = e.epoch, int(seq-e.ref.seq)
		s.CopyFrom(e.ref.state)
	}
	out, err := e.codec.encode(dst, s, window, h)
	if err != nil {
		e.free = append(e.free, s)
		return dst, err
	}
	if h.distance == 0 {
		e.begin(h.epoch)
	}
	e.flight = append(e.flight, sent{seq: seq, epoch: h.epoch, key: h.distance == 0, state: s})
	e.last = s
	return out, nil
}

// needsKey reports whether the window with that SEQ must be a key frame.
func (e *predictiveEncoder) needsKey(seq byte) bool {
	if e.ref.state == nil {
		return true
	}
	if d := seq - e.ref.seq; d < 1 || d > maxReference {
		return true
	}
	if every := e.codec.keyEvery; every > 0 {
		return e.age >= every
	}
	return e.missing >= e.codec.keyAfter
}

// nextEpoch returns the epoch of a key frame. Key frames that follow each other
// without an acknowledgement have the same one, so that none makes the receiver forget
// another.
func (e *predictiveEncoder) nextEpoch() uint16 {
	if e.started && e.ref.state == nil && e.codec.keyEvery == 0 {
		return e.epoch
	}
	epoch := e.random()
	if e.started && epoch == e.epoch {
		epoch++
	}
	return epoch
}

// begin notes that a key frame of an epoch will be sent.
func (e *predictiveEncoder) begin(epoch uint16) {
	if e.ref.state != nil {
		e.free = append(e.free, e.ref.state)
		e.ref = sent{}
	}
	e.epoch, e.started, e.age = epoch, true, 0
}

// assume takes the last window for acknowledged, where no acknowledgements come.
func (e *predictiveEncoder) assume() {
	for len(e.flight) > 0 {
		e.age++
		if w := e.flight[0]; w.key || !e.codec.fromKey {
			e.settle(0)
		} else {
			e.drop(0)
		}
	}
}

// Acked implements Encoder.
func (e *predictiveEncoder) Acked(seq byte) {
	if e.codec.keyEvery > 0 {
		return
	}
	for i, w := range e.flight {
		if w.seq == seq {
			if w.epoch == e.epoch {
				e.missing = 0
			}
			e.settle(i)
			return
		}
	}
}

// GivenUp implements Encoder.
func (e *predictiveEncoder) GivenUp(seq byte) {
	if e.codec.keyEvery > 0 {
		return
	}
	for i, w := range e.flight {
		if w.seq == seq {
			e.missing++
			e.drop(i)
			return
		}
	}
}

// settle takes a window out of those in flight; if it is the newest one acknowledged,
// it becomes the reference.
func (e *predictiveEncoder) settle(i int) {
	w := e.flight[i]
	if w.epoch != e.epoch || e.ref.state != nil && w.seq-e.ref.seq > 127 {
		e.drop(i)
		return
	}
	if e.ref.state != nil {
		e.free = append(e.free, e.ref.state)
	}
	e.ref = w
	e.flight = append(e.flight[:i], e.flight[i+1:]...)
}

// drop forgets a window in flight.
func (e *predictiveEncoder) drop(i int) {
	e.free = append(e.free, e.flight[i].state)
	e.flight = append(e.flight[:i], e.flight[i+1:]...)
}

// take returns a state to write to.
func (e *predictiveEncoder) take() *predict.State {
	n := len(e.free)
	if n == 0 {
		return e.codec.model.NewState()
	}
	s := e.free[n-1]
	e.free = e.free[:n-1]
	return s
}

// AppendBounds implements Encoder.
func (e *predictiveEncoder) AppendBounds(dst []float64) []float64 {
	return e.codec.appendBounds(dst, e.last)
}

// appendBounds appends the bounds of the window that led to a state.
func (c *Predictive) appendBounds(dst []float64, s *predict.State) []float64 {
	if s == nil || !c.limited {
		return append(dst, c.tolerances...)
	}
	return c.model.Bounds(dst, s)
}

// predictiveDecoder is the Decoder of a Predictive.
type predictiveDecoder struct {
	codec   *Predictive
	epoch   uint16
	ring    [ringLen]received
	scratch *predict.State
	last    *predict.State
}

// received is a window that was decoded, and the state after it.
type received struct {
	known bool
	seq   byte
	state *predict.State // nil until it is used
}

func newPredictiveDecoder(c *Predictive) *predictiveDecoder {
	return &predictiveDecoder{codec: c, scratch: c.model.NewState()}
}

// AppendDecode implements Decoder.
func (d *predictiveDecoder) AppendDecode(dst []float64, seq byte, payload []byte) ([]float64, error) {
	h, err := d.codec.parseHeader(payload)
	if err != nil {
		return dst, err
	}
	h.seq = seq
	if h.distance == 0 {
		d.codec.model.Reset(d.scratch)
	} else {
		h.epoch = d.epoch
		ref := &d.ring[(seq-byte(h.distance))%ringLen]
		if !ref.known || ref.seq != seq-byte(h.distance) {
			return dst, fmt.Errorf("%w: SEQ %d", ErrReference, seq-byte(h.distance))
		}
		d.scratch.CopyFrom(ref.state)
	}
	out, err := d.codec.decode(dst, d.scratch, payload, h)
	if err != nil {
		return dst, err
	}
	if h.epoch != d.epoch {
		d.epoch = h.epoch
		for i := range d.ring {
			d.ring[i].known = false
		}
	}
	d.last = d.scratch
	d.remember(seq)
	return out, nil
}

// remember puts the scratch state into the ring, unless a newer window is in its place.
func (d *predictiveDecoder) remember(seq byte) {
	r := &d.ring[seq%ringLen]
	if r.known && r.seq != seq && r.seq-seq <= 127 {
		return
	}
	if r.state == nil {
		r.state = d.codec.model.NewState()
	}
	r.known, r.seq = true, seq
	r.state, d.scratch = d.scratch, r.state
	d.last = r.state
}

// AppendBounds implements Decoder.
func (d *predictiveDecoder) AppendBounds(dst []float64) []float64 {
	return d.codec.appendBounds(dst, d.last)
}
