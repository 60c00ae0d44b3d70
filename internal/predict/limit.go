package predict

import (
	"bytes"
	"fmt"
	"math/bits"
)

// In a payload of limited length the cells of a window are 2^(-level/4) times
// as wide as the tolerances say, and those of a value that has moved by less
// than a step so far are narrower still, as its spread is. Level 0 means the
// tolerances; the encoder takes the highest level that fits.
const (
	minLevel  = -96
	maxLevel  = 47
	levelBits = 8
	minCell   = 8 // units
)

// quarterSteps are 2^(-i/4), in units.
var quarterSteps = [4]int64{65536, 55109, 46341, 38968}

// setCells sets the width of the next window's cells: a step of each value, or
// what the level of a payload of limited length makes of it.
func (m *Model) setCells(s *State, level int64, limited bool) {
	s.level = level
	for j := range s.cell {
		if !limited {
			s.cell[j] = unit
			continue
		}
		q := level + 2*int64(narrow(s.spread[j], s.count))
		cell := quarterSteps[q&3]
		if q >>= 2; q >= 0 {
			cell >>= min(q, 32)
		} else {
			cell <<= -q
		}
		s.cell[j] = max(cell, minCell)
	}
}

// narrow is by how many halvings of its square a spread is less than a step.
func narrow(spread, count int64) int {
	if count < 2 || spread >= unit {
		return 0
	}
	return min(unitBits+1-bits.Len64(uint64(spread)), 12)
}

// level codes a window's step level by the one before.
func (c *coder) level(before, level int64) int64 {
	const near = 7
	d := level - before
	if c.bit(b2i(d < -near || d > near), probOne*3/4) != 0 {
		return int64(c.bits(uint64(level-minLevel), levelBits)) + minLevel
	}
	return before + c.signed(d, probOne/4, probOne*7/10, near)
}

// Bounds appends the largest error of each value in the window last coded.
func (m *Model) Bounds(dst []float64, s *State) []float64 {
	for j, u := range m.unit {
		dst = append(dst, u*(float64(s.cell[j])+2)/2)
	}
	return dst
}

// Level is the step level of the window last coded: the cells are 2^(-level/4)
// times as wide as the tolerances say, or narrower.
func (s *State) Level() int { return int(s.level) }

// AppendEncodeLimit is AppendEncode for a payload of at most so many bytes,
// header included: it takes the finest steps that fit. A window that does not
// fit at any is ErrTooLong. [Model.AppendDecodeLimit] decodes it.
func (m *Model) AppendEncodeLimit(dst []byte, s *State, window, decoded []float64, header, limit int) ([]byte, error) {
	if err := m.checkShape(window, decoded, header); err != nil {
		return dst, err
	}
	if limit < (header+7)/8 || limit > maxPayload {
		return dst, fmt.Errorf("%w: %d bytes", ErrTooLong, limit)
	}
	w := m.pool.Get().(*work)
	defer m.pool.Put(w)
	if err := m.quantise(w, window); err != nil {
		return dst, err
	}
	steps := len(window) / len(m.unit)
	best, try := w.trial[0], w.trial[1]
	fits := func(level int64) (bool, error) {
		try.CopyFrom(s)
		w.coder.startEncode(header, limit)
		w.coder.level(s.level, level)
		m.setCells(try, level, true)
		err := m.window(try, w, steps)
		if err != nil && !w.coder.over {
			return false, err
		}
		if err == nil {
			w.coder.finish((header + 7) / 8)
		}
		if w.coder.over {
			return false, nil
		}
		best, try = try, best
		w.bestPlaces = append(w.bestPlaces[:0], w.places...)
		w.bestOut = append(w.bestOut[:0], w.coder.out...)
		return true, nil
	}
	// Double the distance from the last level until one fits and one does not,
	// then halve it.
	low, high := int64(minLevel-1), int64(maxLevel+1)
	level := min(max(s.level, minLevel), maxLevel)
	for stride := int64(1); high-low > 1; {
		ok, err := fits(level)
		if err != nil {
			return dst, err
		}
		if ok {
			low = level
		} else {
			high = level
		}
		switch {
		case high > maxLevel && ok:
			level = min(level+stride, maxLevel)
			stride *= 2
		case low < minLevel:
			level = max(level-stride, minLevel)
			stride *= 2
		default:
			level = (low + high) / 2
		}
	}
	if low < minLevel {
		return dst, fmt.Errorf("%w: %d bytes", ErrTooLong, limit)
	}
	s.CopyFrom(best)
	m.values(decoded, w.bestPlaces)
	return append(dst, w.bestOut...), nil
}

// AppendDecodeLimit decodes what AppendEncodeLimit encoded.
func (m *Model) AppendDecodeLimit(dst []float64, s *State, payload []byte, steps, header int) ([]float64, error) {
	return m.decode(dst, s, payload, steps, header, true)
}

// matches says whether the code in c is the payload, its header apart.
func (c *coder) matches(payload []byte, header int) bool {
	whole, part := header/8, header%8
	if len(c.out) != len(payload) {
		return false
	}
	if part > 0 {
		if c.out[whole] != payload[whole]&(1<<(8-part)-1) {
			return false
		}
		whole++
	}
	return bytes.Equal(c.out[whole:], payload[whole:])
}
