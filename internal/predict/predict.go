// Package predict codes windows of a multivariate time series in few bits at a
// bounded error, with memory between windows and nothing trained beforehand.
//
// # Model
//
// Each value of a step is predicted from the past and from the values of the
// same step that are already coded. The prediction residual is coded as k, a
// number of quantisation steps of two tolerances each, and the decoded value is
// the prediction plus k steps. The prediction is any number, not a multiple of
// the step, so k stays zero as long as the values stay within a tolerance of
// what is predicted.
//
// There are four predictions of a value:
//
//   - the last one;
//   - its running mean;
//   - a regression on the last changes of all values, on how far each is from
//     its mean, and on the changes in this step of the values coded before it;
//   - a regression on the value's own last change, running mean changes and
//     running means at several rates.
//
// Each is the centre of a family of t distributions of thirteen scales. A
// mixture of them all gives the probability of each k; then every component's
// weight is multiplied by the probability that it gave to the k that came
// (Bayes' rule), a small part of it goes to the neighbouring scales, and a
// smaller one is shared by all components (Herbster and Warmuth 1998), so that
// the model follows changes. k is counted from the mean of the predictions, by
// the components' weights divided by their scales.
//
// What is remembered of a value is not the decoded one but the one expected
// within the interval that k stands for: a value that has just left the
// interval of zero is close to its edge.
//
// The small profile has no regressions; its third prediction is the last value
// plus the running mean change. It computes in whole numbers below 2^53, apart
// from turning values into such numbers and back, and needs 53 bits only in
// products.
//
// # Payload
//
// A window's steps are coded in order by a binary range coder, in which the
// payload's first bits, as many as the caller asks for, are left to a header.
// A payload is the shortest string of bytes within the coder's interval, where
// zeros follow the last byte; its length is not in it. A decoder refuses any
// other string for the same window.
//
// # Key frames
//
// Without memory the first step of a window is coded as quantisation steps from
// zero, or from a prior's centre; see firstCode.
//
// # Determinism
//
// The two ends must hold equal states to the bit. All is done in whole
// numbers, or in float64 by + - * / where each product is rounded before it is
// added.
package predict

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
)

// Errors. Those of a window are ErrRange and ErrTooLong, those of a payload
// ErrCorrupt.
var (
	ErrParams  = errors.New("predict: bad parameters")
	ErrRange   = errors.New("predict: value out of range")
	ErrTooLong = errors.New("predict: window does not fit the payload")
	ErrCorrupt = errors.New("predict: corrupt payload")
)

const (
	maxDims    = 64
	maxPayload = 1 << 16
	maxHeader  = 64

	// maxValue is the largest absolute value, in units: about
	// 10^9 tolerances.
	maxValue = 5e8 * unit

	groupSize  = 12 // values that are regressed on each other, at most
	groupParts = 3  // of a value in its group's covariance
	ownParts   = 7
	groupFade  = 0.9995 // a step's weight in the next one
	ownFade    = 0.998
)

// Params describe the values of a step.
type Params struct {
	Tolerances []float64 // the largest error of each value, above 0
	Angles     []bool    // which of them lie on a circle of 360; nil: none
	Small      bool      // the small profile
}

// Model codes windows of one kind. It is immutable and safe for concurrent
// use.
type Model struct {
	unit        []float64 // of each value, in the value's own unit of measure
	circle      []int64   // how many units are 360; 0: no angle
	small       bool
	predictions int
	groups      []span
	prior       *State
	first       []firstCode
	pool        sync.Pool // *work
}

// span is a range of values.
type span struct{ from, to int }

func (s span) len() int { return s.to - s.from }

// work is what coding takes besides the state.
type work struct {
	coder   coder
	mixture mixture
	flag    flag
	group   []*regression
	own     *regression
	target  []int64 // values of a window, in units
	decoded []int64

	// Of windows with a limited length: the state behind one try, and the
	// best so far.
	trial, best *State
	bestDecoded []int64
	bestOut     []byte
}

