package flagvalue

import "testing"

func TestPositive(t *testing.T) {
	var n PositiveInt
	var f PositiveFloat
	if n.String() != "0" || f.String() != "0" {
		t.Errorf("zero values are %q and %q", n.String(), f.String())
	}
	if err := n.Set("12"); err != nil || n != 12 || n.String() != "12" {
		t.Errorf("12: %v, %v", n, err)
	}
	if err := f.Set("2.5e-3"); err != nil || f != 2.5e-3 || f.String() != "0.0025" {
		t.Errorf("2.5e-3: %v, %v", f, err)
	}
	for _, bad := range []string{"0", "-1", "", "x", "NaN", "Inf"} {
		if n.Set(bad) == nil || f.Set(bad) == nil {
			t.Errorf("%q passes", bad)
		}
	}
	if n != 12 || f != 2.5e-3 {
		t.Errorf("a refused text changed the values: %v, %v", n, f)
	}
}
