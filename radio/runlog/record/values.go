package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/runlog/runreport"
	"github.com/loralink/loralink-go/radio/sim/study"
)

// OfDate returns the date for the names of records, in place of YYYYMMDD.
func OfDate(t time.Time) Values { return Values{dateKey: t.UTC().Format("20060102")} }

// OfRun returns what the logs of a run say: for records of phases 0, 1 and 4.
func OfRun(r *runlog.Run) Values {
	v := OfDate(r.First)
	set := func(value any, keys ...string) {
		for _, key := range keys {
			v[key] = value
		}
	}
	m := r.Metrics
	set(r.RunID, "run_id", "runs.0.run_id")
	set(r.Mode, "mode")
	set(r.PHYID, "phy_id")
	if r.TX != "" {
		set(filepath.ToSlash(r.TX), "logs.tx_log", "outputs.tx_log")
		set(m.Sent, "results.tx_sent")
		set(m.Windows, "results.windows_logged")
		set(m.Acked, "results.ack_received")
		set(m.ETX, "results.etx")
		set(m.TimeOnAirS, "results.airtime_s")
		if m.PayloadMean == math.Trunc(m.PayloadMean) {
			set(int(m.PayloadMean), "payload_bytes")
		} else {
			set(m.PayloadMean, "payload_bytes")
		}
		set(m.PDR, "results.pdr")
	}
	if r.RX != "" {
		set(filepath.ToSlash(r.RX), "logs.rx_log", "outputs.rx_log")
		set(m.RxOK, "results.rx_ok")
	}
	set(m.DurationS, "runs.0.duration_s")
	if r.Energy != nil {
		set(r.Energy.MeanWatts, "runs.0.avg_power_w")
		set("power record "+filepath.ToSlash(r.Power), "method.notes")
	}
	v.Merge(ofRunSpec(r.RunSpec))
	return v
}

// ofRunSpec returns what the RunSpec of a run says.
func ofRunSpec(spec json.RawMessage) Values {
	v := Values{}
	var node map[string]any
	if json.Unmarshal(spec, &node) != nil {
		return v
	}
	copyScalars(v, node, "phy", "phy", "sf", "bw_hz", "cr", "preamble", "crc_on", "explicit_header", "tx_power_dbm", "ldro")
	copyScalars(v, node, "window", "window", "dims", "W", "stride", "sample_hz")
	if tx, ok := node["tx"].(map[string]any); ok {
		if n, ok := tx["max_windows"].(float64); ok {
			v["target.windows"] = n
		}
	}
	if path, ok := node["artifacts_manifest"].(string); ok {
		v["runspecs.manifest"] = path
	}
	return v
}

// copyScalars copies members of an object that are no objects.
func copyScalars(dst Values, node map[string]any, object, prefix string, keys ...string) {
	members, _ := node[object].(map[string]any)
	for _, key := range keys {
		switch x := members[key].(type) {
		case string, bool, float64:
			dst[prefix+"."+key] = x
		}
	}
}

// OfSignals returns the weakest and the strongest signal of logs, if they have any.
func OfSignals(paths ...string) Values {
	lo, hi, found := 0, 0, false
	for _, path := range paths {
		for e, err := range runlog.OpenEntries(path) {
			if err != nil || !e.HasRSSI {
				continue // OpenRun reports lines that are not an event
			}
			if !found {
				lo, hi, found = e.RSSIdBm, e.RSSIdBm, true
			}
			lo, hi = min(lo, e.RSSIdBm), max(hi, e.RSSIdBm)
		}
	}
	if !found {
		return Values{}
	}
	return Values{"results.rssi_dbm_min": lo, "results.rssi_dbm_max": hi}
}

// OfPhase0 returns what a simulated search for a profile found, for a record of phase 0.
func OfPhase0(r *study.Phase0Report) Values {
	v := Values{"results.c50_found": r.Selected != nil}
	if r.Selected == nil {
		return v
	}
	var node map[string]any
	if json.Unmarshal(r.Selected.PHY, &node) == nil {
		copyScalars(v, map[string]any{"phy": node}, "phy", "phy", "sf", "bw_hz", "cr", "preamble", "crc_on", "explicit_header", "tx_power_dbm", "ldro")
	}
	m := r.Selected.Metrics
	v["phy_id"], v["results.pdr"], v["results.tx_sent"], v["results.ack_received"] = r.Selected.ID, m.PDR, m.Sent, m.Acked
	return v
}

// OfSet returns the run_ids of several runs, for records of phases 3 and 4: of those that
// sent frames. Report is the path of the report that was read, "" if it is unknown.
func OfSet(set *runreport.Set, baseline, report string) (Values, error) {
	v := Values{}
	if set.Run(baseline) == nil {
		return nil, fmt.Errorf("%w: found no run %s in the report", ErrRecord, baseline)
	}
	v["baseline.run_id"] = baseline
	n := 0
	for _, r := range set.Runs {
		if r.Metrics.Sent == 0 {
			continue
		}
		v[fmt.Sprintf("runs.%d.run_id", n)] = r.RunID
		n++
	}
	i := 0
	for _, r := range set.Runs {
		if r.Metrics.Sent > 0 && r.RunID != baseline {
			v[fmt.Sprintf("variants.%d.run_id", i)] = r.RunID
			i++
		}
	}
	if report != "" {
		v["results.reports"] = []string{filepath.ToSlash(report)}
	}
	return v, nil
}

