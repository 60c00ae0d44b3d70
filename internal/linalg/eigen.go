package linalg

import (
	"context"
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// lapackDims is the largest matrix that gonum decomposes, in less than 200 ms.
const lapackDims = 256

// eigen returns the eigenvalues of a symmetric n×n matrix in ascending order, and in
// row k of an n×n matrix the unit eigenvector of value k. It overwrites a, which is
// row-major. If ctx ends, eigen returns the context's error within some milliseconds.
//
// Matrices up to lapackDims are decomposed by gonum: the models that exist were trained
// with it, and other software would change their last bits. It cannot be interrupted, and
// takes a minute for the largest matrices, so larger ones are decomposed here.
func eigen(ctx context.Context, a []float64, n int) (values, vectors []float64, err error) {
	if n <= lapackDims {
		return lapackEigen(a, n)
	}
	return householderQL(ctx, a, n)
}

func lapackEigen(a []float64, n int) (values, vectors []float64, err error) {
	var eig mat.EigenSym
	if !eig.Factorize(mat.NewSymDense(n, a), true) {
		return nil, nil, errNoConvergence
	}
	var columns mat.Dense
	eig.VectorsTo(&columns)
	vectors = make([]float64, n*n)
	for k := range n {
		mat.Col(vectors[k*n:(k+1)*n], k, &columns)
	}
	return eig.Values(nil), vectors, nil
}

// householderQL is eigen for any n. Householder reflections make the matrix tridiagonal,
// and the QL algorithm with implicit shifts makes it diagonal (Wilkinson and Reinsch,
// "Linear Algebra", 1971, chapters II/2 and II/4). Products are rounded before they are
// added, so that the compiler cannot fuse the two.
func householderQL(ctx context.Context, a []float64, n int) (values, vectors []float64, err error) {
	e := &eigenproblem{n: n, a: a, diagonal: make([]float64, n), beside: make([]float64, n), q: make([]float64, n*n)}
	for _, step := range []func(context.Context) error{e.tridiagonalize, e.accumulate, e.diagonalize} {
		if err := step(ctx); err != nil {
			return nil, nil, err
		}
	}
	return e.sorted()
}

// eigenproblem is a symmetric matrix on its way to a diagonal one.
type eigenproblem struct {
	n int
	// a is the matrix. Once row k is done, the elements right of its diagonal are
	// the vector of its reflection.
	a []float64
	// diagonal and beside are those of the tridiagonal matrix: beside[k] is the
	// element of row k right of the diagonal.
	diagonal, beside []float64
	// q has the eigenvectors in its rows at the end.
	q []float64
}

func (e *eigenproblem) row(m []float64, i int) []float64 { return m[i*e.n : (i+1)*e.n] }

func vector(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Data: x, Inc: 1} }

func dot(x, y []float64) float64 { return blas64.Dot(vector(x), vector(y)) }

func addScaled(y []float64, factor float64, x []float64) { blas64.Axpy(factor, vector(x), vector(y)) }

// tridiagonalize reflects one row and column after the other.
func (e *eigenproblem) tridiagonalize(ctx context.Context) error {
	n := e.n
	p := make([]float64, n)
	for k := 0; k+2 < n; k++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		e.diagonal[k] = e.row(e.a, k)[k]
		v := e.row(e.a, k)[k+1:]
		e.beside[k] = reflection(v)
		if v[0] == 0 { // nothing to reflect
			continue
		}
		// With H = 1 - v·vᵀ and vᵀ·v = 2: H·A·H = A - v·wᵀ - w·vᵀ,
		// w = A·v - (vᵀ·A·v/2)·v.
		w := p[:len(v)]
		for i := range w {
			w[i] = dot(e.row(e.a, k+1+i)[k+1:], v)
		}
		addScaled(w, -dot(v, w)/2, v)
		for i := range w {
			r := e.row(e.a, k+1+i)[k+1:]
			addScaled(r, -v[i], w)
			addScaled(r, -w[i], v)
		}
	}
	for k := max(0, n-2); k < n; k++ {
		e.diagonal[k] = e.row(e.a, k)[k]
		if k+1 < n {
			e.beside[k] = e.row(e.a, k)[k+1]
			e.row(e.a, k)[k+1] = 0
		}
	}
	return nil
}

// reflection turns v into the vector of the reflection that leaves only its first
// element, scaled so that its square is 2, and returns that element. If there is
// nothing to reflect it sets v[0] to 0.
func reflection(v []float64) float64 {
	scale := 0.0
	for _, x := range v[1:] {
		scale = max(scale, math.Abs(x))
	}
	first := v[0]
	if scale == 0 {
		v[0] = 0
		return first
	}
	scale = max(scale, math.Abs(first))
	for i := range v {
		v[i] /= scale
	}
	norm := math.Sqrt(dot(v, v))
	if v[0] > 0 {
		norm = -norm
	}
	v[0] -= norm
	factor := math.Sqrt(2 / dot(v, v))
	for i := range v {
		v[i] *= factor
	}
	return norm * scale
}

