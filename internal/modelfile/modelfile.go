// Package modelfile reads the files of models and codecs, from disk or from an
// fs.FS. Files are a stranger's: their sizes are capped before anything is
// allocated, and what cannot be a file (a pipe, a device) is not opened.
//
// Faults are values without a file's name; the packages that read a kind of file
// put name and field before them.
package modelfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
)

// What can be wrong with a file.
var (
	// ErrNotFound marks a file that is not there. It is an fs.ErrNotExist.
	ErrNotFound error = notFound{}
	// ErrMalformed marks a file that breaks its format.
	ErrMalformed = errors.New("malformed")
	// ErrUnsupported marks a format that is well-formed, but not read here.
	ErrUnsupported = errors.New("unsupported")
	// ErrMismatch marks files that do not belong together.
	ErrMismatch = errors.New("mismatch")
	// ErrTooLarge marks what exceeds a cap.
	ErrTooLarge = errors.New("too large")
)

type notFound struct{}

func (notFound) Error() string        { return "not found" }
func (notFound) Is(target error) bool { return target == fs.ErrNotExist }

// Tree is where files are: on disk, or in a file system.
type Tree struct {
	fsys fs.FS // nil: disk
}

// Disk is the tree of the operating system's files.
func Disk() Tree { return Tree{} }

// In is the tree of a file system, as go:embed makes one.
func In(fsys fs.FS) Tree { return Tree{fsys} }

// FS is the file system; nil on disk.
func (t Tree) FS() fs.FS { return t.fsys }

// CheckName reports a name that no file of the tree has.
func (t Tree) CheckName(name string) error {
	if t.fsys != nil && !fs.ValidPath(name) {
		return fmt.Errorf("%w: not a path of a file system, want one like models/a/bam_manifest.json", ErrNotFound)
	}
	return nil
}

// Dir is the folder of a file.
func (t Tree) Dir(name string) string {
	if t.fsys == nil {
		return filepath.Dir(name)
	}
	return path.Dir(name)
}

// Join is the path of rel, as a file in dir mentions it. On disk rel may be
// absolute; in a file system it must stay inside.
func (t Tree) Join(dir, rel string) (string, error) {
	if t.fsys == nil {
		if rel = filepath.FromSlash(rel); filepath.IsAbs(rel) {
			return rel, nil
		}
		return filepath.Join(dir, rel), nil
	}
	full := path.Join(dir, rel)
	if path.IsAbs(rel) || !fs.ValidPath(full) {
		return "", fmt.Errorf("%w: path %q leaves the file system", ErrUnsupported, rel)
	}
	return full, nil
}

// Stat describes a file or folder.
func (t Tree) Stat(name string) (fs.FileInfo, error) {
	var info fs.FileInfo
	var err error
	if t.fsys == nil {
		info, err = os.Stat(name)
	} else {
		info, err = fs.Stat(t.fsys, name)
	}
	return info, readError(err)
}

// ReadDir lists a folder.
func (t Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	var entries []fs.DirEntry
	var err error
	if t.fsys == nil {
		entries, err = os.ReadDir(name)
	} else {
		entries, err = fs.ReadDir(t.fsys, name)
	}
	return entries, readError(err)
}

// Read reads a file of at most limit bytes.
func (t Tree) Read(name string, limit int64) ([]byte, error) {
	info, err := t.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s, want a regular file", ErrMalformed, info.Mode())
	}
	tooLarge := fmt.Errorf("%w: over %d bytes", ErrTooLarge, limit)
	if info.Size() > limit {
		return nil, tooLarge
	}
	f, err := t.open(name)
	if err != nil {
		return nil, readError(err)
	}
	defer f.Close()
	var data bytes.Buffer
	data.Grow(int(info.Size()) + bytes.MinRead)
	if _, err := data.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, readError(err)
	}
	if int64(data.Len()) > limit { // it grew
		return nil, tooLarge
	}
	return data.Bytes(), nil
}

// Head reads the first n bytes of a regular file, or all of a shorter one.
func (t Tree) Head(name string, n int64) ([]byte, error) {
	info, err := t.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s, want a regular file", ErrMalformed, info.Mode())
	}
	f, err := t.open(name)
	if err != nil {
		return nil, readError(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, n))
	return data, readError(err)
}

func (t Tree) open(name string) (fs.File, error) {
	if t.fsys == nil {
		return os.Open(name)
	}
	return t.fsys.Open(name)
}

// readError turns what a file system says into a sentinel where there is one,
// and leaves out the path, which the caller puts before it.
func readError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err
	}
	if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EINVAL) { // of a path that no file can have
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return err
}

// Hash is the hex SHA-256 of data.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// EncodeJSON is the text of a file: indented by two blanks, ended by a newline.
func EncodeJSON(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}
