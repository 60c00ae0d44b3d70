// Package leftover tells the temporary files and folders of running processes from those
// that a killed process left. A process holds what it writes by a lock, which the system
// releases when the process ends, however it ends.
//
// Systems without such locks on folders, such as Windows, cannot tell: there nothing
// counts as left.
package leftover

import (
	"errors"
	"os"

	"github.com/loralink/loralink-go/internal/filelock"
)

// Locks reports whether this system can lock folders.
const Locks = filelock.Folders

// tryLock locks f until it is closed. It reports false if another open file has the lock,
// and that locks are not supported for any other error, as on some network file systems.
func tryLock(f *os.File) (held, supported bool) {
	if !Locks {
		return false, false
	}
	err := filelock.TryLock(f)
	return err == nil, err == nil || errors.Is(err, filelock.ErrInUse)
}

// Hold holds an open file or folder until f is closed. It reports false if another
// process, or another open file of this one, holds it, or has removed it.
func Hold(f *os.File) bool {
	if held, supported := tryLock(f); !supported {
		return true
	} else if !held {
		return false
	}
	// Whoever claimed it before may have removed it meanwhile.
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(f.Name())
	return err == nil && os.SameFile(opened, named)
}

// Claim holds the file or folder at path, if no running process holds it. The caller must
// call release at the end.
func Claim(path string) (release func(), ok bool) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() && !info.IsDir() {
		return nil, false
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	if held, supported := tryLock(f); !held || !supported {
		f.Close()
		return nil, false
	}
	return func() { f.Close() }, true
}
