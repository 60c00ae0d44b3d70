// Package sweep trains models for all combinations of settings on one data set,
// and compares their errors at equal payload lengths: with each other, with the
// baselines mean and principal components, and with the Gaussian bound.
//
//	report, err := sweep.Run(ctx, windows, &sweep.Settings{
//		Grid: sweep.Grid{LatentDims: []int{2, 4, 8}, Packings: []bam.Packing{bam.Int8, bam.Int16}},
//		Dir:  "out/sweep/models",
//	})
//
// A [Grid] lists the values to combine. The [Report] has an evaluation of every model and
// the Pareto fronts: each model with a smaller error than all models with payloads of the
// same length or shorter. It can be written as JSON, CSV, plots and a table.
//
// Models are trained in parallel. If Settings.Dir is set, they are stored, and the same
// sweep continues where an interrupted one stopped. The report depends on the windows and
// the settings only: not on the number of workers, the order of the lists in the grid, or
// the number of models that were already stored.
package sweep

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"math"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// Errors of this package. Run also returns errors of other packages, such as
// train.ErrNoData.
var (
	// ErrSettings reports invalid settings, or a grid without a model that can be
	// trained.
	ErrSettings = errors.New("sweep: invalid settings")
	// ErrExists reports a folder in Dir with other content than the model that would be
	// stored there.
	ErrExists = errors.New("sweep: folder has other content")
)

// maxHeld is the largest number of values of windows held in memory, 512 MiB.
// Larger data sets are read again in every pass.
const maxHeld = 64 << 20

// source is the data set and its parts.
type source struct {
	all, training, test       iter.Seq2[dataset.Window, error]
	subset                    string // name of the part test
	dims, inputLen            int
	schema                    sensor.Schema // of the values of a step
	trainWindows, testWindows int           // numbers of windows in training and test
	hash                      string        // over all windows
}

// Run trains the models of the grid on the windows that Base.Split selects for training,
// and measures each on the holdout, or on the training windows if there is no holdout.
// Nil settings mean the zero Settings.
//
// If the windows have at most 64 Mi values, 512 MiB, Run ranges over the sequence once
// and holds them in memory. Otherwise it also ranges over it in every pass of every
// training, from several goroutines at the same time: the sequence must then allow this
// and yield the same windows each time, as those of dataset.OpenWindows do. If windows is
// nil, Run panics.
//
// A model whose training diverges is listed as skipped. After any other error the sweep
// ends. When ctx ends, Run returns an error that wraps the context's error; finished
// models stay in Dir.
func Run(ctx context.Context, windows iter.Seq2[dataset.Window, error], settings *Settings) (*Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if settings == nil {
		settings = &Settings{}
	}
	if err := settings.Check(); err != nil {
		return nil, err
	}
	s := *settings
	if s.Base.Split == nil {
		s.Base.Split = dataset.HashSplit{TrainRatio: dataset.DefaultTrainRatio}
	}
	if s.Workers == 0 {
		s.Workers = runtime.GOMAXPROCS(0)
	}
	models, skipped, err := s.Grid.models(s.Base)
	if err != nil {
		return nil, err
	}
	src, err := open(ctx, windows, &s.Base)
	if err != nil {
		return nil, err
	}
	if err := s.findStored(models, src.hash); err != nil {
		return nil, err
	}
	study, err := quality.NewTraining(ctx, src.training, src.schema)
	if err != nil {
		return nil, err
	}
	baselines := planBaselines(models, len(study.Norm.Mean))
	results, diverged, err := s.measure(ctx, src, study, baselines, models)
	if err != nil {
		return nil, err
	}
	report := newReport(&s, src)
	report.fill(study, baselines, results, append(skipped, diverged...))
	return report, nil
}

// measure trains and measures the models, in parallel, and measures the baselines.
func (s *Settings) measure(ctx context.Context, src *source, study *quality.Training, baselines *baselinePlan, models []*model) ([]*Result, []Skipped, error) {
	results := make([]*Result, len(models))
	var mu sync.Mutex // guards results, diverged, done, and calls of Progress
	var diverged []Skipped
	done := 0
	if s.Progress != nil {
		s.Progress(0, len(models))
	}
	trainModel := func(ctx context.Context, i int) error {
		r, reason, err := s.result(ctx, src, study, models[i])
		if err != nil {
			return fmt.Errorf("sweep: model %s: %w", models[i].id, err)
		}
		mu.Lock()
		defer mu.Unlock()
		if results[i] = r; r == nil {
			diverged = append(diverged, Skipped{models[i].id, reason})
		}
		if done++; s.Progress != nil {
			s.Progress(done, len(models))
		}
		return nil
	}
	n := len(baselines.list)
	err := parallel(ctx, n+len(models), s.Workers, func(ctx context.Context, i int) error {
		if i < n { // first, because they are few and fast
			return baselines.list[i].measure(ctx, study, src.test)
		}
		return trainModel(ctx, i-n)
	})
	return results, diverged, err
}

