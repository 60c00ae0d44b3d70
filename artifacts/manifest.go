package artifacts

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/errtext"
	"github.com/loralink/loralink-go/internal/modelfile"
	"github.com/loralink/loralink-go/internal/pytext"
)

// Limits on a model's sizes.
const (
	// MaxLatentDim is the largest number of latents.
	MaxLatentDim = 1 << 12
	// MaxPayloadBytes is the length of the longest payload that fits a frame of package
	// radio, and the default limit for payloads. The shortest payload has 2 bytes,
	// because a frame with one byte is an ACK.
	MaxPayloadBytes = 238

	maxCycles = 1000 // as bam.CheckTransmission allows
)

// Values of a manifest's version and format fields.
const (
	ManifestVersion1 = "1" // what the reference reads
	ManifestVersion2 = "2" // packing bitpack
	LayerFormat      = "layer_npz_v1"
)

// Manifest is the content of bam_manifest.json. Paths are relative to its folder.
type Manifest struct {
	ManifestVersion string      `json:"manifest_version"` // ManifestVersion1 or ManifestVersion2
	ModelFormat     string      `json:"model_format"`     // LayerFormat
	ModelPath       string      `json:"model_path"`       // folder of the layers' files
	LatentDim       int         `json:"latent_dim"`       // number of latents
	Packing         bam.Packing `json:"packing"`
	// Scale is the factor from latents to integers. It is required for the packings
	// int8 and int16, and null for the others.
	Scale        *float64    `json:"scale"`
	Delta        *float64    `json:"delta"` // see bam.Model; null: 0, linear
	EncodeCycles int         `json:"encode_cycles"`
	DecodeCycles int         `json:"decode_cycles"`
	Dims         int         `json:"input_dims"`    // values per step
	W            int         `json:"window_W"`      // steps per window
	Stride       int         `json:"window_stride"` // samples from the start of one window to the next
	NormPath     *string     `json:"norm_path"`     // null: windows are not normalised
	Notes        *string     `json:"notes"`         // free text; null: none
	TrainSplit   *TrainSplit `json:"train_split,omitempty"`
	// NormWidening has the factors by which norm.json's std exceed the standard
	// deviations of the training windows; null means 1. Training methods widen the
	// norm if the transmission function needs small values. The reference ignores this
	// field.
	NormWidening []float64 `json:"norm_widening,omitempty"`
	// Order and Units are the names and units of the values of a step, as in a data
	// set; absent for motion samples, and if the data set has no names. The reference
	// ignores them.
	Order []string          `json:"order,omitempty"`
	Units map[string]string `json:"units,omitempty"`
	// BitPack describes the payload of packing bitpack; null for the other packings.
	BitPack *BitPackInfo `json:"bitpack,omitempty"`
}

// BitPackInfo is the manifest's bitpack object. The file at Path has the tables.
type BitPackInfo struct {
	Path string `json:"path"`
	// PayloadBytes is the length of a payload, 1 to 255, as the contract allows. A
	// frame of package radio holds 2 to 238 bytes.
	PayloadBytes  int  `json:"payload_bytes"`
	ComponentBits int  `json:"mode_bits"` // bits of the index of the mixture component
	Components    int  `json:"modes"`     // number of mixture components
	Rotation      int  `json:"rotation"`  // number of latents that are rotated
	Check         bool `json:"check"`     // whether the last byte is a check byte
}

// Methods of a TrainSplit. The flag --split and dataset.SplitSettings call them
// dataset.ByHash and dataset.ByTime.
const (
	SplitByHash = "hash_window_id"
	SplitByTime = "time"
)

// TrainSplit describes how the training windows were selected from the data set. The
// reference has SplitByHash only.
type TrainSplit struct {
	Method     string  `json:"method"`      // SplitByHash or SplitByTime
	TrainRatio float64 `json:"train_ratio"` // share of the windows in the training set; 1 and above: all
	SplitSeed  int64   `json:"split_seed"`  // seed of the hash; 0 for SplitByTime
	// CutTsMs is the cut of SplitByTime in ms since 1970: the training set has the
	// windows with a smaller ts_ms.
	CutTsMs *int64 `json:"cut_ts_ms,omitempty"`
}

// Window returns the shape of the model's windows.
func (m *Manifest) Window() sensor.Shape {
	return sensor.Shape{Dims: m.Dims, W: m.W, Stride: m.Stride}
}

// WindowLen returns the number of values in a window.
func (m *Manifest) WindowLen() int { return m.Window().Len() }

