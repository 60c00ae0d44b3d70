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
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/loralink/loralink-go/dataset/sensor"
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
	// ErrRange marks a value outside a grid. It is an ErrValue.
	ErrRange = fmt.Errorf("%w: outside the grid", ErrValue)
	// ErrBound marks a window that no rung of a ladder brings within the
	// tolerances. It is an ErrValue.
	ErrBound = fmt.Errorf("%w: no rung meets the tolerances", ErrValue)
	// ErrCorrupt marks a payload that this codec did not write.
	ErrCorrupt = errors.New("codec: corrupt payload")
	// ErrSpec marks a specification that no codec fulfils.
	ErrSpec = errors.New("codec: invalid specification")
)

// MaxPayloadBytes is the longest payload a frame holds, and the default limit.
const MaxPayloadBytes = 238

// Spec says which codec to build. Dims, W and Stride are the run's window.
type Spec struct {
	ID, Version     string
	Params          Params
	Dims, W, Stride int
	MaxPayloadBytes int // 0: MaxPayloadBytes
}

// Params are the parameters of all codecs; each reads its own. The names are
// those of a RunSpec's codec.params.
type Params struct {
	ManifestPath string  `json:"manifest_path,omitempty"` // bam: the model's bam_manifest.json
	Scale        float64 `json:"scale,omitempty"`         // raw, zlib; 0: DefaultRawScale
	PayloadBytes int     `json:"payload_bytes,omitempty"` // sensor12_packed_truncate, lattice
	GridPath     string  `json:"grid_path,omitempty"`     // grid: a grid.json
	LadderPath   string  `json:"ladder_path,omitempty"`   // bounded: a ladder.json
	LatticePath  string  `json:"lattice_path,omitempty"`  // lattice: a lattice.json
}

// ParseParams turns the params section of a RunSpec into Params. A key that no
// codec reads and a value of another type are ErrSpec.
func ParseParams(params map[string]any) (Params, error) {
	var p Params
	text, err := json.Marshal(params)
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		err = d.Decode(&p)
	}
	if err != nil {
		return Params{}, fmt.Errorf("%w: params: %s", ErrSpec, strings.TrimPrefix(err.Error(), "json: "))
	}
	return p, nil
}

// New builds the codec of a specification, and refuses one whose codec, window
// and manifest disagree or whose payload exceeds the limit. Where a model has
// an artifacts.json beside it, its files must be those listed there.
func New(spec Spec) (Codec, error) { return place{}.codec(spec) }

// codec is New with paths that lead to a place.
func (p place) codec(spec Spec) (Codec, error) {
	if most := sensor.MaxWindowLen; spec.Dims < 1 || spec.W < 1 || spec.Stride < 1 || spec.Dims > most || spec.W > most/spec.Dims {
		return nil, fmt.Errorf("%w: window of %d dims, W %d, stride %d, want each at least 1 and at most %d values", ErrSpec, spec.Dims, spec.W, spec.Stride, most)
	}
	c, err := p.build(spec)
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
		return nil, fmt.Errorf("%w: codec %s makes payloads of up to %d bytes, want at most %d", ErrSpec, spec.ID, c.MaxPayloadLen(), limit)
	}
	return c, nil
}

func (p place) build(spec Spec) (Codec, error) {
	n := spec.Dims * spec.W
	switch spec.ID {
	case bamID:
		c, err := p.bam(spec.Params.ManifestPath)
		if err != nil {
			return nil, err
		}
		m := c.Model().Manifest
		return c, agree("model", spec, m.InputDims, m.WindowW, m.WindowStride)
	case rawID:
		return NewRaw(n, spec.Params.Scale)
	case sensor12ID:
		return NewSensor12(spec.W)
	case sensor12TruncateID:
		return NewSensor12Truncate(spec.W, spec.Params.PayloadBytes)
	case zlibID:
		return NewZlib(n, spec.Params.Scale)
	case gridID:
		c, err := p.grid(spec.Params.GridPath)
		if err != nil {
			return nil, err
		}
		return c, agree(gridID, spec, len(c.dims), c.w, spec.Stride)
	case latticeID:
		c, err := p.lattice(spec.Params.LatticePath, spec.Params.PayloadBytes)
		if err != nil {
			return nil, err
		}
		return c, agree(latticeID, spec, len(c.dims), c.w, spec.Stride)
	case boundedID:
		c, err := p.bounded(spec.Params.LadderPath)
		if err != nil {
			return nil, err
		}
		w := c.Window()
		return c, agree("ladder", spec, w.Dims, w.W, w.Stride)
	}
	return nil, fmt.Errorf("%w: codec %q, want one of %s", ErrSpec, spec.ID, strings.Join(IDs(), ", "))
}

// agree reports a codec made for other windows than the run's.
func agree(what string, spec Spec, dims, w, stride int) error {
	if dims == spec.Dims && w == spec.W && stride == spec.Stride {
		return nil
	}
	return fmt.Errorf("%w: the %s's window is %d dims, W %d, stride %d, but the run's %d, %d, %d",
		ErrSpec, what, dims, w, stride, spec.Dims, spec.W, spec.Stride)
}

// IDs are the codec ids that New knows.
func IDs() []string {
	return []string{bamID, rawID, sensor12ID, sensor12TruncateID, zlibID, gridID, latticeID, boundedID}
}

func (p place) bam(rel string) (*BAM, error) {
	if p.fsys == nil && p.dir == "" || rel == "" {
		return LoadBAM(rel)
	}
	name, err := p.path(rel)
	if err != nil {
		return nil, &Error{rel, "", err}
	}
	if p.fsys == nil {
		return LoadBAM(name)
	}
	return LoadBAMFS(p.fsys, name)
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
