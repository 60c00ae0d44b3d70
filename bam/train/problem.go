package train

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/errtext"
	"github.com/loralink/loralink-go/internal/linalg"
)

// A Problem is the input of a [Method]: find layers that encode and decode the
// normalised training windows with little error. A Method must not modify its fields,
// nor anything that these and its methods refer to.
type Problem struct {
	// Settings are those given to Train, with every default filled in.
	Settings Settings
	// Dims are the window's length, the sizes of the hidden layers, and the
	// number of latents. Layer i maps Dims[i] values to Dims[i+1] values.
	Dims []int
	// Schema describes the values of a step by the names and units in the windows; nil
	// if the windows have no names.
	Schema sensor.Schema
	// Windows is the number of training windows.
	Windows int
	// Norm has the mean of each value over the training windows and, unless the
	// problem is Widened, its standard deviation.
	Norm *bam.Norm
	// Widening has the factors by which each of Norm.Std exceeds the standard deviation;
	// nil means 1.
	Widening []float64
	// Weights are factors of the errors of normalised values: a Method should
	// minimise the sum of (weight·error)². They follow from Settings.Tolerances,
	// and their mean square is 1. Without tolerances all are 1.
	Weights []float64

	method  string                           // name of the method, for progress
	windows iter.Seq2[dataset.Window, error] // the training windows
	peaks   []float64                        // largest absolute value of each normalised value
	cached  []float32                        // all normalised windows, row-major; nil if they are too many
}

// maxCached is the largest number of values of normalised windows kept in memory.
// Larger data sets are read again in every pass.
const maxCached = 64 << 20

// NewProblem returns the problem that Train gives to a Method, for programs that
// call Fit themselves. It ranges over windows several times, and so do methods of the
// Problem. Nil settings mean the zero Settings.
func NewProblem(ctx context.Context, windows iter.Seq2[dataset.Window, error], settings *Settings) (*Problem, error) {
	return newProblem(ctx, windows, settings, "")
}

func newProblem(ctx context.Context, windows iter.Seq2[dataset.Window, error], settings *Settings, method string) (*Problem, error) {
	if settings == nil {
		settings = &Settings{}
	}
	s, err := settings.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Problem{Settings: s, method: method, windows: trainingWindows(windows, &s)}
	if err := p.record(StageRead); err != nil {
		return nil, err
	}
	if err := p.measure(ctx, windows); err != nil {
		return nil, err
	}
	if err := p.Settings.setWindowLen(p.windowLen()); err != nil {
		return nil, err
	}
	if p.Weights, err = toleranceWeights(s.Tolerances, p.Settings.Window, p.Norm.Std); err != nil {
		return nil, err
	}
	if err := p.normalise(ctx); err != nil {
		return nil, err
	}
	if len(p.Schema) != p.Settings.Window.Dims {
		p.Schema = nil
	}
	if p.Settings.LatentDim == 0 {
		if p.Settings.LatentDim, err = p.bitpackLatents(ctx); err != nil {
			return nil, err
		}
	}
	p.Dims = p.Settings.dims(p.windowLen())
	if err := checkWeights(p.Dims); err != nil {
		return nil, err
	}
	return p, p.Settings.checkStart(p.Dims)
}

// trainingWindows yields the windows that the settings select for training.
func trainingWindows(windows iter.Seq2[dataset.Window, error], s *Settings) iter.Seq2[dataset.Window, error] {
	return dataset.Limit(dataset.Training(windows, s.Split), s.MaxWindows)
}

func (p *Problem) windowLen() int { return len(p.Norm.Mean) }

// dims returns the sizes of a model for windows of n values.
func (s *Settings) dims(n int) []int {
	return append(append([]int{n}, s.HiddenDims...), s.LatentDim)
}

