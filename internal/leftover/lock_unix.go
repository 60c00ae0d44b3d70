//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package leftover

import (
	"errors"
	"os"
	"syscall"
)

// Locks reports whether this system can lock folders.
const Locks = true

// tryLock locks f until it is closed. It reports false if another open file has the lock,
// and that locks are not supported for any other error, as on some network file systems.
func tryLock(f *os.File) (held, supported bool) {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return true, true
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, true
		case !errors.Is(err, syscall.EINTR):
			return false, false
		}
	}
}
