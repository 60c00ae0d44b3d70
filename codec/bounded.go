package codec

import (
	"fmt"
	"slices"
	"sync"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/dataset/sensor"
)

const boundedID = "bounded"

// Bounded promises an error bound: every value of a decoded window is within
// the tolerance of its dimension, or the window was refused with ErrBound. It
// is a ladder of codecs, from the fewest bytes up. The encoder tries them in that
// order, decoding what it made, until a window comes back within all tolerances;
// the decoder knows the rung by the payload's length.
//
// Tolerances are in the units of the values. Longitude, roll and yaw of a
// sensor sample are compared modulo 360 (see [Angles]).
type Bounded struct {
	window     sensor.Shape
	tolerances []float64
	angles     []bool
	rungs      []Codec
	schema     string
	pool       sync.Pool // *boundedScratch
}

var _ Codec = (*Bounded)(nil)

type boundedScratch struct{ window []float64 }

// NewBounded returns the ladder of codecs that are at hand. Window says how
// windows were cut (a Stride of 0 counts as 1), and tolerances has an entry for
// each of its dims. There are at most 16 rungs. Rungs whose payload lengths do
// not rise are refused, and so are codecs whose payloads differ in length.
//
// The schema is that of a ladder.json without parameters.
func NewBounded(window sensor.Shape, tolerances []float64, rungs ...Codec) (*Bounded, error) {
	window.Stride = max(window.Stride, 1)
	l := Ladder{Window: window, Tolerances: tolerances}
	for _, c := range rungs {
		l.Rungs = append(l.Rungs, rungOf(c, Section{ID: c.ID(), Version: c.Version()}))
	}
	data, err := encodeFile(l)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	b, err := newBounded(LadderFile, &l, data, rungs)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	return b, nil
}

// newBounded builds the codec of the ladder.json at name, whose text is data.
func newBounded(name string, l *Ladder, data []byte, rungs []Codec) (*Bounded, error) {
	if err := l.check(name); err != nil {
		return nil, err
	}
	for i, c := range rungs {
		fault := ""
		switch c.(type) {
		case *Bounded, *Zlib:
			fault = "makes payloads of several lengths, want one length"
		}
		if want := l.Window.Dims * l.Window.W; c.WindowLen() != want {
			fault = fmt.Sprintf("takes windows of %d values, want %d", c.WindowLen(), want)
		}
		if fault != "" {
			return nil, &Error{name, fmt.Sprintf("rungs[%d].codec", i), fmt.Errorf("%w: codec %s %s", artifacts.ErrUnsupported, c.ID(), fault)}
		}
	}
	b := &Bounded{
		window: l.Window, tolerances: slices.Clone(l.Tolerances), angles: sensor.ForDims(l.Window.Dims).Angles(),
		rungs: slices.Clone(rungs), schema: "bounded_v1:" + sha256Hex(data),
	}
	b.pool.New = func() any { return &boundedScratch{make([]float64, 0, b.WindowLen())} }
	return b, nil
}

// ID is "bounded".
func (b *Bounded) ID() string { return boundedID }

// Version is "1".
func (b *Bounded) Version() string { return "1" }

// Schema holds the SHA-256 of ladder.json.
func (b *Bounded) Schema() string { return b.schema }

// WindowLen is dims·W.
func (b *Bounded) WindowLen() int { return b.window.Dims * b.window.W }

// MaxPayloadLen is the length of the last rung's payloads. A dst with room for
// as many bytes is not reallocated, whatever rung is taken.
func (b *Bounded) MaxPayloadLen() int { return b.rungs[len(b.rungs)-1].MaxPayloadLen() }

// Window says how the windows were cut.
func (b *Bounded) Window() sensor.Shape { return b.window }

// Tolerances returns the largest error of each value of a step.
func (b *Bounded) Tolerances() []float64 { return slices.Clone(b.tolerances) }

// Rungs returns the codecs of the ladder, from the fewest bytes up.
func (b *Bounded) Rungs() []Codec { return slices.Clone(b.rungs) }

// Rung is the index of the rung whose payloads have n bytes; -1 where none has.
func (b *Bounded) Rung(n int) int {
	return slices.IndexFunc(b.rungs, func(c Codec) bool { return c.MaxPayloadLen() == n })
}

// AppendEncode appends the payload of the first rung that meets every
// tolerance.
func (b *Bounded) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	if err := checkWindow(window, b.WindowLen()); err != nil {
		return dst, err
	}
	s := b.pool.Get().(*boundedScratch)
	defer b.pool.Put(s)
	room := slices.Grow(dst, b.MaxPayloadLen())
	lattice, need := "", 0 // the last one's hash, and the bytes it needs
	for _, c := range b.rungs {
		if l, ok := c.(*Lattice); ok {
			if l.hash != lattice {
				lattice, need = l.hash, l.need(window)
			}
			if need > l.length {
				continue
			}
		}
		if out, ok := b.try(c, room, window, s); ok {
			return out, nil
		}
	}
	return dst, b.why(window)
}

// try encodes window after dst with one rung, and says whether it meets every
// tolerance.
func (b *Bounded) try(c Codec, dst []byte, window []float64, s *boundedScratch) ([]byte, bool) {
	var out []byte
	if g, ok := c.(*Grid); ok { // no error is made where the next rung serves
		bad := 0
		if out, bad = g.tryEncode(dst, window); bad >= 0 {
			return dst, false
		}
	} else {
		var err error
		if out, err = c.AppendEncode(dst, window); err != nil {
			return dst, false
		}
	}
	payload := out[len(dst):]
	if len(payload) != c.MaxPayloadLen() {
		return dst, false
	}
	var err error
	if s.window, err = c.AppendDecode(s.window[:0], payload); err != nil {
		return dst, false
	}
	return out, b.beyond(window, s.window) < 0
}

// beyond is the index of the first value of got that is further from want than
// its tolerance, or is no number; -1 where all are within.
func (b *Bounded) beyond(want, got []float64) int {
	for i, v := range want {
		d := i % len(b.tolerances)
		if !(deviation(v, got[i], b.angles[d]) <= b.tolerances[d]) {
			return i
		}
	}
	return -1
}

// why says how the last rung failed.
func (b *Bounded) why(window []float64) error {
	last := b.rungs[len(b.rungs)-1]
	payload, err := last.AppendEncode(nil, window)
	if err != nil {
		return fmt.Errorf("%w: last rung: %w", ErrBound, err)
	}
	got, err := last.AppendDecode(nil, payload)
	if err != nil {
		return fmt.Errorf("%w: last rung: %w", ErrBound, err)
	}
	i := max(0, b.beyond(window, got))
	return fmt.Errorf("%w: value %d is %g, the last rung makes it %g, want at most %g between them", ErrBound, i, window[i], got[i], b.tolerances[i%len(b.tolerances)])
}

// AppendDecode decodes a payload by the rung of its length.
func (b *Bounded) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	i := b.Rung(len(payload))
	if i < 0 {
		return dst, fmt.Errorf("%w: %d bytes, want the length of a rung", ErrCorrupt, len(payload))
	}
	return b.rungs[i].AppendDecode(dst, payload)
}
