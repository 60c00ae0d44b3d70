// Package inputfile opens the files that a user names as input. A pipe or a device, which
// could wait forever or never end, is refused, and not even opened.
package inputfile

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Open opens a regular file and returns its size in bytes. Files of size 0 must not be
// read: on Linux, those of /proc have that size and can wait or go on without end.
func Open(path string) (f *os.File, size int64, err error) {
	info, err := os.Stat(path)
	if err == nil {
		err = check(info)
	}
	if err == nil {
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, 0, named(path, err)
	}
	return f, info.Size(), nil
}

func check(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return syscall.EISDIR
	case !info.Mode().IsRegular():
		return fmt.Errorf("found a special file (%s), want a regular one", info.Mode())
	}
	return nil
}

// named returns err as an error of opening path.
func named(path string, err error) error {
	if pathError, ok := err.(*fs.PathError); ok {
		err = pathError.Err
	}
	return &fs.PathError{Op: "open", Path: path, Err: err}
}
