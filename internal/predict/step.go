package predict

import "fmt"

// errLimit is made once, since the search for a level meets it in every window.
var errLimit = fmt.Errorf("%w: code beyond the limit", ErrTooLong)

// window codes so many steps. The encoder finds their values in w.target; the
// decoded ones are left in w.decoded.
func (m *Model) window(s *State, w *work, steps int) error {
	w.decoded = w.decoded[:0]
	n := len(m.unit)
	for i := range steps {
		var target []int64
		if !w.coder.decode {
			target = w.target[i*n : (i+1)*n]
		}
		code := m.step
		if !s.started {
			code = m.firstStep
		}
		if err := code(s, w, target); err != nil {
			return err
		}
		if w.coder.over {
			if w.coder.decode {
				return fmt.Errorf("%w: code without an end", ErrCorrupt)
			}
			return errLimit
		}
	}
	return nil
}

// firstStep codes the first step of a key frame.
func (m *Model) firstStep(s *State, w *work, target []int64) error {
	for j := range m.unit {
		first, width := &m.first[j], s.width[j]
		var k int64
		if target != nil {
			k = nearest(wrap(target[j]-first.center, m.circle[j]), width)
		}
		k = first.code(&w.coder, k, width)
		v, ok := m.at(j, first.center, k, width)
		if !ok {
			return fmt.Errorf("%w: value %d of the first step", ErrCorrupt, j)
		}
		s.last[j], s.center[j] = v, v
		for i := range s.mean {
			s.mean[i][j] = v
		}
		s.note(v)
		w.decoded = append(w.decoded, v)
	}
	s.started = true
	s.count = 1
	return nil
}

// at is the value j that is k quantisation steps from base; ok is false where
// no value lies so far away.
func (m *Model) at(j int, base, k, width int64) (v int64, ok bool) {
	if most := int64(2*maxValue+4*maxMean)/width + 1; k > most || k < -most {
		return 0, false
	}
	v = base + k*width
	if circle := m.circle[j]; circle > 0 {
		d := k * width
		return wrap(v, circle), d <= circle/2+width && d >= -circle/2-width
	}
	return clampValue(v), v <= maxValue+width && v >= -maxValue-width
}

func clampValue(v int64) int64 { return min(max(v, -maxValue), maxValue) }

// step codes one step after others.
func (m *Model) step(s *State, w *work, target []int64) error {
	l := s.forStep(m)
	w.flag = flag{learned: l}
	if !m.small {
		m.prepareGroups(s, l, w)
	}
	x := &w.mixture
	components := m.predictions * scales
	group := 0
	for j, circle := range m.circle {
		if j == m.groups[group].to {
			group++
		}
		last, width := s.last[j], s.width[j]
		drift := s.gap * (s.velocity[0][j] + s.velocity[1][j]) / 2 // in the steps that are missing
		x.weights = l.weights[j*components : (j+1)*components]
		x.means[0] = 0
		x.means[1] = clampMean(wrap(s.mean[1][j]-last, circle))
		var across, own float64 // what the regressions predict
		var part int            // of value j's change in its group
		if m.small {
			x.means[2] = clampMean(s.velocity[0][j] + drift)
		} else {
			g := m.groups[group]
			part = 2*g.len() + j - g.from
			across = w.group[group].predict(part)
			own = m.predictOwn(s, l, w, j)
			x.means[2] = clampMean(units(across) + drift)
			x.means[3] = clampMean(units(own) + drift)
		}
		center := x.center()
		var k int64
		if target != nil {
			k = nearest(wrap(target[j]-last-center, circle), width)
		}
		k, offset := w.codeResidual(s, j, k, center, width)
		x.update()
		v, ok := m.at(j, last+center, k, width)
		if !ok {
			return fmt.Errorf("%w: value %d of a step", ErrCorrupt, j)
		}
		w.decoded = append(w.decoded, v)
		s.note(v)
		change := wrap(clampValue(v+offset)-last, circle)
		if !m.small {
			steps := float64(change-drift) / unit
			w.group[group].set(part, steps, across)
			w.own.set(ownParts-1, steps, own)
			w.own.update(&l.own[j], ownFade)
		}
		m.advance(s, j, change)
	}
	for g := range w.group {
		w.group[g].update(&l.group[g], groupFade)
	}
	s.surprise = int32(w.flag.surprise())
	s.count = min(s.count+1, maxCount)
	s.gap = 0
	return nil
}

func clampMean(v int64) int64 { return min(max(v, -maxMean), maxMean) }

// units turns quantisation steps into units.
func units(steps float64) int64 {
	return int64(max(min(float64(steps*unit), maxMean), -maxMean))
}

// note adds a decoded value to the digest.
func (s *State) note(v int64) {
	h := (s.digest ^ uint32(v)) * 0x9e3779b1
	h = (h ^ h>>15 ^ uint32(v>>32)) * 0x85ebca6b
	s.digest = h ^ h>>13
}

// advance moves the memory of value j by its change.
func (m *Model) advance(s *State, j int, change int64) {
	circle := m.circle[j]
	last := wrap(s.last[j]+change, circle)
	s.last[j] = last
	change /= s.gap + 1
	s.change[j] = change
	for i, shift := range [...]uint{3, 6, 8} {
		mean := s.mean[i][j]
		s.mean[i][j] = wrap(mean+wrap(last-mean, circle)>>shift, circle)
	}
	for i, shift := range [...]uint{2, 4} {
		v := s.velocity[i][j]
		s.velocity[i][j] = v + (change-v)>>shift
	}
	const far = 4 * unit
	d := wrap(last-s.center[j], circle)
	s.center[j] = wrap(s.center[j]+d/(s.count+1), circle)
	d = min(max(d, -far), far)
	s.spread[j] += (d*d>>unitBits - s.spread[j]) / (s.count + 1)
}

// prepareGroups makes the regressions across values ready for a step.
func (m *Model) prepareGroups(s *State, l *learned, w *work) {
	for g, dims := range m.groups {
		r := w.group[g]
		r.factor(&l.group[g])
		n := dims.len()
		for i := range n {
			r.set(i, float64(s.change[dims.from+i])/unit, r.predict(i))
		}
		for i := range n {
			j := dims.from + i
			r.set(n+i, float64(wrap(s.last[j]-s.mean[1][j], m.circle[j]))/unit, r.predict(n+i))
		}
	}
}

// predictOwn predicts value j's change from its own past.
func (m *Model) predictOwn(s *State, l *learned, w *work, j int) float64 {
	r := w.own
	r.factor(&l.own[j])
	past := [ownParts - 1]int64{s.change[j], s.velocity[0][j], s.velocity[1][j]}
	for i := range s.mean {
		past[3+i] = wrap(s.mean[i][j]-s.last[j], m.circle[j])
	}
	for i, v := range past {
		r.set(i, float64(v)/unit, r.predict(i))
	}
	return r.predict(ownParts - 1)
}
