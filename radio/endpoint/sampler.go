package endpoint

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/motion"
	"github.com/loralink/loralink-go/internal/errtext"
	"github.com/loralink/loralink-go/internal/fielderr"
	"github.com/loralink/loralink-go/runspec"
)

// The kinds of [SamplerSettings].
const (
	SamplerJSONL    = "jsonl"    // a recording in JSONL
	SamplerCSV      = "csv"      // a recording in CSV
	SamplerSimulate = "simulate" // a simulated walk and ride that does not end
	SamplerDummy    = "dummy"    // the same, but as fast as the link takes it
)

// SamplerSettings describe the source of a sender's samples: a recording, which may
// still be growing, or a simulation. Samples have the twelve values of sensor.Motion,
// unless Columns names others. A program that reads a sensor does not need them; it passes
// windows to [Endpoint.Send]. The zero value is not valid, because it names no
// recording. Names of flags are those of RegisterFlags.
type SamplerSettings struct {
	Kind string // SamplerJSONL, SamplerCSV, SamplerSimulate or SamplerDummy; "": SamplerJSONL. Flag --sampler
	Path string // path of the recording. Flag --sensor-path
	// Columns are the values of the recording. nil: those of sensor.Motion. Flag --columns
	Columns dataset.Columns
	// Loop repeats the recording without end. Flag --sensor-loop
	Loop bool
	// Follow waits at the end of the recording for samples that are appended. Flag
	// --sensor-follow
	Follow bool
	// Seed is the seed of the simulation. The same seed gives the same samples. Any
	// value is valid. Flag --seed
	Seed int64
	// MaxGapMs is the longest time between two samples of a window, in ms. After a
	// longer gap a new window starts. 0: no limit. Flag --max-gap-ms
	MaxGapMs int64
	// Fill is what to do with a sample that lacks a value. Flag --fill
	Fill dataset.Fill
	// Warn is called if the last line of the recording is incomplete. It may be nil.
	Warn func(error)
}

// The fields that errors name, and their flags.
var (
	fieldSampler  = fielderr.Name{Field: "Kind", Flag: "sampler"}
	fieldPath     = fielderr.Name{Field: "Path", Flag: "sensor-path"}
	fieldColumns  = fielderr.Name{Field: "Columns", Flag: "columns"}
	fieldLoop     = fielderr.Name{Field: "Loop", Flag: "sensor-loop"}
	fieldFollow   = fielderr.Name{Field: "Follow", Flag: "sensor-follow"}
	fieldSeed     = fielderr.Name{Field: "Seed", Flag: "seed"}
	fieldMaxGapMs = fielderr.Name{Field: "MaxGapMs", Flag: "max-gap-ms"}
)

// RegisterFlags adds the flags that the fields mention.
func (s *SamplerSettings) RegisterFlags(fs *flag.FlagSet) {
	fs.StringVar(&s.Kind, "sampler", SamplerJSONL, "source of samples: jsonl or csv, a recording; simulate, a simulated walk; dummy, the same as fast as the link takes it")
	fs.StringVar(&s.Path, "sensor-path", "", "path of the recording")
	fs.Var(&s.Columns, "columns", dataset.ColumnsUsage)
	fs.BoolVar(&s.Loop, "sensor-loop", false, "repeat the recording without end")
	fs.BoolVar(&s.Follow, "sensor-follow", false, "wait at the end of the recording for samples that are appended")
	fs.Int64Var(&s.Seed, "seed", 0, "seed of the simulated walk")
	registerMaxGap(fs, &s.MaxGapMs)
	fs.Func("fill", "what to do with a missing value: error (the default), drop its sample, or hold the last value", func(name string) (err error) {
		s.Fill, err = dataset.ParseFill(name)
		return err
	})
}

// registerMaxGap adds the flag that SamplerSettings and SourceSettings share.
func registerMaxGap(fs *flag.FlagSet, ms *int64) {
	fs.Int64Var(ms, "max-gap-ms", 0, "longest time between two samples of a window, in ms; 0: no limit")
}

