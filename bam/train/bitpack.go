package train

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/kmeans"
	"github.com/loralink/loralink-go/internal/linalg"
)

// The tables of a bitpack payload. Latents are not Gaussian, and not one
// cluster: a mode is a region of latent space with its own centre, its own
// principal axes and its own bits a level table. The last mode is the whole
// space, with levels that reach far, for what no region has seen. All levels
// are Lloyd-Max (Lloyd 1982, Max 1960) on the training latents mixed with a
// little of a heavy-tailed prior, so that a new recording finds levels beyond
// the old one's range.
const (
	minModeWindows = 8       // a region with fewer is given up
	refits         = 4       // rounds of fitting modes and choosing among them
	clusterRounds  = 15      // of the k-means that regions start from
	maxTurned      = 24      // latents a region turns to its own axes
	maxTableBytes  = 4 << 10 // of tables a latent
	maxFitWindows  = 1 << 15
	restarts       = 3 // sets of clusters tried for the tables that are kept
)

// latentCount is how many latents a bitpack payload of so many bits can use:
// those whose variance is above a tenth of the water level that reverse
// water-filling would stop at, and 12 at least.
func latentCount(variances []float64, bits int) int {
	total := 0.0
	for _, v := range variances {
		total += v
	}
	lo, hi := 0.0, total
	for range 100 {
		level, rate := (lo+hi)/2, 0.0
		for _, v := range variances {
			if v > level {
				rate += math.Log2(v/level) / 2
			}
		}
		if rate > float64(bits) {
			lo = level
		} else {
			hi = level
		}
	}
	n := 0
	for _, v := range variances {
		if v > hi/10 && v > 0 {
			n++
		}
	}
	return min(max(n, 12), len(variances))
}

// latents are the latents of windows, row-major, in file order.
type latents struct {
	k    int
	rows [][]float32
}

func encodeAll(ctx context.Context, d *data, net *bam.Model) (*latents, error) {
	scratch := net.NewScratch()
	out := &latents{k: net.LatentDim()}
	every := (d.n + maxFitWindows - 1) / maxFitWindows
	i := -1
	for z, err := range d.normalised(ctx) {
		if err != nil {
			return nil, err
		}
		if i++; i%every != 0 {
			continue
		}
		y := make([]float32, out.k)
		net.Encode(y, z, scratch)
		out.rows = append(out.rows, y)
	}
	return out, nil
}

// tableShape is what is given of the tables to be fitted.
type tableShape struct {
	payloadBytes int
	check        bool
	modeBits     int
	seed         int64
	dim          int // values of a window
}

// codeBits is what a payload has left for the latents' codes.
func (s tableShape) codeBits() int {
	n := 8*s.payloadBytes - s.modeBits
	if s.check {
		n -= 8
	}
	return n
}

// modeBitChoices lists the widths of the mode's number worth trying: as far
// as the tables stay small, windows suffice to fill the regions, and bits are
// left for the codes.
func modeBitChoices(k, windows int, s tableShape) []int {
	choices := []int{0}
	for b := 2; b <= 5; b++ {
		s.modeBits = b
		bytes := (1 << b) * (4*bam.MaxKnots + 4*min(k, maxTurned) + 4 + 4)
		if bytes <= maxTableBytes && windows>>b >= 2*minModeWindows && s.codeBits() >= b {
			choices = append(choices, b)
		}
	}
	return choices
}

// BitPackChoice is one width of the mode's number and what inner validation
// says of it: the squared error in latent space, each part fitted without the
// windows it is measured on.
type BitPackChoice struct {
	ModeBits int     `json:"mode_bits"`
	Mixed    float64 `json:"mse_mixed"` // every fifth block of windows left out
	Later    float64 `json:"mse_later"` // the last 40 % left out
	Score    float64 `json:"score"`     // geometric mean of the two
}

// fitTables fits the tables, with the width of the mode's number that inner
// validation inside these windows finds best.
func fitTables(ctx context.Context, y *latents, s tableShape) (*bam.Tables, []BitPackChoice, error) {
	if s.codeBits() < 1 {
		return nil, nil, fmt.Errorf("%w: payload of %d bytes, want at least 1 besides the check", ErrSettings, s.payloadBytes)
	}
	var choices []BitPackChoice
	best := 0
	for _, b := range modeBitChoices(y.k, len(y.rows), s) {
		s.modeBits = b
		c := BitPackChoice{ModeBits: b}
		mixed := func(i int) bool { return i/16%5 != 4 }
		later := func(i int) bool { return i < len(y.rows)*6/10 }
		for _, v := range []struct {
			mse   *float64
			train func(int) bool
		}{{&c.Mixed, mixed}, {&c.Later, later}} {
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
			in, out := y.part(v.train)
			if len(in.rows) == 0 || len(out.rows) == 0 {
				continue
			}
			*v.mse = meanDistance(fitModes(in, s), out)
		}
		c.Score = math.Sqrt(c.Mixed * c.Later)
		choices = append(choices, c)
		if c.Score < choices[best].Score {
			best = len(choices) - 1
		}
	}
	s.modeBits = choices[best].ModeBits
	kept := fitModes(y, s)
	if s.modeBits > 0 {
		least := meanDistance(kept, y)
		for range restarts - 1 {
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
			s.seed++
			t := fitModes(y, s)
			if e := meanDistance(t, y); e < least {
				kept, least = t, e
			}
		}
	}
	return kept, choices, nil
}

