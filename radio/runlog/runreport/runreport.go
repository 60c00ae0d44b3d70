// Package runreport reports on a run from its logs. A report holds the metrics of
// package runlog, the errors of the delivered windows if the data set that was sent
// is given, and a comparison with a baseline run. It can be written as JSON, as a
// table, or into a template for the record of a field test.
package runreport

import (
	"fmt"
	"io"

	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/table"
	"github.com/loralink/loralink-go/radio/runlog"
)

// Report is a report on a run. Its JSON is what examples/report writes.
type Report struct {
	Run        *Run               `json:"run"`
	Baseline   *Run               `json:"baseline,omitempty"`
	Comparison *runlog.Comparison `json:"comparison,omitempty"` // of Run with Baseline
}

// Run is one run's part of a report.
type Run struct {
	runlog.Run
	// Reconstruction is nil without a data set, without both logs, and if the
	// receiver did not decode (mode RAW).
	Reconstruction *Reconstruction `json:"reconstruction,omitempty"`
}

// Reconstruction says how far the delivered windows are from the sent ones.
type Reconstruction struct {
	Windows   int            `json:"windows"`    // compared
	Unmatched int            `json:"unmatched"`  // delivered, but not in the sender's log or not in the data set
	Overall   quality.Errors `json:"overall"`    // over all values, of all units
	ZScored   quality.Errors `json:"zscored"`    // each value divided by its standard deviation
	ZScoredBy string         `json:"zscored_by"` // where the deviations are from: model or dataset
	// ByGroup has the errors of each sensor group, in its units; nil unless the
	// windows are of motion samples.
	ByGroup map[string]quality.Errors `json:"by_group,omitempty"`
}

// Settings say what a report holds besides metrics. The zero value is the default;
// nil functions are not called.
type Settings struct {
	// Dataset is the path of the dataset_raw.jsonl that was sent, by run and
	// baseline alike. "": no reconstruction errors.
	Dataset string
	// Std is the standard deviation of each value of a window, by which
	// Reconstruction.ZScored divides; usually a model's. nil: that of the data set.
	Std []float64
	// OnEntry is called with every log entry of the run, but not of the baseline.
	// It can be the Add of a runplot.Series.
	OnEntry func(runlog.Entry)
	// Warn is called with what was skipped: a line of a log that is not an event, or
	// an incomplete last line of the data set.
	Warn func(error)
}

// New reads the files of a run and, if baseline is not nil, those of the run to
// compare it with. Settings may be nil.
func New(run runlog.Files, baseline *runlog.Files, settings *Settings) (*Report, error) {
	if settings == nil {
		settings = &Settings{}
	}
	rep := new(Report)
	var err error
	if rep.Run, err = open(run, settings); err != nil || baseline == nil {
		return rep, err
	}
	s := *settings
	s.OnEntry = nil
	if rep.Baseline, err = open(*baseline, &s); err != nil {
		return nil, err
	}
	c := runlog.Compare(rep.Run.Metrics, rep.Baseline.Metrics)
	if rep.Run.Energy != nil && rep.Baseline.Energy != nil {
		c.SetEnergy(rep.Run.Energy.Joules, rep.Baseline.Energy.Joules)
	}
	rep.Comparison = &c
	return rep, nil
}

// open reads one run.
func open(files runlog.Files, s *Settings) (*Run, error) {
	compare := s.Dataset != "" && files.TX != "" && files.RX != ""
	var match runlog.Matcher
	run, err := runlog.OpenRun(files, &runlog.RunSettings{Warn: s.Warn, OnEntry: func(e runlog.Entry) {
		if compare {
			match.Add(e)
		}
		if s.OnEntry != nil {
			s.OnEntry(e)
		}
	}})
	if err != nil {
		return nil, err
	}
	r := &Run{Run: *run}
	if compare {
		r.Reconstruction, err = s.reconstruction(&match)
	}
	return r, err
}

