package runplot

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/loralink/loralink-go/internal/atomicfile"
	"github.com/loralink/loralink-go/internal/plotutil"
	"github.com/loralink/loralink-go/radio/runlog/runreport"
)

// ErrNoRuns reports a set without a run that sent frames, of which there is nothing to
// plot.
var ErrNoRuns = errors.New("runplot: no run that sent frames")

// maxRuns is how many runs a plot may have.
const maxRuns = 64

// RunPlot is a plot of one figure of several runs.
type RunPlot struct {
	File string // name of the file that SaveRuns writes
	Plot *plot.Plot
}

// Runs returns bar charts of the runs of a set that sent frames: PDR, ETX, length of
// the payload, time on air and, if energy is not nil, energy per delivered window. It
// leaves out a figure that no run has.
func Runs(set *runreport.Set, energy *runreport.EnergyReport) ([]RunPlot, error) {
	var runs []*runreport.SetRun
	for _, r := range set.Runs {
		if r.Metrics.Sent > 0 {
			runs = append(runs, r)
		}
	}
	switch {
	case len(runs) == 0:
		return nil, ErrNoRuns
	case len(runs) > maxRuns:
		return nil, fmt.Errorf("runplot: found %d runs, want at most %d in a plot", len(runs), maxRuns)
	}
	mean := func(d *runreport.Distribution) (float64, bool) {
		if d == nil {
			return 0, false
		}
		return d.Mean, true
	}
	var plots []RunPlot
	for _, f := range []struct {
		file, label string
		get         func(*runreport.SetRun) (float64, bool)
	}{
		{"pdr.png", "packet delivery ratio", func(r *runreport.SetRun) (float64, bool) { return r.Metrics.PDR, true }},
		{"etx.png", "transmissions per acknowledged window", func(r *runreport.SetRun) (float64, bool) { return r.Metrics.ETX, r.Metrics.ETX > 0 }},
		{"payload.png", "payload, mean, bytes", func(r *runreport.SetRun) (float64, bool) { return mean(r.Metrics.PayloadBytes) }},
		{"toa.png", "time on air, estimated, s", func(r *runreport.SetRun) (float64, bool) { return r.Metrics.TimeOnAirMs / 1000, true }},
		{"energy.png", "energy per delivered window, J", func(r *runreport.SetRun) (float64, bool) {
			e := energy.Run(r.RunID)
			if e == nil || e.PerDelivered == nil {
				return 0, false
			}
			return *e.PerDelivered, true
		}},
	} {
		values, found := make(plotter.Values, len(runs)), false
		names := make([]string, len(runs))
		for i, r := range runs {
			v, ok := f.get(r)
			names[i], found = r.RunID, found || ok
			if ok {
				values[i] = v
			} else {
				names[i] += " (unknown)"
			}
		}
		if !found {
			continue
		}
		p := plotutil.New("", "", f.label)
		plotutil.AddGrid(p)
		bars, err := plotter.NewBarChart(values, vg.Points(min(40, 300/float64(len(runs)))))
		if err != nil {
			return nil, fmt.Errorf("runplot: %w", err)
		}
		bars.Color, bars.LineStyle.Width = plotutil.Blue, 0
		p.Add(bars)
		p.NominalX(names...)
		p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = 0.5, -1, -0.5
		p.X.Min, p.X.Max, p.Y.Min = -0.7, float64(len(runs))-0.3, 0
		plots = append(plots, RunPlot{f.file, p})
	}
	return plots, nil
}

// SaveRuns writes the plots of [Runs] into the folder dir, as PNG images. It creates the
// folder if it does not exist.
func SaveRuns(dir string, set *runreport.Set, energy *runreport.EnergyReport) error {
	plots, err := Runs(set, energy)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("runplot: %w", err)
	}
	for _, r := range plots {
		c := plotutil.NewPicture(20, 14, nil)
		r.Plot.Draw(c.Plots)
		if err := atomicfile.Write(filepath.Join(dir, r.File), func(w io.Writer) error { return c.WritePNG(w) }); err != nil {
			return fmt.Errorf("runplot: %s: %w", r.File, err)
		}
	}
	return nil
}
