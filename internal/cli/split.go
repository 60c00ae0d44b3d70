package cli

import (
	"flag"
	"iter"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/dataset"
)

// Split is the flags that say which windows train.
type Split struct {
	Method string // hash or time
	Ratio  float64
	Seed   int64
	cutMs  *int64 // of a manifest's split by time
}

// Flags adds --split, --train-ratio and --split-seed.
func (s *Split) Flags(fs *flag.FlagSet) {
	fs.StringVar(&s.Method, "split", "hash", "hash: by window_id; time: the first windows train, the last are the holdout")
	fs.Float64Var(&s.Ratio, "train-ratio", 0.8, "share of the windows that train; 1: all")
	fs.Int64Var(&s.Seed, "split-seed", 0, "seed of the split by hash")
}

// Given says whether any of the flags was.
func (s *Split) Given(fs *flag.FlagSet) bool {
	return IsSet(fs, "split") || IsSet(fs, "train-ratio") || IsSet(fs, "split-seed")
}

// Check reports flags that no split has.
func (s *Split) Check() error {
	switch {
	case s.Method != "hash" && s.Method != "time":
		return Usagef("--split is %q, want hash or time", s.Method)
	case !(s.Ratio > 0):
		return Usagef("--train-ratio is %g, want more than 0", s.Ratio)
	}
	return nil
}

// Follow takes the split that a model was trained with.
func (s *Split) Follow(t *artifacts.TrainSplit) {
	s.Method, s.Ratio, s.Seed, s.cutMs = "hash", t.TrainRatio, t.SplitSeed, nil
	if t.Method == artifacts.SplitByTime {
		s.Method, s.cutMs = "time", t.CutTsMs
	}
}

// Of is the split of a data set. By time it reads all windows' times.
func (s *Split) Of(windows iter.Seq2[dataset.Window, error]) (dataset.Split, error) {
	switch {
	case s.Method == "hash":
		return dataset.HashSplit{TrainRatio: s.Ratio, Seed: s.Seed}, nil
	case s.cutMs != nil:
		return dataset.TimeSplit{CutMs: *s.cutMs, TrainRatio: s.Ratio}, nil
	}
	return dataset.NewTimeSplit(windows, s.Ratio)
}
