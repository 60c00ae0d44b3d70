package sweep

import (
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
)

// Baselines are the rivals, fitted to the training windows and measured on the
// windows that the models are measured on.
type Baselines struct {
	Mean *Baseline `json:"mean"`
	PCA  PCA       `json:"pca"`
	// GaussianBound is what no code of so many bytes could beat, were the data
	// Gaussian.
	GaussianBound []Bound `json:"gaussian_bound"`
}

// PCA is plain principal components.
type PCA struct {
	// ByK is by the number of components, sent as they are: float32.
	ByK map[int]*Baseline `json:"by_k"`
	// ByBytes has float32, int16 and int8, each by rising payload.
	ByBytes map[bam.Packing][]*Baseline `json:"by_bytes"`
}

// Bound is the Gaussian rate-distortion bound at a payload length.
type Bound struct {
	PayloadBytes int     `json:"payload_bytes"`
	ZScoredMSE   float64 `json:"zscored_mse"`
}

// Baseline is one rival: the mean where K is 0, else K principal components.
type Baseline struct {
	quality.Errors                           // in units
	ByGroup        map[string]quality.Errors `json:"by_group,omitempty"`
	ZScored        quality.Errors            `json:"zscored"`
	K              int                       `json:"k"`
	PayloadBytes   int                       `json:"payload_bytes"`
	Packing        bam.Packing               `json:"packing,omitempty"`

	Evaluation *quality.Evaluation `json:"-"`
}

// pcaPackings are the packings that components are measured in.
var pcaPackings = []bam.Packing{bam.Float32, bam.Int16, bam.Int8}

// minBaselineBytes is how far the baselines reach where no model does.
const minBaselineBytes = 8

// rivals are the baselines of a sweep: the mean first, then components.
type rivals struct {
	list    []*Baseline
	longest int          // payload that rivals by bytes reach
	bytes   map[int]bool // payloads at which the bound is wanted
}

// newRivals plans the baselines for windows of n values: components up to the
// longest payload of a model, all numbers up to 16, then ever wider apart, and
// those that compare with a model.
func newRivals(models []*model, n int) *rivals {
	r := &rivals{list: []*Baseline{{}}, longest: minBaselineBytes, bytes: map[int]bool{}}
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
			} else if p != bam.Float32 { // which is wanted by k
				continue
			}
			r.list = append(r.list, &Baseline{K: k, PayloadBytes: bytes, Packing: p})
		}
	}
	return r
}

// measure evaluates the baseline.
func (b *Baseline) measure(study *quality.Training, test iter.Seq2[dataset.Window, error]) error {
	c := study.Mean()
	if b.K > 0 {
		var err error
		if c, err = study.PCA(b.K, b.Packing); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
	}
	e, err := quality.Evaluate(c, test, quality.Settings{Schema: study.Schema, Std: study.Norm.Std})
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	b.Errors, b.ByGroup, b.ZScored, b.Evaluation = e.Overall, e.ByGroup, e.ZScored, e
	return nil
}

// baselines sorts what was measured into the report.
func (r *rivals) baselines(study *quality.Training) Baselines {
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
