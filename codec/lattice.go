package codec

import (
	"fmt"
	"io/fs"
	"math"
	"slices"
	"sync"

	"github.com/loralink/loralink-go/internal/atomicfile"
)

const (
	latticeID      = "lattice"
	latticeVersion = "1"
)

// LatticeFile is the usual name of a lattice's file.
const LatticeFile = "lattice.json"

// Lattice sends every value as the number of its cell on a uniform lattice, as
// Grid does, but in as few bits as the cell is likely: an arithmetic code over
// frequencies learned from a recording. A decoded value is within half a cell
// of the one sent, whatever the value; what the training never saw only takes
// more bytes.
//
// A model has several modes, regions with a centre and frequencies of their
// own. The encoder takes the one that makes the window cheapest.
//
// Payloads have a fixed length, filled up with zeros; a window that needs more
// is refused with ErrTooLong. A ladder holds one lattice at several lengths.
// [FitLattice] makes one.
type Lattice struct {
	*latticeModel
	length int // of the payload
}

var _ Codec = (*Lattice)(nil)

// ErrTooLong marks a window whose code is longer than a payload. It is an
// ErrValue.
var ErrTooLong = fmt.Errorf("%w: code longer than the payload", ErrValue)

// latticeModel is lattice.json, ready for use. It is immutable.
type latticeModel struct {
	dims   []LatticeDim
	w      int
	modes  []latticeMode
	choice frequencies // of the modes
	file   []byte      // lattice.json
	hash   string      // its SHA-256
	pool   sync.Pool   // *latticeScratch
}

// latticeMode is a region. Distances of a window's first step are from center,
// those of the others from the step before.
type latticeMode struct {
	origin      []float64 // of a line: the value of cell 0
	cell        []int64   // of an angle: the cell at distance 0
	first, next []frequencies
}

// latticeScratch is what coding one window takes.
type latticeScratch struct {
	ring           []int64 // cells of the window's angles
	distances, try []int64
	coder          rangeEncoder
}

// LoadLattice returns the codec of the lattice.json at path, with payloads of
// so many bytes.
func LoadLattice(path string, payloadBytes int) (*Lattice, error) {
	return place{}.lattice(path, payloadBytes)
}

// LoadLatticeFS is LoadLattice in a file system, as go:embed makes one.
func LoadLatticeFS(fsys fs.FS, name string, payloadBytes int) (*Lattice, error) {
	return place{fsys, "."}.lattice(name, payloadBytes)
}

// WithPayloadBytes returns the same lattice with payloads of another length,
// 2..255.
func (c *Lattice) WithPayloadBytes(n int) (*Lattice, error) {
	if n < 2 || n > 255 {
		return nil, fmt.Errorf("%w: codec %s with payload_bytes %d, want 2..255", ErrSpec, latticeID, n)
	}
	return &Lattice{c.latticeModel, n}, nil
}

// Save writes the lattice to path, a lattice.json. The file appears whole.
func (c *Lattice) Save(path string) error {
	if err := atomicfile.WriteBytes(path, c.file); err != nil {
		return &Error{path, "", err}
	}
	return nil
}

// ID is "lattice".
func (c *Lattice) ID() string { return latticeID }

// Version is "1".
func (c *Lattice) Version() string { return latticeVersion }

// Schema holds the SHA-256 of lattice.json and the payload's length.
func (c *Lattice) Schema() string {
	return fmt.Sprintf("lattice_v1:%s:bytes=%d", c.hash, c.length)
}

// WindowLen is dims·W.
func (c *Lattice) WindowLen() int { return len(c.dims) * c.w }

// MaxPayloadLen is the length of every payload.
func (c *Lattice) MaxPayloadLen() int { return c.length }

// Dims returns how each value of a step is cut.
func (c *Lattice) Dims() []LatticeDim { return slices.Clone(c.dims) }

// Modes is the number of regions, with the one of everything.
func (c *Lattice) Modes() int { return len(c.modes) }

// CodeLen is how many bytes the window needs: the length of the shortest
// payload that holds it, were it of no fixed length.
func (c *Lattice) CodeLen(window []float64) (int, error) {
	if err := checkWindow(window, c.WindowLen()); err != nil {
		return 0, err
	}
	s := c.pool.Get().(*latticeScratch)
	defer c.pool.Put(s)
	if bad := c.encode(s, window); bad >= 0 {
		return 0, c.rangeError(bad, window)
	}
	return len(s.coder.out), nil
}

