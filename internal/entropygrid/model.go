package entropygrid

import (
	"math"
	"slices"
	"sync"
)

// Model is a file, ready for use. It is immutable and safe for concurrent use.
type Model struct {
	Dims []Dim
	W    int    // steps of a window
	Text []byte // of the file
	Hash string // hex SHA-256 of Text

	components []component
	choice     frequencies // of the components
	pool       sync.Pool   // *Scratch
}

// component is a mixture component. Distances of a window's first step are from
// its centre, those of the others from the step before.
type component struct {
	origin      []float64 // of a line: the value at distance 0
	cell        []int64   // of an angle: the number of the step at distance 0
	first, next []frequencies
	low, high   []int64 // of a line: the smallest and largest distance that is encoded
}

// Scratch is what coding one window takes.
type Scratch struct {
	angles         []int64 // the window's angles, in steps
	distances, try []int64
	coder          rangeEncoder
}

// Components is the number of mixture components, the global fallback included.
func (m *Model) Components() int { return len(m.components) }

// WindowLen is the number of values a window has.
func (m *Model) WindowLen() int { return len(m.Dims) * m.W }

// NewScratch returns working memory, which Release gives back.
func (m *Model) NewScratch() *Scratch { return m.pool.Get().(*Scratch) }

// Release gives working memory back.
func (m *Model) Release(s *Scratch) { m.pool.Put(s) }

// Encode returns the window's code, without zeros at its end; it is valid until
// s is used again. Bad is the index of the first value that is too large for the
// quantiser, or -1.
func (m *Model) Encode(s *Scratch, window []float64) (code []byte, bad int) {
	n, _, bad := m.Cheapest(s, window)
	if bad >= 0 {
		return nil, bad
	}
	m.code(s, n)
	return s.coder.out, -1
}

// Cheapest returns the component that makes the window cheapest and what it
// costs, in parts of a bit (CostUnit). Bad is the index of the first value that is
// too large for the quantiser, or -1. The distances are left in s.
func (m *Model) Cheapest(s *Scratch, window []float64) (n int, cost int64, bad int) {
	dims := len(m.Dims)
	s.angles = s.angles[:len(window)]
	for i, x := range window {
		d := &m.Dims[i%dims]
		if !(math.Abs(x) <= d.Reach()) {
			return -1, 0, i
		}
		if d.Steps > 0 {
			s.angles[i] = d.StepAt(x)
		}
	}
	n, cost = -1, math.MaxInt64
	for i := range m.components {
		s.try = s.try[:len(window)]
		if total := m.distances(s, i, window, cost); total < cost {
			n, cost = i, total
			s.distances, s.try = s.try, s.distances
		}
	}
	return n, cost, -1
}

// distances leaves the window's distances in component n in s.try, and returns
// what they cost, or more than most as soon as they do.
func (m *Model) distances(s *Scratch, n int, window []float64, most int64) int64 {
	c := &m.components[n]
	dims := len(m.Dims)
	cost := int64(m.choice.cost[n])
	for j := range m.Dims {
		d := &m.Dims[j]
		f := c.first
		before := int64(0)
		for i := j; i < len(window); i += dims {
			var at int64 // steps from the component's centre
			if d.Steps > 0 {
				at = d.Around(s.angles[i] - c.cell[j])
				s.try[i] = d.Around(at - before)
			} else {
				at = d.distance(window[i], c.origin[j])
				s.try[i] = at - before
			}
			before = at
			symbol, _, bypass := SymbolOf(s.try[i])
			cost += int64(f[j].cost[symbol]) + int64(bypass)*CostUnit
			f = c.next
		}
		if cost >= most {
			break
		}
	}
	return cost
}

// code leaves the code of s.distances in component n in s.coder.out.
func (m *Model) code(s *Scratch, n int) {
	e := &s.coder
	e.reset()
	e.symbol(&m.choice, n)
	c := &m.components[n]
	for i, d := range s.distances {
		symbol, bypass, bits := SymbolOf(d)
		e.symbol(c.table(i, len(m.Dims)), symbol)
		if bits > 0 {
			e.put(bypass, 1, bits)
		}
	}
	e.finish()
}

