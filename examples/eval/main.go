// Eval measures a model, or a ladder of codecs, on windows of a data set and
// writes the evaluation as JSON.
//
//	go run ./examples/eval --dataset out/dataset_raw.jsonl --bam-manifest out/models/b/bam_manifest.json --out out/eval_b.json
//	go run ./examples/eval --dataset out/dataset_raw.jsonl --ladder out/ladders/a/ladder.json
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/atomicfile"
	"github.com/loralink/loralink-go/internal/cli"
	"github.com/loralink/loralink-go/internal/show"
)

func main() { cli.Main("eval", run) }

const summary = `Eval encodes and decodes windows of a data set with a model or a ladder and reports the errors.
The split is the one the model was trained with, unless flags say otherwise.`

type options struct {
	dataset, manifest, ladder, subset, out string
	split                                  cli.Split
	splitSet                               bool
	tolerances                             cli.Floats
	maxSamples                             int
	force                                  bool
}

func parse(args []string, stdout io.Writer) (*options, error) {
	var o options
	fs := cli.NewFlags("eval", summary)
	fs.StringVar(&o.dataset, "dataset", "", "dataset_raw.jsonl to measure on")
	fs.StringVar(&o.manifest, "bam-manifest", "", "bam_manifest.json of the model")
	fs.StringVar(&o.ladder, "ladder", "", "ladder.json to measure instead of a model")
	fs.StringVar(&o.subset, "subset", "holdout", "windows to measure on: all, train or holdout")
	o.split.Flags(fs)
	fs.Var(&o.tolerances, "tolerances", "also report errors over these, one for each value of a step; unset: a ladder's own, and none for a model")
	fs.IntVar(&o.maxSamples, "max-samples", 0, "windows to measure on, from the first; 0: all")
	fs.StringVar(&o.out, "out", "", "file for the evaluation as JSON")
	fs.BoolVar(&o.force, "force", false, "replace an existing --out")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	switch {
	case o.dataset == "":
		return nil, cli.Usagef("--dataset is missing: want a dataset_raw.jsonl")
	case o.manifest == "" && o.ladder == "":
		return nil, cli.Usagef("--bam-manifest is missing: want a model's bam_manifest.json, or --ladder")
	case o.manifest != "" && o.ladder != "":
		return nil, cli.Usagef("want either --bam-manifest or --ladder")
	case o.subset != "all" && o.subset != "train" && o.subset != "holdout":
		return nil, cli.Usagef("--subset is %q, want all, train or holdout", o.subset)
	}
	o.splitSet = o.split.Given(fs)
	return &o, o.split.Check()
}

// subject is what is measured.
type subject struct {
	codec   codec.Codec
	dims, w int
	std     []float64 // of the training windows, as far as its files tell
}

func (o *options) load() (*subject, error) {
	if o.ladder != "" {
		c, err := codec.LoadBounded(o.ladder)
		if err != nil {
			return nil, err
		}
		return &subject{c, c.Window().Dims, c.Window().W, nil}, nil
	}
	c, err := codec.LoadBAM(o.manifest)
	if err != nil {
		return nil, err
	}
	man := c.Model().Manifest
	if s := man.TrainSplit; s != nil && !o.splitSet {
		o.split.Follow(s)
	}
	std := c.Model().DataStd()
	if std == nil {
		std = ones(c.WindowLen())
	}
	return &subject{c, man.InputDims, man.WindowW, std}, nil
}

