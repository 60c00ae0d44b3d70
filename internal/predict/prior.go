package predict

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// A prior is a state to start from instead of nothing, and where the values of
// a key frame usually lie. Its serialisation, all little-endian:
//
//	4 bytes    "LPP1"
//	1 byte     1 for the small profile, else 0
//	1 byte     n, the values of a step
//	n×8 bytes  units (float64), to tell that the parameters are the model's
//	n×8 bytes  centres of a key frame's values, in units (int64)
//	n×1 byte   bits of the usual distance from there, in steps
//	2 bytes each  weights of the mixtures, in parts of 2^-16
//	4 bytes each  weights of the flags (int32)
//
// and in the full profile the covariances, groups before single values, each
// a float32 for its weight and float32s for its moments.
const priorMagic = "LPP1"

// What a prior counts for: little, since the next recording is another one.
const (
	priorSteps = 100 // the most steps that a covariance stands for
	priorShare = 8   // one part in so many of the weights is shared by all
)

// Learner runs a model over recordings and makes a prior of what it learns.
type Learner struct {
	model   *Model
	state   *State
	windows float64
	weights []float64 // sums over windows of a recording, made shares

	recordings  float64
	mean        []float64 // of weights, sums over recordings
	flagWeights []float64
	group, own  []covariance
	places      [][]int64 // a sample of each value's places
	stride      int       // of the sample, in steps
	steps       int
}

// NewLearner returns a learner for priors of models with m's parameters. It
// does not use the prior that m has.
func (m *Model) NewLearner() *Learner {
	bare := &Model{
		unit: m.unit, circle: m.circle, small: m.small, predictions: m.predictions, groups: m.groups,
		first: make([]firstCode, len(m.unit)),
	}
	for i := range bare.first {
		bare.first[i].bits = -1
	}
	bare.pool.New = func() any { return bare.newWork() }
	l := &Learner{model: bare, state: bare.NewState(), places: make([][]int64, len(m.unit)), stride: 1}
	zero := bare.NewState()
	l.weights = make([]float64, len(zero.weights))
	l.mean = make([]float64, len(zero.weights))
	l.flagWeights = make([]float64, len(zero.flagWeights))
	l.group, l.own = zero.group, zero.own
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
	m.setCells(l.state, 0, false)
	if err := m.window(l.state, w, len(window)/len(m.unit)); err != nil {
		return err
	}
	l.windows++
	for i, v := range l.state.weights {
		l.weights[i] += float64(v)
	}
	l.sample(w.places)
	return nil
}

// sample keeps every stride-th step.
func (l *Learner) sample(places []int64) {
	const most = 4096
	n := len(l.places)
	for ; len(places) > 0; places = places[n:] {
		if l.steps%l.stride == 0 {
			for j := range n {
				l.places[j] = append(l.places[j], places[j])
			}
			if len(l.places[0]) == most {
				for j, v := range l.places {
					for i := range most / 2 {
						v[i] = v[2*i]
					}
					l.places[j] = v[:most/2]
				}
				l.stride *= 2
			}
		}
		l.steps++
	}
}

// Next ends a recording; the next window begins another one.
func (l *Learner) Next() {
	if l.windows == 0 {
		return
	}
	l.recordings++
	for i, v := range l.weights {
		l.mean[i] += v / l.windows
	}
	for i, v := range l.state.flagWeights {
		l.flagWeights[i] += float64(v)
	}
	add := func(dst, src []covariance) {
		for i := range dst {
			dst[i].weight += src[i].weight
			for k, v := range src[i].moment {
				dst[i].moment[k] += v
			}
		}
	}
	add(l.group, l.state.group)
	add(l.own, l.state.own)
	clear(l.weights)
	l.windows = 0
	l.model.Reset(l.state)
}

