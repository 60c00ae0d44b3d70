package train

import (
	"context"
	"fmt"
	"math"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/innersplit"
)

// Auto chooses between PCA and Gradient by inner validation, which uses training
// windows only. If the settings have neither hidden layers nor a transmission function,
// Gradient is tried with both.
//
// Each candidate is fitted six times, each time without some windows, on which its
// error is then measured:
//
//   - once without the temporal holdout, the last 40 % of the windows, which represents
//     a new recording;
//   - five times in blocked cross-validation, each time without another fold, every
//     fifth block of 16 windows, which represents more of the same recording.
//
// The score of a candidate is the geometric mean of two errors: that on the temporal
// holdout, and the mean of the five folds. The candidate with the smallest score wins.
// However, a candidate with a larger error than PCA in any of the six measurements is
// discarded, and not measured further. A model must generalise, and a few unusual
// windows, all in one fold, can make up most of the error.
//
// Gradient is not a candidate
//
//   - if a fit would take more than 10^10 multiplications, about ten seconds,
//   - if there are fewer than 80 training windows,
//   - with a linear model of given sizes, where PCA is optimal before rounding,
//   - or with packing bitpack.
type Auto struct {
	Gradient Gradient // parameters of the candidate Gradient
}

// Name returns "auto".
func (a *Auto) Name() string { return "auto" }

func (a *Auto) parameters(s *Settings) any {
	return struct {
		Gradient any `json:"gradient"`
	}{a.Gradient.parameters(s)}
}

// A MethodChoice is a candidate that a method such as Auto compared with others.
// The errors are mean squared errors of normalised values.
type MethodChoice struct {
	Method     string  `json:"method"`
	HiddenDims []int   `json:"hidden_dims"`
	Delta      float64 `json:"delta"`
	// Temporal is the error on the temporal holdout, mse_later in reports.
	Temporal float64 `json:"mse_later"`
	// Blocked is the mean error of the folds of blocked cross-validation, mse_mixed in
	// reports; 0 if the candidate was discarded.
	Blocked float64 `json:"mse_mixed,omitempty"`
	// Score is the geometric mean of Temporal and Blocked; 0 if the candidate was
	// discarded.
	Score  float64 `json:"score,omitempty"`
	Picked bool    `json:"picked"`
	// LostFold is the number of the fold, from 1, in which the candidate's error was
	// larger than that of the first candidate, PCA; 0: none. It is not part of the
	// JSON.
	LostFold int `json:"-"`
}

const (
	// autoHidden and autoDelta are the hidden layer and the transmission function
	// that Auto tries. The layer is larger if the window has more values.
	autoHidden = 64
	autoDelta  = 0.4
	// maxAutoProducts is the largest number of multiplications of a fit by Gradient
	// as a candidate. They take about ten seconds on one core.
	maxAutoProducts = 1e10
)

// candidate is a method with the settings for its trial.
type candidate struct {
	method   Method
	settings Settings
}

// Fit implements Method.
func (a *Auto) Fit(ctx context.Context, p *Problem) (*Fitted, error) {
	candidates := a.candidates(p)
	choices := make([]MethodChoice, len(candidates))
	for i, c := range candidates {
		choices[i] = MethodChoice{Method: c.method.Name(), HiddenDims: append([]int{}, c.settings.HiddenDims...), Delta: c.settings.Delta}
	}
	picked := 0
	if len(candidates) > 1 {
		var err error
		if picked, err = compare(ctx, p, candidates, choices); err != nil {
			return nil, err
		}
	}
	choices[picked].Picked = true
	c := candidates[picked]
	q, err := c.problem(p)
	if err != nil {
		return nil, err
	}
	fit, err := c.method.Fit(ctx, q)
	if err != nil {
		return nil, err
	}
	if fit.Problem == nil {
		fit.Problem = q
	}
	fit.Choices = choices
	return fit, nil
}

// candidates returns PCA and, unless Auto excludes it, Gradient.
func (a *Auto) candidates(p *Problem) []candidate {
	s := p.Settings
	list := []candidate{{PCA{}, s}}
	if s.Packing == bam.BitPack || p.cached == nil || p.Windows < innersplit.Folds*innersplit.Block {
		return list
	}
	switch {
	case s.Delta != 0:
	case len(s.HiddenDims) == 0 && s.EncodeCycles+s.DecodeCycles == 0 && s.Start == nil:
		s.HiddenDims, s.Delta = []int{max(autoHidden, p.windowLen())}, autoDelta
	default:
		return list // PCA is the optimal linear model before rounding
	}
	if weights(s.dims(p.windowLen())) > artifacts.MaxWeights {
		return list
	}
	if g, err := a.Gradient.withDefaults(); err == nil && gradientProducts(&s, p.windowLen())*float64(p.Windows)*float64(g.Epochs) > maxAutoProducts {
		return list
	}
	return append(list, candidate{&a.Gradient, s})
}

