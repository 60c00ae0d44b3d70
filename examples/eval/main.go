// Eval measures any codec on windows of a data set, beside baselines at equal
// bytes, and writes the evaluation as JSON.
//
//	go run ./examples/eval --dataset out/dataset_raw.jsonl --bam-manifest out/models/b/bam_manifest.json --out out/eval_b.json
//	go run ./examples/eval --dataset out/dataset_raw.jsonl --ladder out/ladders/a/ladder.json
//	go run ./examples/eval --dataset out/walk8.jsonl --codec predictive --split time --train-ratio 0.6 --loss 0.2
//	go run ./examples/eval --dataset out/car.jsonl --subset all --bam-manifest out/models/walk/bam_manifest.json --baseline-dataset out/walk.jsonl
package main

import (
	"cmp"
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
The split is the one the model was trained with, unless flags say otherwise. Codec predictive needs no file: it codes
all windows in order, over a channel that may lose frames, and counts those of the subset. They must not overlap.`

type settings struct {
	dataset, manifest, ladder, subset, out, csv string
	baseline                                    string // data set
	split                                       dataset.SplitSettings
	splitSet                                    bool
	stream                                      cli.Stream // of a codec without a file
	maxSamples                                  int
	force, unverified                           bool
}

func parse(args []string, stdout io.Writer) (*settings, error) {
	var s settings
	fs := cli.NewFlags("eval", "go run ./examples/eval --dataset out/dataset_raw.jsonl --bam-manifest out/models/demo", summary)
	fs.StringVar(&s.dataset, "dataset", "", "data set to measure on: a dataset_raw.jsonl, .npy or .npz")
	fs.StringVar(&s.manifest, "bam-manifest", "", "bam_manifest.json of the model, or the file of any other codec")
	fs.BoolVar(&s.unverified, "unverified", false, "go on if the model's files are not those that its artifacts.json lists")
	fs.StringVar(&s.ladder, "ladder", "", "ladder.json to measure instead of a model")
	s.stream.RegisterFlags(fs)
	fs.StringVar(&s.subset, "subset", "holdout", "windows to measure on: all, train or holdout")
	fs.StringVar(&s.baseline, "baseline-dataset", "", "data set whose training windows mean and PCA are fitted to, as the one the model comes from; unset: --dataset")
	s.split.RegisterFlags(fs)
	fs.IntVar(&s.maxSamples, "max-samples", 0, "windows to measure on, from the first; 0: all")
	fs.StringVar(&s.out, "out", "", "file for the evaluation as JSON")
	fs.StringVar(&s.csv, "csv", "", "file for the errors as CSV, by value, with those of the baselines")
	fs.BoolVar(&s.force, "force", false, "replace an existing --out or --csv")
	if err := cli.Parse(fs, args, stdout, "bam-manifest"); err != nil {
		return nil, err
	}
	switch {
	case s.dataset == "":
		return nil, cli.Usagef("--dataset is missing: want a dataset_raw.jsonl, .npy or .npz")
	case s.manifest+s.ladder+s.stream.Spec.ID == "":
		return nil, cli.Usagef("--bam-manifest is missing: want a model's bam_manifest.json, --ladder or --codec")
	case len(s.manifest+s.ladder+s.stream.Spec.ID) > max(len(s.manifest), len(s.ladder), len(s.stream.Spec.ID)):
		return nil, cli.Usagef("want one of --bam-manifest, --ladder and --codec")
	case s.subset != dataset.SubsetAll && s.subset != dataset.SubsetTrain && s.subset != dataset.SubsetHoldout:
		return nil, cli.Usagef("--subset is %q, want all, train or holdout", s.subset)
	}
	s.splitSet = cli.IsSet(fs, "split") || cli.IsSet(fs, "train-ratio") || cli.IsSet(fs, "split-seed")
	return &s, cmp.Or(s.stream.Check(), cli.CheckSplit(s.split))
}

// load returns the codec and, if it is a model with a norm, the mean and deviation of
// its training windows. The split is the model's, unless flags say otherwise.
func (s *settings) load(stderr io.Writer) (codec.Codec, *bam.Norm, error) {
	c, err := cli.LoadCodec(s.manifest+s.ladder, s.unverified, stderr)
	if err != nil {
		return nil, nil, err
	}
	m, ok := c.(*codec.BAM)
	if !ok {
		return c, nil, nil
	}
	model := m.Model()
	if t := model.Manifest.TrainSplit; t != nil && !s.splitSet {
		s.split = quality.SplitSettings(t)
	} else if t != nil && (quality.SplitSettings(t).Method != s.split.Method || t.TrainRatio != s.split.TrainRatio || t.SplitSeed != s.split.Seed) {
		fmt.Fprintf(stderr, "warning: the model was trained with another split (%s, ratio %g, seed %d): the holdout may contain its training windows\n", t.Method, t.TrainRatio, t.SplitSeed)
	}
	if model.Norm == nil {
		return c, nil, nil
	}
	return c, &bam.Norm{Mean: model.Norm.Mean, Std: model.DataStd()}, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stdout)
	if err != nil {
		return err
	}
	inputs := []string{s.dataset, s.baseline, s.manifest, s.ladder}
	if err := cmp.Or(cli.CheckOut(s.out, s.force, inputs...), cli.CheckOut(s.csv, s.force, inputs...)); err != nil {
		return err
	}
	if s.stream.Spec.ID != "" {
		s.stream.Dataset, s.stream.Out, s.stream.Split, s.stream.Subset = s.dataset, s.out, s.split, s.subset
		s.stream.MaxSamples = s.maxSamples
		return s.stream.Run(ctx, stdout, stderr)
	}
	c, norm, err := s.load(stderr)
	if err != nil {
		return err
	}
	dims := len(codec.SensorSchema(c))
	open := func(path string) (windows iter.Seq2[dataset.Window, error], split dataset.Split, err error) {
		windows = cli.OpenWindows(path, dims, c.WindowLen()/dims, stderr)
		split, err = s.split.Split(windows)
		return windows, split, err
	}
	windows, split, err := open(s.dataset)
	if err != nil {
		return err
	}
	test := dataset.Limit(dataset.Subset(windows, split, s.subset), s.maxSamples)
	training := dataset.Training(windows, split)
	if s.baseline != "" {
		other, split, err := open(s.baseline)
		if err != nil {
			return err
		}
		training = dataset.Training(other, split)
	}
	r, err := quality.Compare(ctx, c, test, training, quality.CompareSettings{Norm: norm, Tolerances: s.stream.Spec.Params.Tolerances})
	if errors.Is(err, quality.ErrNoTraining) {
		return fmt.Errorf("%w: mean and PCA are fitted to them (--baseline-dataset takes them from another data set)", err)
	}
	if err != nil {
		return err
	}
	if r.Samples == 0 {
		return fmt.Errorf("%s: no windows in subset %s at train ratio %g, want at least one", s.dataset, s.subset, s.split.TrainRatio)
	}
	r.Dataset, r.BAMManifest, r.Ladder = filepath.ToSlash(s.dataset), filepath.ToSlash(s.manifest), filepath.ToSlash(s.ladder)
	r.SetSplit(s.subset, split)
	if err := cmp.Or(cli.WriteJSON(s.out, r), cli.WriteTo(s.csv, r.WriteCSV)); err != nil {
		return err
	}
	s.report(stdout, c, r, norm)
	return nil
}

func (s *settings) report(w io.Writer, c codec.Codec, r *quality.Comparison, norm *bam.Norm) {
	name := c.Schema()
	if model, ok := c.(*codec.BAM); ok {
		name = model.String()
	}
	fmt.Fprintf(w, "%s on %d windows (%s) of %s\n", name, r.Samples, s.subset, s.dataset)
	r.WriteBounds(w)
	r.WriteBaselines(w)
	from := "this data set"
	if s.baseline != "" {
		from = s.baseline
	}
	fmt.Fprintf(w, "The baselines, mean and PCA, are fitted to the %d training windows of %s.\n", r.Training.N, from)
	if norm != nil && !r.Training.Agrees(norm) {
		fmt.Fprintf(w, "Their mean and deviation differ from the model's norm.json: the model was trained on other windows.\n")
		if s.baseline == "" {
			fmt.Fprintf(w, "To fit the baselines to the data set of the model, give it by --baseline-dataset.\n")
		}
		if s.subset != dataset.SubsetAll {
			fmt.Fprintf(w, "To measure on all windows, give --subset all.\n")
		}
	}
	fmt.Fprintln(w)
	r.WriteSensors(w, r.Latitude(), r.Drift)
	if s.out != "" {
		fmt.Fprintf(w, "\nWritten to %s\n", s.out)
	}
}
