package bam

import (
	"fmt"
	"math"
	"slices"
)

// BitPack is the packing of contract v2: every latent has its own number of
// bits and its own levels, in one of several modes. See docs/contract-v2.md.
const BitPack Packing = "bitpack"

// Caps of the tables.
const (
	MaxModeBits   = 8  // of the mode's number in a payload
	MaxLatentBits = 16 // of one latent's code
	// MaxKnots is the most levels stored for a latent. Where it has more, they
	// lie evenly on the straight lines between the knots.
	MaxKnots = 16
	// MaxRotation is the most latents that a mode turns.
	MaxRotation = 64
)

// Tables are what a bitpack payload is read with. A payload is a stream of
// bits, least significant first: the number of the mode, then the code of every
// latent, then zeros up to whole bytes, and, with CheckByte, a byte over all that.
type Tables struct {
	PayloadBytes int // length of every payload, the check byte included
	ModeBits     int // bits of the mode's number
	CheckByte    bool
	Modes        []Mode
}

// Mode is one way to quantise a latent: turn it by Rotation about Center, and
// take the nearest level on each axis.
type Mode struct {
	Center []float32 // one a latent
	// Rotation's rows are the axes the first latents are turned to, r×r and
	// orthonormal; the other latents stay as they are. 0×0: none turns.
	Rotation Matrix
	Bits     []uint8     // of each axis' code
	Knots    [][]float32 // of each axis, rising: min(2^bits, MaxKnots) of them
}

// level is the value of code i of 2^bits on a ladder of knots.
func level(knots []float32, bits uint8, i int) float32 {
	last := 1<<bits - 1
	if last < len(knots) {
		return knots[i]
	}
	at := i * (len(knots) - 1)
	k, rest := at/last, at%last
	if rest == 0 {
		return knots[k]
	}
	return knots[k] + float32(float32(rest)/float32(last)*(knots[k+1]-knots[k]))
}

