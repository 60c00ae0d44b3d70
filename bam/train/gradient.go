package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"github.com/loralink/loralink-go/bam"
)

// Gradient trains all layers at once on what counts: the error of the rebuilt
// window, through transmission, cycles and the rounding of the packing. It
// starts from the principal components (or Settings.Start), takes minibatches
// in random order with Adam (Kingma and Ba, ICLR 2015) and a falling step size,
// and keeps the weights that did best on a validation part that is split off the
// training windows in blocks.
//
// With bitpack it trains without rounding; the tables are fitted to its latents.
type Gradient struct {
	Epochs       int     `json:"epochs"`              // 0: 60
	LearningRate float64 `json:"learning_rate"`       // of the first step; 0: 2e-3
	Batch        int     `json:"batch"`               // windows a step; 0: 128
	Patience     int     `json:"early_stop_patience"` // epochs without progress before stopping; 0: 15
	Seed         int64   `json:"seed"`                // of order, rounding noise and spare weights
}

// Name is "gradient".
func (g *Gradient) Name() string { return "gradient" }

const (
	// gradientPeak is how far into [-1, 1] the training windows reach: a new
	// recording goes further.
	gradientPeak = 1 / 1.3
	// gradientInner is how far the hidden values of the start reach.
	gradientInner = 0.5
	// maxGradientWindows bounds the windows held in memory.
	maxGradientWindows = 1 << 16
)

func (g *Gradient) check() (Gradient, error) {
	c := *g
	setDefault(&c.Epochs, 60)
	setDefault(&c.LearningRate, 2e-3)
	setDefault(&c.Batch, 128)
	setDefault(&c.Patience, 15)
	if c.Epochs < 1 || !(c.LearningRate > 0) || c.Batch < 1 || c.Patience < 1 {
		return c, fmt.Errorf("%w: epochs %d, learning rate %g, batch %d, patience %d, want each above 0", ErrSettings, c.Epochs, c.LearningRate, c.Batch, c.Patience)
	}
	return c, nil
}

func (g *Gradient) fit(ctx context.Context, p *problem) (*fitted, error) {
	c, err := g.check()
	if err != nil {
		return nil, err
	}
	out, err := principalStart(ctx, p, gradientPeak, gradientInner)
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(uint64(c.Seed), 2))
	if p.settings.Start != nil {
		out.layers = startLayers(p, 0, 0)
	} else {
		wakeSpare(out.layers, rng)
	}
	out.hyper, out.status = c, EpochLimit
	n := newNetwork(p.settings, out)
	var train, valid [][]float32
	i := 0
	for z, err := range out.data.normalised(ctx) {
		if err != nil {
			return nil, err
		}
		if i == maxGradientWindows {
			break
		}
		row := append([]float32(nil), z...)
		if i/16%10 == 9 {
			valid = append(valid, row)
		} else {
			train = append(train, row)
		}
		i++
	}
	if len(valid) == 0 {
		valid = train
	}
	r := LayerReport{OutDim: p.settings.LatentDim, InDim: p.data.dim}
	best, since := n.loss(valid), 0
	kept := n.copyWeights()
	for epoch := range c.Epochs {
		rng.Shuffle(len(train), func(i, j int) { train[i], train[j] = train[j], train[i] })
		rate := c.LearningRate * (1 + math.Cos(math.Pi*float64(epoch)/float64(c.Epochs))) / 2
		for at := 0; at < len(train); at += c.Batch {
			if ctx.Err() != nil {
				out.status = Cancelled
				break
			}
			n.step(train[at:min(at+c.Batch, len(train))], rate, rng)
		}
		if out.status == Cancelled {
			break
		}
		r.EpochsRan++
		r.SamplesSeen += len(train)
		loss := n.loss(valid)
		if math.IsNaN(loss) {
			return nil, fmt.Errorf("%w in epoch %d: want a learning rate below %g", ErrDiverged, epoch+1, c.LearningRate)
		}
		r.Curve = append(r.Curve, [2]float64{loss, 0})
		if p.settings.Recorder != nil {
			if err := p.settings.Recorder.Record(Progress{g.Name(), 0, 1, epoch + 1, c.Epochs, loss, 0}); err != nil {
				return nil, err
			}
		}
		if loss < best {
			best, since, kept = loss, 0, n.copyWeights()
		} else if since++; since >= c.Patience {
			out.status = EarlyStop
			break
		}
	}
	r.MSEX = best
	out.layers = kept
	out.report = []LayerReport{r}
	return out, nil
}

