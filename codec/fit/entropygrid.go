package fit

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/internal/entropygrid"
)

// EntropyGridSettings are the settings of EntropyGrid. The zero value is the default.
type EntropyGridSettings struct {
	Bounds
	// PayloadBytes is the length of payloads, 2..255. 0 means as long as the longest
	// code of a training window.
	PayloadBytes int
	// Components is the number of mixture components besides the global fallback
	// component, 0..64. Nil means the best of 0, 4, 8 and 16, by validation inside
	// the training windows.
	Components *int
	// Seed initialises the k-means clustering that components start from. Any value
	// is valid.
	Seed int64
}

// EntropyGridResult is a fitted entropy-coded grid.
type EntropyGridResult struct {
	Codec *codec.EntropyGrid
	// Choices are the numbers of components that validation compared. It is nil if
	// the number was given.
	Choices []ComponentsChoice
}

// Save writes the codec to path, an entropy_grid.json. The file appears whole.
func (r *EntropyGridResult) Save(path string) error { return saveFile(path, r.Codec.File()) }

// ComponentsChoice is a number of components and its mean bytes per window in
// validation, measured on windows that the fit did not see.
type ComponentsChoice struct {
	Components int     `json:"components"`
	Blocked    float64 `json:"bytes_blocked"`  // on every fifth block of 16 windows
	Temporal   float64 `json:"bytes_temporal"` // on the temporal holdout, the last 40 %
	Score      float64 `json:"score"`          // geometric mean of the two; the smallest wins
}

// The weights of the mixture were chosen on three recordings. The wide distribution
// adds 0.1 to 0.2 bytes for windows like the training windows, and keeps codes short
// for others.
const (
	componentRounds     = 6       // of fitting components and choosing among them
	componentClustering = 15      // rounds of the k-means that components start from
	minComponentWindows = 10      // a component with fewer is given up
	maxComponents       = 64      // that may be asked for
	maxFitValues        = 1 << 20 // of windows that a fit keeps
	globalShare         = 0.4     // of the global fallback component
	laplaceWeight       = 8       // windows that a smooth distribution counts as
	leastSpread         = 0.06    // of that distribution, in quantisation steps
	wideShare           = 0.25    // of a Cauchy distribution, among distances
	uniformShare        = 0.005   // of all symbols alike
)

// componentChoices are tried where the settings leave the number open.
var componentChoices = []int{0, 4, 8, 16}

// entropyFit is what is fitted to.
type entropyFit struct {
	dims []entropygrid.Dim
	w    int
	rows [][]float64
	seed int64
}

// EntropyGrid fits an entropy-coded grid whose errors are within the tolerances. If
// windows have more than 2^20 values in all, it uses only every second of them, every
// fourth, and so on.
func EntropyGrid(ctx context.Context, windows Windows, settings *EntropyGridSettings) (*EntropyGridResult, error) {
	var s EntropyGridSettings
	if settings != nil {
		s = *settings
	}
	if s.Components != nil && (*s.Components < 0 || *s.Components > maxComponents) {
		return nil, fmt.Errorf("%w: %d components, want 0..%d", ErrSettings, *s.Components, maxComponents)
	}
	if n := s.PayloadBytes; n != 0 && (n < 2 || n > math.MaxUint8) {
		return nil, fmt.Errorf("%w: payloads of %d bytes, want 2..%d, or 0 for what the longest window needs", ErrSettings, n, math.MaxUint8)
	}
	b, err := s.Bounds.filled()
	if err != nil {
		return nil, err
	}
	f, err := newEntropyFit(ctx, windows, &b)
	if err != nil {
		return nil, err
	}
	f.seed = s.Seed
	r := &EntropyGridResult{}
	components := 0
	if s.Components != nil {
		components = *s.Components
	} else {
		if r.Choices, err = f.validate(ctx); err != nil {
			return nil, err
		}
		components = slices.MinFunc(r.Choices, func(a, b ComponentsChoice) int { return cmp.Compare(a.Score, b.Score) }).Components
	}
	m, err := f.model(ctx, f.rows, components)
	if err != nil {
		return nil, err
	}
	if r.Codec, err = codec.ParseEntropyGrid(m.Text, s.PayloadBytes); err != nil || s.PayloadBytes > 0 {
		return r, err
	}
	longest := 0
	for _, row := range f.rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, _ := r.Codec.Need(row) // in range: the fit saw to it
		longest = max(longest, n)
	}
	r.Codec, err = r.Codec.WithPayloadBytes(min(math.MaxUint8, longest))
	return r, err
}

