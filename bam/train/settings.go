package train

import (
	"fmt"
	"math"
	"slices"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/errtext"
)

// Settings describe the model to train. A [Method] finds its weights. The zero value is
// a model of 8 latents, sent as int8, for windows of one step. Negative numbers are
// invalid, except for seeds.
type Settings struct {
	// Window is the shape of the windows. If Dims is 0, it is the window's length
	// divided by W. If W or Stride is 0, it is 1.
	Window sensor.Shape

	// HiddenDims are the sizes of the layers between window and latent, each at least
	// 1. An empty list means a model of one layer.
	HiddenDims []int
	// LatentDim is the number of latents, at most artifacts.MaxLatentDim. 0 means 8
	// or, with packing bitpack, as many as the payload's bits can use.
	LatentDim int
	// Packing is the format of latents in payloads; "" means int8.
	Packing bam.Packing

	// PayloadBytes is the length of a payload of packing bitpack; 0 means 8. The
	// length of other payloads follows from the number of latents. A payload of 1
	// byte cannot be sent with package radio, because a frame with one byte is an ACK.
	PayloadBytes int
	// CheckByte makes the last byte of a bitpack payload a check byte over the
	// model's hash and the other bytes. Other packings ignore it.
	CheckByte bool

	// Seed is the seed of all random choices except the order of windows: starting
	// weights, minibatches, clusters. Any value is valid.
	Seed int64
	// ShuffleSeed is the seed of the order of windows in Problem.Shuffled. Any value
	// is valid.
	ShuffleSeed int64

	// Scale is the factor from latents to integers of the packings int8 and int16. 0
	// means the largest integer: 127 or 32767. Other packings ignore it.
	Scale float64
	// AutoScale measures the factor instead, and ignores Scale. It takes the largest
	// absolute value among the latents of each window, for the first AutoScaleWindows
	// training windows (0 means 10,000), and maps the AutoScalePercentile of these (0
	// means 99.9) to the largest integer.
	AutoScale           bool
	AutoScalePercentile float64
	AutoScaleWindows    int

	// Delta is the strength of the cubic transmission function; 0 makes the model
	// linear. EncodeCycles and DecodeCycles are extra iterations in every layer.
	// bam.CheckTransmission has their ranges.
	Delta                      float64
	EncodeCycles, DecodeCycles int

	// Split selects the training windows; nil means HashSplit{TrainRatio: 0.8}.
	Split dataset.Split
	// MaxWindows is the largest number of training windows, counted from the
	// first; 0 means all.
	MaxWindows int
	// Tolerances are the tolerable errors, one for each value of a step or one for
	// each value of a window, in its unit. With them, training weighs the error of a
	// value by its tolerance. If Tolerances is nil, it weighs the error by the value's
	// standard deviation. FEBAM ignores tolerances.
	Tolerances []float64

	// MaxPayloadBytes is the largest length of a payload, 1 to 255, as the contract
	// allows; 0 means artifacts.MaxPayloadBytes, 238. A longer payload does not fit a
	// frame of package radio.
	MaxPayloadBytes int

	// Start are the layers that FEBAM and Gradient start from, with the sizes that
	// HiddenDims and LatentDim give. If Start is nil, the method chooses.
	Start []bam.Layer

	// Recorder receives the progress of the training. It may be nil.
	Recorder Recorder
}

// PayloadLen returns the length in bytes of the payloads of these settings.
func (s *Settings) PayloadLen() int {
	t := *s
	t.fill()
	if t.Packing == bam.BitPack {
		return t.PayloadBytes
	}
	return t.LatentDim * t.Packing.BytesPerLatent()
}

