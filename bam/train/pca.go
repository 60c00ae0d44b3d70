package train

import (
	"context"
	"math"
	"slices"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/linalg"
)

// PCA computes the weights in closed form from principal components. The first layer
// projects the normalised window onto its principal components; further layers copy
// these. The last layer also multiplies each latent by a gain, so that the latents of
// the training windows fill most of the packing's range of integers. No linear model
// with the same number of latents has a smaller mean squared error before rounding.
type PCA struct{}

// Name returns "pca".
func (PCA) Name() string { return "pca" }

func (m PCA) parameters(*Settings) any { return m }

const (
	// nearLinear is the amplitude below which the cubic transmission function is
	// nearly linear. If delta is not 0, PCA scales all values to stay below it.
	nearLinear = 0.25
	// int8Reserve and int16Reserve are the range of the integers in multiples of
	// the range of the training windows' latents, which new recordings exceed. A
	// larger reserve coarsens the quantisation, which matters for int8.
	int8Reserve  = 1.15
	int16Reserve = 4
	// maxGainValues is the largest number of latents used to choose gains.
	maxGainValues = 4 << 20
)

// Fit implements Method.
func (m PCA) Fit(ctx context.Context, p *Problem) (*Fitted, error) {
	q, layers, err := principalLayers(ctx, p, nearLinear, nearLinear)
	if err != nil {
		return nil, err
	}
	fit := &Fitted{Problem: q, Layers: layers, Status: Solved, Hyper: m}
	perLayer, err := layerErrors(ctx, q, layers)
	if err != nil {
		return nil, err
	}
	for l, e := range perLayer {
		fit.LayerReports = append(fit.LayerReports, LayerReport{
			LayerIndex: l, InDim: p.Dims[l], OutDim: p.Dims[l+1], EpochsRan: 1, WindowsSeen: p.Windows, MSEX: e[0], MSEY: e[1],
		})
	}
	return fit, nil
}

// principalLayers returns layers that project windows onto their principal components,
// and the problem that they solve. If delta is 0, that is p. Otherwise it is p Widened
// to ±peak, and hidden values stay within ±inner.
func principalLayers(ctx context.Context, p *Problem, peak, inner float64) (*Problem, []bam.Layer, error) {
	q := p
	if p.Settings.Delta != 0 {
		var err error
		if q, err = p.Widened(ctx, peak); err != nil {
			return nil, nil, err
		}
	}
	pc, err := p.components(ctx)
	if err != nil {
		return nil, nil, err
	}
	kept := 0
	for narrowest := slices.Min(p.Dims); kept < narrowest && pc.Values[kept] > 1e-10*pc.Values[0]; {
		kept++
	}
	values, err := componentValues(ctx, p, pc, kept)
	if err != nil {
		return nil, nil, err
	}
	b := &principalBuilder{p: p, pc: pc, values: values, inner: inner, unit: slices.Clone(p.Weights), amplitudes: make([]float64, kept)}
	for i, w := range q.Widening {
		b.unit[i] *= w
	}
	for k := range b.amplitudes {
		b.amplitudes[k] = maxAbs(values[k])
	}
	layers := make([]bam.Layer, len(p.Dims)-1)
	for l := range layers {
		layers[l] = b.layer(l)
	}
	return q, layers, nil
}

// componentValues returns, for each of the first kept components, its values in the
// weighted windows. The number of windows is limited by maxGainValues.
func componentValues(ctx context.Context, p *Problem, pc *linalg.Components, kept int) ([][]float64, error) {
	values := make([][]float64, kept)
	if kept == 0 {
		return values, nil
	}
	n := 0
	for z, err := range p.Normalized(ctx) {
		if err != nil {
			return nil, err
		}
		if n++; n > max(1, maxGainValues/kept) {
			break
		}
		for k := range values {
			dot := 0.0
			for i, v := range pc.Vector(k) {
				dot += float64(v * float64(z[i]) * p.Weights[i])
			}
			values[k] = append(values[k], dot)
		}
	}
	return values, nil
}

// principalBuilder builds the layers of principalLayers, the first one first.
type principalBuilder struct {
	p      *Problem
	pc     *linalg.Components
	values [][]float64 // values of each component in the training windows
	inner  float64     // largest absolute hidden value
	// unit converts components, which are sums of normalised values times their
	// weights, to sums of widened values.
	unit []float64
	// amplitudes are the largest absolute values of each component at the input of the
	// next layer.
	amplitudes []float64
}

