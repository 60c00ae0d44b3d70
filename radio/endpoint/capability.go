package endpoint

import (
	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// What only some codecs can tell. Each is an optional interface, so that a codec
// of the caller's own can tell it too.

// modelOf returns the model behind a codec; nil where there is none.
func modelOf(c codec.Codec) *artifacts.Model {
	if m, ok := c.(interface{ Model() *artifacts.Model }); ok {
		return m.Model()
	}
	return nil
}

// modelHash returns the hash of what a codec was made from; "" where it has none.
func modelHash(c codec.Codec) string {
	if h, ok := c.(interface{ ModelHash() string }); ok {
		return h.ModelHash()
	}
	if m := modelOf(c); m != nil {
		return m.Hash()
	}
	return ""
}

// dataStd returns the deviations of the values that a codec was made from; nil
// where it does not tell.
func dataStd(c codec.Codec) []float64 {
	if s, ok := c.(interface{ DataStd() []float64 }); ok {
		return s.DataStd()
	}
	if m := modelOf(c); m != nil {
		return m.DataStd()
	}
	return nil
}

// schemaOf returns the names and units of a codec's values, of which a step has
// dims.
func schemaOf(c codec.Codec, dims int) sensor.Schema {
	if v, ok := c.(interface{ Values() sensor.Schema }); ok {
		if s := v.Values(); len(s) == dims {
			return s
		}
	}
	return sensor.ForDims(dims)
}