// fill sets zero fields to their defaults, except those that depend on the windows.
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
	case out.MaxPayloadBytes < 1 || out.MaxPayloadBytes > math.MaxUint8:
		return out, invalid("MaxPayloadBytes", s.MaxPayloadBytes, "1..255, or 0 for 238")
	case out.Packing == bam.BitPack && out.PayloadBytes < 1:
		return out, invalid("PayloadBytes", s.PayloadBytes, "at least 1, or 0 for 8")
	case out.LatentDim < 0 || out.LatentDim > artifacts.MaxLatentDim:
		return out, invalid("LatentDim", s.LatentDim, fmt.Sprintf("1..%d, or 0 for the default", artifacts.MaxLatentDim))
	case !slices.Contains(bam.Packings(), out.Packing):
		return out, invalid("Packing", fmt.Sprintf("%q", out.Packing), fmt.Sprintf("one of %v", bam.Packings()))
	case out.Window.Dims < 0 || out.Window.Dims > sensor.MaxWindowLen:
		return out, invalid("Window.Dims", s.Window.Dims, fmt.Sprintf("1..%d, or 0 for the dims of the windows", sensor.MaxWindowLen))
	case out.Window.W < 1 || out.Window.W > sensor.MaxWindowLen/max(1, out.Window.Dims):
		return out, invalid("Window.W", s.Window.W, fmt.Sprintf("at least 1, or 0 for 1, and at most %d values per window", sensor.MaxWindowLen))
	case out.Window.Stride < 1:
		return out, invalid("Window.Stride", s.Window.Stride, "at least 1, or 0 for 1")
	case out.Packing.Integer() && !(out.Scale > 0 && float32(out.Scale) > 0 && !math.IsInf(float64(float32(out.Scale)), 0)):
		return out, invalid("Scale", s.Scale, "a float32 above 0, or 0 for the largest integer")
	case !(out.AutoScalePercentile > 0 && out.AutoScalePercentile <= 100):
		return out, invalid("AutoScalePercentile", s.AutoScalePercentile, "above 0 and at most 100, or 0 for 99.9")
	case out.AutoScaleWindows < 1:
		return out, invalid("AutoScaleWindows", s.AutoScaleWindows, "at least 1, or 0 for 10000")
	case out.MaxWindows < 0:
		return out, invalid("MaxWindows", s.MaxWindows, "at least 1, or 0 for all")
	}
	for i, h := range out.HiddenDims {
		if h < 1 || h > sensor.MaxWindowLen {
			return out, invalid(fmt.Sprintf("HiddenDims[%d]", i), h, fmt.Sprintf("1..%d", sensor.MaxWindowLen))
		}
	}
	if err := checkWeights(append(slices.Clone(out.HiddenDims), out.LatentDim)); err != nil {
		return out, err
	}
	if err := bam.CheckTransmission(out.Delta, out.EncodeCycles, out.DecodeCycles); err != nil {
		return out, fmt.Errorf("%w: %w", ErrSettings, errtext.TrimPrefix(err, bam.ErrParam.Error()+": "))
	}
	switch n := out.PayloadLen(); {
	case n > out.MaxPayloadBytes && out.Packing == bam.BitPack:
		return out, fmt.Errorf("%w: found payloads of %d bytes, want at most %d", ErrSettings, n, out.MaxPayloadBytes)
	case n > out.MaxPayloadBytes:
		return out, fmt.Errorf("%w: %d latents as %s make payloads of %d bytes, want at most %d", ErrSettings, out.LatentDim, out.Packing, n, out.MaxPayloadBytes)
	}
	return out, nil
}

// checkWeights returns an error if a model with those sizes has more weights than one that
// is stored may have.
func checkWeights(sizes []int) error {
	if n := weights(sizes); n > artifacts.MaxWeights {
		return fmt.Errorf("%w: layers of %v make a model of %d weights, want at most %d", ErrSettings, sizes, n, artifacts.MaxWeights)
	}
	return nil
}

// weights returns the number of weights of a model with those sizes, or of a part of it.
func weights(sizes []int) (n int64) {
	for i, size := range sizes[1:] {
		n += 2 * int64(sizes[i]) * int64(size)
	}
	return n
}

// setWindowLen completes the shape for windows of n values.
func (s *Settings) setWindowLen(n int) error {
	if s.Window.Dims == 0 {
		s.Window.Dims = n / s.Window.W
	}
	if s.Window.Len() != n {
		return fmt.Errorf("%w: found windows of %d values, want %d (dims × W = %d × %d)", ErrSettings, n, s.Window.Len(), s.Window.Dims, s.Window.W)
	}
	return nil
}

// checkStart returns an error unless Start is nil or a model with the sizes dims.
func (s *Settings) checkStart(dims []int) error {
	if s.Start == nil {
		return nil
	}
	if err := checkSizes(s.Start, dims); err != nil {
		return fmt.Errorf("%w: Start: %w", ErrSettings, err)
	}
	net := bam.Model{Layers: s.Start}
	if err := net.Check(); err != nil {
		return fmt.Errorf("%w: Start: %w", ErrSettings, errtext.TrimPrefix(err, "bam: "))
	}
	return nil
}
