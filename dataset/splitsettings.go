package dataset

import (
	"errors"
	"flag"
	"fmt"
	"iter"

	"github.com/loralink/loralink-go/internal/flagvalue"
)

// Methods of a split, as the flag --split names them. Manifests and reports have other
// names, which come from their formats: artifacts.SplitByHash and artifacts.SplitByTime.
const (
	ByHash = "hash" // a HashSplit
	ByTime = "time" // a TimeSplit
)

// ErrSettings reports invalid settings or parameters of this package.
var ErrSettings = errors.New("dataset: invalid settings")

// SplitSettings select the training windows of a data set. The zero value selects 0.8
// of the windows, by hash, with seed 0.
type SplitSettings struct {
	Method string // ByHash or ByTime; "": ByHash
	// TrainRatio is the share of the windows in the training set; 1 and above: all; 0:
	// DefaultTrainRatio.
	TrainRatio float64
	Seed       int64 // for ByHash; any value is valid
	// CutMs, for ByTime, is the cut in ms since 1970: windows before it are in the
	// training set. If it is nil, the cut follows from TrainRatio.
	CutMs *int64
}

// DefaultTrainRatio is the default share of the windows in the training set.
const DefaultTrainRatio = 0.8

// RegisterFlags defines the flags --split, --train-ratio and --split-seed, and sets the
// settings to the defaults of the flags.
func (s *SplitSettings) RegisterFlags(fs *flag.FlagSet) {
	s.Method, s.TrainRatio = ByHash, DefaultTrainRatio
	fs.Var(&flagvalue.Choice[string]{Dst: &s.Method, Names: []string{ByHash, ByTime}}, "split", "selection of the training windows: hash, by window_id; time, those before the holdout")
	fs.Var(&flagvalue.Positive{Dst: &s.TrainRatio, Max: 1}, "train-ratio", "share of the windows to use for training; 1: all")
	fs.Int64Var(&s.Seed, "split-seed", 0, "seed of the split by hash")
}

// Check returns an error that wraps ErrSettings if the settings are invalid.
func (s *SplitSettings) Check() error {
	switch {
	case s.Method != "" && s.Method != ByHash && s.Method != ByTime:
		return fmt.Errorf("%w: Method is %q, want %s or %s", ErrSettings, s.Method, ByHash, ByTime)
	case !(s.TrainRatio >= 0):
		return fmt.Errorf("%w: TrainRatio is %g, want above 0, or 0 for %g", ErrSettings, s.TrainRatio, DefaultTrainRatio)
	}
	return nil
}

// Split returns the split of a data set. If Method is ByTime and CutMs is nil, it
// ranges over windows once, as NewTimeSplit does; otherwise windows may be nil.
func (s *SplitSettings) Split(windows iter.Seq2[Window, error]) (Split, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	ratio := s.TrainRatio
	if ratio == 0 {
		ratio = DefaultTrainRatio
	}
	switch {
	case s.Method != ByTime:
		return HashSplit{TrainRatio: ratio, Seed: s.Seed}, nil
	case s.CutMs != nil:
		return TimeSplit{CutMs: *s.CutMs, TrainRatio: ratio}, nil
	}
	return NewTimeSplit(windows, ratio)
}

// DescribeSplit returns settings that make the given split. If split is neither a
// HashSplit nor a TimeSplit, ok is false.
func DescribeSplit(split Split) (s SplitSettings, ok bool) {
	switch split := split.(type) {
	case HashSplit:
		return SplitSettings{Method: ByHash, TrainRatio: split.TrainRatio, Seed: split.Seed}, true
	case TimeSplit:
		return SplitSettings{Method: ByTime, TrainRatio: split.TrainRatio, CutMs: &split.CutMs}, true
	}
	return SplitSettings{}, false
}
