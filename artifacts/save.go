package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/npz"
)

// Set is all that Save writes.
type Set struct {
	// Manifest describes the model. Save fills in its version, format, paths
	// and latent_dim.
	Manifest Manifest
	Layers   []bam.Layer
	Norm     *bam.Norm   // nil: none
	Tables   *bam.Tables // of packing bitpack; nil for the others
	// TrainReport becomes train_report.json; nil: none.
	TrainReport any
	// CreatedAt and GitCommit ("" for none) go to artifacts.json.
	CreatedAt time.Time
	GitCommit string
	// MaxPayloadBytes bounds the payload; 0 means the package's default.
	MaxPayloadBytes int
}

// SaveOptions says what Save may do to what it finds.
type SaveOptions struct {
	// Force replaces a folder that holds nothing but a model's files.
	Force bool
}

// Save writes a model's folder. The folder appears whole: it is written beside
// its place, under the name dir.new-*, and renamed. With Force an old folder is
// first renamed to dir.old-*, and removed once the new one stands; a crash in
// between leaves both complete, and Load's error names one.
//
// The returned Artifacts are what was written to artifacts.json.
func Save(dir string, set *Set, opt SaveOptions) (*Artifacts, error) {
	return save(diskOps{}, dir, set, opt)
}

// NewModel returns the model that saving set and loading it would give, without
// the files: it has no hashes, and its Hash is that of no files at all.
func NewModel(set *Set) *Model {
	m := &Model{Manifest: set.Manifest, Norm: set.Norm, Tables: set.Tables, Files: map[string]string{}}
	m.Net = set.net()
	set.complete(&m.Manifest, m.Net.LatentDim())
	return m
}

func (s *Set) net() bam.Model {
	man := &s.Manifest
	return bam.Model{Layers: s.Layers, Delta: float32(man.DeltaOrZero()), EncodeCycles: man.EncodeCycles, DecodeCycles: man.DecodeCycles}
}

// complete fills in what the manifest says of the set's own parts.
func (s *Set) complete(man *Manifest, latents int) {
	man.ManifestVersion, man.ModelFormat, man.ModelPath = ManifestVersion1, LayerFormat, "."
	man.LatentDim = latents
	if !man.Packing.Integer() {
		man.Scale = nil
	}
	man.BitPack = nil
	if s.Tables != nil {
		man.ManifestVersion, man.BitPack = ManifestVersion2, tablesInfo(s.Tables)
	}
	man.NormPath = nil
	if s.Norm != nil {
		name := NormFile
		man.NormPath = &name
	}
}

type namedFile struct {
	name string
	data []byte
}

// encodeSet returns the files of a set, artifacts.json last.
func encodeSet(set *Set) ([]namedFile, *Artifacts, error) {
	man := set.Manifest
	net := set.net()
	if err := net.Check(); err != nil {
		return nil, nil, fmt.Errorf("artifacts: save: %w", err)
	}
	set.complete(&man, net.LatentDim())
	var files []namedFile
	add := func(name string, v any) error {
		b, err := encode(v)
		if err != nil {
			return &Error{File: name, Err: err}
		}
		files = append(files, namedFile{name, b})
		return nil
	}
	if set.Norm != nil {
		if err := set.Norm.Check(); err != nil {
			return nil, nil, &Error{File: NormFile, Err: err}
		}
		if len(set.Norm.Mean) != man.WindowLen() {
			return nil, nil, &Error{File: NormFile, Field: "mean", Err: fmt.Errorf("%w: %d values, want %d", ErrMismatch, len(set.Norm.Mean), man.WindowLen())}
		}
		if err := add(NormFile, set.Norm); err != nil {
			return nil, nil, err
		}
	}
	if err := man.Check(); err != nil {
		return nil, nil, err
	}
	if err := man.CheckPayload(set.MaxPayloadBytes); err != nil {
		return nil, nil, err
	}
	if net.InputLen() != man.WindowLen() {
		return nil, nil, &Error{File: ManifestFile, Field: "input_dims", Err: fmt.Errorf("%w: a window has %d values, but layer 0 takes %d", ErrMismatch, man.WindowLen(), net.InputLen())}
	}
	if err := add(ManifestFile, &man); err != nil {
		return nil, nil, err
	}
	for i, l := range set.Layers {
		b, err := npz.Write(npz.Member{Name: "W", Array: npz.Array(l.W)}, npz.Member{Name: "V", Array: npz.Array(l.V)})
		if err != nil {
			return nil, nil, &Error{File: layerFile(i), Err: err}
		}
		files = append(files, namedFile{layerFile(i), b})
	}
	if set.Tables != nil {
		b, err := encodeTables(set.Tables, man.LatentDim)
		if err != nil {
			return nil, nil, &Error{File: BitPackFile, Err: err}
		}
		files = append(files, namedFile{BitPackFile, b})
	}
	hashes := make(map[string]string, len(files))
	for _, f := range files {
		hashes[f.name] = hash(f.data)
	}
	if set.TrainReport != nil {
		if err := add(TrainReportFile, set.TrainReport); err != nil {
			return nil, nil, err
		}
	}
	a := newArtifacts(&man, hashes, set.CreatedAt, set.GitCommit)
	return files, a, add(ArtifactsFile, a)
}

// fileOps are the steps of a save, so that a test can fail each in turn.
type fileOps interface {
	readDir(dir string) ([]fs.DirEntry, error)
	mkdirAll(dir string) error
	mkdirTemp(parent, pattern string) (string, error)
	writeFile(path string, data []byte) error
	syncDir(dir string) error
	rename(from, to string) error
	removeAll(dir string) error
}