// Check returns an error that wraps [ErrSettings] if a field is out of range, or if
// fields contradict each other.
func (s *SamplerSettings) Check() error {
	simulate := s.simulated()
	switch {
	case !simulate && s.Kind != "" && s.Kind != SamplerJSONL && s.Kind != SamplerCSV:
		return fielderr.New(ErrSettings, "%v is %q, want %s, %s, %s or %s", fieldSampler, s.Kind, SamplerJSONL, SamplerCSV, SamplerSimulate, SamplerDummy)
	case simulate && (s.Path != "" || s.Loop || s.Follow):
		return fielderr.New(ErrSettings, "%v, %v and %v are for recordings, want them unset with %v %s",
			fieldPath, fieldLoop, fieldFollow, fieldSampler, s.Kind)
	case simulate && s.Columns != nil:
		return fielderr.New(ErrSettings, "%v is for recordings, want it unset with %v %s", fieldColumns, fieldSampler, s.Kind)
	case !simulate && s.Path == "":
		return fielderr.New(ErrSettings, "%v is missing, want a recording, or %v %s", fieldPath, fieldSampler, SamplerSimulate)
	case !simulate && s.Seed != 0:
		return fielderr.New(ErrSettings, "%v is for %v %s, want it unset with a recording", fieldSeed, fieldSampler, SamplerSimulate)
	case s.Loop && s.Follow:
		return fielderr.New(ErrSettings, "found both %v and %v, want one of them", fieldLoop, fieldFollow)
	}
	if err := checkColumns(s.Columns); err != nil {
		return err
	}
	return checkMaxGap(s.MaxGapMs)
}

// simulated reports whether the samples are simulated.
func (s *SamplerSettings) simulated() bool {
	return s.Kind == SamplerSimulate || s.Kind == SamplerDummy
}

// checkColumns checks a Columns.
func checkColumns(c dataset.Columns) error {
	if err := c.Check(); err != nil {
		return fielderr.New(ErrSettings, "%v: %v", fieldColumns, errtext.TrimPrefix(err, dataset.ErrSettings.Error()+": "))
	}
	return nil
}

// checkMaxGap checks a MaxGapMs.
func checkMaxGap(ms int64) error {
	if ms < 0 {
		return fielderr.New(ErrSettings, "%v is %d, want 0 or more", fieldMaxGapMs, ms)
	}
	return nil
}

// Windows returns the argument of [Endpoint.Send]: a function that returns the samples,
// cut into the windows that the RunSpec describes. Windows returns an error if Check does, if the
// RunSpec's window.dims is not the number of values of a sample, or if the recording does not
// exist or is a pipe, a device or a socket. If there are too few samples for a window, the sequence ends with an error
// that wraps dataset.ErrEmpty.
func (s *SamplerSettings) Windows(spec *runspec.RunSpec) (func(context.Context) iter.Seq2[dataset.Window, error], error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if err := checkDims(spec, s.Columns); err != nil {
		return nil, err
	}
	if !s.simulated() {
		if _, err := os.Stat(s.Path); err != nil {
			return nil, fmt.Errorf("endpoint: %w", err)
		}
		if err := checkFile(s.Path); err != nil {
			return nil, err
		}
	}
	windower := dataset.WindowerSettings{W: spec.Window.W, Stride: spec.Window.Stride, MaxGapMs: s.MaxGapMs}
	return func(ctx context.Context) iter.Seq2[dataset.Window, error] {
		return func(yield func(dataset.Window, error) bool) {
			none := true
			for w, err := range dataset.Windows(s.Samples(ctx, spec), windower) {
				none = false
				if !yield(w, err) || err != nil {
					return
				}
			}
			if none {
				yield(dataset.Window{}, &dataset.Error{File: s.Path, Err: fmt.Errorf("%w: found too few samples for a window, want at least %d", dataset.ErrEmpty, spec.Window.W)})
			}
		}
	}, nil
}

// checkDims returns an error if the steps of the RunSpec's windows do not have as many
// values as there are columns, or motion samples have if columns is nil.
func checkDims(spec *runspec.RunSpec, columns dataset.Columns) error {
	dims := spec.Window.Dims
	n := len(columns.Schema())
	switch {
	case dims == n:
		return nil
	case columns == nil:
		return fmt.Errorf("%w: RunSpec window.dims is %d, want the %d values of motion samples, or columns with the names of %[2]d values (--columns)", ErrSettings, dims, n)
	}
	return fmt.Errorf("%w: RunSpec window.dims is %d, want %d, the number of columns with values", ErrSettings, dims, n)
}

