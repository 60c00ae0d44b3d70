package quality

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/linalg"
)

// ErrNoTraining reports a sequence without training windows.
var ErrNoTraining = errors.New("quality: found no training windows, want at least one")

// Training has the statistics of training windows that baselines are made from.
type Training struct {
	N      int           // windows
	Schema sensor.Schema // of the values of a step
	Norm   *bam.Norm

	components *linalg.Components // principal components of the normalised windows
	peaks      []float64          // largest |component| over the windows
}

// NewTraining measures training windows, the values of whose steps schema describes.
// It ranges over them three times.
func NewTraining(ctx context.Context, windows iter.Seq2[dataset.Window, error], schema sensor.Schema) (*Training, error) {
	var stats dataset.Stats
	windows = until(ctx, windows)
	for w, err := range windows {
		if err == nil {
			err = stats.Add(w.Values)
		}
		if err != nil {
			return nil, err
		}
	}
	t := &Training{N: stats.Count(), Schema: schema, Norm: &bam.Norm{Mean: stats.Mean(), Std: stats.Std()}}
	n, dims := len(t.Norm.Mean), len(schema)
	if t.N == 0 {
		return nil, ErrNoTraining
	}
	if dims < 1 || n%dims != 0 || n > linalg.MaxDims {
		return nil, fmt.Errorf("quality: training windows of %d values, want up to %d, whole steps of %d", n, linalg.MaxDims, dims)
	}
	cov := linalg.NewCovariance(n)
	z := make([]float32, n)
	for w, err := range windows {
		if err != nil {
			return nil, err
		}
		t.Norm.Normalize(z, w.Values)
		cov.Add(z)
	}
	var err error
	if t.components, err = cov.PCA(ctx); err != nil {
		return nil, err
	}
	t.peaks = make([]float64, n)
	for w, err := range windows {
		if err != nil {
			return nil, err
		}
		t.Norm.Normalize(z, w.Values)
		for k := range t.peaks {
			dot := 0.0
			for i, v := range t.components.Vector(k) {
				dot += float64(v * float64(z[i]))
			}
			t.peaks[k] = max(t.peaks[k], math.Abs(dot))
		}
	}
	return t, nil
}

// GaussianBound returns the smallest ZScored.MSE that any code of n bytes can have if
// the data is Gaussian with the covariance of the training windows (reverse
// water-filling; Cover and Thomas, "Elements of Information Theory", chapter 10).
func (t *Training) GaussianBound(n int) float64 {
	return linalg.GaussianBound(t.components.Values, 8*float64(n))
}

// Mean returns a codec that decodes the mean of the training windows, from 0 bytes.
func (t *Training) Mean() codec.Codec { return meanCodec{t} }

// PCA returns a codec of the first k principal components. Integers are scaled so that
// those of the training windows just fit their range.
func (t *Training) PCA(k int, packing bam.Packing) (codec.Codec, error) {
	n := len(t.Norm.Mean)
	layer := bam.Layer{W: bam.NewMatrix(k, n), V: bam.NewMatrix(n, k)}
	for c := range min(k, n) {
		gain := 1.0
		if packing.Integer() && t.peaks[c] > 0 {
			gain = 1 / t.peaks[c]
		}
		for i, v := range t.components.Vector(c) {
			layer.W.Row(c)[i] = float32(v * gain)
			layer.V.Row(i)[c] = float32(v / gain)
		}
	}
	man := artifacts.Manifest{
		ManifestVersion: artifacts.ManifestVersion1, ModelFormat: artifacts.LayerFormat,
		LatentDim: k, Packing: packing, Dims: len(t.Schema), W: n / len(t.Schema), Stride: 1,
	}
	if packing.Integer() {
		scale := float64(packing.MaxInt())
		man.Scale = &scale
	}
	return codec.NewBAM(&artifacts.Model{Manifest: man, Net: bam.Model{Layers: []bam.Layer{layer}}, Norm: t.Norm})
}

// Baseline is the evaluation of a simple codec with payloads of Bytes bytes.
type Baseline struct {
	Name       string      `json:"name"`
	Bytes      int         `json:"payload_bytes"`
	Evaluation *Evaluation `json:"evaluation"`
}

// Baselines evaluates the mean, and PCA as int16 and as int8 with as many components as
// n bytes hold, on windows. Std has the deviations for ZScored.
func (t *Training) Baselines(ctx context.Context, n int, windows iter.Seq2[dataset.Window, error], std []float64) ([]Baseline, error) {
	type baseline struct {
		name  string
		codec codec.Codec
	}
	baselines := []baseline{{"mean", t.Mean()}}
	for _, p := range []bam.Packing{bam.Int16, bam.Int8} {
		if k := min(n/p.BytesPerLatent(), len(t.Norm.Mean)); k > 0 {
			c, err := t.PCA(k, p)
			if err != nil {
				return nil, err
			}
			baselines = append(baselines, baseline{"PCA " + string(p), c})
		}
	}
	var out []Baseline
	for _, b := range baselines {
		e, err := Evaluate(ctx, b.codec, windows, Settings{Schema: t.Schema, Std: std})
		if err != nil {
			return nil, err
		}
		out = append(out, Baseline{b.name, b.codec.MaxPayloadLen(), e})
	}
	return out, nil
}

// meanCodec decodes the mean.
type meanCodec struct{ t *Training }

func (c meanCodec) ID() string         { return "mean" }
func (c meanCodec) Version() string    { return "1" }
func (c meanCodec) Schema() string     { return "mean" }
func (c meanCodec) WindowLen() int     { return len(c.t.Norm.Mean) }
func (c meanCodec) MaxPayloadLen() int { return 0 }

func (c meanCodec) AppendEncode(dst []byte, _ []float64) ([]byte, error) { return dst, nil }

func (c meanCodec) AppendDecode(dst []float64, _ []byte) ([]float64, error) {
	return append(dst, c.t.Norm.Mean...), nil
}
