package artifacts

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/loralink/loralink-go/internal/modelfile"
	"github.com/loralink/loralink-go/internal/pytext"
)

// The codec of a BAM model in artifacts.json and in a RunSpec.
const (
	CodecID      = "bam"
	CodecVersion = "0"
)

// Artifacts is the content of artifacts.json, which sender and receiver compare before
// a run. The first six fields are the reference's; the fingerprint is made from them.
// Files and ModelHash are an addition, because the first six fields can be equal for
// different models of the same sizes.
type Artifacts struct {
	CodecID      string `json:"codec_id" validate:"required"`      // CodecID
	CodecVersion string `json:"codec_version" validate:"required"` // CodecVersion
	// GitCommit is the commit of the program that trained the model; null: unknown.
	GitCommit *string `json:"git_commit"`
	// NormParamsHash is the hex SHA-256 of the bytes of norm.json, or of the same text
	// with LF or CR LF at the end of each line; null: no such file or, if Files is
	// absent, not recorded.
	NormParamsHash *string `json:"norm_params_hash" validate:"omitempty,len=64,hexadecimal"`
	// PayloadSchemaHash is SchemaHash of Manifest.Schema.
	PayloadSchemaHash string `json:"payload_schema_hash" validate:"len=64,hexadecimal"`
	CreatedAt         string `json:"created_at" validate:"required"` // such as 2026-01-02T03:04:05+00:00
	// Files maps the path of each file to the hex SHA-256 of its bytes.
	Files map[string]string `json:"files,omitempty" validate:"dive,len=64,hexadecimal"`
	// ModelHash is the result of the function ModelHash for Files.
	ModelHash string `json:"model_hash,omitempty" validate:"omitempty,len=64,hexadecimal"`
}

// Fingerprint returns the hex SHA-256 of the six fields of the reference as sorted JSON.
// They include CreatedAt and GitCommit, so that it differs between two savings of the
// same model: compare ModelHash to find out whether models are equal.
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

// ModelHash returns the hex SHA-256 over the lines "<hex>  <path>\n" of files, which
// maps paths to hex SHA-256, sorted by path. For a model without bitpack.npz this prints
// the same in its folder:
//
//	sha256sum bam_manifest.json layer_*.npz norm.json | LC_ALL=C sort -k2 | sha256sum
func ModelHash(files map[string]string) string {
	var b []byte
	for _, path := range slices.Sorted(maps.Keys(files)) {
		b = fmt.Appendf(b, "%s  %s\n", files[path], path)
	}
	return modelfile.Hash(b)
}

// timeText returns a time in the format of artifacts.json: UTC, to the second, with a
// numeric zone.
func timeText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05+00:00") }

// NewArtifacts returns the artifacts.json of a model. Files maps the path of each file
// to its hex SHA-256. A gitCommit of "" becomes null.
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
		for _, x := range []struct{ field, value, want string }{
			{"codec_id", a.CodecID, `"` + CodecID + `"`}, {"codec_version", a.CodecVersion, `"` + CodecVersion + `"`},
			{"payload_schema_hash", a.PayloadSchemaHash, "a hex SHA-256"}, {"created_at", a.CreatedAt, "a time such as 2026-01-02T03:04:05+00:00"},
		} {
			if x.value == "" && !f.Has(x.field) {
				f.Add(x.field, ErrMalformed, "missing, want %s", x.want)
			}
		}
	}
	if err := located(file, f); err != nil {
		return nil, err
	}
	return &a, nil
}

// Verify returns an error that wraps ErrMismatch unless the codec, the payload schema and
// the norm of the model, and each file that a lists, are those in a. It joins an *Error
// for each difference.
func (a *Artifacts) Verify(m *Model) error {
	return a.verify(ArtifactsFile, m)
}

func (a *Artifacts) verify(file string, m *Model) error {
	f := a.differences(CodecID, CodecVersion, m.Manifest.Schema())
	norm := m.normHash()
	switch {
	case a.NormParamsHash == nil && norm != "" && a.Files != nil:
		f.Add("norm_params_hash", ErrMismatch, "found null, want %s of %s", short(norm), NormFile)
	case a.NormParamsHash != nil && !m.hasNorm(*a.NormParamsHash) && *a.NormParamsHash != a.Files[m.normFile]: // else it is reported below
		f.Add("norm_params_hash", ErrMismatch, "%s has SHA-256 %s, want %s: it was changed, or belongs to another model", NormFile, short(norm), short(*a.NormParamsHash))
	}
	if a.Files != nil {
		for _, path := range slices.Sorted(maps.Keys(a.Files)) {
			switch got, ok := m.Files[path]; {
			case !ok:
				f.Add("files", ErrMismatch, "%s is listed, but not a file of the model", path)
			case got != a.Files[path]:
				f.Add("files", ErrMismatch, "%s has SHA-256 %s, want %s: it was changed, or belongs to another model", path, short(got), short(a.Files[path]))
			}
		}
		for _, path := range slices.Sorted(maps.Keys(m.Files)) {
			if _, ok := a.Files[path]; !ok {
				f.Add("files", ErrMismatch, "%s is a file of the model, but not listed", path)
			}
		}
		if want := ModelHash(a.Files); a.ModelHash != want {
			f.Add("model_hash", ErrMismatch, "found %s, want %s, the hash over files", short(a.ModelHash), short(want))
		}
	}
	return located(file, f)
}

// differences compares a with a codec.
func (a *Artifacts) differences(id, version, schema string) (f modelfile.Faults) {
	if a.CodecID != id || a.CodecVersion != version {
		f.Add("codec_id", ErrMismatch, "found codec %q version %q, want %q %q", a.CodecID, a.CodecVersion, id, version)
	}
	if want := SchemaHash(schema); a.PayloadSchemaHash != want {
		f.Add("payload_schema_hash", ErrMismatch, "found %.12s…, want %.12s… of %s: the codec or its parameters were changed", a.PayloadSchemaHash, want, schema)
	}
	return f
}

// A Hashes is a file of hashes: an artifacts.json, under any name and in any folder, of
// any codec.
type Hashes struct {
	File string // its path
	Artifacts
}

// LoadHashes reads the file of hashes at path.
func LoadHashes(path string) (*Hashes, error) {
	data, err := read(modelfile.Disk(), path, maxArtifacts)
	if err != nil {
		return nil, err
	}
	a, err := parseArtifacts(path, data)
	if err != nil {
		return nil, err
	}
	return &Hashes{path, *a}, nil
}

// Verify returns an error that wraps ErrMismatch unless the file's hashes are those of a
// codec with this id, version and payload schema. M is the codec's model, nil if it has
// none; see Artifacts.Verify. Verify joins an *Error for each difference.
func (h *Hashes) Verify(id, version, schema string, m *Model) error {
	if m != nil && id == CodecID {
		return h.verify(h.File, m)
	}
	return located(h.File, h.differences(id, version, schema))
}

// short returns the beginning of a hash, or "none" for "".
func short(h string) string {
	if h == "" {
		return "none"
	}
	return fmt.Sprintf("%.12s…", h)
}
