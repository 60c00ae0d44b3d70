package artifacts

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/modelfile"
	"github.com/loralink/loralink-go/internal/pytext"
)

// Caps on a model's sizes.
const (
	// MaxLatentDim is the largest number of latents.
	MaxLatentDim = 1 << 12
	// MaxPayloadBytes is the payload one frame holds, and the default limit.
	MaxPayloadBytes = 238

	maxCycles = 1000 // as bam.CheckTransmission allows
)

// Values of a manifest's version and format fields.
const (
	ManifestVersion1 = "1" // what the reference reads
	ManifestVersion2 = "2" // packing bitpack
	LayerFormat      = "layer_npz_v1"
)

// Manifest is bam_manifest.json. Paths are relative to its folder.
type Manifest struct {
	ManifestVersion string      `json:"manifest_version"`
	ModelFormat     string      `json:"model_format"`
	ModelPath       string      `json:"model_path"`
	LatentDim       int         `json:"latent_dim"`
	Packing         bam.Packing `json:"packing"`
	// Scale is required for the integer packings, and null for the others.
	Scale        *float64    `json:"scale"`
	Delta        *float64    `json:"delta"` // null, as 0: linear
	EncodeCycles int         `json:"encode_cycles"`
	DecodeCycles int         `json:"decode_cycles"`
	Dims         int         `json:"input_dims"`
	W            int         `json:"window_W"`
	Stride       int         `json:"window_stride"`
	NormPath     *string     `json:"norm_path"` // null: windows are fed as they are
	Notes        *string     `json:"notes"`
	TrainSplit   *TrainSplit `json:"train_split,omitempty"`
	// NormWidening is how many times each of norm.json's std is wider than the
	// deviation of the training windows, where the transmission wants them
	// near 0; null: as wide. Ours; the reference passes it over.
	NormWidening []float64 `json:"norm_widening,omitempty"`
	// Order and Units name the values of a step, as a data set does; absent for
	// motion samples, and where the data set named none. Ours.
	Order []string          `json:"order,omitempty"`
	Units map[string]string `json:"units,omitempty"`
	// BitPack describes the payload of packing bitpack; null for the others.
	BitPack *BitPackInfo `json:"bitpack,omitempty"`
}

// BitPackInfo is the manifest's bitpack object. The tables themselves are in
// the file it names.
type BitPackInfo struct {
	Path          string `json:"path"`
	PayloadBytes  int    `json:"payload_bytes"`
	ComponentBits int    `json:"mode_bits"`
	Components    int    `json:"modes"`
	Rotation      int    `json:"rotation"`
	Check         bool   `json:"check"`
}

// Methods of a TrainSplit.
const (
	SplitByHash = "hash_window_id"
	SplitByTime = "time"
)

// TrainSplit says which windows of the data set trained the model. The
// reference knows the split by hash alone.
type TrainSplit struct {
	Method     string  `json:"method"`
	TrainRatio float64 `json:"train_ratio"`
	SplitSeed  int64   `json:"split_seed"` // of the hash; 0 by time
	// CutTsMs is where a split by time cuts: windows of a ts_ms below it
	// trained.
	CutTsMs *int64 `json:"cut_ts_ms,omitempty"`
}

// Window is the shape of the model's windows.
func (m *Manifest) Window() sensor.Shape {
	return sensor.Shape{Dims: m.Dims, W: m.W, Stride: m.Stride}
}

// WindowLen is the number of values a window has.
func (m *Manifest) WindowLen() int { return m.Window().Len() }

// SensorSchema describes the values of a step, as far as the manifest tells.
func (m *Manifest) SensorSchema() sensor.Schema {
	if len(m.Order) == m.Dims && m.Order != nil {
		return sensor.Named(m.Order, m.Units)
	}
	return sensor.ForDims(m.Dims)
}

// SetSensorSchema notes names and units of the values of a step. Those of a motion
// sample are not written: every reader assumes them.
func (m *Manifest) SetSensorSchema(s sensor.Schema) {
	if m.Order, m.Units = nil, nil; s.Names() != nil && !s.Equal(sensor.Motion()) {
		m.Order, m.Units = s.Names(), s.Units()
	}
}

// DeltaOrZero is Delta, or 0 where it is null.
func (m *Manifest) DeltaOrZero() float64 {
	if m.Delta == nil {
		return 0
	}
	return *m.Delta
}

// PayloadBytes is the length of every payload.
func (m *Manifest) PayloadBytes() int {
	if m.BitPack != nil {
		return m.BitPack.PayloadBytes
	}
	return m.LatentDim * m.Packing.BytesPerLatent()
}

// Schema is the payload schema string, equal on both ends of a link.
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