// wakeSpare gives small random weights to the units that the principal
// components leave at 0, where no gradient would ever reach them: they listen
// at random, and are hardly heard at first.
func wakeSpare(layers []bam.Layer, rng *rand.Rand) {
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
	for _, l := range layers[1:] {
		// The next layer's side of the same spare units.
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

// network is the model unrolled: a chain of products, each with one of the
// model's matrices and followed by the transmission. Cycles use a matrix more
// than once.
type network struct {
	layers   []bam.Layer
	matrices []bam.Matrix // W and V of each layer, in turn
	chain    []int        // of each step, its matrix
	latent   int          // the step after which the latent stands
	delta    float32
	round    float32   // step of the packing, 0: none
	limit    float32   // largest |latent| of the packing, 0: none
	weights  []float32 // of each value's squared error
	grad     []bam.Matrix
	mean     [][]float32 // Adam's first and second moments
	square   [][]float32
	steps    int
	values   []bam.Matrix // what enters each step, and leaves the last
	before   []bam.Matrix // each step's product, before the transmission
}

func newNetwork(s Settings, f *fitted) *network {
	n := &network{layers: f.layers, delta: float32(s.Delta)}
	for _, l := range f.layers {
		n.matrices = append(n.matrices, l.W, l.V)
	}
	for i := range f.layers {
		n.chain = append(n.chain, 2*i)
		for range s.EncodeCycles {
			n.chain = append(n.chain, 2*i+1, 2*i)
		}
	}
	n.latent = len(n.chain) - 1
	for i := len(f.layers) - 1; i >= 0; i-- {
		n.chain = append(n.chain, 2*i+1)
		for range s.DecodeCycles {
			n.chain = append(n.chain, 2*i, 2*i+1)
		}
	}
	if s.Packing.Integer() && !s.AutoScale {
		n.round = float32(1 / s.Scale)
		n.limit = float32(float64(s.Packing.MaxInt()) / s.Scale)
	}
	for i, w := range f.data.weights {
		if f.data.widened != nil {
			w *= f.data.widened[i]
		}
		n.weights = append(n.weights, float32(w*w))
	}
	for _, m := range n.matrices {
		n.grad = append(n.grad, bam.NewMatrix(m.Rows, m.Cols))
		n.mean = append(n.mean, make([]float32, len(m.Data)))
		n.square = append(n.square, make([]float32, len(m.Data)))
	}
	return n
}

func (n *network) copyWeights() []bam.Layer {
	out := make([]bam.Layer, len(n.layers))
	for i, l := range n.layers {
		out[i] = bam.Layer{W: cloneMatrix(l.W), V: cloneMatrix(l.V)}
	}
	return out
}

func general(m bam.Matrix) blas32.General {
	return blas32.General{Rows: m.Rows, Cols: m.Cols, Stride: m.Cols, Data: m.Data}
}

// forward rebuilds the rows of a batch. The latent is rounded as the packing
// rounds it, or moved by noise as large, which has a gradient.
func (n *network) forward(rows [][]float32, rng *rand.Rand) {
	x := bam.NewMatrix(len(rows), len(rows[0]))
	for i, r := range rows {
		copy(x.Row(i), r)
	}
	n.values, n.before = n.values[:0], n.before[:0]
	n.values = append(n.values, x)
	for t, which := range n.chain {
		m := n.matrices[which]
		a := bam.NewMatrix(len(rows), m.Rows)
		blas32.Gemm(blas.NoTrans, blas.Trans, 1, general(x), general(m), 0, general(a))
		y := cloneMatrix(a)
		bam.Squash(y.Data, n.delta)
		if t == n.latent && n.round > 0 {
			for i, v := range y.Data {
				v = min(n.limit, max(-n.limit, v))
				if rng != nil {
					v += float32(n.round * (rng.Float32() - 0.5))
				} else {
					v = n.round * float32(math.RoundToEven(float64(v/n.round)))
				}
				y.Data[i] = v
			}
		}
		n.before = append(n.before, a)
		n.values = append(n.values, y)
		x = y
	}
}

// loss is the mean weighted squared error of the rows, rounded as sent.
func (n *network) loss(rows [][]float32) float64 {
	sum := 0.0
	for at := 0; at < len(rows); at += 512 {
		batch := rows[at:min(at+512, len(rows))]
		n.forward(batch, nil)
		got := n.values[len(n.values)-1]
		for i, r := range batch {
			for j, v := range got.Row(i) {
				d := v - r[j]
				sum += float64(d * d * n.weights[j])
			}
		}
	}
	return sum / float64(len(rows)*len(rows[0]))
}

// step moves the weights against the gradient of one batch.
func (n *network) step(rows [][]float32, rate float64, rng *rand.Rand) {
	n.forward(rows, rng)
	for _, g := range n.grad {
		clear(g.Data)
	}
	got := n.values[len(n.values)-1]
	d := bam.NewMatrix(got.Rows, got.Cols)
	scale := 2 / float32(len(d.Data))
	for i, r := range rows {
		for j, v := range got.Row(i) {
			d.Row(i)[j] = scale * n.weights[j] * (v - r[j])
		}
	}
	for t := len(n.chain) - 1; t >= 0; t-- {
		a := n.before[t]
		for i, v := range a.Data {
			if t == n.latent && n.round > 0 && (n.values[t+1].Data[i] > n.limit || n.values[t+1].Data[i] < -n.limit) {
				d.Data[i] = 0
			}
			if n.delta != 0 {
				f := float32((n.delta+1)*v) - float32(n.delta*v*v*v)
				if f >= 1 || f <= -1 {
					d.Data[i] = 0
				} else {
					d.Data[i] *= n.delta + 1 - float32(3*n.delta*v*v)
				}
			}
		}
		which := n.chain[t]
		blas32.Gemm(blas.Trans, blas.NoTrans, 1, general(d), general(n.values[t]), 1, general(n.grad[which]))
		if t > 0 {
			below := bam.NewMatrix(d.Rows, n.matrices[which].Cols)
			blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, general(d), general(n.matrices[which]), 0, general(below))
			d = below
		}
	}
	n.steps++
	const b1, b2 = 0.9, 0.999
	fix1, fix2 := 1-math.Pow(b1, float64(n.steps)), 1-math.Pow(b2, float64(n.steps))
	for i, m := range n.matrices {
		for j, g := range n.grad[i].Data {
			n.mean[i][j] += float32((1 - b1) * (g - n.mean[i][j]))
			n.square[i][j] += float32((1 - b2) * (float32(g*g) - n.square[i][j]))
			m.Data[j] -= float32(rate * float64(n.mean[i][j]) / fix1 / (math.Sqrt(float64(n.square[i][j])/fix2) + 1e-12))
		}
	}
}
