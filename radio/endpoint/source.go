package endpoint

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/fielderr"
	"github.com/loralink/loralink-go/runspec"
)

// SourceSettings describe the source of the windows that a simulated link sends: a
// recording or a data set. Either Samples or Dataset must be set. Names of flags are those of
// RegisterFlags.
type SourceSettings struct {
	Samples string // path of a recording, JSONL or CSV. Flag --samples
	Dataset string // path of a data set, JSONL. Flag --dataset
	// Columns are the values of the recording. nil: those of sensor.Motion. Flag --columns
	Columns dataset.Columns
	// MaxGapMs is the longest time between two samples of a window, in ms. After a
	// longer gap a new window starts. 0: no limit. Flag --max-gap-ms
	MaxGapMs int64
	// Warn is called if the last line of the file is incomplete. It may be nil.
	Warn func(error)
}

// RegisterFlags adds the flags that the fields mention.
func (s *SourceSettings) RegisterFlags(fs *flag.FlagSet) {
	fs.StringVar(&s.Samples, "samples", "", "recording whose windows are sent, JSONL or CSV")
	fs.StringVar(&s.Dataset, "dataset", "", "data set to send instead of --samples, JSONL")
	fs.Var(&s.Columns, "columns", dataset.ColumnsUsage)
	registerMaxGap(fs, &s.MaxGapMs)
}

// Check returns an error that wraps [ErrSettings] if a field is out of range, if not
// exactly one of Samples and Dataset is set, or if Dataset names a numpy file.
func (s *SourceSettings) Check() error {
	samples, set := fielderr.Name{Field: "Samples", Flag: "samples FILE"}, fielderr.Name{Field: "Dataset", Flag: "dataset FILE"}
	switch {
	case s.Samples == "" && s.Dataset == "":
		return fielderr.New(ErrSettings, "want %v or %v", samples, set)
	case s.Samples != "" && s.Dataset != "":
		return fielderr.New(ErrSettings, "want %v or %v, and not both", samples, set)
	case isNumpy(s.Dataset):
		return fielderr.New(ErrSettings, "%v is %s, a numpy file, want JSONL: convert it with examples/samples --dataset %s --out %s",
			fielderr.Name{Field: "Dataset", Flag: "dataset"}, s.Dataset, s.Dataset, strings.TrimSuffix(s.Dataset, filepath.Ext(s.Dataset))+".jsonl")
	case s.Dataset != "" && s.Columns != nil:
		return fielderr.New(ErrSettings, "%v is for %v, want it unset with a data set, which has names of its own", fieldColumns, fielderr.Name{Field: "Samples", Flag: "samples"})
	}
	if err := checkColumns(s.Columns); err != nil {
		return err
	}
	return checkMaxGap(s.MaxGapMs)
}

// isNumpy reports whether a data set's name is that of a numpy file.
func isNumpy(path string) bool {
	ext := filepath.Ext(path)
	return strings.EqualFold(ext, ".npy") || strings.EqualFold(ext, ".npz")
}

// checkOut returns an error if the data set that a run is to write has the name of a
// numpy file.
func checkOut(path string) error {
	if isNumpy(path) {
		return fielderr.New(ErrSettings, "%v is %s, the name of a numpy file, want a name for JSONL; examples/samples --dataset converts it afterwards",
			fielderr.Name{Field: "Dataset", Flag: "dataset-out"}, path)
	}
	return nil
}

// Name returns the path of the file that the windows come from, with slashes.
func (s *SourceSettings) Name() string { return filepath.ToSlash(s.Samples + s.Dataset) }

// Windows returns the windows that the RunSpec's sender would send: at most limit, and at
// most the RunSpec's tx.max_windows. If limit is 0 or less, only tx.max_windows counts. Each
// pass over the sequence reads the file anew, and holds one window in memory at a time. If
// there is no window, it yields an error that wraps dataset.ErrEmpty; if ctx ends, one that
// wraps the context's.
func (s *SourceSettings) Windows(ctx context.Context, spec *runspec.RunSpec, limit int) (iter.Seq2[dataset.Window, error], error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if err := checkFile(s.Samples + s.Dataset); err != nil {
		return nil, err
	}
	shape := spec.Window
	var warned bool // one warning is enough for all passes
	warn := func(err error) {
		if !warned && s.Warn != nil {
			s.Warn(err)
		}
		warned = true
	}
	var seq iter.Seq2[dataset.Window, error]
	if s.Dataset != "" {
		settings := dataset.WindowSettings{WindowLen: shape.Dims * shape.W, Dims: shape.Dims, Steps: shape.W}
		seq = dataset.SkipIncomplete(until(ctx, dataset.OpenWindows(s.Dataset, settings)), warn)
	} else {
		if err := checkDims(spec, s.Columns); err != nil {
			return nil, err
		}
		samples := dataset.SkipIncomplete(until(ctx, dataset.OpenSamples(s.Samples, dataset.SampleSettings{Columns: s.Columns})), warn)
		seq = dataset.Windows(samples, dataset.WindowerSettings{W: shape.W, Stride: shape.Stride, MaxGapMs: s.MaxGapMs, RunID: spec.RunID})
	}
	if n := spec.TX.MaxWindows; n > 0 && (limit <= 0 || n < limit) {
		limit = n
	}
	return dataset.NotEmpty(dataset.Limit(seq, limit), s.Name()), nil
}

// until yields what seq yields until ctx ends.
func until[T any](ctx context.Context, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range seq {
			if ended := ctx.Err(); ended != nil {
				var zero T
				yield(zero, fmt.Errorf("endpoint: %w", ended))
				return
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// checkFile returns an error if path is a pipe, a device or a socket. Reading one may wait
// without end, and cannot be repeated.
func checkFile(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeDevice|fs.ModeCharDevice|fs.ModeSocket) != 0 {
		return fmt.Errorf("%w: %s is a pipe, a device or a socket, want a regular file", ErrSettings, path)
	}
	return nil // reading it reports other faults
}
