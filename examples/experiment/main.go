// Experiment finds the condition of the channel at which half of the plainly
// packed frames arrive, and sends three payloads through it: the raw one, the
// raw one cut to the latent's length, and the latent.
//
//	go run ./examples/experiment --bam-manifest out/models/b/bam_manifest.json --dataset out/dataset_raw.jsonl
//
// With --condition senders (the default) the air is shared by as many equal
// senders as it takes, and frames that overlap are lost: smaller payloads
// collide less. With airtime each second on the air carries a risk. With loss
// every frame is lost with the same probability: nothing is gained but airtime,
// which is what measured links come closest to.
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

const summary = `Experiment finds the condition at which half of the raw frames arrive and sends raw, truncated
and latent payloads through it, in virtual time.`

type options struct {
	tx, out  string
	endpoint endpoint.Settings
	source   endpoint.SourceSettings
	stress   study.StressSettings
}

func parse(args []string, stdout io.Writer) (*options, error) {
	var o options
	fs := cli.NewFlags("experiment", summary)
	fs.StringVar(&o.tx, "tx", "testdata/runspecs/tx_sf7.yaml", "RunSpec of the senders")
	fs.StringVar(&o.endpoint.Manifest, "bam-manifest", "", "model manifest that stands in for the RunSpec's manifest_path")
	o.source.RegisterFlags(fs)
	o.stress.RegisterFlags(fs)
	fs.StringVar(&o.out, "out", "", "file for the report as JSON")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	if err := o.source.Check(); err != nil {
		return nil, cli.Usagef("%w", err)
	}
	if err := o.stress.Check(); err != nil {
		return nil, cli.Usagef("%w", err)
	}
	return &o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	tx, err := endpoint.Open(o.tx, runspec.RoleTX, &o.endpoint)
	if err != nil {
		return err
	}
	o.source.Warn = cli.Warn(stderr)
	windows, err := o.source.Windows(tx.Spec(), 0)
	if err != nil {
		return err
	}
	progress := cli.NewProgress(stderr)
	defer progress.Clear()
	o.stress.Progress = func(tried int) { progress.Update("conditions tried", tried, 0) }
	report, err := study.Stress(ctx, tx, windows, &o.stress)
	progress.Clear()
	if err != nil {
		return err
	}
	report.Dataset = o.source.Name()
	if err := cli.WriteJSON(o.out, report); err != nil {
		return err
	}
	report.WriteTable(stdout)
	return nil
}
