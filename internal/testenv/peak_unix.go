//go:build linux || darwin

package testenv

import (
	"os"
	"runtime"
	"syscall"
)

// peakMiB returns the largest amount of memory that a process that has ended had in use.
func peakMiB(state *os.ProcessState) (mib int64, ok bool) {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, false
	}
	kib := usage.Maxrss
	if runtime.GOOS == "darwin" { // which counts bytes
		kib /= 1024
	}
	return int64(kib) / 1024, true
}
