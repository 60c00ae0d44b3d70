package artifacts

import (
	"time"

	"github.com/loralink/loralink-go/bam"
)

// Set is a model that is not saved yet: all that package artifacts/save writes.
type Set struct {
	// Manifest describes the model. Saving fills in its version, format, paths
	// and latent_dim.
	Manifest Manifest
	Layers   []bam.Layer `validate:"min=1"`
	Norm     *bam.Norm   // nil: none
	Tables   *bam.Tables // of packing bitpack; nil for the others
	// TrainReport becomes train_report.json; nil: none.
	TrainReport any
	// CreatedAt and GitCommit ("" for none) go to artifacts.json.
	CreatedAt time.Time
	GitCommit string
	// MaxPayloadBytes bounds the payload; 0 means the package's default.
	MaxPayloadBytes int `validate:"min=0,max=255"`
}

// NewModel returns the model that saving set and loading it would give, without
// the files: it has no hashes, and its Hash is that of no files at all.
func NewModel(set *Set) *Model {
	return &Model{Manifest: set.Completed(), Net: set.Network(), Norm: set.Norm, Tables: set.Tables, Files: map[string]string{}}
}

// Network is the network of the layers, as the manifest says it runs.
func (s *Set) Network() bam.Model {
	man := &s.Manifest
	return bam.Model{Layers: s.Layers, Delta: float32(man.DeltaOrZero()), EncodeCycles: man.EncodeCycles, DecodeCycles: man.DecodeCycles}
}

// Completed is the manifest with what it says of the set's other parts.
func (s *Set) Completed() Manifest {
	man := s.Manifest
	man.ManifestVersion, man.ModelFormat, man.ModelPath = ManifestVersion1, LayerFormat, "."
	man.LatentDim = s.Layers[len(s.Layers)-1].Out()
	if !man.Packing.Integer() {
		man.Scale = nil
	}
	man.BitPack, man.NormPath = nil, nil
	if s.Tables != nil {
		man.ManifestVersion, man.BitPack = ManifestVersion2, tablesInfo(s.Tables)
	}
	if s.Norm != nil {
		name := NormFile
		man.NormPath = &name
	}
	return man
}
