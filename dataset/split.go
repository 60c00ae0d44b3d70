package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
)

// Split says which windows train; the others are the holdout.
type Split interface {
	Trains(w Window) bool
}

// HashSplit puts a window on its side by a hash of its id, so that every
// program that knows ratio and seed agrees, whatever order it reads in:
// the first 8 bytes of sha256("<seed>:<window_id>"), big-endian, divided by
// 2^64, are below TrainRatio where the window trains.
type HashSplit struct {
	TrainRatio float64 // 1 and above: all train
	Seed       int64   // split_seed
}

// Train says whether the window of this id trains.
func (s HashSplit) Train(id int64) bool {
	if s.TrainRatio >= 1 {
		return true
	}
	var text [48]byte
	b := strconv.AppendInt(text[:0], s.Seed, 10)
	b = append(b, ':')
	b = strconv.AppendInt(b, id, 10)
	sum := sha256.Sum256(b)
	return float64(binary.BigEndian.Uint64(sum[:8]))/(1<<64) < s.TrainRatio
}

// Trains says whether the window trains, by its ID.
func (s HashSplit) Trains(w Window) bool { return s.Train(w.ID) }

// TimeSplit trains on what came first: on windows of a time before CutMs.
// It shows how a model does on days it has not seen, where a HashSplit has
// neighbours of every holdout window among those that train.
type TimeSplit struct {
	CutMs int64 // ms since 1970
	// TrainRatio is the ratio that NewTimeSplit cut for, so that reports can
	// say it; Trains does not look at it.
	TrainRatio float64
}

// NewTimeSplit reads all windows' times and cuts so that trainRatio of the
// windows train, rounded down. Windows of one time stay on one side: the
// holdout's, if the cut would part them. A ratio of 1 and above trains
// on all. It is an error if no window trains. It holds 8 bytes a window while it reads.
func NewTimeSplit(windows iter.Seq2[Window, error], trainRatio float64) (TimeSplit, error) {
	if trainRatio >= 1 {
		return TimeSplit{CutMs: math.MaxInt64, TrainRatio: trainRatio}, nil
	}
	var times []int64
	for w, err := range windows {
		if err != nil {
			return TimeSplit{}, err
		}
		times = append(times, w.TsMs)
	}
	slices.Sort(times)
	n := min(int(trainRatio*float64(len(times))), len(times)-1)
	if n <= 0 || times[n] == times[0] {
		return TimeSplit{}, fmt.Errorf("dataset: time split of %d windows at ratio %v: found none to train on, want some (do the windows have ts_ms?)", len(times), trainRatio)
	}
	return TimeSplit{CutMs: times[n], TrainRatio: trainRatio}, nil
}

// Trains says whether the window trains, by its time.
func (s TimeSplit) Trains(w Window) bool { return w.TsMs < s.CutMs }

// Train yields the windows that train under split.
func Train(windows iter.Seq2[Window, error], split Split) iter.Seq2[Window, error] {
	return filter(windows, split.Trains)
}

// Holdout yields the windows that do not train under split.
func Holdout(windows iter.Seq2[Window, error], split Split) iter.Seq2[Window, error] {
	return filter(windows, func(w Window) bool { return !split.Trains(w) })
}

func filter(windows iter.Seq2[Window, error], keep func(Window) bool) iter.Seq2[Window, error] {
	return func(yield func(Window, error) bool) {
		for w, err := range windows {
			if err == nil && !keep(w) {
				continue
			}
			if !yield(w, err) || err != nil {
				return
			}
		}
	}
}

// Subsets of a data set under a split.
const (
	SubsetAll     = "all"
	SubsetTrain   = "train"
	SubsetHoldout = "holdout"
)

// Subset yields a subset's windows under split: those that train, the holdout, or
// for any other name all.
func Subset(windows iter.Seq2[Window, error], split Split, name string) iter.Seq2[Window, error] {
	switch name {
	case SubsetTrain:
		return Train(windows, split)
	case SubsetHoldout:
		return Holdout(windows, split)
	}
	return windows
}
