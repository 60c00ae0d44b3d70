// Inspect prints what a model's folder holds, and exits 1 when its files are
// not those that its artifacts.json lists.
//
//	go run ./examples/inspect --bam-manifest out/models/b/bam_manifest.json
//	go run ./examples/inspect --bam-manifest out/models/b/bam_manifest.json --dataset out/dataset_raw.jsonl
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/examples/cli"
)

func main() { cli.Main("inspect", run) }

const summary = `Inspect prints what a model's folder holds: window, layers, payload, scale, norm, split and hashes.
With a data set it also measures the range of the latents. It exits 1 when artifacts.json does not match.`

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var manifest, data string
	var unverified bool
	fs := cli.NewFlags("inspect", "go run ./examples/inspect out/models/demo", summary)
	fs.StringVar(&manifest, "bam-manifest", "", "bam_manifest.json of the model, or its folder")
	prior := fs.String("prior", "", "prior.json of codec predictive to describe instead of a model")
	fs.BoolVar(&unverified, "unverified", false, "only warn if the model's files are not those that its artifacts.json lists")
	fs.StringVar(&data, "dataset", "", "dataset_raw.jsonl to measure the latents on")
	if err := cli.Parse(fs, args, stdout, "bam-manifest"); err != nil {
		return err
	}
	if *prior != "" && manifest == "" && data == "" {
		return cli.DescribePrior(stdout, *prior)
	}
	if manifest == "" || *prior != "" {
		return cli.Usagef("want --bam-manifest, a model's bam_manifest.json, or --prior")
	}
	if info, err := os.Stat(manifest); err == nil && info.IsDir() {
		manifest = filepath.Join(manifest, artifacts.ManifestFile)
	}
	m, err := artifacts.LoadUnverified(manifest)
	if err != nil {
		return err
	}
	c, err := codec.NewBAM(m)
	if err != nil {
		return err
	}
	describe(stdout, manifest, m, c)
	if data != "" {
		shape := c.Window()
		l, err := quality.MeasureLatents(ctx, c, cli.OpenWindows(data, shape.Dims, shape.W, stderr))
		if err != nil {
			return fmt.Errorf("%s: %w", data, err)
		}
		fmt.Fprintf(stdout, "\nLatents over %d windows of %s\n", l.Windows, data)
		l.WriteTable(stdout)
	}
	if err := verify(stdout, m); err != nil && unverified {
		cli.Notice(stderr)(err)
	} else if err != nil {
		return err
	}
	return nil
}

// describe prints the model.
func describe(w io.Writer, path string, m *artifacts.Model, c *codec.BAM) {
	man := &m.Manifest
	line := func(what, format string, args ...any) {
		fmt.Fprintf(w, "  %-9s %s\n", what, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(w, "Model %s\n", path)
	if man.Notes != nil {
		line("notes", "%s", *man.Notes)
	}
	line("contract", "version %s, %s", man.ManifestVersion, man.ModelFormat)
	line("window", "%d dims, %d steps, stride %d: %d values", man.Dims, man.W, man.Stride, man.WindowLen())
	weights := 0
	for i, l := range m.Net.Layers {
		weights += 2 * l.In() * l.Out()
		line(fmt.Sprintf("layer %d", i), "W %d×%d, V %d×%d, largest weights %s and %s", l.Out(), l.In(), l.In(), l.Out(), cli.Digits(largest(l.W.Data)), cli.Digits(largest(l.V.Data)))
	}
	line("weights", "%d, %.1f KiB as float32", weights, float64(4*weights)/1024)
	if man.DeltaOrZero() == 0 {
		line("squash", "none: linear, %d encode cycles, %d decode cycles", man.EncodeCycles, man.DecodeCycles)
	} else {
		line("squash", "cubic, delta %g, %d encode cycles, %d decode cycles", *man.Delta, man.EncodeCycles, man.DecodeCycles)
	}
	line("payload", "%d latents as %s: %d bytes", man.LatentDim, man.Packing, c.MaxPayloadLen())
	if man.Packing.Integer() {
		line("scale", "%g: latents of %s..%s fit", *man.Scale, cli.Digits(float64(-man.Packing.MaxInt()-1) / *man.Scale), cli.Digits(float64(man.Packing.MaxInt()) / *man.Scale))
	}
	switch std := m.DataStd(); {
	case std == nil:
		line("norm", "none: windows are fed as they are")
	default:
		constant := 0
		for _, s := range std {
			if s == 0 {
				constant++
			}
		}
		line("norm", "deviations of %s..%s, %d of %d values constant", cli.Digits(slices.Min(std)), cli.Digits(slices.Max(std)), constant, len(std))
	}
	switch s := man.TrainSplit; {
	case s == nil:
		line("split", "not recorded")
	case s.Method == artifacts.SplitByTime:
		line("split", "by time, ratio %g, windows before ts_ms %d trained", s.TrainRatio, *s.CutTsMs)
	default:
		line("split", "%s, ratio %g, seed %d", s.Method, s.TrainRatio, s.SplitSeed)
	}
	line("schema", "%s", man.Schema())
	line("", "sha256 %s", artifacts.SchemaHash(man.Schema()))
	line("model", "model_hash %s", m.Hash())
	if a := m.Artifacts; a != nil {
		line("", "fingerprint %s", a.Fingerprint())
		commit := "unknown commit"
		if a.GitCommit != nil {
			commit = "commit " + *a.GitCommit
		}
		line("created", "%s, codec %s %s, %s", a.CreatedAt, a.CodecID, a.CodecVersion, commit)
	}
	fmt.Fprintln(w, "\nAirtime of a window (125 kHz, 4/5)")
	quality.WriteAirtime(w, c.MaxPayloadLen(), man.Window())
}

func largest(v []float32) (most float64) {
	for _, x := range v {
		most = max(most, math.Abs(float64(x)))
	}
	return most
}

// verify prints the files and whether they are those that artifacts.json
// lists.
func verify(w io.Writer, m *artifacts.Model) error {
	fmt.Fprintln(w, "\nFiles")
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		state := ""
		if a := m.Artifacts; a != nil && a.Files != nil && a.Files[name] != m.Files[name] {
			state = "  changed"
			if a.Files[name] == "" {
				state = "  not listed"
			}
		}
		fmt.Fprintf(w, "  %s  %s%s\n", m.Files[name], name, state)
	}
	switch a := m.Artifacts; {
	case a == nil:
		fmt.Fprintf(w, "There is no %s: nothing to verify by.\n", artifacts.ArtifactsFile)
		return nil
	case a.Files == nil:
		fmt.Fprintf(w, "%s lists no files: only the schema and the norm are verified.\n", artifacts.ArtifactsFile)
	}
	if err := m.Artifacts.Verify(m); err != nil {
		fmt.Fprintf(w, "%s does not match:\n", artifacts.ArtifactsFile)
		for _, line := range strings.Split(err.Error(), "\n") {
			fmt.Fprintf(w, "  %s\n", line)
		}
		return errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	fmt.Fprintf(w, "%s matches.\n", artifacts.ArtifactsFile)
	return nil
}
