package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/loralink/loralink-go/bam"
)

// FEBAM is the learning rule of Chartier, Giguère, Renaud, Lina and Proulx
// (FEBAM, IJCNN 2007). It trains one layer after the other, without changing the layers
// below, and updates the weights after every window. With x the layer's input and f the
// transmission function, an update computes
//
//	y0 = f(W·x)
//	xc = f(V·yc), yc = f(W·xc)    Cycles times, starting with yc = y0
//	W += LearningRate·(y0 − yc)(x + xc)ᵀ
//	V += LearningRate·(x − xc)(y0 + yc)ᵀ
//
// The errors of an epoch are mse_x, the mean of (x − xc)², and mse_y, the mean of
// (y0 − yc)². The zero value has the defaults of the reference runtime.
type FEBAM struct {
	Epochs       int     // largest number of epochs for each layer; 0 means 1
	LearningRate float64 // 0 means 1e-4
	Cycles       int     // 0 means 1
	InitRange    float64 // starting weights are uniform in ±InitRange; 0 means 0.05
	WeightClip   float64 // weights are clipped to ±WeightClip; 0 means no clipping

	// ShuffleBuffer is the number of windows in the shuffle buffer; 0 means file
	// order. Every epoch has another order, by Settings.ShuffleSeed.
	ShuffleBuffer int

	// EarlyStopPatience is the number of epochs after which the training of a layer
	// ends if mse_x has not decreased by more than EarlyStopMinDelta; 0 means no such
	// limit. At least MinEpochs run.
	EarlyStopPatience int
	EarlyStopMinDelta float64
	MinEpochs         int
	// TargetMSEX and TargetMSEY are targets for mse_x and mse_y. When mse_x is at most
	// its target, and mse_y as well if it has one, the training of the layer ends. 0:
	// no target. A target for mse_y needs one for mse_x.
	TargetMSEX float64
	TargetMSEY float64
}

// febamParameters are the parameters of FEBAM in reports and keys.
type febamParameters struct {
	Epochs            int     `json:"epochs"`
	LearningRate      float64 `json:"learning_rate"`
	Cycles            int     `json:"cycles"`
	InitRange         float64 `json:"init_range"`
	WeightClip        float64 `json:"weight_clip"`
	Seed              int64   `json:"seed"`
	ShuffleBuffer     int     `json:"shuffle_buffer"`
	ShuffleSeed       int64   `json:"shuffle_seed"`
	EarlyStopPatience int     `json:"early_stop_patience"`
	EarlyStopMinDelta float64 `json:"early_stop_min_delta"`
	MinEpochs         int     `json:"min_epochs"`
	TargetMSEX        float64 `json:"target_mse_x"`
	TargetMSEY        float64 `json:"target_mse_y"`
}

func (f *FEBAM) parameters(s *Settings) any {
	return febamParameters{
		f.Epochs, f.LearningRate, f.Cycles, f.InitRange, f.WeightClip, s.Seed, f.ShuffleBuffer, s.ShuffleSeed,
		f.EarlyStopPatience, f.EarlyStopMinDelta, f.MinEpochs, f.TargetMSEX, f.TargetMSEY,
	}
}

// Name returns "febam".
func (f *FEBAM) Name() string { return "febam" }

// Check returns an error that wraps ErrSettings unless the parameters are valid.
func (f *FEBAM) Check() error {
	_, err := f.withDefaults()
	return err
}

// withDefaults returns a valid copy with defaults filled in.
func (f *FEBAM) withDefaults() (*FEBAM, error) {
	g := *f
	setDefault(&g.Epochs, 1)
	setDefault(&g.LearningRate, 1e-4)
	setDefault(&g.Cycles, 1)
	setDefault(&g.InitRange, 0.05)
	for _, v := range []struct {
		name  string
		value float64
		min   float64
	}{
		{"Epochs", float64(g.Epochs), 1}, {"Cycles", float64(g.Cycles), 1}, {"MinEpochs", float64(g.MinEpochs), 0},
		{"LearningRate", g.LearningRate, 0}, {"InitRange", g.InitRange, 0}, {"WeightClip", g.WeightClip, 0},
		{"ShuffleBuffer", float64(g.ShuffleBuffer), 0}, {"EarlyStopPatience", float64(g.EarlyStopPatience), 0},
		{"EarlyStopMinDelta", g.EarlyStopMinDelta, 0}, {"TargetMSEX", g.TargetMSEX, 0}, {"TargetMSEY", g.TargetMSEY, 0},
	} {
		if !(v.value >= v.min) || math.IsInf(v.value, 0) {
			return nil, fmt.Errorf("%w: %s is %g, want at least %g", ErrSettings, v.name, v.value, v.min)
		}
	}
	if g.TargetMSEY > 0 && g.TargetMSEX == 0 {
		return nil, fmt.Errorf("%w: TargetMSEY is %g without TargetMSEX: it has no effect", ErrSettings, g.TargetMSEY)
	}
	if g.Cycles > 1000 {
		return nil, fmt.Errorf("%w: Cycles is %d, want at most 1000", ErrSettings, g.Cycles)
	}
	return &g, nil
}

