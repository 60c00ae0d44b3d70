// Train fits a model to a data set, writes its folder and says what it is
// worth: payload and airtime, and errors on the holdout beside the mean and
// principal components at the same bytes.
//
//	go run ./examples/train
//	go run ./examples/train --dataset out/dataset_raw.jsonl --out-dir out/models/a --latent-dim 8 --packing int8 --auto-scale
//	go run ./examples/train --dataset out/dataset_raw.jsonl --split time --train-ratio 0.6
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/internal/trainflags"
)

func main() { cli.Main("train", run) }

const summary = `Train fits a model to the training windows of a data set and writes its folder.
Without --dataset it uses the simulated walk in testdata; without --out-dir a new folder under out/models.`

type options struct {
	dataset, outDir, method, packing, notes string
	split                                   dataset.SplitSettings
	force                                   bool
	flags                                   trainflags.Flags
	settings                                *train.Settings // of flags
	fit                                     train.Method
}

func parse(args []string, out io.Writer) (*options, error) {
	var o options
	o.settings = &o.flags.Settings
	fs := cli.NewFlags("train", summary)
	fs.StringVar(&o.dataset, "dataset", "", "dataset_raw.jsonl to train on")
	fs.StringVar(&o.outDir, "out-dir", "", "folder to write")
	fs.BoolVar(&o.force, "force", false, "replace an existing model folder")
	fs.StringVar(&o.method, "method", "auto", trainflags.Methods)
	fs.Var(cli.Ints(&o.settings.HiddenDims), "hidden-dims", "sizes of the layers between window and latent, as 24,16")
	fs.IntVar(&o.settings.LatentDim, "latent-dim", 8, "number of latents; unset with bitpack: as many as its bits can use")
	fs.StringVar(&o.packing, "packing", "int8", "int8, int16, float16, float32, or bitpack (contract v2: not for the reference runtime)")
	fs.IntVar(&o.settings.PayloadBytes, "payload-bytes", 8, "bitpack: length of the payload")
	fs.Float64Var(&o.settings.Scale, "scale", 0, "factor of the integer packings; 0: 127 or 32767")
	fs.Float64Var(&o.settings.Delta, "delta", 0, "strength of the cubic transmission; 0: linear")
	fs.IntVar(&o.settings.EncodeCycles, "encode-cycles", 0, "extra rounds a layer when encoding")
	fs.IntVar(&o.settings.DecodeCycles, "decode-cycles", 0, "extra rounds a layer when decoding")
	fs.StringVar(&o.notes, "notes", "", "a note for the manifest")
	o.split.RegisterFlags(fs)
	o.flags.Register(fs)
	if err := cli.Parse(fs, args, out); err != nil {
		return nil, err
	}
	return &o, o.check(fs)
}

func (o *options) check(fs *flag.FlagSet) (err error) {
	if o.fit, err = o.flags.Method("method", o.method); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		v    int
	}{{"latent-dim", o.settings.LatentDim}, {"payload-bytes", o.settings.PayloadBytes}} {
		if f.v < 1 {
			return fmt.Errorf("--%s is %d, want more than 0", f.name, f.v)
		}
	}
	if cli.IsSet(fs, "scale") && !(o.settings.Scale > 0) {
		return fmt.Errorf("--scale is %g, want more than 0", o.settings.Scale)
	}
	if err := o.flags.Check(); err != nil {
		return err
	}
	if err := cli.CheckSplit(o.split); err != nil {
		return err
	}
	o.settings.Packing = bam.Packing(o.packing)
	if o.settings.Packing == bam.BitPack && !cli.IsSet(fs, "latent-dim") {
		o.settings.LatentDim = 0
	}
	return o.settings.Check()
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	windows, name := cli.OpenDataset(o.dataset, o.settings.InputDims, o.settings.WindowW, o.settings.WindowStride, stderr)
	saving := &save.Settings{Force: o.force}
	outDir := o.outDir
	if outDir == "" {
		outDir = freshFolder(fmt.Sprintf("%s-%dB", o.settings.Packing, o.settings.PayloadLen()))
	}
	if err := save.CheckTarget(outDir, saving); err != nil {
		return withForceHint(err)
	}

	if o.settings.Split, err = o.split.Split(windows); err != nil {
		return err
	}
	progress := cli.NewProgress(stderr)
	o.settings.Recorder = recorder{progress}
	res, err := train.Train(ctx, windows, o.settings, o.fit)
	progress.Clear()
	if err != nil {
		return err
	}
	if res.Status == train.Cancelled {
		return errors.New("interrupted: nothing was written")
	}
	res.Report.Dataset = name
	set := res.Set()
	set.CreatedAt = time.Now()
	if o.notes != "" {
		set.Manifest.Notes = &o.notes
	}
	a, err := save.Model(outDir, set, saving)
	if err != nil {
		return withForceHint(err)
	}
	return report(stdout, o, outDir, a, res, windows)
}

