package dataset

import (
	"fmt"
	"math"
)

// Stats computes the mean and the standard deviation of each value of a window, in one
// pass over the windows, with Welford's algorithm in float64. Each product is rounded, so
// that the results are the same on every processor. The zero value is ready
// to use; the first window sets the length. Stats is not safe for concurrent use.
type Stats struct {
	n        int
	mean, m2 []float64 // m2: sum of squared distances from the mean
}

// Add adds the values of a window. If their number differs from that of the first
// window, or a value is not finite or 1e150 and above, it returns an error and leaves
// the statistics unchanged.
func (s *Stats) Add(values []float64) error {
	if s.n > 0 && len(values) != len(s.mean) {
		return fmt.Errorf("dataset: statistics: %w", faultf(ErrLength, "found %d values, want %d", len(values), len(s.mean)))
	}
	for i, v := range values {
		// The square of a larger distance would overflow.
		if !(math.Abs(v) < 1e150) {
			return fmt.Errorf("dataset: statistics: value %d: %w", i, faultf(ErrNotFinite, "found %v, want a finite number below 1e150", v))
		}
	}
	if s.n == 0 {
		s.mean, s.m2 = make([]float64, len(values)), make([]float64, len(values))
	}
	s.n++
	for i, v := range values {
		d := v - s.mean[i]
		s.mean[i] += d / float64(s.n)
		s.m2[i] += float64(d * (v - s.mean[i]))
	}
	return nil
}

// Count returns the number of windows added.
func (s *Stats) Count() int { return s.n }

// Mean returns the mean of each value, in its unit; nil before the first window.
func (s *Stats) Mean() []float64 { return append([]float64(nil), s.mean...) }

// Std returns the sample standard deviation of each value, in its unit, with the divisor
// Count-1: zeros after one window, nil before the first.
func (s *Stats) Std() []float64 {
	if s.n == 0 {
		return nil
	}
	std := make([]float64, len(s.m2))
	for i, m2 := range s.m2 {
		if s.n > 1 {
			std[i] = math.Sqrt(m2 / float64(s.n-1))
		}
	}
	return std
}
