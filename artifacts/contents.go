package artifacts

import (
	"time"

	"github.com/loralink/loralink-go/bam"
)

// Contents are what a model's folder is written from, by package artifacts/save: a model
// before it is saved.
type Contents struct {
	// Manifest describes the model. Saving sets its version, format, paths, latent_dim
	// and bitpack object.
	Manifest Manifest
	Layers   []bam.Layer `validate:"min=1"`
	Norm     *bam.Norm   // nil if there is none
	Tables   *bam.Tables // of packing bitpack; nil for the others
	// TrainReport is written to train_report.json as JSON; nil: no such file.
	TrainReport any
	// CreatedAt and GitCommit are written to artifacts.json. CreatedAt is the time of
	// saving, to the second. GitCommit is the commit of the program that trained the
	// model; "": unknown.
	CreatedAt time.Time
	GitCommit string
	// MaxPayloadBytes is the largest length of a payload, 1 to 255, as the contract
	// allows; 0: MaxPayloadBytes, 238. A longer payload does not fit a frame of package
	// radio.
	MaxPayloadBytes int `validate:"min=0,max=255"`
}

// NewModel returns the model that saving the contents and loading the folder gives, but
// without files, so that its Hash is "". The contents need at least one layer.
func NewModel(c *Contents) *Model {
	return &Model{Manifest: c.CompleteManifest(), Net: c.Network(), Norm: c.Norm, Tables: c.Tables, Files: map[string]string{}}
}

// Network returns the layers as a model, with the transmission function and the cycles of
// the manifest.
func (c *Contents) Network() bam.Model {
	man := &c.Manifest
	return bam.Model{Layers: c.Layers, Delta: float32(man.DeltaOrZero()), EncodeCycles: man.EncodeCycles, DecodeCycles: man.DecodeCycles}
}

// CompleteManifest returns the manifest with the fields that describe the other contents.
func (c *Contents) CompleteManifest() Manifest {
	man := c.Manifest
	man.ManifestVersion, man.ModelFormat, man.ModelPath = ManifestVersion1, LayerFormat, "."
	man.LatentDim = c.Layers[len(c.Layers)-1].Out()
	if !man.Packing.Integer() {
		man.Scale = nil
	}
	man.BitPack, man.NormPath = nil, nil
	if c.Tables != nil {
		man.ManifestVersion, man.BitPack = ManifestVersion2, tablesInfo(c.Tables)
	}
	if c.Norm != nil {
		name := NormFile
		man.NormPath = &name
	}
	return man
}
