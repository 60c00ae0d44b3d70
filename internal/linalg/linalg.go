// Package linalg is the linear algebra of training and of its baselines:
// principal components, and the rate-distortion bound of a Gaussian source.
package linalg

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// MaxDims is the largest number of values a window may have here: beyond it the
// covariance matrix and its decomposition cost too much.
const MaxDims = 4096

// Covariance sums the outer products of normalised windows, whose mean is 0.
type Covariance struct {
	n   int
	dim int
	sum []float64 // upper triangle, row-major in a dim×dim square
}

// NewCovariance returns an empty sum over windows of dim values.
func NewCovariance(dim int) *Covariance {
	return &Covariance{dim: dim, sum: make([]float64, dim*dim)}
}

// Add takes one window in.
func (c *Covariance) Add(z []float32) {
	c.n++
	for i := range c.dim {
		zi := float64(z[i])
		row := c.sum[i*c.dim : (i+1)*c.dim]
		for j := i; j < c.dim; j++ {
			row[j] += zi * float64(z[j])
		}
	}
}

// Components are the principal components of a set of windows.
type Components struct {
	Dim    int
	Values []float64 // variances, largest first, none below 0
	// Vectors holds one unit vector a row, Dim×Dim, row-major, its largest
	// element positive so that the same data gives the same signs.
	Vectors []float64
}

// Vector is component k.
func (c *Components) Vector(k int) []float64 { return c.Vectors[k*c.Dim : (k+1)*c.Dim] }

// PCA returns the principal components (eigenvectors of the covariance).
func (c *Covariance) PCA() (*Components, error) {
	sym := mat.NewSymDense(c.dim, nil)
	for i := range c.dim {
		for j := i; j < c.dim; j++ {
			sym.SetSym(i, j, c.sum[i*c.dim+j]/float64(max(1, c.n-1)))
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(sym, true) {
		return nil, errors.New("linalg: eigendecomposition did not converge")
	}
	var vectors mat.Dense
	eig.VectorsTo(&vectors)
	values := eig.Values(nil)
	out := &Components{Dim: c.dim, Values: make([]float64, c.dim), Vectors: make([]float64, c.dim*c.dim)}
	for k := range c.dim {
		col := c.dim - 1 - k // gonum sorts ascending
		out.Values[k] = max(0, values[col])
		v := out.Vector(k)
		largest := 0
		for i := range v {
			v[i] = vectors.At(i, col)
			// A tie within rounding goes to the first.
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

// GaussianBound is the least mean squared error, averaged over the components,
// that bits per window can leave of a Gaussian source with these component
// variances: reverse water-filling (Cover and Thomas, Elements of Information
// Theory, section 10.3.3). Data that is not Gaussian may go below it.
func GaussianBound(variances []float64, bits float64) float64 {
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
	level, left := math.Exp(hi), 0.0
	for _, v := range variances {
		left += min(v, level)
	}
	return left / float64(len(variances))
}
