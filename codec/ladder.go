package codec

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/modelfile"
)

const ladderID = "bounded"

// Ladder keeps an error bound: every value of a decoded window is within its
// tolerance, or AppendEncode refuses the window with ErrBound. Its id is bounded.
//
// A ladder has codecs, its rungs, in ascending order of their payload lengths.
// AppendEncode tries them in that order and decodes each payload, until every value
// is within its tolerance. AppendDecode identifies the rung by the payload's length.
//
// Tolerances are in the units of the values. Angles are compared modulo 360.
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

// NewLadder returns a ladder of the given codecs. Window is the shape of the windows;
// a Stride of 0 means 1. Values describes the values of a step, nil means
// sensor.ForDims. Tolerances has one entry per value of a step. Rungs are 1 to
// MaxRungs codecs that implement [FixedLength], in ascending order of their lengths.
// An error wraps ErrSpec.
//
// The ladder's Schema is that of a ladder.json without parameters of codecs.
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

// newLadder builds the codec of a checked ladder.json with the content data.
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

// checkRung reports a codec that cannot be rung i of a ladder for windows of n values.
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

// ID returns "bounded".
func (b *Ladder) ID() string { return ladderID }

// Version returns "1".
func (b *Ladder) Version() string { return "1" }

// Schema returns a string with the SHA-256 of ladder.json.
func (b *Ladder) Schema() string { return b.schema }

// WindowLen returns dims·W.
func (b *Ladder) WindowLen() int { return b.spec.Window.Len() }

// MaxPayloadLen returns the length of the last rung's payloads. AppendEncode does not
// reallocate a dst with capacity for as many bytes.
func (b *Ladder) MaxPayloadLen() int { return b.rungs[len(b.rungs)-1].MaxPayloadLen() }

// Window returns the shape of the windows.
func (b *Ladder) Window() sensor.Shape { return b.spec.Window }

// SensorSchema returns what is known of the values of a step.
func (b *Ladder) SensorSchema() sensor.Schema { return b.spec.SensorSchema() }

// Angles reports for each value of a step whether it is compared modulo 360.
func (b *Ladder) Angles() []bool { return slices.Clone(b.angles) }

// Tolerances returns the largest error of each value of a step.
func (b *Ladder) Tolerances() []float64 { return slices.Clone(b.spec.Tolerances) }

// Rungs returns the codecs of the ladder in ascending order of their lengths.
func (b *Ladder) Rungs() []Codec {
	rungs := make([]Codec, len(b.rungs))
	for i, r := range b.rungs {
		rungs[i] = r.Codec
	}
	return rungs
}

// RungForLength returns the index of the rung whose payloads have n bytes, or -1 if
// there is none.
func (b *Ladder) RungForLength(n int) int {
	return slices.IndexFunc(b.rungs, func(r rung) bool { return r.MaxPayloadLen() == n })
}

// AppendEncode implements Codec. It appends the payload of the first rung that meets
// every tolerance.
func (b *Ladder) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	if err := checkWindow(b, window); err != nil {
		return dst, err
	}
	s := b.pool.Get().(*ladderScratch)
	defer b.pool.Put(s)
	grown := slices.Grow(dst, b.MaxPayloadLen())
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
		if out, ok := b.try(r, grown, window, s); ok {
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

// beyond returns the index of the first value of got that is NaN or further from want
// than its tolerance, or -1 if there is none.
func (b *Ladder) beyond(want, got []float64) int {
	for i, v := range want {
		d := i % len(b.angles)
		if !(math.Abs(sensor.Difference(v, got[i], b.angles[d])) <= b.spec.Tolerances[d]) {
			return i
		}
	}
	return -1
}

// refusedError is the error for a window that no rung encodes. It wraps ErrBound and
// the error of the last rung.
type refusedError struct{ last error }

func (e *refusedError) Error() string {
	text := e.last.Error()
	for _, repeated := range []string{ErrValue.Error() + ": ", "codec: "} {
		text = strings.TrimPrefix(text, repeated)
	}
	return ErrBound.Error() + ": last rung: " + text
}

func (e *refusedError) Unwrap() []error { return []error{ErrBound, e.last} }

// refusal returns the error for a window that no rung encodes: how the last one
// failed.
func (b *Ladder) refusal(window []float64) error {
	last := b.rungs[len(b.rungs)-1]
	payload, err := last.AppendEncode(nil, window)
	if err != nil {
		return &refusedError{err}
	}
	got, err := last.AppendDecode(nil, payload)
	if err != nil {
		return &refusedError{err}
	}
	i := max(0, b.beyond(window, got))
	d := i % len(b.angles)
	return fmt.Errorf("%w: last rung: %s is %.9g, decoded as %.9g, want at most %g between them", ErrBound, valueName(b, i), window[i], got[i], b.spec.Tolerances[d])
}

// AppendDecode implements Codec.
func (b *Ladder) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	i := b.RungForLength(len(payload))
	if i < 0 {
		return dst, fmt.Errorf("%w: %d bytes, want the length of a rung", ErrCorrupt, len(payload))
	}
	return b.rungs[i].AppendDecode(dst, payload)
}
