// Rx is the receiving end of a link: it acknowledges windows, decodes them and
// logs both. See examples/tx for the other end.
//
//	go run ./examples/rx --runspec testdata/runspecs/rx_sf7.yaml --manifest out/models/b/bam_manifest.json
package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/runspec"
)

func main() { cli.Main("rx", run) }

const summary = `Rx receives, acknowledges and decodes windows, and logs them, until it is interrupted.`

type options struct {
	spec       string
	endpoint   endpoint.Settings
	air        endpoint.RadioSettings
	receive    endpoint.ReceiveSettings
	maxSeconds float64
}

func parse(args []string, stdout io.Writer) (*options, error) {
	o := &options{air: endpoint.RadioSettings{Role: runspec.RoleRX}}
	fs := cli.NewFlags("rx", summary)
	fs.StringVar(&o.spec, "runspec", "testdata/runspecs/rx_sf7.yaml", "RunSpec of this end")
	fs.StringVar(&o.endpoint.Manifest, "manifest", "", "model manifest that stands in for the RunSpec's manifest_path")
	o.air.RegisterFlags(fs)
	fs.StringVar(&o.receive.Dataset, "dataset-out", "", "data set to append the decoded windows to")
	fs.Float64Var(&o.maxSeconds, "max-seconds", 0, "end after so many seconds; 0: when interrupted")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	if err := o.air.Check(); err != nil {
		return nil, cli.Usagef("%w", err)
	}
	if !(o.maxSeconds >= 0) {
		return nil, cli.Usagef("--max-seconds is %g, want 0 or more", o.maxSeconds)
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	e, err := endpoint.Open(o.spec, runspec.RoleRX, &o.endpoint)
	if err != nil {
		return err
	}
	o.air.UART.OnConnection = cli.Connection(stderr)
	radio, err := o.air.Open(ctx)
	if err != nil {
		return err
	}
	defer radio.Close()

	progress := cli.NewProgress(stderr)
	defer progress.Clear()
	o.receive.Progress = func(n int) { progress.Update("windows delivered", n, 0) }
	if o.maxSeconds > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(o.maxSeconds*float64(time.Second)))
		defer cancel()
	}
	fmt.Fprintf(stdout, "receiving %s over %s\n", e.Codec().ID(), e.LogHeader().PHYID)
	metrics, err := e.Receive(ctx, radio, &o.receive)
	progress.Clear()
	if err := cli.Ended(ctx, err); err != nil {
		return err
	}
	metrics.WriteReceiver(stdout)
	fmt.Fprintf(stdout, "log: %s\n", e.LogPath())
	return nil
}
