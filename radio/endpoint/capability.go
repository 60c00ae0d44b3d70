package endpoint

import (
	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// modelOf returns a codec's model, or nil if it has none.
func modelOf(c codec.Codec) *artifacts.Model {
	if m, ok := c.(interface{ Model() *artifacts.Model }); ok {
		return m.Model()
	}
	return nil
}

// modelHash returns the hash of a codec's model, or "" if it has none.
func modelHash(c codec.Codec) string {
	if m, ok := c.(codec.Modelled); ok {
		return m.ModelHash()
	}
	return ""
}

// dataStd returns the standard deviations of the values that a codec was fitted to,
// or nil if the codec does not know them.
func dataStd(c codec.Codec) []float64 {
	if m, ok := c.(codec.Modelled); ok {
		return m.DataStd()
	}
	return nil
}

// schemaOf returns the schema of the dims values of a step of a codec's windows.
func schemaOf(c codec.Codec, dims int) sensor.Schema {
	if s := codec.SensorSchema(c); len(s) == dims {
		return s
	}
	return sensor.ForDims(dims)
}
