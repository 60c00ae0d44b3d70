package flagvalue

import (
	"fmt"
	"math"
	"strconv"
)

// PositiveInt is a flag of a whole number above 0. Its zero value means that the
// flag was not given.
type PositiveInt int

func (v *PositiveInt) String() string { return strconv.Itoa(int(*v)) }

// Set parses a number.
func (v *PositiveInt) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return fmt.Errorf("want a whole number above 0")
	}
	*v = PositiveInt(n)
	return nil
}

// PositiveFloat is a flag of a finite number above 0. Its zero value means that
// the flag was not given.
type PositiveFloat float64

func (v *PositiveFloat) String() string { return strconv.FormatFloat(float64(*v), 'g', -1, 64) }

// Set parses a number.
func (v *PositiveFloat) Set(s string) error {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f > 0) || math.IsInf(f, 0) {
		return fmt.Errorf("want a number above 0")
	}
	*v = PositiveFloat(f)
	return nil
}
