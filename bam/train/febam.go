package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/loralink/loralink-go/bam"
)

// FEBAM is the learning rule of Chartier, Giguère, Renaud, Lina and Proulx
// (FEBAM, IJCNN 2007), one window at a time, layer by layer, the layers below
// frozen. With x the layer's input, f the transmission:
//
//	y0 = f(W·x), then Cycles times xc = f(V·yc), yc = f(W·xc), from xc = x, yc = y0
//	W += LearningRate·(y0 − yc)(x + xc)ᵀ
//	V += LearningRate·(x − xc)(y0 + yc)ᵀ
//
// The zero value has the reference runtime's defaults.
type FEBAM struct {
	Epochs       int     `json:"epochs"`        // most epochs a layer; 0: 1
	LearningRate float64 `json:"learning_rate"` // 0: 1e-4
	Cycles       int     `json:"cycles"`        // rounds before each update; 0: 1
	InitRange    float64 `json:"init_range"`    // starting weights are uniform in ±InitRange; 0: 0.05
	WeightClip   float64 `json:"weight_clip"`   // all weights are kept in ±WeightClip; 0: no clip
	Seed         int64   `json:"seed"`          // of the starting weights

	ShuffleBuffer int   `json:"shuffle_buffer"` // windows in the shuffle buffer; 0: file order
	ShuffleSeed   int64 `json:"shuffle_seed"`   // moves by one each epoch

	// EarlyStopPatience ends a layer after that many epochs without mse_x
	// falling by EarlyStopMinDelta; 0: never. MinEpochs run in any case.
	EarlyStopPatience int     `json:"early_stop_patience"`
	EarlyStopMinDelta float64 `json:"early_stop_min_delta"`
	MinEpochs         int     `json:"min_epochs"`
	// TargetMSEX and TargetMSEY end a layer once both errors are at or below
	// them; 0: no target.
	TargetMSEX float64 `json:"target_mse_x"`
	TargetMSEY float64 `json:"target_mse_y"`
}

// Name is "febam".
func (f *FEBAM) Name() string { return "febam" }

func (f *FEBAM) check() (FEBAM, error) {
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
		{"epochs", float64(g.Epochs), 1}, {"cycles", float64(g.Cycles), 1}, {"min epochs", float64(g.MinEpochs), 0},
		{"learning rate", g.LearningRate, 0}, {"init range", g.InitRange, 0}, {"weight clip", g.WeightClip, 0},
		{"shuffle buffer", float64(g.ShuffleBuffer), 0}, {"early stop patience", float64(g.EarlyStopPatience), 0},
		{"early stop min delta", g.EarlyStopMinDelta, 0}, {"target mse x", g.TargetMSEX, 0}, {"target mse y", g.TargetMSEY, 0},
	} {
		if !(v.value >= v.min) || math.IsInf(v.value, 0) {
			return g, fmt.Errorf("%w: %s is %g, want at least %g", ErrSettings, v.name, v.value, v.min)
		}
	}
	if g.Cycles > 1000 {
		return g, fmt.Errorf("%w: cycles is %d, want at most 1000", ErrSettings, g.Cycles)
	}
	return g, nil
}

func (f *FEBAM) fit(ctx context.Context, p *problem) (*fitted, error) {
	g, err := f.check()
	if err != nil {
		return nil, err
	}
	out := &fitted{data: p.data, status: EpochLimit, hyper: g}
	out.layers = startLayers(p, g.InitRange, g.Seed)
	for i := range out.layers {
		r := LayerReport{LayerIndex: i, InDim: p.dims[i], OutDim: p.dims[i+1]}
		status, err := g.fitLayer(ctx, p, out.layers[:i+1], len(out.layers), &r)
		if err != nil {
			return nil, err
		}
		out.report = append(out.report, r)
		out.status = status
		if status == Cancelled {
			if i == 0 && r.EpochsRan == 0 {
				return nil, ctx.Err()
			}
			break
		}
	}
	return out, nil
}

