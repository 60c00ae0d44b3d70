package bam

import (
	"fmt"
	"math"
	"slices"
)

// BitPack is the packing of contract v2: a mixture of quantisers, each with its own
// number of bits and its own levels for every latent. See docs/contract-v2.md.
const BitPack Packing = "bitpack"

// Limits on the tables of a bitpack payload.
const (
	// MaxComponentBits is the largest number of bits for a component's index.
	MaxComponentBits = 8
	// MaxLatentBits is the largest number of bits for one latent.
	MaxLatentBits = 16
	// MaxKnots is the largest number of levels stored for one latent. If a latent
	// has more levels, they are interpolated linearly between MaxKnots knots.
	MaxKnots = 16
	// MaxRotation is the largest number of latents that a component rotates.
	MaxRotation = 64
)

// maxRotationError is the largest difference of the products of a rotation's rows from
// those of orthonormal ones. Rounding to float32 makes less than 2e-7 of it, computing in
// float32 some 1e-6.
const maxRotationError = 1e-5

// Tables describe a bitpack payload. A payload is a stream of bits, least
// significant bit first: the index of a mixture component, the code of each
// latent, zeros up to the next whole byte and, if CheckByte is set, a check byte
// over the bytes before it.
//
// The manifest of contract v2 has ComponentBits under the key mode_bits, and the number
// of Components under the key modes.
type Tables struct {
	// PayloadBytes is the length of every payload with its check byte, 1 to 255, as
	// the contract allows. A frame of package radio holds 2 to 238 bytes.
	PayloadBytes  int
	ComponentBits int // bits of the component's index, 0 to MaxComponentBits
	CheckByte     bool
	Components    []Component // 1 to 2^ComponentBits
}

// A Component quantises the latents of a window: it subtracts Center, applies Rotation,
// and takes the nearest level on each axis. The encoder chooses the component with the
// smallest error.
type Component struct {
	// Center has one value for each latent.
	Center []float32
	// Rotation is square and orthonormal. Its rows are the axes of the first
	// Rotation.Rows latents. The other latents are not rotated; with a 0×0 matrix,
	// none is.
	Rotation Matrix
	// Bits has the number of bits of the code on each axis.
	Bits []uint8
	// Knots has the levels on each axis in ascending order, or MaxKnots of them if
	// there are more: min(2^bits, MaxKnots) numbers.
	Knots [][]float32
}

