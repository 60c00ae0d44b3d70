package quality

import (
	"fmt"
	"iter"
	"math"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/linalg"
)

// Training is what baselines know of the training windows.
type Training struct {
	N    int
	Dims int // values of a step
	Norm *bam.Norm
	// Components are the principal components of the normalised windows.
	Components *linalg.Components
	peaks      []float64 // largest |component| over the windows
}

// Study measures the training windows, of dims values a step. It ranges over
// them three times.
func Study(windows iter.Seq2[dataset.Window, error], dims int) (*Training, error) {
	var stats dataset.Stats
	for w, err := range windows {
		if err == nil {
			err = stats.Add(w.Values)
		}
		if err != nil {
			return nil, err
		}
	}
	t := &Training{N: stats.Count(), Dims: dims, Norm: &bam.Norm{Mean: stats.Mean(), Std: stats.Std()}}
	n := len(t.Norm.Mean)
	if t.N == 0 || dims < 1 || n%dims != 0 || n > linalg.MaxDims {
		return nil, fmt.Errorf("quality: %d training windows of %d values, want at least 1 of up to %d, steps of %d", t.N, n, linalg.MaxDims, dims)
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
	if t.Components, err = cov.PCA(); err != nil {
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
			for i, v := range t.Components.Vector(k) {
				dot += v * float64(z[i])
			}
			t.peaks[k] = max(t.peaks[k], math.Abs(dot))
		}
	}
	return t, nil
}

// GaussianBound is the least ZScored.MSE that payloads of n bytes could leave,
// were the data Gaussian.
func (t *Training) GaussianBound(n int) float64 {
	return linalg.GaussianBound(t.Components.Values, 8*float64(n))
}

// Mean is the codec that answers every window with the mean, in 0 bytes.
func (t *Training) Mean() codec.Codec { return meanCodec{t} }

// PCA is the codec of the first k principal components, packed: plain PCA,
// every integer scaled so that the training windows just fit its range.
func (t *Training) PCA(k int, packing bam.Packing) (codec.Codec, error) {
	n := len(t.Norm.Mean)
	layer := bam.Layer{W: bam.NewMatrix(k, n), V: bam.NewMatrix(n, k)}
	for c := range min(k, n) {
		gain := 1.0
		if packing.Integer() && t.peaks[c] > 0 {
			gain = 1 / t.peaks[c]
		}
		for i, v := range t.Components.Vector(c) {
			layer.W.Row(c)[i] = float32(v * gain)
			layer.V.Row(i)[c] = float32(v / gain)
		}
	}
	man := artifacts.Manifest{
		ManifestVersion: artifacts.ManifestVersion1, ModelFormat: artifacts.LayerFormat,
		LatentDim: k, Packing: packing, InputDims: t.Dims, WindowW: n / t.Dims, WindowStride: 1,
	}
	if packing.Integer() {
		scale := float64(packing.MaxInt())
		man.Scale = &scale
	}
	return codec.NewBAM(&artifacts.Model{Manifest: man, Net: bam.Model{Layers: []bam.Layer{layer}}, Norm: t.Norm})
}

// Baseline is a rival at the same payload, or nearly: Bytes says how many it takes.
type Baseline struct {
	Name       string      `json:"name"`
	Bytes      int         `json:"payload_bytes"`
	Evaluation *Evaluation `json:"evaluation"`
}

// Baselines evaluates the mean and PCA as int8 and as int16, each with as many
// components as n bytes hold, on the windows, with ZScored relative to std.
func (t *Training) Baselines(n int, windows iter.Seq2[dataset.Window, error], std []float64) ([]Baseline, error) {
	rivals := []struct {
		name  string
		codec codec.Codec
	}{{"mean", t.Mean()}}
	for _, p := range []bam.Packing{bam.Int16, bam.Int8} {
		if k := min(n/p.BytesPerLatent(), len(t.Norm.Mean)); k > 0 {
			c, err := t.PCA(k, p)
			if err != nil {
				return nil, err
			}
			rivals = append(rivals, struct {
				name  string
				codec codec.Codec
			}{"PCA " + string(p), c})
		}
	}
	var out []Baseline
	for _, r := range rivals {
		e, err := Evaluate(r.codec, windows, Settings{Dims: t.Dims, Std: std})
		if err != nil {
			return nil, err
		}
		out = append(out, Baseline{r.name, r.codec.MaxPayloadLen(), e})
	}
	return out, nil
}

// meanCodec answers with the mean.
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
