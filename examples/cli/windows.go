package cli

import (
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"sync"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
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
		return dataset.Windows(samples, dataset.Windower{W: w, Stride: stride}), SampleRecording
	}
	name := path
	if filepath.IsAbs(name) {
		name = filepath.Base(name)
	}
	return OpenWindows(path, dims, w, stderr), filepath.ToSlash(name)
}

// OpenWindows returns a data set's windows of w steps of dims values (0: what
// the file has). A data set without windows is an error; a torn last line is a
// warning, printed once.
func OpenWindows(path string, dims, w int, stderr io.Writer) iter.Seq2[dataset.Window, error] {
	var once sync.Once
	windows := dataset.OpenWindows(path, dataset.WindowSettings{WindowLen: dims * w, Dims: dims, Steps: w})
	return dataset.NotEmpty(dataset.SkipTorn(windows, func(err error) {
		once.Do(func() { fmt.Fprintf(stderr, "warning: %v; the other lines are used\n", err) })
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

// RungNames are short names of a ladder's rungs.
func RungNames(b *codec.Bounded) []string {
	var names []string
	for _, c := range b.Rungs() {
		name := c.ID()
		if m, ok := c.(*codec.BAM); ok {
			name = fmt.Sprintf("%s %.8s…", name, m.Model().Hash())
		}
		names = append(names, name)
	}
	return names
}
