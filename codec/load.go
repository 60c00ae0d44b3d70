package codec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/internal/modelfile"
)

// Load opens the file of any codec: a model's bam_manifest.json, a grid.json, an
// entropy_grid.json or a ladder.json. It tells them apart by their content, not by
// their name. Path may also be a folder that holds one of them under its usual name.
// For a file of another kind the error wraps ErrUnsupported, and says what the file
// is and what reads it.
//
// An entropy-coded grid has payloads as long as each window needs.
func Load(path string) (Codec, error) { return opener{tree: modelfile.Disk()}.load(path) }

// LoadUnverified is like Load, but loads a model also if its files are not those that its
// artifacts.json lists. It then calls warn with the error that Load would return. It is
// for programs that measure a model, not for the ends of a link.
func LoadUnverified(path string, warn func(error)) (Codec, error) {
	return opener{tree: modelfile.Disk(), warn: warn}.load(path)
}

// LoadFS is like Load with a file in fsys, such as an embed.FS. Paths in the file must
// stay inside fsys.
func LoadFS(fsys fs.FS, name string) (Codec, error) {
	return opener{tree: modelfile.FS(fsys), dir: "."}.load(name)
}

// WithParams returns a codec of Load with those of the parameters that its file does not
// hold: PayloadBytes of an entropy-coded grid, and Float32Norm of a model.
func WithParams(c Codec, p Params) (Codec, error) {
	switch c := c.(type) {
	case *EntropyGrid:
		return codecOr(c.WithPayloadBytes(p.PayloadBytes))
	case *BAM:
		if p.Float32Norm {
			return codecOr(c.WithFloat32Norm())
		}
	}
	return c, nil
}

// kind is a kind of JSON file that this module or its users have.
type kind struct {
	name string
	keys []string // top-level keys by which its JSON object is known
	open func(o opener, name string) (Codec, error)
	hint string // what reads it, if this package does not
}

// kinds are tried in this order.
var kinds []kind

func init() { // in init, because ladders load other codecs
	kinds = []kind{
		{name: "bam_manifest.json", keys: []string{"model_format", "latent_dim"}, open: func(o opener, name string) (Codec, error) { return codecOr(o.bam(name)) }},
		{name: "ladder.json", keys: []string{"rungs", "tolerances"}, open: func(o opener, name string) (Codec, error) { return codecOr(o.ladder(name)) }},
		{name: "entropy_grid.json", keys: []string{"modes", "dims"}, open: func(o opener, name string) (Codec, error) { return codecOr(o.entropyGrid(name, 0)) }},
		{name: "grid.json", keys: []string{"dims", "window_W"}, open: func(o opener, name string) (Codec, error) { return codecOr(o.grid(name)) }},
		{name: "a bam_manifest.json without latent_dim or model_format", keys: []string{"manifest_version"}, hint: "want a manifest of version 1 or 2 with all its fields"},
		{name: "an artifacts.json, the hashes of a model", keys: []string{"codec_id", "payload_schema_hash"}, hint: "load the bam_manifest.json beside it"},
		{name: "a norm.json, means and deviations of a model", keys: []string{"mean", "std"}, hint: "load the bam_manifest.json beside it"},
		{name: "a RunSpec", keys: []string{"run_id", "role"}, hint: "runspec.Load and radio/endpoint read it; its codec section names a codec"},
		{name: "an event log", keys: []string{"ts_ms", "event"}, hint: "radio/runlog reads it"},
		{name: "a data set", keys: []string{"window"}, hint: "dataset.OpenWindows reads it"},
		{name: "a recording", keys: []string{"lat"}, hint: "dataset.OpenSamples reads it"},
		{name: "a recording", keys: []string{"gps"}, hint: "dataset.OpenSamples reads it"},
		{name: "a training report", keys: []string{"hyper_parameters"}, hint: "load the bam_manifest.json beside it"},
		{name: "an evaluation", keys: []string{"payload_schema", "overall"}, hint: "it is a report; the codec's own file is named in it"},
		{name: "a prior.json, where codec predictive starts", keys: []string{"prior", "profile"}, hint: "name it as prior_path in the params of codec predictive"},
		{name: "a sweep report", keys: []string{"bam_results"}, hint: "load a folder under models/ beside it"},
	}
}

