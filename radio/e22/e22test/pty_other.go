//go:build !linux

package e22test

import (
	"errors"
	"fmt"
)

// ServePTY needs Linux. Here it returns an errors.ErrUnsupported.
func (m *Module) ServePTY(string) (stop func(), err error) {
	return nil, fmt.Errorf("e22test: pseudo-terminal: %w", errors.ErrUnsupported)
}
