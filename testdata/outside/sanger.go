package outside

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/train"
)

// Sanger is the generalized Hebbian algorithm (Sanger, "Optimal unsupervised
// learning in a single-layer linear feedforward neural network", Neural Networks 2,
// 1989), which learns principal components window by window. It fits models without
// hidden layers.
type Sanger struct {
	Epochs int
	Rate   float64
}

// Name is "sanger".
func (Sanger) Name() string { return "sanger" }

// Fit implements train.Method.
func (s Sanger) Fit(ctx context.Context, p *train.Problem) (*train.Fitted, error) {
	if len(p.Dims) != 2 {
		return nil, fmt.Errorf("sanger: %d layers, want one", len(p.Dims)-1)
	}
	in, out := p.Dims[0], p.Dims[1]
	w := bam.NewMatrix(out, in)
	rng := rand.New(rand.NewPCG(uint64(p.Settings.Seed), 0))
	for i := range w.Data {
		w.Data[i] = float32(0.1 * rng.NormFloat64())
	}
	y, rest := make([]float32, out), make([]float32, in)
	for epoch := range s.Epochs {
		for x, err := range p.Shuffled(ctx, 256, epoch) {
			if err != nil {
				return nil, err
			}
			w.MulVec(y, x)
			copy(rest, x)
			for k := range out {
				row := w.Row(k)
				for i := range rest {
					rest[i] -= y[k] * row[i]
				}
				for i := range row {
					row[i] += float32(s.Rate) * y[k] * rest[i]
				}
			}
		}
		progress := train.Progress{Stage: train.StageFit, Layers: 1, Epoch: epoch + 1, Epochs: s.Epochs}
		if err := p.Record(progress); err != nil {
			return nil, err
		}
	}
	v := bam.NewMatrix(in, out)
	for k := range out {
		for i := range in {
			v.Row(i)[k] = w.Row(k)[i]
		}
	}
	return &train.Fitted{Layers: []bam.Layer{{W: w, V: v}}}, nil
}
