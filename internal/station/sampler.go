package station

import (
	"context"
	"errors"
	"flag"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/motion"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/runspec"
)

// samplerFlags choose where samples come from.
type samplerFlags struct {
	kind, path   string
	loop, follow bool
	seed         int64
	maxGapMs     int64
	fill         string
}

func (s *samplerFlags) add(fs *flag.FlagSet) {
	fs.StringVar(&s.kind, "sampler", "jsonl", "where samples come from: jsonl or csv, a recording; simulate, a simulated walk")
	fs.StringVar(&s.path, "sensor-path", "testdata/walk.jsonl", "the recording")
	fs.BoolVar(&s.loop, "sensor-loop", false, "begin again at the recording's end")
	fs.BoolVar(&s.follow, "sensor-follow", false, "wait at the recording's end for what is appended")
	fs.Int64Var(&s.seed, "seed", 0, "seed of the simulated walk")
	fs.Int64Var(&s.maxGapMs, "max-gap-ms", 0, "no window spans a longer gap between samples; 0: any")
	fs.StringVar(&s.fill, "fill", "error", "a missing value: error, drop (its sample) or hold (the last value)")
}

func (s *samplerFlags) check(fs *flag.FlagSet) error {
	switch {
	case s.kind != "jsonl" && s.kind != "csv" && s.kind != "simulate":
		return cli.Usagef("--sampler is %q, want jsonl, csv or simulate", s.kind)
	case s.kind == "simulate" && (cli.IsSet(fs, "sensor-path") || s.loop || s.follow):
		return cli.Usagef("--sensor-path, --sensor-loop and --sensor-follow are for recordings, want them left out with --sampler simulate")
	case s.kind != "simulate" && cli.IsSet(fs, "seed"):
		return cli.Usagef("--seed is for --sampler simulate, want it left out with --sampler %s", s.kind)
	case s.loop && s.follow:
		return cli.Usagef("want --sensor-loop or --sensor-follow, not both")
	case s.maxGapMs < 0:
		return cli.Usagef("--max-gap-ms is %d, want 0 or more", s.maxGapMs)
	}
	if _, err := dataset.ParseFill(s.fill); err != nil {
		return cli.Usagef("--fill is %q, want error, drop or hold", s.fill)
	}
	return nil
}

// live says whether samples come at their own pace, which a queue must bear.
// Recordings wait for a queue that blocks, but one that drops would drop nearly
// all of them.
func (s *samplerFlags) live(spec *runspec.RunSpec) bool {
	return s.kind == "simulate" || spec.TX.Queue != runspec.QueueBlock && !s.follow
}

// samples yields the samples until ctx ends. A torn last line is a warning.
func (s *samplerFlags) samples(ctx context.Context, spec *runspec.RunSpec, warn func(error)) iter.Seq2[dataset.Sample, error] {
	fill, _ := dataset.ParseFill(s.fill) // checked
	opts := dataset.SampleSettings{Fill: fill}
	var seq iter.Seq2[dataset.Sample, error]
	switch {
	case s.kind == "simulate":
		seq = motion.Samples(s.seed, spec.Window.SampleHz, math.MaxInt)
	default:
		seq = dataset.NotEmpty(dataset.SkipTorn(s.recording(ctx, opts), warn), s.path)
	}
	if s.loop {
		seq = loop(seq)
	}
	if s.live(spec) {
		seq = paced(ctx, seq, spec.Window.SampleHz)
	}
	return seq
}

func (s *samplerFlags) recording(ctx context.Context, opts dataset.SampleSettings) iter.Seq2[dataset.Sample, error] {
	return func(yield func(dataset.Sample, error) bool) {
		f, err := os.Open(s.path)
		if err != nil {
			yield(dataset.Sample{}, err)
			return
		}
		defer f.Close()
		var r io.Reader = f
		if s.follow {
			r = &follower{ctx: ctx, r: f}
		}
		// The name's extension tells the format: --sampler says it of any name.
		name := s.path
		if ext := "." + s.kind; (s.kind == "csv") != strings.EqualFold(filepath.Ext(name), ".csv") {
			name += ext
		}
		dataset.ReadSamples(r, name, opts)(yield)
	}
}

// follower reads a file that grows, until ctx ends.
type follower struct {
	ctx context.Context
	r   io.Reader
}

// followEvery is how often a file at its end is looked at.
const followEvery = 100 * time.Millisecond

func (f *follower) Read(b []byte) (int, error) {
	for {
		n, err := f.r.Read(b)
		if n > 0 || !errors.Is(err, io.EOF) {
			return n, err
		}
		if !sleep(f.ctx, followEvery) {
			return 0, io.EOF
		}
	}
}

// sleep waits, and says whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func loop(seq iter.Seq2[dataset.Sample, error]) iter.Seq2[dataset.Sample, error] {
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

// paced yields a sample each 1/hz seconds by the clock.
func paced(ctx context.Context, seq iter.Seq2[dataset.Sample, error], hz float64) iter.Seq2[dataset.Sample, error] {
	return func(yield func(dataset.Sample, error) bool) {
		start, n := time.Now(), 0
		for sample, err := range seq {
			due := start.Add(time.Duration(float64(n) / hz * float64(time.Second)))
			if wait := time.Until(due); wait > 0 && !sleep(ctx, wait) {
				return
			}
			n++
			if !yield(sample, err) || err != nil {
				return
			}
		}
	}
}
