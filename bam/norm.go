package bam

import "fmt"

// Norm brings sensor values to a common scale: z = (x − Mean) / Std, and 0
// where Std is 0. Both slices have one entry per value of a window. The
// arithmetic is float64, because a latitude's float32 steps are 0.4 m.
type Norm struct {
	Mean []float64 `json:"mean"`
	Std  []float64 `json:"std"`
}

// Check reports the first entry that cannot serve.
func (n *Norm) Check() error {
	if len(n.Mean) != len(n.Std) {
		return fmt.Errorf("%w: norm has %d means and %d stds, want as many", ErrShape, len(n.Mean), len(n.Std))
	}
	for i := range n.Mean {
		if !finite(n.Mean[i]) {
			return fmt.Errorf("%w: norm mean[%d] is %g", ErrNotFinite, i, n.Mean[i])
		}
		if !finite(n.Std[i]) {
			return fmt.Errorf("%w: norm std[%d] is %g", ErrNotFinite, i, n.Std[i])
		}
		if n.Std[i] < 0 {
			return fmt.Errorf("%w: norm std[%d] is %g, want 0 or more", ErrParam, i, n.Std[i])
		}
	}
	return nil
}

// Normalize sets z to the normalised window. The three have one length.
func (n *Norm) Normalize(z []float32, window []float64) {
	for i, x := range window {
		if n.Std[i] == 0 {
			z[i] = 0
			continue
		}
		z[i] = float32((x - n.Mean[i]) / n.Std[i])
	}
}

// AppendDenormalize appends the window that z stands for to dst.
func (n *Norm) AppendDenormalize(dst []float64, z []float32) []float64 {
	for i, v := range z {
		if n.Std[i] == 0 {
			dst = append(dst, n.Mean[i])
			continue
		}
		dst = append(dst, float64(float64(v)*n.Std[i])+n.Mean[i])
	}
	return dst
}
