// Ladder writes a ladder of codecs that keeps every error within tolerances:
// models, where there are any, an entropy-coded grid fitted to the training windows
// at many payload lengths, and last a grid of what sensors can physically give.
// With --entropy-coded=false it has uniform grids instead: one fitted to the
// training windows, and copies of it with a wider range.
//
//	go run ./examples/ladder --dataset out/dataset_raw.jsonl --out-dir out/ladders/a
//	go run ./examples/ladder --dataset out/dataset_raw.jsonl --out-dir out/ladders/b --bam-manifest out/models/b/bam_manifest.json
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/examples/cli"
)

func main() { cli.Main("ladder", run) }

const summary = `Ladder fits a ladder of codecs to the training windows of a data set, writes ladder.json and the grids beside it, and
reports what it takes on the holdout. Sender, receiver and evaluation load the same file.`

type settings struct {
	dataset, outDir string
	priorOut        string
	profile         string // of the prior
	fit             fit.LadderSettings
	save            fit.SaveSettings
	split           dataset.SplitSettings
}

func parse(args []string, stdout io.Writer) (*settings, error) {
	s := settings{fit: fit.LadderSettings{Window: sensor.Shape{W: 1, Stride: 1}}}
	fs := cli.NewFlags("ladder", "go run ./examples/ladder --dataset out/dataset_raw.jsonl --out-dir out/ladders/demo", summary)
	fs.StringVar(&s.dataset, "dataset", "", "dataset_raw.jsonl whose training windows the ladder is fitted to")
	fs.StringVar(&s.outDir, "out-dir", "", "folder to write")
	fs.Var(cli.Strings(&s.fit.Models), "bam-manifest", "model to try first; several by commas or by several flags")
	fs.Var(cli.Floats(&s.fit.Tolerances), "tolerances", "largest error of each value of a step, in its unit; unset: the defaults of motion samples")
	fs.IntVar(&s.fit.Window.W, "window-W", 1, "steps of a window")
	fs.IntVar(&s.fit.Window.Stride, "window-stride", 1, "samples between windows")
	coded := fs.Bool("entropy-coded", true, "an entropy-coded grid with learned frequencies; false: uniform grids")
	components := fs.Int("components", 0, "mixture components of the entropy-coded grid besides the global fallback component, 0..64; unset: what inner validation finds best")
	fs.IntVar(&s.fit.Widened, "widened", 3, "with --entropy-coded=false, copies of the fitted grid, each a byte longer, for windows out of its range")
	fs.StringVar(&s.priorOut, "prior-out", "", "write no ladder but a prior.json for codec predictive, fitted to windows that must not overlap")
	fs.StringVar(&s.profile, "profile", codec.ProfileFull, "with --prior-out, full or small")
	s.split.RegisterFlags(fs)
	fs.BoolVar(&s.save.Force, "force", false, "replace an existing ladder")
	if err := cli.Parse(fs, args, stdout, "dataset"); err != nil {
		return nil, err
	}
	if cli.IsSet(fs, "components") {
		s.fit.Components = components
	}
	s.fit.Uniform = !*coded
	switch {
	case s.dataset == "":
		return nil, cli.Usagef("--dataset is missing: want a dataset_raw.jsonl")
	case (s.outDir == "") == (s.priorOut == ""):
		return nil, cli.Usagef("want one of --out-dir and --prior-out: a folder, or a file for a prior")
	case s.profile != codec.ProfileFull && s.profile != codec.ProfileSmall:
		return nil, cli.Usagef("--profile is %q, want full or small", s.profile)
	case *coded && cli.IsSet(fs, "widened"), !*coded && cli.IsSet(fs, "components"):
		return nil, cli.Usagef("--widened is for --entropy-coded=false, and --components for an entropy-coded grid")
	case s.fit.Widened < 0:
		return nil, cli.Usagef("--widened is %d, want 0 or more", s.fit.Widened)
	case s.fit.Window.W < 1 || s.fit.Window.Stride < 1 || s.fit.Window.W > sensor.MaxWindowLen:
		return nil, cli.Usagef("--window-W is %d and --window-stride %d, want both at least 1, and windows of at most %d values", s.fit.Window.W, s.fit.Window.Stride, sensor.MaxWindowLen)
	}
	for _, tol := range s.fit.Tolerances {
		if !(tol > 0) {
			return nil, cli.Usagef("--tolerances has %g, want numbers above 0", tol)
		}
	}
	return &s, cli.CheckSplit(s.split)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stdout)
	if err != nil {
		return err
	}
	if s.priorOut != "" {
		err = cli.CheckOut(s.priorOut, s.save.Force, s.dataset)
	} else {
		err = forced(fit.CheckTarget(s.outDir, &s.save))
	}
	if err != nil {
		return err
	}
	windows := cli.OpenWindows(s.dataset, len(s.fit.Tolerances), s.fit.Window.W, stderr)
	if s.fit.Schema, err = dataset.SensorSchema(cli.OpenWindows(s.dataset, 0, s.fit.Window.W, stderr), s.fit.Window.W); err != nil {
		return err
	}
	if len(s.fit.Tolerances) == 0 && s.fit.Schema.Tolerances() == nil {
		return fmt.Errorf("%s: the %d values of a step have no default tolerances: give the largest error of each, in its unit, with --tolerances", s.dataset, len(s.fit.Schema))
	}
	if n := len(s.fit.Tolerances); n > 0 && len(s.fit.Schema) != n {
		return fmt.Errorf("--tolerances has %d numbers, want %d, one for each value of a step of %s", n, len(s.fit.Schema), s.dataset)
	}
	split, err := s.split.Split(windows)
	if err != nil {
		return err
	}
	if s.priorOut != "" {
		r, err := fit.Prior(ctx, &fit.PriorSettings{Bounds: fit.Bounds{Schema: s.fit.Schema, Tolerances: s.fit.Tolerances}, Small: s.profile == codec.ProfileSmall},
			fit.Values(dataset.Training(windows, split)))
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "Prior %s\n", s.priorOut)
		return r.Save(s.priorOut)
	}
	r, err := fit.Ladder(ctx, fit.Values(dataset.Training(windows, split)), &s.fit)
	if err != nil {
		return err
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(stderr, "warning: %s\n", w)
	}
	c, err := r.Save(s.outDir, &s.save)
	if err != nil {
		return forced(err)
	}
	return s.report(ctx, stdout, c, windows, split)
}

// forced says how to replace a folder.
func forced(err error) error {
	if errors.Is(err, fit.ErrExists) {
		return fmt.Errorf("%w (--force replaces a ladder's folder)", err)
	}
	return err
}

// report prints what the ladder takes on windows that it was not fitted to.
func (s *settings) report(ctx context.Context, w io.Writer, c *codec.Ladder, windows iter.Seq2[dataset.Window, error], split dataset.Split) error {
	test, subset := dataset.Holdout(windows, split), "holdout"
	if s.split.TrainRatio >= 1 {
		test, subset = windows, "training windows (no holdout at ratio 1)"
	}
	std := make([]float64, c.WindowLen()) // only errors over tolerance count here
	e, err := quality.Evaluate(ctx, c, test, quality.Settings{Std: std})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "Ladder %s\n  %s\n\n", filepath.Join(s.outDir, codec.LadderFile), c.Schema())
	if e.Samples == 0 {
		fmt.Fprintln(w, "No windows on the holdout: the data set is too small for this ratio.")
		return nil
	}
	fmt.Fprintf(w, "On %d windows of the %s\n", e.Samples+e.Refused, subset)
	e.WriteRungs(w, quality.RungNames(c))
	return nil
}
