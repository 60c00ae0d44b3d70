package train

import (
	"flag"
	"fmt"
	"math"
	"slices"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/flagvalue"
)

// RegisterFlags defines a flag for each of the settings except Split, Start and
// Recorder, and sets the settings to the defaults of their flags. Call CheckFlags
// after parsing.
func (s *Settings) RegisterFlags(fs *flag.FlagSet) {
	s.RegisterCommonFlags(fs)
	s.Packing, s.PayloadBytes = bam.Int8, 8
	fs.Var(&flagvalue.IntList{Dst: &s.HiddenDims, Min: 1, Max: sensor.MaxWindowLen, Empty: true}, "hidden-dims", "sizes of the layers between window and latent, such as 24,16")
	fs.Var(&flagvalue.Int[int]{Dst: &s.LatentDim, Min: 1, Max: artifacts.MaxLatentDim}, "latent-dim", "number of latents (default 8; bitpack: as many as the payload's bits can use)")
	fs.Var(&flagvalue.Choice[bam.Packing]{Dst: &s.Packing, Names: bam.Packings()}, "packing", "format of latents in payloads: int8, int16, float16, float32 or bitpack (contract v2, which the reference runtime does not read)")
	fs.Var(&flagvalue.Int[int]{Dst: &s.PayloadBytes, Min: 1, Max: math.MaxUint8}, "payload-bytes", "bitpack: length of a payload in bytes")
	fs.Var(&flagvalue.Positive{Dst: &s.Scale}, "scale", "int8, int16: factor from latents to integers (default 127 or 32767)")
	fs.Float64Var(&s.Delta, "delta", 0, "strength of the cubic transmission function; 0: linear")
	fs.IntVar(&s.EncodeCycles, "encode-cycles", 0, "extra iterations in every layer when encoding")
	fs.IntVar(&s.DecodeCycles, "decode-cycles", 0, "extra iterations in every layer when decoding")
}

// RegisterCommonFlags defines the flags of RegisterFlags that all models of a sweep
// have in common: not those for the model's sizes, packing and transmission function.
func (s *Settings) RegisterCommonFlags(fs *flag.FlagSet) {
	s.Window.W, s.Window.Stride = 1, 1
	s.AutoScalePercentile, s.AutoScaleWindows, s.MaxPayloadBytes = 99.9, 10000, artifacts.MaxPayloadBytes
	fs.Var(&flagvalue.Int[int]{Dst: &s.Window.Dims}, "input-dims", "number of values in a step; 0: the window's length divided by window-W")
	fs.Var(&flagvalue.Int[int]{Dst: &s.Window.W, Min: 1}, "window-W", "number of steps in a window")
	fs.Var(&flagvalue.Int[int]{Dst: &s.Window.Stride, Min: 1}, "window-stride", "number of samples from the start of one window to the next")
	fs.BoolVar(&s.CheckByte, "check-byte", false, "bitpack: make the last byte of a payload a check byte over model and payload")
	fs.BoolVar(&s.AutoScale, "auto-scale", false, "int8, int16: measure the scale on the training windows")
	fs.Var(&flagvalue.Positive{Dst: &s.AutoScalePercentile, Max: 100}, "auto-scale-percentile", "auto-scale: percentile of the windows' largest |latent| that becomes the largest integer")
	fs.Var(&flagvalue.Int[int]{Dst: &s.AutoScaleWindows, Min: 1}, "auto-scale-max-samples", "auto-scale: number of windows to measure")
	fs.Var((*flagvalue.Floats)(&s.Tolerances), "tolerances", "tolerable errors, one for each value of a step, in its unit; without them, errors are weighed by standard deviation")
	fs.Var(&flagvalue.Int[int]{Dst: &s.MaxWindows}, "max-samples", "number of training windows to use, from the first; 0: all")
	fs.Var(&flagvalue.Int[int]{Dst: &s.MaxPayloadBytes, Min: 1, Max: math.MaxUint8}, "max-payload-bytes", "largest length of a payload in bytes; a frame holds at most 238")
	fs.Int64Var(&s.Seed, "seed", 0, "seed of starting weights, minibatches and clusters")
	fs.Int64Var(&s.ShuffleSeed, "shuffle-seed", 0, "febam: seed of the order of windows")
}

// CheckFlags returns an error that wraps ErrSettings if the command line sets a flag
// that has no effect, such as --check-byte without packing bitpack or --epochs with
// method pca. The arguments are a parsed flag set with the flags of Settings and
// MethodSettings, and all packings and all methods that the program uses with them.
func CheckFlags(fs *flag.FlagSet, packings []bam.Packing, methods []string) error {
	var ignored error
	fs.Visit(func(f *flag.Flag) {
		if reason := noEffect(fs, f.Name, packings, methods); reason != "" && ignored == nil {
			ignored = fmt.Errorf("%w: --%s has no effect %s, want it left out", ErrSettings, f.Name, reason)
		}
	})
	return ignored
}

