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
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/internal/atomicfile"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
)

func main() { cli.Main("report", run) }

const summary = `Report sums up a run from its logs: delivery, latency, airtime, energy, and the errors of the
delivered windows. One of --tx and --rx is enough; what needs both is left out then.`

type options struct {
	run, baseline     files
	dataset, manifest string
	out, plots        string
	record, recordOut string
}

// files are what a run left.
type files struct {
	TX    string `json:"tx_log,omitempty"`
	RX    string `json:"rx_log,omitempty"`
	Power string `json:"power_record,omitempty"`
}

func (f files) none() bool { return f.TX == "" && f.RX == "" }

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
	fs.StringVar(&o.manifest, "bam-manifest", "", "model whose deviations zscored errors are in, as in its evaluation; without it, the data set's")
	fs.StringVar(&o.out, "out", "", "file for the report as JSON")
	fs.StringVar(&o.plots, "plots", "", "folder for plots")
	fs.StringVar(&o.record, "record", "", "record template to fill in, as examples/records/run.md")
	fs.StringVar(&o.recordOut, "record-out", "", "file for the filled record")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	switch {
	case o.run.none():
		return nil, cli.Usagef("want --tx or --rx, or both")
	case o.baseline.none() && o.baseline.Power != "":
		return nil, cli.Usagef("--baseline-power without --baseline-tx or --baseline-rx")
	case o.manifest != "" && o.dataset == "":
		return nil, cli.Usagef("--bam-manifest without --dataset")
	case (o.record == "") != (o.recordOut == ""):
		return nil, cli.Usagef("want --record and --record-out together")
	}
	return &o, nil
}

// report is what --out holds.
type report struct {
	Run        *runReport         `json:"run"`
	Baseline   *runReport         `json:"baseline,omitempty"`
	Comparison *runlog.Comparison `json:"comparison,omitempty"`
}

// runReport is one run's.
type runReport struct {
	files
	RunID          string          `json:"run_id"`
	Mode           string          `json:"mode"`
	PHYID          string          `json:"phy_id"`
	Starts         int             `json:"starts"`    // of the programs, over both logs
	BadLines       int             `json:"bad_lines"` // torn, or no events
	Metrics        runlog.Metrics  `json:"metrics"`
	Energy         *energy         `json:"energy,omitempty"`
	Reconstruction *reconstruction `json:"reconstruction,omitempty"`

	firstMs, lastMs int64
	spec            json.RawMessage // of the first run_start
	series          series
}

// reconstruction is how far delivered windows are from the sent ones.
type reconstruction struct {
	Windows   int                       `json:"windows"`
	Unmatched int                       `json:"unmatched"` // delivered, and not to be found in the sender's log or the data set
	Overall   quality.Errors            `json:"overall"`
	ZScored   quality.Errors            `json:"zscored"`    // in deviations
	ZScoredBy string                    `json:"zscored_by"` // whose they are: the model's or the dataset's
	ByGroup   map[string]quality.Errors `json:"by_group,omitempty"`
}

func run(_ context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	var std []float64
	if o.manifest != "" {
		model, err := artifacts.Load(o.manifest)
		if err != nil {
			return err
		}
		if std = model.DataStd(); std == nil {
			return fmt.Errorf("%s: found no norm, want a model that has one", o.manifest)
		}
	}
	var rep report
	if rep.Run, err = read(o.run, o.dataset, std, stderr); err != nil {
		return err
	}
	if !o.baseline.none() {
		if rep.Baseline, err = read(o.baseline, o.dataset, std, stderr); err != nil {
			return err
		}
		c := runlog.Compare(rep.Run.Metrics, rep.Baseline.Metrics)
		if rep.Run.Energy != nil && rep.Baseline.Energy != nil {
			c.SetEnergy(rep.Run.Energy.Joules, rep.Baseline.Energy.Joules)
		}
		rep.Comparison = &c
	}
	if o.out != "" {
		b, err := json.MarshalIndent(rep, "", "  ")
		if err != nil {
			return err
		}
		if err := write(o.out, append(b, '\n')); err != nil {
			return err
		}
	}
	if o.plots != "" {
		if err := rep.plot(o.plots); err != nil {
			return err
		}
	}
	if o.record != "" {
		if err := rep.fill(o.record, o.recordOut); err != nil {
			return err
		}
	}
	rep.print(stdout)
	return nil
}

// write replaces a file, in a folder that it makes if need be.
func write(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, b)
}

// read sums up a run. Errors are in deviations std, or in the data set's where
// that is nil.
func read(f files, dataset string, std []float64, stderr io.Writer) (*runReport, error) {
	r := &runReport{files: f}
	var meter runlog.Meter
	var match *matcher // where there is all that it needs
	if dataset != "" && f.TX != "" && f.RX != "" {
		match = new(matcher)
	}
	for _, end := range []struct {
		path string
		role link.Role
	}{{f.TX, link.RoleTX}, {f.RX, link.RoleRX}} {
		if end.path == "" {
			continue
		}
		if err := r.readLog(end.path, end.role, &meter, match, stderr); err != nil {
			return nil, err
		}
	}
	r.Metrics = meter.Metrics()
	if f.Power != "" {
		e, err := integrate(f.Power, r.firstMs, r.lastMs)
		if err != nil {
			return nil, err
		}
		e.perWindow(r.Metrics.Delivered)
		r.Energy = e
	}
	if match != nil {
		var err error
		if r.Reconstruction, err = match.errors(dataset, std, stderr); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// readLog adds one end's events.
func (r *runReport) readLog(path string, role link.Role, meter *runlog.Meter, match *matcher, stderr io.Writer) error {
	events := 0
	var bad error // the first line that is no event
	for e, err := range runlog.OpenEntries(path) {
		if err != nil {
			if !isLogError(err) {
				return err
			}
			if bad == nil {
				bad = err
			}
			r.BadLines++
			continue
		}
		if e.Role != role {
			return fmt.Errorf("%s: an event of role %q, want the log of role %s", path, e.Role, role)
		}
		if r.RunID == "" {
			r.RunID, r.Mode, r.PHYID = e.RunID, e.Mode, e.PHYID
		}
		if e.PHYID != r.PHYID {
			return fmt.Errorf("%s: an event over %s, want %s as before: a report is of one PHY", path, e.PHYID, r.PHYID)
		}
		events++
		if at := e.At.UnixMilli(); events == 1 && r.firstMs == 0 || at < r.firstMs {
			r.firstMs = at
		}
		r.lastMs = max(r.lastMs, e.At.UnixMilli())
		if e.Kind == runlog.EventRunStart {
			r.Starts++
			if raw, ok := e.Start.RunSpec.(json.RawMessage); ok && r.spec == nil {
				r.spec = raw
			}
		}
		meter.Add(role, e.Event)
		if match != nil {
			match.add(role, e.Event)
		}
		r.series.add(e.Event)
	}
	switch {
	case events == 0 && bad != nil:
		return fmt.Errorf("%s: found no events, want the log of a run: %w", path, bad)
	case events == 0:
		return fmt.Errorf("%s: found no events, want the log of a run", path)
	case bad != nil:
		fmt.Fprintf(stderr, "warning: %v; the other lines are used\n", bad)
	}
	return nil
}