// SensorSchema returns the schema of the values of a step: that of the names and units in
// the manifest or, if it has none, sensor.ForDims.
func (m *Manifest) SensorSchema() sensor.Schema {
	if len(m.Order) == m.Dims && m.Order != nil {
		return sensor.Named(m.Order, m.Units)
	}
	return sensor.ForDims(m.Dims)
}

// SetSensorSchema sets Order and Units to the names and units of the values of a step. If
// these are the names and units of a motion sample, or a value has no name, it sets both
// to nil.
func (m *Manifest) SetSensorSchema(s sensor.Schema) {
	if m.Order, m.Units = nil, nil; s.Names() != nil && !s.Equal(sensor.Motion()) {
		m.Order, m.Units = s.Names(), s.Units()
	}
}

// DeltaOrZero returns Delta, or 0 if it is null.
func (m *Manifest) DeltaOrZero() float64 {
	if m.Delta == nil {
		return 0
	}
	return *m.Delta
}

// PayloadBytes returns the length of every payload in bytes.
func (m *Manifest) PayloadBytes() int {
	if m.BitPack != nil {
		return m.BitPack.PayloadBytes
	}
	return m.LatentDim * m.Packing.BytesPerLatent()
}

// Schema returns the payload schema, a text with the format of payloads. It must be equal
// on both ends of a link.
func (m *Manifest) Schema() string {
	if b := m.BitPack; b != nil {
		return fmt.Sprintf("bam:latent_dim=%d:packing=%s:payload_bytes=%d:check=%t", m.LatentDim, m.Packing, b.PayloadBytes, b.Check)
	}
	scale := "none"
	if m.Packing.Integer() && m.Scale != nil {
		scale = pytext.Float(*m.Scale)
	}
	return fmt.Sprintf("bam:latent_dim=%d:packing=%s:scale=%s", m.LatentDim, m.Packing, scale)
}

// SchemaHash returns the hex SHA-256 of a payload schema.
func SchemaHash(schema string) string { return modelfile.Hash([]byte(schema)) }

// Check returns an error unless the manifest is valid. It joins an *Error, which names
// the JSON key, for each fault.
func (m *Manifest) Check() error { return located(ManifestFile, m.check(nil)) }

// check adds the faults of the fields that have none yet.
func (m *Manifest) check(f modelfile.Faults) modelfile.Faults {
	m.checkPresent(&f)
	m.checkSizes(&f)
	m.checkFormat(&f)
	m.checkBitPack(&f)
	if m.Packing.Integer() && !f.Has("scale") {
		switch {
		case m.Scale == nil:
			f.Add("scale", ErrMalformed, "missing, want a number above 0 for packing %s", m.Packing)
		case !(*m.Scale > 0) || !(float32(*m.Scale) > 0) || math.IsInf(float64(float32(*m.Scale)), 0):
			f.Add("scale", ErrMalformed, "found %g, want a float32 above 0", *m.Scale)
		}
	}
	if !f.Has("delta") && !f.Has("encode_cycles") && !f.Has("decode_cycles") {
		if err := bam.CheckTransmission(m.DeltaOrZero(), m.EncodeCycles, m.DecodeCycles); err != nil {
			f.Add("delta", ErrMalformed, "%s", errtext.TrimPrefix(err, bam.ErrParam.Error()+": "))
		}
	}
	if n := len(m.NormWidening); n > 0 && n != m.WindowLen() {
		f.Add("norm_widening", ErrMismatch, "found %d values, want %d, the window's length", n, m.WindowLen())
	}
	for i, w := range m.NormWidening {
		if !(w > 0) {
			f.Add("norm_widening", ErrMalformed, "value %d is %g, want above 0", i, w)
			break
		}
	}
	if s := m.TrainSplit; s != nil && !(s.TrainRatio > 0) {
		f.Add("train_split", ErrMalformed, "train_ratio is %g, want above 0", s.TrainRatio)
	} else if s != nil && s.Method == SplitByTime && s.CutTsMs == nil {
		f.Add("train_split", ErrMalformed, "found method %s without cut_ts_ms, want the time of the cut", s.Method)
	}
	if len(m.Order) > 0 && len(m.Order) != m.Dims {
		f.Add("order", ErrMismatch, "found %d names, want %d, one for each value of a step", len(m.Order), m.Dims)
	}
	return f
}

// checkPresent adds the required fields that are missing.
func (m *Manifest) checkPresent(f *modelfile.Faults) {
	for _, x := range []struct{ field, value, want string }{
		{"manifest_version", m.ManifestVersion, fmt.Sprintf("%q or %q", ManifestVersion1, ManifestVersion2)},
		{"model_format", m.ModelFormat, fmt.Sprintf("%q", LayerFormat)},
		{"model_path", m.ModelPath, `the folder of the layers' files, such as "."`},
		{"packing", string(m.Packing), fmt.Sprintf("one of %v", bam.Packings())},
	} {
		if x.value == "" && !f.Has(x.field) {
			f.Add(x.field, ErrMalformed, "missing, want %s", x.want)
		}
	}
}

