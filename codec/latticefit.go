package codec

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
)

// LatticeSettings say how FitLattice fits. The zero value is the default.
type LatticeSettings struct {
	// PayloadBytes is the length of payloads, 2..255; 0: what the longest
	// training window needs.
	PayloadBytes int
	// Regions is the number of regions besides the one of everything, at most
	// 64; 0: what inner validation finds best; negative: none.
	Regions int
	// Seed of the clusters that regions start from.
	Seed int64
}

// LatticeChoice is one number of regions and what inner validation says of it:
// bytes a window, each part fitted without the windows it is measured on.
type LatticeChoice struct {
	Regions int     `json:"regions"`
	Mixed   float64 `json:"bytes_mixed"` // every fifth block of windows left out
	Later   float64 `json:"bytes_later"` // the last 40 % left out
	Score   float64 `json:"score"`       // geometric mean of the two
}

// How the frequencies are mixed was tried out on three recordings. The wide
// part costs 0.1 to 0.2 bytes for a window like the training's, and keeps codes
// short on another day.
const (
	regionRounds     = 6       // of fitting regions and choosing among them
	regionClustering = 15      // rounds of the k-means that regions start from
	minRegionWindows = 10      // a region with fewer is given up
	maxRegions       = 64      // that may be asked for
	maxLatticeValues = 1 << 20 // of windows that a fit keeps
	wholeShare       = 0.4     // of the mode of everything, among modes
	laplaceWeight    = 8       // windows that a smooth distribution counts as
	leastSpread      = 0.06    // of that distribution, in cells
	wideShare        = 0.25    // of a Cauchy distribution, among distances
	uniformShare     = 0.005   // of all tokens alike
)

// regionChoices are tried where the settings leave the number open.
var regionChoices = []int{0, 4, 8, 16}

// latticeFit is what is fitted to.
type latticeFit struct {
	dims []LatticeDim
	w    int
	rows [][]float64
	seed int64
}

// FitLattice fits a lattice whose errors are within the tolerances, one for
// each value of a step, in its unit. Windows have any number of steps, all the
// same; of very many, every second, fourth, … is used. The number of regions
// is chosen inside the windows given. The same windows and settings make the
// same file.
func FitLattice(windows iter.Seq2[[]float64, error], tolerances []float64, settings *LatticeSettings) (*Lattice, []LatticeChoice, error) {
	var set LatticeSettings
	if settings != nil {
		set = *settings
	}
	if set.Regions > maxRegions || set.PayloadBytes < 0 || set.PayloadBytes > 255 {
		return nil, nil, fmt.Errorf("%w: lattice of %d regions, payloads of %d bytes, want at most %d and 255", ErrSpec, set.Regions, set.PayloadBytes, maxRegions)
	}
	f, err := newLatticeFit(windows, tolerances)
	if err != nil {
		return nil, nil, err
	}
	f.seed = set.Seed
	regions := max(0, set.Regions)
	var choices []LatticeChoice
	if set.Regions == 0 {
		if choices, err = f.validate(); err != nil {
			return nil, nil, err
		}
		regions = slices.MinFunc(choices, func(a, b LatticeChoice) int { return cmp.Compare(a.Score, b.Score) }).Regions
	}
	m, err := f.model(f.rows, regions)
	if err != nil {
		return nil, nil, err
	}
	c := &Lattice{m, set.PayloadBytes}
	if set.PayloadBytes == 0 {
		for _, r := range f.rows {
			n, err := c.CodeLen(r)
			if err != nil {
				return nil, nil, err
			}
			c.length = min(255, max(2, c.length, n))
		}
	}
	c, err = c.WithPayloadBytes(c.length)
	return c, choices, err
}

