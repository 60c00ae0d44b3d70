package train

import (
	"flag"
	"fmt"
	"slices"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/flagvalue"
)

// RegisterFlags defines a flag for each of the settings but Split, Start and
// Recorder, and sets the settings to the defaults of their flags.
func (s *Settings) RegisterFlags(fs *flag.FlagSet) {
	s.RegisterCommonFlags(fs)
	fs.Var((*flagvalue.Ints)(&s.HiddenDims), "hidden-dims", "sizes of the layers between window and latent, such as 24,16")
	fs.Var((*flagvalue.PositiveInt)(&s.LatentDim), "latent-dim", "number of latents (default 8; with bitpack as many as the payload's bits can use)")
	fs.StringVar((*string)(&s.Packing), "packing", string(bam.Int8), "format of latents in payloads: int8, int16, float16, float32 or bitpack (contract v2, which the reference runtime does not read)")
	positiveInt(fs, &s.PayloadBytes, "payload-bytes", 8, "bitpack: length of the payload")
	fs.Var((*flagvalue.PositiveFloat)(&s.Scale), "scale", "factor of the integer packings (default 127 or 32767)")
	fs.Float64Var(&s.Delta, "delta", 0, "strength of the cubic transmission function; 0: linear")
	fs.IntVar(&s.EncodeCycles, "encode-cycles", 0, "extra iterations in every layer when encoding")
	fs.IntVar(&s.DecodeCycles, "decode-cycles", 0, "extra iterations in every layer when decoding")
}

// RegisterCommonFlags defines those flags of RegisterFlags that all models of a
// sweep have in common: not those for the model's sizes, packing and transmission
// function.
func (s *Settings) RegisterCommonFlags(fs *flag.FlagSet) {
	fs.IntVar(&s.Window.Dims, "input-dims", 0, "number of values in a step; 0: the window's length divided by window-W")
	positiveInt(fs, &s.Window.W, "window-W", 1, "number of steps in a window")
	positiveInt(fs, &s.Window.Stride, "window-stride", 1, "number of samples between the starts of windows")
	fs.BoolVar(&s.CheckByte, "check-byte", false, "bitpack: make the last byte a check byte over model and payload")
	fs.BoolVar(&s.AutoScale, "auto-scale", false, "measure the scale on the training windows")
	fs.Float64Var(&s.AutoScalePercentile, "auto-scale-percentile", 99.9, "percentile of the windows' largest |latent| that becomes the largest integer")
	fs.IntVar(&s.AutoScaleWindows, "auto-scale-max-samples", 10000, "number of windows that auto-scale measures")
	fs.Var((*flagvalue.Floats)(&s.Tolerances), "tolerances", "tolerable errors, one for each value of a step; without them errors are weighed by standard deviation")
	fs.IntVar(&s.MaxSamples, "max-samples", 0, "number of training windows to use, from the first; 0: all")
	positiveInt(fs, &s.MaxPayloadBytes, "max-payload-bytes", artifacts.MaxPayloadBytes, "largest length of a payload, 1..255")
	fs.Int64Var(&s.Seed, "seed", 0, "seed of starting weights, minibatches and clusters")
	fs.Int64Var(&s.ShuffleSeed, "shuffle-seed", 0, "febam: seed of the order of windows")
}

func positiveInt(fs *flag.FlagSet, dst *int, name string, def int, usage string) {
	*dst = def
	fs.Var((*flagvalue.PositiveInt)(dst), name, usage)
}

// MethodSettings choose one of this package's methods by name and set its
// parameters, as command lines do. The zero value is Auto with its defaults. For
// every parameter, 0 means the method's default. Methods ignore parameters that
// they do not have.
type MethodSettings struct {
	Name string // one of MethodNames; "" means auto

	// Parameters of FEBAM and Gradient. Auto passes them to Gradient.
	Epochs            int
	LearningRate      float64
	EarlyStopPatience int // Gradient.Patience

	// Parameters of FEBAM.
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

// RegisterFlags defines the flag --method and a flag for each parameter.
func (s *MethodSettings) RegisterFlags(fs *flag.FlagSet) {
	s.Name = "auto"
	fs.Var((*methodValue)(&s.Name), "method", methodUsage)
	s.RegisterParameterFlags(fs)
}

const methodUsage = "auto (chooses pca or gradient by validation on training windows), pca, gradient, or febam (the rule of the paper)"

// RegisterParameterFlags defines a flag for each parameter.
func (s *MethodSettings) RegisterParameterFlags(fs *flag.FlagSet) {
	fs.Var((*flagvalue.PositiveInt)(&s.Epochs), "epochs", "largest number of epochs; febam: for each layer (default 1); gradient: (default 60)")
	fs.IntVar(&s.MinEpochs, "min-epochs", 0, "febam: number of epochs before an early stop")
	fs.Float64Var(&s.LearningRate, "learning-rate", 0, "febam: step size (default 1e-4); gradient: size of the first step (default 2e-3)")
	fs.Var((*flagvalue.PositiveInt)(&s.Cycles), "cycles", "febam: cycles before each update (default 1)")
	fs.Float64Var(&s.InitRange, "init-range", 0, "febam: starting weights are uniform in ± this (default 0.05)")
	fs.Float64Var(&s.WeightClip, "weight-clip", 0, "febam: clip weights to ± this; 0: no clipping")
	fs.IntVar(&s.ShuffleBuffer, "shuffle-buffer", 0, "febam: number of windows in the shuffle buffer; 0: file order")
	fs.IntVar(&s.EarlyStopPatience, "early-stop-patience", 0, "number of epochs without progress before an early stop; 0: febam never stops early, gradient 15")
	fs.Float64Var(&s.EarlyStopMinDelta, "early-stop-min-delta", 0, "febam: decrease of mse_x that counts as progress")
	fs.Float64Var(&s.TargetMSEX, "target-mse-x", 0, "febam: stop at this mse_x and target-mse-y; 0: no target")
	fs.Float64Var(&s.TargetMSEY, "target-mse-y", 0, "febam: stop at this mse_y and target-mse-x; 0: no target")
}

// methodValue is a flag of a method's name.
type methodValue string

func (v *methodValue) String() string { return string(*v) }

func (v *methodValue) Set(s string) error {
	if !slices.Contains(MethodNames(), s) {
		return fmt.Errorf("want one of %v", MethodNames())
	}
	*v = methodValue(s)
	return nil
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
	return nil, fmt.Errorf("%w: method is %q, want one of %v", ErrSettings, s.Name, MethodNames())
}
