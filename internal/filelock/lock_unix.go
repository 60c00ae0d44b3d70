//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package filelock

import (
	"errors"
	"os"
	"syscall"
)

// Folders reports whether this system can lock folders.
const Folders = true

func lock(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := conn.Control(func(fd uintptr) {
		for {
			if failed = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(failed, syscall.EINTR) {
				return
			}
		}
	}); err != nil {
		return err
	}
	switch {
	case errors.Is(failed, syscall.EWOULDBLOCK):
		return ErrInUse
	case errors.Is(failed, syscall.ENOTSUP), errors.Is(failed, syscall.ENOSYS):
		return errors.ErrUnsupported
	}
	return failed
}
