// Package filelock locks open files, so that two processes do not write one file.
package filelock

import (
	"errors"
	"os"
)

// ErrInUse reports a file that another open file, in this process or another one, has
// locked.
var ErrInUse = errors.New("in use by another process")

// Lock locks an open file for its writer. It does not wait: if another open file has the
// lock, it returns [ErrInUse]. The lock ends when f is closed or the process ends, however
// it ends. Readers are not kept out. On systems and file systems without locks, Lock does
// nothing.
func Lock(f *os.File) error {
	if err := TryLock(f); !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// TryLock is like Lock, but returns errors.ErrUnsupported if there are no locks.
func TryLock(f *os.File) error { return lock(f) }

// Open opens the file at path for reading and writing, creates it if it does not exist,
// and locks it.
func Open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := Lock(f); err != nil {
		f.Close()
		return nil, &os.PathError{Op: "lock", Path: path, Err: err}
	}
	return f, nil
}
