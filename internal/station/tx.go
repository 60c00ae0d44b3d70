package station

import (
	"context"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"time"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/runspec"
)

// flushTime is how long a sender that was interrupted goes on with what is in
// flight.
const flushTime = 5 * time.Second

const txSummary = `Tx samples, cuts windows, encodes and sends them, and logs what becomes of each.
It goes on where the last run with this run_id left off; an interrupt ends it in order.`

// TX is the program examples/tx.
func TX(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var air airFlags
	var sampler samplerFlags
	var spec, manifest, datasetOut string
	var maxSeconds float64
	fs := cli.NewFlags("tx", txSummary)
	fs.StringVar(&spec, "runspec", "testdata/runspecs/tx_sf7.yaml", "RunSpec of this end")
	fs.StringVar(&manifest, "manifest", "", "model manifest that stands in for the RunSpec's manifest_path")
	air.add(fs, runspec.RoleTX)
	sampler.add(fs)
	fs.StringVar(&datasetOut, "dataset-out", "", "data set to append the windows to, as they were before encoding")
	fs.Float64Var(&maxSeconds, "max-seconds", 0, "end after so long; 0: when the samples end")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return err
	}
	if err := air.check(fs); err != nil {
		return err
	}
	if err := sampler.check(fs); err != nil {
		return err
	}
	if !(maxSeconds >= 0) {
		return cli.Usagef("--max-seconds is %g, want 0 or more", maxSeconds)
	}
	s, err := load(spec, runspec.RoleTX, manifest)
	if err != nil {
		return err
	}
	if s.Spec.Window.Dims != sensor.MotionDims {
		return fmt.Errorf("%s: window.dims: %d, want %d: samples have as many values", spec, s.Spec.Window.Dims, sensor.MotionDims)
	}
	r, latency, err := air.open(ctx, stderr)
	if err != nil {
		return err
	}
	defer r.Close()
	s.Timing.Latency = latency

	if sampler.kind != "simulate" {
		if _, err := os.Stat(sampler.path); err != nil {
			return err
		}
	}
	out, err := s.openOutput(datasetOut)
	if err != nil {
		return err
	}
	defer out.close()
	state, err := link.OpenState(s.Spec.Logging.OutDir, s.Spec.RunID)
	if err != nil {
		return err
	}
	defer state.Close()
	cfg := s.Sender()
	cfg.FirstSeq, cfg.Clock = state.Seq(), time.Now
	sender, err := link.NewSender(cfg)
	if err != nil {
		return err
	}

	runCtx := ctx
	if maxSeconds > 0 {
		var cancel context.CancelFunc
		runCtx, cancel = context.WithTimeout(ctx, time.Duration(maxSeconds*float64(time.Second)))
		defer cancel()
	}
	warn := func(err error) { fmt.Fprintf(stderr, "warning: %v; the other lines are used\n", err) }
	windower := dataset.Windower{W: s.Spec.Window.W, Stride: s.Spec.Window.Stride, MaxGapMs: sampler.maxGapMs, RunID: s.Spec.RunID,
		NextID: max(state.WindowID(), out.nextID())}
	windows := dataset.Limit(dataset.Windows(sampler.samples(runCtx, s.Spec, warn), windower), s.Spec.TX.MaxWindows)
	next, stop := iter.Pull2(windows)
	defer stop()

	progress := cli.NewProgress(stderr)
	defer progress.Clear()
	runner := link.Runner{Radio: r, Flush: flushTime, OnSeq: state.SetSeq, Log: func(e link.Event) error {
		if e.Kind == link.EventAckReceived {
			progress.Update("windows acknowledged", out.meter.Metrics().Acked, 0)
		}
		return out.log(e)
	}}
	fmt.Fprintf(stdout, "sending %s over %s, SEQ from %d, window_id from %d\n", s.Codec.ID(), s.Timing.PHY.ID(), cfg.FirstSeq, windower.NextID)
	err = runner.Send(runCtx, sender, func(context.Context) (link.Outbound, error) {
		w, err, ok := next()
		if !ok {
			return link.Outbound{}, io.EOF
		}
		if err != nil {
			return link.Outbound{}, err
		}
		// The data set first, then the id: neither is used twice, whenever this
		// process is killed.
		if err := out.write(w); err != nil {
			return link.Outbound{}, err
		}
		return link.Outbound{ID: w.ID, SensorMs: w.TsMs, Values: w.Values}, state.SetWindowID(w.ID + 1)
	})
	progress.Clear()
	if err != nil && runCtx.Err() == nil {
		return err
	}
	m := out.meter.Metrics()
	PrintTX(stdout, m)
	fmt.Fprintf(stdout, "log: %s\n", out.path())
	if m.Windows == 0 && err == nil {
		return fmt.Errorf("%s: found too few samples for a window of %d", sampler.path, s.Spec.Window.W)
	}
	return out.close()
}

// Percent writes a change in percent.
func Percent(pct float64) string {
	if math.Abs(pct) < 0.05 {
		return "the same"
	}
	return fmt.Sprintf("%+.1f %%", pct)
}

// PrintTX writes what a sender's log tells.
func PrintTX(w io.Writer, m runlog.Metrics) {
	cli.Table(w,
		fmt.Sprintf("windows\t%d", m.Windows),
		fmt.Sprintf("  acknowledged\t%d", m.Acked),
		fmt.Sprintf("  given up\t%d", m.Failed),
		fmt.Sprintf("  dropped by the queue\t%d", m.Dropped),
		fmt.Sprintf("frames sent\t%d", m.Sent),
		fmt.Sprintf("  retries\t%d", m.Retries),
		fmt.Sprintf("bursts that were no frame\t%d", m.ParseFails),
		fmt.Sprintf("ETX\t%.3f", m.ETX),
		fmt.Sprintf("airtime, estimated\t%.3f s", m.AirtimeS),
		fmt.Sprintf("last sending to ACK, median\t%.1f ms", m.RTTMs.P50),
		fmt.Sprintf("offering to ACK, median\t%.1f ms", m.EndToEndMs.P50),
		fmt.Sprintf("encoding, mean\t%.3f ms", m.EncodeMs.Mean),
	)
}

// PrintRX writes what a receiver's log tells.
func PrintRX(w io.Writer, m runlog.Metrics) {
	cli.Table(w,
		fmt.Sprintf("frames received\t%d", m.RxOK),
		fmt.Sprintf("  repeated\t%d", m.RxRepeated),
		fmt.Sprintf("  refused by the codec\t%d", m.ReconFailed),
		fmt.Sprintf("windows delivered\t%d", m.Delivered),
		fmt.Sprintf("bursts that were no frame\t%d", m.ParseFails),
		fmt.Sprintf("ACKs sent\t%d", m.AcksSent),
		fmt.Sprintf("airtime of ACKs, estimated\t%.3f s", m.AckAirtimeS),
	)
}
