package runreport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/goccy/go-yaml"

	"github.com/loralink/loralink-go/internal/table"
)

// EnergyReport holds the energies of runs. Its JSON is the reference's phase 4 report.
type EnergyReport struct {
	Method any          `json:"method"` // how the power was measured, as the energy record says it; nil if it does not
	Runs   []*RunEnergy `json:"runs"`
}

// RunEnergy is the energy of a run: its sender's mean power times its duration.
type RunEnergy struct {
	RunID     string  `json:"run_id"`
	PowerW    float64 `json:"avg_power_w"`
	DurationS float64 `json:"duration_s"`
	EnergyJ   float64 `json:"energy_j"`
	Delivered int     `json:"delivered_count"` // windows acknowledged
	Sent      int     `json:"sent_count"`      // data frames
	// The energies per window and per frame are nil if there are none.
	PerDelivered *float64 `json:"energy_per_delivered_window_j"`
	PerSent      *float64 `json:"energy_per_tx_attempt_j"`
	Notes        any      `json:"notes"` // of the energy record
}

// maxEnergyRecord is the largest size of an energy record in bytes.
const maxEnergyRecord = 1 << 20

// OpenEnergy reads an energy record and returns the energies of the runs that it names,
// which must be in the set. Errors wrap [ErrReport]. See [ReadEnergy] for the format.
func OpenEnergy(path string, set *Set) (*EnergyReport, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("runreport: %w", err)
	}
	defer f.Close()
	return ReadEnergy(f, path, set)
}

// ReadEnergy does the same as [OpenEnergy] for a reader. File is the name for errors.
// The record is YAML, or JSON with the same keys; method, notes and other keys are
// optional:
//
//	method: {equipment: INA219, sampling_hz: 10}
//	runs:
//	  - {run_id: walk_raw_tx, avg_power_w: 0.5, duration_s: 60, notes: cold}
func ReadEnergy(r io.Reader, file string, set *Set) (*EnergyReport, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxEnergyRecord+1))
	if err != nil {
		return nil, fmt.Errorf("runreport: %s: %w", file, err)
	}
	if len(data) > maxEnergyRecord {
		return nil, unusable(file, "found more than %d bytes, want an energy record", maxEnergyRecord)
	}
	// YAML aliases can make a small file large.
	if bytes.ContainsRune(data, '&') && bytes.ContainsRune(data, '*') {
		return nil, unusable(file, "found an alias, want none")
	}
	var record struct {
		Method any `yaml:"method"`
		Runs   []struct {
			RunID     any `yaml:"run_id"`
			PowerW    any `yaml:"avg_power_w"`
			DurationS any `yaml:"duration_s"`
			Notes     any `yaml:"notes"`
		} `yaml:"runs"`
	}
	if err := yaml.Unmarshal(data, &record); err != nil {
		return nil, unusable(file, "found no energy record, want the key runs with run_id, avg_power_w and duration_s: %s", yaml.FormatError(err, false, false))
	}
	if len(record.Runs) == 0 {
		return nil, unusable(file, "found no runs, want the key runs with run_id, avg_power_w and duration_s")
	}
	rep := &EnergyReport{Method: record.Method}
	for i, r := range record.Runs {
		id := fmt.Sprint(r.RunID)
		run := set.Run(id)
		if r.RunID == nil || run == nil {
			return nil, unusable(file, "runs[%d].run_id: found %s, want one of %s as in the metrics", i, id, runIDs(set))
		}
		if rep.Run(id) != nil {
			return nil, unusable(file, "runs[%d].run_id: found %s twice, want each run once", i, id)
		}
		e := &RunEnergy{RunID: id, Notes: r.Notes, Delivered: run.Metrics.Acked, Sent: run.Metrics.Sent}
		if e.PowerW, err = measured(r.PowerW); err != nil {
			return nil, unusable(file, "runs[%d].avg_power_w: %w watts", i, err)
		}
		if e.DurationS, err = measured(r.DurationS); err != nil {
			return nil, unusable(file, "runs[%d].duration_s: %w seconds", i, err)
		}
		e.EnergyJ = e.PowerW * e.DurationS
		e.PerDelivered, e.PerSent = per(e.EnergyJ, e.Delivered), per(e.EnergyJ, e.Sent)
		rep.Runs = append(rep.Runs, e)
	}
	if err := jsonable(rep); err != nil {
		return nil, unusable(file, "%w", err)
	}
	return rep, nil
}

// jsonable reports what a person may write in YAML that JSON cannot hold.
func jsonable(v any) error {
	_, err := json.Marshal(v)
	return err
}

// measured returns a number of a record, which must be positive.
func measured(v any) (float64, error) {
	var x float64
	switch v := v.(type) {
	case float64:
		x = v
	case uint64:
		x = float64(v)
	case int64:
		x = float64(v)
	default:
		return 0, fmt.Errorf("found %v, want the measured number of", v)
	}
	if !(x > 0 && x < 1e12) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("found %v, want a positive number of", v)
	}
	return x, nil
}

// per returns energy/n, or nil if n is 0.
func per(energy float64, n int) *float64 {
	if n == 0 {
		return nil
	}
	x := energy / float64(n)
	return &x
}

// Run returns the energy of the run of that run_id, or nil.
func (r *EnergyReport) Run(id string) *RunEnergy {
	if r == nil {
		return nil
	}
	for _, e := range r.Runs {
		if e.RunID == id {
			return e
		}
	}
	return nil
}

// OpenEnergyReport reads a report that was written as JSON, here or by the reference.
// Errors wrap [ErrReport].
func OpenEnergyReport(path string) (*EnergyReport, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("runreport: %w", err)
	}
	defer f.Close()
	data, err := readAll(f, path)
	if err != nil {
		return nil, err
	}
	rep := new(EnergyReport)
	if err := json.Unmarshal(data, rep); err != nil {
		return nil, unusable(path, "found no phase 4 report: %w", err)
	}
	if len(rep.Runs) == 0 || rep.Runs[0] == nil || rep.Runs[0].RunID == "" {
		return nil, unusable(path, "found no runs, want a phase 4 report")
	}
	return rep, nil
}

// WriteTable writes the runs side by side.
func (r *EnergyReport) WriteTable(w io.Writer) {
	t := table.NewColumns(r.Runs...)
	joules := func(v *float64) string {
		if v == nil {
			return "-"
		}
		return table.Digits(*v) + " J"
	}
	t.Row("", func(e *RunEnergy) string { return e.RunID })
	t.Row("mean power", func(e *RunEnergy) string { return table.Digits(e.PowerW) + " W" })
	t.Row("duration", func(e *RunEnergy) string { return table.Digits(e.DurationS) + " s" })
	t.Row("energy", func(e *RunEnergy) string { return joules(&e.EnergyJ) })
	t.Row("  per delivered window", func(e *RunEnergy) string { return joules(e.PerDelivered) })
	t.Row("  per frame sent", func(e *RunEnergy) string { return joules(e.PerSent) })
	t.Write(w)
}
