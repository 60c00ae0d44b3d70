package quality

import (
	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/dataset"
)

// SetSplit notes which windows were measured: all, train or holdout, under a
// split.
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
