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
	"strings"
	"time"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/motion"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/runspec"
)

// The kinds of [SamplerSettings].
const (
	SamplerJSONL    = "jsonl"    // a recording in JSONL
	SamplerCSV      = "csv"      // a recording in CSV
	SamplerSimulate = "simulate" // a simulated walk and ride that does not end
)

// SamplerSettings say where a sender's samples come from: a recording, which may
// still be growing, or a simulation. Samples have twelve values, see
// sensor.Motion. A program that reads a sensor does not need them; it passes
// windows to [Endpoint.Send].
type SamplerSettings struct {
	Kind string // SamplerJSONL, SamplerCSV or SamplerSimulate; "": SamplerJSONL. Flag --sampler
	Path string // of the recording. Flag --sensor-path
	// Loop says to play the recording again and again. Flag --sensor-loop
	Loop bool
	// Follow says to wait at the end of the recording for what is appended. Flag
	// --sensor-follow
	Follow bool
	// Seed is that of the simulation: the same seed gives the same samples. Any
	// value is valid. Flag --seed
	Seed int64
	// MaxGapMs is the longest time between two samples of a window, in ms. After a
	// longer one, a new window starts. 0: no limit. Flag --max-gap-ms
	MaxGapMs int64
	// Fill says what to do with a sample that lacks a value. Flag --fill
	Fill dataset.Fill
	// Warn is called if the last line of the recording is incomplete. It may be nil.
	Warn func(error)
}

// RegisterFlags adds the flags that the fields mention.
func (s *SamplerSettings) RegisterFlags(fs *flag.FlagSet) {
	fs.StringVar(&s.Kind, "sampler", SamplerJSONL, "where samples come from: jsonl or csv, a recording; simulate, a simulated walk")
	fs.StringVar(&s.Path, "sensor-path", "", "the recording")
	fs.BoolVar(&s.Loop, "sensor-loop", false, "play the recording again and again")
	fs.BoolVar(&s.Follow, "sensor-follow", false, "wait at the recording's end for what is appended")
	fs.Int64Var(&s.Seed, "seed", 0, "seed of the simulated walk")
	registerMaxGap(fs, &s.MaxGapMs)
	fs.Func("fill", "a missing value: error (the default), drop (its sample) or hold (the last value)", func(name string) (err error) {
		s.Fill, err = dataset.ParseFill(name)
		return err
	})
}

// registerMaxGap adds the flag that samplers and sources share.
func registerMaxGap(fs *flag.FlagSet, ms *int64) {
	fs.Int64Var(ms, "max-gap-ms", 0, "longest gap between two samples of a window, in ms; 0: any")
}

// Check reports settings that contradict each other, as [ErrSettings].
func (s *SamplerSettings) Check() error {
	simulate := s.Kind == SamplerSimulate
	switch {
	case !simulate && s.Kind != "" && s.Kind != SamplerJSONL && s.Kind != SamplerCSV:
		return fmt.Errorf("%w: sampler is %q, want %s, %s or %s", ErrSettings, s.Kind, SamplerJSONL, SamplerCSV, SamplerSimulate)
	case simulate && (s.Path != "" || s.Loop || s.Follow):
		return fmt.Errorf("%w: sensor-path, sensor-loop and sensor-follow are for recordings, want them left out with sampler %s", ErrSettings, SamplerSimulate)
	case !simulate && s.Path == "":
		return fmt.Errorf("%w: sensor-path is missing, want a recording, or sampler %s", ErrSettings, SamplerSimulate)
	case !simulate && s.Seed != 0:
		return fmt.Errorf("%w: seed is for sampler %s, want it left out with a recording", ErrSettings, SamplerSimulate)
	case s.Loop && s.Follow:
		return fmt.Errorf("%w: want sensor-loop or sensor-follow, not both", ErrSettings)
	case s.MaxGapMs < 0:
		return fmt.Errorf("%w: max-gap-ms is %d, want 0 or more", ErrSettings, s.MaxGapMs)
	}
	return nil
}

// Windows returns what [Endpoint.Send] needs: a function that returns the samples,
// cut into windows as the RunSpec says. Windows checks the settings, the RunSpec's
// window and that the recording exists. If there are too few samples for a window,
// the sequence ends with an error that wraps dataset.ErrEmpty.
func (s *SamplerSettings) Windows(spec *runspec.RunSpec) (func(context.Context) iter.Seq2[dataset.Window, error], error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if err := checkMotion(spec); err != nil {
		return nil, err
	}
	if s.Kind != SamplerSimulate {
		if _, err := os.Stat(s.Path); err != nil {
			return nil, fmt.Errorf("endpoint: %w", err)
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
				yield(dataset.Window{}, &dataset.Error{File: s.Path, Err: fmt.Errorf("%w: too few samples for a window of %d", dataset.ErrEmpty, spec.Window.W)})
			}
		}
	}, nil
}

// checkMotion reports a RunSpec whose windows do not consist of motion samples.
func checkMotion(spec *runspec.RunSpec) error {
	if spec.Window.Dims != sensor.MotionDims {
		return fmt.Errorf("%w: runspec %s: window.dims: %d, want %d: samples have as many values", ErrSettings, spec.RunID, spec.Window.Dims, sensor.MotionDims)
	}
	return nil
}

// Samples yields the samples until there are no more or ctx ends; the last error then
// wraps the context's. A simulation yields samples at the rate of the RunSpec's
// window.sample_hz, and so does a recording if the RunSpec's tx.queue drops windows,
// because it would drop nearly all of them otherwise. With the queue policy block, a
// recording yields samples as fast as they are taken.
func (s *SamplerSettings) Samples(ctx context.Context, spec *runspec.RunSpec) iter.Seq2[dataset.Sample, error] {
	hz := spec.Window.SampleHz
	if s.Kind == SamplerSimulate {
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
		// ReadSamples goes by the name's extension, but Kind decides.
		name := s.Path
		if isCSV := strings.EqualFold(filepath.Ext(name), ".csv"); isCSV != (s.Kind == SamplerCSV) {
			name += "." + cmp.Or(s.Kind, SamplerJSONL)
		}
		dataset.ReadSamples(r, name, dataset.SampleSettings{Fill: s.Fill})(yield)
	}
}

// follower reads a file that grows, until ctx ends.
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

// repeated yields seq again and again, until an error.
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

// paced yields a sample each 1/hz seconds of real time, or at once if hz is infinite,
// until ctx ends.
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
