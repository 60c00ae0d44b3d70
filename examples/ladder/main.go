// Ladder writes a ladder of codecs that keeps every error within tolerances:
// models, where there are any, a lattice fitted to the training windows at many
// payload lengths, and last a grid of what sensors can physically give. With
// --lattice=false it has plain grids instead: one fitted to the training windows,
// and that one widened.
//
//	go run ./examples/ladder --dataset out/dataset_raw.jsonl --out-dir out/ladders/a
//	go run ./examples/ladder --dataset out/dataset_raw.jsonl --out-dir out/ladders/b --bam-manifest out/models/b/bam_manifest.json
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/examples/cli"
)

func main() { cli.Main("ladder", run) }

const summary = `Ladder writes ladder.json, its lattice and its grids from the training windows of a data set, and says what it
takes on the holdout. Sender, receiver and evaluation load the same file.`

// Names of the grids beside ladder.json.
const (
	fittedFile   = "grid_fitted.json"
	widenedFile  = "grid_widened_%d.json"
	physicalFile = "grid_physical.json"
)

type options struct {
	dataset, outDir string
	manifests       []string
	tolerances      []float64
	split           dataset.SplitSettings
	window          sensor.Shape
	lattice         bool
	regions         int
	widened         int
	force           bool
}

func parse(args []string, stdout io.Writer) (*options, error) {
	o := options{tolerances: sensor.Motion().Tolerances()}
	fs := cli.NewFlags("ladder", summary)
	fs.StringVar(&o.dataset, "dataset", "", "dataset_raw.jsonl whose training windows the lattice or the grid is fitted to")
	fs.StringVar(&o.outDir, "out-dir", "", "folder to write")
	fs.Var(cli.Strings(&o.manifests), "bam-manifest", "model to try first; several by commas or by several flags")
	fs.Var(cli.Floats(&o.tolerances), "tolerances", "largest error of each value of a step, in its unit")
	fs.IntVar(&o.window.W, "window-W", 1, "steps of a window")
	fs.IntVar(&o.window.Stride, "window-stride", 1, "samples between windows")
	fs.BoolVar(&o.lattice, "lattice", true, "a lattice with learned frequencies; false: plain grids")
	fs.IntVar(&o.regions, "regions", 0, "regions of the lattice; 0: what inner validation finds best, -1: none")
	fs.IntVar(&o.widened, "widened", 3, "with --lattice=false, widened copies of the fitted grid behind it, each a byte longer, for windows that have moved on")
	o.split.RegisterFlags(fs)
	fs.BoolVar(&o.force, "force", false, "replace an existing ladder")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	switch {
	case o.dataset == "":
		return nil, cli.Usagef("--dataset is missing: want a dataset_raw.jsonl")
	case o.outDir == "":
		return nil, cli.Usagef("--out-dir is missing: want a folder")
	case len(o.tolerances) == 0:
		return nil, cli.Usagef("--tolerances is empty, want one number for each value of a step")
	case o.widened < 0:
		return nil, cli.Usagef("--widened is %d, want 0 or more", o.widened)
	case o.window.W < 1 || o.window.Stride < 1:
		return nil, cli.Usagef("--window-W is %d and --window-stride %d, want both at least 1", o.window.W, o.window.Stride)
	}
	for _, tol := range o.tolerances {
		if !(tol > 0) {
			return nil, cli.Usagef("--tolerances has %g, want numbers above 0", tol)
		}
	}
	o.window.Dims = len(o.tolerances)
	return &o, cli.CheckSplit(o.split)
}

type windowSeq = iter.Seq2[dataset.Window, error]

// rung is a codec and how ladder.json names it.
type rung struct {
	codec codec.Codec
	name  string
	file  string // of a grid or a lattice, beside ladder.json
	codec.Section
}