// part splits the windows by their place.
func (y *latents) part(first func(int) bool) (in, out *latents) {
	in, out = &latents{k: y.k}, &latents{k: y.k}
	for i, r := range y.rows {
		if first(i) {
			in.rows = append(in.rows, r)
		} else {
			out.rows = append(out.rows, r)
		}
	}
	return in, out
}

func meanDistance(t *bam.Tables, y *latents) float64 {
	d := make([]float64, len(y.rows))
	parallel(len(y.rows), func(i int) {
		_, e := t.Best(y.rows[i])
		d[i] = float64(e)
	})
	sum := 0.0
	for _, v := range d {
		sum += v
	}
	return sum / float64(len(d))
}

// parallel calls f(0) to f(n-1) on all processors, in chunks, and waits.
func parallel(n int, f func(int)) {
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
	for i := 0; i < n; i += chunk {
		next <- i
	}
	close(next)
	wg.Wait()
}

// fitModes fits tables of that shape to the latents.
func fitModes(y *latents, s tableShape) *bam.Tables {
	t := &bam.Tables{PayloadBytes: s.payloadBytes, ComponentBits: s.modeBits, CheckByte: s.check}
	bits := s.codeBits()
	turned := min(y.k, maxTurned)
	identity := bam.NewMatrix(turned, turned)
	for i := range turned {
		identity.Row(i)[i] = 1
	}
	if s.modeBits == 0 {
		t.Components = []bam.Component{fitMode(y.rows, make([]float32, y.k), bam.Matrix{}, bits, globalPrior.of(s.dim))}
		return t
	}
	global := fitMode(y.rows, make([]float32, y.k), identity, bits, globalPrior.of(s.dim))
	regions := 1<<s.modeBits - 1
	of := kmeans.Cluster(y.rows, regions, clusterRounds, s.seed)
	for range refits {
		members := make([][][]float32, regions+1)
		for i, r := range of {
			members[r] = append(members[r], y.rows[i])
		}
		modes := make([]*bam.Component, regions)
		var wg sync.WaitGroup
		limit := make(chan struct{}, runtime.GOMAXPROCS(0))
		for r, rows := range members[:regions] {
			if len(rows) < minModeWindows {
				continue
			}
			limit <- struct{}{}
			wg.Go(func() {
				center := mean(rows, y.k)
				m := fitMode(rows, center, localAxes(rows, center, turned), bits, localPrior.of(s.dim))
				modes[r] = &m
				<-limit
			})
		}
		wg.Wait()
		t.Components = t.Components[:0]
		for _, m := range modes {
			if m != nil {
				t.Components = append(t.Components, *m)
			}
		}
		t.Components = append(t.Components, global)
		last := len(t.Components) - 1
		parallel(len(y.rows), func(i int) {
			if of[i], _ = t.Best(y.rows[i]); of[i] == last {
				of[i] = regions // what the whole space takes best belongs to no region
			}
		})
	}
	return t
}

func mean(rows [][]float32, k int) []float32 {
	sum := make([]float64, k)
	for _, y := range rows {
		for j, v := range y {
			sum[j] += float64(v)
		}
	}
	out := make([]float32, k)
	for j, v := range sum {
		out[j] = float32(v / float64(len(rows)))
	}
	return out
}

// localAxes are the principal axes of the first n latents of rows about center.
func localAxes(rows [][]float32, center []float32, n int) bam.Matrix {
	cov := linalg.NewCovariance(n)
	d := make([]float32, n)
	for _, y := range rows {
		for j := range d {
			d[j] = y[j] - center[j]
		}
		cov.Add(d)
	}
	axes := bam.NewMatrix(n, n)
	pc, err := cov.PCA()
	if err != nil { // no axes: stay with the latents' own
		for i := range n {
			axes.Row(i)[i] = 1
		}
		return axes
	}
	for i, v := range pc.Vectors {
		axes.Data[i] = float32(v)
	}
	return axes
}

// fitMode fits the levels of one mode to the latents it serves, and shares the
// bits among them by what each buys.
func fitMode(rows [][]float32, center []float32, axes bam.Matrix, bits int, p prior) bam.Component {
	k := len(center)
	m := bam.Component{Center: center, Rotation: axes, Bits: make([]uint8, k), Knots: make([][]float32, k)}
	tables := make([]*levelTable, k)
	values := make([]float64, len(rows))
	for j := range k {
		for i, y := range rows {
			v := 0.0
			if j < axes.Rows {
				for c, a := range axes.Row(j) {
					v += float64(float64(a) * float64(y[c]-center[c]))
				}
			} else {
				v = float64(y[j] - center[j])
			}
			values[i] = v
		}
		tables[j] = newLevelTable(values, p)
	}
	for left := bits; left > 0; {
		best, of, n := 0.0, -1, 0
		for j, t := range tables {
			// A second bit may buy what the first alone does not.
			for q := 1; q <= min(3, left, maxTableBits-int(m.Bits[j])); q++ {
				gain := (t.distortion(int(m.Bits[j])) - t.distortion(int(m.Bits[j])+q)) / float64(q)
				if gain > best {
					best, of, n = gain, j, q
				}
			}
		}
		if of < 0 {
			break // nothing left to gain
		}
		m.Bits[of] += uint8(n)
		left -= n
	}
	for j, t := range tables {
		m.Knots[j] = knots(t.levels(int(m.Bits[j])))
	}
	return m
}
