// Sweep trains models for all combinations of settings on one data set and
// compares their errors at equal payload lengths, with each other and with the
// mean, principal components and the Gaussian bound. It writes the comparison as
// JSON, CSV and plots, and prints a table of the best models. The same command
// continues where an interrupted one stopped.
//
//	go run ./examples/sweep
//	go run ./examples/sweep --dataset out/dataset_raw.jsonl --out-dir out/sweeps/a --latent-dims 2,4,8,16 --hidden-dims 24,16 \
//	    --packings int16,int8 --deltas 0.1 --encode-cycles 0,1 --decode-cycles 0,1 --auto-scale
//	go run ./examples/sweep --packings int8,bitpack --latent-dims 2,4,8 --payload-bytes 2,4,8 --hidden-dims "24,16;32;" --methods auto,pca
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/loralink/loralink-go/bam/sweep"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/examples/cli"
)

func main() { cli.Main("sweep", run) }

const summary = `Sweep trains a model for every combination of the lists and compares them at equal payload lengths.
Models go to <out-dir>/models, reports and plots to <out-dir>. Models that are stored there, trained on the same windows
with the same settings, are not trained again: the same command continues where an interrupted one stopped.
Without --dataset it uses the simulated walk in testdata.`

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var path, outDir, out string
	var plots bool
	var settings sweep.Settings
	var split dataset.SplitSettings
	fs := cli.NewFlags("sweep", "go run ./examples/sweep --dataset out/dataset_raw.jsonl --out-dir out/sweep", summary)
	fs.StringVar(&path, "dataset", "", "dataset_raw.jsonl to train on")
	fs.StringVar(&outDir, "out-dir", filepath.FromSlash("out/sweep"), "folder to write")
	fs.StringVar(&out, "out", "", "file for a copy of the folder's sweep_report.json; a name without a folder lies in --out-dir")
	fs.BoolVar(&plots, "plots", true, "draw plots; --plots=false: none")
	settings.RegisterFlags(fs)
	split.RegisterFlags(fs)
	if err := cli.Parse(fs, args, stdout, "dataset"); err != nil {
		return err
	}
	if err := cli.CheckFlags(settings.CheckFlags(fs)); err != nil {
		return err
	}
	if err := errors.Join(cli.CheckSplit(split), settings.Check()); err != nil {
		return err
	}

	if err := sweep.CheckTarget(outDir); err != nil {
		return err
	}
	if out != "" && filepath.Base(out) == out {
		out = filepath.Join(outDir, out)
	}
	shape := settings.Base.Window
	windows, name := cli.OpenDataset(path, shape.Dims, shape.W, shape.Stride, stderr)
	var err error
	if settings.Base.Split, err = split.Split(windows); err != nil {
		return err
	}
	settings.Dataset, settings.Dir = name, filepath.Join(outDir, "models")
	progress := cli.NewProgress(stderr)
	done, total := 0, 0
	settings.Progress = func(d, t int) {
		done, total = d, t
		progress.Update("models", d, t)
	}
	report, err := sweep.Run(ctx, windows, &settings)
	progress.Clear()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted: %d of %d models are finished in %s; the same command continues from there: %w", done, total, settings.Dir, ctx.Err())
	case errors.Is(err, sweep.ErrExists):
		return fmt.Errorf("%w (--out-dir names another folder, --force replaces the model)", err)
	case err != nil:
		return err
	}
	files, err := report.WriteFiles(outDir, plots)
	if err != nil {
		return err
	}
	if err := cli.CopyFile(out, filepath.Join(outDir, sweep.ReportFile)); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Written to %s: %s, models\n", outDir, strings.Join(files, ", "))
	return report.WriteTable(stdout)
}
