package train

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// The errors of this package wrap one of these, or the error of the context, of
// the Recorder or of the windows.
var (
	// ErrSettings reports invalid settings or parameters of a method.
	ErrSettings = errors.New("train: invalid settings")
	// ErrNoData reports that the split selects no window for training.
	ErrNoData = errors.New("train: no training windows")
	// ErrDiverged reports weights or errors that became infinite or NaN.
	ErrDiverged = errors.New("train: weights diverged")
	// ErrMethod reports a Method whose result does not fit its Problem.
	ErrMethod = errors.New("train: method returned an invalid result")
)

// A Result is a trained model.
type Result struct {
	Net     bam.Model
	Norm    *bam.Norm
	Packing bam.Packing
	Scale   float64     // factor of the integer packings; 0 for the others
	Tables  *bam.Tables // tables of packing bitpack; nil for the others
	// NormWidening is the factor by which each of Norm.Std is larger than the
	// standard deviation of the training windows; nil if all factors are 1.
	// Methods widen the norm where the transmission function needs small values.
	NormWidening []float64
	Status       Status
	Report       Report

	// Settings are those of the training, with every default filled in.
	Settings Settings

	schema sensor.Schema
}

// Train fits a model to the windows that settings.Split selects for training. It
// ranges over windows several times. Nil settings mean the zero Settings, a nil
// method means Auto.
func Train(ctx context.Context, windows iter.Seq2[dataset.Window, error], settings *Settings, method Method) (*Result, error) {
	if method == nil {
		method = &Auto{}
	}
	result, err := train(ctx, windows, settings, method)
	if err != nil && err == ctx.Err() {
		return nil, fmt.Errorf("train: %w", err)
	}
	return result, err
}

func train(ctx context.Context, windows iter.Seq2[dataset.Window, error], settings *Settings, method Method) (*Result, error) {
	problem, err := newProblem(ctx, windows, settings, method.Name())
	if err != nil {
		return nil, err
	}
	fit, err := method.Fit(ctx, problem)
	if err != nil {
		return nil, err
	}
	if err := fit.complete(problem, method); err != nil {
		return nil, err
	}
	problem = fit.Problem
	s := problem.Settings
	result := &Result{
		Net:  bam.Model{Layers: fit.Layers, Delta: float32(s.Delta), EncodeCycles: s.EncodeCycles, DecodeCycles: s.DecodeCycles},
		Norm: problem.Norm, Packing: s.Packing, Scale: s.Scale, NormWidening: problem.Widening, Status: fit.Status, Settings: s, schema: problem.Schema,
	}
	if err := result.Net.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDiverged, err)
	}
	if s.AutoScale && s.Packing.Integer() {
		if result.Scale, err = autoScale(ctx, problem, &result.Net); err != nil {
			return nil, err
		}
	}
	var choices []BitPackChoice
	if s.Packing == bam.BitPack {
		if result.Tables, choices, err = bitpackTables(ctx, problem, &result.Net); err != nil {
			return nil, err
		}
	}
	result.Report = result.report(method, fit, choices)
	return result, nil
}

// Model returns the trained model in the form that codecs take, without files.
func (r *Result) Model() *artifacts.Model {
	return artifacts.NewModel(r.Set())
}

// Set returns the content of the model's folder, but for the time of its
// creation, for save.Model of package artifacts/save.
func (r *Result) Set() *artifacts.Set {
	return &artifacts.Set{
		Manifest: r.manifest(), Layers: r.Net.Layers, Norm: r.Norm, Tables: r.Tables,
		TrainReport: r.Report, MaxPayloadBytes: r.Settings.MaxPayloadBytes,
	}
}

func (r *Result) manifest() artifacts.Manifest {
	s := r.Settings
	m := artifacts.Manifest{
		LatentDim: s.LatentDim, Packing: r.Packing,
		EncodeCycles: s.EncodeCycles, DecodeCycles: s.DecodeCycles,
		Dims: s.Window.Dims, W: s.Window.W, Stride: s.Window.Stride,
	}
	if r.schema != nil {
		m.SetSensorSchema(r.schema)
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

// trainSplit describes a split in the form of manifests; nil if they have no form
// for it.
func trainSplit(split dataset.Split) *artifacts.TrainSplit {
	s, ok := dataset.DescribeSplit(split)
	switch {
	case ok && s.Method == dataset.ByHash:
		return &artifacts.TrainSplit{Method: artifacts.SplitByHash, TrainRatio: s.TrainRatio, SplitSeed: s.Seed}
	case ok && s.TrainRatio > 0:
		return &artifacts.TrainSplit{Method: artifacts.SplitByTime, TrainRatio: s.TrainRatio, CutTsMs: s.CutMs}
	}
	return nil
}
