package predict

import (
	"fmt"
)

// window codes so many steps. The encoder finds the places in w.target; the
// decoded ones are left in w.places.
func (m *Model) window(s *State, w *work, steps int) error {
	w.places = w.places[:0]
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
			return fmt.Errorf("%w: more than %d bytes", ErrTooLong, w.coder.limit)
		}
	}
	return nil
}

// firstStep codes the first step of a key frame.
func (m *Model) firstStep(s *State, w *work, target []int64) error {
	for j := range m.unit {
		first, cell, circle := &m.first[j], s.cell[j], m.circle[j]
		var k int64
		if target != nil {
			k = nearest(wrap(target[j]-first.center, circle), cell)
		}
		k = first.value(&w.coder, k, cell)
		place, ok := m.placeOf(j, first.center, k, cell)
		if !ok {
			return fmt.Errorf("%w: value %d of the first step", ErrCorrupt, j)
		}
		s.place[j], s.center[j] = place, place
		for i := range s.mean {
			s.mean[i][j] = place
		}
		s.note(place)
		w.places = append(w.places, place)
	}
	s.started = true
	s.count = 1
	return nil
}

// signed codes a number by whether it is zero, with a probability of zero,
// its sign, and as many ones as it has beyond one, each followed by another
// with a probability of more.
func (c *coder) signed(v int64, zero, more int, most int64) int64 {
	if c.bit(b2i(v != 0), zero) == 0 {
		return 0
	}
	sign := c.bit(b2i(v < 0), probOne/2)
	if v < 0 {
		v = -v
	}
	n := int64(1)
	for n < most && c.bit(b2i(v > n), probOne-more) != 0 {
		n++
	}
	if sign != 0 {
		return -n
	}
	return n
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// nearest is how many cells are closest to a distance.
func nearest(distance, cell int64) int64 { return floorDiv(2*distance+cell, 2*cell) }

// placeOf is the place k cells from base; ok is false where no value lies so
// far away.
func (m *Model) placeOf(j int, base, k, cell int64) (place int64, ok bool) {
	circle := m.circle[j]
	if most := int64(2*maxPlace)/cell + 1; k > most || k < -most {
		return 0, false
	}
	if circle > 0 {
		if d := k * cell; d > circle/2+cell || d < -circle/2-cell {
			return 0, false
		}
		return wrap(base+k*cell, circle), true
	}
	place = base + k*cell
	return place, place <= maxPlace+cell && place >= -maxPlace-cell
}

// step codes one step after others.
func (m *Model) step(s *State, w *work, target []int64) error {
	w.flag = flag{}
	if !m.small {
		m.predictGroups(s, w)
	}
	group := 0
	for j := range m.unit {
		if j == m.groups[group].to {
			group++
		}
		x := &w.mixture
		x.weights = s.weights[j*m.predictions*scales : (j+1)*m.predictions*scales]
		x.means[0] = 0
		x.means[1] = clampMean(wrap(s.mean[1][j]-s.place[j], m.circle[j]))
		drift := s.gap * s.velocity[1][j] // meanwhile
		x.means[2] = clampMean(s.velocity[0][j] + drift)
		var groupGuess, ownGuess float64
		var part int
		if !m.small {
			g := m.groups[group]
			part = 2*g.len() + j - g.from
			groupGuess = w.group[group].predict(part)
			ownGuess = m.predictOwn(s, w, j)
			x.means[3] = clampMean(places(groupGuess) + drift)
			x.means[4] = clampMean(places(ownGuess) + drift)
		}
		center := x.center()
		var k int64
		if target != nil {
			k = nearest(wrap(target[j]-s.place[j]-center, m.circle[j]), s.cell[j])
		}
		k, shift := w.codeResidual(s, j, k, center, s.cell[j])
		x.update()
		place, ok := m.placeOf(j, s.place[j]+center, k, s.cell[j])
		if !ok {
			return fmt.Errorf("%w: value %d of a step", ErrCorrupt, j)
		}
		w.places = append(w.places, place)
		s.note(place)
		change := wrap(place+shift-s.place[j], m.circle[j])
		if !m.small {
			steps := float64(change-drift) / unit
			w.group[group].set(part, steps, groupGuess)
			w.own.set(ownParts-1, steps, ownGuess)
			w.own.update(&s.own[j], ownFade)
		}
		m.advance(s, j, change)
	}
	s.surprise = int32(w.flag.surprise())
	s.count = min(s.count+1, maxCount)
	s.gap = 0
	for g := range w.group {
		w.group[g].update(&s.group[g], groupFade)
	}
	return nil
}

func clampMean(v int64) int64 { return min(max(v, -maxMean), maxMean) }

// places turns steps into units.
func places(steps float64) int64 {
	return int64(max(min(float64(steps*unit), maxMean), -maxMean))
}

// codeResidual codes k, the residual in cells around center. It leaves in the
// mixture what each component gave to it, and returns how far from the cell's
// middle the value probably is, by the mixture.
func (w *work) codeResidual(s *State, j int, k, center, cell int64) (got, shift int64) {
	x, c := &w.mixture, &w.coder
	all := x.total << tailBits
	half := cell / 2
	below := x.beyond(x.far, -1, center-half)
	above := x.beyond(x.near, 1, center+half)
	zero := probOne - int((below+above)/max(all>>probBits, 1))
	prob := w.flag.predict(s, j, min(max(zero, minProb), maxProb))
	moved := c.bit(b2i(k != 0), prob) != 0
	w.flag.update(s, j, moved)
	if !moved {
		for i, v := range x.near {
			x.near[i] = tailOne - v - x.far[i]
		}
		return 0, 0
	}
	sign := int64(1)
	if c.bit(b2i(k < 0), share(above, below)) != 0 {
		sign, k = -1, -k
		above = below
	}
	// beyond the edge before cell n on this side
	past := func(dst []uint32, n int64) uint64 { return x.beyond(dst, sign, center+sign*(n*cell-half)) }
	low, high := int64(1), int64(2) // low <= k < high once the class is known
	rest := above
	for i := 0; high <= 4*maxPlace/cell; i++ {
		further := past(x.near, high)
		p := share(rest-min(further, rest), further)
		if c.bit(b2i(k >= high), min(p, moreLimit[min(i, len(moreLimit)-1)])) == 0 {
			rest -= min(further, rest)
			break
		}
		rest = further
		low, high = high, 2*high
	}
	end := past(x.near, high)
	for high-low > 1 {
		middle := (low + high) / 2
		upper := past(x.near, middle)
		upper -= min(end, upper)
		if c.bit(b2i(k >= middle), share(rest-min(upper, rest), upper)) == 0 {
			high = middle
			rest -= min(upper, rest)
			end += upper
		} else {
			low = middle
			rest = upper
		}
	}
	after := past(x.near, low)
	inner := x.beyond(x.far, sign, center+sign*low*cell)
	outer := past(x.far, high)
	for i, v := range x.far {
		x.near[i] -= min(v, x.near[i])
	}
	// The mean of a density that is linear within the cell.
	upper, lower := int64(inner)-int64(outer), int64(after)-int64(inner)
	shift = sign * ((upper - lower) * 128 / max(upper+lower, 1)) * cell / (3 * 128)
	return sign * low, shift
}

// moreLimit is the largest probability that a residual is in its class and no
// further one, so that a jump beyond all components costs few bits.
var moreLimit = [...]int{probOne * 255 / 256, probOne * 63 / 64, probOne * 15 / 16, probOne * 3 / 4}

// share is a's part of a and b as a probability.
func share(a, b uint64) int {
	all := (a + b) >> probBits
	if all == 0 {
		return probOne / 2
	}
	return min(max(int(a/all), minProb), maxProb)
}

// note adds a place to the digest.
func (s *State) note(place int64) {
	h := (s.digest ^ uint32(place)) * 0x9e3779b1
	h = (h ^ h>>15 ^ uint32(place>>32)) * 0x85ebca6b
	s.digest = h ^ h>>13
}

// advance moves the memory of value j by its change.
func (m *Model) advance(s *State, j int, change int64) {
	circle := m.circle[j]
	place := wrap(s.place[j]+change, circle)
	s.place[j] = place
	change /= s.gap + 1
	s.change[j] = change
	for i, shift := range [...]uint{3, 6, 8} {
		mean := s.mean[i][j]
		s.mean[i][j] = wrap(mean+wrap(place-mean, circle)>>shift, circle)
	}
	for i, shift := range [...]uint{2, 4} {
		v := s.velocity[i][j]
		s.velocity[i][j] = v + (change-v)>>shift
	}
	const far = 4 * unit
	d := wrap(place-s.center[j], circle)
	s.center[j] = wrap(s.center[j]+d/(s.count+1), circle)
	d = min(max(d, -far), far)
	s.spread[j] += (d*d>>unitBits - s.spread[j]) / (s.count + 1)
}

// predictGroups prepares the regressions across values.
func (m *Model) predictGroups(s *State, w *work) {
	for g, values := range m.groups {
		r := w.group[g]
		r.factor(&s.group[g])
		n := values.len()
		for i := range n {
			r.set(i, float64(s.change[values.from+i])/unit, r.predict(i))
		}
		for i := range n {
			j := values.from + i
			r.set(n+i, float64(wrap(s.place[j]-s.mean[1][j], m.circle[j]))/unit, r.predict(n+i))
		}
	}
}

// predictOwn predicts value j's change by its own past.
func (m *Model) predictOwn(s *State, w *work, j int) float64 {
	r := w.own
	r.factor(&s.own[j])
	circle := m.circle[j]
	set := func(i int, v int64) { r.set(i, float64(v)/unit, r.predict(i)) }
	for i := range s.mean {
		set(i, wrap(s.mean[i][j]-s.place[j], circle))
	}
	set(3, s.change[j])
	set(4, s.velocity[0][j])
	set(5, s.velocity[1][j])
	return r.predict(6)
}
