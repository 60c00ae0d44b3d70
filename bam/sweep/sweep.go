// Package sweep trains a grid of models on one data set and lays their errors
// beside those of the mean, of principal components and of the Gaussian bound
// at equal bytes.
//
//	report, err := sweep.Run(ctx, windows, &sweep.Settings{
//		Grid: sweep.Grid{LatentDims: []int{2, 4, 8}, Packings: []bam.Packing{bam.Int8, bam.Int16}},
//		Dir:  "out/sweep/models",
//	})
//
// Models are trained side by side. The report depends on the windows and the
// settings alone: not on how many models train at once, nor on the order in
// which the grid's lists stand, nor on how many of the models an earlier,
// interrupted run had finished.
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
	"time"

	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// Errors that a caller may want to tell apart. What training says comes
// through, as [train.ErrNoData].
var (
	// ErrGrid marks a grid that holds no model that can be trained.
	ErrGrid = errors.New("sweep: invalid grid")
	// ErrOther marks a folder that holds something else than the model that is
	// to go there.
	ErrOther = errors.New("sweep: folder holds something else")
)

// Settings say what to sweep. The zero value sweeps the default training alone.
type Settings struct {
	Grid Grid
	// Base is what all trainings share: window, split, auto-scale, limit of the
	// payload. What the grid sets has no effect here; Start and Recorder must
	// be nil.
	Base train.Settings

	// Dir is the folder that gets a model's folder for each model, named by its
	// id; "" keeps none. A model that is there already, trained on the same
	// windows with the same settings, is not trained again.
	Dir string
	// Force trains all models and replaces those there.
	Force bool
	// CreatedAt goes to the models' artifacts.json; zero: the time of saving.
	CreatedAt time.Time

	Dataset string // the data set's name in reports
	Workers int    // models trained at once; 0: GOMAXPROCS

	// Progress hears how many of the models are done, before the first and
	// after each; nil: nobody does. Calls come one at a time.
	Progress func(done, total int)
}

// maxHeld is how many values of windows are held in memory, 512 MiB; a larger
// data set is read anew in every pass.
const maxHeld = 64 << 20

// source is the data set and its two parts.
type source struct {
	all, training, test iter.Seq2[dataset.Window, error]
	subset              string // what test is
	dims, inputLen      int
	trainN, testN       int
	hash                string // of all windows
}

// Run trains the models of the grid on the windows that Base.Split trains on
// and measures each on the holdout, or on the training windows where the split
// leaves no holdout. It ranges over windows once and holds them in memory, up to
// 512 MiB of values; beyond that it ranges over them for every pass of every
// training, from several goroutines at once.
//
// A training that diverges is listed among the skipped. Any other error ends
// the sweep, as does ctx; models finished until then stay in Dir.
func Run(ctx context.Context, windows iter.Seq2[dataset.Window, error], settings *Settings) (*Report, error) {
	if settings == nil {
		settings = &Settings{}
	}
	s := *settings
	if s.Base.Start != nil || s.Base.Recorder != nil {
		return nil, fmt.Errorf("%w: the base settings have a start or a recorder, want neither: the models differ in shape", ErrGrid)
	}
	if s.Base.Split == nil {
		s.Base.Split = dataset.HashSplit{TrainRatio: 0.8}
	}
	if s.Workers <= 0 {
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
	if err := s.place(models, src.hash); err != nil {
		return nil, err
	}
	study, err := quality.Study(src.training, sensor.ForDims(src.dims))
	if err != nil {
		return nil, err
	}

	report := newReport(&s, src)
	base := newRivals(models, len(study.Norm.Mean))
	results := make([]*Result, len(models))
	reasons := make([]string, len(models))
	done := 0
	var progress sync.Mutex
	if s.Progress != nil {
		s.Progress(0, len(models))
	}
	// The baselines come first: they are few and quick.
	err = parallel(ctx, len(base.list)+len(models), s.Workers, func(ctx context.Context, i int) error {
		if i < len(base.list) {
			return base.list[i].measure(study, src.test)
		}
		i -= len(base.list)
		r, err := s.result(ctx, src, study, models[i])
		switch {
		case errors.Is(err, train.ErrDiverged):
			reasons[i] = err.Error()
		case err != nil:
			return fmt.Errorf("sweep: model %s: %w", models[i].id, err)
		}
		results[i] = r
		progress.Lock()
		defer progress.Unlock()
		if done++; s.Progress != nil {
			s.Progress(done, len(models))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, m := range models {
		if results[i] == nil {
			skipped = append(skipped, Skipped{m.id, reasons[i]})
		}
	}
	report.fill(study, base, results, skipped)
	return report, nil
}

// open reads the windows, holds them where they fit, and takes their hash.
func open(ctx context.Context, windows iter.Seq2[dataset.Window, error], base *train.Settings) (*source, error) {
	var held []dataset.Window
	fits, left := true, maxHeld
	src := &source{all: windows, subset: "holdout"}
	sum := sha256.New()
	var line []byte
	for w, err := range windows {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if src.inputLen == 0 {
			src.inputLen = len(w.Values)
		}
		line = binary.LittleEndian.AppendUint64(line[:0], uint64(w.ID))
		line = binary.LittleEndian.AppendUint64(line, uint64(w.TsMs))
		line = binary.LittleEndian.AppendUint64(line, uint64(len(w.Values)))
		for _, v := range w.Values {
			line = binary.LittleEndian.AppendUint64(line, math.Float64bits(v))
		}
		sum.Write(line)
		if base.Split.Trains(w) {
			if base.MaxSamples <= 0 || src.trainN < base.MaxSamples {
				src.trainN++
			}
		} else {
			src.testN++
		}
		if fits {
			if left -= len(w.Values); left < 0 {
				held, fits = nil, false
				continue
			}
			held = append(held, w)
		}
	}
	if fits {
		src.all = sequence(held)
	}
	if src.trainN == 0 {
		return nil, train.ErrNoData
	}
	src.hash = hex.EncodeToString(sum.Sum(nil))
	src.training = dataset.Limit(dataset.Train(src.all, base.Split), base.MaxSamples)
	src.test = dataset.Holdout(src.all, base.Split)
	if src.testN == 0 {
		src.test, src.testN, src.subset = src.training, src.trainN, "train"
	}
	src.dims = base.InputDims
	if src.dims == 0 {
		src.dims = src.inputLen / max(1, base.WindowW)
	}
	return src, nil
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

// result trains a model, or takes the one that is there, and measures it.
func (s *Settings) result(ctx context.Context, src *source, study *quality.Training, m *model) (*Result, error) {
	c, rep := m.done, m.report
	if c == nil {
		res, err := train.Train(ctx, src.all, &m.settings, m.method)
		if err != nil {
			return nil, err
		}
		if res.Status == train.Cancelled {
			return nil, ctx.Err()
		}
		res.Report.Dataset = s.Dataset
		if c, err = s.save(m, res); err != nil {
			return nil, err
		}
		rep = &res.Report
	}
	e, err := quality.Evaluate(c, src.test, quality.Settings{Std: study.Norm.Std})
	if err != nil {
		return nil, err
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
	return r, nil
}

// parallel calls f for 0..n-1 on some workers. The first error stops it; of
// several, that of the lowest number is returned.
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