// Fit implements Method.
func (f *FEBAM) Fit(ctx context.Context, p *Problem) (*Fitted, error) {
	f, err := f.withDefaults()
	if err != nil {
		return nil, err
	}
	fit := &Fitted{Layers: startLayers(p, f.InitRange), Hyper: f.parameters(&p.Settings)}
	for i := range fit.Layers {
		t := newFEBAMTrainer(f, p, fit.Layers, i)
		if fit.Status, err = t.train(ctx); err != nil {
			return nil, err
		}
		fit.LayerReports = append(fit.LayerReports, t.report)
	}
	return fit, nil
}

// startLayers returns a copy of Settings.Start, or layers of random weights,
// uniform in ±spread.
func startLayers(p *Problem, spread float64) []bam.Layer {
	if p.Settings.Start != nil {
		return cloneLayers(p.Settings.Start)
	}
	rng := rand.New(rand.NewPCG(uint64(p.Settings.Seed), 0))
	uniform := func(rows, cols int) bam.Matrix {
		m := bam.NewMatrix(rows, cols)
		for i := range m.Data {
			m.Data[i] = float32((2*rng.Float64() - 1) * spread)
		}
		return m
	}
	layers := make([]bam.Layer, len(p.Dims)-1)
	for i := range layers {
		layers[i] = bam.Layer{W: uniform(p.Dims[i+1], p.Dims[i]), V: uniform(p.Dims[i], p.Dims[i+1])}
	}
	return layers
}

func cloneLayers(layers []bam.Layer) []bam.Layer {
	out := make([]bam.Layer, len(layers))
	for i, l := range layers {
		out[i] = bam.Layer{W: cloneMatrix(l.W), V: cloneMatrix(l.V)}
	}
	return out
}

func cloneMatrix(m bam.Matrix) bam.Matrix {
	m.Data = slices.Clone(m.Data)
	return m
}

// febamTrainer trains one layer.
type febamTrainer struct {
	*FEBAM
	p      *Problem
	layer  bam.Layer
	below  bam.Model // the layers below
	delta  float32
	report LayerReport

	// Working memory: the layer's input, the vectors of the rule, and the
	// differences times the learning rate.
	scratch         *bam.Scratch
	input           []float32
	y0, xc, yc      []float32
	stepX, stepY    []float32
	best            float64 // smallest mse_x so far
	epochsSinceBest int
}

// newFEBAMTrainer returns a trainer for the layer with that index.
func newFEBAMTrainer(f *FEBAM, p *Problem, layers []bam.Layer, index int) *febamTrainer {
	s := &p.Settings
	n, m := p.Dims[index], p.Dims[index+1]
	t := &febamTrainer{
		FEBAM: f, p: p, layer: layers[index], delta: float32(s.Delta),
		below:  bam.Model{Layers: layers[:index], Delta: float32(s.Delta), EncodeCycles: s.EncodeCycles},
		report: LayerReport{LayerIndex: index, InDim: n, OutDim: m},
		input:  make([]float32, n), y0: make([]float32, m), xc: make([]float32, n), yc: make([]float32, m),
		stepX: make([]float32, n), stepY: make([]float32, m), best: math.Inf(1),
	}
	if index > 0 {
		t.scratch = t.below.NewScratch()
	}
	return t
}

// train runs epochs until one of the limits ends the training.
func (t *febamTrainer) train(ctx context.Context) (Status, error) {
	r := &t.report
	if err := t.record(0); err != nil {
		return "", err
	}
	for epoch := range t.Epochs {
		if err := t.epoch(ctx, epoch); err != nil {
			return "", err
		}
		if math.IsNaN(r.MSEX+r.MSEY) || math.IsInf(r.MSEX+r.MSEY, 0) {
			return "", fmt.Errorf("%w in layer %d, epoch %d: want a learning rate below %g, or a weight clip", ErrDiverged, r.LayerIndex, epoch+1, t.LearningRate)
		}
		if err := t.record(epoch + 1); err != nil {
			return "", err
		}
		if status := t.stop(epoch + 1); status != "" {
			return status, nil
		}
	}
	return EpochLimit, nil
}