// reconstruction compares the matched windows with those of the data set. It returns
// nil if there are none.
func (s *Settings) reconstruction(match *runlog.Matcher) (*Reconstruction, error) {
	rebuilt, unmatched := match.Match()
	if len(rebuilt) == 0 {
		return nil, nil
	}
	var stats dataset.Stats
	var tally *quality.Tally
	dims, n := 0, 0
	windows := dataset.OpenWindows(s.Dataset, dataset.WindowSettings{})
	for w, err := range dataset.NotEmpty(dataset.SkipIncomplete(windows, s.Warn), s.Dataset) {
		if err != nil {
			return nil, err
		}
		if err := stats.Add(w.Values); err != nil {
			return nil, err
		}
		if tally == nil {
			tally, dims, n = quality.NewTally(len(w.Values)), len(w.Order), len(w.Values)
			if s.Std != nil && len(s.Std) != n {
				return nil, fmt.Errorf("runreport: %s: windows of %d values, want %d as the model's", s.Dataset, n, len(s.Std))
			}
		}
		got, ok := rebuilt[w.ID]
		if !ok {
			continue
		}
		if len(got) != n {
			return nil, fmt.Errorf("runreport: %s: windows of %d values, want %d as the receiver decoded", s.Dataset, n, len(got))
		}
		tally.Add(w.Values, got)
		delete(rebuilt, w.ID)
	}
	r := &Reconstruction{Windows: tally.Windows(), Unmatched: unmatched + len(rebuilt), ZScoredBy: "model"}
	std := s.Std
	if std == nil {
		std, r.ZScoredBy = stats.Std(), "dataset"
	}
	if r.Windows > 0 {
		r.Overall, r.ZScored = tally.Overall(), tally.Scaled(std)
		r.ByGroup = byGroup(tally, dims)
	}
	return r, nil
}

// byGroup returns the errors of each group of motion samples, or nil for other
// samples.
func byGroup(tally *quality.Tally, dims int) map[string]quality.Errors {
	if dims != sensor.MotionDims {
		return nil
	}
	groups := map[string]quality.Errors{}
	for _, g := range sensor.Motion().Groups() {
		groups[g.Name] = tally.Dims(dims, g.From, g.To)
	}
	return groups
}

// WriteTable writes the report as tables.
func (r *Report) WriteTable(w io.Writer) {
	fmt.Fprintf(w, "%s, %s\n\n", r.Run.PHYID, r.Run.Mode)
	runs, metrics := []*Run{r.Run}, []*runlog.Run{&r.Run.Run}
	if r.Baseline != nil {
		runs, metrics = append(runs, r.Baseline), append(metrics, &r.Baseline.Run)
	}
	runlog.WriteTable(w, metrics...)
	if r.Run.Reconstruction != nil {
		fmt.Fprintln(w)
		writeReconstruction(w, runs)
	}
	if r.Comparison != nil {
		fmt.Fprintf(w, "\nAgainst the baseline: %v\n", *r.Comparison)
	}
}

func writeReconstruction(w io.Writer, runs []*Run) {
	t := table.NewColumns(runs...)
	row := func(name, unit string, get func(*Reconstruction) string) {
		t.Row(name, func(r *Run) string {
			if r.Reconstruction == nil {
				return "-"
			}
			return get(r.Reconstruction) + unit
		})
	}
	first := runs[0].Reconstruction
	row("windows compared", "", func(r *Reconstruction) string { return fmt.Sprint(r.Windows) })
	row("zscored.mse, by the "+first.ZScoredBy, "", func(r *Reconstruction) string { return table.Digits(r.ZScored.MSE) })
	if first.ByGroup != nil {
		for _, g := range []struct{ name, unit string }{{"gps", " (deg, deg and m)"}, {"accel", " m/s²"}, {"gyro", " deg/s"}, {"rpy", " deg"}} {
			row("mean error, "+g.name, g.unit, func(r *Reconstruction) string { return table.Digits(r.ByGroup[g.name].MAE) })
		}
	}
	t.Write(w)
}
