package predict

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// A prior is what a state starts from instead of nothing: the weights that
// mixtures usually have soon after the start, those of the flags, and where
// the values of a key frame usually lie. Its serialisation, all little-endian,
// for n values a step:
//
//	4 bytes    "LPP1"
//	1 byte     1 for the small profile, else 0
//	1 byte     n
//	n×8 bytes  units (float64), to tell that the parameters are the model's
//	n×8 bytes  centres of a key frame's values, in units (int64)
//	n×40×2 bytes  parts of the lengths of their distances from there, of 2^16
//	m×2 bytes  weights of a mixture's components, in parts of 2^16
//	(n+1)×4×4 bytes  weights of the flags (int32)
//
// where m is 52 in the full profile and 39 in the small one. The mixtures of
// all values start alike, and the regressions from nothing: those of another
// recording do more harm than good.
const priorMagic = "LPP1"

const (
	// learnSteps is how many steps a learner runs a state before it begins
	// with a new one, since a prior is for the start.
	learnSteps = 200
	// What part of a prior is what a state without one has.
	plainLengthPart = 0.2
	plainWeightPart = 0.35
)

// Learner makes a prior of recordings. It is not safe for concurrent use.
type Learner struct {
	model       *Model
	state       *State
	runs        float64   // of learnSteps steps, or the rest of a recording
	weights     []float64 // sums over windows and values
	flagWeights []float64 // sums over runs
	sampled     [][]int64 // some of each value's, in units
	stride      int       // from one of them to the next, in steps
	steps       int       // so far
}

// NewLearner returns a learner of priors for models with m's parameters. What
// prior m has does not matter.
func (m *Model) NewLearner() *Learner {
	bare := &Model{unit: m.unit, circle: m.circle, small: m.small, predictions: m.predictions, groups: m.groups}
	bare.prepare()
	l := &Learner{model: bare, state: bare.NewState(), sampled: make([][]int64, len(m.unit)), stride: 1}
	l.weights = make([]float64, m.predictions*scales)
	l.flagWeights = make([]float64, len(l.state.flagWeights))
	return l
}

// Window takes the next window of a recording. The windows of a recording
// follow each other in time.
func (l *Learner) Window(window []float64) error {
	m := l.model
	if err := m.checkShape(window, nil, 0); err != nil {
		return err
	}
	w := m.pool.Get().(*work)
	defer m.pool.Put(w)
	if err := m.quantise(w, window); err != nil {
		return err
	}
	w.coder.startEncode(0, math.MaxInt)
	m.setWidths(l.state, 0, false)
	if err := m.window(l.state, w, len(window)/len(m.unit)); err != nil {
		return err
	}
	for i, v := range l.state.weights {
		l.weights[i%len(l.weights)] += float64(v)
	}
	l.sample(w.decoded)
	if l.state.count >= learnSteps {
		l.Next()
	}
	return nil
}

// sample keeps every stride-th step.
func (l *Learner) sample(values []int64) {
	const most = 4096
	n := len(l.sampled)
	for ; len(values) > 0; values = values[n:] {
		if l.steps%l.stride == 0 {
			for j := range n {
				l.sampled[j] = append(l.sampled[j], values[j])
			}
		}
		l.steps++
		if len(l.sampled[0]) == most {
			for j, v := range l.sampled {
				for i := range most / 2 {
					v[i] = v[2*i]
				}
				l.sampled[j] = v[:most/2]
			}
			l.stride *= 2
		}
	}
}

// Next ends a recording; the next window begins another one.
func (l *Learner) Next() {
	if !l.state.started {
		return
	}
	l.runs++
	for i, v := range l.state.flagWeights {
		l.flagWeights[i] += float64(v)
	}
	l.model.Reset(l.state)
}

