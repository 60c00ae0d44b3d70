package flagvalue

import (
	"fmt"
	"testing"
)

func TestLists(t *testing.T) {
	f := Floats{7}
	if err := f.Set(" 0.5, 3e-2,1"); err != nil || fmt.Sprint([]float64(f)) != "[0.5 0.03 1]" || f.String() != "0.5,0.03,1" {
		t.Errorf("%v, %v", f, err)
	}
	for _, bad := range []string{"1,,2", "x", "1;2", "NaN", "Inf"} {
		if err := f.Set(bad); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
	if err := f.Set(""); err != nil || len(f) != 0 {
		t.Errorf("empty: %v, %v", f, err)
	}
	var s Strings
	for _, text := range []string{"a,b", " c ", ""} {
		if err := s.Set(text); err != nil {
			t.Fatal(err)
		}
	}
	if s.String() != "a,b,c" {
		t.Errorf("%v", s)
	}
}
