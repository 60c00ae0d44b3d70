package artifacts

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/errtext"
	"github.com/loralink/loralink-go/internal/leftover"
	"github.com/loralink/loralink-go/internal/modelfile"
	"github.com/loralink/loralink-go/internal/npz"
)

// MaxWeights is the largest number of weights in the layers of a model, W and V together.
const MaxWeights = 4 << 20

// Limits on files, in bytes, and on a model's layers.
const (
	maxManifest  = 1 << 20
	maxArtifacts = 64 << 10 // ten times the size with maxLayers layers
	maxNorm      = 4 << 20
	maxLayers    = 64
)

// A Model is a model in memory. Several goroutines may share it, as long as none
// modifies it.
type Model struct {
	Manifest Manifest
	Net      bam.Model
	Norm     *bam.Norm   // nil if the model has none
	Tables   *bam.Tables // of packing bitpack; nil for the others
	// Files maps the path of every file that was read, relative to the manifest's
	// folder, to the hex SHA-256 of its bytes. It is empty for a model of NewModel.
	Files map[string]string
	// Artifacts is the artifacts.json next to the manifest; nil if there is none, or it
	// is that of another codec.
	Artifacts *Artifacts

	normFile   string
	normHashes []string // of the norm's file, and of its text with either line end
}

// Hash returns the model's hash, by which sender and receiver compare their models: that
// of the function ModelHash for Files, or "" if there are no files.
func (m *Model) Hash() string {
	if len(m.Files) == 0 {
		return ""
	}
	return ModelHash(m.Files)
}

// Packer returns the packer of the model's payloads.
func (m *Model) Packer() (bam.Packer, error) {
	if m.Tables != nil {
		hash, err := hex.DecodeString(m.Hash())
		if err != nil {
			return nil, err
		}
		return bam.NewBitPacker(m.Tables, m.Manifest.LatentDim, hash)
	}
	scale := 0.0
	if m.Manifest.Scale != nil {
		scale = *m.Manifest.Scale
	}
	return bam.NewPacker(m.Manifest.Packing, m.Manifest.LatentDim, scale)
}

// DataStd returns the standard deviation of each value over the training windows: Std of
// the norm without the manifest's widening. It returns nil if the model has no norm.
func (m *Model) DataStd() []float64 {
	if m.Norm == nil {
		return nil
	}
	std := slices.Clone(m.Norm.Std)
	for i, w := range m.Manifest.NormWidening {
		std[i] /= w
	}
	return std
}

// normHash returns the hash of the norm's file; "" if there is none.
func (m *Model) normHash() string { return m.Files[m.normFile] }

// hasNorm reports whether hash is that of the norm's file, or of its text with another
// line end: a program on Windows may take the hash before line ends are converted.
func (m *Model) hasNorm(hash string) bool {
	return hash == m.normHash() || slices.Contains(m.normHashes, hash)
}

// Load reads the model whose bam_manifest.json is at path. If there is an artifacts.json
// next to it, Load compares the files with the hashes in it, as Artifacts.Verify does.
func Load(path string) (*Model, error) { return verified(LoadUnverified(path)) }

// LoadFS reads a model like Load, from a file system such as one of go:embed. The paths
// in the manifest must not leave it.
func LoadFS(fsys fs.FS, name string) (*Model, error) {
	return verified(load(modelfile.FS(fsys), name))
}

// LoadUnverified reads a model like Load, but does not compare it with artifacts.json. It
// is for programs that inspect a damaged folder.
func LoadUnverified(path string) (*Model, error) {
	m, err := load(modelfile.Disk(), path)
	if errors.Is(err, ErrNotFound) {
		if dir := keptModel(filepath.Dir(path)); dir != "" {
			err = fmt.Errorf("%w; an interrupted save left a complete model in %s: rename it to %s", err, dir, filepath.Dir(path))
		}
	}
	return m, err
}

// LoadManifest reads only the manifest at path. The other files need not exist.
func LoadManifest(path string) (*Manifest, error) {
	data, err := readManifest(modelfile.Disk(), path)
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(path, data)
	if err != nil {
		return nil, err
	}
	return &m, nil
}

