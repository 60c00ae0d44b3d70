package linalg

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// matrices are symmetric matrices with what makes decompositions fail.
func matrices(n int) map[string][]float64 {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	make := func(at func(i, j int) float64) []float64 {
		a := slices.Repeat([]float64{0}, n*n)
		for i := range n {
			for j := range i + 1 {
				a[i*n+j] = at(i, j)
				a[j*n+i] = a[i*n+j]
			}
		}
		return a
	}
	low := slices.Repeat([]float64{0}, n*3)
	for i := range low {
		low[i] = rng.NormFloat64()
	}
	return map[string][]float64{
		"random":          make(func(i, j int) float64 { return rng.NormFloat64() }),
		"zero":            make(func(i, j int) float64 { return 0 }),
		"identity":        make(func(i, j int) float64 { return map[bool]float64{true: 1}[i == j] }),
		"diagonal":        make(func(i, j int) float64 { return map[bool]float64{true: float64(i % 5)}[i == j] }),
		"ones":            make(func(i, j int) float64 { return 1 }),
		"three factors":   make(func(i, j int) float64 { return dot(low[3*i:3*i+3], low[3*j:3*j+3]) }),
		"wide range":      make(func(i, j int) float64 { return rng.NormFloat64() * math.Pow(10, float64(-i-j)/4) }),
		"huge":            make(func(i, j int) float64 { return 1e150 * rng.NormFloat64() }),
		"tiny":            make(func(i, j int) float64 { return 1e-150 * rng.NormFloat64() }),
		"tridiagonal":     make(func(i, j int) float64 { return map[int]float64{0: 2, 1: -1}[i-j] }),
		"blocks":          make(func(i, j int) float64 { return map[bool]float64{true: rng.NormFloat64()}[i/3 == j/3] }),
		"Hilbert":         make(func(i, j int) float64 { return 1 / float64(i+j+1) }),
		"equal neighbour": make(func(i, j int) float64 { return 0.999 + map[bool]float64{true: 0.001}[i == j] }),
	}
}

// The vectors are orthonormal, and the matrix times each is its value times it.
func TestEigen(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 12, 50, 97} {
		for name, a := range matrices(n) {
			norm := 0.0
			for _, x := range a {
				norm = max(norm, math.Abs(x))
			}
			norm *= float64(n)
			values, vectors, err := householderQL(t.Context(), slices.Clone(a), n)
			if err != nil {
				t.Fatalf("%s of %d: %v", name, n, err)
			}
			if !slices.IsSorted(values) {
				t.Errorf("%s of %d: values %v, want ascending order", name, n, values)
			}
			for k := range n {
				v := vectors[k*n : (k+1)*n]
				for j := range k + 1 {
					want := map[bool]float64{true: 1}[j == k]
					if d := dot(v, vectors[j*n:(j+1)*n]); !(math.Abs(d-want) < 1e-12*float64(n)) {
						t.Errorf("%s of %d: vectors %d and %d: %g, want %g", name, n, k, j, d, want)
					}
				}
				for i := range n {
					if d := dot(a[i*n:(i+1)*n], v) - values[k]*v[i]; !(math.Abs(d) <= 1e-13*norm) {
						t.Errorf("%s of %d: component %d of A·v%d - λ·v%d is %g, norm %g", name, n, i, k, k, d, norm)
					}
				}
			}
			var oracle mat.EigenSym
			if name != "huge" && name != "tiny" && oracle.Factorize(mat.NewSymDense(n, slices.Clone(a)), true) { // gonum fails on those
				for k, want := range oracle.Values(nil) {
					if math.Abs(values[k]-want) > 1e-13*norm {
						t.Errorf("%s of %d: value %d is %g, LAPACK says %g", name, n, k, values[k], want)
					}
				}
			}
		}
	}
}

// An interrupt ends a large decomposition soon, in each of its steps.
func TestEigenInterrupted(t *testing.T) {
	const n = 300
	calls := 0
	count := &countingContext{Context: t.Context(), calls: &calls}
	if _, _, err := householderQL(count, slices.Clone(matrices(n)["random"]), n); err != nil {
		t.Fatal(err)
	}
	if calls < 3*n {
		t.Errorf("the context was asked %d times, want at least %d", calls, 3*n)
	}
	for _, after := range []int{1, n / 2, n + n/2, 2*n + n/2} {
		calls = 0
		if _, _, err := householderQL(&countingContext{t.Context(), &calls, after}, slices.Clone(matrices(n)["random"]), n); !errors.Is(err, context.Canceled) {
			t.Errorf("after %d questions: %v", after, err)
		}
	}
}

// countingContext ends after it was asked a number of times; 0: never.
type countingContext struct {
	context.Context
	calls *int
	after int
}

func (c *countingContext) Err() error {
	*c.calls++
	if c.after > 0 && *c.calls > c.after {
		return context.Canceled
	}
	return nil
}

func BenchmarkEigen(b *testing.B) {
	for _, n := range []int{12, 96, 384, 1024} {
		a := matrices(n)["random"]
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				if _, _, err := householderQL(b.Context(), slices.Clone(a), n); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("gonum/"+strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				var e mat.EigenSym
				e.Factorize(mat.NewSymDense(n, slices.Clone(a)), true)
			}
		})
	}
}
