// Package codec turns a window of sensor values into a payload of a few bytes
// and back, whatever the method behind it.
//
// A program that sends or receives imports this package and no other:
//
//	c, err := codec.Load("models/a")
//	payload, err := c.AppendEncode(nil, window)
//	window, err := c.AppendDecode(nil, payload)
//
// [Load] opens the file of any codec, [New] builds a codec from the section of a
// RunSpec. What only some codecs can do is a small interface beside [Codec], such
// as [FixedLength] or [Bounded]: nothing depends on a codec's concrete type, so
// that a codec written elsewhere can do all that these can.
//
// The codecs:
//
//	[BAM]                the packed latent of a trained model; no error bound
//	[Raw], [Zlib]        values in -1..1 as int16, and those compressed
//	[Sensor12]           a motion sample packed plainly, 30 bytes
//	[Sensor12Truncate]   that, cut to a length; a baseline
//	[Grid]               a uniform quantiser: error at most half a quantisation step
//	[EntropyGrid]        the same in fewer bytes, by learned frequencies
//	[Ladder]             codecs from short to long; keeps every value within tolerances
//
// Fitting and writing their files is package codec/fit, training models bam/train.
//
// # Windows
//
// A window is W steps of dims values, row-major, the oldest step first, in sensor
// units (package dataset/sensor). NaN and infinities are refused.
//
// # Errors
//
// A window that cannot be encoded gives an error that matches [ErrShape] or
// [ErrValue]; a payload that no encoder writes, [ErrCorrupt]. A file that cannot
// be loaded gives an [*Error], which names file and field and matches
// [ErrNotFound], [ErrMalformed], [ErrUnsupported], [ErrMismatch] or [ErrTooLarge];
// a missing file matches fs.ErrNotExist as well.
package codec

import (
	"errors"
	"fmt"
	"math"

	"github.com/loralink/loralink-go/artifacts"
)

// Codec encodes windows of float64 values, oldest step first, into payloads.
// A Codec is immutable and safe for concurrent use.
type Codec interface {
	// ID and Version name the codec as a RunSpec and artifacts.json do.
	ID() string
	Version() string
	// Schema is the payload schema string that both ends must share.
	Schema() string
	// WindowLen is the number of values a window has: dims·W.
	WindowLen() int
	// MaxPayloadLen is the length of the longest payload, in bytes.
	MaxPayloadLen() int
	// AppendEncode appends the payload of window to dst and returns the
	// extended slice. On error it returns dst unchanged. A window of another
	// length than WindowLen is ErrShape; one that this codec cannot encode, not
	// finite ones among them, is ErrValue.
	AppendEncode(dst []byte, window []float64) ([]byte, error)
	// AppendDecode appends the window of payload to dst and returns the
	// extended slice. On error it returns dst unchanged. Every byte string
	// either decodes to finite values or is ErrCorrupt.
	AppendDecode(dst []float64, payload []byte) ([]float64, error)
}

// Errors of windows, payloads and specifications.
var (
	// ErrShape marks a window of the wrong length.
	ErrShape = errors.New("codec: wrong window length")
	// ErrValue marks a window that the codec refuses.
	ErrValue = errors.New("codec: value cannot be encoded")
	// ErrRange marks a value outside the range of a quantiser. It is an ErrValue.
	ErrRange = fmt.Errorf("%w: out of range", ErrValue)
	// ErrBound marks a window that no rung of a ladder brings within the
	// tolerances. It is an ErrValue.
	ErrBound = fmt.Errorf("%w: no rung meets the tolerances", ErrValue)
	// ErrTooLong marks a window whose code is longer than a payload. It is an
	// ErrValue.
	ErrTooLong = fmt.Errorf("%w: code longer than the payload", ErrValue)
	// ErrCorrupt marks a payload that this codec does not write.
	ErrCorrupt = errors.New("codec: corrupt payload")
	// ErrSpec marks a specification that no codec fulfils.
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

// Error is a fault in one file: File, Field and Err, which wraps one of the
// errors of files. Several faults of one file are joined, each an Error of its
// own.
type Error = artifacts.Error

// MaxPayloadBytes is the longest payload that a frame holds, and the default
// limit.
const MaxPayloadBytes = artifacts.MaxPayloadBytes

// checkWindow refuses a window that no codec can encode.
func checkWindow(window []float64, want int) error {
	if len(window) != want {
		return fmt.Errorf("%w: %d values, want %d", ErrShape, len(window), want)
	}
	for i, v := range window {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: value %d is %g, want a finite number", ErrValue, i, v)
		}
	}
	return nil
}

func checkPayload(payload []byte, want int) error {
	if len(payload) != want {
		return fmt.Errorf("%w: %d bytes, want %d", ErrCorrupt, len(payload), want)
	}
	return nil
}
