package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/loralink/loralink-go/internal/leftover"
)

// Parts of the names of the folders that Folder creates next to its target: the new
// folder, and the old one while it is replaced.
const (
	NewInfix = ".new-"
	OldInfix = ".old-"
)

// ErrExists reports that the target exists already and may not be replaced.
var ErrExists = errors.New("exists already")

// File is a file of a folder to be written.
type File struct {
	Name string
	Data []byte
}

// Folder describes a folder of files to be written, and which existing folder it may
// replace.
type Folder struct {
	Path string
	// Force replaces an existing folder if Owns reports true for all files in it. An
	// empty folder is replaced in any case, a symbolic link in none.
	Force bool
	Owns  func(name string) bool
	// Kind is what the files belong to, for error messages, such as "a model".
	Kind string
	// Check, if not nil, is called with the path of the complete new folder before it
	// replaces the old one. After an error of Check, everything is as before.
	Check func(dir string) error

	ops fileOps // nil: the disk
}

// fileOps are the steps of writing a folder, so that a test can make each one fail.
type fileOps interface {
	readDir(dir string) ([]fs.DirEntry, error)
	mkdirAll(dir string) error
	mkdirTemp(parent, pattern string) (string, error)
	hold(dir string) (release func(), err error)
	writeFile(path string, data []byte) error
	syncDir(dir string) error
	exchange(a, b string) error
	rename(oldPath, newPath string) error
	removeAll(dir string) error
}

type diskOps struct{}

func (diskOps) readDir(dir string) ([]fs.DirEntry, error) { return os.ReadDir(dir) }
func (diskOps) mkdirAll(dir string) error                 { return os.MkdirAll(dir, 0o755) }

func (diskOps) rename(oldPath, newPath string) error {
	defer pause()
	return os.Rename(oldPath, newPath)
}

func (diskOps) exchange(a, b string) error {
	defer pause()
	return exchange(a, b)
}

func (diskOps) removeAll(dir string) error {
	defer pause()
	return os.RemoveAll(dir)
}

func (diskOps) mkdirTemp(parent, pattern string) (string, error) {
	return os.MkdirTemp(parent, pattern)
}

var errHeld = errors.New("another process holds the folder")

// hold holds a folder until release is called.
func (diskOps) hold(dir string) (release func(), err error) {
	pause()
	if !leftover.Locks {
		return func() {}, nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if !leftover.Hold(f) {
		f.Close()
		return nil, errHeld
	}
	return func() { f.Close() }, nil
}

func (diskOps) writeFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	pause()
	_, err = f.Write(data)
	pause()
	return errors.Join(err, f.Sync(), f.Close())
}

func (diskOps) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	// An error is no failure: some systems cannot sync a folder.
	_ = d.Sync()
	pause()
	return d.Close()
}

// Write writes the folder next to its target, under the name path.new-*, and renames it
// when it is complete. It exchanges the names of an old folder and the new one, and
// removes the old one at the end. Where the system cannot exchange names, Write first
// renames the old folder to path.old-*; a crash in between leaves both folders complete.
//
// At the end Write removes the folders of killed processes at path.new-* and path.old-*.
func (f Folder) Write(files []File) error {
	if f.ops == nil {
		f.ops = diskOps{}
	}
	f.Path = filepath.Clean(f.Path)
	old, err := f.existing()
	if err != nil {
		return err
	}
	parent := filepath.Dir(f.Path)
	if err := f.ops.mkdirAll(parent); err != nil {
		return err
	}
	fresh, release, err := f.create()
	if err != nil {
		return err
	}
	defer release()
	if err := f.fill(fresh, files); err != nil {
		return errors.Join(err, f.ops.removeAll(fresh))
	}
	if old {
		err = f.replace(fresh)
	} else if err = f.ops.rename(fresh, f.Path); err != nil {
		err = errors.Join(err, f.ops.removeAll(fresh))
	} else {
		err = f.ops.syncDir(parent)
	}
	if err == nil {
		f.removeLeftovers(true)
	}
	return err
}

