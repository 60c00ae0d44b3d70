package codec

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/loralink/loralink-go/dataset/sensor"
)

const sensor12ID = "sensor12_packed"

// Sensor12StepBytes is the number of bytes of a sample in a Sensor12 payload.
const Sensor12StepBytes = 30

// Sensor12 sends motion samples as fixed-point and floating-point numbers,
// little-endian, 30 bytes per sample:
//
//	lat lon alt      float32
//	ax ay az         int16, 1/1000 m/s²
//	gx gy gz         int16, 1/10 deg/s
//	roll pitch yaw   int16, 1/10 deg
//
// Integers are rounded, halves to even, and clipped: an acceleration beyond
// ±32.767 m/s² is decoded as ±32.767 m/s².
type Sensor12 struct{ w int }

var _ interface {
	Codec
	FixedLength
	Windowed
	Described
} = Sensor12{}

// sensor12Scales are the factors of the nine integers.
var sensor12Scales = [9]float64{1000, 1000, 1000, 10, 10, 10, 10, 10, 10}

// NewSensor12 returns the codec for windows of w samples. An error wraps ErrSpec.
func NewSensor12(w int) (Sensor12, error) {
	if most := sensor.MaxWindowLen / sensor.MotionDims; w < 1 || w > most {
		return Sensor12{}, fmt.Errorf("%w: codec %s with W %d, want 1..%d", ErrSpec, sensor12ID, w, most)
	}
	return Sensor12{w}, nil
}

// ID returns "sensor12_packed".
func (c Sensor12) ID() string { return sensor12ID }

// Version returns "1".
func (c Sensor12) Version() string { return "1" }

// Schema returns a string with the layout of a sample.
func (c Sensor12) Schema() string {
	return "sensor12_packed_v1:le:gps=f32,f32,f32:accel=i16@1000.0:gyro=i16@10.0:rpy=i16@10.0"
}

// WindowLen returns 12·W.
func (c Sensor12) WindowLen() int { return sensor.MotionDims * c.w }

// MaxPayloadLen returns 30·W.
func (c Sensor12) MaxPayloadLen() int { return Sensor12StepBytes * c.w }

// PayloadLen returns the length of every payload.
func (c Sensor12) PayloadLen() int { return c.MaxPayloadLen() }

// Window returns 12 dims and W. Its Stride is 0: any.
func (c Sensor12) Window() sensor.Shape { return sensor.Shape{Dims: sensor.MotionDims, W: c.w} }

// SensorSchema returns sensor.Motion().
func (c Sensor12) SensorSchema() sensor.Schema { return sensor.Motion() }

// AppendEncode packs the window.
func (c Sensor12) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	return packSensor12(dst, window, c.w, c.MaxPayloadLen())
}

// AppendDecode unpacks the window.
func (c Sensor12) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	if err := checkPayload(payload, c.MaxPayloadLen()); err != nil {
		return dst, err
	}
	return unpackSensor12(dst, payload, c.w)
}

// packSensor12 appends the first n bytes of the window of w steps, packed.
func packSensor12(dst []byte, window []float64, w, n int) ([]byte, error) {
	if err := checkWindow(window, sensor.MotionDims*w); err != nil {
		return dst, err
	}
	out := slices.Grow(dst, n)
	end := len(dst) + n
	var value [4]byte
	for i, v := range window {
		width := 2
		if d := i % sensor.MotionDims; d < 3 {
			width = 4
			f := float32(v)
			if math.IsInf(float64(f), 0) {
				return dst, fmt.Errorf("%w: value %d is %g, want one that float32 holds", ErrValue, i, v)
			}
			binary.LittleEndian.PutUint32(value[:], math.Float32bits(f))
		} else {
			binary.LittleEndian.PutUint16(value[:], uint16(toInt16(v*sensor12Scales[d-3])))
		}
		out = append(out, value[:min(width, end-len(out))]...)
	}
	return out, nil
}

