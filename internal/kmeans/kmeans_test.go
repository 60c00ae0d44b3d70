package kmeans

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// Four heaps far apart are found, by every seed.
func TestHeaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var points [][]float32
	for i := range 400 {
		heap := i % 4
		points = append(points, []float32{
			float32(100*(heap%2)) + rng.Float32(), float32(100*(heap/2)) + rng.Float32(), 7,
		})
	}
	for seed := range int64(10) {
		of := Cluster(points, 4, 5, seed)
		for i := range of {
			if of[i] != of[i%4] {
				t.Fatalf("seed %d: point %d of heap %d is in cluster %d, the heap in %d", seed, i, i%4, of[i], of[i%4])
			}
		}
		if slices.Max(of) != 3 || slices.Min(of) != 0 {
			t.Fatalf("seed %d: clusters %d to %d", seed, slices.Min(of), slices.Max(of))
		}
	}
}

func TestSameOnAnyNumberOfCores(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	points := make([][]float64, 501)
	for i := range points {
		points[i] = []float64{rng.NormFloat64(), rng.NormFloat64()}
	}
	want := Cluster(points, 7, 10, 5)
	for _, procs := range []int{1, 3, 8} {
		old := runtime.GOMAXPROCS(procs)
		got := Cluster(points, 7, 10, 5)
		runtime.GOMAXPROCS(old)
		if !slices.Equal(got, want) {
			t.Errorf("other clusters with GOMAXPROCS %d", procs)
		}
	}
}

// Fewer points than clusters, and all of them equal.
func TestFewPoints(t *testing.T) {
	for _, points := range [][][]float64{{{1}}, {{2, 2}, {2, 2}, {2, 2}}} {
		if of := Cluster(points, 4, 3, 0); len(of) != len(points) {
			t.Errorf("%v: %v", points, of)
		}
	}
}
