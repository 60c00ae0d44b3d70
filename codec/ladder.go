package codec

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/modelfile"
)

const ladderID = "bounded"

// Ladder promises an error bound: every value of a decoded window is within the
// tolerance of its dimension, or the window was refused with ErrBound. It holds
// codecs, its rungs, from the fewest bytes up. The encoder tries them in that
// order, decoding what it made, until a window comes back within all tolerances;
// the decoder knows the rung by the payload's length.
//
// Tolerances are in the units of the values. Angles (see [Angular]) are compared
// modulo 360.
type Ladder struct {
	spec   LadderSpec
	angles []bool
	rungs  []rung
	schema string
	pool   sync.Pool // *ladderScratch
}

// rung is a codec and what it can tell before it encodes.
type rung struct {
	Codec
	estimator Estimator // nil: none
	code      string    // the estimator's
}

var _ interface {
	Codec
	Windowed
	Described
	Angular
	Bounded
	Laddered
} = (*Ladder)(nil)

type ladderScratch struct{ window []float64 }

// NewLadder returns the ladder of codecs that are at hand. Window says how windows
// were cut (a Stride of 0 counts as 1), values what each value of a step is (nil:
// sensor.ForDims), and tolerances has an entry for each value of a step. There are
// at most MaxRungs rungs. Each must be a [FixedLength] codec, and their lengths
// must rise.
//
// The schema is that of a ladder.json without parameters.
func NewLadder(window sensor.Shape, values sensor.Schema, tolerances []float64, rungs ...Codec) (*Ladder, error) {
	if values != nil && len(values) != window.Dims {
		return nil, fmt.Errorf("%w: %d values are described, want %d", ErrSpec, len(values), window.Dims)
	}
	window.Stride = max(window.Stride, 1)
	l := LadderSpec{Window: window, Tolerances: slices.Clone(tolerances)}
	if values != nil {
		l.SetSensorSchema(values)
	}
	for _, c := range rungs {
		l.Rungs = append(l.Rungs, NewRungSpec(c, Params{}))
	}
	if err := located(LadderFile, l.check()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	data, err := l.Text()
	if err != nil {
		return nil, err
	}
	b, err := newLadder(LadderFile, &l, data, rungs)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	return b, nil
}

// newLadder builds the codec of a ladder.json that was checked, whose text is
// data.
func newLadder(name string, l *LadderSpec, data []byte, codecs []Codec) (*Ladder, error) {
	b := &Ladder{spec: *l, angles: l.SensorSchema().Angles(), schema: "bounded_v1:" + modelfile.Hash(data)}
	for i, c := range codecs {
		if err := checkRung(name, i, c, l.Window.Len()); err != nil {
			return nil, err
		}
		r := rung{Codec: c}
		if e, ok := c.(Estimator); ok {
			r.estimator, r.code = e, e.Code()
		}
		b.rungs = append(b.rungs, r)
	}
	b.pool.New = func() any { return &ladderScratch{make([]float64, 0, b.WindowLen())} }
	return b, nil
}

// checkRung refuses a codec that cannot be the rung i of a ladder for windows of n
// values.
func checkRung(file string, i int, c Codec, n int) error {
	fault := ""
	if f, ok := c.(FixedLength); !ok || f.PayloadLen() != c.MaxPayloadLen() {
		fault = "makes payloads of several lengths, want one length"
	}
	if c.WindowLen() != n {
		fault = fmt.Sprintf("takes windows of %d values, want %d", c.WindowLen(), n)
	}
	if fault == "" {
		return nil
	}
	return fileError(file, fmt.Sprintf("rungs[%d].codec", i), fmt.Errorf("%w: codec %s %s", ErrUnsupported, c.ID(), fault))
}

// ID is "bounded".
func (b *Ladder) ID() string { return ladderID }

// Version is "1".
func (b *Ladder) Version() string { return "1" }

// Schema holds the SHA-256 of ladder.json.
func (b *Ladder) Schema() string { return b.schema }

// WindowLen is dims·W.
func (b *Ladder) WindowLen() int { return b.spec.Window.Len() }

// MaxPayloadLen is the length of the last rung's payloads. A dst with room for as
// many bytes is not reallocated, whatever rung is taken.
func (b *Ladder) MaxPayloadLen() int { return b.rungs[len(b.rungs)-1].MaxPayloadLen() }

// Window says how the windows were cut.
func (b *Ladder) Window() sensor.Shape { return b.spec.Window }

// Values describes the values of a step.
func (b *Ladder) SensorSchema() sensor.Schema { return b.spec.SensorSchema() }

// Angles says of each value of a step whether it is compared modulo 360.
func (b *Ladder) Angles() []bool { return slices.Clone(b.angles) }

// Tolerances returns the largest error of each value of a step.
func (b *Ladder) Tolerances() []float64 { return slices.Clone(b.spec.Tolerances) }

// Rungs returns the codecs of the ladder, from the fewest bytes up.
func (b *Ladder) Rungs() []Codec {
	rungs := make([]Codec, len(b.rungs))
	for i, r := range b.rungs {
		rungs[i] = r.Codec
	}
	return rungs
}

// RungForLength is the index of the rung whose payloads have n bytes; -1 where none has.
func (b *Ladder) RungForLength(n int) int {
	return slices.IndexFunc(b.rungs, func(r rung) bool { return r.MaxPayloadLen() == n })
}

// AppendEncode appends the payload of the first rung that meets every tolerance.
func (b *Ladder) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	if err := checkWindow(window, b.WindowLen()); err != nil {
		return dst, err
	}
	s := b.pool.Get().(*ladderScratch)
	defer b.pool.Put(s)
	room := slices.Grow(dst, b.MaxPayloadLen())
	code, need, ok := "", 0, true // of the estimator asked last
	for i := range b.rungs {
		r := &b.rungs[i]
		if r.estimator != nil {
			if code != r.code {
				code = r.code
				need, ok = r.estimator.Need(window)
			}
			if !ok || need > r.MaxPayloadLen() {
				continue
			}
		}
		if out, ok := b.try(r, room, window, s); ok {
			return out, nil
		}
	}
	return dst, b.refusal(window)
}

