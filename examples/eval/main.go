// Eval measures any codec on windows of a data set, beside baselines at equal
// bytes, and writes the evaluation as JSON.
//
//	go run ./examples/eval --dataset out/dataset_raw.jsonl --bam-manifest out/models/b/bam_manifest.json --out out/eval_b.json
//	go run ./examples/eval --dataset out/dataset_raw.jsonl --ladder out/ladders/a/ladder.json
//	go run ./examples/eval --dataset out/car.jsonl --subset all --bam-manifest out/models/walk/bam_manifest.json --baseline-dataset out/walk.jsonl
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/examples/cli"
)

func main() { cli.Main("eval", run) }

const summary = `Eval encodes and decodes windows of a data set with a model or a ladder and reports the errors.
The split is the one the model was trained with, unless flags say otherwise.`

type options struct {
	dataset, manifest, ladder, subset, out string
	baseline                               string // data set
	split                                  dataset.SplitSettings
	splitSet                               bool
	tolerances                             []float64
	maxSamples                             int
	force                                  bool
}

func parse(args []string, stdout io.Writer) (*options, error) {
	var o options
	fs := cli.NewFlags("eval", summary)
	fs.StringVar(&o.dataset, "dataset", "", "data set to measure on: a dataset_raw.jsonl, .npy or .npz")
	fs.StringVar(&o.manifest, "bam-manifest", "", "bam_manifest.json of the model, or the file of any other codec")
	fs.StringVar(&o.ladder, "ladder", "", "ladder.json to measure instead of a model")
	fs.StringVar(&o.subset, "subset", "holdout", "windows to measure on: all, train or holdout")
	fs.StringVar(&o.baseline, "baseline-dataset", "", "data set whose training windows mean and PCA are fitted to, as the one the model comes from; unset: --dataset")
	o.split.RegisterFlags(fs)
	fs.Var(cli.Floats(&o.tolerances), "tolerances", "also report errors over these, one for each value of a step; unset: a ladder's own, and none for a model")
	fs.IntVar(&o.maxSamples, "max-samples", 0, "windows to measure on, from the first; 0: all")
	fs.StringVar(&o.out, "out", "", "file for the evaluation as JSON")
	fs.BoolVar(&o.force, "force", false, "replace an existing --out")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	switch {
	case o.dataset == "":
		return nil, cli.Usagef("--dataset is missing: want a dataset_raw.jsonl, .npy or .npz")
	case o.manifest == "" && o.ladder == "":
		return nil, cli.Usagef("--bam-manifest is missing: want a model's bam_manifest.json, or --ladder")
	case o.manifest != "" && o.ladder != "":
		return nil, cli.Usagef("want either --bam-manifest or --ladder")
	case o.subset != dataset.SubsetAll && o.subset != dataset.SubsetTrain && o.subset != dataset.SubsetHoldout:
		return nil, cli.Usagef("--subset is %q, want all, train or holdout", o.subset)
	}
	o.splitSet = cli.IsSet(fs, "split") || cli.IsSet(fs, "train-ratio") || cli.IsSet(fs, "split-seed")
	return &o, cli.CheckSplit(o.split)
}

// load returns the codec and, where its files tell, the norm of its training
// windows. A model's own split is taken where no flag says another.
func (o *options) load() (codec.Codec, *bam.Norm, error) {
	c, err := codec.Load(o.manifest + o.ladder)
	if err != nil {
		return nil, nil, err
	}
	m, ok := c.(*codec.BAM)
	if !ok {
		return c, nil, nil
	}
	model := m.Model()
	if s := model.Manifest.TrainSplit; s != nil && !o.splitSet {
		o.split = quality.SplitSettings(s)
	}
	if model.Norm == nil {
		return c, nil, nil
	}
	return c, &bam.Norm{Mean: model.Norm.Mean, Std: model.DataStd()}, nil
}

func run(_ context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	if err := cli.CheckOut(o.out, o.force, o.dataset, o.baseline, o.manifest, o.ladder); err != nil {
		return err
	}
	c, norm, err := o.load()
	if err != nil {
		return err
	}
	dims := len(codec.SensorSchema(c))
	open := func(path string) (windows iter.Seq2[dataset.Window, error], split dataset.Split, err error) {
		windows = cli.OpenWindows(path, dims, c.WindowLen()/dims, stderr)
		split, err = o.split.Split(windows)
		return windows, split, err
	}
	windows, split, err := open(o.dataset)
	if err != nil {
		return err
	}
	test := dataset.Limit(dataset.Subset(windows, split, o.subset), o.maxSamples)
	training := dataset.Training(windows, split)
	if o.baseline != "" {
		other, split, err := open(o.baseline)
		if err != nil {
			return err
		}
		training = dataset.Training(other, split)
	}
	r, err := quality.Compare(c, test, training, quality.CompareSettings{Norm: norm, Tolerances: o.tolerances})
	if errors.Is(err, quality.ErrNoTraining) {
		return fmt.Errorf("%w: mean and PCA are fitted to them (--baseline-dataset takes them from another data set)", err)
	}
	if err != nil {
		return err
	}
	if r.Samples == 0 {
		return fmt.Errorf("%s: no windows in subset %s at train ratio %g, want at least one", o.dataset, o.subset, o.split.TrainRatio)
	}
	r.Dataset, r.BAMManifest, r.Ladder = filepath.ToSlash(o.dataset), filepath.ToSlash(o.manifest), filepath.ToSlash(o.ladder)
	r.SetSplit(o.subset, split)
	if o.out != "" {
		if err := cli.WriteJSON(o.out, r); err != nil {
			return err
		}
	}
	o.report(stdout, c, r, norm)
	return nil
}

func (o *options) report(w io.Writer, c codec.Codec, r *quality.Comparison, norm *bam.Norm) {
	fmt.Fprintf(w, "%s on %d windows (%s) of %s\n", c.Schema(), r.Samples, o.subset, o.dataset)
	r.WriteBounds(w)
	r.WriteBaselines(w)
	from := "this data set"
	if o.baseline != "" {
		from = o.baseline
	}
	fmt.Fprintf(w, "Mean and PCA are fitted to the %d windows of %s that train.\n", r.Training.N, from)
	if norm != nil && !r.Training.Agrees(norm) {
		fmt.Fprintf(w, "The model was not trained on those: its norm differs. What it was trained on is not in its files;\n")
		if o.baseline == "" {
			fmt.Fprintf(w, "mean and PCA know this recording, and it does not. --baseline-dataset fits them to another, --subset all\nmeasures on all windows.\n")
		} else {
			fmt.Fprintf(w, "%s is another recording, or another part of it.\n", o.baseline)
		}
	}
	fmt.Fprintln(w)
	r.WriteSensors(w, r.Latitude(), r.Drift)
	if o.out != "" {
		fmt.Fprintf(w, "\nWritten to %s\n", o.out)
	}
}
