// Package codec turns a window of sensor values into a payload of a few bytes
// and back, whatever the method behind it.
//
// A program that only sends or receives imports this package and no other:
//
//	c, err := codec.LoadBAM("models/a/bam_manifest.json")
//	payload, err := c.AppendEncode(nil, window)
//	window, err := c.AppendDecode(nil, payload)
//
// [New] builds any codec from the section of a run's specification.
package codec

import (
	"errors"
	"fmt"
	"math"
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
	// extended slice. On error it returns dst unchanged. A window that is not
	// finite, or has another length than WindowLen, is an error.
	AppendEncode(dst []byte, window []float64) ([]byte, error)
	// AppendDecode appends the window of payload to dst and returns the
	// extended slice. On error it returns dst unchanged. Every byte string of
	// a payload's length either decodes to finite values or is ErrCorrupt.
	AppendDecode(dst []float64, payload []byte) ([]float64, error)
}

// Errors that a caller may want to tell apart.
var (
	// ErrShape marks a window of the wrong length.
	ErrShape = errors.New("codec: wrong window length")
	// ErrValue marks a value that cannot be sent.
	ErrValue = errors.New("codec: value cannot be encoded")
	// ErrCorrupt marks a payload that this codec did not write.
	ErrCorrupt = errors.New("codec: corrupt payload")
	// ErrSpec marks a specification that no codec fulfils.
	ErrSpec = errors.New("codec: invalid specification")
)

// MaxPayloadBytes is the longest payload a frame holds, and the default limit.
const MaxPayloadBytes = 238

// SensorDims is the number of values in a sensor sample.
const SensorDims = 12

// Spec says which codec to build. Dims, W and Stride are the run's window.
type Spec struct {
	ID, Version     string
	Params          Params
	Dims, W, Stride int
	MaxPayloadBytes int // 0: MaxPayloadBytes
}

// Params are the parameters of all codecs; each reads its own.
type Params struct {
	ManifestPath string // bam: the model's bam_manifest.json
}

// New builds the codec of a specification, and refuses one whose codec, window
// and manifest disagree or whose payload exceeds the limit.
func New(spec Spec) (Codec, error) {
	if spec.Dims < 1 || spec.W < 1 || spec.Stride < 1 {
		return nil, fmt.Errorf("%w: window of %d dims, W %d, stride %d, want each at least 1", ErrSpec, spec.Dims, spec.W, spec.Stride)
	}
	c, err := build(spec)
	if err != nil {
		return nil, err
	}
	if spec.Version != c.Version() {
		return nil, fmt.Errorf("%w: codec %s version %q, want %q", ErrSpec, spec.ID, spec.Version, c.Version())
	}
	if c.WindowLen() != spec.Dims*spec.W {
		return nil, fmt.Errorf("%w: codec %s takes windows of %d values, but the run's have %d (%d dims × W %d)", ErrSpec, spec.ID, c.WindowLen(), spec.Dims*spec.W, spec.Dims, spec.W)
	}
	limit := spec.MaxPayloadBytes
	if limit == 0 {
		limit = MaxPayloadBytes
	}
	if c.MaxPayloadLen() > limit {
		return nil, fmt.Errorf("%w: codec %s makes payloads of %d bytes, want at most %d", ErrSpec, spec.ID, c.MaxPayloadLen(), limit)
	}
	return c, nil
}

func build(spec Spec) (Codec, error) {
	switch spec.ID {
	case bamID:
		c, err := LoadBAM(spec.Params.ManifestPath)
		if err != nil {
			return nil, err
		}
		if m := c.Model().Manifest; m.InputDims != spec.Dims || m.WindowW != spec.W || m.WindowStride != spec.Stride {
			return nil, fmt.Errorf("%w: the model's window is %d dims, W %d, stride %d, but the run's %d, %d, %d",
				ErrSpec, m.InputDims, m.WindowW, m.WindowStride, spec.Dims, spec.W, spec.Stride)
		}
		return c, nil
	case sensor12ID:
		return NewSensor12(spec.W)
	}
	return nil, fmt.Errorf("%w: codec %q, want %s or %s", ErrSpec, spec.ID, bamID, sensor12ID)
}

// checkWindow refuses a window no codec can encode.
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
