package dataset

import (
	"iter"

	"github.com/loralink/loralink-go/dataset/sensor"
)

// SensorSchema returns the names and units of the values of a step, given windows of
// w steps: those of the first window or, if it has none, sensor.ForDims. It returns
// nil if there is no window.
func SensorSchema(windows iter.Seq2[Window, error], w int) (sensor.Schema, error) {
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
