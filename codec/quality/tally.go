package quality

import "math"

// Errors are means of absolute and of squared differences.
type Errors struct {
	MAE float64 `json:"mae"`
	MSE float64 `json:"mse"`
}

// Tally sums the errors of each of a window's values. It is not safe for
// concurrent use.
type Tally struct {
	windows  int
	abs, sqr []float64 // per value
}

// NewTally returns an empty tally over windows of n values.
func NewTally(n int) *Tally { return &Tally{abs: make([]float64, n), sqr: make([]float64, n)} }

// Windows is the number of windows taken in.
func (t *Tally) Windows() int { return t.windows }

// Add takes in one window and what it was rebuilt as, of n values each.
func (t *Tally) Add(want, got []float64) {
	t.windows++
	for i := range want {
		d := want[i] - got[i]
		t.abs[i] += math.Abs(d)
		t.sqr[i] += d * d
	}
}

// Overall is the mean over all values.
func (t *Tally) Overall() Errors {
	return t.mean(func(int) bool { return true }, func(int) float64 { return 1 })
}

// Dims is the mean over the dimensions from..to-1 of every step of dims values.
func (t *Tally) Dims(dims, from, to int) Errors {
	return t.mean(func(i int) bool { return i%dims >= from && i%dims < to }, func(int) float64 { return 1 })
}

// Scaled is the mean over all values of the errors divided by unit, of one
// entry per value. Values whose unit is 0 are left out.
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
