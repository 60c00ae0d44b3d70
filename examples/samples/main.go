// Samples turns a recording of sensor samples into a data set of windows, or
// simulates a recording, or converts a data set to and from numpy's formats.
//
//	go run ./examples/samples --in walk.jsonl --out out/dataset_raw.jsonl
//	go run ./examples/samples --dataset out/dataset_raw.jsonl --out out/walk.npz
//	go run ./examples/samples --simulate 10000 --rate-hz 10 --window-W 8 --out out/dataset_raw.jsonl
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/motion"
	"github.com/loralink/loralink-go/dataset/numpy"
	"github.com/loralink/loralink-go/examples/cli"
)

func main() { cli.Main("samples", run) }

const summary = `Samples cuts a recording of sensor samples into windows and writes them as a data set.
The recording comes from a file (--in) or from a simulator (--simulate). Its values are lat, lon, alt, ax, ay, az,
gx, gy, gz, roll, pitch and yaw, unless --columns names others, or the names that the file has for them.
With --dataset it writes the windows of a data set as they are, in the format that the extension of --out says.`

type options struct {
	in, dataset, out, samplesOut string
	simulate                     int
	seed                         int64
	rateHz                       float64
	window                       dataset.WindowerSettings
	columns                      dataset.Columns
	fill                         dataset.Fill
	maxSamples                   int
	force                        bool
}

func parse(args []string, stdout io.Writer) (*options, error) {
	var o options
	flags := cli.NewFlags("samples", "go run ./examples/samples --in testdata/walk.jsonl --out out/dataset_raw.jsonl", summary)
	flags.StringVar(&o.in, "in", "", "recording to read: .csv is CSV, anything else JSONL")
	flags.Var(&o.columns, "columns", dataset.ColumnsUsage)
	flags.IntVar(&o.simulate, "simulate", 0, "simulate a recording of so many samples instead")
	flags.StringVar(&o.dataset, "dataset", "", "data set to convert: .npy and .npz are numpy's, anything else JSONL")
	flags.Int64Var(&o.seed, "seed", 0, "of the simulation")
	flags.Float64Var(&o.rateHz, "rate-hz", 1, "samples a second of the simulation, 0.001 to 1000")
	flags.StringVar(&o.out, "out", "", "data set to write: .npy and .npz are numpy's, anything else JSONL, as out/dataset_raw.jsonl")
	flags.StringVar(&o.samplesOut, "samples-out", "", "recording to write: the samples themselves, as flat JSONL")
	o.window.RegisterFlags(flags)
	fill := flags.String("fill", "error", "a missing value: error, drop (its sample) or hold (the last value)")
	flags.StringVar(&o.window.RunID, "run-id", "", "run_id of the windows; without it the recording's name")
	flags.IntVar(&o.maxSamples, "max-samples", 0, "samples to use, from the first; 0: all")
	flags.BoolVar(&o.force, "force", false, "replace existing output")
	if err := cli.Parse(flags, args, stdout, "in"); err != nil {
		return nil, err
	}
	var err error
	if o.fill, err = dataset.ParseFill(*fill); err != nil {
		return nil, cli.Usagef("--fill is %q, want error, drop or hold", *fill)
	}
	return &o, o.check(flags)
}

