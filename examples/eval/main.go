// Eval measures a model on windows of a data set and writes the evaluation as
// JSON.
//
//	go run ./examples/eval --dataset out/dataset_raw.jsonl --bam-manifest out/models/b/bam_manifest.json --out out/eval_b.json
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
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

const summary = `Eval encodes and decodes windows of a data set with a model and reports the errors.
The split is the one the model was trained with, unless flags say otherwise.`

type options struct {
	dataset, manifest, subset, out string
	trainRatio                     float64
	splitSeed                      int64
	maxSamples                     int
	force                          bool
	splitSet                       bool
}

func parse(args []string, stdout io.Writer) (*options, error) {
	var o options
	fs := cli.NewFlags("eval", summary)
	fs.StringVar(&o.dataset, "dataset", "", "dataset_raw.jsonl to measure on")
	fs.StringVar(&o.manifest, "bam-manifest", "", "bam_manifest.json of the model")
	fs.StringVar(&o.subset, "subset", "holdout", "windows to measure on: all, train or holdout")
	fs.Float64Var(&o.trainRatio, "train-ratio", 0.8, "share of the windows that trained; unset: as the manifest says")
	fs.Int64Var(&o.splitSeed, "split-seed", 0, "seed of the split; unset: as the manifest says")
	fs.IntVar(&o.maxSamples, "max-samples", 0, "windows to measure on, from the first; 0: all")
	fs.StringVar(&o.out, "out", "", "file for the evaluation as JSON")
	fs.BoolVar(&o.force, "force", false, "replace an existing --out")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	switch {
	case o.dataset == "":
		return nil, cli.Usagef("--dataset is missing: want a dataset_raw.jsonl")
	case o.manifest == "":
		return nil, cli.Usagef("--bam-manifest is missing: want a model's bam_manifest.json")
	case o.subset != "all" && o.subset != "train" && o.subset != "holdout":
		return nil, cli.Usagef("--subset is %q, want all, train or holdout", o.subset)
	case !(o.trainRatio > 0):
		return nil, fmt.Errorf("--train-ratio is %g, want more than 0", o.trainRatio)
	}
	o.splitSet = cli.IsSet(fs, "train-ratio") || cli.IsSet(fs, "split-seed")
	return &o, nil
}

func run(_ context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	if _, err := os.Stat(o.out); o.out != "" && !o.force && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s exists already: want a new file, or --force to replace it", o.out)
	}
	c, err := codec.LoadBAM(o.manifest)
	if err != nil {
		return err
	}
	man := c.Model().Manifest
	if s := man.TrainSplit; s != nil && !o.splitSet {
		o.trainRatio, o.splitSeed = s.TrainRatio, s.SplitSeed
	}
	split := dataset.HashSplit{TrainRatio: o.trainRatio, Seed: o.splitSeed}
	windows := cli.OpenWindows(o.dataset, man.InputDims, man.WindowW, stderr)
	test := windows
	switch o.subset {
	case "train":
		test = dataset.Train(windows, split)
	case "holdout":
		test = dataset.Holdout(windows, split)
	}
	test = dataset.Limit(test, o.maxSamples)

	std := c.Model().DataStd()
	if std == nil {
		std = ones(c.WindowLen())
	}
	e, err := quality.Evaluate(c, test, quality.Options{Dims: man.InputDims, Std: std})
	if err != nil {
		return err
	}
	if e.Samples == 0 {
		return fmt.Errorf("%s: no windows in subset %s at train ratio %g, want at least one", o.dataset, o.subset, o.trainRatio)
	}
	e.Dataset, e.BAMManifest, e.Subset = filepath.ToSlash(o.dataset), filepath.ToSlash(o.manifest), o.subset
	e.TrainRatio, e.SplitSeed = &o.trainRatio, &o.splitSeed
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
	return report(stdout, o, c, e, test, dataset.Train(windows, split), std)
}

func ones(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}

// report prints the evaluation beside the mean and PCA, fitted to the training
// part of this data set, at the same bytes.
func report(w io.Writer, o *options, c *codec.BAM, e *quality.Evaluation, test, training iter.Seq2[dataset.Window, error], std []float64) error {
	fmt.Fprintf(w, "%s on %d windows (%s) of %s\n", c.Schema(), e.Samples, o.subset, o.dataset)
	if e.Saturation.Total > 0 {
		fmt.Fprintf(w, "saturated: %d of %d integers (%.2f %%)\n", e.Saturation.Count, e.Saturation.Total, 100*e.Saturation.Rate)
	}
	fmt.Fprintln(w)
	lines := []show.Line{{Name: "this model", Bytes: c.MaxPayloadLen(), Evaluation: e}}
	study, err := quality.Study(training, c.Model().Manifest.InputDims)
	if err != nil {
		return err
	}
	baselines, err := study.Baselines(c.MaxPayloadLen(), test, std)
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
