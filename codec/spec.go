package codec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/modelfile"
)

// Spec says which codec to build.
type Spec struct {
	ID, Version     string
	Params          Params
	Window          sensor.Shape // of the run
	MaxPayloadBytes int          // 0: MaxPayloadBytes
}

// Params are the parameters of all codecs; each reads its own. The names are
// those of a RunSpec's codec.params.
type Params struct {
	ManifestPath    string  `json:"manifest_path,omitempty"`     // bam: the model's bam_manifest.json
	Scale           float64 `json:"scale,omitempty"`             // raw, zlib; 0: DefaultRawScale
	PayloadBytes    int     `json:"payload_bytes,omitempty"`     // sensor12_packed_truncate, entropy_grid
	GridPath        string  `json:"grid_path,omitempty"`         // grid: a grid.json
	LadderPath      string  `json:"ladder_path,omitempty"`       // bounded: a ladder.json
	EntropyGridPath string  `json:"entropy_grid_path,omitempty"` // entropy_grid: an entropy_grid.json
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

// IDs are the codec ids that New knows.
func IDs() []string {
	return []string{bamID, rawID, sensor12ID, sensor12TruncateID, zlibID, gridID, entropyGridID, ladderID}
}

// New builds the codec of a specification, and refuses one whose codec, window
// and manifest disagree or whose payload exceeds the limit. Where a model has an
// artifacts.json beside it, its files must be those listed there. Paths are
// relative to the working directory.
func New(spec Spec) (Codec, error) { return opener{tree: modelfile.Disk()}.codec(spec) }

// NewFS is New with paths in a file system, as go:embed makes one.
func NewFS(fsys fs.FS, spec Spec) (Codec, error) {
	return opener{tree: modelfile.FS(fsys), dir: "."}.codec(spec)
}

// opener opens the files of codecs whose paths are relative to dir.
type opener struct {
	tree modelfile.Tree
	dir  string // "": the working directory
}

func (o opener) codec(spec Spec) (Codec, error) {
	if err := spec.Window.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	c, err := o.build(spec)
	if err != nil {
		return nil, err
	}
	if spec.Version != c.Version() {
		return nil, fmt.Errorf("%w: codec %s version %q, want %q", ErrSpec, spec.ID, spec.Version, c.Version())
	}
	if c.WindowLen() != spec.Window.Len() {
		return nil, fmt.Errorf("%w: codec %s takes windows of %d values, but the run's have %d (%s)", ErrSpec, spec.ID, c.WindowLen(), spec.Window.Len(), spec.Window)
	}
	if w, ok := c.(Windowed); ok {
		got := w.Window()
		if got.Stride == 0 {
			got.Stride = spec.Window.Stride
		}
		if got != spec.Window {
			return nil, fmt.Errorf("%w: codec %s is made for windows of %s, but the run's have %s", ErrSpec, spec.ID, got, spec.Window)
		}
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

func (o opener) build(spec Spec) (Codec, error) {
	n, p := spec.Window.Len(), spec.Params
	switch spec.ID {
	case rawID:
		return NewRaw(n, p.Scale)
	case sensor12ID:
		return NewSensor12(spec.Window.W)
	case sensor12TruncateID:
		return NewSensor12Truncate(spec.Window.W, p.PayloadBytes)
	case zlibID:
		return NewZlib(n, p.Scale)
	case bamID:
		name, err := o.file(bamID, "manifest_path", p.ManifestPath)
		if err != nil {
			return nil, err
		}
		return o.bam(name)
	case gridID:
		name, err := o.file(gridID, "grid_path", p.GridPath)
		if err != nil {
			return nil, err
		}
		return o.grid(name)
	case entropyGridID:
		name, err := o.file(entropyGridID, "entropy_grid_path", p.EntropyGridPath)
		if err != nil {
			return nil, err
		}
		return o.entropyGrid(name, p.PayloadBytes)
	case ladderID:
		name, err := o.file(ladderID, "ladder_path", p.LadderPath)
		if err != nil {
			return nil, err
		}
		return o.ladder(name)
	}
	return nil, fmt.Errorf("%w: codec %q, want one of %s", ErrSpec, spec.ID, strings.Join(IDs(), ", "))
}

// file is the path of what a parameter mentions.
func (o opener) file(id, param, rel string) (string, error) {
	if rel == "" {
		return "", fmt.Errorf("%w: codec %s without %s, want the path of its file", ErrSpec, id, param)
	}
	if o.dir == "" {
		return filepath.FromSlash(rel), nil
	}
	name, err := o.tree.Join(o.dir, rel)
	if err != nil {
		return "", fileError(rel, "", err)
	}
	return name, nil
}

// read reads a codec's file of at most limit bytes.
func (o opener) read(name string, limit int64) ([]byte, error) {
	err := o.tree.CheckName(name)
	if err == nil {
		var data []byte
		if data, err = o.tree.Read(name, limit); err == nil {
			return data, nil
		}
	}
	return nil, fileError(name, "", err)
}

// fileError is a fault in a codec's file.
func fileError(file, field string, err error) error {
	return &Error{File: file, Field: field, Err: err, Package: "codec"}
}

// located joins the faults of a file, each as an Error.
func located(file string, faults modelfile.Faults) error {
	return faults.Join(func(field string, err error) error { return fileError(file, field, err) })
}
