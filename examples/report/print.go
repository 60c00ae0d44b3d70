package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/template"
	"time"

	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/internal/station"
	"github.com/loralink/loralink-go/radio/runlog"
)

func (r *report) print(w io.Writer) {
	runs := []*runReport{r.Run}
	head := "\t" + r.Run.RunID
	if r.Baseline != nil {
		runs = append(runs, r.Baseline)
		head += "\tbaseline " + r.Baseline.RunID
	}
	fmt.Fprintf(w, "%s, %s\n\n", r.Run.PHYID, r.Run.Mode)
	rows := []string{head}
	row := func(name, format string, figure func(*runReport) any) {
		line := name
		for _, run := range runs {
			if x := figure(run); x != nil {
				line += "\t" + fmt.Sprintf(format, x)
			} else {
				line += "\t-"
			}
		}
		rows = append(rows, line)
	}
	sent := func(figure func(m runlog.Metrics) any) func(*runReport) any {
		return func(r *runReport) any {
			if r.TX == "" {
				return nil
			}
			return figure(r.Metrics)
		}
	}
	received := func(figure func(m runlog.Metrics) any) func(*runReport) any {
		return func(r *runReport) any {
			if r.RX == "" {
				return nil
			}
			return figure(r.Metrics)
		}
	}
	row("windows", "%d", sent(func(m runlog.Metrics) any { return m.Windows }))
	row("  delivered", "%d", func(r *runReport) any { return r.Metrics.Delivered })
	row("  acknowledged", "%d", sent(func(m runlog.Metrics) any { return m.Acked }))
	row("  given up", "%d", sent(func(m runlog.Metrics) any { return m.Failed }))
	row("  dropped by the queue", "%d", sent(func(m runlog.Metrics) any { return m.Dropped }))
	row("delivery ratio", "%.4f", sent(func(m runlog.Metrics) any { return m.DeliveryRatio }))
	row("frames sent", "%d", sent(func(m runlog.Metrics) any { return m.Sent }))
	row("  retries", "%d", sent(func(m runlog.Metrics) any { return m.Retries }))
	row("frames received", "%d", received(func(m runlog.Metrics) any { return m.RxOK }))
	row("  repeated", "%d", received(func(m runlog.Metrics) any { return m.RxRepeated }))
	row("  refused by the codec", "%d", received(func(m runlog.Metrics) any { return m.ReconFailed }))
	parseFails := "bursts that were no frame"
	if r.Run.TX != "" && r.Run.RX != "" {
		parseFails += ", both ends"
	}
	row(parseFails, "%d", func(r *runReport) any { return r.Metrics.ParseFails })
	row("PDR", "%.4f", sent(func(m runlog.Metrics) any { return m.PDR }))
	row("ETX", "%.3f", sent(func(m runlog.Metrics) any { return m.ETX }))
	row("payload, mean", "%.1f B", sent(func(m runlog.Metrics) any { return m.PayloadMean }))
	row("airtime, estimated", "%.3f s", sent(func(m runlog.Metrics) any { return m.AirtimeS }))
	row("airtime of ACKs, estimated", "%.3f s", received(func(m runlog.Metrics) any { return m.AckAirtimeS }))
	row("last sending to ACK, median", "%.1f ms", sent(func(m runlog.Metrics) any { return m.RTTMs.P50 }))
	row("offering to ACK, median", "%.1f ms", sent(func(m runlog.Metrics) any { return m.EndToEndMs.P50 }))
	row("offering to ACK, 95 %", "%.1f ms", sent(func(m runlog.Metrics) any { return m.EndToEndMs.P95 }))
	if r.Run.Starts > 2 { // once at each end

		row("starts of the programs", "%d", func(r *runReport) any { return r.Starts })
	}
	row("first to last event", "%v", func(r *runReport) any {
		return time.Duration(r.Metrics.DurationS * float64(time.Second)).Round(time.Millisecond)
	})
	if r.Run.Energy != nil {
		energyOf := func(figure func(*energy) float64) func(*runReport) any {
			return func(r *runReport) any {
				if r.Energy == nil {
					return nil
				}
				return cli.Digits(figure(r.Energy))
			}
		}
		row("energy", "%s J", energyOf(func(e *energy) float64 { return e.Joules }))
		row("energy a delivered window", "%s J", energyOf(func(e *energy) float64 { return e.JoulesPerDelivered }))
	}
	if r.Run.Reconstruction != nil {
		rebuilt := func(figure func(*reconstruction) any) func(*runReport) any {
			return func(r *runReport) any {
				if r.Reconstruction == nil {
					return nil
				}
				return figure(r.Reconstruction)
			}
		}
		row("windows compared", "%d", rebuilt(func(r *reconstruction) any { return r.Windows }))
		row("zscored.mse, by the "+r.Run.Reconstruction.ZScoredBy, "%s", rebuilt(func(r *reconstruction) any { return cli.Digits(r.ZScored.MSE) }))
		for _, g := range []struct{ name, unit string }{{"gps", " (deg, deg and m)"}, {"accel", " m/s²"}, {"gyro", " deg/s"}, {"rpy", " deg"}} {
			if r.Run.Reconstruction.ByGroup != nil {
				row("mean error, "+g.name, "%s"+g.unit, rebuilt(func(r *reconstruction) any { return cli.Digits(r.ByGroup[g.name].MAE) }))
			}
		}
	}
	cli.Table(w, rows...)
	if c := r.Comparison; c != nil {
		fmt.Fprintf(w, "\nAgainst the baseline: PDR %s, ETX %s, airtime %s",
			station.Percent(c.PDRImprovePct), station.Percent(-c.ETXReducePct), station.Percent(-c.AirtimeReducePct))
		if c.EnergyReducePct != nil {
			fmt.Fprintf(w, ", energy %s", station.Percent(-*c.EnergyReducePct))
		}
		fmt.Fprintln(w)
	}
}