// Prior returns the serialised prior of the recordings so far, and ends the
// last of them. Every recording counts alike. It is nil where there was none.
func (l *Learner) Prior() []byte {
	l.Next()
	if l.recordings == 0 {
		return nil
	}
	m := l.model
	n := len(m.unit)
	dst := append([]byte(priorMagic), byte(b2i(m.small)), byte(n))
	for _, u := range m.unit {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(u))
	}
	var usual []byte
	for j := range n {
		center, width := middle(l.places[j], m.circle[j])
		dst = binary.LittleEndian.AppendUint64(dst, uint64(center))
		usual = append(usual, byte(width))
	}
	dst = append(dst, usual...)
	each := m.predictions * scales
	for i := 0; i < len(l.mean); i += each {
		sum := 0.0
		for _, v := range l.mean[i : i+each] {
			sum += v
		}
		for _, v := range l.mean[i : i+each] {
			v = (1-1.0/priorShare)*v/sum + 1.0/priorShare/float64(each)
			dst = binary.LittleEndian.AppendUint16(dst, uint16(min(v*(1<<16), 1<<16-1)))
		}
	}
	for _, v := range l.flagWeights {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(int32(v/l.recordings)))
	}
	for _, list := range [][]covariance{l.group, l.own} {
		for _, c := range list {
			dst = appendFloat(dst, min(c.weight/l.recordings, priorSteps))
			for _, v := range c.moment {
				dst = appendFloat(dst, v/l.recordings)
			}
		}
	}
	return dst
}

func appendFloat(dst []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(v)))
}

// middle is the median of places, and the median number of bits of their
// distances from it in steps. On a circle it is the place where that number is
// least of some.
func middle(places []int64, circle int64) (center int64, width int) {
	distances := func(center int64) (width, sum int) {
		lengths := make([]int, len(places))
		for i, p := range places {
			d := nearest(wrap(p-center, circle), unit)
			lengths[i] = bits.Len64(uint64(max(d, -d)))
			sum += lengths[i]
		}
		slices.Sort(lengths)
		return lengths[len(lengths)/2], sum
	}
	sorted := slices.Clone(places)
	slices.Sort(sorted)
	best := math.MaxInt
	for i := range 9 { // the median is among them
		c := sorted[min(i*len(sorted)/8, len(sorted)-1)]
		if circle == 0 && i != 4 {
			continue
		}
		if n, sum := distances(c); sum < best {
			center, width, best = c, n, sum
		}
	}
	return center, width
}

// readPrior makes the state and the centres that a serialised prior holds the
// model's.
func (m *Model) readPrior(src []byte) error {
	n := len(m.unit)
	s := m.NewState()
	bad := func(what string) error { return fmt.Errorf("%w: prior: %s", ErrParams, what) }
	size := 6 + n*17 + 2*len(s.weights) + 4*len(s.flagWeights)
	for _, list := range [][]covariance{s.group, s.own} {
		for _, c := range list {
			size += 4 * (1 + len(c.moment))
		}
	}
	if len(src) < 6 || string(src[:4]) != priorMagic {
		return bad("no prior at all")
	}
	if src[4] != byte(b2i(m.small)) || src[5] != byte(n) || len(src) != size {
		return bad(fmt.Sprintf("of another profile or schema: %d bytes, want %d", len(src), size))
	}
	src = src[6:]
	word := func() uint64 {
		v := binary.LittleEndian.Uint64(src)
		src = src[8:]
		return v
	}
	half := func() uint32 {
		v := binary.LittleEndian.Uint32(src)
		src = src[4:]
		return v
	}
	for _, u := range m.unit {
		if math.Float64frombits(word()) != u {
			return bad("of other tolerances or angles")
		}
	}
	for j := range m.first {
		c := int64(word())
		if c > maxPlace || c < -maxPlace || wrap(c, m.circle[j]) != c {
			return bad("centre out of range")
		}
		m.first[j].center = c
	}
	for j := range m.first {
		if src[j] > 40 {
			return bad("width out of range")
		}
		m.first[j].bits = int(src[j])
	}
	src = src[n:]
	for i := range s.weights {
		s.weights[i] = uint32(binary.LittleEndian.Uint16(src)) << (weightBits - 16)
		src = src[2:]
	}
	for i := range s.flagWeights {
		s.flagWeights[i] = clampWeight(int32(half()))
	}
	each := m.predictions * scales
	for i := 0; i < len(s.weights); i += each {
		sum := uint32(0)
		for _, v := range s.weights[i : i+each] {
			sum += v
		}
		if sum < 1<<(weightBits-1) || sum > 1<<(weightBits+1) {
			return bad("weights do not sum to 1")
		}
	}
	for _, list := range [][]covariance{s.group, s.own} {
		for i := range list {
			c := &list[i]
			c.weight = float64(math.Float32frombits(half()))
			if !(c.weight >= 0 && c.weight <= priorSteps) {
				return bad("covariance out of range")
			}
			for k := range c.moment {
				v := float64(math.Float32frombits(half()))
				if !(math.Abs(v) <= reach*reach) {
					return bad("covariance out of range")
				}
				c.moment[k] = v
			}
		}
	}
	m.prior = s
	return nil
}
