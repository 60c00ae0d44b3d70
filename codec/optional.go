package codec

import "github.com/loralink/loralink-go/dataset/sensor"

// The interfaces below are what only some codecs can do. Look for one with a type
// assertion:
//
//	if b, ok := c.(codec.Bounded); ok { … b.Tolerances() … }

// FixedLength is a codec whose payloads have one length, as every rung of a
// [Ladder] needs.
type FixedLength interface {
	// PayloadLen is the length of every payload, in bytes; 0 where this codec's
	// payloads differ in length after all.
	PayloadLen() int
}

// Windowed is a codec that knows how its windows are cut.
type Windowed interface {
	// Window is the shape of the windows. A Stride of 0 means any.
	Window() sensor.Shape
}

// Described is a codec that knows what the values of a step are.
type Described interface {
	// Values describes each value of a step: name, unit and what else is known.
	SensorSchema() sensor.Schema
}

// SensorSchema describes the values of a step of a codec's windows: as the codec does
// ([Described]), or by their number ([Windowed], see [sensor.ForDims]); nil where it
// knows neither.
func SensorSchema(c Codec) sensor.Schema {
	if d, ok := c.(Described); ok {
		return d.SensorSchema()
	}
	if w, ok := c.(Windowed); ok {
		return sensor.ForDims(w.Window().Dims)
	}
	return nil
}

// Angular is a codec that takes some values for angles in degrees: it may decode
// 359.9 as -0.1, and errors of such a value are to be taken modulo 360.
type Angular interface {
	// Angles says of each value of a step whether it is such an angle.
	Angles() []bool
}

// Bounded is a codec with an error bound: a window is refused or every value of
// it comes back within its tolerance.
type Bounded interface {
	// Tolerances returns the largest error of each value of a step, in its unit.
	Tolerances() []float64
}

// Estimator is a codec that knows how many bytes a window needs before it encodes
// it. A [Ladder] asks it before it tries a rung.
type Estimator interface {
	// Need returns how many bytes a payload of the window takes at least. It
	// returns false if the codec would refuse the window whatever the payload's
	// length. The window has WindowLen finite values.
	Need(window []float64) (bytes int, ok bool)
	// Code identifies what Need depends on. Codecs with equal Code need equal
	// numbers of bytes, so a Ladder asks one of them for all.
	Code() string
}

// Modelled is a codec that runs a trained model.
type Modelled interface {
	// ModelHash is the hash over the model's files, by which two ends agree on
	// one model; "" where it has no files.
	ModelHash() string
	// DataStd returns the standard deviation of each value of a window over the
	// training windows; nil where it is not known.
	DataStd() []float64
}

// Saturating is a codec whose payloads hold integers that can saturate.
type Saturating interface {
	// Saturated counts the integers of payload that stand at either end of
	// their range, and those it holds.
	Saturated(payload []byte) (count, total int)
}

// Laddered is a codec that encodes each window with one of several others.
type Laddered interface {
	// Rungs returns the codecs, from the fewest bytes up.
	Rungs() []Codec
	// RungForLength is the index of the codec that writes payloads of n bytes; -1 where
	// none does.
	RungForLength(n int) int
}
