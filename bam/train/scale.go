package train

import (
	"context"
	"math"
	"slices"

	"github.com/loralink/loralink-go/bam"
)

// autoScale returns the scale of an integer packing that Settings.AutoScale describes.
func autoScale(ctx context.Context, p *Problem, net *bam.Model) (float64, error) {
	if err := p.record(StageScale); err != nil {
		return 0, err
	}
	s := &p.Settings
	scratch, y := net.NewScratch(), make([]float32, net.LatentDim())
	var peaks []float64
	for z, err := range p.Normalized(ctx) {
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
		return s.Scale, nil // all latents are nearly 0, so that any scale will do
	}
	return scale, nil
}

// percentile returns the p-th percentile of v, with linear interpolation between
// the two nearest ranks as in numpy. It sorts v.
func percentile(v []float64, p float64) float64 {
	slices.Sort(v)
	rank := float64(p / 100 * float64(len(v)-1))
	lo := int(rank)
	hi := min(lo+1, len(v)-1)
	return v[lo] + float64((rank-float64(lo))*(v[hi]-v[lo]))
}