// open reads the windows, holds them in memory if they are not too many, and computes
// their hash. Its sequences end when ctx ends.
func open(ctx context.Context, windows iter.Seq2[dataset.Window, error], base *train.Settings) (*source, error) {
	windows = withContext(ctx, windows)
	var held []dataset.Window
	fits, left := true, maxHeld
	src := &source{all: windows, subset: "holdout"}
	sum := sha256.New()
	var line []byte
	for w, err := range windows {
		if err != nil {
			return nil, err
		}
		if src.inputLen == 0 {
			src.inputLen = len(w.Values)
			src.schema = sensor.Named(w.Order, w.Units)
		}
		line = appendWindow(line[:0], w)
		sum.Write(line)
		if base.Split.InTraining(w) {
			if base.MaxWindows <= 0 || src.trainWindows < base.MaxWindows {
				src.trainWindows++
			}
		} else {
			src.testWindows++
		}
		if left -= len(w.Values); left < 0 {
			held, fits = nil, false
		}
		if fits {
			held = append(held, w)
		}
	}
	if fits {
		src.all = withContext(ctx, sequence(held))
	}
	switch {
	case src.trainWindows+src.testWindows == 0:
		return nil, fmt.Errorf("%w: found no windows at all", train.ErrNoData)
	case src.trainWindows == 0:
		return nil, fmt.Errorf("%w: the split selects 0 of %d windows", train.ErrNoData, src.testWindows)
	}
	src.hash = hex.EncodeToString(sum.Sum(nil))
	src.training = dataset.Limit(dataset.Training(src.all, base.Split), base.MaxWindows)
	src.test = dataset.Holdout(src.all, base.Split)
	if src.testWindows == 0 {
		src.test, src.testWindows, src.subset = src.training, src.trainWindows, "train"
	}
	src.dims = base.Window.Dims
	if src.dims == 0 {
		src.dims = src.inputLen / max(1, base.Window.W)
	}
	if len(src.schema) != src.dims {
		src.schema = sensor.ForDims(src.dims)
	}
	return src, nil
}

// appendWindow appends the part of a window that the hash of a data set covers.
func appendWindow(dst []byte, w dataset.Window) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(w.ID))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(w.TsMs))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(w.Values)))
	for _, v := range w.Values {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
	}
	return dst
}

func sequence(windows []dataset.Window) iter.Seq2[dataset.Window, error] {
	return func(yield func(dataset.Window, error) bool) {
		for _, w := range windows {
			if !yield(w, nil) {
				return
			}
		}
	}
}

// withContext yields what windows yields. When ctx ends, it yields the context's error and
// ends.
func withContext(ctx context.Context, windows iter.Seq2[dataset.Window, error]) iter.Seq2[dataset.Window, error] {
	return func(yield func(dataset.Window, error) bool) {
		for w, err := range windows {
			if err == nil {
				err = ctx.Err()
			}
			if !yield(w, err) || err != nil {
				return
			}
		}
	}
}

// result trains a model, unless it is stored, and measures it. It returns a nil
// Result and the reason if the training diverges.
func (s *Settings) result(ctx context.Context, src *source, study *quality.Training, m *model) (*Result, string, error) {
	c, rep := m.done, m.report
	if c == nil {
		trained, err := train.Train(ctx, src.all, &m.settings, m.method)
		if errors.Is(err, train.ErrDiverged) {
			return nil, err.Error(), nil
		}
		if err != nil {
			return nil, "", err
		}
		trained.Report.Dataset = s.Dataset
		if c, err = s.store(m, trained); err != nil {
			return nil, "", err
		}
		rep = &trained.Report
	}
	e, err := quality.Evaluate(ctx, c, src.test, quality.Settings{Std: study.Norm.Std})
	if err != nil {
		return nil, "", err
	}
	e.Dataset = s.Dataset
	e.SetSplit(src.subset, s.Base.Split)
	r := &Result{
		Evaluation: e, ModelID: m.id, Method: rep.Method, Status: rep.Status, HiddenDims: rep.HiddenDims,
		LatentDim: rep.LatentDim, Packing: rep.Packing, Delta: rep.Delta, EncodeCycles: rep.EncodeCycles, DecodeCycles: rep.DecodeCycles,
		Cost: rep.Cost, Layers: rep.LayerReports,
	}
	if s.Dir != "" {
		r.ModelDir = filepath.Base(s.Dir) + "/" + m.id
	}
	return r, "", nil
}

// parallel calls f for 0..n-1 from that many goroutines, and stops after the first error.
// If there are several errors, it returns that of the lowest number, but errors of the
// context only if there are no others.
func parallel(ctx context.Context, n, workers int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	work := make(chan int)
	errs := make([]error, n)
	for range min(workers, n) {
		wg.Go(func() {
			for i := range work {
				if errs[i] = f(ctx, i); errs[i] != nil {
					cancel()
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		select {
		case work <- i:
		case <-ctx.Done():
		}
	}
	close(work)
	wg.Wait()
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}
