//go:build !linux

package e22test

import (
	"errors"
	"fmt"
)

// ServePTY needs Linux; here it returns an error that is errors.ErrUnsupported.
func (m *Module) ServePTY(string) (stop func(), err error) {
	return nil, fmt.Errorf("e22test: pseudo-terminal: %w", errors.ErrUnsupported)
}
