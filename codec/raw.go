package codec

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/pytext"
)

const rawID = "raw"

// DefaultRawScale is the default factor of Raw and Zlib.
const DefaultRawScale = math.MaxInt16

// Raw is for windows of normalised values: anything beyond ±1 is decoded as ±1. It
// sends each value as a little-endian int16: the value clipped to [-1, 1], times a
// scale, halves rounded to even, clipped to the range of int16.
type Raw struct {
	n     int
	scale float64
}

var _ interface {
	Codec
	FixedLength
} = Raw{}

// NewRaw returns the codec for windows of n values. A scale of 0 means
// DefaultRawScale. An error wraps ErrSpec.
func NewRaw(n int, scale float64) (Raw, error) {
	if scale == 0 {
		scale = DefaultRawScale
	}
	if n < 1 || n > sensor.MaxWindowLen {
		return Raw{}, fmt.Errorf("%w: codec %s with windows of %d values, want 1..%d", ErrSpec, rawID, n, sensor.MaxWindowLen)
	}
	if f := float32(scale); !(f > 0) || math.IsInf(float64(f), 0) {
		return Raw{}, fmt.Errorf("%w: codec %s with scale %g, want a number above 0 that float32 holds", ErrSpec, rawID, scale)
	}
	return Raw{n, scale}, nil
}

// ID returns "raw".
func (c Raw) ID() string { return rawID }

// Version returns "1".
func (c Raw) Version() string { return "1" }

// Schema returns a string with the integer type and the scale.
func (c Raw) Schema() string { return "raw:int16:le:scale=" + pytext.Float(c.scale) }

// WindowLen returns the number of values given to NewRaw.
func (c Raw) WindowLen() int { return c.n }

// MaxPayloadLen returns the length of every payload, two bytes per value.
func (c Raw) MaxPayloadLen() int { return 2 * c.n }

// PayloadLen returns the length of every payload.
func (c Raw) PayloadLen() int { return c.MaxPayloadLen() }

// AppendEncode implements Codec.
func (c Raw) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	if err := checkWindow(c, window); err != nil {
		return dst, err
	}
	out := slices.Grow(dst, c.MaxPayloadLen())
	for _, v := range window {
		out = binary.LittleEndian.AppendUint16(out, uint16(toInt16(min(1, max(-1, v))*c.scale)))
	}
	return out, nil
}

// AppendDecode implements Codec.
func (c Raw) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	if err := checkPayload(payload, c.MaxPayloadLen()); err != nil {
		return dst, err
	}
	out := slices.Grow(dst, c.n)
	for ; len(payload) > 0; payload = payload[2:] {
		out = append(out, float64(int16(binary.LittleEndian.Uint16(payload)))/c.scale)
	}
	return out, nil
}

// toInt16 rounds halves to even and clips.
func toInt16(v float64) int16 {
	return int16(min(math.MaxInt16, max(math.MinInt16, math.RoundToEven(v))))
}
