package quality

import "math"

// Errors has the mean absolute error and the mean squared error.
type Errors struct {
	MAE float64 `json:"mae"`
	MSE float64 `json:"mse"`
}

// Tally accumulates the errors of each value of a window. It is not safe for concurrent
// use.
type Tally struct {
	windows  int
	abs, sqr []float64 // per value
}

// NewTally returns an empty tally over windows of n values.
func NewTally(n int) *Tally { return &Tally{abs: make([]float64, n), sqr: make([]float64, n)} }

// Windows returns the number of windows added.
func (t *Tally) Windows() int { return t.windows }

// Add adds the errors of one window: want as encoded, got as decoded, each of n values.
func (t *Tally) Add(want, got []float64) {
	t.windows++
	for i := range want {
		d := want[i] - got[i]
		t.abs[i] += math.Abs(d)
		t.sqr[i] += float64(d * d)
	}
}

// Overall returns the mean errors over all values.
func (t *Tally) Overall() Errors {
	return t.mean(func(int) bool { return true }, func(int) float64 { return 1 })
}

// Dims returns the mean errors over the values from to to-1 of every step of dims
// values.
func (t *Tally) Dims(dims, from, to int) Errors {
	return t.mean(func(i int) bool { return i%dims >= from && i%dims < to }, func(int) float64 { return 1 })
}

// Scaled returns the mean over all values of errors divided by unit, which has one
// entry per value of a window. Values with a unit of 0 are left out.
func (t *Tally) Scaled(unit []float64) Errors {
	return t.mean(func(i int) bool { return unit[i] != 0 }, func(i int) float64 { return unit[i] })
}

func (t *Tally) mean(counts func(int) bool, unit func(int) float64) Errors {
	var e Errors
	n := 0
	for i := range t.abs {
		if !counts(i) {
			continue
		}
		n++
		u := unit(i)
		e.MAE += t.abs[i] / u
		e.MSE += t.sqr[i] / (u * u)
	}
	if n == 0 || t.windows == 0 {
		return Errors{}
	}
	e.MAE /= float64(n) * float64(t.windows)
	e.MSE /= float64(n) * float64(t.windows)
	return e
}
