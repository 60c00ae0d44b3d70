// Report makes one report of a run's logs: delivery, retries, latency and
// airtime, energy where there is a power record, the errors of the delivered
// windows where there is the data set they came from, and all of it against a
// baseline run.
//
//	go run ./examples/report --tx out/runtime/walk_sf7_tx.jsonl --rx out/runtime/walk_sf7_rx.jsonl \
//	    --dataset out/sent.jsonl --bam-manifest out/models/b/bam_manifest.json --out out/report.json --plots out/plots
package main

import (
	"context"
	"fmt"
	"io"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/runlog/runplot"
	"github.com/loralink/loralink-go/radio/runlog/runreport"
)

func main() { cli.Main("report", run) }

const summary = `Report sums up a run from its logs: delivery, latency, airtime, energy, and the errors of the
delivered windows. One of --tx and --rx is enough; figures that need both are then left out.`

type options struct {
	run, baseline     runlog.Files
	dataset, manifest string
	out, plots        string
	record, recordOut string
}

func parse(args []string, stdout io.Writer) (*options, error) {
	var o options
	fs := cli.NewFlags("report", summary)
	fs.StringVar(&o.run.TX, "tx", "", "log of the sender")
	fs.StringVar(&o.run.RX, "rx", "", "log of the receiver")
	fs.StringVar(&o.run.Power, "power", "", "power record of the sender: CSV with ts_ms and power_mw, or ts_ms, volts and amps")
	fs.StringVar(&o.baseline.TX, "baseline-tx", "", "log of the baseline run's sender")
	fs.StringVar(&o.baseline.RX, "baseline-rx", "", "log of the baseline run's receiver")
	fs.StringVar(&o.baseline.Power, "baseline-power", "", "power record of the baseline run")
	fs.StringVar(&o.dataset, "dataset", "", "dataset_raw.jsonl of the windows sent, for errors")
	fs.StringVar(&o.manifest, "bam-manifest", "", "model whose standard deviations the zscored errors are divided by; unset: those of --dataset")
	fs.StringVar(&o.out, "out", "", "file for the report as JSON")
	fs.StringVar(&o.plots, "plots", "", "folder for plots")
	fs.StringVar(&o.record, "record", "", "record template to fill in, as examples/records/run.md")
	fs.StringVar(&o.recordOut, "record-out", "", "file for the filled record")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	switch {
	case o.run.TX == "" && o.run.RX == "":
		return nil, cli.Usagef("want --tx or --rx, or both")
	case o.plots != "" && o.run.TX == "":
		return nil, cli.Usagef("--plots shows the sender's log, want --tx")
	case !o.hasBaseline() && o.baseline.Power != "":
		return nil, cli.Usagef("--baseline-power without --baseline-tx or --baseline-rx")
	case o.manifest != "" && o.dataset == "":
		return nil, cli.Usagef("--bam-manifest without --dataset")
	case (o.record == "") != (o.recordOut == ""):
		return nil, cli.Usagef("want --record and --record-out together")
	}
	return &o, nil
}

func (o *options) hasBaseline() bool { return o.baseline.TX != "" || o.baseline.RX != "" }

func run(_ context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	var series runplot.Series
	settings := &runreport.Settings{Dataset: o.dataset, OnEntry: series.Add, Warn: cli.Warn(stderr)}
	if o.manifest != "" {
		model, err := artifacts.Load(o.manifest)
		if err != nil {
			return err
		}
		if settings.Std = model.DataStd(); settings.Std == nil {
			return fmt.Errorf("%s: found no norm, want a model that has one", o.manifest)
		}
	}
	var baseline *runlog.Files
	if o.hasBaseline() {
		baseline = &o.baseline
	}
	report, err := runreport.New(o.run, baseline, settings)
	if err != nil {
		return err
	}
	if err := cli.WriteJSON(o.out, report); err != nil {
		return err
	}
	if o.plots != "" {
		if err := series.Save(o.plots); err != nil {
			return err
		}
	}
	if o.record != "" {
		record, err := report.FillRecord(o.record)
		if err != nil {
			return err
		}
		if err := cli.WriteFile(o.recordOut, record); err != nil {
			return err
		}
	}
	report.WriteTable(stdout)
	return nil
}
