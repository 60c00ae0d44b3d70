package runreport

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/loralink/loralink-go/internal/fielderr"
	"github.com/loralink/loralink-go/internal/table"
)

// ErrSettings is wrapped by errors about settings that are out of range or name a run
// that is not there.
var ErrSettings = errors.New("runreport: invalid settings")

// The default targets of [KPISettings], in percent of the baseline's figures.
const (
	DefaultPDRImprovePct   = 30.0
	DefaultETXReducePct    = 20.0
	DefaultEnergyReducePct = 20.0
)

// KPISettings are the settings of [CheckKPI]. The zero value lacks a baseline. Names
// of flags are those of RegisterFlags.
type KPISettings struct {
	Baseline string   // run_id that the others are compared with. Flag --baseline
	Variants []string // run_ids to check; nil: all that sent frames, but the baseline. Flag --variant
	// The targets are changes in percent of the baseline's figures. nil: the defaults.
	// Flags --pdr-improve-pct, --etx-reduce-pct and --energy-reduce-pct
	PDRImprovePct, ETXReducePct, EnergyReducePct *float64
}

// RegisterFlags adds the flags that the fields mention.
func (s *KPISettings) RegisterFlags(fs *flag.FlagSet) {
	fs.StringVar(&s.Baseline, "baseline", s.Baseline, "run_id that the others are compared with")
	fs.Func("variant", "run_id to check; may be given several times; unset: all runs that sent frames, but the baseline", func(id string) error {
		s.Variants = append(s.Variants, id)
		return nil
	})
	for _, target := range []struct {
		name, usage string
		dst         **float64
		value       float64
	}{
		{"pdr-improve-pct", "least rise of the PDR", &s.PDRImprovePct, DefaultPDRImprovePct},
		{"etx-reduce-pct", "least fall of the ETX", &s.ETXReducePct, DefaultETXReducePct},
		{"energy-reduce-pct", "least fall of the energy per delivered window", &s.EnergyReducePct, DefaultEnergyReducePct},
	} {
		x := target.value
		*target.dst = &x
		fs.Float64Var(*target.dst, target.name, x, target.usage+", in percent of the baseline's")
	}
}

// resolve replaces the targets that are nil, and checks all.
func (s KPISettings) resolve() (KPISettings, error) {
	for _, target := range []struct {
		name  fielderr.Name
		dst   **float64
		value float64
	}{
		{fielderr.Name{Field: "PDRImprovePct", Flag: "pdr-improve-pct"}, &s.PDRImprovePct, DefaultPDRImprovePct},
		{fielderr.Name{Field: "ETXReducePct", Flag: "etx-reduce-pct"}, &s.ETXReducePct, DefaultETXReducePct},
		{fielderr.Name{Field: "EnergyReducePct", Flag: "energy-reduce-pct"}, &s.EnergyReducePct, DefaultEnergyReducePct},
	} {
		if *target.dst == nil {
			*target.dst = &target.value
		}
		if v := **target.dst; math.IsNaN(v) || math.IsInf(v, 0) {
			return s, fielderr.New(ErrSettings, "%v is %v, want a percentage such as %v", target.name, v, target.value)
		}
	}
	if s.Baseline == "" {
		return s, fielderr.New(ErrSettings, "%v is missing, want the run_id of the baseline", fielderr.Name{Field: "Baseline", Flag: "baseline"})
	}
	return s, nil
}

// Check returns an error that wraps [ErrSettings] if there is no baseline or a target
// is not finite.
func (s *KPISettings) Check() error {
	_, err := s.resolve()
	return err
}

// KPIReport says which runs reach the targets. Its JSON has the keys of the
// reference's KPI check.
type KPIReport struct {
	BaselineRunID string        `json:"baseline_run_id"`
	Baseline      KPIFigures    `json:"baseline"`
	Targets       KPITargets    `json:"targets"`
	Variants      []*KPIVariant `json:"variants"`
	Notes         []string      `json:"notes"`
}

