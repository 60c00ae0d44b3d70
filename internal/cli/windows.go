package cli

import (
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"sync"

	"github.com/loralink/loralink-go/dataset"
)

// sampleRecording is what a newcomer trains on: a simulated walk.
const sampleRecording = "testdata/walk.jsonl"

// OpenDataset returns a data set's windows as OpenWindows does, and a name for
// reports that holds no absolute path. An empty path stands for the simulated
// walk in testdata, cut into windows.
func OpenDataset(path string, dims, w, stride int, stderr io.Writer) (iter.Seq2[dataset.Window, error], string) {
	if path == "" {
		samples := dataset.OpenSamples(filepath.FromSlash(sampleRecording), dataset.SampleSettings{})
		return dataset.Windows(samples, dataset.Windower{W: w, Stride: stride}), sampleRecording
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
