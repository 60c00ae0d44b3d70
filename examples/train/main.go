// Train fits a model to a data set, writes the model's folder, and prints its
// payload length, its time on air, and its errors on the holdout next to those
// of the mean and of principal components at the same payload length.
//
//	go run ./examples/train
//	go run ./examples/train --dataset out/dataset_raw.jsonl --out-dir out/models/a --latent-dim 8 --packing int8 --auto-scale
//	go run ./examples/train --dataset out/dataset_raw.jsonl --split time --train-ratio 0.6
package main

import (
	"context"
	"errors"
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
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio/runlog/record"
)

func main() { cli.Main("train", run) }

const summary = `Train fits a model to the training windows of a data set and writes the model's folder.
Without --dataset it uses the simulated walk in testdata; without --out-dir it writes a new folder under out/models.
What the reference trains by default: --method febam --packing int16 --train-ratio 1 (docs/reference.md).`

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var path, outDir, notes, reportCopy, hashesCopy string
	var logEvery int
	var rec cli.Record
	var force bool
	var settings train.Settings
	var methods train.MethodSettings
	var split dataset.SplitSettings
	fs := cli.NewFlags("train", "go run ./examples/train --dataset out/dataset_raw.jsonl --out-dir out/models/demo", summary)
	fs.StringVar(&path, "dataset", "", "dataset_raw.jsonl to train on")
	fs.StringVar(&outDir, "out-dir", "", "folder to write")
	fs.BoolVar(&force, "force", false, "replace an existing model folder")
	fs.StringVar(&reportCopy, "train-report", "", "file for a copy of the folder's train_report.json")
	fs.StringVar(&hashesCopy, "write-artifacts-manifest", "", "file for a copy of the folder's artifacts.json, the hashes that a RunSpec names")
	fs.IntVar(&logEvery, "log-every", 0, "print a line after this many epochs, with method febam or gradient; 0: progress on a terminal only")
	fs.StringVar(&notes, "notes", "", "a note for the manifest")
	settings.RegisterFlags(fs)
	methods.RegisterFlags(fs)
	split.RegisterFlags(fs)
	rec.RegisterFlags(fs)
	if err := cli.Parse(fs, args, stdout, "dataset"); err != nil {
		return err
	}
	if err := cli.CheckFlags(train.CheckFlags(fs, []bam.Packing{settings.Packing}, []string{methods.Name})); err != nil {
		return err
	}
	method, err := methods.Method()
	if err := errors.Join(err, cli.CheckSplit(split), settings.Check(), rec.Check()); err != nil {
		return err
	}

	saving := &save.Settings{Force: force}
	if outDir == "" {
		outDir = freshFolder(fmt.Sprintf("%s-%dB", settings.Packing, settings.PayloadLen()))
	}
	if err := errors.Join(cli.CheckOut(reportCopy, force, path), cli.CheckOut(hashesCopy, force, path)); err != nil {
		return err
	}
	if err := save.CheckTarget(outDir, saving); errors.Is(err, save.ErrExists) {
		return fmt.Errorf("%w (--force replaces a model's folder)", err)
	} else if err != nil {
		return err
	}
	windows, name := cli.OpenDataset(path, settings.Window.Dims, settings.Window.W, settings.Window.Stride, stderr)
	if settings.Split, err = split.Split(windows); err != nil {
		return err
	}
	result, err := fit(ctx, windows, &settings, method, logEvery, stderr)
	if err != nil {
		return err
	}
	result.Report.Dataset = name
	set := result.Contents()
	set.CreatedAt = time.Now()
	if notes != "" {
		set.Manifest.Notes = &notes
	}
	saved, err := save.Model(outDir, set, saving)
	if err != nil {
		return err
	}
	manifest := filepath.Join(outDir, artifacts.ManifestFile)
	c, err := codec.LoadBAM(manifest)
	if err := errors.Join(err, cli.CopyFile(reportCopy, filepath.Join(outDir, artifacts.TrainReportFile)), cli.CopyFile(hashesCopy, filepath.Join(outDir, artifacts.ArtifactsFile))); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Model %s\n  method %s (%s), %s, model_hash %.12s…\n", manifest, result.Report.Method, result.Status, c, saved.ModelHash)
	if err := result.Report.WriteChoices(stdout); err != nil {
		return err
	}
	evaluation, err := writeErrors(ctx, stdout, c, &result.Settings, windows)
	if err != nil {
		return err
	}
	values, err := record.OfTraining(manifest, name, evaluation)
	return errors.Join(err, rec.Fill(stdout, values))
}

// fit trains, and shows the progress on a terminal.
func fit(ctx context.Context, windows iter.Seq2[dataset.Window, error], settings *train.Settings, method train.Method, logEvery int, stderr io.Writer) (*train.Result, error) {
	progress := cli.NewProgress(stderr)
	defer progress.Clear()
	settings.Recorder = recorder{progress, logEvery, stderr}
	result, err := train.Train(ctx, windows, settings, method)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("interrupted, nothing was written: %w", ctx.Err())
	}
	return result, err
}

// recorder passes the progress of the training on.
type recorder struct {
	*cli.Progress
	logEvery int // epochs
	log      io.Writer
}

func (r recorder) Record(p train.Progress) error {
	if r.logEvery > 0 && p.Epoch > 0 && p.Epoch%r.logEvery == 0 {
		r.Clear()
		fmt.Fprintln(r.log, p)
	}
	done, total := p.Epoch, p.Epochs
	if total == 0 {
		done, total = p.Step, p.Steps
	}
	r.Update(p.String(), done, total)
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

// writeErrors prints the time on air, and the errors on the holdout, or on the
// training windows if there is no holdout. It returns them.
func writeErrors(ctx context.Context, w io.Writer, c *codec.BAM, s *train.Settings, windows iter.Seq2[dataset.Window, error]) (*quality.Evaluation, error) {
	training := dataset.Limit(dataset.Training(windows, s.Split), s.MaxWindows)
	norm := quality.CompareSettings{Norm: &bam.Norm{Mean: c.Model().Norm.Mean, Std: c.Model().DataStd()}}
	r, err := quality.Compare(ctx, c, dataset.Holdout(windows, s.Split), training, norm)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(w, "%d windows: %d trained, %d holdout\n", r.Training.N+r.Samples, r.Training.N, r.Samples)
	subset := "holdout"
	if r.Samples == 0 {
		subset = "training windows, as there is no holdout"
		if r, err = quality.Compare(ctx, c, training, training, norm); err != nil {
			return nil, err
		}
	}
	fmt.Fprintln(w, "\nTime on air of a window (125 kHz, 4/5)")
	quality.WriteAirtime(w, c.MaxPayloadLen(), s.Window)
	fmt.Fprintf(w, "\nErrors on the %s\n", subset)
	r.WriteBaselines(w)
	return r.Evaluation, nil
}