// level returns the value of code i of 2^bits on an axis with these knots.
func level(knots []float32, bits uint8, i int) float32 {
	last := 1<<bits - 1
	if last < len(knots) {
		return knots[i]
	}
	scaled := i * (len(knots) - 1)
	k, rest := scaled/last, scaled%last
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

// axis returns y's coordinate on axis j. The array d holds the first latents
// minus the centre.
func (c *Component) axis(j int, y []float32, d *[MaxRotation]float32) float32 {
	if j >= c.Rotation.Rows {
		return y[j] - c.Center[j]
	}
	var sum float32
	for i, v := range c.Rotation.Row(j) {
		sum += float32(v * d[i])
	}
	return sum
}

// subtractCenter sets the first elements of d to the rotated latents minus the
// centre.
func (c *Component) subtractCenter(y []float32, d *[MaxRotation]float32) {
	for i := range c.Rotation.Rows {
		d[i] = y[i] - c.Center[i]
	}
}

// distance returns the squared error of quantising y with this component. If the error
// is at least limit, distance may return any value of at least limit.
func (c *Component) distance(y []float32, limit float32) float32 {
	var d [MaxRotation]float32
	c.subtractCenter(y, &d)
	var sum float32
	for j, bits := range c.Bits {
		v := c.axis(j, y, &d)
		_, q := nearest(c.Knots[j], bits, v)
		if sum += float32((v - q) * (v - q)); sum >= limit {
			return sum
		}
	}
	return sum
}

// Best returns the index of the component with the smallest squared error for the
// latents y, the first if there are several, and that error. It is for the fit of
// tables; AppendPack includes it. The tables must be valid for len(y) latents.
func (t *Tables) Best(y []float32) (component int, distance float32) {
	distance = float32(math.Inf(1))
	for i := range t.Components {
		if d := t.Components[i].distance(y, distance); d < distance {
			component, distance = i, d
		}
	}
	return component, distance
}

// Check returns an error unless the tables are valid for that many latents.
func (t *Tables) Check(latents int) error {
	body := t.PayloadBytes
	if t.CheckByte {
		body--
	}
	switch {
	case t.ComponentBits < 0 || t.ComponentBits > MaxComponentBits:
		return fmt.Errorf("%w: found %d component bits, want 0..%d", ErrParam, t.ComponentBits, MaxComponentBits)
	case len(t.Components) < 1 || len(t.Components) > 1<<t.ComponentBits:
		return fmt.Errorf("%w: found %d components, want 1..%d", ErrParam, len(t.Components), 1<<t.ComponentBits)
	case body < 1 || t.PayloadBytes > math.MaxUint8:
		return fmt.Errorf("%w: found payloads of %d bytes, want %d..255", ErrParam, t.PayloadBytes, 1+t.PayloadBytes-body)
	}
	for i, c := range t.Components {
		r := c.Rotation.Rows
		if len(c.Center) != latents || len(c.Bits) != latents || len(c.Knots) != latents || r > latents || r > MaxRotation {
			return fmt.Errorf("%w: component %d has %d centre values, %d bit counts, %d lists of knots and rotates %d latents, want %d latents", ErrShape, i, len(c.Center), len(c.Bits), len(c.Knots), r, latents)
		}
		if err := c.Rotation.check(fmt.Sprintf("component %d rotation", i), r, r); err != nil {
			return err
		}
		if a, b, product := skewed(c.Rotation); a >= 0 {
			return fmt.Errorf("%w: component %d rotation: the product of rows %d and %d is %.7g, want orthonormal rows: 1 of a row with itself and 0 of two, within %g", ErrParam, i, a, b, product, maxRotationError)
		}
		sum := t.ComponentBits
		for j := range latents {
			if !finite(float64(c.Center[j])) {
				return fmt.Errorf("%w: component %d: centre %d is %g", ErrNotFinite, i, j, c.Center[j])
			}
			if c.Bits[j] > MaxLatentBits {
				return fmt.Errorf("%w: component %d: latent %d has %d bits, want at most %d", ErrParam, i, j, c.Bits[j], MaxLatentBits)
			}
			sum += int(c.Bits[j])
			if want := min(1<<c.Bits[j], MaxKnots); len(c.Knots[j]) != want {
				return fmt.Errorf("%w: component %d: latent %d has %d knots, want %d", ErrShape, i, j, len(c.Knots[j]), want)
			}
			for k, v := range c.Knots[j] {
				if !finite(float64(v)) || k > 0 && v < c.Knots[j][k-1] {
					return fmt.Errorf("%w: component %d: knot %d of latent %d is %g, want finite values in ascending order", ErrParam, i, k, j, v)
				}
			}
		}
		if sum > 8*body {
			return fmt.Errorf("%w: component %d takes %d bits, want at most %d", ErrParam, i, sum, 8*body)
		}
	}
	return nil
}

// skewed returns the first two rows whose product is not that of orthonormal rows, and
// that product; a is -1 if there are none.
func skewed(rotation Matrix) (a, b int, product float64) {
	for a := range rotation.Rows {
		for b := range a + 1 {
			var sum, want float64
			for i, v := range rotation.Row(a) {
				sum += float64(float64(v) * float64(rotation.Row(b)[i]))
			}
			if a == b {
				want = 1
			}
			if !(math.Abs(sum-want) <= maxRotationError) {
				return a, b, sum
			}
		}
	}
	return -1, -1, 0
}

// bitPacker implements Packer for BitPack.
type bitPacker struct {
	tables  *Tables
	latents int
	seed    byte // initial value of the check byte's CRC: the CRC of the model's hash
}

// NewBitPacker returns a Packer that uses the tables for that many latents. The tables
// must not change afterwards. If they have a check byte, it covers the 32 bytes of the
// model's hash as well as the payload. The hash of a model that was not saved is empty.
func NewBitPacker(t *Tables, latents int, modelHash []byte) (Packer, error) {
	if err := t.Check(latents); err != nil {
		return nil, err
	}
	return &bitPacker{t, latents, crc8(0, modelHash)}, nil
}

func (p *bitPacker) PayloadLen() int { return p.tables.PayloadBytes }

func (p *bitPacker) Saturated([]byte) (count, total int) { return 0, 0 }

func (p *bitPacker) AppendPack(dst []byte, y []float32) ([]byte, error) {
	if err := checkLatents(y, p.latents); err != nil {
		return dst, err
	}
	i, _ := p.tables.Best(y)
	c := &p.tables.Components[i]
	start := len(dst)
	out := slices.Grow(dst, p.PayloadLen())[:start+p.PayloadLen()]
	clear(out[start:])
	pos := putBits(out[start:], 0, p.tables.ComponentBits, i)
	var d [MaxRotation]float32
	c.subtractCenter(y, &d)
	for j, bits := range c.Bits {
		code, _ := nearest(c.Knots[j], bits, c.axis(j, y, &d))
		pos = putBits(out[start:], pos, int(bits), code)
	}
	if p.tables.CheckByte {
		body := out[start : len(out)-1]
		out[len(out)-1] = crc8(p.seed, body)
	}
	return out, nil
}

func (p *bitPacker) Unpack(y []float32, payload []byte) error {
	if len(y) != p.latents {
		return fmt.Errorf("%w: y has %d elements, want %d", ErrShape, len(y), p.latents)
	}
	if len(payload) != p.PayloadLen() {
		return fmt.Errorf("%w: found %d bytes, want %d", ErrCorrupt, len(payload), p.PayloadLen())
	}
	body := payload
	if p.tables.CheckByte {
		body = payload[:len(payload)-1]
		if want := crc8(p.seed, body); payload[len(payload)-1] != want {
			return fmt.Errorf("%w: check byte is %#02x, want %#02x: the payload is damaged or was sent with another model", ErrCorrupt, payload[len(payload)-1], want)
		}
	}
	i, pos := getBits(body, 0, p.tables.ComponentBits)
	if i >= len(p.tables.Components) {
		return fmt.Errorf("%w: found component %d, want less than %d", ErrCorrupt, i, len(p.tables.Components))
	}
	c := &p.tables.Components[i]
	copy(y, c.Center)
	for j, bits := range c.Bits {
		var code int
		code, pos = getBits(body, pos, int(bits))
		q := level(c.Knots[j], bits, code)
		if j >= c.Rotation.Rows {
			y[j] += q
			continue
		}
		for k, v := range c.Rotation.Row(j) {
			y[k] += float32(q * v)
		}
	}
	for ; pos < 8*len(body); pos++ {
		if bit, _ := getBits(body, pos, 1); bit != 0 {
			return fmt.Errorf("%w: bit %d, after the last code, is 1, want 0", ErrCorrupt, pos)
		}
	}
	return nil
}

// putBits writes the n low bits of v to b from bit pos on, least significant
// first. It returns the position after them.
func putBits(b []byte, pos, n, v int) int {
	for i := range n {
		b[(pos+i)/8] |= byte(v>>i&1) << ((pos + i) % 8)
	}
	return pos + n
}

// getBits reads n bits of b from bit pos on, least significant first. It returns
// their value and the position after them.
func getBits(b []byte, pos, n int) (v, end int) {
	for i := range n {
		v |= int(b[(pos+i)/8]>>((pos+i)%8)&1) << i
	}
	return v, pos + n
}

// crc8 continues a CRC-8 with the polynomial of AUTOSAR, x^8+x^5+x^3+x^2+x+1,
// over b. It detects every error within 8 adjacent bits, and 255 of 256 others.
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