// CheckColumns returns an error that wraps [ErrSettings] if samples with these columns are
// not what the codec encodes, because names differ or units that both know. Nil columns
// are those of sensor.Motion. A codec that does not say what its values are takes any.
func (e *Endpoint) CheckColumns(columns dataset.Columns) error {
	d, ok := e.codec.(codec.Described)
	if !ok {
		return nil
	}
	want, found := d.SensorSchema(), columns.Schema()
	if want.Names() == nil {
		return nil
	}
	if !slices.Equal(found.Names(), want.Names()) {
		return fmt.Errorf("%w: samples have the values %s, want %s, as the codec %s, in this order (--columns)",
			ErrSettings, listed(found.Names()), listed(want.Names()), e.codec.ID())
	}
	for i, v := range want {
		if unit := found[i].Unit; unit != "" && v.Unit != "" && unit != v.Unit {
			return fmt.Errorf("%w: samples have %s in %s, want %s, as the codec %s", ErrSettings, v.Name, unit, v.Unit, e.codec.ID())
		}
	}
	return nil
}

// listed returns names as text, the first of them if they are many.
func listed(names []string) string {
	const most = 16
	if len(names) > most {
		names = append(names[:most:most], "...")
	}
	return strings.Join(names, ", ")
}

// Samples yields the samples until there are no more or ctx ends. If ctx ends, the last
// error wraps the context's. A simulation yields samples at the rate of the RunSpec's
// window.sample_hz. So does a recording if the RunSpec's tx.queue drops windows, because
// the queue would drop nearly all of them otherwise. If tx.queue is block, a recording
// yields samples as fast as they are consumed.
func (s *SamplerSettings) Samples(ctx context.Context, spec *runspec.RunSpec) iter.Seq2[dataset.Sample, error] {
	hz := spec.Window.SampleHz
	switch s.Kind {
	case SamplerDummy:
		return paced(ctx, motion.Samples(s.Seed, hz, math.MaxInt), math.Inf(1))
	case SamplerSimulate:
		return paced(ctx, motion.Samples(s.Seed, hz, math.MaxInt), hz)
	}
	samples := dataset.NotEmpty(dataset.SkipIncomplete(s.recording(ctx), s.Warn), s.Path)
	if s.Loop {
		samples = repeated(samples)
	}
	if spec.TX.Queue == runspec.QueueBlock || s.Follow {
		hz = math.Inf(1)
	}
	return paced(ctx, samples, hz)
}

// recording yields the samples of the recording, once.
func (s *SamplerSettings) recording(ctx context.Context) iter.Seq2[dataset.Sample, error] {
	return func(yield func(dataset.Sample, error) bool) {
		f, err := os.Open(s.Path)
		if err != nil {
			yield(dataset.Sample{}, err)
			return
		}
		defer f.Close()
		var r io.Reader = f
		if s.Follow {
			r = &follower{ctx: ctx, r: f}
		}
		// ReadSamples takes the format from the name's extension, but Kind decides.
		name := s.Path
		if isCSV := strings.EqualFold(filepath.Ext(name), ".csv"); isCSV != (s.Kind == SamplerCSV) {
			name += "." + cmp.Or(s.Kind, SamplerJSONL)
		}
		dataset.ReadSamples(r, name, dataset.SampleSettings{Columns: s.Columns, Fill: s.Fill})(yield)
	}
}

// follower reads a growing file until ctx ends.
type follower struct {
	ctx context.Context
	r   io.Reader
}

// followEvery is how often a follower looks for bytes that were appended.
const followEvery = 100 * time.Millisecond

func (f *follower) Read(b []byte) (int, error) {
	for {
		n, err := f.r.Read(b)
		if n > 0 || !errors.Is(err, io.EOF) {
			return n, err
		}
		if err := sleep(f.ctx, followEvery); err != nil {
			return 0, err
		}
	}
}

// sleep waits for d. It returns the context's error if ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// repeated yields seq without end, until an error.
func repeated(seq iter.Seq2[dataset.Sample, error]) iter.Seq2[dataset.Sample, error] {
	return func(yield func(dataset.Sample, error) bool) {
		for {
			for sample, err := range seq {
				if !yield(sample, err) || err != nil {
					return
				}
			}
		}
	}
}

// paced yields one sample per 1/hz seconds of real time, until ctx ends. If hz is
// infinite, it does not wait.
func paced(ctx context.Context, seq iter.Seq2[dataset.Sample, error], hz float64) iter.Seq2[dataset.Sample, error] {
	return func(yield func(dataset.Sample, error) bool) {
		start, n := time.Now(), 0
		for sample, err := range seq {
			due := start.Add(time.Duration(float64(n) / hz * float64(time.Second)))
			if ended := sleep(ctx, time.Until(due)); ended != nil {
				yield(dataset.Sample{}, ended)
				return
			}
			n++
			if !yield(sample, err) || err != nil {
				return
			}
		}
	}
}
