package sensor

import (
	"errors"
	"fmt"
)

// MaxWindowLen is the largest number of values in a window, Dims·W. It bounds the
// memory that a file can ask for. Other packages also bound single sizes: a RunSpec
// has at most 4096 dims and 4096 steps, and a model at most 4096 latents.
const MaxWindowLen = 1 << 16

// ErrShape reports a Shape with a size below 1 or more than MaxWindowLen values.
var ErrShape = errors.New("sensor: invalid window shape")

// Shape describes how a recording is cut into windows: W consecutive samples of Dims
// values each, with a new window every Stride samples. A sample in a window is called
// a step. A window's values are row-major, one step after the other, the oldest first.
type Shape struct {
	Dims   int `json:"dims"`   // values per step
	W      int `json:"W"`      // steps per window
	Stride int `json:"stride"` // samples from the start of one window to the next
}

// Len returns the number of values in a window, Dims·W.
func (s Shape) Len() int { return s.Dims * s.W }

// Check returns an error that wraps ErrShape if a size is below 1 or a window has
// more than MaxWindowLen values.
func (s Shape) Check() error {
	if s.Dims < 1 || s.W < 1 || s.Stride < 1 || s.Dims > MaxWindowLen || s.W > MaxWindowLen/s.Dims {
		return fmt.Errorf("%w: found %s, want each at least 1, and at most %d values per window", ErrShape, s, MaxWindowLen)
	}
	return nil
}

// String returns text such as "12 dims, W 1, stride 1".
func (s Shape) String() string {
	return fmt.Sprintf("%d dims, W %d, stride %d", s.Dims, s.W, s.Stride)
}
