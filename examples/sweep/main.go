// Sweep trains a grid of models on one data set and lays their errors beside
// those of the mean, of principal components and of the Gaussian bound at equal
// bytes: as JSON, as CSV, as plots, and as a table of the models that no other
// beats. The same command goes on where an interrupted one stopped.
//
//	go run ./examples/sweep
//	go run ./examples/sweep --dataset out/dataset_raw.jsonl --out-dir out/sweeps/a --latent-dims 2,4,8,16 --hidden-dims 24,16 \
//	    --packings int16,int8 --deltas 0.1 --encode-cycles 0,1 --decode-cycles 0,1 --auto-scale
//	go run ./examples/sweep --packings int8,bitpack --latent-dims 2,4,8 --payload-bytes 2,4,8 --hidden-dims "24,16;32;" --methods auto,pca
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/sweep"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/internal/atomicfile"
	"github.com/loralink/loralink-go/internal/trainflags"
)

func main() { cli.Main("sweep", run) }

const summary = `Sweep trains every combination of the lists and compares them at equal bytes.
Models go to <out-dir>/models, reports and plots beside them. Models that are there already, trained on the same
windows with the same settings, are not trained again: the same command goes on where an interrupted one stopped.
Without --dataset it uses the simulated walk in testdata.`

// architectures is a flag of layer sizes, as 24,16;32; for three architectures,
// the last without layers between window and latent.
type architectures [][]int

func (v *architectures) String() string {
	parts := make([]string, len(*v))
	for i, sizes := range *v {
		parts[i] = cli.Ints(&sizes).String()
	}
	return strings.Join(parts, ";")
}

func (v *architectures) Set(s string) error {
	*v = nil
	for part := range strings.SplitSeq(s, ";") {
		var sizes []int
		if err := cli.Ints(&sizes).Set(part); err != nil {
			return err
		}
		*v = append(*v, sizes)
	}
	return nil
}

type options struct {
	dataset, outDir string
	split           dataset.SplitSettings
	flags           trainflags.Flags
	settings        sweep.Settings
	plots           bool
}

func parse(args []string, out io.Writer) (*options, error) {
	var o options
	var packings, methods string
	g := &o.settings.Grid
	g.LatentDims, g.PayloadBytes = []int{2, 4, 8, 16}, []int{2, 4, 8}
	fs := cli.NewFlags("sweep", summary)
	fs.StringVar(&o.dataset, "dataset", "", "dataset_raw.jsonl to train on")
	fs.StringVar(&o.outDir, "out-dir", filepath.FromSlash("out/sweep"), "folder to write")
	fs.BoolVar(&o.settings.Force, "force", false, "train again, and replace, the models that are there")
	fs.IntVar(&o.settings.Workers, "workers", 0, "models trained at once; 0: one for each core")
	fs.BoolVar(&o.plots, "plots", true, "draw the plots; --plots=false: none")
	fs.Var(cli.Ints(&g.LatentDims), "latent-dims", "numbers of latents")
	fs.Var((*architectures)(&g.HiddenDims), "hidden-dims", "sizes of the layers between window and latent, as 24,16; several architectures as 24,16;32; (the last has no such layer)")
	fs.StringVar(&packings, "packings", "int8,bitpack", "some of int8, int16, float16, float32, bitpack")
	fs.Var(cli.Ints(&g.PayloadBytes), "payload-bytes", "bitpack: lengths of the payload; its latents are as many as the bits can use")
	fs.Var(cli.Floats(&g.Deltas), "deltas", "strengths of the cubic transmission; empty: 0, linear")
	fs.Var(cli.Ints(&g.EncodeCycles), "encode-cycles", "extra rounds a layer when encoding; empty: 0")
	fs.Var(cli.Ints(&g.DecodeCycles), "decode-cycles", "extra rounds a layer when decoding; empty: 0")
	fs.StringVar(&methods, "methods", "auto", "some of "+trainflags.Methods)
	o.split.RegisterFlags(fs)
	o.flags.Register(fs)
	if err := cli.Parse(fs, args, out); err != nil {
		return nil, err
	}
	if err := errors.Join(o.flags.Check(), cli.CheckSplit(o.split)); err != nil {
		return nil, err
	}
	for _, p := range list(packings) {
		g.Packings = append(g.Packings, bam.Packing(p))
	}
	if cli.IsSet(fs, "payload-bytes") && !slices.Contains(g.Packings, bam.BitPack) {
		return nil, cli.Usagef("--payload-bytes is for packing bitpack, but --packings is %s", packings)
	}
	g.Methods = map[string]train.Method{}
	for _, name := range list(methods) {
		m, err := o.flags.Method("methods", name)
		if err != nil {
			return nil, err
		}
		g.Methods[name] = m
	}
	o.settings.Base = o.flags.Settings
	return &o, nil
}