// measure counts the training windows among all windows and computes their mean and
// standard deviation. The first one gives the schema.
func (p *Problem) measure(ctx context.Context, all iter.Seq2[dataset.Window, error]) error {
	var stats dataset.Stats
	total := 0
	counted := func(yield func(dataset.Window, error) bool) {
		for w, err := range all {
			if err == nil {
				total++
			}
			if !yield(w, err) {
				return
			}
		}
	}
	for w, err := range trainingWindows(counted, &p.Settings) {
		if stats.Count() == 0 && w.Order != nil {
			p.Schema = sensor.Named(w.Order, w.Units)
		}
		if err == nil {
			err = stats.Add(w.Values)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	switch p.Windows = stats.Count(); {
	case total == 0:
		return fmt.Errorf("%w: found no windows at all", ErrNoData)
	case p.Windows == 0:
		return fmt.Errorf("%w: the split selects 0 of %d windows", ErrNoData, total)
	}
	p.Norm = &bam.Norm{Mean: stats.Mean(), Std: stats.Std()}
	if err := p.Norm.Check(); err != nil {
		return fmt.Errorf("train: %w", errtext.TrimPrefix(err, "bam: "))
	}
	return nil
}

// normalise computes the peaks of the normalised windows, and caches the windows if
// they are few enough.
func (p *Problem) normalise(ctx context.Context) error {
	p.peaks = make([]float64, p.windowLen())
	var cached []float32
	keep := p.Windows <= maxCached/p.windowLen()
	if keep {
		cached = make([]float32, 0, p.Windows*p.windowLen())
	}
	n := 0
	for z, err := range p.Normalized(ctx) {
		if err != nil {
			return err
		}
		n++
		raisePeaks(p.peaks, z)
		if keep {
			cached = append(cached, z...)
		}
	}
	if n != p.Windows {
		return fmt.Errorf("train: found %d training windows in the second pass, want %d, as in the first: the sequence must yield the same windows each time", n, p.Windows)
	}
	p.cached = cached
	return nil
}

func raisePeaks(peaks []float64, z []float32) {
	for i, v := range z {
		peaks[i] = max(peaks[i], math.Abs(float64(v)))
	}
}

// toleranceWeights returns the weights of values with these standard deviations.
// Tolerances has one number for each value of a step or of a window, or is nil.
func toleranceWeights(tolerances []float64, shape sensor.Shape, std []float64) ([]float64, error) {
	w := make([]float64, len(std))
	if tolerances == nil {
		for i := range w {
			w[i] = 1
		}
		return w, nil
	}
	if n := len(tolerances); n != shape.Dims && n != shape.Len() {
		want := fmt.Sprintf("%d, one for each value of a step", shape.Dims)
		if shape.W > 1 {
			want += fmt.Sprintf(", or %d, one for each value of a window", shape.Len())
		}
		return nil, fmt.Errorf("%w: found %d tolerances, want %s", ErrSettings, n, want)
	}
	sum := 0.0
	for i := range w {
		t := tolerances[i%len(tolerances)]
		if !(t > 0) || math.IsInf(t, 0) {
			return nil, fmt.Errorf("%w: Tolerances[%d] is %g, want a number above 0", ErrSettings, i%len(tolerances), t)
		}
		if w[i] = std[i] / t; std[i] == 0 {
			w[i] = 1 // a constant value has no error
		}
		sum += float64(w[i] * w[i])
	}
	for i := range w {
		w[i] /= math.Sqrt(sum / float64(len(w)))
	}
	return w, nil
}

// Normalized returns the normalised training windows in file order. Each slice is
// valid until the next one is yielded. When ctx ends, the sequence ends with the
// context's error.
func (p *Problem) Normalized(ctx context.Context) iter.Seq2[[]float32, error] {
	return p.shuffled(ctx, 0, 0)
}

// Shuffled returns the normalised training windows like Normalized, but in the order of
// dataset.Shuffle with a buffer of that many windows. The order depends on
// Settings.ShuffleSeed and epoch. A buffer of 1 or less means file order.
func (p *Problem) Shuffled(ctx context.Context, buffer, epoch int) iter.Seq2[[]float32, error] {
	return p.shuffled(ctx, buffer, p.Settings.ShuffleSeed+int64(epoch))
}

func (p *Problem) shuffled(ctx context.Context, buffer int, seed int64) iter.Seq2[[]float32, error] {
	windows := p.streamed(buffer, seed)
	if p.cached != nil {
		windows = dataset.Shuffle(p.rows(), buffer, seed)
	}
	return func(yield func([]float32, error) bool) {
		for z, err := range windows {
			if err == nil {
				err = ctx.Err()
			}
			if !yield(z, err) || err != nil {
				return
			}
		}
	}
}

// rows returns the cached windows.
func (p *Problem) rows() iter.Seq2[[]float32, error] {
	n := p.windowLen()
	return func(yield func([]float32, error) bool) {
		for i := 0; i < len(p.cached); i += n {
			if !yield(p.cached[i:i+n:i+n], nil) {
				return
			}
		}
	}
}

// streamed reads and normalises the windows.
func (p *Problem) streamed(buffer int, seed int64) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		z := make([]float32, p.windowLen())
		for w, err := range dataset.Shuffle(p.windows, buffer, seed) {
			if err == nil && len(w.Values) != len(z) {
				err = fmt.Errorf("train: window %d has %d values, want %d, as in the pass before", w.ID, len(w.Values), len(z))
			}
			if err != nil {
				yield(nil, err)
				return
			}
			p.Norm.Normalize(z, w.Values)
			if !yield(z, nil) {
				return
			}
		}
	}
}

