// Package kmeans implements k-means clustering.
package kmeans

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
)

// Cluster divides points of equal length into n clusters and returns the index
// of the cluster of each point. There must be at least one point. Clusters may be empty.
// Cluster runs that many rounds of Lloyd's algorithm (1982), from centers that
// k-means++ chooses (Arthur and Vassilvitskii 2007). The same points and seed give the
// same clusters for any GOMAXPROCS. If ctx ends, Cluster returns the context's
// error.
func Cluster[T float32 | float64](ctx context.Context, points [][]T, n, rounds int, seed int64) ([]int, error) {
	centers, err := chooseCenters(ctx, points, n, rand.New(rand.NewPCG(uint64(seed), 1)))
	if err != nil {
		return nil, err
	}
	clusters := make([]int, len(points))
	for range rounds {
		assign(ctx, clusters, points, centers)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		moveCenters(centers, points, clusters)
	}
	return clusters, nil
}

// moveCenters sets each center to the mean of its points. It does not change centers
// without points.
func moveCenters[T float32 | float64](centers, points [][]T, clusters []int) {
	sums, counts := make([][]float64, len(centers)), make([]float64, len(centers))
	for i, p := range points {
		c := clusters[i]
		if sums[c] == nil {
			sums[c] = make([]float64, len(p))
		}
		counts[c]++
		for j, v := range p {
			sums[c][j] += float64(v)
		}
	}
	for c, sum := range sums {
		if sum == nil {
			continue
		}
		centers[c] = make([]T, len(sum))
		for j, v := range sum {
			centers[c][j] = T(v / counts[c])
		}
	}
}

// chooseCenters chooses n of the points as centers: the first at random, each other with
// a probability proportional to its squared distance from the nearest center so far.
func chooseCenters[T float32 | float64](ctx context.Context, points [][]T, n int, rng *rand.Rand) ([][]T, error) {
	centers := [][]T{points[rng.IntN(len(points))]}
	nearest := slices.Repeat([]float64{math.Inf(1)}, len(points))
	for len(centers) < n {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		sum := 0.0
		for i, p := range points {
			nearest[i] = min(nearest[i], distance(p, centers[len(centers)-1]))
			sum += nearest[i]
		}
		rest, pick := rng.Float64()*sum, 0
		for pick < len(points)-1 && rest >= nearest[pick] {
			rest -= nearest[pick]
			pick++
		}
		centers = append(centers, points[pick])
	}
	return centers, nil
}

// assign sets clusters to the index of the nearest center of each point, the first of
// equally near ones. When ctx ends, it returns early.
func assign[T float32 | float64](ctx context.Context, clusters []int, points, centers [][]T) {
	var wg sync.WaitGroup
	share := (len(points) + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	for first := 0; first < len(points); first += share {
		wg.Go(func() {
			for i := first; i < min(first+share, len(points)); i++ {
				if i%64 == 0 && ctx.Err() != nil {
					return
				}
				best := math.Inf(1)
				for c, center := range centers {
					if d := distance(points[i], center); d < best {
						best, clusters[i] = d, c
					}
				}
			}
		})
	}
	wg.Wait()
}

// distance returns the squared distance between a and b. Products are rounded
// before they are added, so that architectures with a fused multiply-add give the
// same result.
func distance[T float32 | float64](a, b []T) float64 {
	var sum T
	for i, v := range a {
		d := v - b[i]
		sum += T(d * d)
	}
	return float64(sum)
}