func newLatticeFit(windows iter.Seq2[[]float64, error], tolerances []float64) (*latticeFit, error) {
	f := &latticeFit{dims: make([]LatticeDim, len(tolerances))}
	every, i := 1, 0
	ranges, length, err := rangesOf(windows, tolerances, func(window []float64) {
		if i%every == 0 {
			f.rows = append(f.rows, slices.Clone(window))
			if len(f.rows) > 1 && len(f.rows)*len(window) > maxLatticeValues {
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
	f.w = length / len(tolerances)
	for i := range f.dims {
		d, r := &f.dims[i], &ranges[i]
		step := 2 * tolerances[i] * (1 - gridMargin)
		if r.angle {
			d.Cells = int64(min(math.Ceil(360/step), 1<<31))
			if r.negative || r.largest <= 180 {
				d.Low = -180
			}
		} else {
			d.Step = step
		}
		if r.largest > d.reach() || d.Cells > 1<<30 {
			return nil, fmt.Errorf("%w: tolerance %d is %g, too fine for values of up to %g", ErrSpec, i, tolerances[i], r.largest)
		}
	}
	return f, nil
}

// validate measures each number of regions. Where there are too few windows to
// leave some out, it measures none.
func (f *latticeFit) validate() ([]LatticeChoice, error) {
	choices := make([]LatticeChoice, 0, len(regionChoices))
	for _, regions := range regionChoices {
		c := LatticeChoice{Regions: regions}
		if regions > 0 && (len(f.rows) < 2*minRegionWindows*regions || f.fileSize(regions) > maxFile) {
			break
		}
		var err error
		if c.Mixed, err = f.without(regions, func(i int) bool { return i/16%5 == 4 }); err != nil {
			return nil, err
		}
		if c.Later, err = f.without(regions, func(i int) bool { return i >= len(f.rows)*6/10 }); err != nil {
			return nil, err
		}
		c.Score = math.Sqrt(c.Mixed * c.Later)
		choices = append(choices, c)
	}
	return choices, nil
}

// fileSize is about how long a file with so many regions is.
func (f *latticeFit) fileSize(regions int) int {
	const bytesOfFrequency = 4
	return (regions + 1) * len(f.dims) * min(f.w, 2) * latticeTokens * bytesOfFrequency
}

// without fits a model without some windows, and returns its mean bytes for
// them: 0 where either part is empty.
func (f *latticeFit) without(regions int, some func(int) bool) (float64, error) {
	var in, out [][]float64
	for i, r := range f.rows {
		if some(i) {
			out = append(out, r)
		} else {
			in = append(in, r)
		}
	}
	if len(in) == 0 || len(out) == 0 {
		return 0, nil
	}
	m, err := f.model(in, regions)
	if err != nil {
		return 0, err
	}
	s := m.pool.Get().(*latticeScratch)
	sum := 0.0
	for _, r := range out {
		_, cost, _ := m.cheapest(s, r)
		sum += max(2, float64(cost)/(8*costUnit)+0.5) // the end of a code is rounded up to a byte
	}
	return sum / float64(len(out)), nil
}

// model fits the modes to rows: regions that are fitted to the windows they
// make cheapest, in turns, and one mode of everything.
func (f *latticeFit) model(rows [][]float64, count int) (*latticeModel, error) {
	global := f.mode(rows)
	global.Frequency = 1 << frequencyBits
	if count < 1 {
		return f.build([]latticeFileMode{global})
	}
	of := f.cluster(rows, count)
	var regions []latticeFileMode
	for range regionRounds {
		members := make([][][]float64, count)
		for i, n := range of {
			members[n] = append(members[n], rows[i])
		}
		regions = regions[:0]
		for _, m := range members {
			if len(m) < minRegionWindows {
				continue
			}
			mode := f.mode(m)
			mode.Frequency = max(1, int((1-wholeShare)*float64(len(m))/float64(len(rows))*(1<<frequencyBits)))
			regions = append(regions, mode)
		}
		if len(regions) == 0 {
			return f.build([]latticeFileMode{global})
		}
		balanced := slices.Clone(regions)
		rest := 1 << frequencyBits
		for _, r := range regions {
			rest -= r.Frequency
		}
		balanced[0].Frequency += rest // a model of regions alone
		m, err := f.build(balanced)
		if err != nil {
			return nil, err
		}
		s := m.pool.Get().(*latticeScratch)
		for i, r := range rows {
			of[i], _, _ = m.cheapest(s, r)
		}
	}
	rest := 1 << frequencyBits
	for _, r := range regions {
		rest -= r.Frequency
	}
	global.Frequency = rest
	return f.build(append(regions, global))
}

func (f *latticeFit) build(modes []latticeFileMode) (*latticeModel, error) {
	file := &latticeFile{f.w, f.dims, modes}
	text, err := file.text()
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%w: lattice of %d dims and %d modes, want a file of at most %d bytes", ErrSpec, len(f.dims), len(modes), maxFile)
	}
	return newLattice(LatticeFile, text, file)
}

// Lengths chooses the payload lengths at which a ladder holds this lattice: at
// most count of them, each of 2 bytes or more and less than last, which is what
// any other window takes. They are those with the fewest bytes on average for
// windows like these, where lengths these do not need count a little too: a new
// recording will. Where all lengths may be held, all are.
func (c *Lattice) Lengths(windows iter.Seq2[[]float64, error], count, last int) ([]int, error) {
	if count < 1 || last < 3 || last > 255 {
		return nil, fmt.Errorf("%w: %d lengths below %d, want at least 1, and below 3..255", ErrSpec, count, last)
	}
	var all []int
	for n := 2; n < last; n++ {
		all = append(all, n)
	}
	if len(all) <= count {
		return all, nil
	}
	needs := make([]float64, last+1) // windows that need so many bytes, or last
	total := 0.0
	for w, err := range windows {
		if err != nil {
			return nil, err
		}
		n, err := c.CodeLen(w)
		if err != nil {
			n = last
		}
		needs[min(last, max(2, n))]++
		total++
	}
	for n := 2; n <= last; n++ {
		needs[n] += max(1, total/10) / float64(n)
	}
	// cost[k][n] is what windows that need at most n bytes take with k+1
	// lengths of which n is the longest; before[k][n] is the one below n.
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
				if v := below + between*float64(n); v < cost[k][n] {
					cost[k][n], before[k][n] = v, m
				}
			}
		}
	}
	best, above, least := 2, 0.0, math.Inf(1)
	for n := last - 1; n >= 2; n-- {
		above += needs[n+1]
		if v := cost[count-1][n] + above*float64(last); v < least {
			best, least = n, v
		}
	}
	var lengths []int
	for k, n := count-1, best; n > 1; k, n = k-1, before[k][n] {
		lengths = append(lengths, n)
	}
	slices.Reverse(lengths)
	return lengths, nil
}
