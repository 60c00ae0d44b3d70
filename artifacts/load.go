package artifacts

import (
	"bytes"
	"encoding/hex"
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
	"github.com/loralink/loralink-go/internal/atomicfile"
	"github.com/loralink/loralink-go/internal/modelfile"
	"github.com/loralink/loralink-go/internal/npz"
)

// Caps on files, in bytes, and on a model's layers and weights.
const (
	maxManifest  = 1 << 20
	maxArtifacts = 64 << 10 // maxLayers files take a tenth
	maxNorm      = 4 << 20
	maxLayers    = 64
	maxWeights   = 4 << 20
)

// Model is a model in memory. It is read-only and may be shared.
type Model struct {
	Manifest Manifest
	Net      bam.Model
	Norm     *bam.Norm   // nil where the manifest names none
	Tables   *bam.Tables // of packing bitpack; nil for the others
	// Files maps the path of every file that was read to the hex SHA-256 of
	// the bytes that were read.
	Files map[string]string
	// Artifacts is the artifacts.json beside the manifest; nil where absent.
	Artifacts *Artifacts

	normFile string
}

// Hash is the model's hash, by which two ends agree on one model.
func (m *Model) Hash() string { return ModelHash(m.Files) }

// Packer returns the packer of the model's payloads.
func (m *Model) Packer() (bam.Packer, error) {
	if m.Tables != nil {
		key, err := hex.DecodeString(m.Hash())
		if err != nil {
			return nil, err
		}
		return bam.NewBitPacker(m.Tables, m.Manifest.LatentDim, key)
	}
	scale := 0.0
	if m.Manifest.Scale != nil {
		scale = *m.Manifest.Scale
	}
	return bam.NewPacker(m.Manifest.Packing, m.Manifest.LatentDim, scale)
}

// DataStd is the standard deviation of each value over the training windows, as
// far as the model's files tell: norm.json's, without its widening. It is nil
// where there is no norm.
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

func (m *Model) normHash() string { return m.Files[m.normFile] }

// Load reads the model whose manifest is at path, on disk. Where an artifacts.json
// stands beside the manifest, the files must be those it lists.
func Load(path string) (*Model, error) { return verified(LoadUnverified(path)) }

// LoadFS is Load in a file system, as go:embed makes one. The manifest's paths
// must stay inside it.
func LoadFS(fsys fs.FS, name string) (*Model, error) {
	return verified(load(modelfile.In(fsys), name))
}

// LoadUnverified is Load without the check against artifacts.json, for tools
// that show what is wrong with a folder.
func LoadUnverified(path string) (*Model, error) {
	m, err := load(modelfile.Disk(), path)
	if errors.Is(err, ErrNotFound) {
		if kept := leftBeside(filepath.Dir(path)); kept != "" {
			err = fmt.Errorf("%w; an interrupted save left a complete model in %s: rename it to %s", err, kept, filepath.Dir(path))
		}
	}
	return m, err
}

// LoadManifest reads the manifest at path alone, on disk. Its model need not
// exist yet.
func LoadManifest(path string) (*Manifest, error) {
	data, err := read(modelfile.Disk(), path, maxManifest)
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(path, data)
	if err != nil {
		return nil, err
	}
	return &m, nil
}

// verified checks a model against its artifacts.json, where it has one.
func verified(m *Model, err error) (*Model, error) {
	if err == nil && m.Artifacts != nil {
		err = m.Artifacts.Verify(m)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// read reads a file of at most limit bytes.
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
	manifest string // its path
	dir      string // its folder
	m        *Model
}

// join is the path of what the manifest's field mentions.
func (l *loader) join(field, rel string) (string, error) {
	file, err := l.tree.Join(l.dir, rel)
	if err != nil {
		return "", &Error{File: l.manifest, Field: field, Err: err}
	}
	return file, nil
}

// file reads what the manifest's field mentions, and notes its hash.
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
	data, err := read(t, name, maxManifest)
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

// parseManifest reads bam_manifest.json and reports all its faults at once.
func parseManifest(file string, data []byte) (Manifest, error) {
	var m Manifest
	f := modelfile.Decode(data, &m)
	if !f.Whole() {
		f = m.check(f)
	}
	return m, located(file, f)
}

// norm reads what norm_path names.
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
	l.m.Norm, err = parseNorm(file, data, l.m.Manifest.WindowLen())
	return err
}

