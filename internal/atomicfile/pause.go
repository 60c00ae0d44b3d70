//go:build !slowdisk

package atomicfile

// pause does nothing. With the build tag slowdisk, for tests that kill the process, it
// waits.
func pause() {}
