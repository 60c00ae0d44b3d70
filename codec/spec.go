package codec

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/errtext"
	"github.com/loralink/loralink-go/internal/modelfile"
)

// Spec says which codec New builds.
type Spec struct {
	ID, Version string       // see the package documentation; the version is "0" for bam, "1" for the others
	Params      Params       // relative paths start at the working directory
	Window      sensor.Shape // of the windows to encode; must be set
	// MaxPayloadBytes is the limit for MaxPayloadLen. 0 means MaxPayloadBytes.
	MaxPayloadBytes int
}

// Params are the parameters of all codecs; each codec uses its own and ignores the
// others, see [ParamsOf]. The JSON names are those of codec.params in a RunSpec.
type Params struct {
	ManifestPath    string  `json:"manifest_path,omitempty"`     // bam: the model's bam_manifest.json
	Float32Norm     bool    `json:"float32_norm,omitempty"`      // bam: normalise as the reference does, see BAM.WithFloat32Norm
	Scale           float64 `json:"scale,omitempty"`             // raw, zlib: the factor; 0 means DefaultRawScale
	Level           *int    `json:"level,omitempty"`             // zlib: the compression level; nil means DefaultZlibLevel
	AccelScale      float64 `json:"accel_scale,omitempty"`       // sensor12_packed, sensor12_packed_truncate: see Sensor12Scales
	GyroScale       float64 `json:"gyro_scale,omitempty"`        // likewise
	RPYScale        float64 `json:"rpy_scale,omitempty"`         // likewise
	PayloadBytes    int     `json:"payload_bytes,omitempty"`     // sensor12_packed_truncate: the length; entropy_grid: likewise, 0 means as long as each window needs; predictive: the largest length, 0 means that tolerances hold
	WindowW         int     `json:"window_W,omitempty"`          // sensor12_packed_truncate: the W of Window; 0 means any
	GridPath        string  `json:"grid_path,omitempty"`         // grid: a grid.json
	LadderPath      string  `json:"ladder_path,omitempty"`       // bounded: a ladder.json
	EntropyGridPath string  `json:"entropy_grid_path,omitempty"` // entropy_grid: an entropy_grid.json

	// The rest is for predictive. All but PriorPath stand in NewPredictive too.
	Tolerances []float64 `json:"tolerances,omitempty"` // of each value of a step; nil: the prior's, or the defaults of motion samples
	Angles     []bool    `json:"angles,omitempty"`     // which values are angles in degrees; nil: the prior's, or those of motion samples
	Profile    string    `json:"profile,omitempty"`    // ProfileFull or ProfileSmall; "": the prior's, or ProfileFull
	PriorPath  string    `json:"prior_path,omitempty"` // a prior.json; "": none
	// KeyAfter is the number of windows in a row without an acknowledgement after which
	// the encoder sends a key frame. 0: 3.
	KeyAfter int `json:"key_after,omitempty"`
	// KeyEvery is for links without acknowledgements: one in so many windows is a key
	// frame. 0: acknowledgements come.
	KeyEvery int `json:"key_every,omitempty"`
	// PredictFrom says from what windows are predicted with KeyEvery: FromChain or
	// FromKey. "": FromChain.
	PredictFrom string `json:"predict_from,omitempty"`
}

// paramsOf are the parameters that each codec reads.
var paramsOf = map[string][]string{
	bamID:              {"float32_norm", "manifest_path"},
	rawID:              {"scale"},
	zlibID:             {"level", "scale"},
	sensor12ID:         {"accel_scale", "gyro_scale", "rpy_scale"},
	sensor12TruncateID: {"payload_bytes", "window_W", "accel_scale", "gyro_scale", "rpy_scale"},
	gridID:             {"grid_path"},
	entropyGridID:      {"entropy_grid_path", "payload_bytes"},
	ladderID:           {"ladder_path"},
	predictiveID:       {"tolerances", "angles", "profile", "payload_bytes", "prior_path", "key_after", "key_every", "predict_from"},
}

// ParamsOf returns the JSON names of the parameters that a codec of New reads.
func ParamsOf(id string) []string { return slices.Clone(paramsOf[id]) }

// paramNames returns the JSON names of the parameters of all codecs.
func paramNames() []string {
	var names []string
	for _, of := range paramsOf {
		names = append(names, of...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ParseParams converts codec.params of a RunSpec to Params. A key that no codec has, or
// a value of another type, gives an error that wraps ErrSpec.
func ParseParams(params map[string]any) (Params, error) {
	if params == nil {
		return Params{}, nil
	}
	names := paramNames()
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if slices.Contains(names, name) {
			continue
		}
		hint := "want some of " + strings.Join(names, ", ")
		if near := errtext.Nearest(name, names); near != "" {
			hint = "did you mean " + near + "?"
		}
		return Params{}, fmt.Errorf("%w: params.%.80s: no codec has this parameter: %s", ErrSpec, name, hint)
	}
	var p Params
	text, err := json.Marshal(params)
	if err != nil {
		return Params{}, fmt.Errorf("%w: params: %s", ErrSpec, strings.TrimPrefix(err.Error(), "json: "))
	}
	faults := modelfile.DecodeStrict(text, &p)
	err = faults.Join(func(field string, err error) error { return fmt.Errorf("params.%s: %w", field, err) })
	if err != nil {
		return Params{}, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	return p, nil
}

// IDs returns the ids of the codecs that New can build.
func IDs() []string {
	return []string{bamID, rawID, sensor12ID, sensor12TruncateID, zlibID, gridID, entropyGridID, ladderID, predictiveID}
}

// New builds a codec. It returns an error that wraps ErrSpec if the codec's windows
// differ from the Spec's or its payload can exceed the limit. If there is an
// artifacts.json beside a model, the model's files must be those it lists.
func New(spec Spec) (Codec, error) { return opener{tree: modelfile.Disk()}.codec(spec) }

// NewFS is like New with paths in fsys, such as an embed.FS.
func NewFS(fsys fs.FS, spec Spec) (Codec, error) {
	return opener{tree: modelfile.FS(fsys), dir: "."}.codec(spec)
}

// opener opens the files of codecs whose paths are relative to dir.
type opener struct {
	tree modelfile.Tree
	dir  string // "": the working directory
	// warn is called with the difference between a model and its artifacts.json; nil:
	// the difference is an error.
	warn func(error)
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
		return NewSensor12(spec.Window.W, p.scales())
	case sensor12TruncateID:
		if w := p.WindowW; w != 0 && w != spec.Window.W {
			return nil, fmt.Errorf("%w: codec %s with window_W %d, want %d, the W of the run's windows", ErrSpec, spec.ID, w, spec.Window.W)
		}
		return NewSensor12Truncate(spec.Window.W, p.PayloadBytes, p.scales())
	case zlibID:
		level := DefaultZlibLevel
		if p.Level != nil {
			level = *p.Level
		}
		return NewZlib(n, p.Scale, level)
	case bamID:
		name, err := o.file(bamID, "manifest_path", p.ManifestPath)
		if err != nil {
			return nil, err
		}
		c, err := o.bam(name)
		if err != nil {
			return nil, err
		}
		return WithParams(c, p)
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
	case predictiveID:
		return o.predictive(spec)
	}
	return nil, fmt.Errorf("%w: codec %q, want one of %s", ErrSpec, spec.ID, strings.Join(IDs(), ", "))
}

// scales returns the parameters of Sensor12.
func (p Params) scales() Sensor12Scales {
	return Sensor12Scales{Accel: p.AccelScale, Gyro: p.GyroScale, RPY: p.RPYScale}
}

// file returns the path of the file that a parameter names.
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
