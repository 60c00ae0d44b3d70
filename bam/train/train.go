// Package train fits the weights of a bidirectional associative memory to
// recorded windows.
//
//	res, err := train.Train(ctx, windows, nil, nil)
//
// Nil settings and a nil method mean the best we know: [Auto], which picks by
// validation inside the training windows. [PCA] takes the principal components in
// closed form and gives each latent the gain that uses its integer well;
// [Gradient] trains all layers at once on the error of the rebuilt window;
// [FEBAM] is the rule of the paper and of the reference runtime.
//
// The same windows and settings give the same weights, to the bit, whatever
// GOMAXPROCS is, on one architecture. Nothing is printed: a [Recorder] hears
// of the progress.
package train

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// Errors that a caller may want to tell apart.
var (
	// ErrSettings marks settings that cannot be trained with.
	ErrSettings = errors.New("train: invalid settings")
	// ErrNoData marks a data set with no training windows.
	ErrNoData = errors.New("train: no training windows")
	// ErrDiverged marks weights that left the finite numbers.
	ErrDiverged = errors.New("train: weights diverged")
)

// Settings say what to train, not how: that is the [Method]. The zero value is
// a model of 8 latents sent as int8, over windows of one step.
type Settings struct {
	// InputDims is the number of values of a step; 0 takes the window's
	// length divided by WindowW. WindowW (0: 1) and WindowStride (0: 1)
	// describe how the windows were cut.
	InputDims, WindowW, WindowStride int

	HiddenDims []int       // sizes of the layers between window and latent; none: one layer
	LatentDim  int         // 0: 8, or with bitpack as many as its bits can use
	Packing    bam.Packing // "": int8

	// PayloadBytes is the length of a bitpack payload (0: 8), of which CheckByte
	// gives one byte to a check over the model's hash and the payload. The
	// other packings are as long as their latents.
	PayloadBytes int
	CheckByte    bool
	Seed         int64 // of the clusters that bitpack's modes start from

	// Scale is the factor of the integer packings; 0 means 127 or 32767.
	Scale float64
	// AutoScale measures the scale instead: the AutoScalePercentile (0: 99.9)
	// of the largest |latent| of each of the first AutoScaleWindows (0: 10,000)
	// training windows becomes the largest integer.
	AutoScale           bool
	AutoScalePercentile float64
	AutoScaleWindows    int

	Delta                      float64 // cubic transmission; 0: linear
	EncodeCycles, DecodeCycles int

	Split dataset.Split // nil: HashSplit{TrainRatio: 0.8, Seed: 0}
	// Tolerances weigh errors by what is tolerable, in the units of the values
	// of a step or of a window, instead of by each value's deviation: what a
	// closed-form or gradient method keeps is then what the tolerances need.
	// Nil: by deviation.
	Tolerances []float64

	MaxSamples      int // training windows used, from the first; 0: all
	MaxPayloadBytes int // 0: artifacts.MaxPayloadBytes

	// Start holds the layers an iterative method starts from, one for each
	// of HiddenDims and LatentDim; nil: its own.
	Start []bam.Layer

	Recorder Recorder // nil: none
}

// Recorder hears of training as it goes.
type Recorder interface {
	// Record is called after every epoch. An error ends the training with it.
	Record(Progress) error
}

// Progress is where training stands.
type Progress struct {
	Method        string
	Layer, Layers int // from 0
	Epoch, Epochs int // epochs done, and their limit
	MSEX, MSEY    float64
}

// Status says why training ended.
type Status string

// Why training ended.
const (
	Solved        Status = "solved"         // in closed form
	EpochLimit    Status = "epoch limit"    // all epochs ran
	EarlyStop     Status = "early stop"     // the error stopped falling
	TargetReached Status = "target reached" // both errors are below their targets
	Cancelled     Status = "cancelled"      // by the context; the weights are those reached so far
)

// Result is a trained model.
type Result struct {
	Net     bam.Model
	Norm    *bam.Norm
	Packing bam.Packing
	Scale   float64     // 0 but for the integer packings
	Tables  *bam.Tables // of packing bitpack; nil for the others
	// NormWidening is how many times each of Norm.Std is wider than the
	// windows' deviation, where the transmission wants windows near 0; nil: as
	// wide.
	NormWidening []float64
	Status       Status
	Report       Report

	settings Settings
}

// Method fits layers to normalised windows.
type Method interface {
	// Name is the method's name in flags and reports.
	Name() string
	fit(ctx context.Context, p *problem) (*fitted, error)
}