// OfTraining returns what a model's folder says, like OfModel, with the errors that were
// measured after the training.
func OfTraining(path, dataset string, e *quality.Evaluation) (Values, error) {
	v, err := OfModel(path, dataset, "")
	if err != nil {
		return nil, err
	}
	v["results.mae"], v["results.mse"], v["results.zscored_mse"] = e.Overall.MAE, e.Overall.MSE, e.ZScored.MSE
	v.Merge(OfDate(time.Now()))
	return v, nil
}

// OfModel returns what a model's folder says, for a record of training. Path is that of
// the folder or of its bam_manifest.json. Dataset is the path of the data set, and eval
// that of a report of examples/eval; either may be empty.
func OfModel(path, dataset, eval string) (Values, error) {
	manifest := path
	if filepath.Ext(path) != ".json" {
		manifest = filepath.Join(path, artifacts.ManifestFile)
	}
	m, err := artifacts.LoadManifest(manifest)
	if err != nil {
		return nil, err
	}
	dir := filepath.ToSlash(filepath.Dir(manifest))
	v := Values{
		"model.model_id": filepath.Base(filepath.Dir(manifest)), "model.model_format": m.ModelFormat, "model.latent_dim": m.LatentDim,
		"model.delta": m.DeltaOrZero(), "packing.type": string(m.Packing),
		"artifacts.model_dir": dir, "artifacts.manifest_path": filepath.ToSlash(manifest),
		"window.dims": m.Window().Dims, "window.W": m.Window().W, "window.stride": m.Window().Stride,
	}
	var layers []string
	files, err := filepath.Glob(filepath.Join(filepath.Dir(manifest), "layer_*.npz"))
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	for i := range files {
		layers = append(layers, artifacts.LayerFile(i))
	}
	slices.Sort(layers)
	v["model.layers"], v["artifacts.layer_files"] = len(layers), layers
	if m.Scale != nil {
		v["packing.scale"] = *m.Scale
	}
	if norm, err := filepath.Glob(filepath.Join(filepath.Dir(manifest), artifacts.NormFile)); err == nil && len(norm) > 0 {
		v["preprocessing.norm_path"] = filepath.ToSlash(norm[0])
	}
	if dataset != "" {
		v["dataset.path"] = filepath.ToSlash(dataset)
	}
	if eval != "" {
		e, err := openEvaluation(eval)
		if err != nil {
			return nil, err
		}
		v["results.mae"], v["results.mse"] = e.Overall.MAE, e.Overall.MSE
		if e.ZScored != (quality.Errors{}) {
			v["results.zscored_mse"] = e.ZScored.MSE
		}
	}
	return v, nil
}

// openEvaluation reads a report of examples/eval, or of the reference.
func openEvaluation(path string) (*quality.Evaluation, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	var has struct {
		Overall *quality.Errors `json:"overall"`
	}
	e := new(quality.Evaluation)
	if err := errors.Join(json.Unmarshal(text, &has), json.Unmarshal(text, e)); err != nil {
		return nil, fmt.Errorf("record: %s: found no evaluation: %w", path, err)
	}
	if has.Overall == nil {
		return nil, fmt.Errorf("record: %s: found no overall, want an evaluation by examples/eval", path)
	}
	return e, nil
}

// OfRegisters returns what a module's registers say, for a record of the UART and for
// one of phase 0.
func OfRegisters(r e22.Registers) Values {
	v := Values{
		"uart.baud": r.BaudRate, "uart.parity": strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(r.Parity), "8"), "1"),
		"e22_p2p.tx_power_dbm": r.PowerDBm,
	}
	phy := r.PHY()
	preset := -1
	for i, a := range radio.AirDataRates() {
		if rate, err := strconv.ParseFloat(strings.TrimSuffix(a.Name, "k"), 64); err == nil && int(math.Round(rate*1000)) == r.AirDataRate {
			preset = i
			v["e22_p2p.air_data_rate"] = a.Name + "bps"
		}
	}
	for _, group := range []string{"uart", "e22_p2p"} {
		v[group+".channel"], v[group+".address"], v[group+".netid"] = r.Channel, int(r.Address), int(r.NetID)
		v[group+".air_speed_preset"] = preset
		v[group+".crc_on"], v[group+".preamble"] = phy.CRC, phy.Preamble
	}
	v["e22_p2p.sf"], v["e22_p2p.bw_hz"], v["e22_p2p.cr"] = phy.SF, phy.BandwidthHz, fmt.Sprintf("4/%d", phy.CodingRate+4)
	return v
}
