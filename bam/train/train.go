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
	"github.com/loralink/loralink-go/internal/errtext"
)

// The errors of this package wrap one of these, or an error of the context, the Recorder
// or the windows.
var (
	// ErrSettings reports invalid settings or parameters of a method.
	ErrSettings = errors.New("train: invalid settings")
	// ErrNoData reports that there are no windows, or that the split selects none for
	// training.
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
	Scale   float64     // factor from latents to integers of int8 and int16; 0 for other packings
	Tables  *bam.Tables // tables of packing bitpack; nil for the others
	// NormWidening has the factors by which each of Norm.Std exceeds the standard
	// deviation of the training windows; nil means 1. Methods widen the norm if the
	// transmission function needs small values.
	NormWidening []float64
	Status       Status // the reason why training ended
	Report       Report

	// Settings are those given to Train, with every default filled in.
	Settings Settings

	schema sensor.Schema
}

// Train fits a model to the windows that settings.Split selects for training. Nil
// settings mean the zero Settings, a nil method means Auto.
//
// Train ranges over windows several times, but from one goroutine at a time. The
// sequence must yield the same windows each time: one that can be ranged over only
// once, such as that of dataset.ReadSamples, gives an error. If windows is nil, Train
// panics.
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
		return nil, fmt.Errorf("%w: %w", ErrDiverged, errtext.TrimPrefix(err, "bam: "))
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

// Model returns the trained model in the form that package codec uses, without files.
func (r *Result) Model() *artifacts.Model {
	return artifacts.NewModel(r.Contents())
}

// Contents returns the contents of the model's folder for save.Model, of package
// artifacts/save. The caller sets CreatedAt.
func (r *Result) Contents() *artifacts.Contents {
	return &artifacts.Contents{
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

// trainSplit returns the description of a split in a manifest; nil if the split has a
// type that manifests cannot describe.
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
