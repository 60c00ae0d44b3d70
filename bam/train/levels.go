package train

import (
	"math"
	"slices"

	"github.com/loralink/loralink-go/bam"
)

const (
	maxTableBits = 8  // largest number of bits for one latent
	priorPoints  = 50 // number of points that represent the prior
)

// A prior is a heavy-tailed distribution that is added to the distribution of the
// latents.
type prior struct {
	share    float64 // of the total weight
	relative float64 // scale in multiples of the standard deviation of the latents
	absolute float64 // added to the scale, for windows of 12 values
}

// forWindow returns the prior for windows of n values. The more values a window
// has, the less one latent contributes to its mean squared error.
func (p prior) forWindow(n int) prior {
	p.absolute *= math.Sqrt(min(1, 12/float64(n)))
	return p
}

var (
	localPrior  = prior{0.01, 1, 0.3} // for local components
	globalPrior = prior{0.03, 1, 1}   // for the global fallback component
)

// priorQuantiles returns evenly spaced quantiles of the prior of scale 1. It is a
// two-sided Lomax distribution of shape 1.5, which has a finite mean and an
// infinite variance.
func priorQuantiles() []float64 {
	q := make([]float64, priorPoints)
	for i := range q {
		u := 2*(float64(i)+0.5)/priorPoints - 1
		q[i] = math.Copysign(math.Pow(1-math.Abs(u), -1/1.5)-1, u)
	}
	return q
}

// A levelTable computes the Lloyd-Max levels on one axis for any number of bits.
type levelTable struct {
	x          []float64 // values and points of the prior in ascending order
	w, wx, wxx []float64 // sums of weight, weight·x and weight·x² over x[:i]
	byBits     [maxTableBits + 1][]float64
	error      [maxTableBits + 1]float64
}

func newLevelTable(values []float64, p prior) *levelTable {
	sum, squares := 0.0, 0.0
	for _, v := range values {
		sum += v
		squares += float64(v * v)
	}
	n := float64(len(values))
	deviation := math.Sqrt(max(0, squares/n-sum*sum/(n*n)))
	scale := float64(p.relative*deviation) + p.absolute
	type point struct{ x, w float64 }
	points := make([]point, 0, len(values)+priorPoints)
	for _, v := range values {
		points = append(points, point{v, (1 - p.share) / n})
	}
	for _, q := range priorQuantiles() {
		points = append(points, point{q * scale, p.share / priorPoints})
	}
	slices.SortStableFunc(points, func(a, b point) int {
		switch {
		case a.x < b.x:
			return -1
		case a.x > b.x:
			return 1
		}
		return 0
	})
	t := &levelTable{
		x: make([]float64, len(points)), w: make([]float64, len(points)+1),
		wx: make([]float64, len(points)+1), wxx: make([]float64, len(points)+1),
	}
	for i, p := range points {
		t.x[i] = p.x
		t.w[i+1] = t.w[i] + p.w
		t.wx[i+1] = t.wx[i] + float64(p.w*p.x)
		t.wxx[i+1] = t.wxx[i] + float64(p.w*p.x*p.x)
	}
	return t
}

// levels returns 2^bits levels in ascending order.
func (t *levelTable) levels(bits int) []float64 {
	t.solve(bits)
	return t.byBits[bits]
}

// distortion returns the mean squared error of quantising with levels(bits).
func (t *levelTable) distortion(bits int) float64 {
	t.solve(bits)
	return t.error[bits]
}

// solve runs Lloyd's algorithm for that many bits, unless it has done so before.
func (t *levelTable) solve(bits int) {
	if t.byBits[bits] != nil {
		return
	}
	levels := make([]float64, 1<<bits)
	if bits > 0 {
		t.startLevels(levels)
	}
	edges := make([]int, len(levels)+1)
	for range 25 {
		t.setEdges(edges, levels)
		moved := 0.0
		for i := range levels {
			if w := t.w[edges[i+1]] - t.w[edges[i]]; w > 0 {
				v := (t.wx[edges[i+1]] - t.wx[edges[i]]) / w
				moved = max(moved, math.Abs(v-levels[i]))
				levels[i] = v
			}
		}
		slices.Sort(levels)
		if moved < 1e-7 {
			break
		}
	}
	t.setEdges(edges, levels)
	for i, v := range levels {
		a, b := edges[i], edges[i+1]
		t.error[bits] += t.wxx[b] - t.wxx[a] - float64(2*v*(t.wx[b]-t.wx[a])) + float64(v*v*(t.w[b]-t.w[a]))
	}
	t.error[bits] = max(0, t.error[bits])
	t.byBits[bits] = levels
}

// startLevels spaces levels by the cube root of the density, which is optimal for
// many levels (Panter and Dite 1951).
func (t *levelTable) startLevels(levels []float64) {
	n := len(t.x)
	dense := make([]float64, n) // integral of the cube root
	for i := 1; i < n; i++ {
		weight := (t.w[i+1] - t.w[i-1]) / 2
		gap := t.x[i] - t.x[i-1]
		dense[i] = dense[i-1] + math.Cbrt(weight*gap*gap)
	}
	k := 0
	for i := range levels {
		target := float64((float64(i) + 0.5) / float64(len(levels)) * dense[n-1])
		for k < n-2 && dense[k+1] < target {
			k++
		}
		levels[i] = t.x[k]
		if step := dense[k+1] - dense[k]; step > 0 {
			levels[i] += float64((target - dense[k]) / step * (t.x[k+1] - t.x[k]))
		}
	}
}

// setEdges sets edges so that x[edges[i]:edges[i+1]] are the values nearest to
// level i.
func (t *levelTable) setEdges(edges []int, levels []float64) {
	edges[len(levels)] = len(t.x)
	for i := 1; i < len(levels); i++ {
		first := edges[i-1]
		n, _ := slices.BinarySearch(t.x[first:], (levels[i-1]+levels[i])/2)
		edges[i] = first + n
	}
}

// knots returns the levels to store: all of them, or bam.MaxKnots of their points if
// there are more. Straight lines between these approximate the other levels.
func knots(levels []float64) []float32 {
	n := min(len(levels), bam.MaxKnots)
	out := make([]float32, n)
	for i := range out {
		if n == len(levels) {
			out[i] = float32(levels[i])
			continue
		}
		position := float64(i) * float64(len(levels)-1) / float64(n-1)
		k := min(int(position), len(levels)-2)
		out[i] = float32(levels[k] + float64((position-float64(k))*(levels[k+1]-levels[k])))
	}
	return out
}
