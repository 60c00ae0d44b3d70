// Package score adds up how far rebuilt windows are from the recorded ones.
package score

import "math"

// Errors are means of absolute and of squared differences.
type Errors struct {
	MAE float64 `json:"mae"`
	MSE float64 `json:"mse"`
}

// Group is a sensor group: the dimensions From to To-1 of a step.
type Group struct {
	Name     string
	From, To int
}

// Groups are the sensor groups of a 12-D sample.
var Groups = []Group{{"gps", 0, 3}, {"accel", 3, 6}, {"gyro", 6, 9}, {"rpy", 9, 12}}

// Tally sums the errors of each of a window's values.
type Tally struct {
	N        int       // windows
	abs, sqr []float64 // per value
}

// NewTally returns an empty tally over windows of n values.
func NewTally(n int) *Tally { return &Tally{abs: make([]float64, n), sqr: make([]float64, n)} }

// Add takes in one window and what it was rebuilt as.
func (t *Tally) Add(want, got []float64) {
	t.N++
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

func (t *Tally) mean(in func(int) bool, unit func(int) float64) Errors {
	var e Errors
	n := 0
	for i := range t.abs {
		if !in(i) {
			continue
		}
		n++
		u := unit(i)
		e.MAE += t.abs[i] / u
		e.MSE += t.sqr[i] / (u * u)
	}
	if n == 0 || t.N == 0 {
		return Errors{}
	}
	e.MAE /= float64(n) * float64(t.N)
	e.MSE /= float64(n) * float64(t.N)
	return e
}