func run(_ context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	path := filepath.Join(o.outDir, codec.LadderFile)
	if _, err := os.Stat(path); !o.force && err == nil {
		return fmt.Errorf("%s exists already (--force replaces it)", path)
	}
	windows := cli.OpenWindows(o.dataset, o.window.Dims, o.window.W, stderr)
	split, err := o.split.Split(windows)
	if err != nil {
		return err
	}
	rungs, err := o.rungs(dataset.Train(windows, split), stderr)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.outDir, 0o755); err != nil {
		return err
	}
	saved := map[string]bool{}
	for _, r := range rungs {
		if f, ok := r.codec.(interface{ Save(path string) error }); ok && !saved[r.file] {
			if err := f.Save(filepath.Join(o.outDir, r.file)); err != nil {
				return err
			}
			saved[r.file] = true
		}
	}
	l := &codec.Ladder{Window: o.window, Tolerances: o.tolerances}
	for _, r := range rungs {
		l.Rungs = append(l.Rungs, codec.Rung{Codec: r.Section})
	}
	c, err := codec.SaveLadder(path, l)
	if err != nil {
		return err
	}
	return o.report(stdout, path, c, windows, split)
}

// rungs returns the ladder, cheapest first.
func (o *options) rungs(training windowSeq, stderr io.Writer) ([]rung, error) {
	var all []rung
	lengths := map[int]bool{} // of models
	for _, manifest := range o.manifests {
		r, err := o.model(manifest)
		if err != nil {
			return nil, err
		}
		lengths[r.codec.MaxPayloadLen()] = true
		all = append(all, r)
	}
	last := 0 // bytes of the physical grid
	if o.window.Dims == sensor.MotionDims {
		physical, err := codec.PhysicalGrid(o.window.W, o.tolerances)
		if err != nil {
			return nil, err
		}
		last = physical.MaxPayloadLen()
		if last > codec.MaxPayloadBytes {
			return nil, fmt.Errorf("the physical grid takes %d bytes, want at most %d: shorter windows or larger tolerances", last, codec.MaxPayloadBytes)
		}
		// First, so that of two rungs of one length this one stays.
		all = append([]rung{gridRung(physical, "the physical grid", physicalFile)}, all...)
	}
	fit := o.latticeRungs
	if !o.lattice {
		fit = o.gridRungs
	}
	learned, err := fit(training, last, lengths, stderr)
	if err != nil {
		return nil, err
	}
	all = append(all, learned...)
	slices.SortStableFunc(all, func(a, b rung) int { return cmp.Compare(a.codec.MaxPayloadLen(), b.codec.MaxPayloadLen()) })
	var rungs []rung
	for _, r := range all {
		if n := len(rungs); n > 0 && (rungs[n-1].file == physicalFile || rungs[n-1].codec.MaxPayloadLen() == r.codec.MaxPayloadLen()) {
			if _, ok := r.codec.(*codec.BAM); ok {
				fmt.Fprintf(stderr, "warning: %s is left out: its payloads have %d bytes, those of %s %d\n", r.name, r.codec.MaxPayloadLen(), rungs[n-1].name, rungs[n-1].codec.MaxPayloadLen())
			}
			continue
		}
		rungs = append(rungs, r)
	}
	return rungs, nil
}

// latticeRungs are a lattice's, shorter than last, the physical grid, and of
// other lengths than models have.
func (o *options) latticeRungs(training windowSeq, last int, models map[int]bool, stderr io.Writer) ([]rung, error) {
	values := quality.Values(training)
	fitted, _, err := codec.FitLattice(values, o.tolerances, &codec.LatticeSettings{Regions: o.regions})
	if err != nil {
		return nil, err
	}
	longest := last - 1
	if last == 0 {
		longest = min(codec.MaxPayloadBytes, fitted.MaxPayloadLen()+3*fitted.WindowLen())
		fmt.Fprintf(stderr, "warning: steps of %d values are no sensor samples: windows whose code is longer than %d bytes will be refused\n", o.window.Dims, longest)
	}
	if longest < 2 {
		return nil, nil
	}
	lengths, err := fitted.Lengths(values, max(1, maxRungs-1-len(models)), longest+1)
	if err != nil {
		return nil, err
	}
	if last == 0 && lengths[len(lengths)-1] < longest {
		lengths = append(lengths, longest)
	}
	var rungs []rung
	for _, n := range lengths {
		if models[n] {
			continue
		}
		c, err := fitted.WithPayloadBytes(n)
		if err != nil {
			return nil, err
		}
		params := codec.Params{LatticePath: codec.LatticeFile, PayloadBytes: n}
		rungs = append(rungs, rung{c, "the lattice", codec.LatticeFile, codec.Section{ID: c.ID(), Version: c.Version(), Params: params}})
	}
	return rungs, nil
}

