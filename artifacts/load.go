package artifacts

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/loralink/loralink-go/bam"
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

// Model is a loaded model. It is read-only and may be shared.
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

// Load reads the model whose manifest is at path, on disk. Where an
// artifacts.json stands beside the manifest, the files must be those it lists.
func Load(path string) (*Model, error) {
	m, err := LoadUnverified(path)
	if err != nil {
		return nil, err
	}
	return m.verified()
}

// LoadFS is Load in a file system, as go:embed makes one. The manifest's paths
// must stay inside it.
func LoadFS(fsys fs.FS, name string) (*Model, error) {
	if !fs.ValidPath(name) {
		return nil, &Error{File: name, Err: fmt.Errorf("%w: no path of a file system, want one like models/a/%s", ErrNotFound, ManifestFile)}
	}
	m, err := load(fsTree{fsys}, name)
	if err != nil {
		return nil, err
	}
	return m.verified()
}

// LoadUnverified is Load without the check against artifacts.json, for tools
// that show what is wrong with a folder.
func LoadUnverified(path string) (*Model, error) {
	m, err := load(diskTree{}, path)
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
	data, err := readFile(diskTree{}, path, maxManifest)
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(path, data)
	if err != nil {
		return nil, err
	}
	return &m, nil
}

func (m *Model) verified() (*Model, error) {
	if m.Artifacts != nil {
		if err := m.Artifacts.Verify(m); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// tree is where a model's files are: a disk, or an fs.FS.
type tree interface {
	stat(name string) (fs.FileInfo, error)
	open(name string) (fs.File, error)
	readDir(name string) ([]fs.DirEntry, error)
	dir(name string) string
	// join is where the manifest's path rel, seen from dir, is.
	join(dir, rel string) (string, error)
}

type diskTree struct{}

func (diskTree) stat(name string) (fs.FileInfo, error)      { return os.Stat(name) }
func (diskTree) open(name string) (fs.File, error)          { return os.Open(name) }
func (diskTree) readDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }
func (diskTree) dir(name string) string                     { return filepath.Dir(name) }
func (diskTree) join(dir, rel string) (string, error) {
	rel = filepath.FromSlash(rel)
	if filepath.IsAbs(rel) {
		return rel, nil
	}
	return filepath.Join(dir, rel), nil
}

type fsTree struct{ fsys fs.FS }

func (t fsTree) stat(name string) (fs.FileInfo, error)      { return fs.Stat(t.fsys, name) }
func (t fsTree) open(name string) (fs.File, error)          { return t.fsys.Open(name) }
func (t fsTree) readDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(t.fsys, name) }
func (t fsTree) dir(name string) string                     { return path.Dir(name) }
func (t fsTree) join(dir, rel string) (string, error) {
	full := path.Join(dir, rel)
	if path.IsAbs(rel) || !fs.ValidPath(full) {
		return "", fmt.Errorf("%w: %q leaves the file system", ErrUnsupported, rel)
	}
	return full, nil
}

// readFile reads a file of at most limit bytes. A pipe or a device, whose
// reading might never end, is refused before it is opened.
func readFile(t tree, name string, limit int64) ([]byte, error) {
	info, err := t.stat(name)
	if err != nil {
		return nil, readError(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &Error{File: name, Err: fmt.Errorf("%w: %s, want a regular file", ErrMalformed, info.Mode())}
	}
	tooLarge := &Error{File: name, Err: fmt.Errorf("%w: over %d bytes", ErrTooLarge, limit)}
	if info.Size() > limit {
		return nil, tooLarge
	}
	f, err := t.open(name)
	if err != nil {
		return nil, readError(name, err)
	}
	defer f.Close()
	var data bytes.Buffer
	data.Grow(int(info.Size()) + bytes.MinRead)
	if _, err := data.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, readError(name, err)
	}
	if int64(data.Len()) > limit { // it grew
		return nil, tooLarge
	}
	return data.Bytes(), nil
}

