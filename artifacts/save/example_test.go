package save_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/bam"
)

// Save a model with chosen weights: one layer that passes on the first of two values.
func Example() {
	scale := 127.0
	contents := &artifacts.Contents{
		Manifest:  artifacts.Manifest{Packing: bam.Int8, Scale: &scale, Dims: 2, W: 1, Stride: 1},
		Layers:    []bam.Layer{{W: bam.Matrix{Rows: 1, Cols: 2, Data: []float32{1, 0}}, V: bam.Matrix{Rows: 2, Cols: 1, Data: []float32{1, 0}}}},
		CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	parent, err := os.MkdirTemp("", "models")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(parent)
	a, err := save.Model(filepath.Join(parent, "a"), contents, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := artifacts.Load(filepath.Join(parent, "a", artifacts.ManifestFile))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Manifest.Schema(), m.Hash() == a.ModelHash, a.CreatedAt)
	// Output:
	// bam:latent_dim=1:packing=int8:scale=127.0 true 2026-01-02T03:04:05+00:00
}
