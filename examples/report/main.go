// Report summarises a run from its logs: delivery, retries, latency and time on air;
// energy, if there is a power record; the errors of the delivered windows, if there is
// the data set that was sent. It compares the run with a baseline run.
//
//	go run ./examples/report --tx out/runtime/walk_sf7_tx.jsonl --rx out/runtime/walk_sf7_rx.jsonl \
//	    --dataset out/sent.jsonl --bam-manifest out/models/b/bam_manifest.json --out out/report.json --plots out/plots
package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/runlog/record"
	"github.com/loralink/loralink-go/radio/runlog/runplot"
	"github.com/loralink/loralink-go/radio/runlog/runreport"
)

func main() { cli.Main("report", run) }

const summary = `Report summarises a run from its logs: delivery, latency, time on air, energy, and the errors of the delivered
windows. One of --tx and --rx is enough; figures that need the other one are then left out. A comparison with a
baseline run is optional.`

type flags struct {
	run, baseline     runlog.Files
	dataset, manifest string
	out, plots        string
	record, recordOut string
}

func parse(args []string, stdout io.Writer) (*flags, error) {
	var f flags
	fs := cli.NewFlags("report", "go run ./examples/report --tx out/runtime/walk_sf7_tx.jsonl --rx out/runtime/walk_sf7_rx.jsonl", summary)
	fs.StringVar(&f.run.TX, "tx", "", "log of the sender")
	fs.StringVar(&f.run.RX, "rx", "", "log of the receiver")
	fs.StringVar(&f.run.Power, "power", "", "power record of the sender: CSV with ts_ms and power_mw, or ts_ms, volts and amps")
	fs.StringVar(&f.baseline.TX, "baseline-tx", "", "log of the baseline run's sender")
	fs.StringVar(&f.baseline.RX, "baseline-rx", "", "log of the baseline run's receiver")
	fs.StringVar(&f.baseline.Power, "baseline-power", "", "power record of the baseline run")
	fs.StringVar(&f.dataset, "dataset", "", "data set of the windows sent, for the errors: .npy and .npz are numpy's, anything else JSONL")
	fs.StringVar(&f.manifest, "bam-manifest", "", "model manifest, whose standard deviations the zscored errors are divided by; unset: those of --dataset")
	fs.StringVar(&f.out, "out", "", "file for the report as JSON")
	fs.StringVar(&f.plots, "plots", "", "folder for the plots delivery.png and latency.png")
	fs.StringVar(&f.record, "record", "", "template of a record to fill in, such as examples/records/run.md or phase1.yaml")
	fs.StringVar(&f.recordOut, "record-out", "", "file for the filled record")
	if err := cli.Parse(fs, args, stdout, "tx"); err != nil {
		return nil, err
	}
	switch {
	case f.run.TX == "" && f.run.RX == "":
		return nil, cli.Usagef("want --tx FILE or --rx FILE, or both")
	case f.plots != "" && f.run.TX == "":
		return nil, cli.Usagef("--plots needs the sender's log, want --tx FILE")
	case !f.hasBaseline() && f.baseline.Power != "":
		return nil, cli.Usagef("--baseline-power needs --baseline-tx or --baseline-rx")
	case f.manifest != "" && f.dataset == "":
		return nil, cli.Usagef("--bam-manifest needs --dataset")
	case (f.record == "") != (f.recordOut == ""):
		return nil, cli.Usagef("want --record and --record-out together")
	}
	return &f, nil
}

func (f *flags) hasBaseline() bool { return f.baseline.TX != "" || f.baseline.RX != "" }

func run(_ context.Context, args []string, stdout, stderr io.Writer) error {
	f, err := parse(args, stdout)
	if err != nil {
		return err
	}
	var series runplot.Series
	settings := &runreport.Settings{Dataset: f.dataset, OnEntry: series.Add, Warn: cli.Warn(stderr)}
	if f.manifest != "" {
		model, err := artifacts.Load(f.manifest)
		if err != nil {
			return cli.ModelHint(err, "another --bam-manifest")
		}
		if settings.Std = model.DataStd(); settings.Std == nil {
			return fmt.Errorf("%s: found a model without norm.json, want one with it", f.manifest)
		}
	}
	var baseline *runlog.Files
	if f.hasBaseline() {
		baseline = &f.baseline
	}
	report, err := runreport.New(f.run, baseline, settings)
	if err != nil {
		return err
	}
	if err := cli.WriteJSON(f.out, report); err != nil {
		return err
	}
	if f.plots != "" {
		if err := series.Save(f.plots); err != nil {
			return err
		}
	}
	if f.record != "" {
		filled, err := f.fill(report)
		if err != nil {
			return err
		}
		if err := cli.WriteFile(f.recordOut, filled); err != nil {
			return err
		}
	}
	report.WriteTable(stdout)
	if text := report.Run.Metrics.Warning(); text != "" {
		fmt.Fprintf(stderr, "warning: %s\n", text)
	}
	return nil
}

// fill fills in the record: a template of phase 0, 1 or 4 if it is YAML.
func (f *flags) fill(report *runreport.Report) ([]byte, error) {
	if ext := filepath.Ext(f.record); ext != ".yaml" && ext != ".yml" {
		return report.FillRecord(f.record)
	}
	template, err := record.Load(f.record)
	if err != nil {
		return nil, err
	}
	values := record.OfRun(&report.Run.Run)
	values.Merge(record.OfSignals(f.run.TX, f.run.RX))
	if f.dataset != "" {
		values["outputs.dataset_raw"] = filepath.ToSlash(f.dataset)
	}
	if f.out != "" {
		values["outputs.metrics"], values["logs.metrics"] = filepath.ToSlash(f.out), filepath.ToSlash(f.out)
	}
	filled, _, err := record.Fill(template, values)
	return filled, err
}
