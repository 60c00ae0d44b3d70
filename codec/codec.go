// Package codec turns a window of sensor values into a payload of a few bytes
// and back, whatever the method behind it.
//
// A program that sends or receives imports this package and no other:
//
//	c, err := codec.Load("models/a")
//	payload, err := c.AppendEncode(nil, window)
//	window, err := c.AppendDecode(nil, payload)
//
// [Load] opens the file of any codec. [New] builds a codec from its id and
// parameters, as a RunSpec has them.
//
// # Windows
//
// A window is W steps of dims values, row-major, the oldest step first, in sensor
// units (package dataset/sensor). A step is one reading of all values: a motion
// sample has twelve. NaN and infinities are refused.
//
// # Codecs
//
//	id                        type               payload
//	bam                       [BAM]              the packed latent of a trained model
//	raw                       [Raw]              normalised values, int16 each
//	zlib                      [Zlib]             those, compressed
//	sensor12_packed           [Sensor12]         motion samples, 30 bytes each
//	sensor12_packed_truncate  [Sensor12Truncate] those, cut to a length; a baseline
//	grid                      [Grid]             numbers of quantisation steps
//	entropy_grid              [EntropyGrid]      those, entropy coded
//	bounded                   [Ladder]           the payload of one of its rungs
//	predictive                [Predictive]       what earlier windows do not predict
//
// With a grid, an entropy-coded grid, a ladder and predictive errors are bounded: a window is
// refused, or every value comes back within its tolerance. Package codec/fit fits
// and writes them. Package bam/train trains models, whose errors have no bound.
//
// What only some codecs can do is a small interface. Code that uses codecs asks for
// these interfaces, never for concrete types, so a codec of another module can do
// all that these can.
//
//	[FixedLength]  all but Zlib, Ladder and Predictive
//	[Windowed]     all but Raw and Zlib
//	[Described]    BAM, Sensor12, Sensor12Truncate, Ladder
//	[Angular]      Grid, EntropyGrid, Ladder, Predictive
//	[Bounded]      Ladder, Predictive
//	[Estimator]    Grid, EntropyGrid
//	[Modelled]     BAM
//	[Saturating]   BAM
//	[Laddered]     Ladder
//	[Stateful]     Predictive
//
// # Errors
//
// If a window cannot be encoded, the error wraps [ErrShape] or [ErrValue]. If no
// encoder writes a payload, it wraps [ErrCorrupt]. If a file cannot be loaded, it is
// an [*Error], which names file and field and wraps [ErrNotFound], [ErrMalformed],
// [ErrUnsupported], [ErrMismatch] or [ErrTooLarge]. A missing file also matches
// fs.ErrNotExist.
package codec

import (
	"errors"
	"fmt"
	"math"

	"github.com/loralink/loralink-go/artifacts"
)

// Codec encodes windows into payloads and decodes payloads into windows. A Codec is
// immutable and safe for concurrent use.
type Codec interface {
	// ID and Version return the names by which RunSpecs and artifacts.json refer
	// to the codec.
	ID() string
	Version() string
	// Schema returns a string that describes the payload. It must be equal at both
	// ends of a link.
	Schema() string
	// WindowLen returns the number of values of a window: dims·W.
	WindowLen() int
	// MaxPayloadLen returns the length of the longest payload, in bytes.
	MaxPayloadLen() int
	// AppendEncode appends the payload of window to dst and returns the extended
	// slice. On an error it returns dst unchanged. The error wraps ErrShape if the
	// window has another length than WindowLen, and ErrValue if the codec cannot
	// encode its values; NaN and infinities are never encoded.
	AppendEncode(dst []byte, window []float64) ([]byte, error)
	// AppendDecode appends the window of payload to dst and returns the extended
	// slice. On an error it returns dst unchanged. Any bytes either decode to
	// finite values or give an error that wraps ErrCorrupt.
	AppendDecode(dst []float64, payload []byte) ([]float64, error)
}

// Errors of windows, payloads and specifications.
var (
	// ErrShape reports a window of the wrong length.
	ErrShape = errors.New("codec: wrong window length")
	// ErrValue reports a window that the codec refuses.
	ErrValue = errors.New("codec: value cannot be encoded")
	// ErrRange reports a value outside the range of a quantiser. It wraps ErrValue.
	ErrRange = fmt.Errorf("%w: out of range", ErrValue)
	// ErrBound reports a window that no rung of a ladder encodes within the
	// tolerances. It wraps ErrValue.
	ErrBound = fmt.Errorf("%w: no rung meets the tolerances", ErrValue)
	// ErrTooLong reports a window whose code is longer than a payload. It wraps
	// ErrValue.
	ErrTooLong = fmt.Errorf("%w: code longer than the payload", ErrValue)
	// ErrCorrupt reports a payload that no encoder of the codec writes.
	ErrCorrupt = errors.New("codec: corrupt payload")
	// ErrSpec reports parameters, sizes or an id with which no codec can be built.
	ErrSpec = errors.New("codec: invalid specification")
)

// Errors of files. They come in an [*Error].
var (
	ErrNotFound    = artifacts.ErrNotFound    // a file that is not there; it is an fs.ErrNotExist
	ErrMalformed   = artifacts.ErrMalformed   // a file that breaks its format
	ErrUnsupported = artifacts.ErrUnsupported // a file of another kind, or a format not read here
	ErrMismatch    = artifacts.ErrMismatch    // files that do not belong together
	ErrTooLarge    = artifacts.ErrTooLarge    // what exceeds a cap
)

// Error is a fault in one file. It has the fields File (the path), Field (its place
// in the file, "" for the file as a whole), Err (which wraps one of the errors of
// files) and Package. Several faults of one file are joined by errors.Join.
type Error = artifacts.Error

// MaxPayloadBytes is the length of the longest payload that a frame of package radio
// holds, and the default limit.
const MaxPayloadBytes = artifacts.MaxPayloadBytes

// checkWindow refuses a window that no codec can encode. It has a type parameter because
// the conversion of a struct to Codec would allocate.
func checkWindow[C Codec](c C, window []float64) error {
	if want := c.WindowLen(); len(window) != want {
		return fmt.Errorf("%w: %d values, want %d", ErrShape, len(window), want)
	}
	for i, v := range window {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: %s is %g, want a finite number", ErrValue, valueName(c, i), v)
		}
	}
	return nil
}

// valueName returns text for value i of the codec's windows, such as "lat", "lat of step
// 3" (from 0) or, if the codec does not know the names, "value 3".
func valueName(c Codec, i int) string {
	schema := SensorSchema(c)
	if len(schema) == 0 || schema[i%len(schema)].Name == "" {
		return fmt.Sprintf("value %d", i)
	}
	name := schema.Label(i % len(schema))
	if len(schema) < c.WindowLen() {
		name += fmt.Sprintf(" of step %d", i/len(schema))
	}
	return name
}

func checkPayload(payload []byte, want int) error {
	if len(payload) != want {
		return fmt.Errorf("%w: %d bytes, want %d", ErrCorrupt, len(payload), want)
	}
	return nil
}