// nearest returns the code whose level is nearest to v, and that level.
func nearest(knots []float32, bits uint8, v float32) (int, float32) {
	lo, hi := 0, 1<<bits-1
	for lo < hi {
		mid := (lo + hi) / 2
		if v > (level(knots, bits, mid)+level(knots, bits, mid+1))/2 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, level(knots, bits, lo)
}

// axis is y's coordinate on the mode's axis j, with d the first latents less
// the centre.
func (m *Mode) axis(j int, y []float32, d *[MaxRotation]float32) float32 {
	if j >= m.Rotation.Rows {
		return y[j] - m.Center[j]
	}
	var sum float32
	for i, v := range m.Rotation.Row(j) {
		sum += float32(v * d[i])
	}
	return sum
}

func (m *Mode) centred(y []float32, d *[MaxRotation]float32) {
	for i := range m.Rotation.Rows {
		d[i] = y[i] - m.Center[i]
	}
}

// Distance is the squared error the mode makes of y, or any value of at least
// limit where it is no less.
func (m *Mode) Distance(y []float32, limit float32) float32 {
	var d [MaxRotation]float32
	m.centred(y, &d)
	var sum float32
	for j, bits := range m.Bits {
		v := m.axis(j, y, &d)
		_, q := nearest(m.Knots[j], bits, v)
		if sum += float32((v - q) * (v - q)); sum >= limit {
			return sum
		}
	}
	return sum
}

// Best returns the number of the mode with the least error, the first of
// equals, and that error.
func (t *Tables) Best(y []float32) (mode int, distance float32) {
	distance = float32(math.Inf(1))
	for i := range t.Modes {
		if d := t.Modes[i].Distance(y, distance); d < distance {
			mode, distance = i, d
		}
	}
	return mode, distance
}

// Check reports the first thing that keeps the tables from serving latents
// values.
func (t *Tables) Check(latents int) error {
	body := t.PayloadBytes
	if t.CheckByte {
		body--
	}
	switch {
	case t.ModeBits < 0 || t.ModeBits > MaxModeBits:
		return fmt.Errorf("%w: mode bits is %d, want 0..%d", ErrParam, t.ModeBits, MaxModeBits)
	case len(t.Modes) < 1 || len(t.Modes) > 1<<t.ModeBits:
		return fmt.Errorf("%w: %d modes, want 1..%d", ErrParam, len(t.Modes), 1<<t.ModeBits)
	case body < 1 || t.PayloadBytes > math.MaxUint8:
		return fmt.Errorf("%w: payload of %d bytes, want 1..255 besides the check", ErrParam, body)
	}
	for i, m := range t.Modes {
		r := m.Rotation.Rows
		if len(m.Center) != latents || len(m.Bits) != latents || len(m.Knots) != latents || r > latents || r > MaxRotation {
			return fmt.Errorf("%w: mode %d has %d centres, %d bits, %d ladders and turns %d, want %d latents", ErrShape, i, len(m.Center), len(m.Bits), len(m.Knots), r, latents)
		}
		if err := m.Rotation.check(fmt.Sprintf("mode %d rotation", i), r, r); err != nil {
			return err
		}
		sum := t.ModeBits
		for j := range latents {
			if !finite(float64(m.Center[j])) {
				return fmt.Errorf("%w: mode %d centre %d is %g", ErrNotFinite, i, j, m.Center[j])
			}
			if m.Bits[j] > MaxLatentBits {
				return fmt.Errorf("%w: mode %d latent %d has %d bits, want at most %d", ErrParam, i, j, m.Bits[j], MaxLatentBits)
			}
			sum += int(m.Bits[j])
			if want := min(1<<m.Bits[j], MaxKnots); len(m.Knots[j]) != want {
				return fmt.Errorf("%w: mode %d latent %d has %d knots, want %d", ErrShape, i, j, len(m.Knots[j]), want)
			}
			for k, v := range m.Knots[j] {
				if !finite(float64(v)) || k > 0 && v < m.Knots[j][k-1] {
					return fmt.Errorf("%w: mode %d latent %d: knot %d is %g, want finite and rising", ErrParam, i, j, k, v)
				}
			}
		}
		if sum > 8*body {
			return fmt.Errorf("%w: mode %d takes %d bits, want at most %d", ErrParam, i, sum, 8*body)
		}
	}
	return nil
}

// bitPacker packs by tables.
type bitPacker struct {
	tables  *Tables
	latents int
	seed    byte // of the check, from the key
}

// NewBitPacker returns the packer of these tables for latents values. Key, the
// bytes of the model's hash, goes into the check byte where there is one.
func NewBitPacker(t *Tables, latents int, key []byte) (Packer, error) {
	if err := t.Check(latents); err != nil {
		return nil, err
	}
	return &bitPacker{t, latents, crc8(0, key)}, nil
}

func (p *bitPacker) PayloadLen() int { return p.tables.PayloadBytes }

func (p *bitPacker) Saturated([]byte) (count, total int) { return 0, 0 }

func (p *bitPacker) AppendPack(dst []byte, y []float32) ([]byte, error) {
	if err := checkLatents(y, p.latents); err != nil {
		return dst, err
	}
	i, _ := p.tables.Best(y)
	m := &p.tables.Modes[i]
	start := len(dst)
	out := slices.Grow(dst, p.PayloadLen())[:start+p.PayloadLen()]
	clear(out[start:])
	at := putBits(out[start:], 0, p.tables.ModeBits, i)
	var d [MaxRotation]float32
	m.centred(y, &d)
	for j, bits := range m.Bits {
		code, _ := nearest(m.Knots[j], bits, m.axis(j, y, &d))
		at = putBits(out[start:], at, int(bits), code)
	}
	if p.tables.CheckByte {
		body := out[start : len(out)-1]
		out[len(out)-1] = crc8(p.seed, body)
	}
	return out, nil
}

func (p *bitPacker) Unpack(y []float32, payload []byte) error {
	if len(y) != p.latents {
		return fmt.Errorf("%w: room for %d latents, want %d", ErrShape, len(y), p.latents)
	}
	if len(payload) != p.PayloadLen() {
		return fmt.Errorf("%w: %d bytes, want %d", ErrCorrupt, len(payload), p.PayloadLen())
	}
	body := payload
	if p.tables.CheckByte {
		body = payload[:len(payload)-1]
		if want := crc8(p.seed, body); payload[len(payload)-1] != want {
			return fmt.Errorf("%w: check byte is %#02x, want %#02x: damaged, or sent with another model", ErrCorrupt, payload[len(payload)-1], want)
		}
	}
	i, at := getBits(body, 0, p.tables.ModeBits)
	if i >= len(p.tables.Modes) {
		return fmt.Errorf("%w: mode %d, want one of %d", ErrCorrupt, i, len(p.tables.Modes))
	}
	m := &p.tables.Modes[i]
	copy(y, m.Center)
	for j, bits := range m.Bits {
		var code int
		code, at = getBits(body, at, int(bits))
		q := level(m.Knots[j], bits, code)
		if j >= m.Rotation.Rows {
			y[j] += q
			continue
		}
		for k, v := range m.Rotation.Row(j) {
			y[k] += float32(q * v)
		}
	}
	for ; at < 8*len(body); at++ {
		if bit, _ := getBits(body, at, 1); bit != 0 {
			return fmt.Errorf("%w: bit %d is set behind the last code", ErrCorrupt, at)
		}
	}
	return nil
}

// putBits writes the n low bits of v at bit at, least significant first, and
// returns where they end.
func putBits(b []byte, at, n, v int) int {
	for i := range n {
		b[(at+i)/8] |= byte(v>>i&1) << ((at + i) % 8)
	}
	return at + n
}

func getBits(b []byte, at, n int) (v, end int) {
	for i := range n {
		v |= int(b[(at+i)/8]>>((at+i)%8)&1) << i
	}
	return v, at + n
}

// crc8 continues the CRC-8 of AUTOSAR (polynomial x^8+x^5+x^3+x^2+x+1) over b.
// It finds every error of one byte or less, and 255 in 256 of the others.
func crc8(crc byte, b []byte) byte {
	for _, v := range b {
		crc ^= v
		for range 8 {
			if crc&0x80 != 0 {
				crc = crc<<1 ^ 0x2f
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