// try encodes window after dst with one rung, and says whether it meets every
// tolerance.
func (b *Ladder) try(r *rung, dst []byte, window []float64, s *ladderScratch) ([]byte, bool) {
	out, err := r.AppendEncode(dst, window)
	if err != nil {
		return dst, false
	}
	payload := out[len(dst):]
	if len(payload) != r.MaxPayloadLen() {
		return dst, false
	}
	if s.window, err = r.AppendDecode(s.window[:0], payload); err != nil || len(s.window) != len(window) {
		return dst, false
	}
	return out, b.beyond(window, s.window) < 0
}

// beyond is the index of the first value of got that is further from want than its
// tolerance, or is NaN; -1 where all are within.
func (b *Ladder) beyond(want, got []float64) int {
	for i, v := range want {
		d := i % len(b.angles)
		if !(math.Abs(sensor.Difference(v, got[i], b.angles[d])) <= b.spec.Tolerances[d]) {
			return i
		}
	}
	return -1
}

// refusal is the error of a window that no rung takes: how the last one failed.
func (b *Ladder) refusal(window []float64) error {
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
	return fmt.Errorf("%w: value %d is %g, the last rung makes it %g, want at most %g between them", ErrBound, i, window[i], got[i], b.spec.Tolerances[i%len(b.angles)])
}

// AppendDecode decodes a payload by the rung of its length.
func (b *Ladder) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	i := b.RungForLength(len(payload))
	if i < 0 {
		return dst, fmt.Errorf("%w: %d bytes, want the length of a rung", ErrCorrupt, len(payload))
	}
	return b.rungs[i].AppendDecode(dst, payload)
}
