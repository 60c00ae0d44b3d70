// Identity writes an untrained model with the sizes of a manifest: its latents are the
// first values of the window, unchanged. It is for testing a link, not for use.
//
//	go run ./examples/identity --bam-manifest out/models/b/bam_manifest.json --out-dir out/models/identity
//
// With --manifest it writes the files that a manifest names, and leaves the manifest as
// it is:
//
//	go run ./examples/identity --manifest configs/bam_manifest.json
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/examples/cli"
)

func main() { cli.Main("identity", run) }

const summary = `Identity writes a test model with the sizes of a manifest, which sends the first values of each window
unchanged. If the manifest's model can be loaded, its norm is reused. Without --out-dir, --manifest names
a manifest whose model is missing: its layers and its norm are written where it says.`

type settings struct {
	manifest, fill, outDir, packing string
	latents, maxPayload             int
	scale                           float64
	force                           bool
}

func parse(args []string, stdout io.Writer) (*settings, error) {
	var s settings
	fs := cli.NewFlags("identity", "go run ./examples/identity --bam-manifest out/models/demo/bam_manifest.json --out-dir out/models/identity", summary)
	fs.StringVar(&s.manifest, "bam-manifest", "", "bam_manifest.json whose sizes to take")
	fs.StringVar(&s.fill, "manifest", "", "bam_manifest.json whose model_path and norm_path to fill, instead of --bam-manifest and --out-dir")
	fs.StringVar(&s.outDir, "out-dir", "", "folder to write")
	fs.StringVar(&s.packing, "packing", "", "int8, int16, float16 or float32; unset: the manifest's")
	fs.Float64Var(&s.scale, "scale", 0, "factor of the integer packings; unset: the manifest's, or 127 and 32767 with --packing")
	fs.IntVar(&s.latents, "latent-dim", 0, "number of latents; 0: the manifest's")
	fs.IntVar(&s.maxPayload, "max-payload-bytes", artifacts.MaxPayloadBytes, "longest payload, 1..255")
	fs.BoolVar(&s.force, "force", false, "replace an existing model folder, or with --manifest existing files")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	switch {
	case s.fill != "" && (s.manifest != "" || s.outDir != "" || s.packing != "" || s.latents != 0 || cli.IsSet(fs, "scale")):
		return nil, cli.Usagef("--manifest does not go with --bam-manifest, --out-dir, --packing, --scale or --latent-dim: the manifest stays as it is")
	case s.fill != "":
		s.manifest = s.fill
		return &s, nil
	case s.manifest == "":
		return nil, cli.Usagef("--bam-manifest is missing: want a bam_manifest.json")
	case s.outDir == "":
		return nil, cli.Usagef("--out-dir is missing: want a folder")
	case s.packing != "" && bam.Packing(s.packing).BytesPerLatent() == 0:
		return nil, cli.Usagef("--packing is %q, want int8, int16, float16 or float32", s.packing)
	case cli.IsSet(fs, "scale") && !(s.scale > 0):
		return nil, cli.Usagef("--scale is %g, want more than 0", s.scale)
	case s.latents < 0 || s.maxPayload < 1 || s.maxPayload > 255:
		return nil, cli.Usagef("--latent-dim is %d and --max-payload-bytes %d, want 0 or more, and 1..255", s.latents, s.maxPayload)
	}
	return &s, nil
}

func run(_ context.Context, args []string, stdout, _ io.Writer) error {
	s, err := parse(args, stdout)
	if err != nil {
		return err
	}
	if s.fill != "" {
		return s.fillManifest(stdout)
	}
	saving := &save.Settings{Force: s.force}
	if err := save.CheckTarget(s.outDir, saving); err != nil {
		return forced(err)
	}
	set, err := s.set()
	if err != nil {
		return err
	}
	if _, err := save.Model(s.outDir, set, saving); err != nil {
		return forced(err)
	}
	c, err := codec.LoadBAM(filepath.Join(s.outDir, artifacts.ManifestFile))
	if err != nil {
		return err
	}
	norm := "as they are"
	if set.Norm != nil {
		norm = "normalised"
	}
	fmt.Fprintf(stdout, "Model %s\n  %s\n  the first %d of %d values, %s, in %d bytes\n", filepath.Join(s.outDir, artifacts.ManifestFile), c.Schema(),
		c.Model().Manifest.LatentDim, c.WindowLen(), norm, c.MaxPayloadLen())
	return nil
}

// fillManifest writes the files that the manifest names.
func (s *settings) fillManifest(stdout io.Writer) error {
	set, err := s.set()
	if err != nil {
		return err
	}
	if set.Norm == nil {
		set.Norm = &bam.Norm{Mean: make([]float64, set.Manifest.WindowLen()), Std: slices.Repeat([]float64{1}, set.Manifest.WindowLen())}
	}
	files, err := save.Fill(s.fill, set, &save.Settings{Force: s.force})
	for _, f := range files {
		fmt.Fprintf(stdout, "Written %s\n", f)
	}
	if errors.Is(err, save.ErrExists) {
		return fmt.Errorf("%w (--force replaces it)", err)
	}
	return err
}

// forced says how to replace a folder.
func forced(err error) error {
	if errors.Is(err, save.ErrExists) {
		return fmt.Errorf("%w (--force replaces a model's folder)", err)
	}
	return err
}

// set returns the model to write.
func (s *settings) set() (*artifacts.Contents, error) {
	from, err := artifacts.LoadManifest(s.manifest)
	if err != nil {
		return nil, err
	}
	notes := "identity: untrained, for wiring checks"
	man := artifacts.Manifest{
		LatentDim: from.LatentDim, Packing: from.Packing, Scale: from.Scale,
		Dims: from.Dims, W: from.W, Stride: from.Stride, Notes: &notes,
	}
	if s.latents > 0 {
		man.LatentDim = s.latents
	}
	if s.packing != "" {
		man.Packing, man.Scale = bam.Packing(s.packing), nil
	}
	if man.Packing.BytesPerLatent() == 0 {
		return nil, fmt.Errorf("%s: packing %s has tables made by training, want another by --packing", s.manifest, man.Packing)
	}
	if s.scale > 0 {
		man.Scale = &s.scale
	}
	if man.Packing.Integer() && man.Scale == nil {
		scale := float64(man.Packing.MaxInt())
		man.Scale = &scale
	}
	n := man.WindowLen()
	if man.LatentDim > n {
		return nil, fmt.Errorf("%s: %d latents of windows of %d values, want at most as many (--latent-dim)", s.manifest, man.LatentDim, n)
	}
	if err := man.CheckPayload(s.maxPayload); err != nil {
		return nil, err
	}
	layer := bam.Layer{W: bam.NewMatrix(man.LatentDim, n), V: bam.NewMatrix(n, man.LatentDim)}
	for k := range man.LatentDim {
		layer.W.Row(k)[k] = 1
		layer.V.Row(k)[k] = 1
	}
	set := &artifacts.Contents{Manifest: man, Layers: []bam.Layer{layer}, CreatedAt: time.Now(), MaxPayloadBytes: s.maxPayload}
	// A manifest alone will do: its model may not be trained yet.
	if m, err := artifacts.LoadUnverified(s.manifest); err == nil {
		set.Norm = m.Norm
	}
	return set, nil
}
