package dataset

import (
	"fmt"
	"iter"

	"github.com/loralink/loralink-go/dataset/sensor"
)

// SensorSchema returns the schema of the values of a step, given windows of w steps,
// w at least 1. It is made from the names and units of the first window. If that has
// none, SensorSchema returns sensor.ForDims; if there is no window, nil.
func SensorSchema(windows iter.Seq2[Window, error], w int) (sensor.Schema, error) {
	if w < 1 {
		return nil, fmt.Errorf("%w: windows of %d steps, want at least 1", ErrSettings, w)
	}
	for first, err := range windows {
		if err != nil {
			return nil, err
		}
		if first.Order != nil {
			return sensor.Named(first.Order, first.Units), nil
		}
		n := len(first.Values)
		if n%w != 0 {
			return nil, fmt.Errorf("dataset: %w", faultf(ErrLength, "found windows of %d values, want a multiple of %d, the number of steps", n, w))
		}
		return sensor.ForDims(n / w), nil
	}
	return nil, nil
}
