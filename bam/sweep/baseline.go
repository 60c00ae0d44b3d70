package sweep

import (
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
)

// Baselines are fitted to the training windows, and measured on the same windows as the
// models.
type Baselines struct {
	// Mean decodes every window as the mean of the training windows.
	Mean *Baseline    `json:"mean"`
	PCA  PCABaselines `json:"pca"`
	// GaussianBound has the smallest possible error of a code, for each payload length,
	// if the data is Gaussian.
	GaussianBound []Bound `json:"gaussian_bound"`
}

// PCABaselines are baselines that send the first principal components.
type PCABaselines struct {
	// ByK has the baselines with float32, by number of components.
	ByK map[int]*Baseline `json:"by_k"`
	// ByBytes has the baselines with float32, int16 and int8, each in ascending order of
	// the payload length.
	ByBytes map[bam.Packing][]*Baseline `json:"by_bytes"`
}

// Bound is the Gaussian rate-distortion bound at a payload length.
type Bound struct {
	PayloadBytes int     `json:"payload_bytes"`
	ZScoredMSE   float64 `json:"zscored_mse"`
}

// A Baseline is the mean, if K is 0, or the first K principal components.
type Baseline struct {
	quality.Errors                           // in the units of the values
	ByGroup        map[string]quality.Errors `json:"by_group,omitempty"` // nil unless the windows are of motion samples
	ZScored        quality.Errors            `json:"zscored"`            // relative to the standard deviations
	K              int                       `json:"k"`                  // number of components
	PayloadBytes   int                       `json:"payload_bytes"`
	Packing        bam.Packing               `json:"packing,omitempty"` // "" for the mean

	// Evaluation is not part of the JSON.
	Evaluation *quality.Evaluation `json:"-"`
}

// pcaPackings are the packings of the PCA baselines.
var pcaPackings = []bam.Packing{bam.Float32, bam.Int16, bam.Int8}

// minBaselineBytes is the payload length that baselines in ByBytes reach in any case.
const minBaselineBytes = 8

// baselinePlan lists the baselines of a sweep.
type baselinePlan struct {
	list    []*Baseline  // the mean, then PCA
	longest int          // longest payload of the baselines in ByBytes
	bytes   map[int]bool // payload lengths of the Gaussian bound
}

// planBaselines returns the baselines for windows of n values. Their numbers of components
// are 1 to 16, then numbers with increasing distances, and those with the number of
// latents or the payload length of a model.
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
			} else if p != bam.Float32 { // ByK has float32 of any length
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
			return err
		}
	}
	e, err := quality.Evaluate(ctx, c, test, quality.Settings{Schema: study.Schema, Std: study.Norm.Std})
	if err != nil {
		return err
	}
	b.Errors, b.ByGroup, b.ZScored, b.Evaluation = e.Overall, e.ByGroup, e.ZScored, e
	return nil
}

// baselines returns the measured baselines in the form of the report.
func (r *baselinePlan) baselines(study *quality.Training) Baselines {
	out := Baselines{Mean: r.list[0], PCA: PCABaselines{ByK: map[int]*Baseline{}, ByBytes: map[bam.Packing][]*Baseline{}}}
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