// table is the frequencies of the window's value i.
func (c *component) table(i, dims int) *frequencies {
	if i < dims {
		return &c.first[i]
	}
	return &c.next[i%dims]
}

// Decode appends the window of a payload to dst. A payload that no encoder writes
// gives dst and what is wrong with it.
func (m *Model) Decode(dst []float64, s *Scratch, payload []byte) (_ []float64, fault string) {
	var d rangeDecoder
	d.reset(payload)
	n := d.symbol(&m.choice)
	if n < 0 {
		return dst, "no component"
	}
	c := &m.components[n]
	s.distances = s.distances[:m.WindowLen()]
	for i := range s.distances {
		symbol := d.symbol(c.table(i, len(m.Dims)))
		if symbol < 0 {
			return dst, "a value without a symbol"
		}
		var bypass uint64
		if bits := bypassBits(symbol); bits > 0 {
			var ok bool
			if bypass, ok = d.bypass(bits); !ok {
				return dst, "a value without a distance"
			}
		}
		s.distances[i] = distanceOf(symbol, bypass)
		if dim := &m.Dims[i%len(m.Dims)]; dim.Steps > 0 && dim.Around(s.distances[i]) != s.distances[i] {
			return dst, "an angle more than half a turn away"
		}
	}
	// What these distances are coded as must be the payload to its last bit.
	m.code(s, n)
	code := s.coder.out
	if len(code) > len(payload) || !slices.Equal(code, payload[:len(code)]) || slices.ContainsFunc(payload[len(code):], func(b byte) bool { return b != 0 }) {
		return dst, "another code of the same window, want the shortest"
	}
	if !m.positions(c, s.distances) {
		return dst, "a value out of range"
	}
	return m.appendValues(dst, c, s.distances), ""
}

// positions turns distances from the step before into distances from the centre of c.
// It reports whether the encoder can have made them.
func (m *Model) positions(c *component, distances []int64) bool {
	dims := len(m.Dims)
	for i := range distances {
		dim := i % dims
		if i >= dims {
			distances[i] += distances[i-dims]
		}
		if m.Dims[dim].Steps == 0 && (distances[i] < c.low[dim] || distances[i] > c.high[dim]) {
			return false
		}
	}
	return true
}

// appendValues appends the values at these distances from the centre of c.
func (m *Model) appendValues(dst []float64, c *component, distances []int64) []float64 {
	dst = slices.Grow(dst, len(distances))
	for i := range distances {
		dim := i % len(m.Dims)
		dst = append(dst, m.Dims[dim].value(c, dim, distances[i]))
	}
	return dst
}

// Reach is the largest absolute value that is quantised: distances from there to
// any centre and back have a symbol, and float64 tells the edges between two steps
// apart.
func (d *Dim) Reach() float64 {
	if d.Steps > 0 {
		return max(720, 1e9*180/float64(d.Steps))
	}
	return float64(1e9 / 2 * d.Step)
}

// distance is that of the quantisation step of x, on a line, from the one around
// origin.
func (d *Dim) distance(x, origin float64) int64 {
	return int64(math.RoundToEven((x - origin) / d.Step))
}

// StepAt is the number of the step that an angle is in.
func (d *Dim) StepAt(x float64) int64 {
	x -= d.Low
	if x < 0 || x > 360 {
		if x = math.Mod(x, 360); x < 0 {
			x += 360
		}
	}
	return min(d.Steps-1, int64(x/360*float64(d.Steps)))
}

// Around is a distance on a circle of steps, the short way round.
func (d *Dim) Around(n int64) int64 {
	if n %= d.Steps; n < 0 {
		n += d.Steps
	}
	if n > (d.Steps-1)/2 {
		n -= d.Steps
	}
	return n
}

// value is the middle of the step at a distance from the centre of c.
func (d *Dim) value(c *component, dim int, distance int64) float64 {
	if d.Steps == 0 {
		// The conversion keeps the product from being fused with the sum,
		// which would round differently on some processors.
		return c.origin[dim] + float64(float64(distance)*d.Step)
	}
	n := (c.cell[dim] + distance) % d.Steps
	if n < 0 {
		n += d.Steps
	}
	return d.Low + float64(360*(float64(n)+0.5)/float64(d.Steps))
}