// codecOr returns c, or a nil Codec if there is an error.
func codecOr[C Codec](c C, err error) (Codec, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

// folderFiles are the files by which a folder is opened.
var folderFiles = []string{artifacts.ManifestFile, LadderFile, EntropyGridFile, GridFile}

func (o opener) load(name string) (Codec, error) {
	fault := func(sentinel error, format string, args ...any) (Codec, error) {
		return nil, fileError(name, "", fmt.Errorf("%w: %s", sentinel, fmt.Sprintf(format, args...)))
	}
	if name == "" {
		return nil, fmt.Errorf("codec: the path is empty, want that of a codec's file: %w", ErrNotFound)
	}
	if err := o.tree.CheckName(name); err != nil {
		return nil, fileError(name, "", err)
	}
	info, err := o.tree.Stat(name)
	if err != nil {
		return nil, fileError(name, "", err)
	}
	if info.IsDir() {
		for _, file := range folderFiles {
			inside, err := o.tree.Join(name, file)
			if err != nil {
				return nil, fileError(name, "", err)
			}
			if _, err := o.tree.Stat(inside); err == nil {
				return o.load(inside)
			}
		}
		return fault(ErrNotFound, "the folder holds no codec, want one of %s in it", strings.Join(folderFiles, ", "))
	}
	const enough = 64 << 10 // of a file, to tell its kind by
	head, err := o.tree.Head(name, enough)
	if err != nil {
		return nil, fileError(name, "", err)
	}
	if len(head) == 0 {
		return fault(ErrMalformed, "the file is empty, want the file of a codec")
	}
	keys := topKeys(head)
	for _, k := range kinds {
		switch {
		case !hasAll(keys, k.keys):
		case k.open != nil:
			return k.open(o, name)
		default:
			return fault(ErrUnsupported, "this is %s: %s", k.name, k.hint)
		}
	}
	if what, hint := byContent(name, head); what != "" {
		return fault(ErrUnsupported, "this is %s: %s", what, hint)
	}
	if keys == nil {
		return fault(ErrUnsupported, "this is not a JSON object, want a bam_manifest.json, grid.json, entropy_grid.json or ladder.json")
	}
	return fault(ErrUnsupported, "this is a JSON object of another kind, want a bam_manifest.json, grid.json, entropy_grid.json or ladder.json")
}

// topKeys returns the keys of a JSON object, as far as data has them, or nil if data
// does not begin with an object.
func topKeys(data []byte) map[string]bool {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	keys := map[string]bool{}
	for d.More() && len(keys) < 1000 {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			break
		}
		keys[name] = true
		var value json.RawMessage
		if d.Decode(&value) != nil {
			break
		}
	}
	return keys
}

func hasAll(keys map[string]bool, want []string) bool {
	for _, k := range want {
		if !keys[k] {
			return false
		}
	}
	return true
}

// byContent recognises files that are not JSON objects.
func byContent(name string, head []byte) (what, hint string) {
	text := string(head[:min(len(head), 4096)])
	has := func(parts ...string) bool {
		for _, p := range parts {
			if !strings.Contains(text, p) {
				return false
			}
		}
		return true
	}
	switch {
	case strings.HasPrefix(text, "PK\x03\x04"):
		return "a zip or npz file, as a layer of a model", "load the bam_manifest.json beside it"
	case strings.HasPrefix(text, "\x93NUMPY"):
		return "a numpy array", "dataset/numpy reads a data set in it"
	case has("run_id:", "role:"):
		return "a RunSpec", "runspec.Load and radio/endpoint read it; its codec section names a codec"
	case has("lat", "lon", ",") && strings.EqualFold(filepath.Ext(name), ".csv"):
		return "a recording", "dataset.OpenSamples reads it"
	}
	return "", ""
}
