package codec

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/pytext"
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
// [Sensor12Scales] can change the units of the integers. Integers are rounded, halves to
// even, and clipped: an acceleration beyond ±32.767 m/s² is decoded as ±32.767 m/s².
type Sensor12 struct {
	w      int
	scales Sensor12Scales // none 0
}

// Sensor12Scales are the factors from the values of a sample to the integers of a
// payload. The zero value means the defaults.
type Sensor12Scales struct {
	Accel float64 // of ax ay az, in 1/(m/s²); 0 means 1000
	Gyro  float64 // of gx gy gz, in 1/(deg/s); 0 means 10
	RPY   float64 // of roll pitch yaw, in 1/deg; 0 means 10
}

// check sets defaults, and returns an error that wraps ErrSpec if a factor is none.
func (s *Sensor12Scales) check(id string) error {
	for _, x := range []struct {
		name  string
		value *float64
		usual float64
	}{{"accel_scale", &s.Accel, 1000}, {"gyro_scale", &s.Gyro, 10}, {"rpy_scale", &s.RPY, 10}} {
		if *x.value == 0 {
			*x.value = x.usual
		}
		if f := float32(*x.value); !(f > 0) || math.IsInf(float64(f), 0) {
			return fmt.Errorf("%w: codec %s with %s %g, want a number above 0 that float32 holds", ErrSpec, id, x.name, *x.value)
		}
	}
	return nil
}

// of returns the factor of value d of a sample, which is at least 3.
func (s *Sensor12Scales) of(d int) float64 {
	switch {
	case d < 6:
		return s.Accel
	case d < 9:
		return s.Gyro
	}
	return s.RPY
}

var _ interface {
	Codec
	FixedLength
	Windowed
	Described
} = Sensor12{}

// NewSensor12 returns the codec for windows of w samples. An error wraps ErrSpec.
func NewSensor12(w int, scales Sensor12Scales) (Sensor12, error) {
	return newSensor12(sensor12ID, w, scales)
}

func newSensor12(id string, w int, scales Sensor12Scales) (Sensor12, error) {
	if most := sensor.MaxWindowLen / sensor.MotionDims; w < 1 || w > most {
		return Sensor12{}, fmt.Errorf("%w: codec %s with W %d, want 1..%d", ErrSpec, id, w, most)
	}
	if err := scales.check(id); err != nil {
		return Sensor12{}, err
	}
	return Sensor12{w, scales}, nil
}

// ID returns "sensor12_packed".
func (c Sensor12) ID() string { return sensor12ID }

// Version returns "1".
func (c Sensor12) Version() string { return "1" }

// Schema returns a string with the layout of a sample and the scales.
func (c Sensor12) Schema() string {
	return "sensor12_packed_v1:le:gps=f32,f32,f32:accel=i16@" + pytext.Float(c.scales.Accel) +
		":gyro=i16@" + pytext.Float(c.scales.Gyro) + ":rpy=i16@" + pytext.Float(c.scales.RPY)
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
	return c.pack(dst, window, c.MaxPayloadLen())
}

// AppendDecode unpacks the window.
func (c Sensor12) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	if err := checkPayload(payload, c.MaxPayloadLen()); err != nil {
		return dst, err
	}
	return c.unpack(dst, payload)
}

// pack appends the first n bytes of the packed window.
func (c *Sensor12) pack(dst []byte, window []float64, n int) ([]byte, error) {
	if err := checkWindow(*c, window); err != nil {
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
				return dst, fmt.Errorf("%w: %s is %g, want one that float32 holds", ErrValue, valueName(*c, i), v)
			}
			binary.LittleEndian.PutUint32(value[:], math.Float32bits(f))
		} else {
			binary.LittleEndian.PutUint16(value[:], uint16(toInt16(v*c.scales.of(d))))
		}
		out = append(out, value[:min(width, end-len(out))]...)
	}
	return out, nil
}

// unpack appends the window in payload, whose missing bytes count as zero.
func (c *Sensor12) unpack(dst []float64, payload []byte) ([]float64, error) {
	out := slices.Grow(dst, c.WindowLen())
	for i := range c.WindowLen() {
		d, width := i%sensor.MotionDims, 2
		if d < 3 {
			width = 4
		}
		var value [4]byte
		payload = payload[copy(value[:width], payload):]
		if d >= 3 {
			out = append(out, float64(int16(binary.LittleEndian.Uint16(value[:])))/c.scales.of(d))
			continue
		}
		v := float64(math.Float32frombits(binary.LittleEndian.Uint32(value[:])))
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return dst, fmt.Errorf("%w: %s is %g", ErrCorrupt, valueName(*c, i), v)
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
func NewSensor12Truncate(w, n int, scales Sensor12Scales) (Sensor12Truncate, error) {
	inner, err := newSensor12(sensor12TruncateID, w, scales)
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
	out, err := c.inner.pack(dst, window, min(c.n, c.inner.MaxPayloadLen()))
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
	return c.inner.unpack(dst, payload)
}
