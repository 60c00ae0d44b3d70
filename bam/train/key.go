package train

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset"
)

// Key returns a hash that identifies a training: the hex SHA-256 over the string data,
// which identifies the windows, over the settings without Recorder, and over the name
// and the JSON encoding of the method. Package sweep stores it with a model, to
// recognise models that it has already trained. The version of this package is not part
// of the key.
func Key(data string, settings *Settings, method Method) (string, error) {
	if settings == nil {
		settings = &Settings{}
	}
	b, err := json.Marshal(struct {
		Windows  string
		Settings keySettings
		Split    string // type of the split, whose fields are among the settings
		Name     string
		Method   any
	}{data, newKeySettings(settings, method), fmt.Sprintf("%T", settings.Split), method.Name(), keyMethod(settings, method)})
	if err != nil {
		return "", fmt.Errorf("train: key of method %s: %w", method.Name(), err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// keySettings are Settings under names that never change, so that new versions
// recognise models of old ones. Add a field only at the end, with omitempty.
type keySettings struct {
	InputDims, WindowW, WindowStride int
	HiddenDims                       []int
	LatentDim                        int
	Packing                          bam.Packing
	PayloadBytes                     int
	CheckByte                        bool
	Seed                             int64
	Scale                            float64
	AutoScale                        bool
	AutoScalePercentile              float64
	AutoScaleWindows                 int
	Delta                            float64
	EncodeCycles, DecodeCycles       int
	Split                            dataset.Split
	Tolerances                       []float64
	MaxSamples                       int
	MaxPayloadBytes                  int
	Start                            []bam.Layer
	Recorder                         *struct{} // always null
	ShuffleSeed                      int64     `json:",omitempty"`
}

func newKeySettings(s *Settings, method Method) keySettings {
	k := keySettings{
		InputDims: s.Window.Dims, WindowW: s.Window.W, WindowStride: s.Window.Stride,
		HiddenDims: s.HiddenDims, LatentDim: s.LatentDim, Packing: s.Packing, PayloadBytes: s.PayloadBytes, CheckByte: s.CheckByte,
		Seed: s.Seed, Scale: s.Scale, AutoScale: s.AutoScale, AutoScalePercentile: s.AutoScalePercentile, AutoScaleWindows: s.AutoScaleWindows,
		Delta: s.Delta, EncodeCycles: s.EncodeCycles, DecodeCycles: s.DecodeCycles,
		Split: s.Split, Tolerances: s.Tolerances, MaxSamples: s.MaxWindows, MaxPayloadBytes: s.MaxPayloadBytes, Start: s.Start,
	}
	if _, ok := method.(parameterised); !ok {
		k.ShuffleSeed = s.ShuffleSeed
	}
	return k
}

// parameterised is implemented by the methods of this package. The parameters include
// the seeds that the method uses.
type parameterised interface {
	parameters(s *Settings) any
}

func keyMethod(s *Settings, method Method) any {
	if m, ok := method.(parameterised); ok {
		return m.parameters(s)
	}
	return method
}
