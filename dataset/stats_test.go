package dataset

import (
	"errors"
	"math"
	"reflect"
	"testing"
)

func TestStats(t *testing.T) {
	var s Stats
	if s.Count() != 0 || s.Mean() != nil || s.Std() != nil {
		t.Fatal("zero value is not empty")
	}
	add := func(v ...float64) {
		t.Helper()
		if err := s.Add(v); err != nil {
			t.Fatal(err)
		}
	}
	add(2, 1e9)
	if got := s.Std(); !reflect.DeepEqual(got, []float64{0, 0}) {
		t.Fatalf("one window: std %v, want 0", got)
	}
	add(4, 1e9+1)
	add(4, 1e9+2)
	add(6, 1e9+3)
	wantMean, wantStd := []float64{4, 1e9 + 1.5}, []float64{math.Sqrt(8.0 / 3), math.Sqrt(5.0 / 3)}
	for i := range wantMean {
		if math.Abs(s.Mean()[i]-wantMean[i]) > 1e-6 || math.Abs(s.Std()[i]-wantStd[i]) > 1e-6 {
			t.Fatalf("mean %v, std %v; want %v, %v", s.Mean(), s.Std(), wantMean, wantStd)
		}
	}
	for name, c := range map[string]struct {
		values []float64
		kind   error
	}{"length": {[]float64{1}, ErrLength}, "NaN": {[]float64{1, math.NaN()}, ErrNotFinite},
		"Infinity": {[]float64{math.Inf(-1), 1}, ErrNotFinite}, "would overflow": {[]float64{1, 1e200}, ErrNotFinite}} {
		if err := s.Add(c.values); !errors.Is(err, c.kind) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if s.Count() != 4 || math.Abs(s.Mean()[0]-4) > 1e-12 {
		t.Fatalf("an error changed the statistics: %d, %v", s.Count(), s.Mean())
	}
	constant := Stats{}
	for range 1000 {
		constant.Add([]float64{37.123457})
	}
	if constant.Std()[0] != 0 || constant.Mean()[0] != 37.123457 {
		t.Fatalf("constant: mean %v, std %v", constant.Mean(), constant.Std())
	}
}