func newEntropyFit(ctx context.Context, windows Windows, b *Bounds) (*entropyFit, error) {
	f := &entropyFit{dims: make([]entropygrid.Dim, len(b.Tolerances))}
	every, i := 1, 0
	ranges, length, err := b.ranges(ctx, windows, func(window []float64) {
		if i%every == 0 {
			f.rows = append(f.rows, slices.Clone(window))
			if len(f.rows) > 1 && len(f.rows)*len(window) > maxFitValues {
				kept := f.rows[:0]
				for j := 0; j < len(f.rows); j += 2 {
					kept = append(kept, f.rows[j])
				}
				f.rows = slices.Clip(kept)
				every *= 2
			}
		}
		i++
	})
	if err != nil {
		return nil, err
	}
	f.w = length / len(b.Tolerances)
	for i := range f.dims {
		d, r := &f.dims[i], &ranges[i]
		step := b.step(i)
		if r.angle {
			d.Steps = int64(min(math.Ceil(360/step), 1<<31))
			if r.negative || r.largest <= 180 {
				d.Low = -180
			}
		} else {
			d.Step = step
		}
		if r.largest > d.Reach() || d.Steps > 1<<30 {
			return nil, fmt.Errorf("%w: tolerance of %s is %g, too fine for values of up to %g", ErrSettings, b.Schema.Label(i), b.Tolerances[i], r.largest)
		}
	}
	return f, nil
}

// validate measures each number of components. Where there are too few windows to
// leave some out, it measures none.
func (f *entropyFit) validate(ctx context.Context) ([]ComponentsChoice, error) {
	choices := make([]ComponentsChoice, 0, len(componentChoices))
	for _, n := range componentChoices {
		c := ComponentsChoice{Components: n}
		if n > 0 && (len(f.rows) < 2*minComponentWindows*n || f.fileSize(n) > entropygrid.MaxFile) {
			break
		}
		var err error
		if c.Blocked, err = f.without(ctx, n, func(i int) bool { return i/16%5 == 4 }); err != nil {
			return nil, err
		}
		if c.Temporal, err = f.without(ctx, n, func(i int) bool { return i >= len(f.rows)*6/10 }); err != nil {
			return nil, err
		}
		c.Score = math.Sqrt(c.Blocked * c.Temporal)
		choices = append(choices, c)
	}
	return choices, nil
}

// fileSize is about how long a file with so many components is.
func (f *entropyFit) fileSize(components int) int {
	const bytesOfFrequency = 4
	return (components + 1) * len(f.dims) * min(f.w, 2) * entropygrid.Symbols * bytesOfFrequency
}

// without fits a model without some windows, and returns its mean bytes for them:
// 0 where either part is empty.
func (f *entropyFit) without(ctx context.Context, components int, leftOut func(int) bool) (float64, error) {
	var train, test [][]float64
	for i, r := range f.rows {
		if leftOut(i) {
			test = append(test, r)
		} else {
			train = append(train, r)
		}
	}
	if len(train) == 0 || len(test) == 0 {
		return 0, nil
	}
	m, err := f.model(ctx, train, components)
	if err != nil {
		return 0, err
	}
	s := m.NewScratch()
	defer m.Release(s)
	sum := 0.0
	for _, r := range test {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		_, cost, _ := m.Cheapest(s, r)
		sum += max(2, float64(cost)/(8*entropygrid.CostUnit)+0.5) // the end of a code is rounded up to a byte
	}
	return sum / float64(len(test)), nil
}

// model fits the components to rows: each to the windows that it makes cheapest,
// in turns, and the global fallback component to all.
func (f *entropyFit) model(ctx context.Context, rows [][]float64, count int) (*entropygrid.Model, error) {
	global, err := f.component(ctx, rows)
	if err != nil {
		return nil, err
	}
	global.Frequency = 1 << entropygrid.FrequencyBits
	if count < 1 {
		return f.build([]entropygrid.Component{global})
	}
	assigned, err := f.cluster(ctx, rows, count)
	if err != nil {
		return nil, err
	}
	var components []entropygrid.Component
	for range componentRounds {
		if components, err = f.fitTo(ctx, rows, assigned, count, components[:0]); err != nil {
			return nil, err
		}
		if len(components) == 0 {
			return f.build([]entropygrid.Component{global})
		}
		balanced := slices.Clone(components)
		balanced[0].Frequency += restOf(components) // a model without the fallback
		m, err := f.build(balanced)
		if err != nil {
			return nil, err
		}
		s := m.NewScratch()
		for i, r := range rows {
			if err = ctx.Err(); err != nil {
				break
			}
			assigned[i], _, _ = m.Cheapest(s, r)
		}
		m.Release(s)
		if err != nil {
			return nil, err
		}
	}
	global.Frequency = restOf(components)
	return f.build(append(components, global))
}

