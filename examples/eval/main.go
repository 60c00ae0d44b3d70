// Eval measures a model, or a ladder of codecs, on windows of a data set and
// writes the evaluation as JSON.
//
//	go run ./examples/eval --dataset out/dataset_raw.jsonl --bam-manifest out/models/b/bam_manifest.json --out out/eval_b.json
//	go run ./examples/eval --dataset out/dataset_raw.jsonl --ladder out/ladders/a/ladder.json
//	go run ./examples/eval --dataset out/car.jsonl --subset all --bam-manifest out/models/walk/bam_manifest.json --baseline-dataset out/walk.jsonl
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/internal/atomicfile"
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
	fs.StringVar(&o.dataset, "dataset", "", "dataset_raw.jsonl to measure on")
	fs.StringVar(&o.manifest, "bam-manifest", "", "bam_manifest.json of the model")
	fs.StringVar(&o.ladder, "ladder", "", "ladder.json to measure instead of a model")
	fs.StringVar(&o.subset, "subset", "holdout", "windows to measure on: all, train or holdout")
	fs.StringVar(&o.baseline, "baseline-dataset", "", "dataset_raw.jsonl whose training windows mean and PCA are fitted to, as the one the model comes from; unset: --dataset")
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
		return nil, cli.Usagef("--dataset is missing: want a dataset_raw.jsonl")
	case o.manifest == "" && o.ladder == "":
		return nil, cli.Usagef("--bam-manifest is missing: want a model's bam_manifest.json, or --ladder")
	case o.manifest != "" && o.ladder != "":
		return nil, cli.Usagef("want either --bam-manifest or --ladder")
	case o.subset != "all" && o.subset != "train" && o.subset != "holdout":
		return nil, cli.Usagef("--subset is %q, want all, train or holdout", o.subset)
	}
	o.splitSet = cli.IsSet(fs, "split") || cli.IsSet(fs, "train-ratio") || cli.IsSet(fs, "split-seed")
	return &o, cli.CheckSplit(o.split)
}

// subject is what is measured.
type subject struct {
	codec   codec.Codec
	dims, w int
	norm    *bam.Norm // of the training windows, as far as its files tell; else nil
}

func (o *options) load() (*subject, error) {
	if o.ladder != "" {
		c, err := codec.LoadBounded(o.ladder)
		if err != nil {
			return nil, err
		}
		return &subject{codec: c, dims: c.Window().Dims, w: c.Window().W}, nil
	}
	c, err := codec.LoadBAM(o.manifest)
	if err != nil {
		return nil, err
	}
	man := c.Model().Manifest
	if s := man.TrainSplit; s != nil && !o.splitSet {
		o.split = splitOf(s)
	}
	s := &subject{codec: c, dims: man.InputDims, w: man.WindowW}
	if norm := c.Model().Norm; norm != nil {
		s.norm = &bam.Norm{Mean: norm.Mean, Std: c.Model().DataStd()}
	}
	return s, nil
}

// splitOf is the split that a manifest records.
func splitOf(t *artifacts.TrainSplit) dataset.SplitSettings {
	if t.Method == artifacts.SplitByTime {
		return dataset.SplitSettings{Method: dataset.ByTime, TrainRatio: t.TrainRatio, CutMs: t.CutTsMs}
	}
	return dataset.SplitSettings{Method: dataset.ByHash, TrainRatio: t.TrainRatio, Seed: t.SplitSeed}
}

// evaluation is what --out gets.
type evaluation struct {
	*quality.Evaluation
	Drift *quality.Drift `json:"drift"`
}

