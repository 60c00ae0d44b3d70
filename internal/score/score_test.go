package score

import "testing"

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
