package numpy_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/numpy"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// Write the windows of a recording to a file for numpy.load, and read them back.
func Example() {
	dir, err := os.MkdirTemp("", "numpy")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "walk.npz")

	samples := dataset.OpenSamples("../testdata/samples.csv", dataset.SampleSettings{})
	windows := dataset.Windows(samples, dataset.WindowerSettings{W: 2, Stride: 2, RunID: "walk"})
	n, err := numpy.WriteFile(path, windows)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("windows:", n)

	read := numpy.OpenWindows(path, dataset.WindowSettings{Dims: sensor.MotionDims})
	for w, err := range dataset.Limit(read, 2) {
		if err != nil {
			log.Fatal(err)
		}
		name := w.Order[2]
		fmt.Printf("%s %d: %d values, first %s %.2f %s\n", w.RunID, w.ID, len(w.Values), name, w.Values[2], w.Units[name])
	}
	// Output:
	// windows: 6
	// walk 0: 24 values, first alt 31.00 m
	// walk 1: 24 values, first alt 31.50 m
}
