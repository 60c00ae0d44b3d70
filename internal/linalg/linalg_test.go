package linalg

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

func TestPCA(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	cov := NewCovariance(5)
	var all [][]float32
	for range 500 {
		a, b := rng.NormFloat64(), rng.NormFloat64()
		z := []float32{float32(3 * a), float32(-3 * a), float32(b), float32(b + 0.1*rng.NormFloat64()), 0}
		all = append(all, z)
		cov.Add(z)
	}
	pc, err := cov.PCA(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for k := range 5 {
		if k > 0 && pc.Values[k] > pc.Values[k-1] {
			t.Errorf("variances %v, want descending order", pc.Values)
		}
		for j := range k + 1 {
			dot := 0.0
			for i := range 5 {
				dot += pc.Vector(k)[i] * pc.Vector(j)[i]
			}
			if want := map[bool]float64{true: 1}[j == k]; math.Abs(dot-want) > 1e-9 {
				t.Errorf("vectors %d and %d: %g, want %g", k, j, dot, want)
			}
		}
		// Its value is the variance of the windows along it.
		sum := 0.0
		for _, z := range all {
			dot := 0.0
			for i, v := range pc.Vector(k) {
				dot += v * float64(z[i])
			}
			sum += dot * dot
		}
		if got := sum / 499; math.Abs(got-pc.Values[k]) > 1e-6 {
			t.Errorf("component %d: variance along it %g, value %g", k, got, pc.Values[k])
		}
	}
	if v := pc.Vector(0); math.Abs(v[0]-math.Sqrt(0.5)) > 0.01 || math.Abs(v[1]+math.Sqrt(0.5)) > 0.01 {
		t.Errorf("first component %v", v)
	}
}

func TestGaussianBound(t *testing.T) {
	for _, c := range []struct {
		name      string
		variances []float64
		bits      float64
		want      float64
	}{
		{"no bits", []float64{3, 1}, 0, 2},
		{"one component, 1 bit", []float64{1}, 1, 0.25},
		{"equal components share", []float64{1, 1}, 4, 1. / 16},
		{"the smaller one gets none", []float64{4, 0.1}, 1, (1 + 0.1) / 2},
		{"both above the level", []float64{4, 1}, 3, 0.25},
		{"all variances 0", []float64{0, 0}, 8, 0},
	} {
		if got := GaussianBound(c.variances, c.bits); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
	}
}

func TestWaterLevel(t *testing.T) {
	for _, c := range []struct {
		variances []float64
		bits      float64
		want      float64
	}{{[]float64{4, 1}, 3, 0.25}, {[]float64{4, 0.1}, 1, 1}, {[]float64{0, 0}, 1, 0}, {nil, 1, 0}} {
		if got := WaterLevel(c.variances, c.bits); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v, %g bits: %g, want %g", c.variances, c.bits, got, c.want)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewCovariance(3).PCA(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
