package sensor

import (
	"errors"
	"fmt"
)

// MaxWindowLen is the largest number of values in a window, Dims·W.
const MaxWindowLen = 1 << 16

// ErrShape marks a shape that no window has.
var ErrShape = errors.New("sensor: invalid window shape")

// Shape says how windows are cut from a recording: W steps of Dims values, a new
// window every Stride steps. A window's values are row-major, one step after the
// other, the oldest first.
type Shape struct {
	Dims   int `json:"dims"`
	W      int `json:"W"`
	Stride int `json:"stride"`
}

// Len is the number of values in a window.
func (s Shape) Len() int { return s.Dims * s.W }

// Check reports sizes below 1, and windows of more than MaxWindowLen values, as
// ErrShape.
func (s Shape) Check() error {
	if s.Dims < 1 || s.W < 1 || s.Stride < 1 || s.Dims > MaxWindowLen || s.W > MaxWindowLen/s.Dims {
		return fmt.Errorf("%w: %s, want each at least 1 and at most %d values", ErrShape, s, MaxWindowLen)
	}
	return nil
}

// String is "12 dims, W 1, stride 1".
func (s Shape) String() string {
	return fmt.Sprintf("%d dims, W %d, stride %d", s.Dims, s.W, s.Stride)
}