// KPIFigures are the figures that are compared.
type KPIFigures struct {
	PayloadMean *float64 `json:"payload_bytes_mean"` // nil if nothing was sent
	PDR         float64  `json:"pdr"`
	ETX         float64  `json:"etx"`
	EnergyJ     *float64 `json:"energy_per_delivered_window_j"` // nil if it was not measured
	TimeOnAirMs float64  `json:"total_toa_ms"`
}

// KPITargets are the targets, in percent of the baseline's figures.
type KPITargets struct {
	PDRImprovePct   float64 `json:"pdr_improve_pct"`
	ETXReducePct    float64 `json:"etx_reduce_pct"`
	EnergyReducePct float64 `json:"energy_reduce_pct"`
}

// KPIVariant is a run and its changes from the baseline's figures, in percent of those.
// A change is nil if the baseline's or the run's figure is unknown or zero where a
// share of it means nothing: a PDR of 0 in the baseline, or an ETX of 0 in either run,
// which says that nothing was acknowledged. A change that is nil does not pass, except
// that EnergyPass is nil without energies.
type KPIVariant struct {
	RunID           string   `json:"run_id"`
	PayloadMean     *float64 `json:"payload_bytes_mean"`
	PDR             float64  `json:"pdr"`
	PDRImprovePct   *float64 `json:"pdr_improve_pct"`
	PDRPass         bool     `json:"pdr_pass"`
	ETX             float64  `json:"etx"`
	ETXReducePct    *float64 `json:"etx_reduce_pct"`
	ETXPass         bool     `json:"etx_pass"`
	EnergyJ         *float64 `json:"energy_per_delivered_window_j"`
	EnergyReducePct *float64 `json:"energy_reduce_pct"`
	EnergyPass      *bool    `json:"energy_pass"`
	TimeOnAirMs     float64  `json:"total_toa_ms"`
	ToAReducePct    *float64 `json:"toa_reduce_pct"`
}

// Pass reports whether the run reaches every target that was measured.
func (v *KPIVariant) Pass() bool {
	return v.PDRPass && v.ETXPass && (v.EnergyPass == nil || *v.EnergyPass)
}

// CheckKPI compares runs of a set with a baseline run of it, and with targets. Energy
// may be nil. Errors wrap [ErrSettings].
func CheckKPI(set *Set, energy *EnergyReport, settings KPISettings) (*KPIReport, error) {
	s, err := settings.resolve()
	if err != nil {
		return nil, err
	}
	find := func(name fielderr.Name, id string) (*SetRun, error) {
		if r := set.Run(id); r != nil {
			return r, nil
		}
		return nil, fielderr.New(ErrSettings, "%v is %s, want one of %s", name, id, runIDs(set))
	}
	baseline, err := find(fielderr.Name{Field: "Baseline", Flag: "baseline"}, s.Baseline)
	if err != nil {
		return nil, err
	}
	base := kpiFigures(baseline, energy)
	rep := &KPIReport{BaselineRunID: s.Baseline, Baseline: base, Targets: KPITargets{*s.PDRImprovePct, *s.ETXReducePct, *s.EnergyReducePct},
		Notes: []string{
			"pdr_improve_pct = 100 (run - baseline) / baseline",
			"etx_reduce_pct, energy_reduce_pct, toa_reduce_pct = 100 (baseline - run) / baseline",
			"energies are null unless a phase 4 report has both runs; total_toa_ms then stands for them",
		}}
	var variants []*SetRun
	for _, id := range s.Variants {
		r, err := find(fielderr.Name{Field: "Variants", Flag: "variant"}, id)
		if err != nil {
			return nil, err
		}
		variants = append(variants, r)
	}
	if s.Variants == nil {
		for _, r := range set.Runs {
			if r.RunID != s.Baseline && r.Metrics.Sent > 0 {
				variants = append(variants, r)
			}
		}
	}
	if len(variants) == 0 {
		return nil, fmt.Errorf("%w: found no run to compare with %s, want another that sent frames", ErrSettings, s.Baseline)
	}
	for _, r := range variants {
		rep.Variants = append(rep.Variants, kpiVariant(r.RunID, kpiFigures(r, energy), base, rep.Targets))
	}
	return rep, nil
}

