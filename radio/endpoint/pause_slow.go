//go:build slowdisk

package endpoint

import "time"

// pause makes the steps of writing slow, for tests that kill programs.
func pause() { time.Sleep(5 * time.Millisecond) }
