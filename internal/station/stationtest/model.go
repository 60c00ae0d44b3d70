// Package stationtest trains a small model for tests of the programs that run
// links.
package stationtest

import (
	"path/filepath"
	"testing"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/dataset"
)

// Model trains on a recording of samples, 8 bytes a window of one sample, and
// returns the path of the manifest.
func Model(t testing.TB, recording string) string {
	t.Helper()
	windows := dataset.Windows(dataset.OpenSamples(recording, dataset.SampleSettings{}), dataset.Windower{W: 1})
	res, err := train.Train(t.Context(), windows, &train.Settings{LatentDim: 8, Packing: bam.Int8, AutoScale: true,
		Split: dataset.HashSplit{TrainRatio: 0.8}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "model")
	if _, err := save.Model(dir, res.Set(), nil); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, artifacts.ManifestFile)
}