// Widened returns the problem with the same windows, normalised by larger deviations
// so that every value of a training window lies within ±peak, which must be above 0.
// The cubic transmission function is nearly linear for small values only.
func (p *Problem) Widened(ctx context.Context, peak float64) (*Problem, error) {
	n := p.windowLen()
	w := *p
	w.Norm = &bam.Norm{Mean: p.Norm.Mean, Std: slices.Clone(p.Norm.Std)}
	w.Widening, w.peaks = make([]float64, n), make([]float64, n)
	factors := make([]float64, n)
	for i, largest := range p.peaks {
		factors[i] = 1
		if largest > 0 {
			factors[i] = largest / peak
		}
		w.Norm.Std[i] *= factors[i]
		w.peaks[i] = largest / factors[i]
		w.Widening[i] = factors[i]
		if p.Widening != nil {
			w.Widening[i] *= p.Widening[i]
		}
	}
	if p.cached == nil {
		return &w, nil
	}
	w.cached = make([]float32, 0, len(p.cached))
	for z, err := range p.Normalized(ctx) {
		if err != nil {
			return nil, err
		}
		for i, v := range z {
			w.cached = append(w.cached, float32(float64(v)/factors[i]))
		}
	}
	return &w, nil
}

// With returns the problem with other settings: other sizes, another transmission
// function, another seed or another Recorder. It ignores the fields Window, Split,
// MaxWindows and Tolerances of settings, because the windows stay the same.
func (p *Problem) With(settings Settings) (*Problem, error) {
	s, err := settings.withDefaults()
	if err != nil {
		return nil, err
	}
	s.Window, s.Split, s.MaxWindows, s.Tolerances = p.Settings.Window, p.Settings.Split, p.Settings.MaxWindows, p.Settings.Tolerances
	if s.LatentDim == 0 {
		s.LatentDim = p.Settings.LatentDim
	}
	w := *p
	w.Settings, w.Dims = s, s.dims(p.windowLen())
	return &w, s.checkStart(w.Dims)
}

// part returns the problem with the windows that keep selects by their index in file
// order. The norm stays the same. The windows must be cached.
func (p *Problem) part(keep func(i int) bool) *Problem {
	n := p.windowLen()
	w := *p
	w.Windows, w.cached, w.peaks = 0, []float32{}, make([]float64, n)
	for i := range p.Windows {
		if !keep(i) {
			continue
		}
		row := p.cached[i*n : (i+1)*n]
		raisePeaks(w.peaks, row)
		w.cached = append(w.cached, row...)
		w.Windows++
	}
	return &w
}

// components returns the principal components of the weighted windows.
func (p *Problem) components(ctx context.Context) (*linalg.Components, error) {
	n := p.windowLen()
	if n > linalg.MaxDims {
		return nil, fmt.Errorf("%w: found windows of %d values, want at most %d for principal components", ErrSettings, n, linalg.MaxDims)
	}
	if err := p.record(StagePCA); err != nil {
		return nil, err
	}
	cov, weighted := linalg.NewCovariance(n), make([]float32, n)
	for z, err := range p.Normalized(ctx) {
		if err != nil {
			return nil, err
		}
		for i, v := range z {
			weighted[i] = v * float32(p.Weights[i])
		}
		cov.Add(weighted)
	}
	pc, err := cov.PCA(ctx)
	if err != nil && err != ctx.Err() {
		return nil, fmt.Errorf("train: %w", err)
	}
	return pc, err
}
