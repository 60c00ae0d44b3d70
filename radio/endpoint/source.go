package endpoint

import (
	"flag"
	"fmt"
	"iter"
	"path/filepath"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/runspec"
)

// Source says which windows a simulated link sends: those of a recording or those of
// a data set. Either Samples or Dataset must be set.
type Source struct {
	Samples string // path of a recording, JSONL or CSV. Flag --samples
	Dataset string // path of a dataset_raw.jsonl. Flag --dataset
	// MaxGapMs is the longest time between two samples of a window, in ms. After a
	// longer one, a new window starts. 0: no limit. Flag --max-gap-ms
	MaxGapMs int64
	// Warn is called if the last line of the file is incomplete. It may be nil.
	Warn func(error)
}

// RegisterFlags adds the flags that the fields mention.
func (s *Source) RegisterFlags(fs *flag.FlagSet) {
	fs.StringVar(&s.Samples, "samples", "", "recording to send, JSONL or CSV")
	fs.StringVar(&s.Dataset, "dataset", "", "dataset_raw.jsonl to send instead of --samples")
	registerMaxGap(fs, &s.MaxGapMs)
}

// Check reports settings that contradict each other, as [ErrSettings].
func (s *Source) Check() error {
	if (s.Samples == "") == (s.Dataset == "") {
		return fmt.Errorf("%w: want either samples or dataset", ErrSettings)
	}
	if s.MaxGapMs < 0 {
		return fmt.Errorf("%w: max-gap-ms is %d, want 0 or more", ErrSettings, s.MaxGapMs)
	}
	return nil
}

// Name returns the path of the file that the windows come from, with slashes.
func (s *Source) Name() string { return filepath.ToSlash(s.Samples + s.Dataset) }

// Windows reads the windows that the RunSpec's sender would send, into memory. It
// reads at most limit of them, and no more than the RunSpec's tx.max_windows; with a
// limit of 0 there is only the latter. If there is no window, the error wraps
// dataset.ErrEmpty.
func (s *Source) Windows(spec *runspec.RunSpec, limit int) ([]dataset.Window, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	shape := spec.Window
	var seq iter.Seq2[dataset.Window, error]
	if s.Dataset != "" {
		settings := dataset.WindowSettings{WindowLen: shape.Dims * shape.W, Dims: shape.Dims, Steps: shape.W}
		seq = dataset.SkipIncomplete(dataset.OpenWindows(s.Dataset, settings), s.Warn)
	} else {
		if err := checkMotion(spec); err != nil {
			return nil, err
		}
		samples := dataset.SkipIncomplete(dataset.OpenSamples(s.Samples, dataset.SampleSettings{}), s.Warn)
		seq = dataset.Windows(samples, dataset.WindowerSettings{W: shape.W, Stride: shape.Stride, MaxGapMs: s.MaxGapMs, RunID: spec.RunID})
	}
	if most := spec.TX.MaxWindows; most > 0 && (limit <= 0 || most < limit) {
		limit = most
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
