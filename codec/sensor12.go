package codec

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

const sensor12ID = "sensor12_packed"

// Sensor12StepBytes is what one sample takes, packed plainly.
const Sensor12StepBytes = 30

// Sensor12 packs samples plainly, little-endian, 30 bytes a step:
//
//	lat lon alt      float32
//	ax ay az         int16, 1/1000 m/s²
//	gx gy gz         int16, 1/10 deg/s
//	roll pitch yaw   int16, 1/10 deg
//
// The integers round halves to even and clip: an acceleration beyond
// ±32.767 m/s² arrives as that.
type Sensor12 struct{ w int }

var _ Codec = Sensor12{}

// sensor12Scales are the factors of the nine integers.
var sensor12Scales = [9]float64{1000, 1000, 1000, 10, 10, 10, 10, 10, 10}

// NewSensor12 returns the codec for windows of w steps.
func NewSensor12(w int) (Sensor12, error) {
	if w < 1 {
		return Sensor12{}, fmt.Errorf("%w: codec %s with W %d, want at least 1", ErrSpec, sensor12ID, w)
	}
	return Sensor12{w}, nil
}

// ID is "sensor12_packed".
func (c Sensor12) ID() string { return sensor12ID }

// Version is "1".
func (c Sensor12) Version() string { return "1" }

// Schema names the layout of a step.
func (c Sensor12) Schema() string {
	return "sensor12_packed_v1:le:gps=f32,f32,f32:accel=i16@1000.0:gyro=i16@10.0:rpy=i16@10.0"
}

// WindowLen is 12·W.
func (c Sensor12) WindowLen() int { return SensorDims * c.w }

// MaxPayloadLen is 30·W.
func (c Sensor12) MaxPayloadLen() int { return Sensor12StepBytes * c.w }

// AppendEncode packs the window.
func (c Sensor12) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	if err := checkWindow(window, c.WindowLen()); err != nil {
		return dst, err
	}
	out := slices.Grow(dst, c.MaxPayloadLen())
	for i, v := range window {
		if d := i % SensorDims; d < 3 {
			f := float32(v)
			if math.IsInf(float64(f), 0) {
				return dst, fmt.Errorf("%w: value %d is %g, want one that float32 holds", ErrValue, i, v)
			}
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(f))
		} else {
			r := math.RoundToEven(v * sensor12Scales[d-3])
			out = binary.LittleEndian.AppendUint16(out, uint16(int16(min(math.MaxInt16, max(math.MinInt16, r)))))
		}
	}
	return out, nil
}

// AppendDecode unpacks the window.
func (c Sensor12) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	if err := checkPayload(payload, c.MaxPayloadLen()); err != nil {
		return dst, err
	}
	out := slices.Grow(dst, c.WindowLen())
	for i := range c.WindowLen() {
		if d := i % SensorDims; d < 3 {
			v := float64(math.Float32frombits(binary.LittleEndian.Uint32(payload)))
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return dst, fmt.Errorf("%w: value %d is %g", ErrCorrupt, i, v)
			}
			out, payload = append(out, v), payload[4:]
		} else {
			v := float64(int16(binary.LittleEndian.Uint16(payload)))
			out, payload = append(out, v/sensor12Scales[d-3]), payload[2:]
		}
	}
	return out, nil
}
