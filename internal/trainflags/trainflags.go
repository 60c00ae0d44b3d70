// Package trainflags holds the flags of training that several mains share.
package trainflags

import (
	"flag"
	"fmt"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/examples/cli"
)

// Methods names the methods that Method knows, for the text of flags.
const Methods = "auto (picks pca or gradient by validation inside the training windows), pca, gradient, or febam: the paper's rule"

// Flags are the flags, parsed. Settings has those that are no method's own.
type Flags struct {
	Settings train.Settings
	febam    train.FEBAM
	fs       *flag.FlagSet
}

// Register adds the flags.
func (f *Flags) Register(fs *flag.FlagSet) {
	f.fs = fs
	s, m := &f.Settings, &f.febam
	fs.BoolVar(&s.CheckByte, "check-byte", false, "bitpack: the payload's last byte checks model and payload")
	fs.BoolVar(&s.AutoScale, "auto-scale", false, "measure the scale on the training windows")
	fs.Float64Var(&s.AutoScalePercentile, "auto-scale-percentile", 99.9, "percentile of the largest |latent| that becomes the largest integer")
	fs.IntVar(&s.AutoScaleWindows, "auto-scale-max-samples", 10000, "windows that --auto-scale looks at")
	fs.Var(cli.Floats(&s.Tolerances), "tolerances", "weigh errors by these, one for each value of a step, instead of by deviation")
	fs.IntVar(&s.MaxSamples, "max-samples", 0, "training windows to use, from the first; 0: all")
	fs.IntVar(&s.InputDims, "input-dims", 0, "values of a step; 0: window length / window-W")
	fs.IntVar(&s.WindowW, "window-W", 1, "steps of a window")
	fs.IntVar(&s.WindowStride, "window-stride", 1, "samples between windows")
	fs.IntVar(&s.MaxPayloadBytes, "max-payload-bytes", artifacts.MaxPayloadBytes, "longest payload, 1..255")
	fs.IntVar(&m.Epochs, "epochs", 1, "febam: most epochs a layer; gradient: epochs, unset 60")
	fs.IntVar(&m.MinEpochs, "min-epochs", 0, "febam: epochs before an early stop")
	fs.Float64Var(&m.LearningRate, "learning-rate", 1e-4, "febam: step size; gradient: of the first step, unset 2e-3")
	fs.IntVar(&m.Cycles, "cycles", 1, "febam: rounds before each update")
	fs.Int64Var(&m.Seed, "seed", 0, "seed of febam's starting weights, gradient's order and bitpack's clusters")
	fs.Float64Var(&m.InitRange, "init-range", 0.05, "febam: starting weights are uniform in ± this")
	fs.Float64Var(&m.WeightClip, "weight-clip", 0, "febam: keep weights in ± this; 0: no clip")
	fs.IntVar(&m.ShuffleBuffer, "shuffle-buffer", 0, "febam: windows in the shuffle buffer; 0: file order")
	fs.Int64Var(&m.ShuffleSeed, "shuffle-seed", 0, "febam: seed of the shuffle")
	fs.IntVar(&m.EarlyStopPatience, "early-stop-patience", 0, "epochs without progress before stopping; 0: febam never, gradient 15")
	fs.Float64Var(&m.EarlyStopMinDelta, "early-stop-min-delta", 0, "febam: what counts as progress of mse_x")
	fs.Float64Var(&m.TargetMSEX, "target-mse-x", 0, "febam: stop at this mse_x (with --target-mse-y); 0: no target")
	fs.Float64Var(&m.TargetMSEY, "target-mse-y", 0, "febam: stop at this mse_y (with --target-mse-x); 0: no target")
}

// Check reports flags that would otherwise be taken for unset.
func (f *Flags) Check() error {
	for _, v := range []struct {
		name  string
		value float64
	}{
		{"window-W", float64(f.Settings.WindowW)}, {"window-stride", float64(f.Settings.WindowStride)},
		{"max-payload-bytes", float64(f.Settings.MaxPayloadBytes)}, {"epochs", float64(f.febam.Epochs)}, {"cycles", float64(f.febam.Cycles)},
	} {
		if !(v.value > 0) {
			return fmt.Errorf("--%s is %g, want more than 0", v.name, v.value)
		}
	}
	f.Settings.Seed = f.febam.Seed
	return nil
}

// Method returns the method of that name, with the parameters that the flags
// give it. The flag that named it is named in the error.
func (f *Flags) Method(flagName, name string) (train.Method, error) {
	gradient := train.Gradient{Seed: f.febam.Seed, Patience: f.febam.EarlyStopPatience}
	if cli.IsSet(f.fs, "epochs") {
		gradient.Epochs = f.febam.Epochs
	}
	if cli.IsSet(f.fs, "learning-rate") {
		gradient.LearningRate = f.febam.LearningRate
	}
	switch name {
	case "auto":
		return &train.Auto{Gradient: gradient}, nil
	case "pca":
		return train.PCA{}, nil
	case "gradient":
		return &gradient, nil
	case "febam":
		return &f.febam, nil
	}
	return nil, cli.Usagef("--%s is %q, want auto, pca, gradient or febam", flagName, name)
}