// parseNorm reads norm.json for windows of n values.
func parseNorm(file string, data []byte, n int) (*bam.Norm, error) {
	// Numbers are counted before they are read: a list far too long takes
	// memory and time, only to be refused.
	if numbers, most := bytes.Count(data, []byte(",")), 8*n+1024; numbers > most {
		return nil, &Error{File: file, Err: fmt.Errorf("%w: about %d numbers, want %d for windows of %d values", ErrTooLarge, numbers, 2*n, n)}
	}
	// Pointers, because a null among numbers would pass for a 0.
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

// normValues checks one list of norm.json.
func normValues(f *modelfile.Faults, field string, list []*float64, n int) []float64 {
	if f.Has(field) {
		return nil
	}
	if len(list) != n {
		f.Add(field, ErrMismatch, "%d values, want %d, the window's length", len(list), n)
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

// LayerFile is the name of layer i's file.
func LayerFile(i int) string { return "layer_" + strconv.Itoa(i) + ".npz" }

// layerNumber is the number of a layer's file; ok is false for other files.
func layerNumber(name string) (i int, ok bool) {
	digits, isLayer := strings.CutPrefix(name, "layer_")
	digits, isNPZ := strings.CutSuffix(digits, ".npz")
	if !isLayer || !isNPZ || len(digits) > 6 {
		return 0, false
	}
	i, err := strconv.Atoi(digits)
	return i, err == nil && strconv.Itoa(i) == digits
}

// IsModelFile says whether a model's folder may hold a file of this name.
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
	in := man.WindowLen()
	for i := range last + 1 {
		file, data, err := l.file("model_path", path.Join(filepath.ToSlash(man.ModelPath), LayerFile(i)), npz.MaxFile)
		if err != nil {
			return err
		}
		layer, err := parseLayer(file, data, in)
		if err != nil {
			return err
		}
		if weights += 2 * layer.In() * layer.Out(); weights > maxWeights {
			return &Error{File: file, Err: fmt.Errorf("%w: over %d weights in all layers", ErrTooLarge, maxWeights)}
		}
		l.m.Net.Layers = append(l.m.Net.Layers, layer)
		in = layer.Out()
	}
	if in != man.LatentDim {
		return &Error{File: l.manifest, Field: "latent_dim", Err: fmt.Errorf("%w: %d, but the last layer gives %d", ErrMismatch, man.LatentDim, in)}
	}
	l.m.Net.Delta = float32(man.DeltaOrZero())
	l.m.Net.EncodeCycles, l.m.Net.DecodeCycles = man.EncodeCycles, man.DecodeCycles
	if err := l.m.Net.Check(); err != nil {
		return &Error{File: folder, Err: fmt.Errorf("%w: %w", ErrMalformed, err)}
	}
	return nil
}

// lastLayer lists the model's folder and returns the number of its last layer.
// None may be missing before it.
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
		return "", 0, &Error{File: folder, Err: fmt.Errorf("%w: %d layers, want at most %d", ErrTooLarge, len(numbers), maxLayers)}
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

// parseLayer reads a layer whose input has in values.
func parseLayer(file string, data []byte, in int) (bam.Layer, error) {
	arrays, err := readArrays(file, data, "W", "V")
	if err != nil {
		return bam.Layer{}, err
	}
	w, v := arrays["W"], arrays["V"]
	if w.Cols != in {
		return bam.Layer{}, &Error{File: file, Field: "W", Err: fmt.Errorf("%w: %d×%d, want %d columns: the layer's input", ErrMismatch, w.Rows, w.Cols, in)}
	}
	if v.Rows != w.Cols || v.Cols != w.Rows {
		return bam.Layer{}, &Error{File: file, Field: "V", Err: fmt.Errorf("%w: %d×%d, want %d×%d, the transposed shape of W", ErrMismatch, v.Rows, v.Cols, w.Cols, w.Rows)}
	}
	return bam.Layer{W: bam.Matrix(w), V: bam.Matrix(v)}, nil
}

// readArrays reads the named arrays of an npz file.
func readArrays(file string, data []byte, names ...string) (map[string]npz.Array, error) {
	arrays, err := npz.Read(data, names...)
	if err == nil {
		return arrays, nil
	}
	sentinel := ErrMalformed
	switch {
	case errors.Is(err, npz.ErrTooLarge):
		sentinel = ErrTooLarge
	case errors.Is(err, npz.ErrUnsupported):
		sentinel = ErrUnsupported
	}
	return nil, &Error{File: file, Err: fmt.Errorf("%w: %w", sentinel, err)}
}

// artifacts reads the artifacts.json beside the manifest, where there is one.
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
	l.m.Artifacts, err = parseArtifacts(file, data)
	return err
}

// Infixes of the folders that a save uses beside its target: the new model, and
// the old one while it is replaced.
const (
	NewInfix = atomicfile.NewInfix
	OldInfix = atomicfile.OldInfix
)

// leftBeside names a complete model that an interrupted save of dir left.
func leftBeside(dir string) string {
	disk := modelfile.Disk()
	if _, err := disk.Stat(dir); err == nil {
		return ""
	}
	beside, _ := disk.ReadDir(filepath.Dir(dir))
	for _, infix := range []string{NewInfix, OldInfix} {
		for _, e := range beside {
			if !strings.HasPrefix(e.Name(), filepath.Base(dir)+infix) {
				continue
			}
			f := filepath.Join(filepath.Dir(dir), e.Name())
			if m, err := verified(load(disk, filepath.Join(f, ManifestFile))); err == nil && m.Artifacts != nil {
				return f
			}
		}
	}
	return ""
}
