// Package flagvalue holds lists as values of command-line flags.
package flagvalue

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Floats is a flag of comma-separated numbers, as 0.5,3.
type Floats []float64

func (v *Floats) String() string {
	s := make([]string, len(*v))
	for i, f := range *v {
		s[i] = strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strings.Join(s, ",")
}

// Set replaces the list.
func (v *Floats) Set(s string) error {
	*v = nil
	if strings.TrimSpace(s) == "" {
		return nil
	}
	for _, text := range strings.Split(s, ",") {
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%q is not a finite number, want a list as 0.5,3", text)
		}
		*v = append(*v, f)
	}
	return nil
}

// Strings is a flag that may be given several times, and holds a comma-separated
// list each time.
type Strings []string

func (v *Strings) String() string { return strings.Join(*v, ",") }

// Set appends to the list.
func (v *Strings) Set(s string) error {
	for _, text := range strings.Split(s, ",") {
		if text = strings.TrimSpace(text); text != "" {
			*v = append(*v, text)
		}
	}
	return nil
}

// Ints is a flag of comma-separated integers, as 24,16.
type Ints []int

func (v *Ints) String() string {
	s := make([]string, len(*v))
	for i, n := range *v {
		s[i] = strconv.Itoa(n)
	}
	return strings.Join(s, ",")
}

// Set replaces the list.
func (v *Ints) Set(s string) error {
	*v = nil
	if strings.TrimSpace(s) == "" {
		return nil
	}
	for _, f := range strings.Split(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(f))
		if err != nil {
			return fmt.Errorf("%q is not a whole number, want a list as 24,16", f)
		}
		*v = append(*v, n)
	}
	return nil
}
