// Tx is the sending end of a link. Without hardware, run the two ends in two terminals;
// they train a model if there is none:
//
//	go run ./examples/rx
//	go run ./examples/tx
//
// With --radio mock the sender runs alone, and the receiver is inside its radio. If each
// end has an E22 module, add --radio uart --uart-port /dev/ttyUSB0.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/runlog/record"
	"github.com/loralink/loralink-go/runspec"
)

func main() { cli.Main("tx", run) }

const summary = `Tx reads samples, cuts them into windows, encodes and sends the windows, and logs every event.
Without --sensor-path it sends the simulated recording in testdata. SEQ and window_id continue after the
last run with this run_id. An interrupt (Ctrl-C) stops it after up to 5 seconds for pending windows.`

type flags struct {
	spec       string
	endpoint   endpoint.Settings
	radio      endpoint.RadioSettings
	sampler    endpoint.SamplerSettings
	send       endpoint.SendSettings
	maxSeconds float64
	record     cli.Record
	isDefault  bool   // no RunSpec was named
	source     string // of the samples, if no flag names it
}

func parse(args []string, stdout io.Writer) (*flags, error) {
	f := &flags{radio: endpoint.RadioSettings{Role: runspec.RoleTX}}
	fs := cli.NewFlags("tx", "go run ./examples/tx --runspec testdata/runspecs/tx_sf7.yaml", summary)
	fs.StringVar(&f.spec, "runspec", "testdata/runspecs/tx_sf7.yaml", "RunSpec of this end")
	fs.StringVar(&f.endpoint.BAMManifest, "bam-manifest", "", "model manifest; overrides the RunSpec's manifest_path")
	fs.StringVar(&f.endpoint.Hashes, "manifest", "", "file of hashes to verify the codec by, such as an artifacts.json; overrides the RunSpec's artifacts_manifest, and beside a model selects it")
	f.radio.RegisterFlags(fs)
	f.sampler.RegisterFlags(fs)
	fs.StringVar(&f.send.Dataset, "dataset-out", "", "data set to append the windows to, as they are before encoding, JSONL")
	f.record.RegisterFlags(fs)
	fs.Int("step-ms", 0, "accepted for scripts of the reference, without effect: this program waits for events")
	fs.Float64Var(&f.maxSeconds, "max-seconds", 0, "stop after this many seconds; 0: when the samples end")
	if err := cli.Parse(fs, args, stdout, "runspec"); err != nil {
		return nil, err
	}
	f.isDefault, f.source = !cli.IsSet(fs, "runspec"), cli.DefaultSampler(fs, &f.sampler)
	if err := cli.CheckFlags(f.radio.Check()); err != nil {
		return nil, err
	}
	if err := cli.CheckFlags(f.sampler.Check()); err != nil {
		return nil, err
	}
	if err := cli.CheckFlags(f.send.Check()); err != nil {
		return nil, err
	}
	if err := f.record.Check(); err != nil {
		return nil, err
	}
	if !(f.maxSeconds >= 0) {
		return nil, cli.Usagef("--max-seconds is %g, want 0 or more", f.maxSeconds)
	}
	return f, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f, err := parse(args, stdout)
	if err != nil {
		return err
	}
	f.endpoint.Warn = cli.Notice(stderr)
	e, err := cli.OpenEndpoint(ctx, f.spec, runspec.RoleTX, &f.endpoint, f.isDefault, stdout, stderr)
	if err != nil {
		return err
	}
	if f.source != "" {
		fmt.Fprintf(stdout, "samples: %s (--sensor-path names others)\n", f.source)
	}
	f.sampler.Warn = cli.Warn(stderr)
	windows, err := f.sampler.Windows(e.Spec())
	if err == nil {
		err = e.CheckColumns(f.sampler.Columns)
	}
	if err != nil {
		return err
	}
	f.radio.UART.OnConnection = cli.Connection(stderr)
	radio, err := f.radio.Open(ctx, e)
	if err != nil {
		return err
	}
	defer radio.Close()

	progress := cli.NewProgress(stderr)
	defer progress.Clear()
	f.send.Progress = func(done, total int) { progress.Update("windows acknowledged", done, total) }
	f.send.OnStart = func(seq byte, id int64) {
		fmt.Fprintf(stdout, "sending %s over %s, first SEQ %d, first window_id %d\n", e.Codec().ID(), e.LogHeader().PHYID, seq, id)
	}
	if f.maxSeconds > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(f.maxSeconds*float64(time.Second)))
		defer cancel()
	}
	metrics, err := e.Send(ctx, radio, windows, &f.send)
	progress.Clear()
	if err := cli.Ended(ctx, err); err != nil {
		return err
	}
	metrics.WriteSender(stdout)
	fmt.Fprintf(stdout, "log: %s\n", e.LogPath())
	known := record.Values{"runspecs.tx": filepath.ToSlash(f.spec)}
	if f.radio.Port != "" {
		known["uart.tx_port"], known["uart.baud"] = f.radio.Port, cmp.Or(f.radio.UART.BaudRate, 9600)
	}
	if f.send.Dataset != "" {
		known["outputs.dataset_raw"] = filepath.ToSlash(f.send.Dataset)
	}
	known["sensor_source.sampler"] = cmp.Or(f.sampler.Kind, endpoint.SamplerJSONL)
	if f.sampler.Path != "" {
		known["sensor_source.path"], known["sensor_source.loop"] = filepath.ToSlash(f.sampler.Path), f.sampler.Loop
	}
	return f.record.FillRun(stdout, runlog.Files{TX: e.LogPath()}, known)
}
