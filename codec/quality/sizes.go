package quality

import (
	"math"
	"slices"
)

// maxSizes is how many errors errorSizes keeps: 4 MiB of them.
const maxSizes = 1 << 20

// errorSizes gathers how large errors are, for their quantiles. It keeps each as a
// float32 and so is exact up to a million of them; beyond that it keeps every
// second, then every fourth one, and so on, evenly over the whole stream. The
// zero value is ready.
type errorSizes struct {
	kept  []float32
	step  int // one of every step errors is kept; 0: 1
	skip  int // errors to pass over before the next is kept
	max   float64
	limit int // errors kept at most; 0: maxSizes
}

// Add adds the absolute value of the error d.
func (s *errorSizes) Add(d float64) {
	d = math.Abs(d)
	s.max = max(s.max, d)
	if s.skip > 0 {
		s.skip--
		return
	}
	if s.step == 0 {
		s.step = 1
	}
	if s.limit == 0 {
		s.limit = maxSizes
	}
	if len(s.kept) == s.limit {
		half := s.kept[:0]
		for i := 0; i < s.limit; i += 2 {
			half = append(half, s.kept[i])
		}
		s.kept = half
		s.step *= 2
	}
	s.kept = append(s.kept, float32(d))
	s.skip = s.step - 1
}

// Max returns the largest error, or 0 if there is none.
func (s *errorSizes) Max() float64 { return s.max }

// Quantile returns the smallest error that at least the share q of the errors do not
// exceed, or 0 if there is none.
func (s *errorSizes) Quantile(q float64) float64 {
	n := len(s.kept)
	if n == 0 {
		return 0
	}
	slices.Sort(s.kept)
	// The slack keeps 0.99·100 from needing rank 100.
	rank := int(math.Ceil(float64(q*float64(n)) - 1e-9))
	return float64(s.kept[min(max(rank, 1), n)-1])
}
