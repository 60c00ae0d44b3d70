package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Infixes of the folders that Folder uses beside its target.
const (
	NewInfix = ".new-"
	OldInfix = ".old-"
)

// ErrExists marks a folder that stands where a new one was to be written.
var ErrExists = errors.New("exists already")

// File is a file of a folder to be written.
type File struct {
	Name string
	Data []byte
}

// Folder is a folder of files to be written, and what may be done to one that is
// there already.
type Folder struct {
	Path string
	// Force replaces an existing folder, if it holds nothing but files of the
	// names that Owns knows. An empty folder is replaced in any case.
	Force bool
	Owns  func(name string) bool
	// Kind is what Owns' files belong to, for errors: "a model".
	Kind string
	// Check, where not nil, is called with the path of the complete new folder
	// before it replaces the old one. Its error leaves everything as it was.
	Check func(dir string) error

	ops fileOps // nil: the disk
}

// fileOps are the steps of writing a folder, so that a test can fail each in turn.
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

// Write writes a folder that appears whole: it is written beside its target,
// under the name path.new-*, and renamed. An old folder is first renamed to
// path.old-*, and removed once the new one stands; a crash in between leaves both
// complete.
func (f Folder) Write(files []File) error {
	if f.ops == nil {
		f.ops = diskOps{}
	}
	f.Path = filepath.Clean(f.Path)
	old, err := f.existing()
	if err != nil {
		return err
	}
	parent, base := filepath.Dir(f.Path), filepath.Base(f.Path)
	if err := f.ops.mkdirAll(parent); err != nil {
		return err
	}
	fresh, err := f.ops.mkdirTemp(parent, base+NewInfix+"*")
	if err != nil {
		return err
	}
	if err := f.fill(fresh, files); err != nil {
		return errors.Join(err, f.ops.removeAll(fresh))
	}
	if old {
		return f.replace(fresh)
	}
	if err := f.ops.rename(fresh, f.Path); err != nil {
		return errors.Join(err, f.ops.removeAll(fresh))
	}
	return f.ops.syncDir(parent)
}

func (f Folder) fill(dir string, files []File) error {
	for _, file := range files {
		if err := f.ops.writeFile(filepath.Join(dir, file.Name), file.Data); err != nil {
			return err
		}
	}
	if err := f.ops.syncDir(dir); err != nil || f.Check == nil {
		return err
	}
	return f.Check(dir)
}

// replace puts the new folder where an old one stands.
func (f Folder) replace(fresh string) error {
	parent, base := filepath.Dir(f.Path), filepath.Base(f.Path)
	aside := filepath.Join(parent, base+OldInfix+strings.TrimPrefix(filepath.Base(fresh), base+NewInfix))
	if err := f.ops.rename(f.Path, aside); err != nil {
		return errors.Join(err, f.ops.removeAll(fresh))
	}
	if err := f.ops.rename(fresh, f.Path); err != nil {
		if back := f.ops.rename(aside, f.Path); back != nil {
			return fmt.Errorf("%w; the old folder is whole in %s, the new one in %s", err, aside, fresh)
		}
		return errors.Join(err, f.ops.removeAll(fresh))
	}
	if err := errors.Join(f.ops.syncDir(parent), f.ops.removeAll(aside)); err != nil {
		return fmt.Errorf("the new folder stands, but the old one is left in %s: %w", aside, err)
	}
	return nil
}

// existing says whether a folder stands at the target, and refuses one that may
// not be replaced.
func (f Folder) existing() (bool, error) {
	switch filepath.Base(f.Path) {
	case ".", "..", string(filepath.Separator):
		return false, fmt.Errorf("%w: want the name of a folder, which a rename can replace", ErrExists)
	}
	entries, err := f.ops.readDir(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if !f.Force {
			return false, fmt.Errorf("%w: want a new folder, or force to replace this one", ErrExists)
		}
		if !e.Type().IsRegular() || !f.Owns(e.Name()) {
			return false, fmt.Errorf("%w: it holds %s, which is not a file of %s; force replaces only folders that hold nothing else", ErrExists, e.Name(), f.Kind)
		}
	}
	return true, nil
}

// CheckTarget reports whether Write could write the folder, before the work of
// making its files is done.
func (f Folder) CheckTarget() error {
	if f.ops == nil {
		f.ops = diskOps{}
	}
	f.Path = filepath.Clean(f.Path)
	if _, err := f.existing(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
		return err
	}
	probe, err := os.MkdirTemp(filepath.Dir(f.Path), filepath.Base(f.Path)+NewInfix+"*")
	if err != nil {
		return err
	}
	return os.Remove(probe)
}