type recorder struct{ p *cli.Progress }

func (r recorder) Record(s train.Progress) error {
	r.p.Update(fmt.Sprintf("layer %d of %d, mse_x %s, epoch", s.Layer+1, s.Layers, cli.Digits(s.MSEX)), s.Epoch, s.Epochs)
	return nil
}

// freshFolder returns a folder under out/models that does not exist yet.
func freshFolder(name string) string {
	for i := 1; ; i++ {
		dir := filepath.Join("out", "models", fmt.Sprintf("%s-%d", name, i))
		if _, err := os.Stat(dir); err != nil {
			return dir
		}
	}
}

func withForceHint(err error) error {
	if errors.Is(err, save.ErrExists) {
		return fmt.Errorf("%w (--force replaces a model's folder)", err)
	}
	return err
}

// report prints what the model is worth.
func report(w io.Writer, o *options, outDir string, a *artifacts.Artifacts, res *train.Result, windows iter.Seq2[dataset.Window, error]) error {
	c, err := codec.LoadBAM(filepath.Join(outDir, artifacts.ManifestFile))
	if err != nil {
		return err
	}
	man := c.Model().Manifest
	training := dataset.Limit(dataset.Train(windows, o.settings.Split), o.settings.MaxSamples)
	study, err := quality.Study(training, man.Values())
	if err != nil {
		return err
	}
	test, subset := dataset.Holdout(windows, o.settings.Split), "holdout"
	if o.split.TrainRatio >= 1 {
		test, subset = training, "training windows (no holdout at ratio 1)"
	}
	e, err := quality.Evaluate(c, test, quality.Settings{Std: c.Model().DataStd()})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "Model %s\n", filepath.Join(outDir, artifacts.ManifestFile))
	fmt.Fprintf(w, "  method %s (%s), %s, model_hash %.12s…\n", res.Report.Method, res.Status, man.Schema(), a.ModelHash)
	if len(res.Report.Choices) > 1 {
		fmt.Fprintln(w, "  picked inside the training windows, by the errors on the last 40 % and on every fifth block, each left out in turn:")
		for _, c := range res.Report.Choices {
			mark := " "
			if c.Picked {
				mark = "*"
			}
			mixed := cli.Digits(c.Mixed)
			if c.Mixed == 0 {
				mixed = "lost, or not tried"
			}
			fmt.Fprintf(w, "  %s %-9s hidden %v, delta %g: %s and %s\n", mark, c.Method, c.HiddenDims, c.Delta, cli.Digits(c.Later), mixed)
		}
	}
	fmt.Fprintf(w, "  %d windows: %d trained, %d holdout\n", study.N+e.Samples*b2i(o.split.TrainRatio < 1), study.N, e.Samples*b2i(o.split.TrainRatio < 1))
	fmt.Fprintln(w, "\nAirtime of a window (125 kHz, 4/5)")
	quality.WriteAirtime(w, c.MaxPayloadLen(), sensor.Shape{Dims: man.InputDims, W: man.WindowW, Stride: man.WindowStride})
	fmt.Fprintf(w, "\nErrors on the %s\n", subset)
	if e.Samples == 0 {
		fmt.Fprintln(w, "No windows there: the data set is too small for this ratio.")
		return nil
	}
	lines := []quality.Line{{Name: "this model", Bytes: c.MaxPayloadLen(), Evaluation: e}}
	baselines, err := study.Baselines(c.MaxPayloadLen(), test, c.Model().DataStd())
	if err != nil {
		return err
	}
	for _, b := range baselines {
		lines = append(lines, quality.Line(b))
	}
	quality.WriteErrors(w, study.Norm.Mean[0], lines...)
	return nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