func (o *options) check(flags *flag.FlagSet) error {
	simulated := cli.IsSet(flags, "simulate")
	switch {
	case o.dataset != "" && (simulated || o.in != ""), o.dataset == "" && simulated == (o.in != ""):
		return cli.Usagef("want one of --in FILE, --simulate N and --dataset FILE (--help lists the flags)")
	case numpy.IsFile(o.in):
		return cli.Usagef("--in is %s, a data set and no recording: want --dataset %[1]s", o.in)
	case o.out == "" && (o.samplesOut == "" || o.dataset != ""):
		return cli.Usagef("want --out FILE, as --out out/dataset_raw.jsonl, or --samples-out FILE for a recording")
	case o.dataset != "":
		return cli.OnlyBeside(flags, "dataset", "out", "force")
	case o.samplesOut != "" && (numpy.IsFile(o.samplesOut) || filepath.Clean(o.out) == filepath.Clean(o.samplesOut)):
		return cli.Usagef("--samples-out is %s, want a JSONL file other than --out", o.samplesOut)
	case simulated && o.simulate < 1:
		return cli.Usagef("--simulate is %d, want at least 1", o.simulate)
	case o.maxSamples < 0:
		return cli.Usagef("--max-samples is %d, want 0 or more", o.maxSamples)
	case !simulated && (cli.IsSet(flags, "seed") || cli.IsSet(flags, "rate-hz")):
		return cli.Usagef("--seed and --rate-hz are for --simulate, want them left out with --in")
	case simulated && o.columns != nil:
		return cli.Usagef("--columns is for a recording, want it left out with --simulate")
	}
	o.window.Dims = len(o.columns.Schema())
	if err := o.window.Check(); err != nil {
		return cli.Usagef("%w", err)
	}
	if _, err := motion.New(o.seed, o.rateHz); simulated && err != nil {
		return cli.Usagef("--rate-hz is %v, want 0.001..1000", o.rateHz)
	}
	if o.window.RunID == "" {
		o.window.RunID = "simulated"
		if !simulated {
			o.window.RunID = strings.TrimSuffix(filepath.Base(o.in), filepath.Ext(o.in))
		}
	}
	return nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	for _, path := range []string{o.out, o.samplesOut} {
		if err := cli.CheckOut(path, o.force, o.in, o.dataset); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
	}
	if o.dataset != "" {
		n, err := cli.WriteWindows(o.out, cli.Watch(ctx, stderr, "windows", cli.OpenWindows(o.dataset, 0, 0, stderr)))
		if err == nil {
			fmt.Fprintf(stdout, "wrote     %d windows from %s to %s\n", n, o.dataset, o.out)
		}
		return err
	}
	var counts dataset.SampleCounts
	samples := motion.Samples(o.seed, o.rateHz, o.simulate)
	source := fmt.Sprintf("the simulator (seed %d, %g Hz)", o.seed, o.rateHz)
	if o.in != "" {
		samples = cli.OpenSamples(o.in, dataset.SampleSettings{Columns: o.columns, Fill: o.fill, Counts: &counts}, stderr)
		source = o.in
	}
	var times dataset.Timing // of the last pass
	watched := func(yield func(dataset.Sample, error) bool) {
		times = dataset.Timing{}
		for s, err := range cli.Watch(ctx, stderr, "samples", dataset.Limit(samples, o.maxSamples)) {
			if err == nil {
				times.Add(s.TsMs)
			}
			if !yield(s, err) {
				return
			}
		}
	}
	windows := 0
	if o.out != "" {
		windows, err = cli.WriteWindows(o.out, dataset.NotEmpty(dataset.Windows(watched, o.window), source))
		if errors.Is(err, dataset.ErrEmpty) && o.window.W > 1 {
			err = fmt.Errorf("%s: found too few samples for a window, want at least --window-W %d without a longer gap between them", source, o.window.W)
		}
	}
	if o.samplesOut != "" && err == nil {
		_, err = dataset.WriteFile(o.samplesOut, watched)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "read      %d samples from %s\n", times.Samples(), source)
	if counts.Dropped+counts.Held > 0 {
		fmt.Fprintf(stdout, "filled    %d samples dropped, %d held, for missing values\n", counts.Dropped, counts.Held)
	}
	times.WriteText(stdout, o.window.MaxGapMs)
	if o.out != "" {
		fmt.Fprintf(stdout, "wrote     %d windows of %d × %d values to %s\n", windows, o.window.W, o.window.Dims, o.out)
	}
	if o.samplesOut != "" {
		fmt.Fprintf(stdout, "wrote     %d samples to %s\n", times.Samples(), o.samplesOut)
	}
	return nil
}