// verified compares a model with its artifacts.json, if it has one.
func verified(m *Model, err error) (*Model, error) {
	if err == nil && m.Artifacts != nil {
		err = m.Artifacts.Verify(m)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// read returns the content of a file of at most limit bytes.
func read(t modelfile.Tree, name string, limit int64) ([]byte, error) {
	data, err := t.Read(name, limit)
	if err != nil {
		return nil, &Error{File: name, Err: err}
	}
	return data, nil
}

// loader reads one model.
type loader struct {
	tree     modelfile.Tree
	manifest string // path of the manifest
	dir      string // its folder
	m        *Model
}

// join returns the path of the file or folder rel, which a field of the manifest refers
// to.
func (l *loader) join(field, rel string) (string, error) {
	file, err := l.tree.Join(l.dir, rel)
	if err != nil {
		return "", &Error{File: l.manifest, Field: field, Err: err}
	}
	return file, nil
}

// file reads the file rel, which a field of the manifest refers to, and stores its hash.
func (l *loader) file(field, rel string, limit int64) (file string, data []byte, err error) {
	if file, err = l.join(field, rel); err != nil {
		return "", nil, err
	}
	if data, err = read(l.tree, file, limit); err != nil {
		return "", nil, err
	}
	l.m.Files[path.Clean(filepath.ToSlash(rel))] = modelfile.Hash(data)
	return file, data, nil
}

func load(t modelfile.Tree, name string) (*Model, error) {
	if err := t.CheckName(name); err != nil {
		return nil, &Error{File: name, Err: err}
	}
	l := &loader{tree: t, manifest: name, dir: t.Dir(name), m: &Model{Files: map[string]string{}}}
	data, err := readManifest(t, name)
	if err != nil {
		return nil, err
	}
	if l.m.Manifest, err = parseManifest(name, data); err != nil {
		return nil, err
	}
	l.m.Files[path.Base(filepath.ToSlash(name))] = modelfile.Hash(data)
	for _, part := range []func() error{l.norm, l.layers, l.tables, l.artifacts} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return l.m, nil
}

// readManifest returns the content of the file at name, if it is not a folder.
func readManifest(t modelfile.Tree, name string) ([]byte, error) {
	if info, err := t.Stat(name); err == nil && info.IsDir() {
		return nil, &Error{File: name, Err: fmt.Errorf("%w: found a folder, want the path of the %s in it", ErrMalformed, ManifestFile)}
	}
	return read(t, name, maxManifest)
}

// parseManifest decodes bam_manifest.json. It returns all errors of the file, but only
// one if the file is of another kind.
func parseManifest(file string, data []byte) (Manifest, error) {
	var m Manifest
	f := modelfile.Decode(data, &m)
	if len(f) == 0 && m.ManifestVersion == "" && m.ModelFormat == "" && m.LatentDim == 0 {
		if what := otherKind(data); what != "" {
			f.Add("", ErrUnsupported, "this is %s, want the %s of a model's folder", what, ManifestFile)
			return m, located(file, f)
		}
		f.Add("", ErrUnsupported, "found a JSON object without manifest_version, model_format and latent_dim, want the %s of a model's folder", ManifestFile)
		return m, located(file, f)
	}
	if !f.Whole() {
		f = m.check(f)
	}
	return m, located(file, f)
}

// otherKind says what a JSON object is that people take for a manifest; "" for others.
func otherKind(data []byte) string {
	var keys struct {
		Rungs, Tolerances, Modes, Dims, Mean, Files json.RawMessage
		PayloadSchemaHash                           json.RawMessage `json:"payload_schema_hash"`
		RunID                                       json.RawMessage `json:"run_id"`
	}
	if err := json.Unmarshal(data, &keys); err != nil {
		return ""
	}
	switch {
	case keys.Rungs != nil && keys.Tolerances != nil:
		return "a ladder.json (codec.Load and the flag --ladder read it)"
	case keys.Dims != nil && keys.Modes != nil:
		return "an entropy_grid.json (codec.Load and the flag --entropy-grid read it)"
	case keys.Dims != nil:
		return "a grid.json (codec.Load and the flag --grid read it)"
	case keys.PayloadSchemaHash != nil:
		return "an artifacts.json, the hashes of a model"
	case keys.Mean != nil:
		return "a norm.json, a part of a model"
	case keys.RunID != nil:
		return "a RunSpec or a report"
	}
	return ""
}

// norm reads the file that norm_path names.
func (l *loader) norm() error {
	rel := l.m.Manifest.NormPath
	if rel == nil || *rel == "" {
		return nil
	}
	file, data, err := l.file("norm_path", *rel, maxNorm)
	if err != nil {
		return err
	}
	l.m.normFile = path.Clean(filepath.ToSlash(*rel))
	lf := bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	l.m.normHashes = []string{modelfile.Hash(lf), modelfile.Hash(bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n")))}
	l.m.Norm, err = parseNorm(file, data, l.m.Manifest.WindowLen())
	return err
}

// parseNorm decodes norm.json for windows of n values.
func parseNorm(file string, data []byte, n int) (*bam.Norm, error) {
	// Counting the numbers first saves the memory and time for lists that are far too
	// long.
	if numbers, most := bytes.Count(data, []byte(",")), 8*n+1024; numbers > most {
		return nil, &Error{File: file, Err: fmt.Errorf("%w: found about %d numbers, want %d for windows of %d values", ErrTooLarge, numbers, 2*n, n)}
	}
	// Pointers tell null from 0.
	var lists struct {
		Mean []*float64 `json:"mean"`
		Std  []*float64 `json:"std"`
	}
	f := modelfile.Decode(data, &lists)
	if f.Whole() {
		return nil, located(file, f)
	}
	norm := &bam.Norm{Mean: normValues(&f, "mean", lists.Mean, n), Std: normValues(&f, "std", lists.Std, n)}
	if err := located(file, f); err != nil {
		return nil, err
	}
	return norm, nil
}

// normValues returns one list of norm.json, checked.
func normValues(f *modelfile.Faults, field string, list []*float64, n int) []float64 {
	if f.Has(field) {
		return nil
	}
	if len(list) != n {
		f.Add(field, ErrMismatch, "found %d values, want %d, the window's length", len(list), n)
		return nil
	}
	values := make([]float64, n)
	for i, v := range list {
		if v == nil {
			f.Add(field, ErrMalformed, "value %d is null, want a number", i)
			return nil
		}
		if math.IsNaN(*v) || math.IsInf(*v, 0) || field == "std" && *v < 0 {
			f.Add(field, ErrMalformed, "value %d is %g, want a finite number, std 0 or more", i, *v)
			return nil
		}
		values[i] = *v
	}
	return values
}

// LayerFile returns the name of the file of layer i.
func LayerFile(i int) string { return "layer_" + strconv.Itoa(i) + ".npz" }

// layerNumber returns the number of the layer in a file of that name; ok is false for
// other files.
func layerNumber(name string) (i int, ok bool) {
	digits, isLayer := strings.CutPrefix(name, "layer_")
	digits, isNPZ := strings.CutSuffix(digits, ".npz")
	if !isLayer || !isNPZ || len(digits) > 6 {
		return 0, false
	}
	i, err := strconv.Atoi(digits)
	return i, err == nil && strconv.Itoa(i) == digits
}

// IsModelFile reports whether name is the name of a file in a model's folder.
func IsModelFile(name string) bool {
	switch name {
	case ManifestFile, NormFile, BitPackFile, ArtifactsFile, TrainReportFile:
		return true
	}
	_, ok := layerNumber(name)
	return ok
}

// layers reads layer_0.npz, layer_1.npz, … in the order of their numbers.
func (l *loader) layers() error {
	man := &l.m.Manifest
	folder, last, err := l.lastLayer()
	if err != nil {
		return err
	}
	weights := 0
	inputs := man.WindowLen()
	for i := range last + 1 {
		file, data, err := l.file("model_path", path.Join(filepath.ToSlash(man.ModelPath), LayerFile(i)), npz.MaxFile)
		if err != nil {
			return err
		}
		layer, err := parseLayer(file, data, inputs)
		if err != nil {
			return err
		}
		if weights += 2 * layer.In() * layer.Out(); weights > MaxWeights {
			return &Error{File: file, Err: fmt.Errorf("%w: found over %d weights in all layers, want at most that many", ErrTooLarge, MaxWeights)}
		}
		l.m.Net.Layers = append(l.m.Net.Layers, layer)
		inputs = layer.Out()
	}
	if inputs != man.LatentDim {
		return &Error{File: l.manifest, Field: "latent_dim", Err: fmt.Errorf("%w: found %d, want %d, the outputs of the last layer", ErrMismatch, man.LatentDim, inputs)}
	}
	l.m.Net.Delta = float32(man.DeltaOrZero())
	l.m.Net.EncodeCycles, l.m.Net.DecodeCycles = man.EncodeCycles, man.DecodeCycles
	if err := l.m.Net.Check(); err != nil {
		return &Error{File: folder, Err: fmt.Errorf("%w: %w", ErrMalformed, errtext.TrimPrefix(err, "bam: "))}
	}
	return nil
}

// lastLayer lists the model's folder and returns the number of its last layer. It returns
// an error if a layer before that is missing.
func (l *loader) lastLayer() (folder string, last int, err error) {
	if folder, err = l.join("model_path", l.m.Manifest.ModelPath); err != nil {
		return "", 0, err
	}
	entries, err := l.tree.ReadDir(folder)
	if err != nil {
		return "", 0, &Error{File: folder, Err: err}
	}
	numbers := map[int]bool{}
	for _, e := range entries {
		if i, ok := layerNumber(e.Name()); ok {
			numbers[i] = true
			last = max(last, i)
		}
	}
	if len(numbers) > maxLayers {
		return "", 0, &Error{File: folder, Err: fmt.Errorf("%w: found %d layers, want at most %d", ErrTooLarge, len(numbers), maxLayers)}
	}
	for i := range last + 1 {
		if numbers[i] {
			continue
		}
		file, err := l.tree.Join(folder, LayerFile(i))
		if err != nil {
			return "", 0, &Error{File: l.manifest, Field: "model_path", Err: err}
		}
		return "", 0, &Error{File: file, Err: fmt.Errorf("%w: want %s to %s without a gap", ErrNotFound, LayerFile(0), LayerFile(last))}
	}
	return folder, last, nil
}

// parseLayer decodes a layer with that number of input values.
func parseLayer(file string, data []byte, inputs int) (bam.Layer, error) {
	arrays, err := readArrays(file, data, "W", "V")
	if err != nil {
		return bam.Layer{}, err
	}
	w, v := arrays["W"], arrays["V"]
	if w.Cols != inputs {
		return bam.Layer{}, &Error{File: file, Field: "W", Err: fmt.Errorf("%w: found %d×%d, want %d columns, the inputs of the layer", ErrMismatch, w.Rows, w.Cols, inputs)}
	}
	if v.Rows != w.Cols || v.Cols != w.Rows {
		return bam.Layer{}, &Error{File: file, Field: "V", Err: fmt.Errorf("%w: found %d×%d, want %d×%d, the transposed shape of W", ErrMismatch, v.Rows, v.Cols, w.Cols, w.Rows)}
	}
	return bam.Layer{W: bam.Matrix(w), V: bam.Matrix(v)}, nil
}

// readArrays reads the named arrays of an npz file.
func readArrays(file string, data []byte, names ...string) (map[string]npz.Array, error) {
	arrays, err := npz.Read(data, names...)
	e, ok := errors.AsType[*npz.Error](err)
	if !ok {
		return arrays, err
	}
	sentinel := ErrMalformed
	switch e.Kind {
	case npz.ErrTooLarge:
		sentinel = ErrTooLarge
	case npz.ErrUnsupported:
		sentinel = ErrUnsupported
	}
	return nil, &Error{File: file, Field: e.Array, Err: fmt.Errorf("%w: %w", sentinel, e.Err)}
}

// artifacts reads the artifacts.json next to the manifest, if there is one. That of
// another codec, which may share the folder, is not the model's.
func (l *loader) artifacts() error {
	file, err := l.join("", ArtifactsFile)
	if err != nil {
		return err
	}
	data, err := read(l.tree, file, maxArtifacts)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	a, err := parseArtifacts(file, data)
	if err == nil && a.CodecID == CodecID {
		l.m.Artifacts = a
	}
	return err
}

// Parts of the names of the folders that a save creates next to its target: the new
// model, and the old one while it is replaced.
const (
	NewInfix = ".new-"
	OldInfix = ".old-"
)

// keptModel returns the folder of a complete model that an interrupted save of dir left;
// "" if there is none. A folder that a running process holds is none.
func keptModel(dir string) string {
	disk := modelfile.Disk()
	if _, err := disk.Stat(dir); err == nil {
		return ""
	}
	siblings, _ := disk.ReadDir(filepath.Dir(dir))
	for _, infix := range []string{NewInfix, OldInfix} {
		for _, e := range siblings {
			if !strings.HasPrefix(e.Name(), filepath.Base(dir)+infix) {
				continue
			}
			f := filepath.Join(filepath.Dir(dir), e.Name())
			release, dead := leftover.Claim(f)
			if !dead && leftover.Locks {
				continue
			}
			m, err := verified(load(disk, filepath.Join(f, ManifestFile)))
			if dead {
				release()
			}
			if err == nil && m.Artifacts != nil {
				return f
			}
		}
	}
	return ""
}
