package predict

import "slices"

// State is what an encoder and a decoder remember between windows. Both ends
// hold the same one, to the bit, after the same windows. It shares no memory
// with another state. It is not safe for concurrent use.
//
// A state belongs to the Model that made it and to models of equal parameters.
type State struct {
	started  bool   // the first step has been coded
	count    int64  // steps so far, at most maxCount
	level    int64  // the last window's step level
	gap      int64  // steps that are missing before the next one
	surprise int32  // of the last step's flags
	digest   uint32 // of all values so far

	// Of each value, in units.
	last     []int64    // the estimate of the last one
	change   []int64    // of the estimate, at the last step
	mean     [3][]int64 // running means, the fastest first
	velocity [2][]int64 // running means of change
	center   []int64    // the mean of all
	spread   []int64    // its variance, where a step's square is a unit; clipped
	width    []int64    // the last window's quantisation step

	// What has been learned of steps that follow the one before and, in the full
	// profile, of those after missing ones. The latter begins as a copy.
	learned
	late      learned
	lateSteps int64 // at most maxCount
}

// learned is what a state learns besides the values.
type learned struct {
	weights     []uint32 // of the mixtures: values × predictions × scales
	flagWeights []int32  // of the flags: shared, then of each value

	group []covariance // of the regressions across values
	own   []covariance // of those on a value's own past
}

func (m *Model) newLearned() (l learned) {
	n := len(m.unit)
	l.weights = make([]uint32, n*m.predictions*scales)
	l.flagWeights = make([]int32, (n+1)*features)
	if !m.small {
		for _, g := range m.groups {
			l.group = append(l.group, newCovariance(groupParts*g.len()))
		}
		for range n {
			l.own = append(l.own, newCovariance(ownParts))
		}
	}
	return l
}

func (l *learned) copyFrom(src *learned) {
	copy(l.weights, src.weights)
	copy(l.flagWeights, src.flagWeights)
	copyCovariances(l.group, src.group)
	copyCovariances(l.own, src.own)
}

func (l *learned) equal(k *learned) bool {
	equal := func(a, b covariance) bool { return a.weight == b.weight && slices.Equal(a.moment, b.moment) }
	return slices.Equal(l.weights, k.weights) && slices.Equal(l.flagWeights, k.flagWeights) &&
		slices.EqualFunc(l.group, k.group, equal) && slices.EqualFunc(l.own, k.own, equal)
}

// forStep returns what the next step uses.
func (s *State) forStep(m *Model) *learned {
	if s.gap == 0 || m.small {
		return &s.learned
	}
	if s.lateSteps == 0 {
		s.late.copyFrom(&s.learned)
	}
	s.lateSteps = min(s.lateSteps+1, maxCount)
	return &s.late
}

const (
	maxCount = 1 << 12
	maxGap   = 64
)

// NewState returns a state without memory, or with the model's prior.
func (m *Model) NewState() *State {
	n := len(m.unit)
	ints := make([]int64, 10*n)
	cut := func() (v []int64) {
		v, ints = ints[:n:n], ints[n:]
		return v
	}
	s := &State{
		last: cut(), change: cut(), mean: [3][]int64{cut(), cut(), cut()}, velocity: [2][]int64{cut(), cut()},
		center: cut(), spread: cut(), width: cut(), learned: m.newLearned(),
	}
	if !m.small {
		s.late = m.newLearned()
	}
	m.Reset(s)
	return s
}

// Reset takes all memory from s: the next window is a key frame, which needs
// nothing but the model and its prior to be decoded.
func (m *Model) Reset(s *State) {
	if m.prior != nil {
		s.CopyFrom(m.prior)
		return
	}
	s.started, s.count, s.level, s.gap, s.surprise, s.digest, s.lateSteps = false, 0, 0, 0, 0, 0, 0
	for _, v := range [][]int64{s.last, s.change, s.mean[0], s.mean[1], s.mean[2], s.velocity[0], s.velocity[1], s.center, s.spread, s.width} {
		clear(v)
	}
	each := uint32(1 << weightBits / (m.predictions * scales))
	for i := range s.weights {
		s.weights[i] = max(each*13/8>>max(0, i%scales-6), 1)
	}
	clear(s.flagWeights)
	for _, list := range [][]covariance{s.group, s.own} {
		for i := range list {
			list[i].reset()
		}
	}
}

// CopyFrom makes s equal to src, which must be of the same model.
func (s *State) CopyFrom(src *State) {
	s.started, s.count, s.level, s.gap, s.surprise, s.digest, s.lateSteps = src.started, src.count, src.level, src.gap, src.surprise, src.digest, src.lateSteps
	copy(s.last, src.last)
	copy(s.change, src.change)
	for i := range s.mean {
		copy(s.mean[i], src.mean[i])
	}
	for i := range s.velocity {
		copy(s.velocity[i], src.velocity[i])
	}
	copy(s.center, src.center)
	copy(s.spread, src.spread)
	copy(s.width, src.width)
	s.learned.copyFrom(&src.learned)
	if src.lateSteps > 0 {
		s.late.copyFrom(&src.late)
	}
}

func copyCovariances(dst, src []covariance) {
	for i := range dst {
		dst[i].weight = src[i].weight
		copy(dst[i].moment, src[i].moment)
	}
}

// Started says whether s has memory: whether the next window is no key frame.
func (s *State) Started() bool { return s.started }

// Digest is a hash of all values decoded since the last Reset. States of one
// model that have the same digest have almost surely the same memory.
func (s *State) Digest() uint32 { return s.digest }

// Equal says whether two states of one model are the same to the bit.
func (s *State) Equal(t *State) bool {
	same := s.started == t.started && s.count == t.count && s.level == t.level && s.gap == t.gap && s.surprise == t.surprise && s.digest == t.digest && s.lateSteps == t.lateSteps &&
		slices.Equal(s.last, t.last) && slices.Equal(s.change, t.change) &&
		slices.Equal(s.center, t.center) && slices.Equal(s.spread, t.spread) && slices.Equal(s.width, t.width) &&
		s.learned.equal(&t.learned) && (s.lateSteps == 0 || s.late.equal(&t.late))
	for i := range s.mean {
		same = same && slices.Equal(s.mean[i], t.mean[i])
	}
	for i := range s.velocity {
		same = same && slices.Equal(s.velocity[i], t.velocity[i])
	}
	return same
}

// Size is about how many bytes s takes.
func (s *State) Size() int {
	n := 8 * (10*len(s.last) + 9)
	for _, l := range []*learned{&s.learned, &s.late} {
		n += 4 * (len(l.weights) + len(l.flagWeights))
		for _, list := range [][]covariance{l.group, l.own} {
			for _, c := range list {
				n += 8 * (len(c.moment) + 1)
			}
		}
	}
	return n
}

// Skip tells s that so many steps between the last window and the next are
// missing: they were never decoded. Both ends must tell it alike. The next step
// is then predicted as if the mean change had gone on meanwhile.
func (m *Model) Skip(s *State, steps int) {
	if s.started && steps > 0 {
		s.gap = min(s.gap+int64(min(steps, maxGap)), maxGap)
	}
}
