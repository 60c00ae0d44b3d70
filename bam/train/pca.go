package train

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/linalg"
)

// PCA sets the weights in closed form: the first layer turns the normalised
// window onto its principal components, further layers hand them on, and each
// latent has the gain, folded into the last W and V, that uses the range of the
// integer it is packed into. It keeps all that a linear model of that many latents
// can keep.
type PCA struct{}

// Name is "pca".
func (PCA) Name() string { return "pca" }

const (
	// nearLinear is the amplitude up to which the cubic transmission is as
	// good as linear; with a delta, everything is scaled to stay below it.
	nearLinear = 0.25
	// int8Reserve and int16Reserve are how far beyond the training range the
	// integers reach, because a new recording goes further than the old one:
	// int8 a little, int16, which has resolution to spare, much.
	int8Reserve  = 1.15
	int16Reserve = 4
	// maxGainValues is how many latents are looked at to choose gains.
	maxGainValues = 4 << 20
)

func (m PCA) fit(ctx context.Context, p *problem) (*fitted, error) {
	out, err := principalStart(ctx, p, nearLinear, nearLinear)
	if err != nil {
		return nil, err
	}
	out.status, out.hyper = Solved, m
	for l := range out.layers {
		out.report = append(out.report, LayerReport{LayerIndex: l, InDim: p.dims[l], OutDim: p.dims[l+1], EpochsRan: 1, SamplesSeen: p.data.n})
	}
	return out, measureLayers(ctx, p, out)
}

// principalStart returns layers that take the window to its principal
// components and back. With a transmission, windows are normalised so that they
// stay within ±peak, and hidden values within ±inner.
func principalStart(ctx context.Context, p *problem, peak, inner float64) (*fitted, error) {
	s := p.settings
	out := &fitted{data: p.data}
	// With a transmission, f(a) ≈ (1+δ)·a near 0. Then W·V = 1/(1+δ)² undoes
	// it both ways, and norm is widened so that windows stay near 0.
	undo := 1 / ((1 + s.Delta) * (1 + s.Delta))
	if s.Delta != 0 {
		out.data = p.data.widenedTo(peak)
	}
	pc, err := p.data.components(ctx)
	if err != nil {
		return nil, err
	}
	kept := 0
	for narrowest := slices.Min(p.dims); kept < narrowest && pc.Values[kept] > 1e-10*pc.Values[0]; {
		kept++
	}
	values, err := componentValues(ctx, p.data, pc, kept)
	if err != nil {
		return nil, err
	}
	// What the layer sees of value i is z divided by the widening; components
	// are of z times the weight.
	unit := slices.Clone(p.data.weights)
	for i, w := range out.data.widened {
		unit[i] *= w
	}
	last := len(p.dims) - 2
	amplitude := make([]float64, kept) // of each component as it enters the layer
	for k := range amplitude {
		amplitude[k] = maxAbs(values[k])
	}
	for l := range last + 1 {
		layer := bam.Layer{W: bam.NewMatrix(p.dims[l+1], p.dims[l]), V: bam.NewMatrix(p.dims[l], p.dims[l+1])}
		for k := range kept {
			gain := 1.0
			switch {
			case l == last:
				gain = latentGain(s, values[k], amplitude[k], inner)
			case s.Delta != 0:
				gain = inner / ((1 + s.Delta) * amplitude[k])
			}
			set := func(i int, v, u float64) {
				layer.W.Row(k)[i] = float32(v * u * gain)
				layer.V.Row(i)[k] = float32(v / u / gain * undo)
			}
			if l == 0 {
				for i, v := range pc.Vector(k) {
					set(i, v, unit[i])
				}
			} else {
				set(k, 1, 1)
			}
			amplitude[k] *= gain * (1 + s.Delta)
		}
		out.layers = append(out.layers, layer)
	}
	return out, nil
}