// need is CodeLen for a checked window; more than any payload has where a value
// has no cell.
func (c *Lattice) need(window []float64) int {
	s := c.pool.Get().(*latticeScratch)
	defer c.pool.Put(s)
	if c.encode(s, window) >= 0 {
		return math.MaxInt
	}
	return len(s.coder.out)
}

// AppendEncode codes the window's cells. A value too far away to have a cell,
// some 10^9 tolerances, is ErrRange; a window that needs more bytes than a
// payload has is ErrTooLong.
func (c *Lattice) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	if err := checkWindow(window, c.WindowLen()); err != nil {
		return dst, err
	}
	s := c.pool.Get().(*latticeScratch)
	defer c.pool.Put(s)
	if bad := c.encode(s, window); bad >= 0 {
		return dst, c.rangeError(bad, window)
	}
	if n := len(s.coder.out); n > c.length {
		return dst, fmt.Errorf("%w: it needs %d bytes, want at most %d", ErrTooLong, n, c.length)
	}
	return appendPadded(dst, s.coder.out, c.length), nil
}

func (c *Lattice) rangeError(bad int, window []float64) error {
	return fmt.Errorf("%w: value %d is %g, want one within %g", ErrRange, bad, window[bad], c.dims[bad%len(c.dims)].reach())
}

func appendPadded(dst, code []byte, length int) []byte {
	dst = append(slices.Grow(dst, length), code...)
	for range length - len(code) {
		dst = append(dst, 0)
	}
	return dst
}

// AppendDecode decodes the cells' middles. Payloads that no encoder writes are
// ErrCorrupt.
func (c *Lattice) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	if err := checkPayload(payload, c.length); err != nil {
		return dst, err
	}
	s := c.pool.Get().(*latticeScratch)
	defer c.pool.Put(s)
	var d rangeDecoder
	d.reset(payload)
	n := d.token(&c.choice)
	if n < 0 {
		return dst, fmt.Errorf("%w: no mode", ErrCorrupt)
	}
	m := &c.modes[n]
	s.distances = s.distances[:c.WindowLen()]
	for i := range s.distances {
		f := m.table(i, len(c.dims))
		token := d.token(f)
		if token < 0 {
			return dst, fmt.Errorf("%w: no token for value %d", ErrCorrupt, i)
		}
		var plain uint64
		if bits := plainBits(token); bits > 0 {
			var ok bool
			if plain, ok = d.plain(bits); !ok {
				return dst, fmt.Errorf("%w: no distance for value %d", ErrCorrupt, i)
			}
		}
		dist := distanceOf(token, plain)
		if dim := &c.dims[i%len(c.dims)]; dim.Cells > 0 && dim.around(dist) != dist {
			return dst, fmt.Errorf("%w: value %d is %d cells away on a circle of %d", ErrCorrupt, i, dist, dim.Cells)
		}
		s.distances[i] = dist
	}
	// What these cells are coded as must be the payload to its last bit.
	c.code(s, n, s.distances)
	code := s.coder.out
	if len(code) > len(payload) || !slices.Equal(code, payload[:len(code)]) || slices.ContainsFunc(payload[len(code):], func(b byte) bool { return b != 0 }) {
		return dst, fmt.Errorf("%w: another code of these cells, want the shortest", ErrCorrupt)
	}
	return c.appendValues(dst, m, s.distances), nil
}

// table is the frequencies of the window's value i.
func (m *latticeMode) table(i, dims int) *frequencies {
	if i < dims {
		return &m.first[i]
	}
	return &m.next[i%dims]
}

// appendValues appends the middles of the cells that are so far apart.
func (c *latticeModel) appendValues(dst []float64, m *latticeMode, distances []int64) []float64 {
	dst = slices.Grow(dst, len(distances))
	for i := range distances {
		dim := i % len(c.dims)
		if i >= len(c.dims) {
			distances[i] += distances[i-len(c.dims)] // now from the centre
		}
		dst = append(dst, c.dims[dim].value(m, dim, distances[i]))
	}
	return dst
}

