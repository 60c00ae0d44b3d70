package train

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/innersplit"
	"github.com/loralink/loralink-go/internal/linalg"
)

const (
	// minLatents is the smallest number of latents of a bitpack model, if the
	// windows have as many principal components.
	minLatents = 12
	// maxTableBytes is the largest size of the tables for one latent.
	maxTableBytes = 4 << 10
	// maxTableWindows is the largest number of windows that tables are fitted to.
	maxTableWindows = 1 << 15
	// tableStarts is the number of clusterings from which the final tables are
	// fitted. The best result is kept.
	tableStarts = 3
)

// bitpackLatents returns how many latents the bits of a bitpack payload can use:
// as many as there are principal components with a variance of more than a tenth
// of the error that an optimal code leaves of each, but at least minLatents.
func (p *Problem) bitpackLatents(ctx context.Context) (int, error) {
	pc, err := p.components(ctx)
	if err != nil {
		return 0, err
	}
	narrowest := slices.Min(append([]int{p.windowLen()}, p.Settings.HiddenDims...))
	return min(narrowest, latentCount(pc.Values, 8*p.Settings.PayloadBytes)), nil
}

func latentCount(variances []float64, bits int) int {
	level := linalg.WaterLevel(variances, float64(bits))
	n := 0
	for _, v := range variances {
		if v > level/10 && v > 0 {
			n++
		}
	}
	return min(max(n, minLatents), len(variances))
}

// BitPackChoice is a number of bits for the mixture component's index, with the results
// of inner validation. The errors are mean squared errors of the quantised latents.
type BitPackChoice struct {
	ComponentBits int `json:"mode_bits"`
	// Blocked is the error in blocked cross-validation, mse_mixed in reports, on one
	// fold: every fifth block of 16 windows.
	Blocked float64 `json:"mse_mixed"`
	// Temporal is the error on the temporal holdout, mse_later in reports: the last
	// 40 % of the windows.
	Temporal float64 `json:"mse_later"`
	Score    float64 `json:"score"` // geometric mean of the two; the smallest wins
}

// tableShape has the sizes of tables, and the parameters of their fit.
type tableShape struct {
	payloadBytes  int
	checkByte     bool
	componentBits int
	seed          int64
	windowLen     int // values in a window
}

// codeBits returns the number of bits for the codes of the latents.
func (s tableShape) codeBits() int {
	n := 8*s.payloadBytes - s.componentBits
	if s.checkByte {
		n -= 8
	}
	return n
}

// bitpackTables fits the tables of a bitpack payload to the latents of the
// training windows. Inner validation decides how many mixture components they
// have.
func bitpackTables(ctx context.Context, p *Problem, net *bam.Model) (*bam.Tables, []BitPackChoice, error) {
	shape := tableShape{payloadBytes: p.Settings.PayloadBytes, checkByte: p.Settings.CheckByte, seed: p.Settings.Seed, windowLen: p.windowLen()}
	if shape.codeBits() < 1 {
		return nil, nil, fmt.Errorf("%w: found payloads of %d bytes, want at least 1 in addition to the check byte", ErrSettings, shape.payloadBytes)
	}
	y, err := encodeWindows(ctx, p, net)
	if err != nil {
		return nil, nil, err
	}
	widths := componentBitChoices(net.LatentDim(), len(y), shape)
	step := 0
	progress := func() error {
		step++
		return p.Record(Progress{Stage: StageTables, Step: step, Steps: 2*len(widths) + tableStarts})
	}
	choices := make([]BitPackChoice, len(widths))
	best := 0
	for i, bits := range widths {
		shape.componentBits = bits
		if choices[i], err = measureTables(ctx, y, shape, progress); err != nil {
			return nil, nil, err
		}
		if choices[i].Score < choices[best].Score {
			best = i
		}
	}
	shape.componentBits = choices[best].ComponentBits
	tables, err := bestTables(ctx, y, shape, progress)
	return tables, choices, err
}

// encodeWindows returns the latents of the training windows in file order. If there are
// more than maxTableWindows, it uses every second, third, ... window.
func encodeWindows(ctx context.Context, p *Problem, net *bam.Model) ([][]float32, error) {
	scratch := net.NewScratch()
	every := (p.Windows + maxTableWindows - 1) / maxTableWindows
	var latents [][]float32
	i := -1
	for z, err := range p.Normalized(ctx) {
		if err != nil {
			return nil, err
		}
		if i++; i%every != 0 {
			continue
		}
		y := make([]float32, net.LatentDim())
		net.Encode(y, z, scratch)
		latents = append(latents, y)
	}
	return latents, nil
}

// componentBitChoices returns the numbers of bits for the component's index to try: the
// tables stay small, there are enough windows for each component, and bits remain for
// the codes.
func componentBitChoices(latents, windows int, s tableShape) []int {
	choices := []int{0}
	for bits := 2; bits <= 5; bits++ {
		s.componentBits = bits
		bytes := (1 << bits) * (4*bam.MaxKnots + 4*min(latents, maxRotated) + 4 + 4)
		if bytes <= maxTableBytes && windows>>bits >= 2*minComponentWindows && s.codeBits() >= bits {
			choices = append(choices, bits)
		}
	}
	return choices
}

// measureTables fits tables of the shape without some of the latents, and measures
// their error on these.
func measureTables(ctx context.Context, y [][]float32, s tableShape, progress func() error) (BitPackChoice, error) {
	c := BitPackChoice{ComponentBits: s.componentBits}
	for _, v := range []struct {
		mse      *float64
		leaveOut func(i int) bool
	}{
		{&c.Blocked, func(i int) bool { return innersplit.Fold(i) == innersplit.Folds-1 }},
		{&c.Temporal, func(i int) bool { return innersplit.Temporal(i, len(y)) }},
	} {
		if err := progress(); err != nil {
			return c, err
		}
		var train, test [][]float32
		for i, row := range y {
			if v.leaveOut(i) {
				test = append(test, row)
			} else {
				train = append(train, row)
			}
		}
		if len(train) == 0 || len(test) == 0 {
			continue
		}
		tables, err := fitTables(ctx, train, s)
		if err != nil {
			return c, err
		}
		if *v.mse, err = quantisationError(ctx, tables, test); err != nil {
			return c, err
		}
	}
	c.Score = math.Sqrt(c.Blocked * c.Temporal)
	return c, nil
}

// bestTables fits tables of the shape to all latents, from different clusterings,
// and returns those with the smallest error.
func bestTables(ctx context.Context, y [][]float32, s tableShape, progress func() error) (*bam.Tables, error) {
	var best *bam.Tables
	least := 0.0
	for range tableStarts {
		if err := progress(); err != nil {
			return nil, err
		}
		tables, err := fitTables(ctx, y, s)
		if err != nil || s.componentBits == 0 {
			return tables, err // one component: there is nothing to cluster
		}
		mse, err := quantisationError(ctx, tables, y)
		if err != nil {
			return nil, err
		}
		if best == nil || mse < least {
			best, least = tables, mse
		}
		s.seed++
	}
	return best, nil
}

// quantisationError returns the mean squared error of the quantised latents.
func quantisationError(ctx context.Context, t *bam.Tables, y [][]float32) (float64, error) {
	distances := make([]float64, len(y))
	if err := parallel(ctx, len(y), func(i int) {
		_, d := t.Best(y[i])
		distances[i] = float64(d)
	}); err != nil {
		return 0, err
	}
	sum := 0.0
	for _, d := range distances {
		sum += d
	}
	return sum / float64(len(y)), nil
}
