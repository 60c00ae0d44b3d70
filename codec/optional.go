package codec

import "github.com/loralink/loralink-go/dataset/sensor"

// What only some codecs can do. Package documentation lists which; a type assertion
// tells:
//
//	if b, ok := c.(codec.Bounded); ok { … b.Tolerances() … }

// FixedLength is implemented by a codec whose payloads all have one length. The
// rungs of a [Ladder] must.
type FixedLength interface {
	// PayloadLen returns the length of every payload in bytes, or 0 if lengths
	// differ after all.
	PayloadLen() int
}

// Windowed is implemented by a codec that knows the shape of its windows.
type Windowed interface {
	// Window returns the shape of the windows. A Stride of 0 means any stride.
	Window() sensor.Shape
}

// Described is implemented by a codec that knows what the values of a step are.
type Described interface {
	// SensorSchema returns name, unit and what else is known of each value.
	SensorSchema() sensor.Schema
}

// SensorSchema returns what is known of the values of a step: what the codec says
// ([Described]), or else sensor.ForDims of their number ([Windowed]). It returns nil
// if the codec knows neither.
func SensorSchema(c Codec) sensor.Schema {
	if d, ok := c.(Described); ok {
		return d.SensorSchema()
	}
	if w, ok := c.(Windowed); ok {
		return sensor.ForDims(w.Window().Dims)
	}
	return nil
}

// Angular is implemented by a codec that treats some values as angles in degrees. It
// may decode 359.9 as -0.1; errors of such values must be taken modulo 360.
type Angular interface {
	// Angles reports for each value of a step whether it is such an angle.
	Angles() []bool
}

// Bounded is implemented by a codec that keeps a bound: it refuses a window, or
// every value comes back within its tolerance.
type Bounded interface {
	// Tolerances returns the largest error of each value of a step, in its unit, or nil
	// if the codec keeps no bound after all.
	Tolerances() []float64
}

// Estimator is implemented by a codec that can tell how many bytes a window needs
// without encoding it. A [Ladder] asks before it tries a rung.
type Estimator interface {
	// Need returns how many bytes a payload of the window takes at least. It
	// returns false if the codec would refuse the window whatever the payload's
	// length. The window has WindowLen finite values.
	Need(window []float64) (bytes int, ok bool)
	// Code identifies what Need depends on. Codecs with equal Code need equal
	// numbers of bytes, so a Ladder asks one of them for all.
	Code() string
}

// Modelled is implemented by a codec that runs a trained model.
type Modelled interface {
	// ModelHash returns the hash over the model's files, which two ends of a link
	// compare, or "" if the model has no files.
	ModelHash() string
	// DataStd returns the standard deviation of each value of a window over the
	// training windows, or nil if it is not known.
	DataStd() []float64
}

// Saturating is implemented by a codec whose payloads hold integers that can
// saturate.
type Saturating interface {
	// Saturated returns how many integers a payload of the codec holds, and how
	// many of them are the smallest or largest of their type.
	Saturated(payload []byte) (count, total int)
}

// Laddered is implemented by a codec that encodes each window with one of several
// others, its rungs.
type Laddered interface {
	// Rungs returns the codecs in ascending order of their payload lengths.
	Rungs() []Codec
	// RungForLength returns the index of the codec whose payloads have n bytes, or
	// -1 if there is none.
	RungForLength(n int) int
}