// problem is what a method works on.
type problem struct {
	settings Settings // without zero defaults left
	data     *data
	dims     []int // window length, hidden sizes, latent dim
}

// fitted is what a method returns.
type fitted struct {
	data   *data // the problem's, or a wider normalised copy
	layers []bam.Layer
	status Status
	report []LayerReport
	hyper  any // the method's parameters as they were used
	// settings are those the method trained with, where it chose some itself;
	// choices is what it chose among.
	settings *Settings
	choices  []MethodChoice
}

// Train fits a model to the windows that settings.Split trains on. It ranges
// over windows several times. Nil settings and a nil method mean the defaults.
//
// Cancelling ctx ends an iterative method with the weights reached so far and
// the status Cancelled, or with the context's error before there are any.
func Train(ctx context.Context, windows iter.Seq2[dataset.Window, error], settings *Settings, method Method) (*Result, error) {
	if settings == nil {
		settings = &Settings{}
	}
	if method == nil {
		method = &Auto{}
	}
	s, err := settings.withDefaults()
	if err != nil {
		return nil, err
	}
	d, err := readData(ctx, windows, s)
	if err != nil {
		return nil, err
	}
	if err := s.takeWindow(d.dim); err != nil {
		return nil, err
	}
	if s.LatentDim == 0 { // bitpack
		pc, err := d.components(ctx)
		if err != nil {
			return nil, err
		}
		s.LatentDim = min(latentCount(pc.Values, 8*s.PayloadBytes), slices.Min(append([]int{d.dim}, s.HiddenDims...)))
	}
	p := &problem{settings: s, data: d, dims: append(append([]int{d.dim}, s.HiddenDims...), s.LatentDim)}
	if err := p.checkStart(); err != nil {
		return nil, err
	}
	fit, err := method.fit(ctx, p)
	if err != nil {
		return nil, err
	}
	if fit.settings != nil {
		s = *fit.settings
	}
	res := &Result{
		Net:  bam.Model{Layers: fit.layers, Delta: float32(s.Delta), EncodeCycles: s.EncodeCycles, DecodeCycles: s.DecodeCycles},
		Norm: fit.data.norm, Packing: s.Packing, Scale: s.Scale, NormWidening: fit.data.widened, Status: fit.status, settings: s,
	}
	if err := res.Net.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDiverged, err)
	}
	if s.AutoScale && s.Packing.Integer() {
		if res.Scale, err = autoScale(ctx, fit.data, &res.Net, s); err != nil {
			return nil, err
		}
	}
	var choices []BitPackChoice
	if s.Packing == bam.BitPack {
		y, err := encodeAll(ctx, fit.data, &res.Net)
		if err != nil {
			return nil, err
		}
		if res.Tables, choices, err = fitTables(ctx, y, tableShape{payloadBytes: s.PayloadBytes, check: s.CheckByte, seed: s.Seed, dim: d.dim}); err != nil {
			return nil, err
		}
	}
	res.Report = res.report(method, fit)
	res.Report.BitPack = choices
	res.Report.NormWindows = d.n
	return res, nil
}

// Model returns the trained model as a codec takes it, without saving it.
func (r *Result) Model() *artifacts.Model {
	return artifacts.NewModel(r.Set())
}

// Set returns what save.Model writes, but for its times.
func (r *Result) Set() *artifacts.Set {
	return &artifacts.Set{
		Manifest: r.manifest(), Layers: r.Net.Layers, Norm: r.Norm, Tables: r.Tables,
		TrainReport: r.Report, MaxPayloadBytes: r.settings.MaxPayloadBytes,
	}
}

func (r *Result) manifest() artifacts.Manifest {
	s := r.settings
	m := artifacts.Manifest{
		LatentDim: s.LatentDim, Packing: r.Packing,
		EncodeCycles: s.EncodeCycles, DecodeCycles: s.DecodeCycles,
		InputDims: s.InputDims, WindowW: s.WindowW, WindowStride: s.WindowStride,
	}
	if r.Packing.Integer() {
		m.Scale = &r.Scale
	}
	if s.Delta != 0 {
		m.Delta = &s.Delta
	}
	m.NormWidening = r.NormWidening
	m.TrainSplit = trainSplit(s.Split)
	return m
}

// trainSplit describes a split as manifests do; nil where they know no word for
// it.
func trainSplit(split dataset.Split) *artifacts.TrainSplit {
	switch s := split.(type) {
	case dataset.HashSplit:
		return &artifacts.TrainSplit{Method: artifacts.SplitByHash, TrainRatio: s.TrainRatio, SplitSeed: s.Seed}
	case dataset.TimeSplit:
		if s.TrainRatio > 0 {
			return &artifacts.TrainSplit{Method: artifacts.SplitByTime, TrainRatio: s.TrainRatio, CutTsMs: &s.CutMs}
		}
	}
	return nil
}