func run(_ context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	if _, err := os.Stat(o.out); o.out != "" && !o.force && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s exists already: want a new file, or --force to replace it", o.out)
	}
	s, err := o.load()
	if err != nil {
		return err
	}
	windows := cli.OpenWindows(o.dataset, s.dims, s.w, stderr)
	split, err := o.split.Of(windows)
	if err != nil {
		return err
	}
	training := dataset.Train(windows, split)
	test := windows
	switch o.subset {
	case "train":
		test = training
	case "holdout":
		test = dataset.Holdout(windows, split)
	}
	test = dataset.Limit(test, o.maxSamples)
	study, err := quality.Study(training, s.dims)
	if err != nil {
		return err
	}
	if s.std == nil {
		s.std = study.Norm.Std
	}
	e, err := quality.Evaluate(s.codec, test, quality.Options{Dims: s.dims, Std: s.std, Tolerances: o.tolerances})
	if err != nil {
		return err
	}
	if e.Samples == 0 {
		return fmt.Errorf("%s: no windows in subset %s at train ratio %g, want at least one", o.dataset, o.subset, o.split.Ratio)
	}
	e.Dataset, e.BAMManifest, e.Ladder = filepath.ToSlash(o.dataset), filepath.ToSlash(o.manifest), filepath.ToSlash(o.ladder)
	e.SetSplit(o.subset, split)
	if o.out != "" {
		b, err := json.MarshalIndent(e, "", "  ")
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(o.out), 0o755); err != nil {
			return err
		}
		if err := atomicfile.WriteBytes(o.out, append(b, '\n')); err != nil {
			return err
		}
	}
	return report(stdout, o, s, e, study, test, training)
}

func ones(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}

// report prints the evaluation beside the mean and PCA, fitted to the training
// part of this data set, at the same bytes; and beside a ladder what a grid
// fitted to that part takes.
func report(w io.Writer, o *options, s *subject, e *quality.Evaluation, study *quality.Training, test, training iter.Seq2[dataset.Window, error]) error {
	fmt.Fprintf(w, "%s on %d windows (%s) of %s\n", s.codec.Schema(), e.Samples, o.subset, o.dataset)
	if e.Saturation.Total > 0 {
		fmt.Fprintf(w, "saturated: %d of %d integers (%.2f %%)\n", e.Saturation.Count, e.Saturation.Total, 100*e.Saturation.Rate)
	}
	fmt.Fprintln(w)
	bytes, name := s.codec.MaxPayloadLen(), "this model"
	if b, ok := s.codec.(*codec.Bounded); ok {
		bytes, name = int(math.Ceil(e.MeanPayloadBytes)), "this ladder, on average"
		show.Ladder(w, e, show.RungNames(b))
		if err := grid(w, b, test, training); err != nil {
			return err
		}
	} else {
		show.Tolerance(w, e)
	}
	fmt.Fprintln(w)
	lines := []show.Line{{Name: name, Bytes: bytes, Evaluation: e}}
	baselines, err := study.Baselines(bytes, test, s.std)
	if err != nil {
		return err
	}
	for _, b := range baselines {
		lines = append(lines, show.Line{Name: b.Name, Bytes: b.Bytes, Evaluation: b.Evaluation})
	}
	show.Errors(w, study.Norm.Mean[0], lines...)
	fmt.Fprintf(w, "Mean and PCA are fitted to the %d windows of this data set that train.\n", study.N)
	if o.out != "" {
		fmt.Fprintf(w, "\nWritten to %s\n", o.out)
	}
	return nil
}

// grid prints what the plain rival of a ladder takes: a grid fitted to the
// training windows, with the ladder's last rung behind it.
func grid(w io.Writer, b *codec.Bounded, test, training iter.Seq2[dataset.Window, error]) error {
	rungs := b.Rungs()
	last := rungs[len(rungs)-1]
	fitted, err := codec.FitGrid(quality.Values(training), b.Tolerances())
	if err != nil {
		return err
	}
	rival := []codec.Codec{last}
	if fitted.MaxPayloadLen() < last.MaxPayloadLen() {
		rival = []codec.Codec{fitted, last}
	}
	c, err := codec.NewBounded(b.Window(), b.Tolerances(), rival...)
	if err != nil {
		return err
	}
	e, err := quality.Evaluate(c, test, quality.Options{Dims: b.Window().Dims, Std: ones(b.WindowLen())})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nA uniform grid fitted to the training windows (%d bytes), with the last rung behind it, takes %s bytes on average.\n",
		fitted.MaxPayloadLen(), show.Digits(e.MeanPayloadBytes))
	return nil
}
