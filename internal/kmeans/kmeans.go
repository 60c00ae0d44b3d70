// Package kmeans parts points into clusters.
package kmeans

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
)

// Cluster parts points, of one length, into n clusters: Lloyd's iteration (1982),
// that many rounds, from starts that k-means++ spreads (Arthur and Vassilvitskii
// 2007). It returns the cluster of each point; a cluster may be empty. The same
// points and seed give the same clusters, whatever GOMAXPROCS is.
func Cluster[T float32 | float64](points [][]T, n, rounds int, seed int64) []int {
	centers := spread(points, n, rand.New(rand.NewPCG(uint64(seed), 1)))
	of := make([]int, len(points))
	for range rounds {
		assign(of, points, centers)
		sums, counts := make([][]float64, n), make([]float64, n)
		for i, p := range points {
			c := of[i]
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
				continue // nobody's: stay
			}
			centers[c] = make([]T, len(sum))
			for j, v := range sum {
				centers[c][j] = T(v / counts[c])
			}
		}
	}
	return of
}

// spread picks n of the points, each the likelier the farther it is from those
// that are picked.
func spread[T float32 | float64](points [][]T, n int, rng *rand.Rand) [][]T {
	centers := [][]T{points[rng.IntN(len(points))]}
	nearest := slices.Repeat([]float64{math.Inf(1)}, len(points))
	for len(centers) < n {
		sum := 0.0
		for i, p := range points {
			nearest[i] = min(nearest[i], distance(p, centers[len(centers)-1]))
			sum += nearest[i]
		}
		at, pick := rng.Float64()*sum, 0
		for pick < len(points)-1 && at >= nearest[pick] {
			at -= nearest[pick]
			pick++
		}
		centers = append(centers, points[pick])
	}
	return centers
}

// assign sets of to each point's nearest center, the first of equals.
func assign[T float32 | float64](of []int, points, centers [][]T) {
	var wg sync.WaitGroup
	share := (len(points) + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	for from := 0; from < len(points); from += share {
		wg.Go(func() {
			for i := from; i < min(from+share, len(points)); i++ {
				best := math.Inf(1)
				for c, center := range centers {
					if d := distance(points[i], center); d < best {
						best, of[i] = d, c
					}
				}
			}
		})
	}
	wg.Wait()
}

func distance[T float32 | float64](a, b []T) float64 {
	var sum T
	for i, v := range a {
		d := v - b[i]
		sum += d * d
	}
	return float64(sum)
}
