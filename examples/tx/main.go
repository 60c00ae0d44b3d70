// Tx is the sending end of a link: samples, windows, payloads, frames.
//
// Two terminals, no hardware:
//
//	go run ./examples/rx --runspec testdata/runspecs/rx_sf7.yaml --manifest out/models/b/bam_manifest.json
//	go run ./examples/tx --runspec testdata/runspecs/tx_sf7.yaml --manifest out/models/b/bam_manifest.json
//
// With a module each, --radio uart --uart-port /dev/ttyUSB0.
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

func main() { cli.Main("tx", run) }

const summary = `Tx samples, cuts windows, encodes and sends them, and logs what becomes of each. Without --sensor-path
it sends the simulated walk in testdata. It continues where the last run with this run_id left off;
an interrupt ends it in order.`

type options struct {
	spec       string
	endpoint   endpoint.Settings
	air        endpoint.RadioSettings
	sampler    endpoint.SamplerSettings
	send       endpoint.SendSettings
	maxSeconds float64
}

func parse(args []string, stdout io.Writer) (*options, error) {
	o := &options{air: endpoint.RadioSettings{Role: runspec.RoleTX}}
	fs := cli.NewFlags("tx", summary)
	fs.StringVar(&o.spec, "runspec", "testdata/runspecs/tx_sf7.yaml", "RunSpec of this end")
	fs.StringVar(&o.endpoint.Manifest, "manifest", "", "model manifest that stands in for the RunSpec's manifest_path")
	o.air.RegisterFlags(fs)
	o.sampler.RegisterFlags(fs)
	fs.StringVar(&o.send.Dataset, "dataset-out", "", "data set to append the windows to, as they were before encoding")
	fs.Float64Var(&o.maxSeconds, "max-seconds", 0, "end after so many seconds; 0: when the samples end")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	if o.sampler.Path == "" && o.sampler.Kind != endpoint.SamplerSimulate {
		o.sampler.Path = cli.SampleRecording
	}
	if err := o.air.Check(); err != nil {
		return nil, cli.Usagef("%w", err)
	}
	if err := o.sampler.Check(); err != nil {
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
	e, err := endpoint.Open(o.spec, runspec.RoleTX, &o.endpoint)
	if err != nil {
		return err
	}
	o.sampler.Warn = cli.Warn(stderr)
	windows, err := o.sampler.Windows(e.Spec())
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
	o.send.Progress = func(n int) { progress.Update("windows acknowledged", n, e.Spec().TX.MaxWindows) }
	o.send.OnStart = func(seq byte, id int64) {
		fmt.Fprintf(stdout, "sending %s over %s, SEQ from %d, window_id from %d\n", e.Codec().ID(), e.LogHeader().PHYID, seq, id)
	}
	if o.maxSeconds > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(o.maxSeconds*float64(time.Second)))
		defer cancel()
	}
	metrics, err := e.Send(ctx, radio, windows, &o.send)
	progress.Clear()
	if err := cli.Ended(ctx, err); err != nil {
		return err
	}
	metrics.WriteSender(stdout)
	fmt.Fprintf(stdout, "log: %s\n", e.LogPath())
	return nil
}
