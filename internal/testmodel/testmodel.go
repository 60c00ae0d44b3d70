// Package testmodel has small models for tests.
package testmodel

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/dataset"
)

// Train trains a model on a recording, with 8 bytes per window of one sample, and returns
// the path of its manifest.
func Train(t testing.TB, recording string) string {
	t.Helper()
	windows := dataset.Windows(dataset.OpenSamples(recording, dataset.SampleSettings{}), dataset.WindowerSettings{W: 1})
	res, err := train.Train(t.Context(), windows, &train.Settings{LatentDim: 8, Packing: bam.Int8, AutoScale: true,
		Split: dataset.HashSplit{TrainRatio: 0.8}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "model")
	if _, err := save.Model(dir, res.Contents(), nil); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, artifacts.ManifestFile)
}

// Contents returns an untrained model of two layers, for windows of two steps of three
// values, whose weights depend on seed.
func Contents(seed float32) *artifacts.Contents {
	layer := func(in, out int) bam.Layer {
		l := bam.Layer{W: bam.NewMatrix(out, in), V: bam.NewMatrix(in, out)}
		for i := range l.W.Data {
			l.W.Data[i] = seed + float32(i)
			l.V.Data[i] = seed - float32(i)
		}
		return l
	}
	scale, notes := 127.0, "é <&> 😀"
	return &artifacts.Contents{
		Manifest:    artifacts.Manifest{Packing: bam.Int8, Scale: &scale, Dims: 3, W: 2, Stride: 1, Notes: &notes},
		Layers:      []bam.Layer{layer(6, 4), layer(4, 2)},
		Norm:        &bam.Norm{Mean: make([]float64, 6), Std: []float64{1, 2, 3, 4, 5, 0}},
		TrainReport: map[string]int{"epochs": 3},
		CreatedAt:   time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600)),
	}
}

// Saved writes the model of Contents and returns its folder.
func Saved(t testing.TB, seed float32) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if _, err := save.Model(dir, Contents(seed), nil); err != nil {
		t.Fatal(err)
	}
	return dir
}