// measureLayers fills in the errors of layers that were not trained by epochs:
// each layer's input against what it rebuilds of it, and its latent against
// that of the rebuilt input.
func measureLayers(ctx context.Context, p *problem, f *fitted) error {
	n := 0
	sums := make([][2]float64, len(f.layers))
	for z, err := range f.data.normalised(ctx) {
		if err != nil {
			return err
		}
		n++
		x := z
		for l, layer := range f.layers {
			y0, xc, yc := make([]float32, layer.Out()), make([]float32, layer.In()), make([]float32, layer.Out())
			for _, step := range []struct {
				m      bam.Matrix
				to, of []float32
			}{{layer.W, y0, x}, {layer.V, xc, y0}, {layer.W, yc, xc}} {
				step.m.MulVec(step.to, step.of)
				bam.Squash(step.to, float32(p.settings.Delta))
			}
			sums[l][0] += meanSquare(x, xc)
			sums[l][1] += meanSquare(y0, yc)
			x = y0
		}
	}
	for l := range f.report {
		f.report[l].MSEX, f.report[l].MSEY = sums[l][0]/float64(n), sums[l][1]/float64(n)
	}
	return nil
}

func meanSquare(a, b []float32) (m float64) {
	for i := range a {
		d := float64(a[i] - b[i])
		m += float64(d * d)
	}
	return m / float64(len(a))
}

// components returns the principal components of the weighted windows.
func (d *data) components(ctx context.Context) (*linalg.Components, error) {
	if d.dim > linalg.MaxDims {
		return nil, fmt.Errorf("%w: windows of %d values, want at most %d for principal components", ErrSettings, d.dim, linalg.MaxDims)
	}
	cov, weighted := linalg.NewCovariance(d.dim), make([]float32, d.dim)
	for z, err := range d.normalised(ctx) {
		if err != nil {
			return nil, err
		}
		for i, v := range z {
			weighted[i] = v * float32(d.weights[i])
		}
		cov.Add(weighted)
	}
	pc, err := cov.PCA()
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	return pc, nil
}

// componentValues returns, for each of the first kept components, its value in
// every weighted window, or in as many as maxGainValues allows.
func componentValues(ctx context.Context, d *data, pc *linalg.Components, kept int) ([][]float64, error) {
	values := make([][]float64, kept)
	if kept == 0 {
		return values, nil
	}
	n := 0
	for z, err := range d.normalised(ctx) {
		if err != nil {
			return nil, err
		}
		if n++; n > max(1, maxGainValues/kept) {
			break
		}
		for k := range values {
			dot := 0.0
			for i, v := range pc.Vector(k) {
				dot += float64(v * float64(z[i]) * d.weights[i])
			}
			values[k] = append(values[k], dot)
		}
	}
	return values, nil
}

// latentGain is the gain of a latent whose component takes these values and
// enters the last layer with that amplitude. Inner is the largest |latent| where
// there is a transmission and the packing leaves the choice.
func latentGain(s Settings, values []float64, amplitude, inner float64) float64 {
	full := maxAbs(values)
	if full == 0 || amplitude == 0 {
		return 1
	}
	reach := 1.0 // |latent| at the end of the integer's range
	clip := full // |component| that is to stand there
	switch {
	case s.Packing == bam.Int8:
		reach, clip = float64(s.Packing.MaxInt())/s.Scale, int8Reserve*full
	case s.Packing == bam.Int16:
		reach, clip = float64(s.Packing.MaxInt())/s.Scale, int16Reserve*full
	case s.Delta == 0:
		return 1 // floats need no gain
	}
	if s.Delta != 0 {
		if s.AutoScale || !s.Packing.Integer() {
			reach = inner
		}
		reach = min(1, reach) / (1 + s.Delta)
	}
	// The component reaches this layer amplitude/full times as large.
	return reach / (clip * amplitude / full)
}

func maxAbs(v []float64) (m float64) {
	for _, x := range v {
		m = max(m, math.Abs(x))
	}
	return m
}
