//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package leftover

import "os"

// Locks reports whether this system can lock folders.
const Locks = false

func tryLock(*os.File) (held, supported bool) { return false, false }
