package train

import (
	"context"
	"runtime"
	"sync"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/kmeans"
	"github.com/loralink/loralink-go/internal/linalg"
)

// Latents are neither Gaussian nor in one cluster. The tables of a bitpack payload are
// therefore a mixture. Each component has a center in latent space, the principal axes
// of the latents around it, and an allocation of bits to these axes. The last component,
// the global fallback component, is fitted to all latents and has levels far outside of
// their range, for latents unlike those of the training windows.
//
// All levels are Lloyd-Max levels (Lloyd 1982, Max 1960) of the training latents and of
// a heavy-tailed prior with a small weight, so that there are levels outside of the
// range of the training windows.
const (
	// minComponentWindows is the smallest number of windows that a component is
	// fitted to. Components with fewer are dropped.
	minComponentWindows = 8
	// componentRounds is the number of rounds of fitting the components and
	// assigning the latents to them.
	componentRounds = 4
	// clusterRounds is the number of rounds of the initial k-means.
	clusterRounds = 15
	// maxRotated is the largest number of latents that a component rotates.
	maxRotated = 24
)

// fitTables fits tables of the shape to latents.
func fitTables(ctx context.Context, y [][]float32, s tableShape) (*bam.Tables, error) {
	t := &bam.Tables{PayloadBytes: s.payloadBytes, ComponentBits: s.componentBits, CheckByte: s.checkByte}
	latents := len(y[0])
	rotated := 0
	if s.componentBits > 0 {
		rotated = min(latents, maxRotated)
	}
	global, err := fitComponent(ctx, y, make([]float32, latents), identity(rotated), s.codeBits(), globalPrior.forWindow(s.windowLen))
	if err != nil {
		return nil, err
	}
	t.Components = []bam.Component{global}
	if s.componentBits == 0 {
		return t, nil
	}
	locals := 1<<s.componentBits - 1
	assigned, err := kmeans.Cluster(ctx, y, locals, clusterRounds, s.seed)
	if err != nil {
		return nil, err
	}
	for range componentRounds {
		if t.Components, err = fitLocals(ctx, y, assigned, locals, rotated, s); err != nil {
			return nil, err
		}
		t.Components = append(t.Components, global)
		last := len(t.Components) - 1
		if err := parallel(ctx, len(y), func(i int) {
			if assigned[i], _ = t.Best(y[i]); assigned[i] == last {
				assigned[i] = locals // no local component
			}
		}); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// identity returns the n×n identity matrix.
func identity(n int) bam.Matrix {
	if n == 0 {
		return bam.Matrix{}
	}
	m := bam.NewMatrix(n, n)
	for i := range n {
		m.Row(i)[i] = 1
	}
	return m
}

// fitLocals fits a component to the latents assigned to each index below count, in
// parallel. It drops components with fewer than minComponentWindows latents.
func fitLocals(ctx context.Context, y [][]float32, assigned []int, count, rotated int, s tableShape) ([]bam.Component, error) {
	members := make([][][]float32, count+1)
	for i, c := range assigned {
		members[c] = append(members[c], y[i])
	}
	fitted := make([]*bam.Component, count)
	var wg sync.WaitGroup
	limit := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, rows := range members[:count] {
		if len(rows) < minComponentWindows {
			continue
		}
		limit <- struct{}{}
		wg.Go(func() {
			center := mean(rows)
			if c, err := fitComponent(ctx, rows, center, principalAxes(rows, center, rotated), s.codeBits(), localPrior.forWindow(s.windowLen)); err == nil {
				fitted[i] = &c
			}
			<-limit
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var components []bam.Component
	for _, c := range fitted {
		if c != nil {
			components = append(components, *c)
		}
	}
	return components, nil
}

func mean(rows [][]float32) []float32 {
	sum := make([]float64, len(rows[0]))
	for _, y := range rows {
		for j, v := range y {
			sum[j] += float64(v)
		}
	}
	out := make([]float32, len(sum))
	for j, v := range sum {
		out[j] = float32(v / float64(len(rows)))
	}
	return out
}

// principalAxes returns the principal axes of the first n latents around center.
func principalAxes(rows [][]float32, center []float32, n int) bam.Matrix {
	cov := linalg.NewCovariance(n)
	d := make([]float32, n)
	for _, y := range rows {
		for j := range d {
			d[j] = y[j] - center[j]
		}
		cov.Add(d)
	}
	pc, err := cov.PCA(context.Background())
	if err != nil { // use the axes of the latents
		return identity(n)
	}
	axes := bam.NewMatrix(n, n)
	for i, v := range pc.Vectors {
		axes.Data[i] = float32(v)
	}
	return axes
}

// fitComponent fits the levels of a component to latents, and allocates the bits
// to its axes. Its only errors are those of the context.
func fitComponent(ctx context.Context, rows [][]float32, center []float32, axes bam.Matrix, bits int, p prior) (bam.Component, error) {
	c := bam.Component{Center: center, Rotation: axes, Bits: make([]uint8, len(center)), Knots: make([][]float32, len(center))}
	tables := make([]*levelTable, len(center))
	values := make([]float64, len(rows))
	for j := range tables {
		if err := ctx.Err(); err != nil {
			return c, err
		}
		for i, y := range rows {
			values[i] = coordinate(&c, j, y)
		}
		tables[j] = newLevelTable(values, p)
	}
	if err := allocateBits(ctx, c.Bits, tables, bits); err != nil {
		return c, err
	}
	for j, t := range tables {
		c.Knots[j] = knots(t.levels(int(c.Bits[j])))
	}
	return c, nil
}

// coordinate returns the coordinate of y on axis j of the component.
func coordinate(c *bam.Component, j int, y []float32) float64 {
	if j >= c.Rotation.Rows {
		return float64(y[j] - c.Center[j])
	}
	v := 0.0
	for i, a := range c.Rotation.Row(j) {
		v += float64(float64(a) * float64(y[i]-c.Center[i]))
	}
	return v
}

// allocateBits distributes bits over the axes: repeatedly one to three to the axis where
// they reduce the error most per bit.
func allocateBits(ctx context.Context, dst []uint8, tables []*levelTable, bits int) error {
	for bits > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		largest, axis, count := 0.0, -1, 0
		for j, t := range tables {
			// Two or three bits can reduce the error where the first one alone does not.
			for n := 1; n <= min(3, bits, maxTableBits-int(dst[j])); n++ {
				gain := (t.distortion(int(dst[j])) - t.distortion(int(dst[j])+n)) / float64(n)
				if gain > largest {
					largest, axis, count = gain, j, n
				}
			}
		}
		if axis < 0 {
			return nil // more bits would not reduce the error
		}
		dst[axis] += uint8(count)
		bits -= count
	}
	return nil
}

// parallel calls f(0) to f(n-1) on all processors and waits for them. When ctx ends, it
// stops early and returns the context's error.
func parallel(ctx context.Context, n int, f func(i int)) error {
	const chunk = 64
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), (n+chunk-1)/chunk) {
		wg.Go(func() {
			for i := range next {
				for j := i; j < min(i+chunk, n); j++ {
					f(j)
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i += chunk {
		next <- i
	}
	close(next)
	wg.Wait()
	return ctx.Err()
}