func (b *principalBuilder) layer(l int) bam.Layer {
	dims, delta := b.p.Dims, b.p.Settings.Delta
	// With a transmission function, f(a) ≈ (1+δ)·a near 0. W·V = 1/(1+δ)² undoes
	// this in both directions.
	undo := 1 / ((1 + delta) * (1 + delta))
	layer := bam.Layer{W: bam.NewMatrix(dims[l+1], dims[l]), V: bam.NewMatrix(dims[l], dims[l+1])}
	for k := range b.amplitudes {
		gain := b.gain(l, k)
		set := func(i int, v, unit float64) {
			layer.W.Row(k)[i] = float32(v * unit * gain)
			layer.V.Row(i)[k] = float32(v / unit / gain * undo)
		}
		if l == 0 {
			for i, v := range b.pc.Vector(k) {
				set(i, v, b.unit[i])
			}
		} else {
			set(k, 1, 1)
		}
		b.amplitudes[k] *= gain * (1 + delta)
	}
	return layer
}

// gain returns the factor of component k in layer l.
func (b *principalBuilder) gain(l, k int) float64 {
	delta := b.p.Settings.Delta
	switch {
	case l == len(b.p.Dims)-2:
		return latentGain(&b.p.Settings, b.values[k], b.amplitudes[k], b.inner)
	case delta != 0:
		return b.inner / ((1 + delta) * b.amplitudes[k])
	}
	return 1
}

// latentGain returns the gain of the latent of a component. Values are the component's
// values in the training windows, amplitude is its largest absolute value at the input
// of the last layer. Inner is the largest absolute value of the latent in a model with a
// transmission function, if the packing does not limit it.
func latentGain(s *Settings, values []float64, amplitude, inner float64) float64 {
	largest := maxAbs(values)
	if largest == 0 || amplitude == 0 {
		return 1
	}
	reach := 1.0    // absolute value of the latent at the end of the integers' range
	clip := largest // absolute value of the component at that end
	switch {
	case s.Packing == bam.Int8:
		reach, clip = float64(s.Packing.MaxInt())/s.Scale, int8Reserve*largest
	case s.Packing == bam.Int16:
		reach, clip = float64(s.Packing.MaxInt())/s.Scale, int16Reserve*largest
	case s.Delta == 0:
		return 1 // floats need no gain
	}
	if s.Delta != 0 {
		if s.AutoScale || !s.Packing.Integer() {
			reach = inner
		}
		reach = min(1, reach) / (1 + s.Delta)
	}
	// At the input of the last layer the component is scaled by amplitude/largest.
	return reach / (clip * amplitude / largest)
}

func maxAbs(v []float64) (m float64) {
	for _, x := range v {
		m = max(m, math.Abs(x))
	}
	return m
}

// layerErrors returns mse_x and mse_y of each layer, as FEBAM defines them: the mean
// squared difference between the layer's input x and x' = f(V·y), and between its output
// y = f(W·x) and f(W·x').
func layerErrors(ctx context.Context, p *Problem, layers []bam.Layer) ([][2]float64, error) {
	delta := float32(p.Settings.Delta)
	apply := func(dst []float32, m bam.Matrix, src []float32) {
		m.MulVec(dst, src)
		bam.Transmit(dst, delta)
	}
	sums := make([][2]float64, len(layers))
	n := 0
	for z, err := range p.Normalized(ctx) {
		if err != nil {
			return nil, err
		}
		n++
		x := z
		for l, layer := range layers {
			y, xAgain, yAgain := make([]float32, layer.Out()), make([]float32, layer.In()), make([]float32, layer.Out())
			apply(y, layer.W, x)
			apply(xAgain, layer.V, y)
			apply(yAgain, layer.W, xAgain)
			sums[l][0] += meanSquare(x, xAgain)
			sums[l][1] += meanSquare(y, yAgain)
			x = y
		}
	}
	for l := range sums {
		sums[l][0] /= float64(n)
		sums[l][1] /= float64(n)
	}
	return sums, nil
}

// meanSquare returns the mean squared difference between a and b.
func meanSquare(a, b []float32) (m float64) {
	for i := range a {
		d := float64(a[i] - b[i])
		m += float64(d * d)
	}
	return m / float64(len(a))
}