func load(t tree, name string) (*Model, error) {
	dir := t.dir(name)
	m := &Model{Files: map[string]string{}}
	data, err := readFile(t, name, maxManifest)
	if err != nil {
		return nil, err
	}
	if m.Manifest, err = parseManifest(name, data); err != nil {
		return nil, err
	}
	m.Files[path.Base(filepath.ToSlash(name))] = hash(data)

	if rel := m.Manifest.NormPath; rel != nil && *rel != "" {
		file, err := t.join(dir, *rel)
		if err != nil {
			return nil, &Error{File: name, Field: "norm_path", Err: err}
		}
		data, err := readFile(t, file, maxNorm)
		if err != nil {
			return nil, err
		}
		if m.Norm, err = parseNorm(file, data, m.Manifest.WindowLen()); err != nil {
			return nil, err
		}
		m.normFile = path.Clean(filepath.ToSlash(*rel))
		m.Files[m.normFile] = hash(data)
	}

	if err := m.loadLayers(t, name, dir); err != nil {
		return nil, err
	}

	if m.Manifest.BitPack != nil {
		if err := m.loadTables(t, name, dir); err != nil {
			return nil, err
		}
	}

	file, err := t.join(dir, ArtifactsFile)
	if err != nil {
		return nil, &Error{File: name, Err: err}
	}
	switch data, err := readFile(t, file, maxArtifacts); {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return nil, err
	default:
		if m.Artifacts, err = parseArtifacts(file, data); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// parseManifest reads bam_manifest.json and reports all its faults at once.
func parseManifest(file string, data []byte) (Manifest, error) {
	var m Manifest
	f := decodeObject(data, &m)
	if len(f) > 0 && f[0].field == "" {
		return m, f.in(file)
	}
	return m, m.validate(f).in(file)
}

// parseNorm reads norm.json for windows of n values.
func parseNorm(file string, data []byte, n int) (*bam.Norm, error) {
	var norm bam.Norm
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
	f := decodeObject(data, &lists)
	for _, s := range []struct {
		field  string
		values []*float64
		to     *[]float64
	}{{"mean", lists.Mean, &norm.Mean}, {"std", lists.Std, &norm.Std}} {
		if len(f) > 0 && f[0].field == "" || f.has(s.field) {
			continue
		}
		if len(s.values) != n {
			f.add(s.field, ErrMismatch, "%d values, want %d, the window's length", len(s.values), n)
			continue
		}
		for i, v := range s.values {
			if v == nil {
				f.add(s.field, ErrMalformed, "value %d is null, want a number", i)
				break
			}
			if math.IsNaN(*v) || math.IsInf(*v, 0) || s.field == "std" && *v < 0 {
				f.add(s.field, ErrMalformed, "value %d is %g, want a finite number, std 0 or more", i, *v)
				break
			}
			*s.to = append(*s.to, *v)
		}
	}
	if err := f.in(file); err != nil {
		return nil, err
	}
	return &norm, nil
}

var layerName = regexp.MustCompile(`^layer_(0|[1-9][0-9]{0,5})\.npz$`)

func layerFile(i int) string { return "layer_" + strconv.Itoa(i) + ".npz" }

// loadLayers reads layer_0.npz, layer_1.npz, … in the order of their numbers.
func (m *Model) loadLayers(t tree, manifest, dir string) error {
	man := &m.Manifest
	folder, err := t.join(dir, man.ModelPath)
	if err != nil {
		return &Error{File: manifest, Field: "model_path", Err: err}
	}
	entries, err := t.readDir(folder)
	if err != nil {
		return readError(folder, err)
	}
	numbers := map[int]bool{}
	for _, e := range entries {
		if g := layerName.FindStringSubmatch(e.Name()); g != nil {
			i, _ := strconv.Atoi(g[1])
			numbers[i] = true
		}
	}
	if len(numbers) > maxLayers {
		return &Error{File: folder, Err: fmt.Errorf("%w: %d layers, want at most %d", ErrTooLarge, len(numbers), maxLayers)}
	}
	last := -1
	if len(numbers) > 0 {
		last = slices.Max(slices.Collect(maps.Keys(numbers)))
	}
	weights := 0
	in := man.WindowLen()
	for i := 0; i <= max(last, 0); i++ {
		file, err := t.join(folder, layerFile(i))
		if err != nil {
			return &Error{File: manifest, Field: "model_path", Err: err}
		}
		if !numbers[i] {
			return &Error{File: file, Err: fmt.Errorf("%w: want layer_0.npz to layer_%d.npz without a gap", ErrNotFound, max(last, 0))}
		}
		data, err := readFile(t, file, npz.MaxFile)
		if err != nil {
			return err
		}
		l, err := parseLayer(file, data, in)
		if err != nil {
			return err
		}
		if weights += 2 * l.In() * l.Out(); weights > maxWeights {
			return &Error{File: file, Err: fmt.Errorf("%w: over %d weights in all layers", ErrTooLarge, maxWeights)}
		}
		m.Net.Layers = append(m.Net.Layers, l)
		m.Files[path.Join(filepath.ToSlash(man.ModelPath), layerFile(i))] = hash(data)
		in = l.Out()
	}
	if in != man.LatentDim {
		return &Error{File: manifest, Field: "latent_dim", Err: fmt.Errorf("%w: %d, but the last layer gives %d", ErrMismatch, man.LatentDim, in)}
	}
	m.Net.Delta = float32(man.DeltaOrZero())
	m.Net.EncodeCycles, m.Net.DecodeCycles = man.EncodeCycles, man.DecodeCycles
	if err := m.Net.Check(); err != nil {
		return &Error{File: folder, Err: fmt.Errorf("%w: %w", ErrMalformed, err)}
	}
	return nil
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
		return bam.Layer{}, &Error{File: file, Field: "V", Err: fmt.Errorf("%w: %d×%d, want %d×%d, as W turned over", ErrMismatch, v.Rows, v.Cols, w.Cols, w.Rows)}
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
