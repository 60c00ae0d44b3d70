package codec

import (
	"math"
	"slices"

	"github.com/loralink/loralink-go/internal/kmeans"
)

// mode fits one mode to rows.
func (f *latticeFit) mode(rows [][]float64) latticeFileMode {
	dims := len(f.dims)
	m := latticeFileMode{Center: make([]float64, dims), First: make([][]int, dims)}
	if f.w > 1 {
		m.Next = make([][]int, dims)
	}
	values := make([]float64, len(rows))
	for j := range f.dims {
		d := &f.dims[j]
		for i, r := range rows {
			values[i] = r[j]
		}
		m.Center[j] = d.center(values)
		first := newDistances()
		next := newDistances()
		for _, r := range rows {
			before := int64(0)
			for i := j; i < len(r); i += dims {
				var at int64
				if d.Cells > 0 {
					at = d.around(d.ringCell(r[i]) - int64(m.Center[j]))
				} else {
					at = int64(math.RoundToEven((r[i] - m.Center[j]) / d.Step))
				}
				dist := at - before
				if d.Cells > 0 {
					dist = d.around(dist)
				}
				if before = at; i == j {
					first.add(dist)
				} else {
					next.add(dist)
				}
			}
		}
		m.First[j] = first.frequencies()
		if f.w > 1 {
			m.Next[j] = next.frequencies()
		}
	}
	return m
}

// center is the median of values; of angles, the cell of it.
func (d *LatticeDim) center(values []float64) float64 {
	if d.Cells == 0 {
		slices.Sort(values)
		n := len(values)
		return values[(n-1)/2]/2 + values[n/2]/2
	}
	// The median of what is left beside the mean direction.
	x, y := 0.0, 0.0
	for _, v := range values {
		sin, cos := math.Sincos(v * math.Pi / 180)
		x += cos
		y += sin
	}
	mean := d.ringCell(math.Atan2(y, x) * 180 / math.Pi)
	beside := make([]int64, len(values))
	for i, v := range values {
		beside[i] = d.around(d.ringCell(v) - mean)
	}
	slices.Sort(beside)
	n := (mean + beside[len(beside)/2]) % d.Cells
	if n < 0 {
		n += d.Cells
	}
	return float64(n)
}

// distances counts distances of one table.
type distances struct {
	count [latticeTokens]float64
	n     float64
	sum   float64 // of absolute distances
}

func newDistances() *distances { return &distances{} }

func (t *distances) add(d int64) {
	token, _, _ := tokenOf(d)
	t.count[token]++
	t.n++
	t.sum += math.Abs(float64(d))
}

// frequencies mixes what was counted with a Laplace distribution as wide, a
// share of a Cauchy distribution for what is far away, and a little for all.
func (t *distances) frequencies() []int {
	spread := 1.0
	if t.n > 0 {
		spread = max(t.sum/t.n, leastSpread)
	}
	p := make([]float64, latticeTokens)
	laplace, cauchy := laplaceTokens(spread), cauchyTokens(max(spread, 1))
	for i := range p {
		near := (t.count[i] + laplaceWeight*laplace[i]) / (t.n + laplaceWeight)
		p[i] = (1-wideShare-uniformShare)*near + wideShare*cauchy[i] + uniformShare/latticeTokens
	}
	return wholeFrequencies(p)
}

// wholeFrequencies turns shares that sum to about 1 into frequencies.
func wholeFrequencies(p []float64) []int {
	out := make([]int, len(p))
	rest, largest := 1<<frequencyBits, 0
	for i, v := range p {
		out[i] = max(1, int(v*(1<<frequencyBits)))
		rest -= out[i]
		if out[i] > out[largest] {
			largest = i
		}
	}
	out[largest] += rest
	return out
}

// tokenShares adds up a symmetric distribution's tail, the share of distances
// of m or more, into the shares of tokens.
func tokenShares(tail func(m float64) float64) []float64 {
	p := make([]float64, latticeTokens)
	p[directCells] = 1 - 2*tail(1)
	for d := 1; d <= directCells; d++ {
		p[directCells+d] = tail(float64(d)) - tail(float64(d+1))
		p[directCells-d] = p[directCells+d]
	}
	for k := range distanceClasses {
		from := directCells + math.Exp2(float64(k))
		p[2*directCells+1+k] = 2 * (tail(from) - tail(from+math.Exp2(float64(k))))
	}
	return p
}

func laplaceTokens(spread float64) []float64 {
	t := math.Exp(-1 / spread)
	return tokenShares(func(m float64) float64 { return math.Pow(t, m) / (1 + t) })
}

func cauchyTokens(scale float64) []float64 {
	return tokenShares(func(m float64) float64 { return 0.5 - math.Atan((m-0.5)/scale)/math.Pi })
}

// cluster parts the rows by their first steps, each value divided by its
// deviation.
func (f *latticeFit) cluster(rows [][]float64, n int) []int {
	dims := len(f.dims)
	mean, deviation := make([]float64, dims), make([]float64, dims)
	for _, r := range rows {
		for j := range dims {
			mean[j] += r[j] / float64(len(rows))
		}
	}
	for _, r := range rows {
		for j := range dims {
			deviation[j] += (r[j] - mean[j]) * (r[j] - mean[j]) / float64(len(rows))
		}
	}
	points := make([][]float64, len(rows))
	for i, r := range rows {
		points[i] = make([]float64, dims)
		for j := range dims {
			if deviation[j] > 0 {
				points[i][j] = (r[j] - mean[j]) / math.Sqrt(deviation[j])
			}
		}
	}
	return kmeans.Cluster(points, n, regionClustering, f.seed)
}
