package train

import (
	"math"
	"slices"

	"github.com/loralink/loralink-go/bam"
)

const (
	maxTableBits = 8  // of one latent's code
	priorPoints  = 50 // of the prior, at its quantiles
)

// prior says how much of a heavy-tailed prior the levels are made with.
type prior struct {
	share    float64 // of the weight
	relative float64 // scale, times the deviation of the latent in the mode
	absolute float64 // scale, plus this, for windows of 12 values
}

// of scales the prior to windows of dim values: what is far on one latent is
// less far where many share the window's error.
func (p prior) of(dim int) prior {
	p.absolute *= math.Sqrt(min(1, 12/float64(dim)))
	return p
}

var (
	localPrior  = prior{0.01, 1, 0.3}
	globalPrior = prior{0.03, 1, 1}
)

// quantiles are priorPoints points of the prior of unit scale: a two-sided
// Lomax distribution of shape 1.5, whose mean is finite and variance is not.
func quantiles() []float64 {
	q := make([]float64, priorPoints)
	for i := range q {
		u := 2*(float64(i)+0.5)/priorPoints - 1
		q[i] = math.Copysign(math.Pow(1-math.Abs(u), -1/1.5)-1, u)
	}
	return q
}

// levelTable finds the Lloyd-Max levels of one latent for each number of bits.
type levelTable struct {
	x          []float64 // values and prior points, rising
	w, wx, wxx []float64 // sums of weight, weight·x, weight·x² below each
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
	for _, q := range quantiles() {
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

func (t *levelTable) levels(bits int) []float64 {
	if t.byBits[bits] == nil {
		t.solve(bits)
	}
	return t.byBits[bits]
}

func (t *levelTable) distortion(bits int) float64 {
	t.levels(bits)
	return t.error[bits]
}

// solve runs Lloyd's iteration from levels as dense as the cube root of the
// density, which is where the best ones go for many levels (Panter and Dite
// 1951).
func (t *levelTable) solve(bits int) {
	n, count := len(t.x), 1<<bits
	levels := make([]float64, count)
	if bits > 0 {
		dense := make([]float64, n)
		for i := 1; i < n; i++ {
			weight := (t.w[i+1] - t.w[i-1]) / 2
			gap := t.x[i] - t.x[i-1]
			dense[i] = dense[i-1] + math.Cbrt(weight*gap*gap)
		}
		at := 0
		for i := range levels {
			target := (float64(i) + 0.5) / float64(count) * dense[n-1]
			for at < n-2 && dense[at+1] < target {
				at++
			}
			levels[i] = t.x[at]
			if step := dense[at+1] - dense[at]; step > 0 {
				levels[i] += float64((target - dense[at]) / step * (t.x[at+1] - t.x[at]))
			}
		}
	}
	edges := make([]int, count+1) // level i serves x[edges[i]:edges[i+1]]
	place := func() {
		edges[count] = n
		for i := 1; i < count; i++ {
			from := edges[i-1]
			j, _ := slices.BinarySearch(t.x[from:], (levels[i-1]+levels[i])/2)
			edges[i] = from + j
		}
	}
	for range 25 {
		place()
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
	place()
	for i, v := range levels {
		a, b := edges[i], edges[i+1]
		t.error[bits] += t.wxx[b] - t.wxx[a] - float64(2*v*(t.wx[b]-t.wx[a])) + float64(v*v*(t.w[b]-t.w[a]))
	}
	t.error[bits] = max(0, t.error[bits])
	t.byBits[bits] = levels
}

// knots are the points between which a decoder finds the levels on straight
// lines: the levels themselves where they are few.
func knots(levels []float64) []float32 {
	n := min(len(levels), bam.MaxKnots)
	out := make([]float32, n)
	for i := range out {
		if n == len(levels) {
			out[i] = float32(levels[i])
			continue
		}
		at := float64(i) * float64(len(levels)-1) / float64(n-1)
		k := min(int(at), len(levels)-2)
		out[i] = float32(levels[k] + float64((at-float64(k))*(levels[k+1]-levels[k])))
	}
	return out
}