// fitTo appends to dst a component for each group of rows that is large enough.
func (f *entropyFit) fitTo(ctx context.Context, rows [][]float64, assigned []int, count int, dst []entropygrid.Component) ([]entropygrid.Component, error) {
	members := make([][][]float64, count)
	for i, n := range assigned {
		members[n] = append(members[n], rows[i])
	}
	for _, m := range members {
		if len(m) < minComponentWindows {
			continue
		}
		c, err := f.component(ctx, m)
		if err != nil {
			return nil, err
		}
		c.Frequency = max(1, int((1-globalShare)*float64(len(m))/float64(len(rows))*(1<<entropygrid.FrequencyBits)))
		dst = append(dst, c)
	}
	return dst, nil
}

// restOf is what the components' frequencies leave of their sum.
func restOf(components []entropygrid.Component) int {
	rest := 1 << entropygrid.FrequencyBits
	for _, c := range components {
		rest -= c.Frequency
	}
	return rest
}

func (f *entropyFit) build(components []entropygrid.Component) (*entropygrid.Model, error) {
	file := &entropygrid.File{W: f.w, Dims: f.dims, Components: components}
	text, err := file.Text()
	if err != nil {
		return nil, fmt.Errorf("fit: %w", err)
	}
	if len(text) > entropygrid.MaxFile {
		return nil, fmt.Errorf("%w: %d values of a step and %d components, want a file of at most %d bytes", ErrSettings, len(f.dims), len(components), entropygrid.MaxFile)
	}
	m, faults := entropygrid.New(file, text)
	if len(faults) > 0 {
		return nil, fmt.Errorf("fit: %s: %w", faults[0].Field, faults[0].Err)
	}
	return m, nil
}

// payloadLengths chooses the payload lengths at which a ladder holds an entropy-coded
// grid: at most count, from 2 to last-1. Windows that need more take last bytes. If
// there are at most count such lengths it returns them all. Otherwise it returns those
// with the fewest bytes on average for the windows, where each length n also counts as
// if a tenth of them, divided by n, needed it: windows of a new recording may.
func payloadLengths(ctx context.Context, c *codec.EntropyGrid, windows Windows, count, last int) ([]int, error) {
	if last < 3 || count < 1 {
		return nil, nil
	}
	if last-2 <= count {
		all := make([]int, 0, last-2)
		for n := 2; n < last; n++ {
			all = append(all, n)
		}
		return all, nil
	}
	needs := make([]float64, last+1) // windows that need so many bytes, or last
	total := 0.0
	for w, err := range windows {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		n, ok := c.Need(w)
		if !ok {
			n = last
		}
		needs[min(last, n)]++
		total++
	}
	for n := 2; n <= last; n++ {
		needs[n] += max(1, total/10) / float64(n)
	}
	return cheapestLengths(needs, count), nil
}

// cheapestLengths picks count lengths, below the last of needs, that make windows
// cheapest, where needs[n] of them need n bytes.
func cheapestLengths(needs []float64, count int) []int {
	last := len(needs) - 1
	// cost[k][n] is what windows that need at most n bytes take with k+1 lengths
	// of which n is the longest; before[k][n] is the one below n.
	cost, before := make([][]float64, count), make([][]int, count)
	for k := range cost {
		cost[k], before[k] = make([]float64, last+1), make([]int, last+1)
		for n := 2; n <= last; n++ {
			cost[k][n] = math.Inf(1)
			between := 0.0 // windows that need more than m bytes, and at most n
			for m := n - 1; m >= 1; m-- {
				between += needs[m+1]
				below := 0.0
				if m > 1 {
					if k == 0 {
						continue
					}
					below = cost[k-1][m]
				}
				if v := below + float64(between*float64(n)); v < cost[k][n] {
					cost[k][n], before[k][n] = v, m
				}
			}
		}
	}
	best, above, least := 2, 0.0, math.Inf(1)
	for n := last - 1; n >= 2; n-- {
		above += needs[n+1]
		if v := cost[count-1][n] + float64(above*float64(last)); v < least {
			best, least = n, v
		}
	}
	var lengths []int
	for k, n := count-1, best; n > 1; k, n = k-1, before[k][n] {
		lengths = append(lengths, n)
	}
	slices.Reverse(lengths)
	return lengths
}
