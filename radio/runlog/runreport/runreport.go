// Package runreport reports on a run from its logs. A report holds the metrics of
// package runlog, the errors of the delivered windows if the data set that was sent
// is given, and a comparison with a baseline run. It can be written as JSON, as a
// table, or into a template for the record of a field test.
//
// A [Set] reports on several runs, with the keys of the reference's metrics and phase 3
// reports. [OpenEnergy] adds energies from measured mean powers, and [CheckKPI]
// compares runs with a baseline run and with targets.
package runreport

import (
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/numpy"
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

// Run is one run in a report.
type Run struct {
	runlog.Run
	// Reconstruction is nil if there is no data set, if a log is missing, or if the
	// receiver did not decode (mode RAW).
	Reconstruction *Reconstruction `json:"reconstruction,omitempty"`
}

// Reconstruction holds the errors of the delivered windows.
type Reconstruction struct {
	Windows   int `json:"windows"`   // windows compared
	Unmatched int `json:"unmatched"` // windows delivered, but not in the sender's log or not in the data set
	// Skipped is the number of delivered windows that were left out because there were too
	// many; see runlog.Matcher.
	Skipped   int            `json:"skipped,omitempty"`
	Overall   quality.Errors `json:"overall"`    // errors over all values, whatever their units
	ZScored   quality.Errors `json:"zscored"`    // errors divided by the standard deviation of each value
	ZScoredBy string         `json:"zscored_by"` // source of the standard deviations: model or dataset
	// ByGroup holds the errors of each sensor group, in its units. nil unless the
	// windows consist of motion samples.
	ByGroup map[string]quality.Errors `json:"by_group,omitempty"`
}

// Settings are the settings of [New]. The zero value is the default; nil functions are
// not called.
type Settings struct {
	// Dataset is the path of the data set that was sent, by run and baseline alike: a
	// dataset_raw.jsonl, or a numpy file if the name ends in .npy or .npz. "": no
	// Reconstruction.
	Dataset string
	// Std is the standard deviation of each value of a window, by which
	// Reconstruction.ZScored divides; usually a model's. nil: that of the data set.
	Std []float64
	// OnEntry is called with every log entry of the run, but not of the baseline.
	// It can be the Add of a runplot.Series.
	OnEntry func(runlog.Entry)
	// Warn is called with an error for the first line of each log that is not an event,
	// and for an incomplete last line of the data set.
	Warn func(error)
}

// New reads the files of a run and, if baseline is not nil, those of the baseline run,
// and reports on them. Settings may be nil.
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
		r.Reconstruction, err = s.reconstruction(&match, "", nil)
	}
	return r, err
}

// openWindows yields the windows of a data set.
func openWindows(path string) iter.Seq2[dataset.Window, error] {
	if numpy.IsFile(path) {
		return numpy.OpenWindows(path, dataset.WindowSettings{})
	}
	return dataset.OpenWindows(path, dataset.WindowSettings{})
}

// reconstruction compares the matched windows with those of the data set that have that
// run_id, or with all if it is "". It returns nil if there are none. It calls each with
// the mean errors of each window compared; each may be nil.
func (s *Settings) reconstruction(match *runlog.Matcher, runID string, each func(mae, mse float64)) (*Reconstruction, error) {
	decoded, unmatched := match.Match()
	if len(decoded) == 0 {
		return nil, nil
	}
	var stats dataset.Stats
	var tally *quality.Tally
	dims, n := 0, 0
	for w, err := range dataset.NotEmpty(dataset.SkipIncomplete(openWindows(s.Dataset), s.Warn), s.Dataset) {
		if err != nil {
			return nil, err
		}
		if runID != "" && w.RunID != runID {
			continue
		}
		if err := stats.Add(w.Values); err != nil {
			return nil, err
		}
		if tally == nil {
			tally, dims, n = quality.NewTally(len(w.Values)), len(w.Order), len(w.Values)
			if s.Std != nil && len(s.Std) != n {
				return nil, fmt.Errorf("runreport: %s: found windows of %d values, want %d as in Settings.Std", s.Dataset, n, len(s.Std))
			}
		}
		got, ok := decoded[w.ID]
		if !ok {
			continue
		}
		if len(got) != n {
			return nil, fmt.Errorf("runreport: %s: found windows of %d values, want %d as the receiver decoded", s.Dataset, n, len(got))
		}
		tally.Add(w.Values, got)
		if each != nil {
			each(windowErrors(w.Values, got))
		}
		delete(decoded, w.ID)
	}
	r := &Reconstruction{Windows: tally.Windows(), Unmatched: unmatched + len(decoded), Skipped: match.Skipped(), ZScoredBy: "model"}
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

// windowErrors returns the mean absolute and the mean squared error of a window.
func windowErrors(want, got []float64) (mae, mse float64) {
	for i, x := range want {
		d := math.Abs(x - got[i])
		mae += d / float64(len(want))
		mse += d * d / float64(len(want))
	}
	return mae, mse
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
		fmt.Fprintf(w, "\nChange from the baseline: %v\n", *r.Comparison)
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
	if first.Skipped > 0 {
		row("windows left out, as there are too many", "", func(r *Reconstruction) string { return fmt.Sprint(r.Skipped) })
	}
	row("zscored.mse (std of the "+first.ZScoredBy+")", "", func(r *Reconstruction) string { return table.Digits(r.ZScored.MSE) })
	if first.ByGroup != nil {
		for _, g := range []struct{ name, unit string }{{"gps", ", of degrees and meters together"}, {"accel", " m/s²"}, {"gyro", " deg/s"}, {"rpy", " deg"}} {
			row("mean absolute error, "+g.name, g.unit, func(r *Reconstruction) string { return table.Digits(r.ByGroup[g.name].MAE) })
		}
	}
	t.Write(w)
}