// maxRungs is how many a ladder.json holds.
const maxRungs = 16

// gridRungs are those of the fitted grid and its widened copies, which make
// room for models.
func (o *options) gridRungs(training windowSeq, last int, models map[int]bool, stderr io.Writer) ([]rung, error) {
	fitted, err := codec.FitGrid(quality.Values(training), o.tolerances)
	if err != nil {
		return nil, err
	}
	if last == 0 {
		fmt.Fprintf(stderr, "warning: steps of %d values are no sensor samples: windows outside the fitted grid will be refused\n", o.window.Dims)
	}
	rungs := []rung{gridRung(fitted, "the fitted grid", fittedFile)}
	for n := 1; n <= o.widened; n++ {
		if wide, err := fitted.Widen(n); err == nil && !models[wide.MaxPayloadLen()] { // else nothing is left to widen
			rungs = append(rungs, gridRung(wide, fmt.Sprintf("the grid widened by %d", n), fmt.Sprintf(widenedFile, n)))
		}
	}
	if n := rungs[len(rungs)-1].codec.MaxPayloadLen(); last == 0 && n > codec.MaxPayloadBytes {
		return nil, fmt.Errorf("the grid takes %d bytes, want at most %d: shorter windows or larger tolerances", n, codec.MaxPayloadBytes)
	}
	return rungs, nil
}

func gridRung(g *codec.Grid, name, file string) rung {
	return rung{g, name, file, codec.Section{ID: g.ID(), Version: g.Version(), Params: codec.Params{GridPath: file}}}
}

// model is the rung of a model, whose path ladder.json holds as seen from its
// folder.
func (o *options) model(manifest string) (rung, error) {
	c, err := codec.LoadBAM(manifest)
	if err != nil {
		return rung{}, err
	}
	man := c.Model().Manifest
	if got := (sensor.Shape{Dims: man.InputDims, W: man.WindowW, Stride: man.WindowStride}); got != o.window {
		return rung{}, fmt.Errorf("%s: windows of %d dims, W %d, stride %d, want %d, %d, %d", manifest, got.Dims, got.W, got.Stride, o.window.Dims, o.window.W, o.window.Stride)
	}
	from, err := filepath.Abs(o.outDir)
	if err != nil {
		return rung{}, err
	}
	rel, err := filepath.Abs(manifest)
	if err != nil {
		return rung{}, err
	}
	if r, err := filepath.Rel(from, rel); err == nil { // else it is on another drive
		rel = r
	}
	return rung{c, "the model " + manifest, "", codec.Section{ID: c.ID(), Version: c.Version(), Params: codec.Params{ManifestPath: filepath.ToSlash(rel)}}}, nil
}

// report prints what the ladder takes on windows that it was not fitted to.
func (o *options) report(w io.Writer, path string, c *codec.Bounded, windows windowSeq, split dataset.Split) error {
	test, subset := dataset.Holdout(windows, split), "holdout"
	if o.split.TrainRatio >= 1 {
		test, subset = windows, "training windows (no holdout at ratio 1)"
	}
	std := make([]float64, c.WindowLen()) // errors over tolerance are what counts here
	e, err := quality.Evaluate(c, test, quality.Settings{Dims: o.window.Dims, Std: std})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "Ladder %s\n  %s\n\n", path, c.Schema())
	if e.Samples == 0 {
		fmt.Fprintln(w, "No windows on the holdout: the data set is too small for this ratio.")
		return nil
	}
	fmt.Fprintf(w, "On %d windows of the %s\n", e.Samples+e.Refused, subset)
	e.WriteRungs(w, cli.RungNames(c))
	return nil
}
