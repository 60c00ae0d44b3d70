// Package linalg implements principal components and the rate-distortion bound of a
// Gaussian source.
package linalg

import (
	"context"
	"math"
)

// MaxDims is the largest number of values in a window. The covariance matrix of longer
// windows would take over 128 MiB, and its decomposition minutes.
const MaxDims = 4096

// A Covariance sums the outer products of normalised windows, whose mean is 0.
type Covariance struct {
	n   int
	dim int
	sum []float64 // upper triangle, row-major in a dim×dim square
}

// NewCovariance returns an empty sum for windows of dim values.
func NewCovariance(dim int) *Covariance {
	return &Covariance{dim: dim, sum: make([]float64, dim*dim)}
}

// Add adds one window. It panics if the window has fewer values than the Covariance.
func (c *Covariance) Add(z []float32) {
	c.n++
	for i := range c.dim {
		zi := float64(z[i])
		row := c.sum[i*c.dim : (i+1)*c.dim]
		for j := i; j < c.dim; j++ {
			row[j] += float64(zi * float64(z[j]))
		}
	}
}

// Components are the principal components of a set of windows.
type Components struct {
	Dim    int
	Values []float64 // variances in descending order, none below 0
	// Vectors is a Dim×Dim matrix, row-major. Its rows are the components: unit
	// vectors whose largest element is positive, so that equal data gives equal
	// signs.
	Vectors []float64
}

// Vector returns component k. The slice shares the memory of Vectors.
func (c *Components) Vector(k int) []float64 { return c.Vectors[k*c.Dim : (k+1)*c.Dim] }

// PCA returns the principal components: the eigenvectors of the covariance matrix and
// their eigenvalues. If ctx ends, it returns the context's error.
func (c *Covariance) PCA(ctx context.Context) (*Components, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n := c.dim
	matrix := make([]float64, n*n)
	for i := range n {
		for j := i; j < n; j++ {
			v := c.sum[i*n+j] / float64(max(1, c.n-1))
			matrix[i*n+j], matrix[j*n+i] = v, v
		}
	}
	values, vectors, err := eigen(ctx, matrix, n)
	if err != nil {
		return nil, err
	}
	out := &Components{Dim: n, Values: make([]float64, n), Vectors: matrix} // matrix is no longer needed
	for k := range n {
		ascending := n - 1 - k
		out.Values[k] = max(0, values[ascending])
		v := out.Vector(k)
		copy(v, vectors[ascending*n:])
		largest := 0
		for i := range v {
			// Among elements that differ only by rounding, use the first.
			if math.Abs(v[i]) > math.Abs(v[largest])*(1+1e-9) {
				largest = i
			}
		}
		if v[largest] < 0 {
			for i := range v {
				v[i] = -v[i]
			}
		}
	}
	return out, nil
}

// GaussianBound returns the smallest mean squared error, averaged over the components,
// of a code of that many bits for a Gaussian source whose components have these variances
// (Cover and Thomas, Elements of Information Theory, section 10.3.3). For data that is not
// Gaussian the error can be smaller.
func GaussianBound(variances []float64, bits float64) float64 {
	level, sum := WaterLevel(variances, bits), 0.0
	if level == 0 {
		return 0
	}
	for _, v := range variances {
		sum += min(v, level)
	}
	return sum / float64(len(variances))
}

// WaterLevel returns the mean squared error of each component in an optimal code of that
// many bits for a Gaussian source. A component whose variance is below that level gets no
// bits, and its error is its variance. WaterLevel finds the level by reverse
// water-filling. It returns 0 if all variances are 0.
func WaterLevel(variances []float64, bits float64) float64 {
	total := 0.0
	for _, v := range variances {
		total += v
	}
	if total == 0 {
		return 0
	}
	rate := func(level float64) (r float64) {
		for _, v := range variances {
			if v > level {
				r += math.Log2(v/level) / 2
			}
		}
		return r
	}
	lo, hi := math.Log(total)-1000, math.Log(total)
	for range 200 {
		mid := (lo + hi) / 2
		if rate(math.Exp(mid)) > bits {
			lo = mid
		} else {
			hi = mid
		}
	}
	return math.Exp(hi)
}
