package bam

import "fmt"

// A Norm standardises windows: it maps each sensor value x to z = (x − Mean) / Std, or
// to 0 if Std is 0. Both slices have one entry for each value of a window, in its unit.
// They are float64, because float32 would round latitudes to 0.4 m. The name is that of
// the file norm.json; it has nothing to do with the norm of a vector.
type Norm struct {
	Mean []float64 `json:"mean"`
	Std  []float64 `json:"std"`
}

// Check returns an error unless the slices have equal lengths, all values are finite and
// no Std is negative.
func (n *Norm) Check() error {
	if len(n.Mean) != len(n.Std) {
		return fmt.Errorf("%w: found %d means and %d standard deviations, want equal numbers", ErrShape, len(n.Mean), len(n.Std))
	}
	for i := range n.Mean {
		if !finite(n.Mean[i]) {
			return fmt.Errorf("%w: mean[%d] is %g", ErrNotFinite, i, n.Mean[i])
		}
		if !finite(n.Std[i]) {
			return fmt.Errorf("%w: std[%d] is %g", ErrNotFinite, i, n.Std[i])
		}
		if n.Std[i] < 0 {
			return fmt.Errorf("%w: std[%d] is %g, want 0 or more", ErrParam, i, n.Std[i])
		}
	}
	return nil
}

// Normalize sets z to the normalised window. It panics unless both slices have one
// element for each of Mean.
func (n *Norm) Normalize(z []float32, window []float64) {
	checkLen("z", len(z), len(n.Mean))
	checkLen("window", len(window), len(n.Mean))
	for i, x := range window {
		if n.Std[i] == 0 {
			z[i] = 0
			continue
		}
		z[i] = float32((x - n.Mean[i]) / n.Std[i])
	}
}

// NormalizeFloat32 is Normalize with every step in float32, as the reference does it:
// values, means and deviations are rounded before they are used, which costs latitudes up
// to 0.2 m. Payloads then are, byte for byte, those of the reference.
func (n *Norm) NormalizeFloat32(z []float32, window []float64) {
	checkLen("z", len(z), len(n.Mean))
	checkLen("window", len(window), len(n.Mean))
	for i, x := range window {
		if n.Std[i] == 0 {
			z[i] = 0
			continue
		}
		z[i] = (float32(x) - float32(n.Mean[i])) / float32(n.Std[i])
	}
}

// AppendDenormalize appends the window of the normalised values z to dst and returns the
// extended slice. It panics unless z has one element for each of Mean.
func (n *Norm) AppendDenormalize(dst []float64, z []float32) []float64 {
	checkLen("z", len(z), len(n.Mean))
	for i, v := range z {
		if n.Std[i] == 0 {
			dst = append(dst, n.Mean[i])
			continue
		}
		dst = append(dst, float64(float64(v)*n.Std[i])+n.Mean[i])
	}
	return dst
}
