package cli

import (
	"context"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"sync"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/numpy"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// SampleRecording is what programs work on where they are given nothing: a
// simulated walk.
const SampleRecording = "testdata/walk.jsonl"

// OpenDataset returns a data set's windows as OpenWindows does, and a name for
// reports that holds no absolute path. An empty path stands for the simulated
// walk in testdata, cut into windows.
func OpenDataset(path string, dims, w, stride int, stderr io.Writer) (iter.Seq2[dataset.Window, error], string) {
	if path == "" {
		samples := dataset.OpenSamples(filepath.FromSlash(SampleRecording), dataset.SampleSettings{})
		return dataset.NotEmpty(dataset.Windows(samples, dataset.WindowerSettings{W: w, Stride: stride}), SampleRecording), SampleRecording
	}
	name := path
	if filepath.IsAbs(name) {
		name = filepath.Base(name)
	}
	return OpenWindows(path, dims, w, stderr), filepath.ToSlash(name)
}

// OpenWindows returns a data set's windows of w steps of dims values (0: what
// the file has). A path that ends in .npy or .npz is a numpy file, any other a
// dataset_raw.jsonl. A data set without windows is an error; an incomplete last line
// is a warning, printed once.
func OpenWindows(path string, dims, w int, stderr io.Writer) iter.Seq2[dataset.Window, error] {
	if dims < 0 || w < 0 || w > sensor.MaxWindowLen/max(1, dims) {
		return func(yield func(dataset.Window, error) bool) {
			yield(dataset.Window{}, Usagef("windows have %d steps of %d values, want at most %d values", w, dims, sensor.MaxWindowLen))
		}
	}
	settings := dataset.WindowSettings{WindowLen: dims * w, Dims: dims, Steps: w}
	if numpy.IsFile(path) {
		return complete(numpy.OpenWindows(path, settings), path, stderr)
	}
	return complete(dataset.OpenWindows(path, settings), path, stderr)
}

// OpenOrStdin is OpenWindows, but the path - stands for standard input, which holds a
// dataset_raw.jsonl and is read until ctx ends.
func OpenOrStdin(ctx context.Context, path string, dims, w int, stderr io.Writer) iter.Seq2[dataset.Window, error] {
	if path != "-" {
		return OpenWindows(path, dims, w, stderr)
	}
	return complete(dataset.ReadWindows(stdin(ctx), path, dataset.WindowSettings{WindowLen: dims * w, Dims: dims, Steps: w}), path, stderr)
}

// complete returns the windows of a file, as OpenWindows describes.
func complete(windows iter.Seq2[dataset.Window, error], path string, stderr io.Writer) iter.Seq2[dataset.Window, error] {
	var once sync.Once
	return dataset.NotEmpty(dataset.SkipIncomplete(windows, func(err error) {
		once.Do(func() { Warn(stderr)(err) })
	}), path)
}

// WindowShape returns the shape of a data set's windows, which follow each other: that
// of the first one, with steps of dims values (0: as many as it names, or as a motion
// sample).
func WindowShape(path string, dims int, stderr io.Writer) (sensor.Shape, error) {
	for w, err := range OpenWindows(path, 0, 0, stderr) {
		if dims == 0 {
			if dims = len(w.Order); dims == 0 {
				dims = sensor.MotionDims
			}
		}
		if n := len(w.Values); err == nil && n%dims != 0 {
			err = fmt.Errorf("%s: windows of %d values, want whole steps of %d", path, n, dims)
		}
		return sensor.Shape{Dims: dims, W: len(w.Values) / dims, Stride: len(w.Values) / dims}, err
	}
	return sensor.Shape{}, nil // OpenWindows yields a window or an error
}

// WriteWindows writes a data set, in the format that OpenWindows would read, and
// returns the number of windows.
func WriteWindows(path string, windows iter.Seq2[dataset.Window, error]) (int, error) {
	if numpy.IsFile(path) {
		return numpy.WriteFile(path, windows)
	}
	return dataset.WriteFile(path, windows)
}

// Watch returns seq, and shows on a terminal how many values it has yielded.
// When ctx is cancelled the sequence ends with its error.
func Watch[T any](ctx context.Context, stderr io.Writer, what string, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		progress := NewProgress(stderr)
		defer progress.Clear()
		n := 0
		for v, err := range seq {
			if err == nil {
				n++
				progress.Update(what, n, 0)
				err = ctx.Err()
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// OpenSamples returns a recording's samples. A recording without samples is an
// error; an incomplete last line is a warning, printed once.
func OpenSamples(path string, settings dataset.SampleSettings, stderr io.Writer) iter.Seq2[dataset.Sample, error] {
	var once sync.Once
	return dataset.NotEmpty(dataset.SkipIncomplete(dataset.OpenSamples(path, settings), func(err error) {
		once.Do(func() { Warn(stderr)(err) })
	}), path)
}

// CheckSplit is SplitSettings.Check as an error of the command line.
func CheckSplit(s dataset.SplitSettings) error {
	switch {
	case s.Method != dataset.ByHash && s.Method != dataset.ByTime:
		return Usagef("--split is %q, want hash or time", s.Method)
	case !(s.TrainRatio > 0):
		return Usagef("--train-ratio is %g, want more than 0", s.TrainRatio)
	}
	return nil
}
