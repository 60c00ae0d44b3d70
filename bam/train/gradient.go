package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/loralink/loralink-go/bam"
)

// Gradient minimises the mean squared error of the decoded windows. It trains all
// layers at once, through transmission function, cycles and the rounding of the packing.
// It starts from principal components, or from Settings.Start, takes minibatches in
// random order, and uses Adam (Kingma and Ba, ICLR 2015) with a decreasing step size.
// Every tenth block of 16 training windows is used for validation only: the result has
// the weights of the epoch with the smallest error on these windows. If there are fewer
// than 145 training windows, all are used for both.
//
// With packing bitpack it trains without rounding; the tables are fitted to its
// latents afterwards.
type Gradient struct {
	Epochs       int     // largest number of epochs; 0 means 60
	LearningRate float64 // size of the first step; 0 means 2e-3
	Batch        int     // windows in a minibatch; 0 means 128
	// Patience is the number of epochs without a smaller error on the validation
	// windows after which training ends; 0 means 15.
	Patience int
}

// gradientParameters are the parameters of Gradient in reports and keys.
type gradientParameters struct {
	Epochs       int     `json:"epochs"`
	LearningRate float64 `json:"learning_rate"`
	Batch        int     `json:"batch"`
	Patience     int     `json:"early_stop_patience"`
	Seed         int64   `json:"seed"`
}

func (g *Gradient) parameters(s *Settings) any {
	return gradientParameters{g.Epochs, g.LearningRate, g.Batch, g.Patience, s.Seed}
}

// Name returns "gradient".
func (g *Gradient) Name() string { return "gradient" }

const (
	// gradientPeak is the largest absolute value of the training windows after
	// widening. It is below 1, where the transmission function clips, because new
	// recordings exceed the range of the training windows.
	gradientPeak = 1 / 1.3
	// gradientInner is the largest absolute hidden value at the start.
	gradientInner = 0.5
	// maxGradientWindows is the largest number of windows that are used.
	maxGradientWindows = 1 << 16
)

// Check returns an error that wraps ErrSettings unless the parameters are valid.
func (g *Gradient) Check() error {
	_, err := g.withDefaults()
	return err
}

// withDefaults returns a valid copy with defaults filled in.
func (g *Gradient) withDefaults() (*Gradient, error) {
	c := *g
	setDefault(&c.Epochs, 60)
	setDefault(&c.LearningRate, 2e-3)
	setDefault(&c.Batch, 128)
	setDefault(&c.Patience, 15)
	if c.Epochs < 1 || !(c.LearningRate > 0) || c.Batch < 1 || c.Patience < 1 {
		return nil, fmt.Errorf("%w: Epochs %d, LearningRate %g, Batch %d, Patience %d, want each above 0, or 0 for the default", ErrSettings, g.Epochs, g.LearningRate, g.Batch, g.Patience)
	}
	return &c, nil
}

// Fit implements Method.
func (g *Gradient) Fit(ctx context.Context, p *Problem) (*Fitted, error) {
	g, err := g.withDefaults()
	if err != nil {
		return nil, err
	}
	q, layers, err := principalLayers(ctx, p, gradientPeak, gradientInner)
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(uint64(p.Settings.Seed), 2))
	if p.Settings.Start != nil {
		layers = cloneLayers(p.Settings.Start)
	} else {
		initSpareUnits(layers, rng)
	}
	t := &gradientTrainer{Gradient: g, p: p, rng: rng, network: newNetwork(q, layers), report: LayerReport{InDim: p.windowLen(), OutDim: p.Settings.LatentDim}}
	if t.train, t.valid, err = divideWindows(ctx, q); err != nil {
		return nil, err
	}
	status, err := t.run(ctx)
	if err != nil {
		return nil, err
	}
	return &Fitted{Problem: q, Layers: t.kept, Status: status, LayerReports: []LayerReport{t.report}, Hyper: g.parameters(&p.Settings)}, nil
}

