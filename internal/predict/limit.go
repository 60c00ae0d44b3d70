package predict

import (
	"fmt"
	"math/bits"
)

// In a payload of limited length the quantisation steps of a window are
// 2^(-level/4) times as wide as the tolerances say, and that of a value which
// has varied by less than a step so far is narrower still, as its standard
// deviation is. The encoder takes the highest level that fits.
const (
	minLevel  = -4*maxOctaves - 2*maxNarrow // one step holds all values
	maxLevel  = 47
	levelBits = 8

	maxOctaves = 31 // by which a step may be wider than two tolerances
	maxNarrow  = 12 // halvings of the variance
	minWidth   = 8  // of a step, in units
)

// quarters are 2^(-i/4), in units.
var quarters = [4]int64{65536, 55109, 46341, 38968}

// setWidths sets the quantisation steps of the next window: two tolerances, or
// what the level of a payload of limited length makes of them.
func (m *Model) setWidths(s *State, level int64, limited bool) {
	s.level = level
	for j := range s.width {
		if !limited {
			s.width[j] = unit
			continue
		}
		e := max(level+2*int64(narrow(s.spread[j], s.count)), -4*maxOctaves)
		width := quarters[e&3]
		if e >>= 2; e >= 0 {
			width >>= e
		} else {
			width <<= -e
		}
		s.width[j] = max(width, minWidth)
	}
}

// narrow is by how many halvings a variance is less than a step's square.
func narrow(variance, count int64) int {
	if count < 2 || variance >= unit {
		return 0
	}
	return min(unitBits+1-bits.Len64(uint64(variance)), maxNarrow)
}

// level codes a window's level, given the one before.
func (c *coder) level(before, level int64) int64 {
	const near = 7
	d := level - before
	if c.bit(b2i(d < -near || d > near), probOne*3/4) != 0 {
		level = int64(c.bits(uint64(level-minLevel), levelBits)) + minLevel
		if d = level - before; d >= -near && d <= near {
			return maxLevel + 1 // an encoder codes it the short way
		}
		return level
	}
	return before + c.signed(d, probOne/4, probOne*7/10, near)
}

// Bounds appends the largest error of each value in the window last coded.
func (m *Model) Bounds(dst []float64, s *State) []float64 {
	for j, u := range m.unit {
		dst = append(dst, u*(float64(s.width[j])+2)/2)
	}
	return dst
}

// Level is the level of the window last coded: its quantisation steps are
// 2^(-level/4) times two tolerances, or narrower. It is 0 without a limit.
func (s *State) Level() int { return int(s.level) }

// AppendEncodeLimit is AppendEncode for a payload of at most so many bytes, the
// header included: it takes the finest quantisation steps that fit, which may
// be finer or coarser than the tolerances say. A window that fits with none is
// ErrTooLong. [Model.AppendDecodeLimit] decodes the payload.
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
	// Away from the last level by strides that double, until one level fits and
	// one does not; then by halves.
	low, high := int64(minLevel-1), int64(maxLevel+1)
	level, stride := s.level, int64(1)
	for high-low > 1 {
		fits, err := m.tryLevel(s, w, level, header, limit)
		if err != nil {
			return dst, err
		}
		if fits {
			low = level
		} else {
			high = level
		}
		switch {
		case high > maxLevel:
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
	s.CopyFrom(w.best)
	m.values(decoded, w.bestDecoded)
	return append(dst, w.bestOut...), nil
}

// tryLevel codes the window in w.target. Where it fits it is left in w.best,
// w.bestOut and w.bestDecoded.
func (m *Model) tryLevel(s *State, w *work, level int64, header, limit int) (fits bool, err error) {
	w.trial.CopyFrom(s)
	w.coder.startEncode(header, limit)
	w.coder.level(s.level, level)
	m.setWidths(w.trial, level, true)
	if err := m.window(w.trial, w, len(w.target)/len(m.unit)); err != nil {
		if w.coder.over {
			return false, nil
		}
		return false, err
	}
	w.coder.finish((header + 7) / 8)
	if w.coder.over {
		return false, nil
	}
	w.best, w.trial = w.trial, w.best
	w.bestDecoded = append(w.bestDecoded[:0], w.decoded...)
	w.bestOut = append(w.bestOut[:0], w.coder.out...)
	return true, nil
}

// AppendDecodeLimit decodes what AppendEncodeLimit encoded, as AppendDecode
// does. [Model.Bounds] then tells how large the errors are.
func (m *Model) AppendDecodeLimit(dst []float64, s *State, payload []byte, steps, header int) ([]float64, error) {
	return m.decode(dst, s, payload, steps, header, true)
}