func (t *febamTrainer) record(epochs int) error {
	r := &t.report
	return t.p.Record(Progress{
		Stage: StageFit, Layer: r.LayerIndex, Layers: len(t.p.Dims) - 1, Epoch: epochs, Epochs: t.Epochs, MSEX: r.MSEX, MSEY: r.MSEY,
	})
}

// epoch updates the weights once with every window, and sets the errors in the report.
func (t *febamTrainer) epoch(ctx context.Context, epoch int) error {
	var sumX, sumY float64
	n := 0
	for x, err := range t.p.Shuffled(ctx, t.ShuffleBuffer, epoch) {
		if err != nil {
			return err
		}
		if t.scratch != nil {
			t.below.Encode(t.input, x, t.scratch)
			x = t.input
		}
		errX, errY, err := t.update(ctx, x)
		if err != nil {
			return err
		}
		sumX += errX
		sumY += errY
		n++
	}
	r := &t.report
	r.EpochsRan++
	r.WindowsSeen += n
	r.MSEX, r.MSEY = sumX/float64(n), sumY/float64(n)
	r.Curve = append(r.Curve, [2]float64{r.MSEX, r.MSEY})
	return nil
}

// longProduct is the number of weights above which a product with a matrix takes so
// long that the context is checked between products.
const longProduct = 1 << 16

// update applies the learning rule to one input, and returns the errors.
func (t *febamTrainer) update(ctx context.Context, x []float32) (errX, errY float64, err error) {
	w, v := t.layer.W, t.layer.V
	w.MulVec(t.y0, x)
	bam.Transmit(t.y0, t.delta)
	copy(t.yc, t.y0)
	for range t.Cycles {
		if len(w.Data) >= longProduct && ctx.Err() != nil {
			return 0, 0, ctx.Err()
		}
		v.MulVec(t.xc, t.yc)
		bam.Transmit(t.xc, t.delta)
		w.MulVec(t.yc, t.xc)
		bam.Transmit(t.yc, t.delta)
	}
	errX = difference(t.stepX, t.xc, x, float32(t.LearningRate))
	errY = difference(t.stepY, t.yc, t.y0, float32(t.LearningRate))
	addOuter(w, t.stepY, t.xc)
	addOuter(v, t.stepX, t.yc)
	if t.WeightClip > 0 {
		clipAll(w.Data, float32(t.WeightClip))
		clipAll(v.Data, float32(t.WeightClip))
	}
	return errX, errY, nil
}

// difference sets step to rate·(a − b) and b to a + b, and returns the mean squared
// difference of a and b.
func difference(step, b, a []float32, rate float32) float64 {
	sum := 0.0
	for i, v := range a {
		d := v - b[i]
		sum += float64(float64(d) * float64(d))
		step[i] = rate * d
		b[i] += v
	}
	return sum / float64(len(a))
}

// stop returns the reason to end the training after that many epochs; "" to continue.
func (t *febamTrainer) stop(epochs int) Status {
	r := &t.report
	if t.TargetMSEX > 0 && r.MSEX <= t.TargetMSEX && (t.TargetMSEY == 0 || r.MSEY <= t.TargetMSEY) && epochs >= t.MinEpochs {
		return TargetReached
	}
	if r.MSEX < t.best-t.EarlyStopMinDelta {
		t.best, t.epochsSinceBest = r.MSEX, 0
		return ""
	}
	t.epochsSinceBest++
	if t.EarlyStopPatience > 0 && t.epochsSinceBest >= t.EarlyStopPatience && epochs >= t.MinEpochs {
		return EarlyStop
	}
	return ""
}

// addOuter adds the outer product a·bᵀ to m.
func addOuter(m bam.Matrix, a, b []float32) {
	for i, ai := range a {
		row := m.Row(i)[:len(b)]
		for j, bj := range b {
			row[j] += float32(ai * bj)
		}
	}
}

// clipAll clips every element of v to ±limit.
func clipAll(v []float32, limit float32) {
	for i, x := range v {
		v[i] = min(limit, max(-limit, x))
	}
}
