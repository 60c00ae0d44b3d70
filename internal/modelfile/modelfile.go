// Package modelfile reads the files of models and codecs, from disk or from an fs.FS.
// Files are untrusted: their sizes are limited before anything is allocated, and a pipe
// or a device is not opened.
//
// Errors do not name the file. The packages that call this one add its name and field.
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

// The sentinels of errors in files.
var (
	// ErrNotFound reports a file that does not exist. errors.Is(err, fs.ErrNotExist)
	// is true for it.
	ErrNotFound error = notFound{}
	// ErrMalformed reports a file that violates its format.
	ErrMalformed = errors.New("malformed")
	// ErrUnsupported reports a file of another kind, or of a format that is not read.
	ErrUnsupported = errors.New("unsupported")
	// ErrMismatch reports files that do not belong together.
	ErrMismatch = errors.New("mismatch")
	// ErrTooLarge reports a size above a limit.
	ErrTooLarge = errors.New("too large")
)

type notFound struct{}

func (notFound) Error() string        { return "not found" }
func (notFound) Is(target error) bool { return target == fs.ErrNotExist }

// A Tree has the files on disk, or those of an fs.FS.
type Tree struct {
	fsys fs.FS // nil: disk
}

// Disk returns the tree of the operating system's files.
func Disk() Tree { return Tree{} }

// FS returns the tree of a file system, such as one of go:embed.
func FS(fsys fs.FS) Tree { return Tree{fsys} }

// FS returns the file system; nil for Disk.
func (t Tree) FS() fs.FS { return t.fsys }

// CheckName returns an error if no file of the tree can have that name.
func (t Tree) CheckName(name string) error {
	if t.fsys != nil && !fs.ValidPath(name) {
		return fmt.Errorf("%w: found a path that an fs.FS cannot have, want one such as models/a/bam_manifest.json", ErrNotFound)
	}
	return nil
}

// Dir returns the folder of a file.
func (t Tree) Dir(name string) string {
	if t.fsys == nil {
		return filepath.Dir(name)
	}
	return path.Dir(name)
}

// Join returns the path of rel, to which a file in dir refers. On disk rel may be
// absolute; in an fs.FS it must not leave the file system.
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

// Stat returns the description of a file or folder.
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

// ReadDir returns the entries of a folder.
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

// regular returns the description of a regular file, or an error for anything else.
func (t Tree) regular(name string) (fs.FileInfo, error) {
	info, err := t.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%w: found a folder, want a file", ErrMalformed)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: found a special file (%s), want a regular one", ErrMalformed, info.Mode())
	}
	return info, nil
}

// Read returns the content of a regular file of at most limit bytes.
func (t Tree) Read(name string, limit int64) ([]byte, error) {
	info, err := t.regular(name)
	if err != nil {
		return nil, err
	}
	tooLarge := fmt.Errorf("%w: found over %d bytes, want at most that many", ErrTooLarge, limit)
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
	if info.Size() == 0 {
		return nil, nil // a file of /proc, which could wait, has that size too
	}
	if _, err := data.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, readError(err)
	}
	if int64(data.Len()) > limit { // the file grew
		return nil, tooLarge
	}
	return data.Bytes(), nil
}

// Head returns the first n bytes of a regular file, or the content of a shorter one.
func (t Tree) Head(name string, n int64) ([]byte, error) {
	info, err := t.regular(name)
	if err != nil || info.Size() == 0 {
		return nil, err
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

// readError returns ErrNotFound for the errors of a file system that mean it, and other
// errors without the path, which the caller adds.
func readError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathError.Err
	}
	if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EINVAL) { // a path that no file can have
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return err
}

// Hash returns the hex SHA-256 of data.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// EncodeJSON returns the JSON text of a file: indented by two blanks, with a newline at
// the end.
func EncodeJSON(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}