// noEffect returns why the named flag has no effect; "" if it has one.
func noEffect(fs *flag.FlagSet, name string, packings []bam.Packing, methods []string) string {
	bitpack := slices.Contains(packings, bam.BitPack)
	integer := slices.ContainsFunc(packings, bam.Packing.Integer)
	autoScale := fs.Lookup("auto-scale").Value.String() == "true"
	only := func(unused ...string) bool { // reports whether there is no other method
		return !slices.ContainsFunc(methods, func(m string) bool { return !slices.Contains(unused, m) })
	}
	onlyBitpack := !slices.ContainsFunc(packings, func(p bam.Packing) bool { return p != bam.BitPack })
	switch name {
	case "payload-bytes", "check-byte":
		if !bitpack {
			return "without packing bitpack"
		}
	case "latent-dims": // of a sweep
		if onlyBitpack {
			return "with packing bitpack alone"
		}
	case "scale", "auto-scale":
		if !integer {
			return "without packing int8 or int16"
		}
		if name == "scale" && autoScale {
			return "with --auto-scale"
		}
	case "auto-scale-percentile", "auto-scale-max-samples":
		if !autoScale {
			return "without --auto-scale"
		}
	case "tolerances":
		if only("febam") {
			return "with method febam"
		}
	case "epochs", "learning-rate", "early-stop-patience":
		if only("pca") {
			return "with method pca"
		}
		if name == "learning-rate" && only("pca", "auto") {
			return "with method auto, which uses the rate of method gradient"
		}
		if onlyBitpack && only("pca", "auto") {
			return "with method auto and packing bitpack, which always use pca"
		}
	case "shuffle-seed", "min-epochs", "cycles", "init-range", "weight-clip", "shuffle-buffer", "early-stop-min-delta", "target-mse-x", "target-mse-y":
		if only("auto", "pca", "gradient") {
			return "without method febam"
		}
	}
	return ""
}

// MethodSettings select one of this package's methods by name and set its parameters.
// The zero value is Auto with its defaults. Each method ignores the parameters that it
// does not have.
type MethodSettings struct {
	Name string // one of MethodNames; "": auto

	// Parameters of FEBAM and Gradient. Auto passes them to Gradient, except for
	// LearningRate. 0 is the default of the method.
	Epochs            int
	LearningRate      float64
	EarlyStopPatience int // Gradient.Patience

	// Parameters of FEBAM. For Cycles and InitRange, 0 is the default.
	EarlyStopMinDelta float64
	MinEpochs         int
	Cycles            int
	InitRange         float64
	WeightClip        float64
	ShuffleBuffer     int
	TargetMSEX        float64
	TargetMSEY        float64
}

// MethodNames returns the names of this package's methods.
func MethodNames() []string { return []string{"auto", "pca", "gradient", "febam"} }

// RegisterFlags defines the flag --method and a flag for each parameter, and sets the
// settings to the defaults of the flags. Call CheckFlags after parsing.
func (s *MethodSettings) RegisterFlags(fs *flag.FlagSet) {
	s.Name = "auto"
	fs.Var(&flagvalue.Choice[string]{Dst: &s.Name, Names: MethodNames()}, "method", "training method: auto (chooses pca or gradient by validation on training windows), pca, gradient, or febam (the rule of the paper)")
	s.RegisterParameterFlags(fs)
}

// RegisterParameterFlags defines a flag for each parameter.
func (s *MethodSettings) RegisterParameterFlags(fs *flag.FlagSet) {
	fs.Var(&flagvalue.Int[int]{Dst: &s.Epochs, Min: 1}, "epochs", "largest number of epochs; febam: for each layer (default 1); gradient: (default 60)")
	fs.Var(&flagvalue.Int[int]{Dst: &s.MinEpochs}, "min-epochs", "febam: number of epochs before an early stop")
	fs.Float64Var(&s.LearningRate, "learning-rate", 0, "febam: step size (default 1e-4); gradient: size of the first step (default 2e-3)")
	fs.Var(&flagvalue.Int[int]{Dst: &s.Cycles, Min: 1}, "cycles", "febam: cycles before each update (default 1)")
	fs.Float64Var(&s.InitRange, "init-range", 0, "febam: starting weights are uniform in ± this (default 0.05)")
	fs.Float64Var(&s.WeightClip, "weight-clip", 0, "febam: clip weights to ± this; 0: no clipping")
	fs.Var(&flagvalue.Int[int]{Dst: &s.ShuffleBuffer}, "shuffle-buffer", "febam: number of windows in the shuffle buffer; 0: file order")
	fs.Var(&flagvalue.Int[int]{Dst: &s.EarlyStopPatience}, "early-stop-patience", "number of epochs without progress before an early stop; 0: febam never stops early, gradient 15")
	fs.Float64Var(&s.EarlyStopMinDelta, "early-stop-min-delta", 0, "febam: decrease of mse_x that counts as progress")
	fs.Float64Var(&s.TargetMSEX, "target-mse-x", 0, "febam: stop when mse_x is at most this, and mse_y at most its own target; 0: no target")
	fs.Float64Var(&s.TargetMSEY, "target-mse-y", 0, "febam: with --target-mse-x, the target of mse_y; 0: none")
}

// Method returns the method. It returns an error that wraps ErrSettings if the
// name is unknown or a parameter is invalid.
func (s *MethodSettings) Method() (Method, error) {
	switch s.Name {
	case "", "auto", "gradient":
		g := Gradient{Epochs: s.Epochs, LearningRate: s.LearningRate, Patience: s.EarlyStopPatience}
		if err := g.Check(); err != nil {
			return nil, err
		}
		if s.Name == "gradient" {
			return &g, nil
		}
		g.LearningRate = 0
		return &Auto{Gradient: g}, nil
	case "pca":
		return PCA{}, nil
	case "febam":
		f := &FEBAM{
			Epochs: s.Epochs, LearningRate: s.LearningRate, Cycles: s.Cycles, InitRange: s.InitRange, WeightClip: s.WeightClip,
			ShuffleBuffer: s.ShuffleBuffer, EarlyStopPatience: s.EarlyStopPatience, EarlyStopMinDelta: s.EarlyStopMinDelta,
			MinEpochs: s.MinEpochs, TargetMSEX: s.TargetMSEX, TargetMSEY: s.TargetMSEY,
		}
		f, err := f.withDefaults()
		if err != nil {
			return nil, err
		}
		return f, nil
	}
	return nil, fmt.Errorf("%w: Name is %q, want one of %v", ErrSettings, s.Name, MethodNames())
}
