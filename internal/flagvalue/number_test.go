package flagvalue

import (
	"fmt"
	"testing"
)

func TestInt(t *testing.T) {
	if v := new(Int[int]); v.String() != "0" {
		t.Errorf("the zero value is %q", v.String())
	}
	n, ms := 7, int64(0)
	limited, open := &Int[int]{&n, 1, 255}, &Int[int64]{Dst: &ms}
	for text, want := range map[string]int{"12": 12, "1": 1, "255": 255} {
		if err := limited.Set(text); err != nil || n != want || limited.String() != text {
			t.Errorf("%s: %d, %v", text, n, err)
		}
	}
	n = 7
	for _, bad := range []string{"0", "-1", "256", "", "x", "1.5", "99999999999999999999"} {
		if err := limited.Set(bad); err == nil || n != 7 || err.Error() != "want a whole number from 1 to 255" {
			t.Errorf("%q: %d, %v", bad, n, err)
		}
	}
	if err := open.Set("9000000000"); err != nil || ms != 9e9 {
		t.Errorf("%d, %v", ms, err)
	}
	if err := open.Set("-1"); err == nil || err.Error() != "want a whole number of at least 0" {
		t.Errorf("-1: %v", err)
	}
}

func TestPositive(t *testing.T) {
	if v := new(Positive); v.String() != "0" {
		t.Errorf("the zero value is %q", v.String())
	}
	f := 7.0
	open, limited := &Positive{Dst: &f}, &Positive{&f, 100}
	if err := open.Set("2.5e-3"); err != nil || f != 2.5e-3 || open.String() != "0.0025" {
		t.Errorf("2.5e-3: %v, %v", f, err)
	}
	for _, bad := range []string{"0", "-1", "", "x", "NaN", "Inf"} {
		if err := open.Set(bad); err == nil || err.Error() != "want a number above 0" {
			t.Errorf("%q: %v", bad, err)
		}
		if err := limited.Set(bad); err == nil || err.Error() != "want a number above 0 and at most 100" {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if limited.Set("100.1") == nil || limited.Set("100") != nil || f != 100 {
		t.Errorf("limit: %v", f)
	}
}

func TestIntList(t *testing.T) {
	if v := new(IntList); v.String() != "" {
		t.Errorf("the zero value is %q", v.String())
	}
	list := []int{7}
	v := &IntList{Dst: &list, Min: 1, Max: 8}
	if err := v.Set("1, 8"); err != nil || fmt.Sprint(list) != "[1 8]" || v.String() != "1,8" {
		t.Errorf("%v, %v", list, err)
	}
	for text, want := range map[string]string{
		"":    "found no number, want at least one",
		"2,9": "found 9, want a whole number from 1 to 8",
		"x":   `found "x", want whole numbers, separated by commas, such as 24,16`,
	} {
		if err := v.Set(text); err == nil || err.Error() != want || fmt.Sprint(list) != "[1 8]" {
			t.Errorf("%q: %v, %v", text, list, err)
		}
	}
	v.Empty = true
	if err := v.Set(" "); err != nil || len(list) != 0 {
		t.Errorf("empty: %v, %v", list, err)
	}
}
