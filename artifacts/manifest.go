package artifacts

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/go-playground/validator/v10"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/pytext"
)

// Caps on a model's sizes.
const (
	// MaxLatentDim is the largest number of latents.
	MaxLatentDim = 1 << 12
	// MaxPayloadBytes is the payload one frame holds, and the default limit.
	MaxPayloadBytes = 238
)

// Values of a manifest's version and format fields.
const (
	ManifestVersion1 = "1" // what the reference reads
	ManifestVersion2 = "2" // packing bitpack
	LayerFormat      = "layer_npz_v1"
)

// Manifest is bam_manifest.json. Paths are relative to its folder.
type Manifest struct {
	ManifestVersion string      `json:"manifest_version" validate:"required"`
	ModelFormat     string      `json:"model_format" validate:"required"`
	ModelPath       string      `json:"model_path" validate:"required"`
	LatentDim       int         `json:"latent_dim" validate:"min=1,max=4096"`
	Packing         bam.Packing `json:"packing" validate:"required"`
	// Scale is required for the integer packings, and null for the others.
	Scale        *float64    `json:"scale"`
	Delta        *float64    `json:"delta"` // null, as 0: linear
	EncodeCycles int         `json:"encode_cycles" validate:"min=0,max=1000"`
	DecodeCycles int         `json:"decode_cycles" validate:"min=0,max=1000"`
	InputDims    int         `json:"input_dims" validate:"min=1,max=65536"`
	WindowW      int         `json:"window_W" validate:"min=1,max=65536"`
	WindowStride int         `json:"window_stride" validate:"min=1"`
	NormPath     *string     `json:"norm_path"` // null: windows are fed as they are
	Notes        *string     `json:"notes"`
	TrainSplit   *TrainSplit `json:"train_split,omitempty"`
	// NormWidening is how many times each of norm.json's std is wider than the
	// deviation of the training windows, where the transmission wants them
	// near 0; null: as wide. Ours; the reference passes it over.
	NormWidening []float64 `json:"norm_widening,omitempty"`
	// BitPack describes the payload of packing bitpack; null for the others.
	BitPack *BitPackInfo `json:"bitpack,omitempty"`
}

// BitPackInfo is the manifest's bitpack object. The tables themselves are in
// the file it names.
type BitPackInfo struct {
	Path         string `json:"path" validate:"required"`
	PayloadBytes int    `json:"payload_bytes" validate:"min=1,max=255"`
	ModeBits     int    `json:"mode_bits" validate:"min=0,max=8"`
	Modes        int    `json:"modes" validate:"min=1,max=256"`
	Rotation     int    `json:"rotation" validate:"min=0,max=64"`
	Check        bool   `json:"check"`
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

// WindowLen is the number of values a window has.
func (m *Manifest) WindowLen() int { return m.InputDims * m.WindowW }

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
func SchemaHash(schema string) string {
	sum := sha256.Sum256([]byte(schema))
	return hex.EncodeToString(sum[:])
}

var jsonValidator = sync.OnceValue(func() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name
	})
	return v
})

// fault is what is wrong with one field.
type fault struct {
	field string
	err   error
}

// faults gathers all that is wrong with a file.
type faults []fault

func (f *faults) add(field string, sentinel error, format string, args ...any) {
	*f = append(*f, fault{field, fmt.Errorf("%w: %s", sentinel, fmt.Sprintf(format, args...))})
}

func (f faults) has(field string) bool {
	for _, x := range f {
		if x.field == field {
			return true
		}
	}
	return false
}

func (f faults) in(file string) error {
	if len(f) == 0 {
		return nil
	}
	errs := make([]error, len(f))
	for i, x := range f {
		errs[i] = &Error{File: file, Field: x.field, Err: x.err}
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// tags runs the validate tags of s and adds what they find, except for fields
// that already have a fault.
func (f *faults) tags(s any) {
	var found validator.ValidationErrors
	if err := jsonValidator().Struct(s); !errors.As(err, &found) {
		return
	}
	for _, e := range found {
		_, field, _ := strings.Cut(e.Namespace(), ".")
		if f.has(field) {
			continue
		}
		got, err := json.Marshal(e.Value())
		if err != nil {
			got = fmt.Append(nil, e.Value())
		}
		switch e.Tag() {
		case "required":
			f.add(field, ErrMalformed, "missing or empty, want a value")
		case "min":
			f.add(field, ErrMalformed, "%s, want at least %s", got, e.Param())
		case "max":
			f.add(field, ErrTooLarge, "%s, want at most %s", got, e.Param())
		default:
			f.add(field, ErrMalformed, "%s, want %s %s", got, e.Tag(), e.Param())
		}
	}
}

// decodeObject fills the fields of the struct dst from a JSON object, each on
// its own, so that every wrong type is named. Keys match to the letter; unknown
// keys are passed over.
func decodeObject(data []byte, dst any) faults {
	var f faults
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		f.add("", ErrMalformed, "%s", jsonFault(data, err))
		return f
	}
	if raw == nil {
		f.add("", ErrMalformed, "null, want a JSON object")
		return f
	}
	v := reflect.ValueOf(dst).Elem()
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		value, ok := raw[name]
		if !ok || name == "" {
			continue
		}
		if err := json.Unmarshal(value, v.Field(i).Addr().Interface()); err != nil {
			f.add(name, ErrMalformed, "%s", jsonFault(value, err))
		}
	}
	return f
}