// startLayers returns a copy of the settings' start, or random layers.
func startLayers(p *problem, spread float64, seed int64) []bam.Layer {
	layers := make([]bam.Layer, len(p.dims)-1)
	rng := rand.New(rand.NewPCG(uint64(seed), 0))
	uniform := func(rows, cols int) bam.Matrix {
		m := bam.NewMatrix(rows, cols)
		for i := range m.Data {
			m.Data[i] = float32((2*rng.Float64() - 1) * spread)
		}
		return m
	}
	for i := range layers {
		in, out := p.dims[i], p.dims[i+1]
		if p.settings.Start != nil {
			layers[i] = bam.Layer{W: cloneMatrix(p.settings.Start[i].W), V: cloneMatrix(p.settings.Start[i].V)}
			continue
		}
		layers[i] = bam.Layer{W: uniform(out, in), V: uniform(in, out)}
	}
	return layers
}

func cloneMatrix(m bam.Matrix) bam.Matrix {
	m.Data = append([]float32(nil), m.Data...)
	return m
}

// fitLayer trains the last of layers; those below it are frozen.
func (f *FEBAM) fitLayer(ctx context.Context, p *problem, layers []bam.Layer, total int, r *LayerReport) (Status, error) {
	s := p.settings
	delta := float32(s.Delta)
	index := len(layers) - 1
	below := bam.Model{Layers: layers[:index], Delta: delta, EncodeCycles: s.EncodeCycles}
	layer := layers[index]
	in, out := layer.In(), layer.Out()
	xc, yc, y0 := make([]float32, in), make([]float32, out), make([]float32, out)
	dx, dy := make([]float32, in), make([]float32, out)
	var scratch *bam.Scratch
	var hidden []float32
	if index > 0 {
		scratch, hidden = below.NewScratch(), make([]float32, in)
	}
	lr, clip := float32(f.LearningRate), float32(f.WeightClip)
	best, since := math.Inf(1), 0
	for epoch := range f.Epochs {
		var sx, sy float64
		n := 0
		for x, err := range p.data.shuffled(ctx, f.ShuffleBuffer, f.ShuffleSeed+int64(epoch)) {
			if err != nil {
				if ctx.Err() != nil {
					return Cancelled, nil
				}
				return "", err
			}
			if index > 0 {
				below.Encode(hidden, x, scratch)
				x = hidden
			}
			layer.W.MulVec(y0, x)
			bam.Squash(y0, delta)
			copy(yc, y0)
			for range f.Cycles {
				layer.V.MulVec(xc, yc)
				bam.Squash(xc, delta)
				layer.W.MulVec(yc, xc)
				bam.Squash(yc, delta)
			}
			var ex, ey float64
			for j, v := range x {
				d := v - xc[j]
				ex += float64(float64(d) * float64(d))
				dx[j] = lr * d
				xc[j] += v // from here on x + xc
			}
			for k, v := range y0 {
				d := v - yc[k]
				ey += float64(float64(d) * float64(d))
				dy[k] = lr * d
				yc[k] += v // from here on y0 + yc
			}
			addOuter(layer.W, dy, xc)
			addOuter(layer.V, dx, yc)
			if clip > 0 {
				clipAll(layer.W.Data, clip)
				clipAll(layer.V.Data, clip)
			}
			sx += ex / float64(in)
			sy += ey / float64(out)
			n++
		}
		r.EpochsRan++
		r.SamplesSeen += n
		r.MSEX, r.MSEY = sx/float64(n), sy/float64(n)
		r.Curve = append(r.Curve, [2]float64{r.MSEX, r.MSEY})
		if math.IsNaN(r.MSEX+r.MSEY) || math.IsInf(r.MSEX+r.MSEY, 0) {
			return "", fmt.Errorf("%w in layer %d, epoch %d: want a learning rate below %g, or a weight clip", ErrDiverged, index, epoch+1, f.LearningRate)
		}
		if s.Recorder != nil {
			if err := s.Recorder.Record(Progress{f.Name(), index, total, epoch + 1, f.Epochs, r.MSEX, r.MSEY}); err != nil {
				return "", err
			}
		}
		if f.TargetMSEX > 0 && f.TargetMSEY > 0 && r.MSEX <= f.TargetMSEX && r.MSEY <= f.TargetMSEY && epoch+1 >= f.MinEpochs {
			return TargetReached, nil
		}
		if r.MSEX < best-f.EarlyStopMinDelta {
			best, since = r.MSEX, 0
		} else if since++; f.EarlyStopPatience > 0 && since >= f.EarlyStopPatience && epoch+1 >= f.MinEpochs {
			return EarlyStop, nil
		}
	}
	return EpochLimit, nil
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

func clipAll(v []float32, limit float32) {
	for i, x := range v {
		v[i] = min(limit, max(-limit, x))
	}
}
