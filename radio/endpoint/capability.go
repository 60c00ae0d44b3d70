package endpoint

import (
	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// What only some codecs know. Each is an optional interface, so that any codec can
// provide it.

// modelOf returns a codec's model, or nil if it has none.
func modelOf(c codec.Codec) *artifacts.Model {
	if m, ok := c.(interface{ Model() *artifacts.Model }); ok {
		return m.Model()
	}
	return nil
}

// modelHash returns the hash of a codec's model, or "" if it has none.
func modelHash(c codec.Codec) string {
	if h, ok := c.(interface{ ModelHash() string }); ok {
		return h.ModelHash()
	}
	if m := modelOf(c); m != nil {
		return m.Hash()
	}
	return ""
}

// dataStd returns the standard deviations of the values that a codec was fitted to,
// or nil if it does not know.
func dataStd(c codec.Codec) []float64 {
	if s, ok := c.(interface{ DataStd() []float64 }); ok {
		return s.DataStd()
	}
	if m := modelOf(c); m != nil {
		return m.DataStd()
	}
	return nil
}

// schemaOf returns the names and units of the dims values of a step of a codec's
// windows.
func schemaOf(c codec.Codec, dims int) sensor.Schema {
	if v, ok := c.(interface{ Values() sensor.Schema }); ok {
		if s := v.Values(); len(s) == dims {
			return s
		}
	}
	return sensor.ForDims(dims)
}
