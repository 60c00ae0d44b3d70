package train

import (
	"fmt"
	"math"
	"slices"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// Settings describe the model to train. How its weights are found is the
// [Method]'s concern. The zero value is a model of 8 latents, sent as int8, for
// windows of one step.
type Settings struct {
	// Window is the shape of the windows. If Dims is 0, it is the window's length
	// divided by W. If W or Stride is 0, it is 1.
	Window sensor.Shape

	// HiddenDims are the sizes of the layers between window and latent. None
	// means a model of one layer.
	HiddenDims []int
	// LatentDim is the number of latents. 0 means 8 or, with packing bitpack, as
	// many as the payload's bits can use.
	LatentDim int
	// Packing is the format of latents in payloads; "" means int8.
	Packing bam.Packing

	// PayloadBytes is the length of a payload of packing bitpack; 0 means 8. The
	// length of other payloads follows from the number of latents.
	PayloadBytes int
	// CheckByte makes the last byte of a bitpack payload a check byte over the
	// model's hash and the other bytes.
	CheckByte bool

	// Seed is the seed of all random choices but the order of windows: starting
	// weights, minibatches, clusters.
	Seed int64
	// ShuffleSeed is the seed of the order of windows in Problem.Shuffled.
	ShuffleSeed int64

	// Scale is the factor of the integer packings. 0 means the largest integer:
	// 127 or 32767.
	Scale float64
	// AutoScale measures the factor instead. It takes the largest absolute value
	// among the latents of each window, for the first AutoScaleWindows training
	// windows (0 means 10,000), and maps the AutoScalePercentile of these (0 means
	// 99.9) to the largest integer.
	AutoScale           bool
	AutoScalePercentile float64
	AutoScaleWindows    int

	// Delta is the strength of the cubic transmission function; 0 makes the model
	// linear. EncodeCycles and DecodeCycles are extra iterations in every layer.
	// See bam.Model.
	Delta                      float64
	EncodeCycles, DecodeCycles int

	// Split selects the training windows; nil means HashSplit{TrainRatio: 0.8}.
	Split dataset.Split
	// MaxSamples is the largest number of training windows, counted from the
	// first; 0 means all.
	MaxSamples int
	// Tolerances are the errors that are tolerable, one for each value of a step
	// or of a window, in its unit. With them, training weighs the error of a
	// value by its tolerance. Nil means that it weighs the error by the value's
	// standard deviation. FEBAM ignores tolerances.
	Tolerances []float64

	// MaxPayloadBytes is the largest length of a payload, 1 to 255; 0 means
	// artifacts.MaxPayloadBytes.
	MaxPayloadBytes int

	// Start are the layers that FEBAM and Gradient start from, of the sizes that
	// HiddenDims and LatentDim give. Nil means layers of the method's choice.
	Start []bam.Layer

	// Recorder receives the progress of the training; nil means none does.
	Recorder Recorder
}

// PayloadLen returns the length in bytes of the payloads that these settings
// give.
func (s *Settings) PayloadLen() int {
	t := *s
	t.fill()
	if t.Packing == bam.BitPack {
		return t.PayloadBytes
	}
	return t.LatentDim * t.Packing.BytesPerLatent()
}

// fill sets zero fields to their defaults, but for those that depend on the
// windows.
func (s *Settings) fill() {
	setDefault(&s.Window.W, 1)
	setDefault(&s.Window.Stride, 1)
	setDefault(&s.Packing, bam.Int8)
	if s.Packing == bam.BitPack {
		setDefault(&s.PayloadBytes, 8)
	} else {
		setDefault(&s.LatentDim, 8)
	}
	setDefault(&s.AutoScalePercentile, 99.9)
	setDefault(&s.AutoScaleWindows, 10000)
	setDefault(&s.MaxPayloadBytes, artifacts.MaxPayloadBytes)
	if s.Packing.Integer() {
		setDefault(&s.Scale, float64(s.Packing.MaxInt()))
	} else {
		s.Scale = 0
	}
	if s.Split == nil {
		s.Split = dataset.HashSplit{TrainRatio: dataset.DefaultTrainRatio}
	}
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Check returns an error that wraps ErrSettings unless the settings are valid,
// as far as this can be told without the windows.
func (s *Settings) Check() error {
	if s == nil {
		return nil
	}
	_, err := s.withDefaults()
	return err
}

// withDefaults returns a valid copy of the settings with defaults filled in.
func (s *Settings) withDefaults() (Settings, error) {
	out := *s
	out.fill()
	invalid := func(name string, found any, want string) error {
		return fmt.Errorf("%w: %s is %v, want %s", ErrSettings, name, found, want)
	}
	switch {
	case out.Packing == bam.BitPack && (out.PayloadBytes < 1 || out.PayloadBytes > out.MaxPayloadBytes):
		return out, invalid("payload bytes", s.PayloadBytes, fmt.Sprintf("1..%d", out.MaxPayloadBytes))
	case out.LatentDim < 0 || out.LatentDim > artifacts.MaxLatentDim:
		return out, invalid("latent dim", s.LatentDim, fmt.Sprintf("1..%d", artifacts.MaxLatentDim))
	case !slices.Contains(bam.Packings(), out.Packing):
		return out, invalid("packing", out.Packing, fmt.Sprintf("one of %v", bam.Packings()))
	case out.Window.Dims < 0:
		return out, invalid("input dims", s.Window.Dims, "at least 1, or 0 for the dims of the windows")
	case out.Window.W < 1:
		return out, invalid("window W", s.Window.W, "at least 1")
	case out.Window.Stride < 1:
		return out, invalid("window stride", s.Window.Stride, "at least 1")
	case out.Packing.Integer() && !(out.Scale > 0 && float32(out.Scale) > 0 && !math.IsInf(float64(float32(out.Scale)), 0)):
		return out, invalid("scale", s.Scale, "a number above 0")
	case !(out.AutoScalePercentile > 0 && out.AutoScalePercentile <= 100):
		return out, invalid("auto-scale percentile", s.AutoScalePercentile, "above 0 and at most 100")
	case out.AutoScaleWindows < 1:
		return out, invalid("auto-scale windows", s.AutoScaleWindows, "at least 1")
	case out.MaxSamples < 0:
		return out, invalid("max samples", s.MaxSamples, "at least 1, or 0 for all")
	case out.MaxPayloadBytes < 1 || out.MaxPayloadBytes > 255:
		return out, invalid("max payload bytes", s.MaxPayloadBytes, "1..255")
	}
	for i, h := range out.HiddenDims {
		if h < 1 || h > sensor.MaxWindowLen {
			return out, invalid(fmt.Sprintf("hidden dims[%d]", i), h, fmt.Sprintf("1..%d", sensor.MaxWindowLen))
		}
	}
	if err := bam.CheckTransmission(out.Delta, out.EncodeCycles, out.DecodeCycles); err != nil {
		return out, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	if n := out.PayloadLen(); n > out.MaxPayloadBytes {
		return out, fmt.Errorf("%w: %d latents as %s make a payload of %d bytes, want at most %d", ErrSettings, out.LatentDim, out.Packing, n, out.MaxPayloadBytes)
	}
	return out, nil
}

// setWindowLen completes the shape for windows of n values.
func (s *Settings) setWindowLen(n int) error {
	if s.Window.Dims == 0 {
		s.Window.Dims = n / s.Window.W
	}
	if s.Window.Len() != n {
		return fmt.Errorf("%w: windows have %d values, want %d (input dims × window W = %d × %d)", ErrSettings, n, s.Window.Len(), s.Window.Dims, s.Window.W)
	}
	return nil
}

// checkStart returns an error unless Start is nil or a model of the sizes dims.
func (s *Settings) checkStart(dims []int) error {
	if s.Start == nil {
		return nil
	}
	if err := checkSizes(s.Start, dims); err != nil {
		return fmt.Errorf("%w: start: %w", ErrSettings, err)
	}
	net := bam.Model{Layers: s.Start}
	if err := net.Check(); err != nil {
		return fmt.Errorf("%w: start: %w", ErrSettings, err)
	}
	return nil
}