// PayloadLen is the length of the payload these settings give, in bytes.
func (s *Settings) PayloadLen() int {
	t := *s
	t.fill()
	if t.Packing == bam.BitPack {
		return t.PayloadBytes
	}
	return t.LatentDim * t.Packing.BytesPerLatent()
}

func (s *Settings) fill() {
	setDefault(&s.WindowW, 1)
	setDefault(&s.WindowStride, 1)
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
		s.Split = dataset.HashSplit{TrainRatio: 0.8}
	}
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Check reports settings that cannot be trained with, before any data is read.
func (s *Settings) Check() error {
	if s == nil {
		return nil
	}
	_, err := s.withDefaults()
	return err
}

// withDefaults returns a copy with every default filled in, and checked.
func (s *Settings) withDefaults() (Settings, error) {
	out := *s
	out.fill()
	bad := func(name string, found any, want string) error {
		return fmt.Errorf("%w: %s is %v, want %s", ErrSettings, name, found, want)
	}
	switch {
	case out.Packing == bam.BitPack && (out.PayloadBytes < 1 || out.PayloadBytes > out.MaxPayloadBytes):
		return out, bad("payload bytes", s.PayloadBytes, fmt.Sprintf("1..%d", out.MaxPayloadBytes))
	case out.LatentDim < 0 || out.LatentDim > artifacts.MaxLatentDim:
		return out, bad("latent dim", s.LatentDim, fmt.Sprintf("1..%d", artifacts.MaxLatentDim))
	case !slices.Contains(bam.Packings(), out.Packing):
		return out, bad("packing", out.Packing, fmt.Sprintf("one of %v", bam.Packings()))
	case out.InputDims < 0:
		return out, bad("input dims", s.InputDims, "at least 1, or 0 for what the windows have")
	case out.WindowW < 1:
		return out, bad("window W", s.WindowW, "at least 1")
	case out.WindowStride < 1:
		return out, bad("window stride", s.WindowStride, "at least 1")
	case out.Packing.Integer() && !(out.Scale > 0 && float32(out.Scale) > 0 && !math.IsInf(float64(float32(out.Scale)), 0)):
		return out, bad("scale", s.Scale, "a number above 0")
	case !(out.AutoScalePercentile > 0 && out.AutoScalePercentile <= 100):
		return out, bad("auto-scale percentile", s.AutoScalePercentile, "above 0 and at most 100")
	case out.AutoScaleWindows < 1:
		return out, bad("auto-scale windows", s.AutoScaleWindows, "at least 1")
	case out.MaxSamples < 0:
		return out, bad("max samples", s.MaxSamples, "0 for all, or more")
	case out.MaxPayloadBytes < 1 || out.MaxPayloadBytes > 255:
		return out, bad("max payload bytes", s.MaxPayloadBytes, "1..255")
	}
	for i, h := range out.HiddenDims {
		if h < 1 || h > sensor.MaxWindowLen {
			return out, bad(fmt.Sprintf("hidden dims[%d]", i), h, fmt.Sprintf("1..%d", sensor.MaxWindowLen))
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

// takeWindow settles the window's shape, now that its length is known.
func (s *Settings) takeWindow(n int) error {
	if s.InputDims == 0 {
		s.InputDims = n / s.WindowW
	}
	if s.InputDims*s.WindowW != n {
		return fmt.Errorf("%w: windows have %d values, want %d (input dims × window W = %d × %d)", ErrSettings, n, s.InputDims*s.WindowW, s.InputDims, s.WindowW)
	}
	return nil
}

func (p *problem) checkStart() error {
	start := p.settings.Start
	if start == nil {
		return nil
	}
	if len(start) != len(p.dims)-1 {
		return fmt.Errorf("%w: start has %d layers, want %d", ErrSettings, len(start), len(p.dims)-1)
	}
	for i, l := range start {
		if l.In() != p.dims[i] || l.Out() != p.dims[i+1] {
			return fmt.Errorf("%w: start layer %d is %d→%d, want %d→%d", ErrSettings, i, l.In(), l.Out(), p.dims[i], p.dims[i+1])
		}
	}
	net := bam.Model{Layers: start}
	if err := net.Check(); err != nil {
		return fmt.Errorf("%w: start: %w", ErrSettings, err)
	}
	return nil
}
