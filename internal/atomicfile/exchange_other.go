//go:build !linux && !darwin

package atomicfile

import "errors"

// exchange exchanges the names of two folders in one step. This system cannot.
func exchange(string, string) error { return errors.ErrUnsupported }