// gradientProducts returns the approximate number of multiplications of Gradient for
// one window of n values in one epoch.
func gradientProducts(s *Settings, n int) float64 {
	products := 0.0
	dims := s.dims(n)
	for i, size := range dims[:len(dims)-1] {
		// One product forward, and two back.
		products += float64(3 * float64(size) * float64(dims[i+1]) * float64(2+s.EncodeCycles*2+s.DecodeCycles*2))
	}
	return products
}

// problem returns p with the candidate's settings.
func (c *candidate) problem(p *Problem) (*Problem, error) {
	q, err := p.With(c.settings)
	if err != nil {
		return nil, err
	}
	q.method = c.method.Name()
	return q, nil
}

// compare measures the candidates by inner validation, fills in their choices,
// and returns the index of the best one.
func compare(ctx context.Context, p *Problem, candidates []candidate, choices []MethodChoice) (best int, err error) {
	const folds = innersplit.Folds
	step, steps := 0, len(candidates)*(1+folds)
	measure := func(c *candidate, leaveOut func(i int) bool) (float64, error) {
		step++
		return c.measure(ctx, p, leaveOut, step, steps)
	}
	var reference [folds]float64 // errors of the first candidate
	for i := range candidates {
		c, choice := &candidates[i], &choices[i]
		step = i * (1 + folds)
		if choice.Temporal, err = measure(c, func(w int) bool { return innersplit.Temporal(w, p.Windows) }); err != nil {
			return 0, err
		}
		if choice.Temporal > choices[0].Temporal {
			continue
		}
		sum := 0.0
		for k := 0; k < folds && choice.LostFold == 0; k++ {
			mse, err := measure(c, func(w int) bool { return innersplit.Fold(w) == k })
			if err != nil {
				return 0, err
			}
			if i == 0 {
				reference[k] = mse
			}
			if mse > reference[k] {
				choice.LostFold = k + 1
			}
			sum += mse
		}
		if choice.LostFold > 0 {
			continue
		}
		choice.Blocked = sum / folds
		choice.Score = math.Sqrt(choice.Blocked * choice.Temporal)
		if choice.Score < choices[best].Score {
			best = i
		}
	}
	return best, nil
}

// measure fits the candidate to the windows of p that leaveOut does not select,
// and returns its error on the windows that leaveOut selects. It returns 0 if one of
// the two sets is empty.
func (c *candidate) measure(ctx context.Context, p *Problem, leaveOut func(i int) bool, step, steps int) (float64, error) {
	train, test := p.part(func(i int) bool { return !leaveOut(i) }), p.part(leaveOut)
	if train.Windows == 0 || test.Windows == 0 {
		return 0, nil
	}
	train, err := c.problem(train)
	if err != nil {
		return 0, err
	}
	if train.Settings.Recorder != nil {
		train.Settings.Recorder = &validationRecorder{p, step, steps}
	}
	if err := train.Record(Progress{}); err != nil {
		return 0, err
	}
	fit, err := c.method.Fit(ctx, train)
	if err != nil {
		return 0, err
	}
	if fit.Problem == nil {
		fit.Problem = train
	}
	mse, err := newNetwork(fit.Problem, fit.Layers).loss(ctx, widenedRows(test, fit.Problem.Widening))
	if err != nil {
		return 0, err
	}
	if math.IsNaN(mse) {
		return 0, fmt.Errorf("%w: %s in validation", ErrDiverged, c.method.Name())
	}
	return mse, nil
}

// widenedRows returns the windows of p, which is not widened, divided by the
// widening.
func widenedRows(p *Problem, widening []float64) [][]float32 {
	var rows [][]float32
	for z := range p.rows() {
		row := append([]float32(nil), z...)
		for j, w := range widening {
			row[j] = float32(float64(row[j]) / w)
		}
		rows = append(rows, row)
	}
	return rows
}

// validationRecorder reports the progress of a fit as a step of inner validation.
type validationRecorder struct {
	p           *Problem
	step, steps int
}

func (r *validationRecorder) Record(progress Progress) error {
	progress.Stage, progress.Step, progress.Steps = StageValidation, r.step, r.steps
	return r.p.Record(progress)
}