// jsonFault says in a few words what encoding/json stumbled on.
func jsonFault(data []byte, err error) string {
	var wrongType *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrongType):
		want := map[reflect.Kind]string{
			reflect.Int: "a whole number", reflect.Int64: "a whole number", reflect.Float64: "a number",
			reflect.String: "a string", reflect.Struct: "an object", reflect.Map: "an object", reflect.Slice: "a list",
		}[wrongType.Type.Kind()]
		if want == "" {
			want = wrongType.Type.String()
		}
		at := ""
		if wrongType.Field != "" {
			at = wrongType.Field + ": "
		}
		return fmt.Sprintf("%s%s, want %s", at, wrongType.Value, want)
	case errors.As(err, &syntax):
		return fmt.Sprintf("%s at byte %d of %d, want JSON", syntax, syntax.Offset, len(data))
	}
	return err.Error()
}

// Check reports all that is wrong with the manifest, each fault an *Error
// that names the JSON field.
func (m *Manifest) Check() error { return m.validate(nil).in(ManifestFile) }

func (m *Manifest) validate(f faults) faults {
	f.tags(m)
	switch m.ManifestVersion {
	case "", ManifestVersion1, ManifestVersion2:
	default:
		f.add("manifest_version", ErrUnsupported, "%q, want %q or %q", m.ManifestVersion, ManifestVersion1, ManifestVersion2)
	}
	if v2 := m.ManifestVersion == ManifestVersion2; v2 != (m.Packing == bam.BitPack) || v2 != (m.BitPack != nil) {
		f.add("bitpack", ErrMalformed, "manifest_version %q, packing %q, bitpack object %t: want version 2, packing bitpack and the object together", m.ManifestVersion, m.Packing, m.BitPack != nil)
	}
	if m.ModelFormat != "" && m.ModelFormat != LayerFormat && !f.has("model_format") {
		f.add("model_format", ErrUnsupported, "%q, want %q", m.ModelFormat, LayerFormat)
	}
	if m.Packing != "" && !slices.Contains(bam.Packings(), m.Packing) && !f.has("packing") {
		f.add("packing", ErrUnsupported, "%q, want one of %v", m.Packing, bam.Packings())
	}
	if m.Packing.Integer() && !f.has("scale") {
		switch {
		case m.Scale == nil:
			f.add("scale", ErrMalformed, "missing, want a number above 0 for packing %s", m.Packing)
		case !(*m.Scale > 0) || !(float32(*m.Scale) > 0) || math.IsInf(float64(float32(*m.Scale)), 0):
			f.add("scale", ErrMalformed, "%g, want a number above 0 that float32 holds", *m.Scale)
		}
	}
	if !f.has("delta") && !f.has("encode_cycles") && !f.has("decode_cycles") {
		if err := bam.CheckTransmission(m.DeltaOrZero(), m.EncodeCycles, m.DecodeCycles); err != nil {
			f.add("delta", ErrMalformed, "%s", strings.TrimPrefix(err.Error(), bam.ErrParam.Error()+": "))
		}
	}
	if m.InputDims > 0 && m.WindowW > 0 && m.InputDims <= sensor.MaxWindowLen && m.WindowW <= sensor.MaxWindowLen &&
		uint64(m.InputDims)*uint64(m.WindowW) > sensor.MaxWindowLen {
		f.add("window_W", ErrTooLarge, "%d steps of %d dims, want at most %d values a window", m.WindowW, m.InputDims, sensor.MaxWindowLen)
	}
	if n := len(m.NormWidening); n > 0 && n != m.WindowLen() {
		f.add("norm_widening", ErrMismatch, "%d values, want %d, the window's length", n, m.WindowLen())
	}
	for i, w := range m.NormWidening {
		if !(w > 0) {
			f.add("norm_widening", ErrMalformed, "value %d is %g, want above 0", i, w)
			break
		}
	}
	if s := m.TrainSplit; s != nil && !(s.TrainRatio > 0) {
		f.add("train_split", ErrMalformed, "train_ratio is %g, want above 0", s.TrainRatio)
	} else if s != nil && s.Method == SplitByTime && s.CutTsMs == nil {
		f.add("train_split", ErrMalformed, "method %s without cut_ts_ms, want the time it cuts at", s.Method)
	}
	return f
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
