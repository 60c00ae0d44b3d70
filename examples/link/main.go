// Link runs sender and receiver over a simulated channel in one process, in
// virtual time, and says what arrived, what it cost and how good it is, beside
// the same run with plainly packed samples.
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

const summary = `Link sends the windows of a recording or a data set from one RunSpec's end to another's,
over a simulated channel in virtual time, and again with sensor12_packed payloads.`

type options struct {
	tx, rx, out       string
	endpoint          endpoint.Settings
	source            endpoint.SourceSettings
	replay            study.ReplaySettings
	windows, uartBaud int
}

func parse(args []string, stdout io.Writer) (*options, error) {
	var o options
	fs := cli.NewFlags("link", summary)
	fs.StringVar(&o.tx, "tx", "testdata/runspecs/tx_sf12.yaml", "RunSpec of the sender")
	fs.StringVar(&o.rx, "rx", "testdata/runspecs/rx_sf12.yaml", "RunSpec of the receiver")
	fs.StringVar(&o.endpoint.Manifest, "bam-manifest", "", "model manifest that stands in for the RunSpecs' manifest_path")
	o.source.RegisterFlags(fs)
	fs.IntVar(&o.windows, "windows", 0, "windows to send, from the first; 0: all")
	o.replay.Channel.RegisterFlags(fs)
	fs.IntVar(&o.uartBaud, "uart-baud", 0, "baud rate between host and modem at both ends; 0: no delay there")
	fs.StringVar(&o.out, "out", "", "file for the report as JSON")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	if err := o.source.Check(); err != nil {
		return nil, cli.Usagef("%w", err)
	}
	switch loss := o.replay.Channel.Loss; {
	case !(loss >= 0 && loss < 1):
		return nil, cli.Usagef("--loss is %g, want 0 or more and less than 1", loss)
	case o.windows < 0:
		return nil, cli.Usagef("--windows is %d, want 0 or more", o.windows)
	case o.uartBaud < 0:
		return nil, cli.Usagef("--uart-baud is %d, want 0 or more", o.uartBaud)
	case o.uartBaud > 0:
		o.replay.Channel.Latency = link.UARTLatency(o.uartBaud)
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
	rx, err := endpoint.Open(o.rx, runspec.RoleRX, &o.endpoint)
	if err != nil {
		return err
	}
	o.source.Warn = cli.Warn(stderr)
	windows, err := o.source.Windows(tx.Spec(), o.windows)
	if err != nil {
		return err
	}
	report, err := study.Replay(ctx, tx, rx, windows, &o.replay)
	if err != nil {
		return err
	}
	if err := cli.WriteJSON(o.out, report); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d windows of %s over %s, loss %g", len(windows), o.source.Name(), report.PHYID, report.Loss)
	if report.MeanBurst > 0 {
		fmt.Fprintf(stdout, " in bursts of %g frames", report.MeanBurst)
	}
	fmt.Fprintf(stdout, ", seed %d\n\n", report.Seed)
	report.WriteTable(stdout)
	return nil
}