type diskOps struct{}

func (diskOps) readDir(dir string) ([]fs.DirEntry, error) { return os.ReadDir(dir) }
func (diskOps) mkdirAll(dir string) error                 { return os.MkdirAll(dir, 0o755) }
func (diskOps) rename(from, to string) error              { return os.Rename(from, to) }
func (diskOps) removeAll(dir string) error                { return os.RemoveAll(dir) }

func (diskOps) mkdirTemp(parent, pattern string) (string, error) {
	dir, err := os.MkdirTemp(parent, pattern)
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

func (diskOps) writeFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

func (diskOps) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	// Not every system can sync a folder; the rename is what counts.
	_ = d.Sync()
	return d.Close()
}

func save(ops fileOps, dir string, set *Set, opt SaveOptions) (*Artifacts, error) {
	dir = filepath.Clean(dir)
	files, a, err := encodeSet(set)
	if err != nil {
		return nil, err
	}
	old, err := checkPlace(ops, dir, opt)
	if err != nil {
		return nil, err
	}
	parent, base := filepath.Dir(dir), filepath.Base(dir)
	if err := ops.mkdirAll(parent); err != nil {
		return nil, &Error{File: dir, Err: err}
	}
	fresh, err := ops.mkdirTemp(parent, base+newInfix+"*")
	if err != nil {
		return nil, &Error{File: dir, Err: err}
	}
	if err := fill(ops, fresh, files); err != nil {
		return nil, &Error{File: dir, Err: errors.Join(err, ops.removeAll(fresh))}
	}
	if !old {
		if err := ops.rename(fresh, dir); err != nil {
			return nil, &Error{File: dir, Err: errors.Join(err, ops.removeAll(fresh))}
		}
		return a, errors.Join(ops.syncDir(parent))
	}
	aside := filepath.Join(parent, base+oldInfix+strings.TrimPrefix(filepath.Base(fresh), base+newInfix))
	if err := ops.rename(dir, aside); err != nil {
		return nil, &Error{File: dir, Err: errors.Join(err, ops.removeAll(fresh))}
	}
	if err := ops.rename(fresh, dir); err != nil {
		if back := ops.rename(aside, dir); back != nil {
			return nil, &Error{File: dir, Err: fmt.Errorf("%w; the old model is whole in %s, the new one in %s", err, aside, fresh)}
		}
		return nil, &Error{File: dir, Err: errors.Join(err, ops.removeAll(fresh))}
	}
	if err := errors.Join(ops.syncDir(parent), ops.removeAll(aside)); err != nil {
		return a, &Error{File: dir, Err: fmt.Errorf("the new model stands, but the old one is left in %s: %w", aside, err)}
	}
	return a, nil
}

func fill(ops fileOps, dir string, files []namedFile) error {
	for _, f := range files {
		if err := ops.writeFile(filepath.Join(dir, f.name), f.data); err != nil {
			return err
		}
	}
	return ops.syncDir(dir)
}

// checkPlace says whether an old folder stands in dir, and refuses one that
// may not be replaced.
func checkPlace(ops fileOps, dir string, opt SaveOptions) (old bool, err error) {
	switch filepath.Base(dir) {
	case ".", "..", string(filepath.Separator):
		return false, &Error{File: dir, Err: fmt.Errorf("%w: want the name of a folder, which a rename can replace", ErrExists)}
	}
	entries, err := ops.readDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, &Error{File: dir, Err: err}
	}
	for _, e := range entries {
		if !opt.Force {
			return false, &Error{File: dir, Err: fmt.Errorf("%w: want a new folder, or force to replace this one", ErrExists)}
		}
		if !ours(e) {
			return false, &Error{File: dir, Err: fmt.Errorf("%w: it holds %s, which is no file of a model; force replaces only folders that hold nothing else", ErrExists, e.Name())}
		}
	}
	return true, nil
}

func ours(e fs.DirEntry) bool {
	switch e.Name() {
	case ManifestFile, NormFile, BitPackFile, ArtifactsFile, TrainReportFile:
		return e.Type().IsRegular()
	}
	return e.Type().IsRegular() && layerName.MatchString(e.Name())
}

// CheckPlace reports whether Save could write to dir, before the work of
// training is done.
func CheckPlace(dir string, opt SaveOptions) error {
	dir = filepath.Clean(dir)
	if _, err := checkPlace(diskOps{}, dir, opt); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return &Error{File: dir, Err: err}
	}
	probe, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+newInfix+"*")
	if err != nil {
		return &Error{File: dir, Err: err}
	}
	return os.Remove(probe)
}

// Infixes of the folders a save uses beside its place.
const (
	newInfix = ".new-"
	oldInfix = ".old-"
)

// leftBeside names a complete model that an interrupted save of dir left.
func leftBeside(dir string) string {
	if _, err := os.Stat(dir); err == nil {
		return ""
	}
	beside, _ := os.ReadDir(filepath.Dir(dir))
	for _, infix := range []string{newInfix, oldInfix} {
		for _, e := range beside {
			f := filepath.Join(filepath.Dir(dir), e.Name())
			if !strings.HasPrefix(e.Name(), filepath.Base(dir)+infix) {
				continue
			}
			if m, err := load(diskTree{}, filepath.Join(f, ManifestFile)); err == nil && m.Artifacts != nil && m.Artifacts.Verify(m) == nil {
				return f
			}
		}
	}
	return ""
}