// list cuts a comma-separated list.
func list(s string) (out []string) {
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	s := &o.settings
	windows, name := cli.OpenDataset(o.dataset, s.Base.InputDims, s.Base.WindowW, s.Base.WindowStride, stderr)
	if s.Base.Split, err = o.split.Split(windows); err != nil {
		return err
	}
	s.Dataset, s.Dir = name, filepath.Join(o.outDir, "models")
	progress := cli.NewProgress(stderr)
	done, total := 0, 0
	s.Progress = func(d, t int) {
		done, total = d, t
		progress.Update("models", done, total)
	}
	report, err := sweep.Run(ctx, windows, s)
	progress.Clear()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted: %d of %d models are finished in %s; the same command goes on from there", done, total, s.Dir)
	case errors.Is(err, sweep.ErrOther):
		return fmt.Errorf("%w (--out-dir names another, --force replaces)", err)
	case err != nil:
		return err
	}
	files, err := write(o, report)
	if err != nil {
		return err
	}
	print(stdout, report, files)
	return nil
}

// write writes report, CSV and plots, and returns their names.
func write(o *options, r *sweep.Report) ([]string, error) {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, err
	}
	files := []string{"sweep_report.json", "sweep.csv"}
	if err := atomicfile.WriteBytes(filepath.Join(o.outDir, files[0]), append(b, '\n')); err != nil {
		return nil, err
	}
	if err := atomicfile.Write(filepath.Join(o.outDir, files[1]), r.WriteCSV); err != nil {
		return nil, err
	}
	if !o.plots {
		return files, nil
	}
	for _, p := range []struct {
		name string
		draw func(*sweep.Report) (io.WriterTo, error)
	}{{"error_by_bytes.png", plotErrors}, {"error_by_group.png", plotGroups}, {"learning_curves.png", plotCurves}} {
		picture, err := p.draw(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		if picture == nil {
			continue
		}
		var png bytes.Buffer
		if _, err := picture.WriteTo(&png); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		if err := atomicfile.WriteBytes(filepath.Join(o.outDir, p.name), png.Bytes()); err != nil {
			return nil, err
		}
		files = append(files, p.name)
	}
	return append(files, "models"), nil
}

// print ends with the front: the models worth choosing from.
func print(w io.Writer, r *sweep.Report, files []string) {
	fmt.Fprintf(w, "%s: %d windows of %d values trained %d models, measured on %d windows (%s)\n",
		r.Dataset, r.TrainN, r.InputLen, len(r.Results), r.TestN, r.Subset)
	if n := len(r.Skipped); n > 0 {
		fmt.Fprintf(w, "%d combinations skipped, first %s: %s\n", n, r.Skipped[0].ModelID, r.Skipped[0].Reason)
	}
	fmt.Fprintf(w, "Written: %s\n", strings.Join(files, ", "))
	fmt.Fprintln(w, "\nModels that no other beats in zscored.mse at their bytes")
	rows := []string{"\tpayload\tzscored.mse\tPCA int8\tGaussian bound\tMAE\tsaturated\tweights"}
	for _, p := range r.ParetoZScored {
		x := r.Result(p.ModelID)
		pca, bound := "", ""
		for _, b := range r.Baselines.PCA.ByBytes[bam.Int8] {
			if b.PayloadBytes <= p.PayloadBytes {
				pca = cli.Digits(b.ZScored.MSE)
			}
		}
		for _, b := range r.Baselines.GaussianBound {
			if b.PayloadBytes == p.PayloadBytes {
				bound = cli.Digits(b.ZScoredMSE)
			}
		}
		saturated := ""
		if x.Saturation.Total > 0 {
			saturated = strconv.FormatFloat(100*x.Saturation.Rate, 'f', 2, 64) + " %"
		}
		rows = append(rows, fmt.Sprintf("%s\t%d B\t%s\t%s\t%s\t%s\t%s\t%d", p.ModelID, p.PayloadBytes, cli.Digits(p.ZScoredMSE), pca, bound,
			cli.Digits(p.MAE), saturated, x.Cost.ParamCount))
	}
	rows = append(rows, fmt.Sprintf("mean\t0 B\t%s\t\t\t%s\t\t", cli.Digits(r.Baselines.Mean.ZScored.MSE), cli.Digits(r.Baselines.Mean.MAE)))
	cli.Table(w, rows...)
}
