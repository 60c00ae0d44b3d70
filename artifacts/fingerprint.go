package artifacts

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/loralink/loralink-go/internal/modelfile"
	"github.com/loralink/loralink-go/internal/pytext"
)

// Codec names a BAM model's codec in artifacts.json and in a RunSpec.
const (
	CodecID      = "bam"
	CodecVersion = "0"
)

// Artifacts is artifacts.json: what two ends compare before a run. The first
// six fields are the reference's and make the fingerprint. Files and ModelHash
// are ours: the first six alone cannot tell a model from another of its shape.
type Artifacts struct {
	CodecID           string  `json:"codec_id" validate:"required"`
	CodecVersion      string  `json:"codec_version" validate:"required"`
	GitCommit         *string `json:"git_commit"`
	NormParamsHash    *string `json:"norm_params_hash" validate:"omitempty,len=64,hexadecimal"`
	PayloadSchemaHash string  `json:"payload_schema_hash" validate:"len=64,hexadecimal"`
	CreatedAt         string  `json:"created_at" validate:"required"`
	// Files maps each file's path to the hex SHA-256 of its bytes.
	Files map[string]string `json:"files,omitempty" validate:"dive,len=64,hexadecimal"`
	// ModelHash is the hash over Files that [ModelHash] makes.
	ModelHash string `json:"model_hash,omitempty" validate:"omitempty,len=64,hexadecimal"`
}

// Fingerprint is the hex SHA-256 of the six fields as sorted JSON.
func (a *Artifacts) Fingerprint() string {
	var b []byte
	field := func(name string, value *string) {
		if b == nil {
			b = append(b, '{')
		} else {
			b = append(b, ", "...)
		}
		b = pytext.AppendJSONString(b, name)
		b = append(b, ": "...)
		if value == nil {
			b = append(b, "null"...)
			return
		}
		b = pytext.AppendJSONString(b, *value)
	}
	field("codec_id", &a.CodecID)
	field("codec_version", &a.CodecVersion)
	field("created_at", &a.CreatedAt)
	field("git_commit", a.GitCommit)
	field("norm_params_hash", a.NormParamsHash)
	field("payload_schema_hash", &a.PayloadSchemaHash)
	return modelfile.Hash(append(b, '}'))
}

// ModelHash is the hex SHA-256 over the lines "<hex>  <path>\n" of files,
// sorted by path: what this prints in the model's folder:
//
//	sha256sum bam_manifest.json layer_*.npz norm.json | LC_ALL=C sort -k2 | sha256sum
func ModelHash(files map[string]string) string {
	var b []byte
	for _, path := range slices.Sorted(maps.Keys(files)) {
		b = fmt.Appendf(b, "%s  %s\n", files[path], path)
	}
	return modelfile.Hash(b)
}

// timeText writes a time as artifacts.json has it: UTC, to the second, with a
// numeric zone.
func timeText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05+00:00") }

// NewArtifacts describes a model of these files, by the hex SHA-256 of each. A
// gitCommit of "" is written null.
func NewArtifacts(m *Manifest, files map[string]string, created time.Time, gitCommit string) *Artifacts {
	a := &Artifacts{
		CodecID: CodecID, CodecVersion: CodecVersion,
		PayloadSchemaHash: SchemaHash(m.Schema()), CreatedAt: timeText(created),
		Files: files, ModelHash: ModelHash(files),
	}
	if gitCommit != "" {
		a.GitCommit = &gitCommit
	}
	if h, ok := files[NormFile]; ok {
		a.NormParamsHash = &h
	}
	return a
}

// parseArtifacts reads artifacts.json.
func parseArtifacts(file string, data []byte) (*Artifacts, error) {
	var a Artifacts
	f := modelfile.Decode(data, &a)
	if !f.Whole() {
		for _, x := range []struct{ field, value string }{
			{"codec_id", a.CodecID}, {"codec_version", a.CodecVersion}, {"payload_schema_hash", a.PayloadSchemaHash}, {"created_at", a.CreatedAt},
		} {
			if x.value == "" && !f.Has(x.field) {
				f.Add(x.field, ErrMalformed, "missing or empty, want a value")
			}
		}
	}
	if err := located(file, f); err != nil {
		return nil, err
	}
	return &a, nil
}

// Verify reports every way in which the model differs from what a says of it:
// codec, payload schema, norm, and, where a lists them, each file. Each fault
// is an *Error that names the file and wraps ErrMismatch.
func (a *Artifacts) Verify(m *Model) error {
	var f modelfile.Faults
	if a.CodecID != CodecID || a.CodecVersion != CodecVersion {
		f.Add("codec_id", ErrMismatch, "codec %q version %q, want %q %q", a.CodecID, a.CodecVersion, CodecID, CodecVersion)
	}
	if want := SchemaHash(m.Manifest.Schema()); a.PayloadSchemaHash != want {
		f.Add("payload_schema_hash", ErrMismatch, "%.12s…, want %.12s… of %s: %s was changed, or belongs to another model", a.PayloadSchemaHash, want, m.Manifest.Schema(), ManifestFile)
	}
	norm := m.normHash()
	switch {
	case a.NormParamsHash == nil && norm != "":
		f.Add("norm_params_hash", ErrMismatch, "null, but the model has %s", NormFile)
	case a.NormParamsHash != nil && *a.NormParamsHash != norm:
		f.Add("norm_params_hash", ErrMismatch, "%.12s…, found %s: %s was changed, or belongs to another model", *a.NormParamsHash, short(norm), NormFile)
	}
	if a.Files != nil {
		for _, path := range slices.Sorted(maps.Keys(a.Files)) {
			switch got, ok := m.Files[path]; {
			case !ok:
				f.Add("files", ErrMismatch, "%s is listed, but the model does not hold it", path)
			case got != a.Files[path]:
				f.Add("files", ErrMismatch, "%s was changed, or belongs to another model: its SHA-256 is %.12s…, want %.12s…", path, got, a.Files[path])
			}
		}
		for _, path := range slices.Sorted(maps.Keys(m.Files)) {
			if _, ok := a.Files[path]; !ok {
				f.Add("files", ErrMismatch, "%s is not listed", path)
			}
		}
		if want := ModelHash(a.Files); a.ModelHash != want {
			f.Add("model_hash", ErrMismatch, "%s, want %.12s… of the files listed", short(a.ModelHash), want)
		}
	}
	return located(ArtifactsFile, f)
}

func short(h string) string {
	if h == "" {
		return "none"
	}
	return fmt.Sprintf("%.12s…", h)
}
