package quality_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// compass is a codec as one outside the module may be: a bearing in whole degrees
// of -180..180 and a battery voltage in 10 mV, with all that a codec can tell.
type compass struct{ most float64 } // largest voltage

func (compass) ID() string           { return "compass" }
func (compass) Version() string      { return "1" }
func (compass) Schema() string       { return "compass_v1" }
func (compass) WindowLen() int       { return 2 }
func (compass) MaxPayloadLen() int   { return 4 }
func (compass) PayloadLen() int      { return 4 }
func (compass) Window() sensor.Shape { return sensor.Shape{Dims: 2, W: 1} }
func (compass) Angles() []bool       { return []bool{true, false} }
func (compass) SensorSchema() sensor.Schema {
	return sensor.Schema{{Name: "bearing", Unit: "deg", Angle: true}, {Name: "battery", Unit: "V"}}
}

func (c compass) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	if len(window) != 2 {
		return dst, codec.ErrShape
	}
	if window[1] > c.most {
		return dst, fmt.Errorf("%w: %g V", codec.ErrTooLong, window[1])
	}
	bearing := math.Remainder(math.Round(window[0]), 360)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(int16(bearing)))
	return binary.LittleEndian.AppendUint16(dst, uint16(math.Round(100*window[1]))), nil
}

func (c compass) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	if len(payload) != 4 {
		return dst, codec.ErrCorrupt
	}
	bearing := float64(int16(binary.LittleEndian.Uint16(payload)))
	return append(dst, bearing, float64(binary.LittleEndian.Uint16(payload[2:]))/100), nil
}

// bearings are windows once around, in steps of 10.3 deg, at 3.3 V; every fifth at
// 9 V.
func bearings() iter.Seq2[dataset.Window, error] {
	return func(yield func(dataset.Window, error) bool) {
		for i := range 35 {
			v := []float64{10.3 * float64(i), 3.3}
			if i%5 == 4 {
				v[1] = 9
			}
			if !yield(dataset.Window{ID: int64(i), Values: v}, nil) {
				return
			}
		}
	}
}

// A codec written elsewhere is measured as ours are: by names, with angles
// wrapped, and its refusals counted; and it stands in a ladder.
func TestForeignCodec(t *testing.T) {
	low := compass{most: 5}
	e, err := quality.Evaluate(t.Context(), low, bearings(), quality.Settings{Std: []float64{1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	if e.Samples != 28 || e.Refused != 7 || e.BySensor[0].Max > 0.5+1e-9 || e.BySensor[1].Max > 0.005+1e-9 {
		t.Errorf("%d samples, %d refused, errors %+v", e.Samples, e.Refused, e.BySensor)
	}
	if e.BySensor[0].Sensor != "bearing" || e.BySensor[1].Unit != "V" || e.ByGroup != nil {
		t.Errorf("sensors %+v, groups %v", e.BySensor, e.ByGroup)
	}

	wide, err := codec.NewRaw(2, 80)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := codec.NewLadder(low.Window(), low.SensorSchema(), []float64{0.6, 0.01}, low, wide); !errors.Is(err, codec.ErrSpec) || !strings.Contains(err.Error(), "rising lengths") {
		t.Errorf("two rungs of 4 bytes: %v", err)
	}
	ladder, err := codec.NewLadder(low.Window(), low.SensorSchema(), []float64{0.6, 0.01}, low)
	if err != nil {
		t.Fatal(err)
	}
	e, err = quality.Evaluate(t.Context(), ladder, bearings(), quality.Settings{Std: []float64{1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	if e.Samples != 28 || e.Refused != 7 || e.OverTolerance.Within != 1 || len(e.Rungs) != 1 || e.Rungs[0].ID != "compass" || e.BySensor[0].Sensor != "bearing" {
		t.Errorf("%+v", e)
	}
	window := []float64{359.8, 3.3}
	payload, err := ladder.AppendEncode(nil, window)
	if err != nil || len(payload) != 4 {
		t.Errorf("%v through north: %d bytes, %v", window, len(payload), err)
	}
	if _, err := ladder.AppendEncode(nil, []float64{10, 9}); !errors.Is(err, codec.ErrBound) || !errors.Is(err, codec.ErrTooLong) {
		t.Errorf("9 V: %v, want %v", err, codec.ErrBound)
	}
	if _, err := quality.Evaluate(t.Context(), wide, bearings(), quality.Settings{Std: []float64{1, 1}}); err == nil {
		t.Error("a codec that knows nothing of a step passes without a schema")
	}
}

// broken is a codec that breaks the promises of codec.Codec.
type broken struct {
	compass
	bytes, values int
	angles        []bool
}

func (b broken) Angles() []bool { return b.angles }
func (b broken) AppendEncode(dst []byte, _ []float64) ([]byte, error) {
	return append(dst, make([]byte, b.bytes)...), nil
}
func (b broken) AppendDecode(dst []float64, _ []byte) ([]float64, error) {
	return append(dst, make([]float64, b.values)...), nil
}

func TestBrokenCodec(t *testing.T) {
	for name, c := range map[string]broken{
		"long payload":   {bytes: 5, values: 2, angles: make([]bool, 2)},
		"value too few":  {bytes: 4, values: 1, angles: make([]bool, 2)},
		"value too many": {bytes: 4, values: 3, angles: make([]bool, 2)},
		"no angles":      {bytes: 4, values: 2},
	} {
		if _, err := quality.Evaluate(t.Context(), c, bearings(), quality.Settings{Std: []float64{1, 1}}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