func run(_ context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	if _, err := os.Stat(o.out); o.out != "" && !o.force && err == nil {
		return fmt.Errorf("%s exists already: want a new file, or --force to replace it", o.out)
	}
	s, err := o.load()
	if err != nil {
		return err
	}
	windows := cli.OpenWindows(o.dataset, s.dims, s.w, stderr)
	split, err := o.split.Split(windows)
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
	if o.baseline != "" {
		windows := cli.OpenWindows(o.baseline, s.dims, s.w, stderr)
		split, err := o.split.Split(windows)
		if err != nil {
			return err
		}
		training = dataset.Train(windows, split)
	}
	study, err := quality.Study(training, s.dims)
	if err != nil {
		return fmt.Errorf("%w: mean and PCA are fitted to them (--baseline-dataset takes them from another data set)", err)
	}
	norm := s.norm
	if norm == nil {
		norm = study.Norm
	}
	e, err := quality.Evaluate(s.codec, test, quality.Settings{Dims: s.dims, Std: norm.Std, Tolerances: o.tolerances})
	if err != nil {
		return err
	}
	if e.Samples == 0 {
		return fmt.Errorf("%s: no windows in subset %s at train ratio %g, want at least one", o.dataset, o.subset, o.split.TrainRatio)
	}
	e.Dataset, e.BAMManifest, e.Ladder = filepath.ToSlash(o.dataset), filepath.ToSlash(o.manifest), filepath.ToSlash(o.ladder)
	e.SetSplit(o.subset, split)
	drift, err := quality.MeasureDrift(test, norm, s.dims)
	if err != nil {
		return err
	}
	if o.out != "" {
		b, err := json.MarshalIndent(evaluation{e, drift}, "", "  ")
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
	return report(stdout, o, s, evaluation{e, drift}, norm, study, test, training)
}

// agree says whether two norms are of the same windows, but for how they were
// computed.
func agree(a, b *bam.Norm) bool {
	for i := range a.Mean {
		if math.Abs(a.Mean[i]-b.Mean[i]) > 1e-3*b.Std[i] || math.Abs(a.Std[i]-b.Std[i]) > 1e-3*b.Std[i] {
			return false
		}
	}
	return true
}

func ones(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}

// report prints the evaluation beside the mean and PCA, fitted to the training
// windows, at the same bytes; and beside a ladder what a grid fitted to them
// takes.
func report(w io.Writer, o *options, s *subject, ev evaluation, norm *bam.Norm, study *quality.Training, test, training iter.Seq2[dataset.Window, error]) error {
	e := ev.Evaluation
	fmt.Fprintf(w, "%s on %d windows (%s) of %s\n", s.codec.Schema(), e.Samples, o.subset, o.dataset)
	if e.Saturation.Total > 0 {
		fmt.Fprintf(w, "saturated: %d of %d integers (%.2f %%)\n", e.Saturation.Count, e.Saturation.Total, 100*e.Saturation.Rate)
	}
	fmt.Fprintln(w)
	bytes, name := s.codec.MaxPayloadLen(), "this model"
	if b, ok := s.codec.(*codec.Bounded); ok {
		bytes, name = int(math.Ceil(e.MeanPayloadBytes)), "this ladder, on average"
		e.WriteRungs(w, cli.RungNames(b))
		if err := grid(w, b, test, training); err != nil {
			return err
		}
		fmt.Fprintln(w)
	} else if e.OverTolerance != nil {
		e.WriteTolerances(w)
		fmt.Fprintln(w)
	}
	lines := []quality.Line{{Name: name, Bytes: bytes, Evaluation: e}}
	baselines, err := study.Baselines(bytes, test, norm.Std)
	if err != nil {
		return err
	}
	for _, b := range baselines {
		lines = append(lines, quality.Line{Name: b.Name, Bytes: b.Bytes, Evaluation: b.Evaluation})
	}
	latitude := norm.Mean[0] + ev.Drift.BySensor[0].Shift*norm.Std[0]
	quality.WriteErrors(w, latitude, lines...)
	from := "this data set"
	if o.baseline != "" {
		from = o.baseline
	}
	fmt.Fprintf(w, "Mean and PCA are fitted to the %d windows of %s that train.\n", study.N, from)
	if s.norm != nil && !agree(s.norm, study.Norm) {
		fmt.Fprintf(w, "The model was not trained on those: its norm differs. What it was trained on is not in its files;\n")
		if o.baseline == "" {
			fmt.Fprintf(w, "mean and PCA know this recording, and it does not. --baseline-dataset fits them to another, --subset all\nmeasures on all windows.\n")
		} else {
			fmt.Fprintf(w, "%s is another recording, or another part of it.\n", o.baseline)
		}
	}
	fmt.Fprintln(w)
	e.WriteSensors(w, latitude, ev.Drift)
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
	e, err := quality.Evaluate(c, test, quality.Settings{Dims: b.Window().Dims, Std: ones(b.WindowLen())})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nA uniform grid fitted to the training windows (%d bytes), with the last rung behind it, takes %s bytes on average.\n",
		fitted.MaxPayloadLen(), cli.Digits(e.MeanPayloadBytes))
	return nil
}