// Prior returns the serialised prior of the recordings so far, and ends the
// last of them. It is nil where there was none.
func (l *Learner) Prior() []byte {
	l.Next()
	if l.runs == 0 {
		return nil
	}
	m := l.model
	dst := append([]byte(priorMagic), byte(b2i(m.small)), byte(len(m.unit)))
	for _, u := range m.unit {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(u))
	}
	var parts []byte
	for j, values := range l.sampled {
		center, p := firstValues(values, m.circle[j])
		dst = binary.LittleEndian.AppendUint64(dst, uint64(center))
		for _, v := range p {
			parts = appendPart(parts, v)
		}
	}
	dst = append(dst, parts...)
	sum := 0.0
	for _, v := range l.weights {
		sum += v
	}
	plain := 1 / float64(len(l.weights))
	for _, v := range l.weights {
		dst = appendPart(dst, plainWeightPart*plain+(1-plainWeightPart)*v/sum)
	}
	for _, v := range l.flagWeights {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(int32(v/l.runs)))
	}
	return dst
}

func appendPart(dst []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint16(dst, uint16(min(v*(1<<16), 1<<16-1)))
}

// firstValues is the centre of values, and the parts of the lengths of their
// distances from it in steps. The centre is the one of a few whose lengths are
// least in sum.
func firstValues(values []int64, circle int64) (center int64, parts [lengths]float64) {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	least := math.MaxInt
	for i := range 8 {
		c := int64(0)
		if i > 0 {
			c = sorted[i*len(sorted)/8]
		}
		sum := 0
		var count [lengths]float64
		for _, v := range values {
			d := nearest(wrap(v-c, circle), unit)
			n := min(bits.Len64(uint64(max(d, -d))), lengths-1)
			sum += n
			count[n]++
		}
		if sum < least {
			center, parts, least = c, count, sum
		}
	}
	// Lengths close to those seen are likely too.
	count := parts
	plain := plainLengths()
	for i := range parts {
		near := 0.0
		for k, v := range count {
			near += v * math.Exp2(-math.Abs(float64(i-k))) / 3
		}
		parts[i] = plainLengthPart*plain[i] + (1-plainLengthPart)*near/float64(len(values))
	}
	return center, parts
}

// prepare makes the model ready to use without a prior.
func (m *Model) prepare() {
	m.first = nil
	for range m.unit {
		m.first = append(m.first, newFirstCode(0, plainLengths()))
	}
	m.pool.New = func() any { return m.newWork() }
}

// readPrior makes the state and the tables that a serialised prior holds the
// model's.
func (m *Model) readPrior(src []byte) error {
	n := len(m.unit)
	s := m.NewState()
	bad := func(what string) error { return fmt.Errorf("%w: prior: %s", ErrParams, what) }
	if len(src) < 6 || string(src[:4]) != priorMagic {
		return bad("not one at all")
	}
	components := m.predictions * scales
	size := 6 + n*(16+2*lengths) + 2*components + 4*len(s.flagWeights)
	if src[4] != byte(b2i(m.small)) || int(src[5]) != n || len(src) != size {
		return bad("of another profile or schema")
	}
	src = src[6:]
	word := func() uint64 {
		v := binary.LittleEndian.Uint64(src)
		src = src[8:]
		return v
	}
	part := func() uint16 {
		v := binary.LittleEndian.Uint16(src)
		src = src[2:]
		return v
	}
	for _, u := range m.unit {
		if math.Float64frombits(word()) != u {
			return bad("of other tolerances or angles")
		}
	}
	first := make([]firstCode, n)
	for j := range first {
		c := int64(word())
		if c > maxValue || c < -maxValue || wrap(c, m.circle[j]) != c {
			return bad("centre out of range")
		}
		first[j].center = c
	}
	for j := range first {
		var parts [lengths]float64
		for i := range parts {
			parts[i] = float64(part())
		}
		first[j] = newFirstCode(first[j].center, parts)
	}
	sum := uint32(0)
	for i := range components {
		w := uint32(part()) << (weightBits - 16)
		sum += w
		for k := i; k < len(s.weights); k += components {
			s.weights[k] = w
		}
	}
	if sum < 1<<(weightBits-1) || sum > 1<<(weightBits+1) {
		return bad("weights do not sum to 1")
	}
	for i := range s.flagWeights {
		s.flagWeights[i] = clampWeight(int32(binary.LittleEndian.Uint32(src)))
		src = src[4:]
	}
	m.prior, m.first = s, first
	return nil
}
