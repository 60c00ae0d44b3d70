package bam

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/loralink/loralink-go/internal/float16"
)

// A Packing is the format of latents in a payload. Multi-byte values are
// little-endian.
type Packing string

// The packings of contract v1. The integers hold y·scale, rounded to the nearest
// integer (ties to even) and clipped to the range of the type. The floats hold y.
const (
	Int8    Packing = "int8"
	Int16   Packing = "int16"
	Float16 Packing = "float16"
	Float32 Packing = "float32"
)

// Packings returns all packings, those of contract v1 first.
func Packings() []Packing { return []Packing{Int8, Int16, Float16, Float32, BitPack} }

// BytesPerLatent returns the number of bytes per latent. It returns 0 for BitPack, whose
// latents have different numbers of bits, and for an unknown packing.
func (p Packing) BytesPerLatent() int {
	switch p {
	case Int8:
		return 1
	case Int16, Float16:
		return 2
	case Float32:
		return 4
	}
	return 0
}

// Integer reports whether the packing holds integers and so needs a scale.
func (p Packing) Integer() bool { return p == Int8 || p == Int16 }

// MaxInt returns the largest value of an integer packing, 127 or 32767. It is also the
// default scale, which maps latents of ±1, the range of the transmission function, to
// the range of the integers. MaxInt returns 0 for the other packings.
func (p Packing) MaxInt() int {
	switch p {
	case Int8:
		return math.MaxInt8
	case Int16:
		return math.MaxInt16
	}
	return 0
}

// A Packer converts the latents of one model to payloads and back. It is immutable and
// safe for concurrent use.
type Packer interface {
	// PayloadLen returns the length of every payload in bytes.
	PayloadLen() int
	// AppendPack appends the payload of the latents y to dst and returns the extended
	// slice. With an error it returns dst unchanged. The error wraps ErrShape if y has
	// the wrong length, ErrNotFinite if a latent is NaN or infinite.
	AppendPack(dst []byte, y []float32) ([]byte, error)
	// Unpack sets y to the latents of payload. With an error y is undefined. The error
	// wraps ErrShape if y has the wrong length, ErrCorrupt if AppendPack writes no such
	// payload.
	Unpack(y []float32, payload []byte) error
	// Saturated returns the number of integers in payload that are the smallest or the
	// largest of their type, and the number of all integers in payload. Both are 0 for
	// packings without integers, and for a payload of the wrong length.
	Saturated(payload []byte) (count, total int)
}

// scalarPacker implements Packer for the packings of contract v1.
type scalarPacker struct {
	packing Packing
	scale   float32
	latents int
}

// NewPacker returns a Packer of contract v1 for that many latents, at least 1. Scale
// must be a float32 above 0 for the integer packings; the float packings ignore it. For
// BitPack use NewBitPacker.
func NewPacker(p Packing, latents int, scale float64) (Packer, error) {
	if p.BytesPerLatent() == 0 {
		return nil, fmt.Errorf("%w: packing is %q, want int8, int16, float16 or float32; NewBitPacker is for bitpack", ErrParam, p)
	}
	if latents < 1 {
		return nil, fmt.Errorf("%w: found %d latents, want at least 1", ErrParam, latents)
	}
	s := float32(scale)
	if p.Integer() && !(s > 0 && finite(float64(s))) {
		return nil, fmt.Errorf("%w: scale is %g, want a number above 0", ErrParam, scale)
	}
	return &scalarPacker{packing: p, scale: s, latents: latents}, nil
}

func (p *scalarPacker) PayloadLen() int { return p.latents * p.packing.BytesPerLatent() }

// checkLatents returns an error unless y holds want finite values.
func checkLatents(y []float32, want int) error {
	if len(y) != want {
		return fmt.Errorf("%w: found %d latents, want %d", ErrShape, len(y), want)
	}
	for i, v := range y {
		if !finite(float64(v)) {
			return fmt.Errorf("%w: latent %d is %g", ErrNotFinite, i, v)
		}
	}
	return nil
}

func (p *scalarPacker) AppendPack(dst []byte, y []float32) ([]byte, error) {
	if err := checkLatents(y, p.latents); err != nil {
		return dst, err
	}
	dst = slices.Grow(dst, p.PayloadLen())
	for _, v := range y {
		switch p.packing {
		case Int8:
			dst = append(dst, byte(int8(p.round(v, math.MinInt8, math.MaxInt8))))
		case Int16:
			dst = binary.LittleEndian.AppendUint16(dst, uint16(int16(p.round(v, math.MinInt16, math.MaxInt16))))
		case Float16:
			v = min(float16.Max, max(-float16.Max, v))
			dst = binary.LittleEndian.AppendUint16(dst, float16.ToBits(v))
		case Float32:
			dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
		}
	}
	return dst, nil
}

func (p *scalarPacker) round(v float32, lo, hi float64) float64 {
	return min(hi, max(lo, math.RoundToEven(float64(v*p.scale))))
}

func (p *scalarPacker) Unpack(y []float32, payload []byte) error {
	if len(y) != p.latents {
		return fmt.Errorf("%w: y has %d elements, want %d", ErrShape, len(y), p.latents)
	}
	if len(payload) != p.PayloadLen() {
		return fmt.Errorf("%w: found %d bytes, want %d", ErrCorrupt, len(payload), p.PayloadLen())
	}
	for i := range y {
		switch p.packing {
		case Int8, Int16:
			y[i] = float32(p.integer(payload, i)) / p.scale
		case Float16:
			y[i] = float16.FromBits(binary.LittleEndian.Uint16(payload[2*i:]))
		case Float32:
			y[i] = math.Float32frombits(binary.LittleEndian.Uint32(payload[4*i:]))
		}
		if !finite(float64(y[i])) {
			return fmt.Errorf("%w: latent %d is %g", ErrCorrupt, i, y[i])
		}
	}
	return nil
}

func (p *scalarPacker) integer(payload []byte, i int) int {
	if p.packing == Int8 {
		return int(int8(payload[i]))
	}
	return int(int16(binary.LittleEndian.Uint16(payload[2*i:])))
}

func (p *scalarPacker) Saturated(payload []byte) (count, total int) {
	if !p.packing.Integer() || len(payload) != p.PayloadLen() {
		return 0, 0
	}
	for i := range p.latents {
		if v := p.integer(payload, i); v >= p.packing.MaxInt() || v <= -p.packing.MaxInt()-1 {
			count++
		}
	}
	return count, p.latents
}
