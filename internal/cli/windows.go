package cli

import (
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/loralink/loralink-go/dataset"
)

// OpenWindows returns a data set's windows of w steps of dims values (0: what
// the file has). A data set without windows is an error; a torn last line is a
// warning, printed once.
func OpenWindows(path string, dims, w int, stderr io.Writer) iter.Seq2[dataset.Window, error] {
	var once sync.Once
	windows := dataset.ReadWindows(path, dataset.ReadOptions{WindowLen: dims * w, Dims: dims})
	return dataset.NotEmpty(dataset.SkipTorn(windows, func(err error) {
		once.Do(func() { fmt.Fprintf(stderr, "warning: %v; the other lines are used\n", err) })
	}), path)
}
