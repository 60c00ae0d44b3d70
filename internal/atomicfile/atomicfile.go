// Package atomicfile writes a file, or a folder of files, under a temporary name and
// renames it. A reader, also after a crash, sees the old content or the new one, but no
// incomplete one. What a killed process left under temporary names is removed by the next
// that writes to the same path.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/loralink/loralink-go/internal/leftover"
)

// ErrSpecial reports a path that is neither a regular file nor the name of a new one.
var ErrSpecial = errors.New("found no regular file")

// tmpInfix is the part of the name of a temporary file after the name of its target.
const tmpInfix = ".tmp"

// Write writes what fill writes to the file at path, with mode 0644 before umask. If path
// is a symbolic link, it replaces the link's target. After an error, path is as before.
func Write(path string, fill func(io.Writer) error) (err error) {
	target, err := fileTarget(path)
	if err != nil {
		return err
	}
	f, err := createTemp(target)
	if err != nil {
		return named(err, path)
	}
	removeFiles(target)
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := fill(f); err != nil {
		return err
	}
	pause()
	if err := f.Sync(); err != nil {
		return err
	}
	pause()
	if leftover.Locks {
		// The lock, which protects the file until it has its name, ends with Close.
		if err := os.Rename(f.Name(), target); err != nil {
			return err
		}
		pause()
		return f.Close()
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), target)
}

// WriteBytes writes b to the file at path, like Write.
func WriteBytes(path string, b []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// CheckTarget returns an error if Write cannot write to path. If folders are missing, it
// checks that they can be created, but does not create them. It removes the temporary files
// for path that killed processes left.
func CheckTarget(path string) error {
	target, err := fileTarget(path)
	if err != nil {
		return err
	}
	dir := filepath.Dir(target)
	for {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || filepath.Dir(dir) == dir {
			break
		}
		if _, err := os.Lstat(dir); err == nil {
			return &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("%s is a symbolic link to nothing, want a folder", dir)}
		}
		dir = filepath.Dir(dir)
	}
	probed := filepath.Join(dir, filepath.Base(target))
	f, err := createTemp(probed)
	if err != nil {
		return named(err, path)
	}
	removeFiles(probed)
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// named returns an error of the file system with the path that the caller gave instead of
// a temporary one.
func named(err error, path string) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		pathError.Path = path
	}
	return err
}

// fileTarget returns path, or the file that the symbolic link at path leads to.
func fileTarget(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		// The file need not exist; other errors come up when it is written.
		return path, nil
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		link := path
		if path, err = filepath.EvalSymlinks(link); err == nil {
			info, err = os.Lstat(path)
		}
		if err != nil {
			return "", &fs.PathError{Op: "open", Path: link, Err: fmt.Errorf("%w: it is a symbolic link to nothing, want the path of a file", ErrSpecial)}
		}
	}
	switch {
	case info.IsDir():
		return "", &fs.PathError{Op: "open", Path: path, Err: errors.New("found a folder, want a file")}
	case !info.Mode().IsRegular():
		return "", &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("%w (%s), want the path of a file", ErrSpecial, info.Mode())}
	}
	return path, nil
}

// createTemp creates a temporary file for target and holds it.
func createTemp(target string) (*os.File, error) {
	for {
		f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+tmpInfix+"*")
		if err != nil {
			return nil, err
		}
		pause()
		if leftover.Hold(f) {
			return f, nil
		}
		f.Close() // another process removes it
	}
}

// removeFiles removes the temporary files for target that killed processes left. It is no
// failure if it cannot.
func removeFiles(target string) {
	for _, path := range siblings(filepath.Dir(target), "."+filepath.Base(target)+tmpInfix) {
		if release, ok := leftover.Claim(path); ok {
			if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
				os.Remove(path)
			}
			release()
		}
	}
}

// siblings returns the paths in dir whose names are prefix and a number.
func siblings(dir, prefix string) []string {
	entries, _ := os.ReadDir(dir)
	var paths []string
	for _, e := range entries {
		number, ok := strings.CutPrefix(e.Name(), prefix)
		if ok && number != "" && strings.Trim(number, "0123456789") == "" {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths
}
