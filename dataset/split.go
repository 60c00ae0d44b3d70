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

// A Split divides a data set into the training set and the holdout. It depends on
// the window only, not on the order of the windows.
type Split interface {
	// InTraining reports whether the window is in the training set. All other windows
	// are the holdout.
	InTraining(w Window) bool
}

// HashSplit selects windows by a hash of their IDs, so that all programs with the same
// ratio and seed agree, in whatever order they read the windows. A window is in the
// training set if the first 8 bytes of sha256("<seed>:<window_id>"), big-endian,
// divided by 2^64, are below TrainRatio.
type HashSplit struct {
	// TrainRatio is the share of the windows in the training set: all if it is 1 or
	// above, none if it is 0, below 0 or NaN. Unlike SplitSettings, HashSplit has no
	// default.
	TrainRatio float64
	Seed       int64 // any value is valid
}

// InTraining implements Split. It uses only the ID of the window.
func (s HashSplit) InTraining(w Window) bool {
	if s.TrainRatio >= 1 {
		return true
	}
	var text [48]byte
	b := strconv.AppendInt(text[:0], s.Seed, 10)
	b = append(b, ':')
	b = strconv.AppendInt(b, w.ID, 10)
	sum := sha256.Sum256(b)
	return float64(binary.BigEndian.Uint64(sum[:8]))/(1<<64) < s.TrainRatio
}

// TimeSplit puts the windows before CutMs into the training set. The holdout is a
// temporal one: it shows how a model does on what was recorded afterwards. With a
// HashSplit, windows next to each holdout window are in the training set.
type TimeSplit struct {
	CutMs int64 // ms since 1970
	// TrainRatio is the ratio given to NewTimeSplit, for reports. InTraining does not
	// use it.
	TrainRatio float64
}

// NewTimeSplit returns the split whose training set is the first trainRatio of the
// windows by time, rounded down. Windows with equal times stay together, in the holdout
// if necessary. If trainRatio is 1 or above, all windows are in the training set. If no
// window is left for training, NewTimeSplit returns an error.
//
// NewTimeSplit ranges over windows once, unless trainRatio is 1 or above, and needs 8
// bytes of memory per window. A sequence that can be ranged over only once is used up
// afterwards.
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
		return TimeSplit{}, fmt.Errorf("dataset: time split of %d windows with train ratio %v: found no training windows, want at least one (do the windows have ts_ms?)", len(times), trainRatio)
	}
	return TimeSplit{CutMs: times[n], TrainRatio: trainRatio}, nil
}

// InTraining implements Split. It uses only the time of the window.
func (s TimeSplit) InTraining(w Window) bool { return w.TsMs < s.CutMs }

// Training yields the windows that split selects for training.
func Training(windows iter.Seq2[Window, error], split Split) iter.Seq2[Window, error] {
	return filter(windows, split.InTraining)
}

// Holdout yields the windows that split does not select for training.
func Holdout(windows iter.Seq2[Window, error], split Split) iter.Seq2[Window, error] {
	return filter(windows, func(w Window) bool { return !split.InTraining(w) })
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

// The names of subsets of a data set.
const (
	SubsetAll     = "all"
	SubsetTrain   = "train"
	SubsetHoldout = "holdout"
)

// Subset yields the windows of a subset: all, the training set or the holdout. For any
// other name it yields an error that wraps ErrSettings.
func Subset(windows iter.Seq2[Window, error], split Split, name string) iter.Seq2[Window, error] {
	switch name {
	case SubsetAll:
		return windows
	case SubsetTrain:
		return Training(windows, split)
	case SubsetHoldout:
		return Holdout(windows, split)
	}
	return func(yield func(Window, error) bool) {
		yield(Window{}, fmt.Errorf("%w: subset is %q, want %s, %s or %s", ErrSettings, name, SubsetAll, SubsetTrain, SubsetHoldout))
	}
}