// checkSizes adds the numbers out of range, and windows that are too long.
func (m *Manifest) checkSizes(f *modelfile.Faults) {
	sizes := []size{
		{"latent_dim", m.LatentDim, 1, MaxLatentDim}, {"encode_cycles", m.EncodeCycles, 0, maxCycles}, {"decode_cycles", m.DecodeCycles, 0, maxCycles},
		{"input_dims", m.Dims, 1, sensor.MaxWindowLen}, {"window_W", m.W, 1, sensor.MaxWindowLen}, {"window_stride", m.Stride, 1, math.MaxInt},
	}
	if b := m.BitPack; b != nil {
		sizes = append(sizes, size{"bitpack.payload_bytes", b.PayloadBytes, 1, math.MaxUint8}, size{"bitpack.mode_bits", b.ComponentBits, 0, bam.MaxComponentBits},
			size{"bitpack.modes", b.Components, 1, 1 << bam.MaxComponentBits}, size{"bitpack.rotation", b.Rotation, 0, bam.MaxRotation})
	}
	for _, s := range sizes {
		s.check(f)
	}
	if !f.Has("input_dims") && !f.Has("window_W") && m.WindowLen() > sensor.MaxWindowLen {
		f.Add("window_W", ErrTooLarge, "found %d steps of %d dims, want at most %d values per window", m.W, m.Dims, sensor.MaxWindowLen)
	}
}

// size is a whole number of the manifest and its range.
type size struct {
	field           string
	value, min, max int
}

func (s size) check(f *modelfile.Faults) {
	switch {
	case f.Has(s.field) || f.Has("bitpack") && strings.HasPrefix(s.field, "bitpack."):
	case s.value < s.min:
		f.Add(s.field, ErrMalformed, "found %d, want at least %d", s.value, s.min)
	case s.value > s.max:
		f.Add(s.field, ErrTooLarge, "found %d, want at most %d", s.value, s.max)
	}
}

// checkFormat adds the values of format fields that this package does not support.
func (m *Manifest) checkFormat(f *modelfile.Faults) {
	switch m.ManifestVersion {
	case "", ManifestVersion1, ManifestVersion2:
	default:
		f.Add("manifest_version", ErrUnsupported, "found %q, want %q or %q", m.ManifestVersion, ManifestVersion1, ManifestVersion2)
	}
	if m.ModelFormat != "" && m.ModelFormat != LayerFormat && !f.Has("model_format") {
		f.Add("model_format", ErrUnsupported, "found %q, want %q", m.ModelFormat, LayerFormat)
	}
	if m.Packing != "" && !slices.Contains(bam.Packings(), m.Packing) && !f.Has("packing") {
		f.Add("packing", ErrUnsupported, "found %q, want one of %v", m.Packing, bam.Packings())
	}
}

// checkBitPack adds a fault unless version, packing and bitpack object fit together.
func (m *Manifest) checkBitPack(f *modelfile.Faults) {
	if f.Has("bitpack") {
		return
	}
	if v2 := m.ManifestVersion == ManifestVersion2; v2 != (m.Packing == bam.BitPack) || v2 != (m.BitPack != nil) {
		object := "no bitpack object"
		if m.BitPack != nil {
			object = "a bitpack object"
		}
		f.Add("bitpack", ErrMalformed, "found manifest_version %q, packing %q and %s, want version 2, packing bitpack and a bitpack object, or none of them", m.ManifestVersion, m.Packing, object)
	}
	if m.BitPack != nil && m.BitPack.Path == "" {
		f.Add("bitpack.path", ErrMalformed, "missing, want the path of the tables, such as %q", BitPackFile)
	}
}

// CheckPayload returns an error that wraps ErrTooLarge if payloads are longer than limit
// bytes; a limit of 0 means MaxPayloadBytes.
func (m *Manifest) CheckPayload(limit int) error {
	if limit == 0 {
		limit = MaxPayloadBytes
	}
	if n := m.PayloadBytes(); n > limit {
		return &Error{File: ManifestFile, Field: "latent_dim",
			Err: fmt.Errorf("%w: %d latents as %s make payloads of %d bytes, want at most %d", ErrTooLarge, m.LatentDim, m.Packing, n, limit)}
	}
	return nil
}
