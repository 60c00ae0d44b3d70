package fit

import (
	"context"
	"math"
	"slices"

	"github.com/loralink/loralink-go/internal/entropygrid"
	"github.com/loralink/loralink-go/internal/kmeans"
)

// component fits one mixture component to rows.
func (f *entropyFit) component(ctx context.Context, rows [][]float64) (entropygrid.Component, error) {
	dims := len(f.dims)
	m := entropygrid.Component{Center: make([]float64, dims), First: make([][]int, dims)}
	if f.w > 1 {
		m.Next = make([][]int, dims)
	}
	values := make([]float64, len(rows))
	for j := range f.dims {
		if err := ctx.Err(); err != nil {
			return m, err
		}
		d := &f.dims[j]
		for i, r := range rows {
			values[i] = r[j]
		}
		m.Center[j] = center(d, values)
		first := newDistances()
		next := newDistances()
		for _, r := range rows {
			before := int64(0)
			for i := j; i < len(r); i += dims {
				var at int64
				if d.Steps > 0 {
					at = d.Around(d.StepAt(r[i]) - int64(m.Center[j]))
				} else {
					at = int64(math.RoundToEven((r[i] - m.Center[j]) / d.Step))
				}
				dist := at - before
				if d.Steps > 0 {
					dist = d.Around(dist)
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
	return m, nil
}

// center is the median of values; of angles, the number of its step.
func center(d *entropygrid.Dim, values []float64) float64 {
	if d.Steps == 0 {
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
	mean := d.StepAt(math.Atan2(y, x) * 180 / math.Pi)
	beside := make([]int64, len(values))
	for i, v := range values {
		beside[i] = d.Around(d.StepAt(v) - mean)
	}
	slices.Sort(beside)
	n := (mean + beside[len(beside)/2]) % d.Steps
	if n < 0 {
		n += d.Steps
	}
	return float64(n)
}

// distances counts distances of one table.
type distances struct {
	count [entropygrid.Symbols]float64
	n     float64
	sum   float64 // of absolute distances
}

func newDistances() *distances { return &distances{} }

func (t *distances) add(d int64) {
	symbol, _, _ := entropygrid.SymbolOf(d)
	t.count[symbol]++
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
	p := make([]float64, entropygrid.Symbols)
	laplace, cauchy := laplaceShares(spread), cauchyShares(max(spread, 1))
	for i := range p {
		near := (t.count[i] + float64(laplaceWeight*laplace[i])) / (t.n + laplaceWeight)
		p[i] = float64((1-wideShare-uniformShare)*near) + float64(wideShare*cauchy[i]) + uniformShare/entropygrid.Symbols
	}
	return entropygrid.WholeFrequencies(p)
}

// symbolShares adds up a symmetric distribution's tail, the share of distances
// of m or more, into the shares of symbols.
func symbolShares(tail func(m float64) float64) []float64 {
	p := make([]float64, entropygrid.Symbols)
	p[entropygrid.DirectSteps] = 1 - 2*tail(1)
	for d := 1; d <= entropygrid.DirectSteps; d++ {
		p[entropygrid.DirectSteps+d] = tail(float64(d)) - tail(float64(d+1))
		p[entropygrid.DirectSteps-d] = p[entropygrid.DirectSteps+d]
	}
	for k := range entropygrid.Classes {
		from := entropygrid.DirectSteps + math.Exp2(float64(k))
		p[2*entropygrid.DirectSteps+1+k] = 2 * (tail(from) - tail(from+math.Exp2(float64(k))))
	}
	return p
}

func laplaceShares(spread float64) []float64 {
	t := math.Exp(-1 / spread)
	return symbolShares(func(m float64) float64 { return math.Pow(t, m) / (1 + t) })
}

func cauchyShares(scale float64) []float64 {
	return symbolShares(func(m float64) float64 { return 0.5 - math.Atan((m-0.5)/scale)/math.Pi })
}

// cluster parts the rows into clusters by their first steps, each value divided by its
// deviation.
func (f *entropyFit) cluster(ctx context.Context, rows [][]float64, n int) ([]int, error) {
	dims := len(f.dims)
	mean, deviation := make([]float64, dims), make([]float64, dims)
	for _, r := range rows {
		for j := range dims {
			mean[j] += r[j] / float64(len(rows))
		}
	}
	for _, r := range rows {
		for j := range dims {
			deviation[j] += float64((r[j]-mean[j])*(r[j]-mean[j])) / float64(len(rows))
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
	return kmeans.Cluster(ctx, points, n, componentClustering, f.seed)
}
