package sweep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/loralink/loralink-go/internal/atomicfile"
)

// Names of the files that WriteFiles writes.
const (
	ReportFile     = "sweep_report.json"
	CSVFile        = "sweep.csv"
	ErrorPlotFile  = "error_by_bytes.png"
	GroupPlotFile  = "error_by_group.png"
	CurvesPlotFile = "learning_curves.png"
)

// CheckTarget returns an error if WriteFiles cannot write to the folder dir, so that a
// program can stop before a long sweep. It creates the folder.
func CheckTarget(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("sweep: %s: %w", dir, err)
	}
	for _, name := range []string{ReportFile, CSVFile, ErrorPlotFile, GroupPlotFile, CurvesPlotFile} {
		if err := atomicfile.CheckTarget(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
	}
	return nil
}

// WriteFiles writes the report as JSON and as CSV to the folder dir and, if plots is set,
// the plots for which the report has data. It creates the folder and replaces existing
// files, each only by a complete one. It returns the names of the files.
func (r *Report) WriteFiles(dir string, plots bool) (names []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	encoded, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	if err := atomicfile.WriteBytes(filepath.Join(dir, ReportFile), append(encoded, '\n')); err != nil {
		return nil, err
	}
	if err := atomicfile.Write(filepath.Join(dir, CSVFile), r.WriteCSV); err != nil {
		return nil, err
	}
	names = []string{ReportFile, CSVFile}
	if !plots {
		return names, nil
	}
	for _, p := range []struct {
		name string
		plot func(io.Writer) error
	}{{ErrorPlotFile, r.PlotErrors}, {GroupPlotFile, r.PlotGroups}, {CurvesPlotFile, r.PlotCurves}} {
		var png bytes.Buffer
		err := p.plot(&png)
		if errors.Is(err, ErrNoPlot) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("sweep: %s: %w", p.name, err)
		}
		if err := atomicfile.WriteBytes(filepath.Join(dir, p.name), png.Bytes()); err != nil {
			return nil, err
		}
		names = append(names, p.name)
	}
	return names, nil
}
