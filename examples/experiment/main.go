// Experiment makes a simulated channel worse until at most half of the raw frames
// arrive, and sends three kinds of payloads over it: raw (sensor12_packed), raw cut to
// the length of the latent, and latent (those of the RunSpec's codec).
//
//	go run ./examples/experiment --bam-manifest out/models/b/bam_manifest.json --dataset out/dataset_raw.jsonl
//
// With --condition senders (the default) equal senders share the channel, and frames
// that overlap are lost: smaller payloads collide less often. With airtime, losses grow
// with the time on air. With loss, every frame is lost with the same probability, and a
// smaller payload saves only time on air; measured links come closest to that.
//
// Two other simulations are those of the reference: phase0 selects a profile of a sweep
// by its PDR, and phase1 sends raw and latent payloads under that profile's losses.
//
//	go run ./examples/experiment phase0 --sweep sweep.json --out out/phase0/c50.json
//	go run ./examples/experiment phase1 --c50 out/phase0/c50.json --raw raw.json --latent latent.json --out out/phase1/report.json
package main

import (
	"context"
	"io"

	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/radio/sim/study"
	"github.com/loralink/loralink-go/runspec"
)

func main() { cli.Main("experiment", run) }

const summary = `Experiment makes a simulated channel worse until at most half of the raw frames arrive, and sends raw, truncated
and latent payloads over it, in virtual time. Raw payloads are sensor12_packed, truncated ones are raw ones cut to
the length of the latent ones, and latent ones are those of the RunSpec's codec.

With phase0 or phase1 as the first argument it runs a simulation of the reference instead; each has its own --help.`

type flags struct {
	tx, out string
	// isDefault: no RunSpec was named.
	isDefault bool
	endpoint  endpoint.Settings
	source    endpoint.SourceSettings
	stress    study.StressSettings
}

func parse(args []string, stdout io.Writer) (*flags, error) {
	var f flags
	fs := cli.NewFlags("experiment", "go run ./examples/experiment --condition loss", summary)
	fs.StringVar(&f.tx, "tx", "testdata/runspecs/tx_sf7.yaml", "RunSpec of the senders")
	fs.StringVar(&f.endpoint.BAMManifest, "bam-manifest", "", "model manifest; overrides the RunSpec's manifest_path")
	f.source.RegisterFlags(fs)
	f.stress.RegisterFlags(fs)
	fs.StringVar(&f.out, "out", "", "file for the report as JSON")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	f.isDefault = !cli.IsSet(fs, "tx")
	if err := cli.CheckFlags(f.source.Check()); err != nil {
		return nil, err
	}
	if err := cli.CheckFlags(f.stress.Check()); err != nil {
		return nil, err
	}
	return &f, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "phase0" {
		return phase0(ctx, args[1:], stdout)
	}
	if len(args) > 0 && args[0] == "phase1" {
		return phase1(ctx, args[1:], stdout)
	}
	f, err := parse(args, stdout)
	if err != nil {
		return err
	}
	f.endpoint.Warn = cli.Notice(stderr)
	tx, err := cli.OpenEndpoint(ctx, f.tx, runspec.RoleTX, &f.endpoint, f.isDefault, stdout, stderr)
	if err != nil {
		return err
	}
	f.source.Warn = cli.Warn(stderr)
	windows, err := f.source.Windows(ctx, tx.Spec(), 0)
	if err != nil {
		return err
	}
	progress := cli.NewProgress(stderr)
	defer progress.Clear()
	f.stress.Progress = func(done, total int) { progress.Update("conditions tried", done, total) }
	report, err := study.Stress(ctx, tx, windows, &f.stress)
	progress.Clear()
	if err != nil {
		return err
	}
	report.Dataset = f.source.Name()
	if err := cli.WriteJSON(f.out, report); err != nil {
		return err
	}
	report.WriteTable(stdout)
	return nil
}