func runIDs(set *Set) string {
	var ids []string
	for _, r := range set.Runs {
		ids = append(ids, r.RunID)
	}
	if len(ids) > 8 {
		ids = append(ids[:8], "…")
	}
	return strings.Join(ids, ", ")
}

func kpiFigures(r *SetRun, energy *EnergyReport) KPIFigures {
	f := KPIFigures{PDR: r.Metrics.PDR, ETX: r.Metrics.ETX, TimeOnAirMs: r.Metrics.TimeOnAirMs}
	if d := r.Metrics.PayloadBytes; d != nil {
		f.PayloadMean = &d.Mean
	}
	if e := energy.Run(r.RunID); e != nil {
		f.EnergyJ = e.PerDelivered
	}
	return f
}

func kpiVariant(id string, f, base KPIFigures, targets KPITargets) *KPIVariant {
	v := &KPIVariant{RunID: id, PayloadMean: f.PayloadMean, PDR: f.PDR, ETX: f.ETX, EnergyJ: f.EnergyJ, TimeOnAirMs: f.TimeOnAirMs}
	reached := func(change *float64, target float64) bool { return change != nil && *change >= target }
	v.PDRImprovePct = changePct(base.PDR, f.PDR, base.PDR)
	if f.ETX > 0 {
		v.ETXReducePct = changePct(f.ETX, base.ETX, base.ETX)
	}
	v.ToAReducePct = changePct(f.TimeOnAirMs, base.TimeOnAirMs, base.TimeOnAirMs)
	v.PDRPass, v.ETXPass = reached(v.PDRImprovePct, targets.PDRImprovePct), reached(v.ETXReducePct, targets.ETXReducePct)
	if f.EnergyJ != nil && base.EnergyJ != nil {
		v.EnergyReducePct = changePct(*f.EnergyJ, *base.EnergyJ, *base.EnergyJ)
		pass := reached(v.EnergyReducePct, targets.EnergyReducePct)
		v.EnergyPass = &pass
	}
	return v
}

// changePct returns to - from in percent of base; nil if base is 0.
func changePct(from, to, base float64) *float64 {
	if base == 0 {
		return nil
	}
	pct := 100 * (to - from) / base
	return &pct
}

// Failed returns the run_ids of the variants that miss a target.
func (r *KPIReport) Failed() []string {
	var ids []string
	for _, v := range r.Variants {
		if !v.Pass() {
			ids = append(ids, v.RunID)
		}
	}
	return ids
}

// ErrTarget is wrapped by the error of [KPIReport.Err].
var ErrTarget = errors.New("runreport: targets missed")

// Err returns an error that wraps [ErrTarget] and names the variants that miss a target,
// or nil.
func (r *KPIReport) Err() error {
	if failed := r.Failed(); len(failed) > 0 {
		return fmt.Errorf("%w: by %s", ErrTarget, strings.Join(failed, ", "))
	}
	return nil
}

// WriteTable writes the variants, one per row, with what passes.
func (r *KPIReport) WriteTable(w io.Writer) {
	cell := func(change *float64, sign float64, pass bool) string {
		verdict := "fail"
		if pass {
			verdict = "pass"
		}
		if change == nil {
			return "- " + verdict
		}
		return fmt.Sprintf("%s %s", table.Change(sign**change), verdict)
	}
	rows := []string{fmt.Sprintf("against %s\tPDR\tETX\tenergy\ttime on air", r.BaselineRunID),
		fmt.Sprintf("target\t%+g %%\t%+g %%\t%+g %%\t-", r.Targets.PDRImprovePct, -r.Targets.ETXReducePct, -r.Targets.EnergyReducePct)}
	for _, v := range r.Variants {
		energy, toa := "not measured", "-"
		if v.EnergyPass != nil {
			energy = cell(v.EnergyReducePct, -1, *v.EnergyPass)
		}
		if v.ToAReducePct != nil {
			toa = table.Change(-*v.ToAReducePct)
		}
		rows = append(rows, strings.Join([]string{v.RunID, cell(v.PDRImprovePct, 1, v.PDRPass), cell(v.ETXReducePct, -1, v.ETXPass), energy, toa}, "\t"))
	}
	table.Write(w, rows...)
}