// create creates the new folder and holds it.
func (f Folder) create() (dir string, release func(), err error) {
	parent, base := filepath.Dir(f.Path), filepath.Base(f.Path)
	for {
		if dir, err = f.ops.mkdirTemp(parent, base+NewInfix+"*"); err != nil {
			return "", nil, err
		}
		release, err = f.ops.hold(dir)
		// Another process may take a folder that nobody holds yet for a leftover.
		if !errors.Is(err, errHeld) && !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err == nil {
		err = os.Chmod(dir, 0o755) // MkdirTemp gives it 0700
	}
	if err != nil {
		return "", nil, errors.Join(err, f.ops.removeAll(dir))
	}
	return dir, release, nil
}

// removeLeftovers removes the folders that killed processes left next to a target that
// exists, if they have nothing but files that Owns knows; next to a target that does not
// exist, only empty ones. It is no failure if it cannot.
func (f Folder) removeLeftovers(exists bool) {
	parent, base := filepath.Dir(f.Path), filepath.Base(f.Path)
	for _, dir := range append(siblings(parent, base+NewInfix), siblings(parent, base+OldInfix)...) {
		if release, ok := leftover.Claim(dir); ok {
			if exists && f.ownsAll(dir) {
				_ = f.ops.removeAll(dir)
			} else {
				_ = os.Remove(dir) // an error if there is a file in it
			}
			release()
		}
	}
}

// ownsAll reports whether dir is a folder of files that Owns knows.
func (f Folder) ownsAll(dir string) bool {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if !e.Type().IsRegular() || !f.Owns(e.Name()) {
			return false
		}
	}
	return err == nil
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

// replace gives the new folder the name of an old one.
func (f Folder) replace(fresh string) error {
	parent, base := filepath.Dir(f.Path), filepath.Base(f.Path)
	aside := fresh // the old folder's name afterwards
	if err := f.ops.exchange(fresh, f.Path); err != nil {
		release, err := f.ops.hold(f.Path)
		if err != nil {
			return errors.Join(err, f.ops.removeAll(fresh))
		}
		defer release()
		aside = filepath.Join(parent, base+OldInfix+strings.TrimPrefix(filepath.Base(fresh), base+NewInfix))
		if err := f.ops.rename(f.Path, aside); err != nil {
			return errors.Join(err, f.ops.removeAll(fresh))
		}
		if err := f.ops.rename(fresh, f.Path); err != nil {
			if back := f.ops.rename(aside, f.Path); back != nil {
				return fmt.Errorf("%w; the complete old folder is in %s, the new one in %s", err, aside, fresh)
			}
			return errors.Join(err, f.ops.removeAll(fresh))
		}
	}
	if err := errors.Join(f.ops.syncDir(parent), f.ops.removeAll(aside)); err != nil {
		return fmt.Errorf("the new folder is complete, but the old one remains in %s: %w", aside, err)
	}
	return nil
}

// existing reports whether a folder exists at the target. If it exists and may not be
// replaced, existing returns an error.
func (f Folder) existing() (bool, error) {
	switch filepath.Base(f.Path) {
	case ".", "..", string(filepath.Separator):
		return false, fmt.Errorf("%w, want a folder with a name, which a rename can replace", ErrExists)
	}
	if info, err := os.Lstat(f.Path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		to, _ := os.Readlink(f.Path)
		return false, fmt.Errorf("found a symbolic link to %s, want a folder: give the folder's own path", to)
	} else if err == nil && !info.IsDir() {
		return false, errors.New("found a file, want a folder")
	}
	entries, err := f.ops.readDir(f.Path)
	for errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(f.Path); err != nil {
			return false, nil
		}
		// Another process replaced the folder, and removed the old one while it was read.
		entries, err = f.ops.readDir(f.Path)
	}
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return false, pathError.Err // the caller adds the path
	}
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if !f.Force {
			return false, fmt.Errorf("%w, want a new folder", ErrExists)
		}
		if !e.Type().IsRegular() || !f.Owns(e.Name()) {
			return false, fmt.Errorf("%w and cannot be replaced: found %s in it, want nothing but the files of %s", ErrExists, e.Name(), f.Kind)
		}
	}
	return true, nil
}

// CheckTarget returns an error if Write cannot write the folder. It creates the parent
// folder, and removes what killed processes left: if the target does not exist, only
// empty folders.
func (f Folder) CheckTarget() error {
	if f.ops == nil {
		f.ops = diskOps{}
	}
	f.Path = filepath.Clean(f.Path)
	old, err := f.existing()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
		return err
	}
	probe, release, err := f.create()
	if err != nil {
		return err
	}
	defer release()
	f.removeLeftovers(old)
	return os.Remove(probe)
}
