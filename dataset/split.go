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

// HashSplit decides by a hash of the window's ID, so that all programs that know
// ratio and seed agree, whatever order they read in. A window trains if the first
// 8 bytes of sha256("<seed>:<window_id>"), big-endian, divided by 2^64, are below
// TrainRatio.
type HashSplit struct {
	TrainRatio float64 // 1 and above: all train
	Seed       int64   // split_seed
}

// TrainsID reports whether the window with this ID trains.
func (s HashSplit) TrainsID(id int64) bool {
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

// Trains reports whether the window trains, by its ID.
func (s HashSplit) Trains(w Window) bool { return s.TrainsID(w.ID) }

// TimeSplit trains on windows of a time before CutMs; the others are a temporal
// holdout. It shows how a model does on what was recorded afterwards. With a
// HashSplit, neighbours of every holdout window train.
type TimeSplit struct {
	CutMs int64 // ms since 1970
	// TrainRatio is the ratio given to NewTimeSplit, for reports; Trains does not
	// use it.
	TrainRatio float64
}

// NewTimeSplit reads all windows' times and cuts so that trainRatio of the
// windows train, rounded down. Windows of one time are not divided: they join the
// holdout if the cut falls among them. With a ratio of 1 and above all windows
// train. It returns an error if none does. It takes 8 bytes a window while it reads.
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

// Trains reports whether the window trains, by its time.
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