// New returns the model of values with these parameters. A prior is nil or
// what [Learner.Prior] returned for the same parameters.
func New(params Params, prior []byte) (*Model, error) {
	n := len(params.Tolerances)
	if n < 1 || n > maxDims {
		return nil, fmt.Errorf("%w: %d values a step, want 1..%d", ErrParams, n, maxDims)
	}
	if params.Angles != nil && len(params.Angles) != n {
		return nil, fmt.Errorf("%w: %d entries of angles for %d values", ErrParams, len(params.Angles), n)
	}
	m := &Model{small: params.Small, predictions: 4}
	if m.small {
		m.predictions = 3
	}
	for i, tolerance := range params.Tolerances {
		if !(tolerance >= 1e-290 && tolerance <= 1e290) {
			return nil, fmt.Errorf("%w: tolerance %d is %g, want 1e-290..1e290", ErrParams, i, tolerance)
		}
		// A little less than two tolerances a step makes up for the rounding
		// of a value to a whole unit.
		u := 2 * tolerance * (1 - 1.0/(1<<15)) / unit
		circle := int64(0)
		if params.Angles != nil && params.Angles[i] {
			if tolerance < 360/1e9 {
				return nil, fmt.Errorf("%w: tolerance %d is %g, want at least %g for an angle", ErrParams, i, tolerance, 360/1e9)
			}
			if tolerance >= 180 {
				return nil, fmt.Errorf("%w: tolerance %d is %g, want less than 180 for an angle", ErrParams, i, tolerance)
			}
			circle = int64(math.Ceil(360 / u))
			u = 360 / float64(circle)
		}
		m.unit = append(m.unit, u)
		m.circle = append(m.circle, circle)
	}
	groups := (n + groupSize - 1) / groupSize
	for g := range groups {
		m.groups = append(m.groups, span{g * n / groups, (g + 1) * n / groups})
	}
	m.prepare()
	if prior != nil {
		if err := m.readPrior(prior); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Model) newWork() *work {
	w := &work{mixture: newMixture(m.predictions), trial: m.NewState(), best: m.NewState()}
	if !m.small {
		w.own = newRegression(ownParts)
		for _, g := range m.groups {
			w.group = append(w.group, newRegression(groupParts*g.len()))
		}
	}
	return w
}

// Values is the number of values of a step.
func (m *Model) Values() int { return len(m.unit) }

// AppendEncode appends the payload of a window of whole steps, oldest first,
// and advances s by it. The first header bits of the payload, at most 64, are
// zero, for the caller to fill. decoded is nil, or of the window's length and
// receives the values as the other end decodes them.
//
// A value that is not finite, or more than about 10^9 tolerances from zero, is
// ErrRange. On error dst is returned as it was, and s is of no use until it is
// restored or reset.
func (m *Model) AppendEncode(dst []byte, s *State, window, decoded []float64, header int) ([]byte, error) {
	if err := m.checkShape(window, decoded, header); err != nil {
		return dst, err
	}
	w := m.pool.Get().(*work)
	defer m.pool.Put(w)
	if err := m.quantise(w, window); err != nil {
		return dst, err
	}
	w.coder.startEncode(header, maxPayload)
	m.setWidths(s, 0, false)
	if err := m.window(s, w, len(window)/len(m.unit)); err != nil {
		return dst, err
	}
	w.coder.finish((header + 7) / 8)
	if w.coder.over {
		return dst, fmt.Errorf("%w: more than %d bytes", ErrTooLong, maxPayload)
	}
	m.values(decoded, w.decoded)
	return append(dst, w.coder.out...), nil
}

// AppendDecode appends the window of so many steps whose payload follows s,
// and advances s by it. The first header bits of the payload are ignored. A
// payload that no encoder writes is ErrCorrupt. On error dst is returned as it
// was, and s is of no use until it is restored or reset.
func (m *Model) AppendDecode(dst []float64, s *State, payload []byte, steps, header int) ([]float64, error) {
	return m.decode(dst, s, payload, steps, header, false)
}

func (m *Model) decode(dst []float64, s *State, payload []byte, steps, header int, levels bool) ([]float64, error) {
	if steps < 1 || header < 0 || header > maxHeader {
		return dst, fmt.Errorf("%w: window of %d steps behind %d bits", ErrParams, steps, header)
	}
	if len(payload) > maxPayload || len(payload) < (header+7)/8 {
		return dst, fmt.Errorf("%w: %d bytes", ErrCorrupt, len(payload))
	}
	w := m.pool.Get().(*work)
	defer m.pool.Put(w)
	w.coder.startDecode(payload, header)
	level := int64(0)
	if levels {
		level = w.coder.level(s.level, 0)
		if level < minLevel || level > maxLevel {
			return dst, fmt.Errorf("%w: step level %d", ErrCorrupt, level)
		}
	}
	m.setWidths(s, level, levels)
	w.target = w.target[:0]
	if err := m.window(s, w, steps); err != nil {
		return dst, err
	}
	w.coder.finish((header + 7) / 8)
	if !w.coder.matches(payload, header) {
		return dst, fmt.Errorf("%w: another code of this window, want the shortest", ErrCorrupt)
	}
	have := len(dst)
	dst = slices.Grow(dst, len(w.decoded))[:have+len(w.decoded)]
	m.values(dst[have:], w.decoded)
	return dst, nil
}

func (m *Model) checkShape(window, decoded []float64, header int) error {
	if n := len(m.unit); len(window) == 0 || len(window)%n != 0 {
		return fmt.Errorf("%w: window of %d values, want steps of %d", ErrParams, len(window), n)
	}
	if decoded != nil && len(decoded) != len(window) {
		return fmt.Errorf("%w: room for %d decoded values, want %d", ErrParams, len(decoded), len(window))
	}
	if header < 0 || header > maxHeader {
		return fmt.Errorf("%w: %d header bits, want 0..%d", ErrParams, header, maxHeader)
	}
	return nil
}

// quantise leaves the window's values in w.target, in units.
func (m *Model) quantise(w *work, window []float64) error {
	w.target = slices.Grow(w.target[:0], len(window))
	j := 0
	for _, x := range window {
		circle := m.circle[j]
		if circle > 0 {
			if !(math.Abs(x) <= 1e12) {
				return fmt.Errorf("%w: value %d is %g, want an angle", ErrRange, len(w.target), x)
			}
			x = math.Mod(x, 360)
		}
		x /= m.unit[j]
		if !(math.Abs(x) <= maxValue) {
			return fmt.Errorf("%w: value %d is %g, want at most %g", ErrRange, len(w.target), x*m.unit[j], maxValue*m.unit[j])
		}
		w.target = append(w.target, wrap(int64(math.Round(x)), circle))
		if j++; j == len(m.unit) {
			j = 0
		}
	}
	return nil
}

// values turns units into values, if there is room for them.
func (m *Model) values(dst []float64, src []int64) {
	if len(dst) < len(src) {
		return
	}
	j := 0
	for i, v := range src {
		dst[i] = float64(float64(v) * m.unit[j])
		if j++; j == len(m.unit) {
			j = 0
		}
	}
}

// wrap turns v to within half a circle of zero; a circle of 0 is a line.
func wrap(v, circle int64) int64 {
	half := circle / 2
	if circle == 0 || v >= -half && v < circle-half {
		return v
	}
	if v = (v + half) % circle; v < 0 {
		v += circle
	}
	return v - half
}
