package dataset_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// A recording becomes a data set, and the statistics of its training part.
func Example() {
	dir, err := os.MkdirTemp("", "dataset")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "dataset_raw.jsonl")

	samples := dataset.OpenSamples("testdata/samples.csv", dataset.SampleSettings{})
	windows := dataset.Windows(samples, dataset.WindowerSettings{W: 2, Stride: 1, MaxGapMs: 1000, RunID: "example"})
	n, err := dataset.WriteFile(path, windows)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("windows:", n)

	data := dataset.OpenWindows(path, dataset.WindowSettings{Dims: sensor.MotionDims})
	split := dataset.HashSplit{TrainRatio: 0.8, Seed: 0}
	var stats dataset.Stats
	for w, err := range dataset.Training(data, split) {
		if err != nil {
			log.Fatal(err)
		}
		if err := stats.Add(w.Values); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("train:", stats.Count())
	fmt.Printf("alt, newest step: %.2f m, std %.2f m\n", stats.Mean()[14], stats.Std()[14])
	// Output:
	// windows: 10
	// train: 9
	// alt, newest step: 32.56 m, std 0.84 m
}

// An incomplete last line is a warning, and an empty file an error.
func ExampleSkipIncomplete() {
	path := "testdata/incomplete.jsonl"
	data := dataset.OpenWindows(path, dataset.WindowSettings{})
	data = dataset.SkipIncomplete(data, func(err error) { fmt.Println("warning:", err) })
	for w, err := range dataset.NotEmpty(data, path) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(w.ID, w.Values)
	}
	// Output:
	// 0 [1.5 2]
	// 1 [1.75 3]
	// warning: dataset: testdata/incomplete.jsonl:3: found an incomplete last line (19 bytes, no line end), want a whole one: its writer was interrupted
}
