package bam

import "fmt"

// A Norm maps each sensor value x to z = (x − Mean) / Std, or to 0 if Std is 0.
// Both slices have one entry for each value of a window. The arithmetic is
// float64: as float32, latitudes would be 0.4 m apart.
type Norm struct {
	Mean []float64 `json:"mean"`
	Std  []float64 `json:"std"`
}

// Check returns an error unless the slices have equal lengths and finite values,
// and no Std is negative.
func (n *Norm) Check() error {
	if len(n.Mean) != len(n.Std) {
		return fmt.Errorf("%w: norm has %d means and %d standard deviations, want equal numbers", ErrShape, len(n.Mean), len(n.Std))
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

// Normalize sets z to the normalised window. The slices and the Norm have equal
// lengths.
func (n *Norm) Normalize(z []float32, window []float64) {
	for i, x := range window {
		if n.Std[i] == 0 {
			z[i] = 0
			continue
		}
		z[i] = float32((x - n.Mean[i]) / n.Std[i])
	}
}

// AppendDenormalize appends the window of the normalised values z to dst and
// returns the extended slice.
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
