package dataset

import (
	"iter"

	"github.com/loralink/loralink-go/dataset/sensor"
)

// Schema describes the values of a step of windows of w steps: by the names and
// units of the first window, or as sensor.ForDims does where it has none. Without
// a window it is nil.
func Schema(windows iter.Seq2[Window, error], w int) (sensor.Schema, error) {
	for first, err := range windows {
		if err != nil {
			return nil, err
		}
		if first.Order != nil {
			return sensor.Named(first.Order, first.Units), nil
		}
		n := len(first.Values)
		if w < 1 || n%w != 0 {
			return nil, faultf(ErrLength, "found windows of %d values, want %d steps of any number of values", n, w)
		}
		return sensor.ForDims(n / w), nil
	}
	return nil, nil
}
