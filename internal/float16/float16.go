// Package float16 converts between float32 and IEEE 754 binary16, rounding to
// nearest even and keeping subnormals, infinities and NaN.
package float16

import "math"

// Max is the largest finite binary16 value.
const Max = 65504

// FromBits returns the exact value of the binary16 number with the bits h. A NaN keeps
// its sign and payload.
func FromBits(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp := uint32(h>>10) & 0x1f
	frac := uint32(h) & 0x3ff
	switch {
	case exp == 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	case exp != 0:
		return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
	}
	// A subnormal is frac·2^-24, which float32 represents exactly.
	v := float32(frac) * (1.0 / (1 << 24))
	return math.Float32frombits(sign | math.Float32bits(v))
}

// ToBits returns the bits of the binary16 number nearest to f, ties to even. A number
// that exceeds Max by half a unit in the last place or more becomes an infinity; NaN
// stays NaN.
func ToBits(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b>>16) & 0x8000
	exp := int(b>>23)&0xff - 127
	frac := b & 0x7fffff
	switch {
	case exp == 128 && frac != 0:
		return sign | 0x7c00 | uint16(frac>>13) | quietBit(frac)
	case exp > 15:
		return sign | 0x7c00
	case exp >= -14:
		// The carry of a rounding that overflows the fraction moves into the
		// exponent, and from the largest exponent into infinity.
		return sign | uint16(roundShift(uint32(exp+15)<<23|frac, 13))
	case exp >= -25:
		return sign | uint16(roundShift(frac|0x800000, uint(-exp-1)))
	}
	return sign
}

// quietBit keeps a NaN whose upper payload bits are all zero from becoming an
// infinity.
func quietBit(frac uint32) uint16 {
	if frac>>13 == 0 {
		return 0x200
	}
	return 0
}

// roundShift returns v / 2^n rounded to nearest, ties to even.
func roundShift(v uint32, n uint) uint32 {
	half := uint32(1) << (n - 1)
	rest := v & (half<<1 - 1)
	v >>= n
	if rest > half || rest == half && v&1 == 1 {
		v++
	}
	return v
}
