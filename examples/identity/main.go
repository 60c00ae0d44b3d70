// Identity makes a model of a manifest's sizes without training: its latents
// are the first values of the window, as they are. With as many latents as
// values it changes nothing but for the packing; with fewer it truncates. It is
// for checking the wiring between two ends, not for use.
//
//	go run ./examples/identity --bam-manifest out/models/b/bam_manifest.json --out-dir out/models/identity
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/examples/cli"
)

func main() { cli.Main("identity", run) }

const summary = `Identity writes a model of a manifest's sizes that passes the first values of each window through.
Where the manifest's own model is whole, its norm is kept.`

type options struct {
	manifest, outDir, packing string
	latents, maxPayload       int
	scale                     float64
	force                     bool
}

func parse(args []string, stdout io.Writer) (*options, error) {
	var o options
	fs := cli.NewFlags("identity", summary)
	fs.StringVar(&o.manifest, "bam-manifest", "", "bam_manifest.json whose sizes to take")
	fs.StringVar(&o.outDir, "out-dir", "", "folder to write")
	fs.StringVar(&o.packing, "packing", "", "int8, int16, float16 or float32; unset: the manifest's")
	fs.Float64Var(&o.scale, "scale", 0, "factor of the integer packings; unset: the manifest's, or 127 and 32767 with --packing")
	fs.IntVar(&o.latents, "latent-dim", 0, "number of latents; 0: the manifest's")
	fs.IntVar(&o.maxPayload, "max-payload-bytes", artifacts.MaxPayloadBytes, "longest payload, 1..255")
	fs.BoolVar(&o.force, "force", false, "replace an existing model folder")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	switch {
	case o.manifest == "":
		return nil, cli.Usagef("--bam-manifest is missing: want a bam_manifest.json")
	case o.outDir == "":
		return nil, cli.Usagef("--out-dir is missing: want a folder")
	case o.packing != "" && bam.Packing(o.packing).BytesPerLatent() == 0:
		return nil, cli.Usagef("--packing is %q, want int8, int16, float16 or float32", o.packing)
	case cli.IsSet(fs, "scale") && !(o.scale > 0):
		return nil, cli.Usagef("--scale is %g, want more than 0", o.scale)
	case o.latents < 0 || o.maxPayload < 1 || o.maxPayload > 255:
		return nil, cli.Usagef("--latent-dim is %d and --max-payload-bytes %d, want 0 or more, and 1..255", o.latents, o.maxPayload)
	}
	return &o, nil
}

func run(_ context.Context, args []string, stdout, _ io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	set, err := o.set()
	if err != nil {
		return err
	}
	if _, err := save.Model(o.outDir, set, &save.Settings{Force: o.force}); err != nil {
		if errors.Is(err, save.ErrExists) {
			return fmt.Errorf("%w (--force replaces a model's folder)", err)
		}
		return err
	}
	c, err := codec.LoadBAM(filepath.Join(o.outDir, artifacts.ManifestFile))
	if err != nil {
		return err
	}
	norm := "as they are"
	if set.Norm != nil {
		norm = "normalised"
	}
	fmt.Fprintf(stdout, "Model %s\n  %s\n  the first %d of %d values, %s, in %d bytes\n", filepath.Join(o.outDir, artifacts.ManifestFile), c.Schema(),
		c.Model().Manifest.LatentDim, c.WindowLen(), norm, c.MaxPayloadLen())
	return nil
}

// set is the model to write.
func (o *options) set() (*artifacts.Contents, error) {
	from, err := artifacts.LoadManifest(o.manifest)
	if err != nil {
		return nil, err
	}
	notes := "identity: untrained, for wiring checks"
	man := artifacts.Manifest{
		LatentDim: from.LatentDim, Packing: from.Packing, Scale: from.Scale,
		Dims: from.Dims, W: from.W, Stride: from.Stride, Notes: &notes,
	}
	if o.latents > 0 {
		man.LatentDim = o.latents
	}
	if o.packing != "" {
		man.Packing, man.Scale = bam.Packing(o.packing), nil
	}
	if man.Packing.BytesPerLatent() == 0 {
		return nil, fmt.Errorf("%s: packing %s has tables made by training, want another by --packing", o.manifest, man.Packing)
	}
	if o.scale > 0 {
		man.Scale = &o.scale
	}
	if man.Packing.Integer() && man.Scale == nil {
		scale := float64(man.Packing.MaxInt())
		man.Scale = &scale
	}
	n := man.WindowLen()
	if man.LatentDim > n {
		return nil, fmt.Errorf("%s: %d latents of windows of %d values, want at most as many (--latent-dim)", o.manifest, man.LatentDim, n)
	}
	if err := man.CheckPayload(o.maxPayload); err != nil {
		return nil, err
	}
	layer := bam.Layer{W: bam.NewMatrix(man.LatentDim, n), V: bam.NewMatrix(n, man.LatentDim)}
	for k := range man.LatentDim {
		layer.W.Row(k)[k] = 1
		layer.V.Row(k)[k] = 1
	}
	set := &artifacts.Contents{Manifest: man, Layers: []bam.Layer{layer}, CreatedAt: time.Now(), MaxPayloadBytes: o.maxPayload}
	// A manifest alone will do: its model may not be trained yet.
	if m, err := artifacts.LoadUnverified(o.manifest); err == nil {
		set.Norm = m.Norm
	}
	return set, nil
}
