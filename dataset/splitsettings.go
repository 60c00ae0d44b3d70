package dataset

import (
	"errors"
	"flag"
	"fmt"
	"iter"
)

// Methods of a split, as flags name them.
const (
	ByHash = "hash" // a HashSplit
	ByTime = "time" // a TimeSplit
)

// ErrSettings marks invalid settings of a split or of a Windower.
var ErrSettings = errors.New("dataset: invalid settings")

// SplitSettings say which windows of a data set train. The zero value is the
// default: by hash, 0.8 of the windows, seed 0.
type SplitSettings struct {
	Method     string  // ByHash or ByTime; "": ByHash
	TrainRatio float64 // share of the windows that train; 1 and above: all; 0: 0.8
	Seed       int64   // of the hash
	// CutMs is where a split by time cuts: windows of a ts_ms below it train;
	// nil: so that TrainRatio of the windows train.
	CutMs *int64
}

// DefaultTrainRatio is the share of the windows that train where nothing else is
// asked for.
const DefaultTrainRatio = 0.8

// RegisterFlags adds the flags --split, --train-ratio and --split-seed.
func (s *SplitSettings) RegisterFlags(fs *flag.FlagSet) {
	fs.StringVar(&s.Method, "split", ByHash, "hash: by window_id; time: the first windows train, the last are the holdout")
	fs.Float64Var(&s.TrainRatio, "train-ratio", DefaultTrainRatio, "share of the windows that train; 1: all")
	fs.Int64Var(&s.Seed, "split-seed", 0, "seed of the split by hash")
}

// Check reports invalid settings, as ErrSettings.
func (s *SplitSettings) Check() error {
	switch {
	case s.Method != "" && s.Method != ByHash && s.Method != ByTime:
		return fmt.Errorf("%w: split method %q, want %s or %s", ErrSettings, s.Method, ByHash, ByTime)
	case !(s.TrainRatio >= 0):
		return fmt.Errorf("%w: train ratio %g, want more than 0", ErrSettings, s.TrainRatio)
	}
	return nil
}

// Split returns the split of a data set. By time without CutMs it reads the times
// of all windows.
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

// DescribeSplit returns the settings from which Split makes the same split; ok is
// false for a split of another type.
func DescribeSplit(split Split) (s SplitSettings, ok bool) {
	switch split := split.(type) {
	case HashSplit:
		return SplitSettings{Method: ByHash, TrainRatio: split.TrainRatio, Seed: split.Seed}, true
	case TimeSplit:
		return SplitSettings{Method: ByTime, TrainRatio: split.TrainRatio, CutMs: &split.CutMs}, true
	}
	return SplitSettings{}, false
}
