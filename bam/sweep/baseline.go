package sweep

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
)

// Baselines are fitted to the training windows, and measured on the windows that
// the models are measured on.
type Baselines struct {
	// Mean answers every window with the mean.
	Mean *Baseline `json:"mean"`
	PCA  PCA       `json:"pca"`
	// GaussianBound is the smallest error that any code of a payload length can
	// have if the data is Gaussian.
	GaussianBound []Bound `json:"gaussian_bound"`
}

// PCA are baselines that send the first principal components.
type PCA struct {
	// ByK has the components as float32, by their number.
	ByK map[int]*Baseline `json:"by_k"`
	// ByBytes has the components as float32, int16 and int8, each in ascending
	// order of the payload length.
	ByBytes map[bam.Packing][]*Baseline `json:"by_bytes"`
}

// Bound is the Gaussian rate-distortion bound at a payload length.
type Bound struct {
	PayloadBytes int     `json:"payload_bytes"`
	ZScoredMSE   float64 `json:"zscored_mse"`
}

// A Baseline is the mean, if K is 0, or K principal components.
type Baseline struct {
	quality.Errors                           // in units of the values
	ByGroup        map[string]quality.Errors `json:"by_group,omitempty"`
	ZScored        quality.Errors            `json:"zscored"`
	K              int                       `json:"k"`
	PayloadBytes   int                       `json:"payload_bytes"`
	Packing        bam.Packing               `json:"packing,omitempty"`

	// Evaluation is not part of the JSON.
	Evaluation *quality.Evaluation `json:"-"`
}

// pcaPackings are the packings of the baselines with components.
var pcaPackings = []bam.Packing{bam.Float32, bam.Int16, bam.Int8}

// minBaselineBytes is the smallest longest payload of the baselines.
const minBaselineBytes = 8

// baselinePlan are the baselines of a sweep.
type baselinePlan struct {
	list    []*Baseline  // the mean, then components
	longest int          // longest payload of the baselines in ByBytes
	bytes   map[int]bool // payload lengths of the Gaussian bound
}

// planBaselines plans the baselines for windows of n values. Their numbers of
// components are all up to 16, then further and further apart, and those that
// compare to a model.
func planBaselines(models []*model, n int) *baselinePlan {
	r := &baselinePlan{list: []*Baseline{{}}, longest: minBaselineBytes, bytes: map[int]bool{}}
	ks := map[int]bool{n: true}
	for k := 1; k <= n; k += max(1, k/8) {
		ks[k] = true
	}
	for _, m := range models {
		bytes := m.settings.PayloadLen()
		r.longest = max(r.longest, bytes)
		r.bytes[bytes] = true
		ks[m.settings.LatentDim] = true
		for _, p := range pcaPackings {
			ks[bytes/p.BytesPerLatent()] = true
		}
	}
	for k := 1; k <= min(n, r.longest); k++ {
		if !ks[k] {
			continue
		}
		for _, p := range pcaPackings {
			bytes := k * p.BytesPerLatent()
			if bytes <= r.longest {
				r.bytes[bytes] = true
			} else if p != bam.Float32 { // float32 is for ByK as well
				continue
			}
			r.list = append(r.list, &Baseline{K: k, PayloadBytes: bytes, Packing: p})
		}
	}
	return r
}

// measure evaluates the baseline on the windows test.
func (b *Baseline) measure(ctx context.Context, study *quality.Training, test iter.Seq2[dataset.Window, error]) error {
	c := study.Mean()
	if b.K > 0 {
		var err error
		if c, err = study.PCA(b.K, b.Packing); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
	}
	e, err := quality.Evaluate(ctx, c, test, quality.Settings{Schema: study.Schema, Std: study.Norm.Std})
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	b.Errors, b.ByGroup, b.ZScored, b.Evaluation = e.Overall, e.ByGroup, e.ZScored, e
	return nil
}

// baselines returns the measured baselines in the form of the report.
func (r *baselinePlan) baselines(study *quality.Training) Baselines {
	out := Baselines{Mean: r.list[0], PCA: PCA{ByK: map[int]*Baseline{}, ByBytes: map[bam.Packing][]*Baseline{}}}
	for _, b := range r.list[1:] {
		if b.Packing == bam.Float32 {
			out.PCA.ByK[b.K] = b
		}
		if b.PayloadBytes <= r.longest {
			out.PCA.ByBytes[b.Packing] = append(out.PCA.ByBytes[b.Packing], b)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(r.bytes)) {
		out.GaussianBound = append(out.GaussianBound, Bound{n, study.GaussianBound(n)})
	}
	return out
}
