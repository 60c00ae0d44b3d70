package dataset

import (
	"fmt"
	"math"
)

// Stats gathers mean and standard deviation of each value of a window in one
// pass, in float64 and without the cancellation of sums of squares (Welford).
// The zero value is ready; the first window sets the length. It is not safe
// for concurrent use.
type Stats struct {
	n        int
	mean, m2 []float64 // m2: sum of squared distances from the mean
}

// Add takes a window's values into account. After an error the statistics are as
// before.
func (s *Stats) Add(values []float64) error {
	if s.n > 0 && len(values) != len(s.mean) {
		return fmt.Errorf("dataset: statistics: %w", faultf(ErrLength, "found %d values, want %d", len(values), len(s.mean)))
	}
	for i, v := range values {
		// Beyond this a squared distance would overflow.
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
		s.m2[i] += d * (v - s.mean[i])
	}
	return nil
}

// Count is the number of windows added.
func (s *Stats) Count() int { return s.n }

// Mean returns the mean of each value; nil before the first window.
func (s *Stats) Mean() []float64 { return append([]float64(nil), s.mean...) }

// Std returns the sample standard deviation (n-1) of each value: 0 for one
// window, nil before the first.
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
