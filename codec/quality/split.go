package quality

import (
	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/dataset"
)

// SetSplit sets the fields that say which windows were measured: a subset (all, train or
// holdout) under a split.
func (e *Evaluation) SetSplit(subset string, split dataset.Split) {
	e.Subset = subset
	switch s := split.(type) {
	case dataset.HashSplit:
		e.SplitMethod, e.TrainRatio, e.SplitSeed = artifacts.SplitByHash, &s.TrainRatio, &s.Seed
	case dataset.TimeSplit:
		e.SplitMethod, e.CutTsMs = artifacts.SplitByTime, &s.CutMs
		if s.TrainRatio > 0 {
			e.TrainRatio = &s.TrainRatio
		}
	}
}

// SplitSettings returns the settings of the split in a manifest.
func SplitSettings(t *artifacts.TrainSplit) dataset.SplitSettings {
	if t.Method == artifacts.SplitByTime {
		return dataset.SplitSettings{Method: dataset.ByTime, TrainRatio: t.TrainRatio, CutMs: t.CutTsMs}
	}
	return dataset.SplitSettings{Method: dataset.ByHash, TrainRatio: t.TrainRatio, Seed: t.SplitSeed}
}
