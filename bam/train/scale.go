package train

import (
	"context"
	"math"
	"slices"

	"github.com/loralink/loralink-go/bam"
)

// autoScale measures the scale that takes the percentile of the largest
// |latent| of the first windows to the largest integer.
func autoScale(ctx context.Context, d *data, net *bam.Model, s Settings) (float64, error) {
	scratch, y := net.NewScratch(), make([]float32, net.LatentDim())
	var peaks []float64
	for z, err := range d.normalised(ctx) {
		if err != nil {
			return 0, err
		}
		if len(peaks) == s.AutoScaleWindows {
			break
		}
		net.Encode(y, z, scratch)
		peak := 0.0
		for _, v := range y {
			peak = max(peak, math.Abs(float64(v)))
		}
		peaks = append(peaks, peak)
	}
	q := percentile(peaks, s.AutoScalePercentile)
	scale := float64(s.Packing.MaxInt()) / q
	if !(q > 0) || math.IsInf(float64(float32(scale)), 0) {
		return s.Scale, nil // latents are all but 0: any scale serves
	}
	return scale, nil
}

// percentile is the p-th percentile of v with linear interpolation between the
// two nearest ranks, as numpy's default. It sorts v.
func percentile(v []float64, p float64) float64 {
	slices.Sort(v)
	at := p / 100 * float64(len(v)-1)
	lo := int(at)
	hi := min(lo+1, len(v)-1)
	return v[lo] + float64((at-float64(lo))*(v[hi]-v[lo]))
}