// SchemaHash is the hex SHA-256 of a payload schema string.
func SchemaHash(schema string) string { return modelfile.Hash([]byte(schema)) }

// Check reports all that is wrong with the manifest, each fault an *Error that
// names the JSON field.
func (m *Manifest) Check() error { return located(ManifestFile, m.check(nil)) }

// check adds what is wrong with the fields that have no fault yet.
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
			f.Add("scale", ErrMalformed, "%g, want a number above 0 that float32 holds", *m.Scale)
		}
	}
	if !f.Has("delta") && !f.Has("encode_cycles") && !f.Has("decode_cycles") {
		if err := bam.CheckTransmission(m.DeltaOrZero(), m.EncodeCycles, m.DecodeCycles); err != nil {
			f.Add("delta", ErrMalformed, "%s", strings.TrimPrefix(err.Error(), bam.ErrParam.Error()+": "))
		}
	}
	if n := len(m.NormWidening); n > 0 && n != m.WindowLen() {
		f.Add("norm_widening", ErrMismatch, "%d values, want %d, the window's length", n, m.WindowLen())
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
		f.Add("train_split", ErrMalformed, "method %s without cut_ts_ms, want the time it cuts at", s.Method)
	}
	if len(m.Order) > 0 && len(m.Order) != m.Dims {
		f.Add("order", ErrMismatch, "%d names, want %d, one for each value of a step", len(m.Order), m.Dims)
	}
	return f
}

// checkPresent names the fields without which there is no model.
func (m *Manifest) checkPresent(f *modelfile.Faults) {
	for _, x := range []struct{ field, value string }{
		{"manifest_version", m.ManifestVersion}, {"model_format", m.ModelFormat}, {"model_path", m.ModelPath}, {"packing", string(m.Packing)},
	} {
		if x.value == "" && !f.Has(x.field) {
			f.Add(x.field, ErrMalformed, "missing or empty, want a value")
		}
	}
}

// checkSizes holds each number to its range, and their product to that of a
// window.
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
		f.Add("window_W", ErrTooLarge, "%d steps of %d dims, want at most %d values a window", m.W, m.Dims, sensor.MaxWindowLen)
	}
}

// size is a whole number of the manifest and its range.
type size struct {
	field              string
	value, least, most int
}

func (s size) check(f *modelfile.Faults) {
	switch {
	case f.Has(s.field) || f.Has("bitpack") && strings.HasPrefix(s.field, "bitpack."):
	case s.value < s.least:
		f.Add(s.field, ErrMalformed, "%d, want at least %d", s.value, s.least)
	case s.value > s.most:
		f.Add(s.field, ErrTooLarge, "%d, want at most %d", s.value, s.most)
	}
}

// checkFormat names what is well-formed and not read here.
func (m *Manifest) checkFormat(f *modelfile.Faults) {
	switch m.ManifestVersion {
	case "", ManifestVersion1, ManifestVersion2:
	default:
		f.Add("manifest_version", ErrUnsupported, "%q, want %q or %q", m.ManifestVersion, ManifestVersion1, ManifestVersion2)
	}
	if m.ModelFormat != "" && m.ModelFormat != LayerFormat && !f.Has("model_format") {
		f.Add("model_format", ErrUnsupported, "%q, want %q", m.ModelFormat, LayerFormat)
	}
	if m.Packing != "" && !slices.Contains(bam.Packings(), m.Packing) && !f.Has("packing") {
		f.Add("packing", ErrUnsupported, "%q, want one of %v", m.Packing, bam.Packings())
	}
}

// checkBitPack sees to it that version, packing and object go together.
func (m *Manifest) checkBitPack(f *modelfile.Faults) {
	if f.Has("bitpack") {
		return
	}
	if v2 := m.ManifestVersion == ManifestVersion2; v2 != (m.Packing == bam.BitPack) || v2 != (m.BitPack != nil) {
		f.Add("bitpack", ErrMalformed, "manifest_version %q, packing %q, bitpack object %t: want version 2, packing bitpack and the object together", m.ManifestVersion, m.Packing, m.BitPack != nil)
	}
	if m.BitPack != nil && m.BitPack.Path == "" {
		f.Add("bitpack.path", ErrMalformed, "missing or empty, want a value")
	}
}

// CheckPayload reports a payload longer than limit bytes (0: MaxPayloadBytes).
func (m *Manifest) CheckPayload(limit int) error {
	if limit == 0 {
		limit = MaxPayloadBytes
	}
	if n := m.PayloadBytes(); n > limit {
		return &Error{File: ManifestFile, Field: "latent_dim",
			Err: fmt.Errorf("%w: %d latents as %s make a payload of %d bytes, want at most %d", ErrTooLarge, m.LatentDim, m.Packing, n, limit)}
	}
	return nil
}
