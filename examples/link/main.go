// Link simulates a sender and a receiver over a lossy channel, in one process and in
// virtual time. It compares deliveries, time on air and errors with those of the same
// windows in sensor12_packed payloads.
//
//	go run ./examples/link --tx testdata/runspecs/tx_sf12.yaml --rx testdata/runspecs/rx_sf12.yaml \
//	    --bam-manifest out/models/b/bam_manifest.json --samples testdata/walk.jsonl --loss 0.2
package main

import (
	"context"
	"fmt"
	"io"

	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/sim/study"
	"github.com/loralink/loralink-go/runspec"
)

func main() { cli.Main("link", run) }

const summary = `Link sends the windows of a recording or a data set from the end of one RunSpec to that of another,
over a simulated channel in virtual time. Windows of motion samples it sends again as sensor12_packed payloads, and
compares the two.`

type flags struct {
	tx, rx, out       string
	endpoint          endpoint.Settings
	source            endpoint.SourceSettings
	replay            study.ReplaySettings
	windows, uartBaud int
	isDefault         bool // no RunSpec was named
}

func parse(args []string, stdout io.Writer) (*flags, error) {
	var f flags
	fs := cli.NewFlags("link", "go run ./examples/link --windows 100 --loss 0.2", summary)
	fs.StringVar(&f.tx, "tx", "testdata/runspecs/tx_sf12.yaml", "RunSpec of the sender")
	fs.StringVar(&f.rx, "rx", "testdata/runspecs/rx_sf12.yaml", "RunSpec of the receiver")
	fs.StringVar(&f.endpoint.BAMManifest, "bam-manifest", "", "model manifest; overrides the RunSpecs' manifest_path")
	f.source.RegisterFlags(fs)
	fs.IntVar(&f.windows, "windows", 0, "windows to send, from the first; 0: all")
	f.replay.Impairments.RegisterFlags(fs)
	fs.IntVar(&f.uartBaud, "uart-baud", 0, "baud rate between host and modem at both ends, in bit/s; 0: no latency")
	fs.StringVar(&f.out, "out", "", "file for the report as JSON")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	if err := cli.CheckFlags(f.source.Check()); err != nil {
		return nil, err
	}
	if err := cli.CheckFlags(f.replay.Impairments.Check()); err != nil {
		return nil, err
	}
	switch {
	case f.windows < 0:
		return nil, cli.Usagef("--windows is %d, want 0 or more", f.windows)
	case f.uartBaud < 0:
		return nil, cli.Usagef("--uart-baud is %d, want 0 or more", f.uartBaud)
	}
	f.isDefault = !cli.IsSet(fs, "tx")
	f.replay.Latency = link.UARTLatency(f.uartBaud)
	return &f, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f, err := parse(args, stdout)
	if err != nil {
		return err
	}
	f.endpoint.Warn = cli.Notice(stderr)
	tx, err := cli.OpenEndpoint(ctx, f.tx, runspec.RoleTX, &f.endpoint, f.isDefault, stdout, stderr)
	if err != nil {
		return err
	}
	rx, err := endpoint.Open(f.rx, runspec.RoleRX, &f.endpoint)
	if err != nil {
		return cli.ModelHint(err, "--bam-manifest")
	}
	f.source.Warn = cli.Warn(stderr)
	windows, err := f.source.Windows(ctx, tx.Spec(), f.windows)
	if err == nil && f.source.Samples != "" {
		err = tx.CheckColumns(f.source.Columns)
	}
	if err != nil {
		return err
	}
	report, err := study.Replay(ctx, tx, rx, windows, &f.replay)
	if err != nil {
		return err
	}
	if err := cli.WriteJSON(f.out, report); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d windows of %s over %s, loss %g", report.Windows, f.source.Name(), report.PHYID, report.Loss)
	if report.MeanBurst > 0 {
		fmt.Fprintf(stdout, " in bursts of %g frames", report.MeanBurst)
	}
	fmt.Fprintf(stdout, ", seed %d\n\n", report.Seed)
	report.WriteTable(stdout)
	return nil
}