// unpackSensor12 appends the window of w steps that payload holds, whose
// missing bytes count as zero.
func unpackSensor12(dst []float64, payload []byte, w int) ([]float64, error) {
	out := slices.Grow(dst, sensor.MotionDims*w)
	for i := range sensor.MotionDims * w {
		d, width := i%sensor.MotionDims, 2
		if d < 3 {
			width = 4
		}
		var value [4]byte
		payload = payload[copy(value[:width], payload):]
		if d >= 3 {
			out = append(out, float64(int16(binary.LittleEndian.Uint16(value[:])))/sensor12Scales[d-3])
			continue
		}
		v := float64(math.Float32frombits(binary.LittleEndian.Uint32(value[:])))
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return dst, fmt.Errorf("%w: value %d is %g", ErrCorrupt, i, v)
		}
		out = append(out, v)
	}
	return out, nil
}

const sensor12TruncateID = "sensor12_packed_truncate"

// Sensor12Truncate is [Sensor12] brought to a payload of fixed length: what is
// longer is cut, also in the middle of a value, what is shorter is filled up
// with zeros. It is a baseline for comparisons, not for use: decoding takes the
// bytes that were cut as zero, so that a cut value arrives as another one.
type Sensor12Truncate struct {
	inner Sensor12
	n     int
}

var _ interface {
	Codec
	FixedLength
	Windowed
	Described
} = Sensor12Truncate{}

// NewSensor12Truncate returns the codec for windows of w samples and payloads of n
// bytes. An error wraps ErrSpec.
func NewSensor12Truncate(w, n int) (Sensor12Truncate, error) {
	inner, err := NewSensor12(w)
	if err != nil {
		return Sensor12Truncate{}, err
	}
	if n < 1 || n > maxTruncate {
		return Sensor12Truncate{}, fmt.Errorf("%w: codec %s with payload_bytes %d, want 1..%d", ErrSpec, sensor12TruncateID, n, maxTruncate)
	}
	return Sensor12Truncate{inner, n}, nil
}

// maxTruncate is more than any frame holds, and keeps a mistaken number from
// making huge payloads of zeros.
const maxTruncate = 1 << 16

// ID returns "sensor12_packed_truncate".
func (c Sensor12Truncate) ID() string { return sensor12TruncateID }

// Version returns "1".
func (c Sensor12Truncate) Version() string { return "1" }

// Schema returns a string with the payload's length, W and the layout of a sample.
func (c Sensor12Truncate) Schema() string {
	return fmt.Sprintf("sensor12_packed_truncate_v1:payload_bytes=%d:W=%d:inner=%s", c.n, c.inner.w, c.inner.Schema())
}

// WindowLen returns 12·W.
func (c Sensor12Truncate) WindowLen() int { return c.inner.WindowLen() }

// MaxPayloadLen returns the length of every payload.
func (c Sensor12Truncate) MaxPayloadLen() int { return c.n }

// PayloadLen returns the length of every payload.
func (c Sensor12Truncate) PayloadLen() int { return c.MaxPayloadLen() }

// Window returns 12 dims and W. Its Stride is 0: any.
func (c Sensor12Truncate) Window() sensor.Shape {
	return sensor.Shape{Dims: sensor.MotionDims, W: c.inner.w}
}

// SensorSchema returns sensor.Motion().
func (c Sensor12Truncate) SensorSchema() sensor.Schema { return sensor.Motion() }

// AppendEncode implements Codec.
func (c Sensor12Truncate) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	out, err := packSensor12(dst, window, c.inner.w, min(c.n, c.inner.MaxPayloadLen()))
	if err != nil {
		return dst, err
	}
	end := len(dst) + c.n
	out = slices.Grow(out, end-len(out))
	zeros := out[len(out):end]
	clear(zeros)
	return out[:end], nil
}

// AppendDecode implements Codec. Padding other than zero gives ErrCorrupt.
func (c Sensor12Truncate) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	if err := checkPayload(payload, c.n); err != nil {
		return dst, err
	}
	for i := c.inner.MaxPayloadLen(); i < len(payload); i++ {
		if payload[i] != 0 {
			return dst, fmt.Errorf("%w: byte %d after the window is %d, want 0", ErrCorrupt, i, payload[i])
		}
	}
	return unpackSensor12(dst, payload, c.inner.w)
}