// fill fills a record template. What the report knows of the run is offered as
// {{field "name"}}; what it does not know becomes a line to write on.
func (r *report) fill(templatePath, out string) error {
	text, err := os.ReadFile(templatePath)
	if err != nil {
		return err
	}
	run := r.Run
	var spec struct {
		Window struct {
			W, Stride int
			SampleHz  float64 `json:"sample_hz"`
		} `json:"window"`
		Codec struct{ ID, Version string } `json:"codec"`
		TX    struct {
			MaxRetries int `json:"max_retries"`
		} `json:"tx"`
	}
	const blank = "________"
	known := map[string]string{
		"run_id": run.RunID, "mode": run.Mode, "phy_id": run.PHYID,
		"start": time.UnixMilli(run.firstMs).UTC().Format(time.RFC3339), "end": time.UnixMilli(run.lastMs).UTC().Format(time.RFC3339),
		"tx_log": run.TX, "rx_log": run.RX, "power_record": run.Power,
		"duration_s": cli.Digits(run.Metrics.DurationS), "delivered": fmt.Sprint(run.Metrics.Delivered),
		"parse_fails": fmt.Sprint(run.Metrics.ParseFails),
	}
	if run.spec != nil && json.Unmarshal(run.spec, &spec) == nil {
		known["codec"] = spec.Codec.ID + " " + spec.Codec.Version
		known["window"] = fmt.Sprintf("W %d, stride %d, %g Hz", spec.Window.W, spec.Window.Stride, spec.Window.SampleHz)
		known["max_retries"] = fmt.Sprint(spec.TX.MaxRetries)
	}
	if m := run.Metrics; run.TX != "" {
		known["windows"], known["sent"], known["retries"] = fmt.Sprint(m.Windows), fmt.Sprint(m.Sent), fmt.Sprint(m.Retries)
		known["pdr"], known["etx"] = fmt.Sprintf("%.4f", m.PDR), fmt.Sprintf("%.3f", m.ETX)
		known["payload_bytes"] = cli.Digits(m.PayloadMean)
		known["airtime_s"] = fmt.Sprintf("%.3f", m.AirtimeS)
		known["e2e_ms"] = fmt.Sprintf("%.1f", m.EndToEndMs.P50)
	}
	if run.Energy != nil {
		known["joules"] = cli.Digits(run.Energy.Joules)
	}
	if run.Reconstruction != nil {
		known["zscored_mse"] = cli.Digits(run.Reconstruction.ZScored.MSE) + " (deviations of the " + run.Reconstruction.ZScoredBy + ")"
	}
	t, err := template.New(templatePath).Funcs(template.FuncMap{"field": func(name string) string {
		if v := strings.TrimSpace(known[name]); v != "" {
			return v
		}
		return blank
	}}).Parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", templatePath, err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, nil); err != nil {
		return fmt.Errorf("%s: %w", templatePath, err)
	}
	return write(out, b.Bytes())
}