// divideWindows divides the windows of the problem, at most maxGradientWindows, into
// those for training and those for validation.
func divideWindows(ctx context.Context, p *Problem) (train, valid [][]float32, err error) {
	i := 0
	for z, err := range p.Normalized(ctx) {
		if err != nil {
			return nil, nil, err
		}
		if i == maxGradientWindows {
			break
		}
		if i/16%10 == 9 {
			valid = append(valid, slices.Clone(z))
		} else {
			train = append(train, slices.Clone(z))
		}
		i++
	}
	if len(valid) == 0 {
		valid = train
	}
	return train, valid, nil
}

// initSpareUnits gives random weights to the hidden units that principal components
// leave at 0, because their gradient is 0: larger ones to their inputs, and weights close
// to 0 to their outputs.
func initSpareUnits(layers []bam.Layer, rng *rand.Rand) {
	for _, l := range layers[:len(layers)-1] {
		for k := range l.Out() {
			row := l.W.Row(k)
			if !allZero(row) {
				continue
			}
			for i := range row {
				row[i] = float32(0.5 * rng.NormFloat64())
				l.V.Row(i)[k] = float32(1e-3 * rng.NormFloat64())
			}
		}
	}
	for _, l := range layers[1:] { // the next layer's weights of the same units
		for i := range l.In() {
			if !allZero(l.V.Row(i)) {
				continue
			}
			for k := range l.Out() {
				l.V.Row(i)[k] = float32(0.5 * rng.NormFloat64())
				l.W.Row(k)[i] = float32(1e-3 * rng.NormFloat64())
			}
		}
	}
}

func allZero(v []float32) bool {
	for _, x := range v {
		if x != 0 {
			return false
		}
	}
	return true
}

// gradientTrainer is one training by Gradient.
type gradientTrainer struct {
	*Gradient
	p            *Problem
	rng          *rand.Rand
	network      *network
	train, valid [][]float32
	kept         []bam.Layer // the layers of the epoch with the smallest error
	report       LayerReport
}

// run trains until one of the limits ends the training.
func (t *gradientTrainer) run(ctx context.Context) (Status, error) {
	best, err := t.network.loss(ctx, t.valid)
	if err != nil {
		return "", err
	}
	t.kept = cloneLayers(t.network.layers)
	if err := t.record(0, best); err != nil {
		return "", err
	}
	status, epochsSinceBest := EpochLimit, 0
	for epoch := range t.Epochs {
		loss, err := t.epoch(ctx, epoch)
		if err != nil {
			return "", err
		}
		if math.IsNaN(loss) {
			return "", fmt.Errorf("%w in epoch %d: want a learning rate below %g", ErrDiverged, epoch+1, t.LearningRate)
		}
		t.report.Curve = append(t.report.Curve, [2]float64{loss, 0})
		if err := t.record(epoch+1, loss); err != nil {
			return "", err
		}
		if loss < best {
			best, epochsSinceBest, t.kept = loss, 0, cloneLayers(t.network.layers)
		} else if epochsSinceBest++; epochsSinceBest >= t.Patience {
			status = EarlyStop
			break
		}
	}
	t.report.MSEX = best
	return status, nil
}

func (t *gradientTrainer) record(epochs int, loss float64) error {
	return t.p.Record(Progress{Stage: StageFit, Layers: 1, Epoch: epochs, Epochs: t.Epochs, MSEX: loss})
}

// epoch takes one step for each minibatch and returns the error on the validation
// windows.
func (t *gradientTrainer) epoch(ctx context.Context, epoch int) (float64, error) {
	t.rng.Shuffle(len(t.train), func(i, j int) { t.train[i], t.train[j] = t.train[j], t.train[i] })
	rate := t.LearningRate * (1 + math.Cos(math.Pi*float64(epoch)/float64(t.Epochs))) / 2
	for i := 0; i < len(t.train); i += t.Batch {
		if err := t.network.step(ctx, t.train[i:min(i+t.Batch, len(t.train))], rate, t.rng); err != nil {
			return 0, err
		}
	}
	t.report.EpochsRan++
	t.report.WindowsSeen += len(t.train)
	return t.network.loss(ctx, t.valid)
}
