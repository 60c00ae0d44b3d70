//go:build !linux

package e22test

import (
	"errors"
	"fmt"
)

// ServePTY needs Linux. On this system it returns an error that wraps
// errors.ErrUnsupported.
func (m *Module) ServePTY(string) (stop func(), err error) {
	return nil, fmt.Errorf("e22test: pseudo-terminal: %w", errors.ErrUnsupported)
}
