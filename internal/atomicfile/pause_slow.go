//go:build slowdisk

package atomicfile

import "time"

// pause stands for a slow disk.
func pause() { time.Sleep(10 * time.Millisecond) }
