package station

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/runspec"
)

const rxSummary = `Rx receives, acknowledges and decodes windows, and logs them, until it is interrupted.`

// RX is the program examples/rx.
func RX(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var air airFlags
	var spec, manifest, datasetOut string
	var maxSeconds float64
	fs := cli.NewFlags("rx", rxSummary)
	fs.StringVar(&spec, "runspec", "testdata/runspecs/rx_sf7.yaml", "RunSpec of this end")
	fs.StringVar(&manifest, "manifest", "", "model manifest that stands in for the RunSpec's manifest_path")
	air.add(fs, runspec.RoleRX)
	fs.StringVar(&datasetOut, "dataset-out", "", "data set to append the rebuilt windows to")
	fs.Float64Var(&maxSeconds, "max-seconds", 0, "end after so long; 0: when interrupted")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return err
	}
	if err := air.check(fs); err != nil {
		return err
	}
	if !(maxSeconds >= 0) {
		return cli.Usagef("--max-seconds is %g, want 0 or more", maxSeconds)
	}
	s, err := load(spec, runspec.RoleRX, manifest)
	if err != nil {
		return err
	}
	r, latency, err := air.open(ctx, stderr)
	if err != nil {
		return err
	}
	defer r.Close()
	s.Timing.Latency = latency
	cfg := s.Receiver()
	if datasetOut != "" {
		cfg.Codec = s.Codec
	}
	receiver, err := link.NewReceiver(cfg)
	if err != nil {
		return err
	}
	out, err := s.openOutput(datasetOut)
	if err != nil {
		return err
	}
	defer out.close()

	runCtx := ctx
	if maxSeconds > 0 {
		var cancel context.CancelFunc
		runCtx, cancel = context.WithTimeout(ctx, time.Duration(maxSeconds*float64(time.Second)))
		defer cancel()
	}
	progress := cli.NewProgress(stderr)
	defer progress.Clear()
	n := 0
	fmt.Fprintf(stdout, "receiving %s over %s\n", s.Codec.ID(), s.Timing.PHY.ID())
	runner := link.Runner{Radio: r, Log: out.log}
	err = runner.Receive(runCtx, receiver, func(d link.Delivery) error {
		n++
		progress.Update("windows delivered", n, 0)
		w := dataset.Window{TsMs: d.At.UnixMilli(), RunID: s.Spec.RunID, ID: out.nextID(), Values: d.Window}
		if s.Spec.Window.Dims == sensor.MotionDims {
			w.Order, w.Units = sensor.Motion().Names(), sensor.Motion().Units()
		}
		return out.write(w)
	})
	progress.Clear()
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	PrintRX(stdout, out.meter.Metrics())
	fmt.Fprintf(stdout, "log: %s\n", out.path())
	return out.close()
}