// accumulate multiplies the reflections, from the last to the first. Its rows would be
// the eigenvectors if the tridiagonal matrix were diagonal.
func (e *eigenproblem) accumulate(ctx context.Context) error {
	n := e.n
	for i := range n {
		e.row(e.q, i)[i] = 1
	}
	for k := n - 3; k >= 0; k-- {
		if err := ctx.Err(); err != nil {
			return err
		}
		v := e.row(e.a, k)[k+1:]
		if v[0] == 0 {
			continue
		}
		// q·H in the rows and columns from k+1 on.
		for i := k + 1; i < n; i++ {
			r := e.row(e.q, i)[k+1:]
			addScaled(r, -dot(r, v), v)
		}
	}
	return nil
}

// rotation mixes two neighbouring rows of q.
type rotation struct{ cos, sin float64 }

var errNoConvergence = errors.New("linalg: eigendecomposition did not converge")

// diagonalize drives the elements beside the diagonal to 0.
func (e *eigenproblem) diagonalize(ctx context.Context) error {
	const maxSweeps = 60 // for one eigenvalue; 2 is usual
	rotations := make([]rotation, 0, e.n)
	for low := range e.n {
		for sweep := 0; ; sweep++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			high := low
			for ; high+1 < e.n; high++ {
				sum := math.Abs(e.diagonal[high]) + math.Abs(e.diagonal[high+1])
				if math.Abs(e.beside[high]) <= 0x1p-53*sum || e.beside[high] == 0 {
					break
				}
			}
			if high == low {
				break
			}
			if sweep == maxSweeps {
				return errNoConvergence
			}
			rotations = e.sweep(low, high, rotations[:0])
			// rotations[0] mixes rows high-1 and high.
			if err := e.rotate(ctx, high-1, rotations); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweep chases one bulge from high to low and returns the rotations, the first of
// which mixes high-1 and high.
func (e *eigenproblem) sweep(low, high int, rotations []rotation) []rotation {
	d, b := e.diagonal, e.beside
	shift := (d[low+1] - d[low]) / (2 * b[low])
	g := d[high] - d[low] + b[low]/(shift+math.Copysign(math.Hypot(shift, 1), shift))
	sin, cos, p := 1.0, 1.0, 0.0
	for i := high - 1; i >= low; i-- {
		f := float64(sin * b[i])
		h := float64(cos * b[i])
		r := math.Hypot(f, g)
		b[i+1] = r
		if r == 0 { // the matrix falls apart here
			d[i+1] -= p
			b[high] = 0
			return rotations
		}
		sin, cos = f/r, g/r
		g = d[i+1] - p
		r = float64((d[i]-g)*sin) + float64(2*cos*h)
		p = float64(sin * r)
		d[i+1] = g + p
		g = float64(cos*r) - h
		rotations = append(rotations, rotation{cos, sin})
	}
	d[low] -= p
	b[low] = g
	b[high] = 0
	return rotations
}

// rotateBlock is how many columns rotations go through at a time: that many of two
// rows stay in the cache.
const rotateBlock = 512

// rotate applies rotations to the rows of q: the first to rows first and first+1, the
// next to the rows one further up.
func (e *eigenproblem) rotate(ctx context.Context, first int, rotations []rotation) error {
	for from := 0; from < e.n; from += rotateBlock {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := min(e.n, from+rotateBlock)
		for i, r := range rotations {
			upper := e.row(e.q, first-i)[from:to]
			lower := e.row(e.q, first-i+1)[from:to]
			lower = lower[:len(upper)]
			for j, u := range upper {
				l := lower[j]
				lower[j] = float64(r.sin*u) + float64(r.cos*l)
				upper[j] = float64(r.cos*u) - float64(r.sin*l)
			}
		}
	}
	return nil
}

// sorted returns values and vectors in ascending order of the values.
func (e *eigenproblem) sorted() (values, vectors []float64, err error) {
	order := make([]int, e.n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case e.diagonal[i] < e.diagonal[j]:
			return -1
		case e.diagonal[i] > e.diagonal[j]:
			return 1
		}
		return 0
	})
	values, vectors = make([]float64, e.n), make([]float64, e.n*e.n)
	for k, i := range order {
		values[k] = e.diagonal[i]
		copy(vectors[k*e.n:], e.row(e.q, i))
	}
	return values, vectors, nil
}
