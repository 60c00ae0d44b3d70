//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly || windows)

package filelock

import (
	"errors"
	"os"
)

// Folders reports whether this system can lock folders.
const Folders = false

func lock(*os.File) error { return errors.ErrUnsupported }
