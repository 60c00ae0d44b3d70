// Package flagvalue has types of command-line flags: lists, numbers in a range, and
// names out of a set.
//
// Their errors say what is wanted. Package flag puts the value found and the flag's
// name before them.
package flagvalue

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Floats is a flag of comma-separated finite numbers, such as 0.5,3. An empty text is
// an empty list.
type Floats []float64

// String returns the numbers, separated by commas.
func (v *Floats) String() string {
	s := make([]string, len(*v))
	for i, f := range *v {
		s[i] = strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strings.Join(s, ",")
}

// Set replaces the list. After an error the list is as before.
func (v *Floats) Set(s string) error {
	var list []float64
	for _, text := range fields(s) {
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("found %q, want finite numbers, separated by commas, such as 0.5,3", text)
		}
		list = append(list, f)
	}
	*v = list
	return nil
}

// Strings is a flag of comma-separated words that may be given several times.
type Strings []string

// String returns the words, separated by commas.
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

// Ints is a flag of comma-separated integers, such as 24,16. An empty text is an empty
// list.
type Ints []int

// String returns the numbers, separated by commas.
func (v *Ints) String() string {
	s := make([]string, len(*v))
	for i, n := range *v {
		s[i] = strconv.Itoa(n)
	}
	return strings.Join(s, ",")
}

// Set replaces the list. After an error the list is as before.
func (v *Ints) Set(s string) error {
	var list []int
	for _, text := range fields(s) {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return fmt.Errorf("found %q, want whole numbers, separated by commas, such as 24,16", text)
		}
		list = append(list, n)
	}
	*v = list
	return nil
}

// fields returns the parts of a comma-separated list; none of a blank text.
func fields(s string) []string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// IntList is a flag of comma-separated integers from Min to Max, which it stores in
// Dst. If Max is 0, there is no upper limit. The list may be empty only if Empty is
// set. The default is the list that Dst already has.
type IntList struct {
	Dst      *[]int
	Min, Max int
	Empty    bool
}

// String returns the numbers, separated by commas; "" if Dst is nil.
func (v *IntList) String() string {
	if v.Dst == nil {
		return ""
	}
	return (*Ints)(v.Dst).String()
}

// Set replaces the list. After an error Dst has its old value.
func (v *IntList) Set(s string) error {
	var list Ints
	if err := list.Set(s); err != nil {
		return err
	}
	if len(list) == 0 && !v.Empty {
		return fmt.Errorf("found no number, want at least one")
	}
	for _, n := range list {
		if r := (&Int[int]{Min: v.Min, Max: v.Max}); !r.allows(int64(n)) {
			return fmt.Errorf("found %d, %w", n, r.want())
		}
	}
	*v.Dst = list
	return nil
}
