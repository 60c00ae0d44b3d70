package train

import (
	"strings"
	"testing"
)

func TestWriteChoices(t *testing.T) {
	for _, c := range []struct {
		name   string
		report Report
		want   string
	}{
		{"one candidate", Report{Choices: []MethodChoice{{Method: "pca", Picked: true}}, BitPack: []BitPackChoice{{}}}, ""},
		{"methods", Report{Choices: []MethodChoice{
			{Method: "pca", Temporal: 0.5, Blocked: 0.25, Score: 0.35, Picked: true},
			{Method: "gradient", HiddenDims: []int{64, 8}, Delta: 0.4, Temporal: 0.6},
			{Method: "gradient", Temporal: 0.4, LostFold: 3},
			{Method: "gradient", Temporal: 0.4},
			{Method: "gradient", Temporal: 0.4, Blocked: 0.3, Score: 0.346},
		}}, `Methods compared by their errors on training windows that were left out of the fit
                hidden  delta  last 40 % left out               mean of five folds left out
  pca (picked)    none      0               0.500                                     0.250
  gradient        64-8    0.4               0.600  skipped: worse than pca on the last 40 %
  gradient        none      0               0.400                  worse than pca in fold 3
  gradient        none      0               0.400                  worse than pca in a fold
  gradient        none      0               0.400                                     0.300
Errors are mean squares of normalised values. A fold is every fifth block of 16 windows. A method with a larger error than
pca on the last 40 % or in one fold is discarded.
`},
		{"mixture components", Report{BitPack: []BitPackChoice{{0, 0.5, 0.6, 0.55}, {2, 0.4, 0.5, 0.45}, {3, 0.4, 0.6, 0.49}}}, `Numbers of mixture components compared by their errors on training windows that were left out of the fit
  mixture components  last 40 % left out  one fold left out
  1                                0.600              0.500
  4 (picked)                       0.500              0.400
  8                                0.600              0.400
Errors are mean squares of latents. The fold is every fifth block of 16 windows.
`},
	} {
		var b strings.Builder
		if err := c.report.WriteChoices(&b); err != nil || b.String() != c.want {
			t.Errorf("%s: %v, got\n%swant\n%s", c.name, err, b.String(), c.want)
		}
	}
}

// Auto says in which fold a candidate lost.
func TestLostFold(t *testing.T) {
	result, err := Train(t.Context(), sequence(waves(400, 6)), &Settings{LatentDim: 5}, &Auto{Gradient{Epochs: 2}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range result.Report.Choices {
		if c.Picked && c.LostFold > 0 || c.LostFold > 0 && c.Blocked != 0 || !c.Picked && c.Temporal < result.Report.Choices[0].Temporal && c.LostFold == 0 && c.Blocked == 0 {
			t.Errorf("%+v", c)
		}
	}
}
