package quality

import (
	"math"
	"testing"
)

func TestTally(t *testing.T) {
	tally := NewTally(4) // two steps of two dims
	tally.Add([]float64{1, 2, 3, 4}, []float64{1, 4, 2, 4})
	tally.Add([]float64{0, 0, 0, 0}, []float64{0, 0, 3, 4})
	for _, c := range []struct {
		name string
		got  Errors
		want Errors
	}{
		{"overall", tally.Overall(), Errors{10. / 8, 30. / 8}},
		{"first dim of a step", tally.Dims(2, 0, 1), Errors{4. / 4, 10. / 4}},
		{"second dim of a step", tally.Dims(2, 1, 2), Errors{6. / 4, 20. / 4}},
		{"in units of the deviation, one left out", tally.Scaled([]float64{1, 2, 0, 4}), Errors{(0 + 1 + 1.) / 6, (0 + 1 + 1.) / 6}},
		{"nothing", NewTally(3).Overall(), Errors{}},
	} {
		if c.got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, c.got, c.want)
		}
	}
}

func TestErrorSizes(t *testing.T) {
	var hundred, one errorSizes
	for i := range 100 {
		hundred.Add(float64(1 + (37*i)%100)) // 1 to 100, mixed
	}
	one.Add(-3)
	for _, c := range []struct {
		name   string
		sizes  *errorSizes
		q      float64
		expect float64
	}{
		{"median", &hundred, 0.5, 50},
		{"p99", &hundred, 0.99, 99},
		{"just above a rank", &hundred, 0.991, 100},
		{"all", &hundred, 1, 100},
		{"none", &hundred, 0, 1},
		{"one negative error", &one, 0.5, 3},
		{"nothing", &errorSizes{}, 0.5, 0},
	} {
		if got := c.sizes.Quantile(c.q); got != c.expect {
			t.Errorf("%s: quantile %g is %g, want %g", c.name, c.q, got, c.expect)
		}
	}
	if hundred.Max() != 100 || one.Max() != 3 || (&errorSizes{}).Max() != 0 {
		t.Errorf("largest %g, %g", hundred.Max(), one.Max())
	}
}

// Beyond its limit a errorSizes thins out evenly, and the largest stays exact.
func TestErrorSizesThin(t *testing.T) {
	s := errorSizes{limit: 64}
	const n = 10007
	for i := range n {
		s.Add(float64(i))
	}
	if len(s.kept) > 64 || len(s.kept) < 32 {
		t.Errorf("keeps %d of at most 64", len(s.kept))
	}
	for i, v := range s.kept {
		if want := float32(i * s.step); v != want {
			t.Fatalf("kept %g in place %d, want %g: every %d-th", v, i, want, s.step)
		}
	}
	for _, q := range []float64{0.1, 0.5, 0.9} {
		if got := s.Quantile(q); math.Abs(got-q*n) > 1.5*float64(s.step) {
			t.Errorf("quantile %g is %g, want about %g", q, got, q*n)
		}
	}
	if s.Max() != n-1 {
		t.Errorf("largest %g, want %d", s.Max(), n-1)
	}
}
