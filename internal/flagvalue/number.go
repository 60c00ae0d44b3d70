package flagvalue

import (
	"fmt"
	"math"
	"strconv"
)

// Int is a flag of a whole number from Min to Max, which it stores in Dst. If Max is
// 0, there is no upper limit. The default is the value that Dst already has.
type Int[T int | int64] struct {
	Dst      *T
	Min, Max T
}

// String returns the number in Dst; "0" if Dst is nil.
func (v *Int[T]) String() string {
	if v.Dst == nil {
		return "0"
	}
	return strconv.FormatInt(int64(*v.Dst), 10)
}

// Set parses a number. After an error Dst has its old value.
func (v *Int[T]) Set(s string) error {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || !v.allows(n) {
		return v.want()
	}
	*v.Dst = T(n)
	return nil
}

func (v *Int[T]) allows(n int64) bool {
	return int64(T(n)) == n && n >= int64(v.Min) && (v.Max == 0 || n <= int64(v.Max))
}

func (v *Int[T]) want() error {
	if v.Max == 0 {
		return fmt.Errorf("want a whole number of at least %d", v.Min)
	}
	return fmt.Errorf("want a whole number from %d to %d", v.Min, v.Max)
}

// Positive is a flag of a number above 0 and at most Max, which it stores in Dst. If
// Max is 0, every finite number above 0 is valid. The default is the value that Dst
// already has, which may be 0.
type Positive struct {
	Dst *float64
	Max float64
}

// String returns the number in Dst; "0" if Dst is nil.
func (v *Positive) String() string {
	if v.Dst == nil {
		return "0"
	}
	return strconv.FormatFloat(*v.Dst, 'g', -1, 64)
}

// Set parses a number. After an error Dst has its old value.
func (v *Positive) Set(s string) error {
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case v.Max == 0 && (err != nil || !(f > 0) || math.IsInf(f, 0)):
		return fmt.Errorf("want a number above 0")
	case v.Max != 0 && (err != nil || !(f > 0 && f <= v.Max)):
		return fmt.Errorf("want a number above 0 and at most %g", v.Max)
	}
	*v.Dst = f
	return nil
}
