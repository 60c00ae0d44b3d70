// Package outside is what a module that uses loralink-go may hold: a codec, a
// training method and a radio of its own. A test of loralink-go copies it into an
// empty module and runs its tests there.
package outside

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// Compass is a codec of two values, a bearing in whole degrees of -180..180 and a
// battery voltage in 10 mV, in 4 bytes. It refuses voltages above MaxVolts.
type Compass struct{ MaxVolts float64 }

// The interfaces that package codec and its users look for.
var _ interface {
	codec.Codec
	codec.FixedLength
	codec.Windowed
	codec.Described
	codec.Angular
} = Compass{}

func (Compass) ID() string           { return "compass" }
func (Compass) Version() string      { return "1" }
func (Compass) Schema() string       { return "compass_v1" }
func (Compass) WindowLen() int       { return 2 }
func (Compass) MaxPayloadLen() int   { return 4 }
func (Compass) PayloadLen() int      { return 4 }
func (Compass) Window() sensor.Shape { return sensor.Shape{Dims: 2, W: 1} }
func (Compass) Angles() []bool       { return []bool{true, false} }
func (Compass) SensorSchema() sensor.Schema {
	return sensor.Schema{{Name: "bearing", Unit: "deg", Angle: true}, {Name: "battery", Unit: "V"}}
}

func (c Compass) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	switch {
	case len(window) != 2:
		return dst, fmt.Errorf("%w: %d values, want 2", codec.ErrShape, len(window))
	case !(math.Abs(window[0]) < 1e9):
		return dst, fmt.Errorf("%w: bearing %g", codec.ErrRange, window[0])
	case !(window[1] >= 0 && window[1] <= c.MaxVolts):
		return dst, fmt.Errorf("%w: %g V, want 0..%g", codec.ErrTooLong, window[1], c.MaxVolts)
	}
	bearing := math.Remainder(math.Round(window[0]), 360)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(int16(bearing)))
	return binary.LittleEndian.AppendUint16(dst, uint16(math.Round(100*window[1]))), nil
}

func (c Compass) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	if len(payload) != 4 {
		return dst, fmt.Errorf("%w: %d bytes, want 4", codec.ErrCorrupt, len(payload))
	}
	bearing := float64(int16(binary.LittleEndian.Uint16(payload)))
	return append(dst, bearing, float64(binary.LittleEndian.Uint16(payload[2:]))/100), nil
}
