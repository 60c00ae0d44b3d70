package station

import (
	"flag"
	"fmt"
	"io"
	"iter"
	"path/filepath"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/runspec"
)

// Source says which windows a simulated link sends.
type Source struct {
	samples, dataset string
	maxGapMs         int64
}

// Add puts the flags in.
func (s *Source) Add(fs *flag.FlagSet) {
	fs.StringVar(&s.samples, "samples", "", "recording to send, JSONL or CSV")
	fs.StringVar(&s.dataset, "dataset", "", "dataset_raw.jsonl to send instead of --samples")
	fs.Int64Var(&s.maxGapMs, "max-gap-ms", 0, "no window spans a longer gap between samples; 0: any")
}

// Check says whether the flags make sense.
func (s *Source) Check() error {
	if (s.samples == "") == (s.dataset == "") {
		return cli.Usagef("want either --samples or --dataset")
	}
	if s.maxGapMs < 0 {
		return cli.Usagef("--max-gap-ms is %d, want 0 or more", s.maxGapMs)
	}
	return nil
}

// Name is the file the windows come from.
func (s *Source) Name() string { return filepath.ToSlash(s.samples + s.dataset) }

// Windows reads the windows, at most limit of them and no more than the
// RunSpec's max_windows; 0 is no limit. They are all kept, to be compared with
// what arrives.
func (s *Source) Windows(spec *runspec.RunSpec, limit int, stderr io.Writer) ([]dataset.Window, error) {
	var seq iter.Seq2[dataset.Window, error]
	if s.dataset != "" {
		seq = cli.OpenWindows(s.dataset, spec.Window.Dims, spec.Window.W, stderr)
	} else {
		if spec.Window.Dims != sensor.MotionDims {
			return nil, fmt.Errorf("runspec %s: window.dims: %d, want %d to send samples (--dataset sends any)", spec.RunID, spec.Window.Dims, sensor.MotionDims)
		}
		samples := dataset.SkipTorn(dataset.OpenSamples(s.samples, dataset.SampleSettings{}), func(err error) {
			fmt.Fprintf(stderr, "warning: %v; the other lines are used\n", err)
		})
		seq = dataset.Windows(samples, dataset.Windower{W: spec.Window.W, Stride: spec.Window.Stride, MaxGapMs: s.maxGapMs, RunID: spec.RunID})
	}
	if m := spec.TX.MaxWindows; m > 0 && (limit <= 0 || m < limit) {
		limit = m
	}
	var windows []dataset.Window
	for w, err := range dataset.NotEmpty(dataset.Limit(seq, limit), s.Name()) {
		if err != nil {
			return nil, err
		}
		windows = append(windows, w)
	}
	return windows, nil
}

// Deviations are what errors are divided by: the model's, or those of the
// windows where the codec has none.
func Deviations(c codec.Codec, windows []dataset.Window) ([]float64, error) {
	if model, ok := c.(*codec.BAM); ok {
		if std := model.Model().DataStd(); std != nil {
			return std, nil
		}
	}
	var stats dataset.Stats
	for _, w := range windows {
		if err := stats.Add(w.Values); err != nil {
			return nil, err
		}
	}
	return stats.Std(), nil
}

// MeanLatitude is that of the windows' first step, in degrees.
func MeanLatitude(windows []dataset.Window) float64 {
	sum := 0.0
	for _, w := range windows {
		sum += w.Values[0] / float64(len(windows))
	}
	return sum
}
