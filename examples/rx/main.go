// Rx is the receiving end of a link. It acknowledges, decodes and logs windows. See
// examples/tx for the other end.
//
//	go run ./examples/rx
//
// With --radio mock it runs alone: a simulated sender inside its radio sends 20 windows.
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

func main() { cli.Main("rx", run) }

const summary = `Rx receives, acknowledges, decodes and logs windows, until it is interrupted (Ctrl-C).`

type flags struct {
	spec       string
	endpoint   endpoint.Settings
	radio      endpoint.RadioSettings
	receive    endpoint.ReceiveSettings
	maxSeconds float64
	record     cli.Record
	isDefault  bool // no RunSpec was named
}

func parse(args []string, stdout io.Writer) (*flags, error) {
	f := &flags{radio: endpoint.RadioSettings{Role: runspec.RoleRX}}
	fs := cli.NewFlags("rx", "go run ./examples/rx --runspec testdata/runspecs/rx_sf7.yaml", summary)
	fs.StringVar(&f.spec, "runspec", "testdata/runspecs/rx_sf7.yaml", "RunSpec of this end")
	fs.StringVar(&f.endpoint.BAMManifest, "bam-manifest", "", "model manifest; overrides the RunSpec's manifest_path")
	fs.StringVar(&f.endpoint.Hashes, "manifest", "", "file of hashes to verify the codec by, such as an artifacts.json; overrides the RunSpec's artifacts_manifest, and beside a model selects it")
	f.radio.RegisterFlags(fs)
	fs.StringVar(&f.receive.Dataset, "dataset-out", "", "data set to append the decoded windows to, JSONL")
	fs.IntVar(&f.receive.MaxWindows, "max-rx-ok", 0, "stop after this many windows; 0: no limit")
	f.record.RegisterFlags(fs)
	fs.Int("step-ms", 0, "accepted for scripts of the reference, without effect: this program waits for events")
	fs.Float64Var(&f.maxSeconds, "max-seconds", 0, "stop after this many seconds; 0: when interrupted")
	if err := cli.Parse(fs, args, stdout, "runspec"); err != nil {
		return nil, err
	}
	f.isDefault = !cli.IsSet(fs, "runspec")
	if err := cli.CheckFlags(f.radio.Check()); err != nil {
		return nil, err
	}
	if err := cli.CheckFlags(f.receive.Check()); err != nil {
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
	e, err := cli.OpenEndpoint(ctx, f.spec, runspec.RoleRX, &f.endpoint, f.isDefault, stdout, stderr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f.radio.Mock.OnDone = cancel
	f.radio.UART.OnConnection = cli.Connection(stderr)
	radio, err := f.radio.Open(ctx, e)
	if err != nil {
		return err
	}
	defer radio.Close()

	progress := cli.NewProgress(stderr)
	defer progress.Clear()
	f.receive.Progress = func(done, total int) { progress.Update("windows delivered", done, total) }
	if f.maxSeconds > 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(f.maxSeconds*float64(time.Second)))
		defer cancel()
	}
	fmt.Fprintf(stdout, "receiving %s over %s\n", e.Codec().ID(), e.LogHeader().PHYID)
	metrics, err := e.Receive(ctx, radio, &f.receive)
	progress.Clear()
	if err := cli.Ended(ctx, err); err != nil {
		return err
	}
	metrics.WriteReceiver(stdout)
	if text := metrics.Warning(); text != "" {
		fmt.Fprintf(stderr, "warning: %s\n", text)
	}
	fmt.Fprintf(stdout, "log: %s\n", e.LogPath())
	known := record.Values{"runspecs.rx": filepath.ToSlash(f.spec)}
	if f.radio.Port != "" {
		known["uart.rx_port"], known["uart.baud"] = f.radio.Port, cmp.Or(f.radio.UART.BaudRate, 9600)
	}
	return f.record.FillRun(stdout, runlog.Files{RX: e.LogPath()}, known)
}