// encode leaves the window's code in s.coder.out. It returns the index of the
// first value that has no cell, or -1.
func (c *latticeModel) encode(s *latticeScratch, window []float64) (bad int) {
	mode, _, bad := c.cheapest(s, window)
	if bad < 0 {
		c.code(s, mode, s.distances)
	}
	return bad
}

// cheapest leaves in s.distances those of the mode that makes the window
// cheapest, and returns its bits, times costUnit. bad is the index of the first
// value that has no cell, or -1.
func (c *latticeModel) cheapest(s *latticeScratch, window []float64) (mode int, cost int64, bad int) {
	dims := len(c.dims)
	s.ring = s.ring[:len(window)]
	for i, x := range window {
		d := &c.dims[i%dims]
		if !(math.Abs(x) <= d.reach()) {
			return -1, 0, i
		}
		if d.Cells > 0 {
			s.ring[i] = d.ringCell(x)
		}
	}
	mode, cost = -1, math.MaxInt64
	for n := range c.modes {
		s.try = s.try[:len(window)]
		if total := c.distances(s, n, window, cost); total < cost {
			mode, cost = n, total
			s.distances, s.try = s.try, s.distances
		}
	}
	return mode, cost, -1
}

// distances leaves the window's distances in mode n in s.try, and returns what
// they cost, or more than most as soon as they do.
func (c *latticeModel) distances(s *latticeScratch, n int, window []float64, most int64) int64 {
	m := &c.modes[n]
	dims := len(c.dims)
	cost := int64(c.choice.cost[n])
	for j := range c.dims {
		d := &c.dims[j]
		f := m.first
		before := int64(0)
		for i := j; i < len(window); i += dims {
			var at int64 // cells from the mode's centre
			if d.Cells > 0 {
				at = d.around(s.ring[i] - m.cell[j])
				s.try[i] = d.around(at - before)
			} else {
				at = int64(math.RoundToEven((window[i] - m.origin[j]) / d.Step))
				s.try[i] = at - before
			}
			before = at
			token, _, plain := tokenOf(s.try[i])
			cost += int64(f[j].cost[token]) + int64(plain)*costUnit
			f = m.next
		}
		if cost >= most {
			break
		}
	}
	return cost
}

// code leaves the code of distances in mode n in s.coder.out.
func (c *latticeModel) code(s *latticeScratch, n int, distances []int64) {
	e := &s.coder
	e.reset()
	e.token(&c.choice, n)
	m := &c.modes[n]
	for i, d := range distances {
		token, plain, bits := tokenOf(d)
		e.token(m.table(i, len(c.dims)), token)
		if bits > 0 {
			e.put(plain, 1, bits)
		}
	}
	e.finish()
}

// reach is the largest absolute value that has a cell: the classes of distances
// hold cells from there to any mode's origin and back, and float64 tells the
// edges between them apart.
func (d *LatticeDim) reach() float64 {
	if d.Cells > 0 {
		return max(720, 1e9*180/float64(d.Cells))
	}
	return 1e9 / 2 * d.Step
}

// ringCell is the cell of an angle.
func (d *LatticeDim) ringCell(x float64) int64 {
	x -= d.Low
	if x < 0 || x > 360 {
		if x = math.Mod(x, 360); x < 0 {
			x += 360
		}
	}
	return min(d.Cells-1, int64(x/360*float64(d.Cells)))
}

// around is a distance between cells of a circle, the short way.
func (d *LatticeDim) around(n int64) int64 {
	if n %= d.Cells; n < 0 {
		n += d.Cells
	}
	if n > (d.Cells-1)/2 {
		n -= d.Cells
	}
	return n
}

// value is the middle of the cell so far from the centre of mode m.
func (d *LatticeDim) value(m *latticeMode, dim int, distance int64) float64 {
	if d.Cells == 0 {
		// The conversion keeps the product from being fused with the sum,
		// which would round differently on some processors.
		return m.origin[dim] + float64(float64(distance)*d.Step)
	}
	n := (m.cell[dim] + distance) % d.Cells
	if n < 0 {
		n += d.Cells
	}
	return d.Low + float64(360*(float64(n)+0.5)/float64(d.Cells))
}
