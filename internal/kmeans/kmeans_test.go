package kmeans

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

func cluster[T float32 | float64](t *testing.T, points [][]T, n, rounds int, seed int64) []int {
	t.Helper()
	clusters, err := Cluster(t.Context(), points, n, rounds, seed)
	if err != nil {
		t.Fatal(err)
	}
	return clusters
}

// Four groups of points far from each other become four clusters, with any seed.
func TestGroups(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var points [][]float32
	for i := range 400 {
		group := i % 4
		points = append(points, []float32{
			float32(100*(group%2)) + rng.Float32(), float32(100*(group/2)) + rng.Float32(), 7,
		})
	}
	for seed := range int64(10) {
		clusters := cluster(t, points, 4, 5, seed)
		for i := range clusters {
			if clusters[i] != clusters[i%4] {
				t.Fatalf("seed %d: point %d of group %d is in cluster %d, the group in %d", seed, i, i%4, clusters[i], clusters[i%4])
			}
		}
		if slices.Max(clusters) != 3 || slices.Min(clusters) != 0 {
			t.Fatalf("seed %d: clusters %d to %d", seed, slices.Min(clusters), slices.Max(clusters))
		}
	}
}

func TestSameOnAnyNumberOfCores(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	points := make([][]float64, 501)
	for i := range points {
		points[i] = []float64{rng.NormFloat64(), rng.NormFloat64()}
	}
	want := cluster(t, points, 7, 10, 5)
	for _, procs := range []int{1, 3, 8} {
		old := runtime.GOMAXPROCS(procs)
		got := cluster(t, points, 7, 10, 5)
		runtime.GOMAXPROCS(old)
		if !slices.Equal(got, want) {
			t.Errorf("other clusters with GOMAXPROCS %d", procs)
		}
	}
}

// Fewer points than clusters, and all of them equal.
func TestFewPoints(t *testing.T) {
	for _, points := range [][][]float64{{{1}}, {{2, 2}, {2, 2}, {2, 2}}} {
		if clusters := cluster(t, points, 4, 3, 0); len(clusters) != len(points) {
			t.Errorf("%v: %v", points, clusters)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Cluster(ctx, [][]float64{{1}, {2}, {3}}, 2, 3, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
