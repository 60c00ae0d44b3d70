package runlog

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrPower is wrapped by errors about a power record that is malformed or does not
// cover the run. It comes wrapped in an [*Error].
var ErrPower = errors.New("unusable power record")

// Energy is the energy of a run, according to a power record.
type Energy struct {
	Joules    float64 `json:"joules"`
	MeanWatts float64 `json:"mean_watts"`
	// JoulesPerDelivered is the energy per delivered window. 0 if no window was
	// delivered, and in what ReadEnergy returns; OpenRun sets it.
	JoulesPerDelivered float64 `json:"joules_per_delivered,omitempty"`
}

// OpenEnergy does the same as [ReadEnergy] for the file at path.
func OpenEnergy(path string, start, end time.Time) (*Energy, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("runlog: %w", err)
	}
	defer f.Close()
	return ReadEnergy(f, path, start, end)
}

// ReadEnergy integrates a power record from start to end by the trapezoidal rule.
// Errors are an [*Error] with that file name.
//
// The record is CSV with a header row. It has a column ts_ms, with increasing times in
// ms since 1970, and either power_mw, in milliwatts, or volts and amps. Other columns,
// and lines that begin with #, are ignored. The record must begin no later than start
// and finish no earlier than end. Times are rounded down to milliseconds.
func ReadEnergy(r io.Reader, file string, start, end time.Time) (*Energy, error) {
	rows, err := newPowerReader(r, file)
	if err != nil {
		return nil, err
	}
	startMs, endMs := float64(start.UnixMilli()), float64(end.UnixMilli())
	var joules float64
	var last powerSample
	for n := 0; ; n++ {
		s, err := rows.next()
		if errors.Is(err, io.EOF) {
			if n == 0 || last.ms < endMs {
				return nil, rows.fault(0, "ends before the run, want a record that covers it")
			}
			break
		}
		if err != nil {
			return nil, err
		}
		switch {
		case n == 0 && s.ms > startMs:
			return nil, rows.fault(0, "starts %.1f s after the run, want a record that covers it", (s.ms-startMs)/1000)
		case n > 0 && s.ms <= last.ms:
			return nil, rows.fault(s.line, "ts_ms: found %v after %v, want increasing times", s.ms, last.ms)
		case n > 0:
			joules += last.joulesTo(s, startMs, endMs)
		}
		last = s
	}
	e := &Energy{Joules: joules}
	if endMs > startMs {
		e.MeanWatts = joules / (endMs - startMs) * 1000
	}
	return e, nil
}

// powerSample is a row of a power record.
type powerSample struct {
	ms, watts float64
	line      int
}

// joulesTo returns the energy between s and next that lies between the times startMs
// and endMs.
func (s powerSample) joulesTo(next powerSample, startMs, endMs float64) float64 {
	a, b := max(s.ms, startMs), min(next.ms, endMs)
	if b <= a {
		return 0
	}
	power := func(ms float64) float64 { return s.watts + (next.watts-s.watts)*(ms-s.ms)/(next.ms-s.ms) }
	return (power(a) + power(b)) / 2 * (b - a) / 1000
}

// powerReader reads the rows of a power record.
type powerReader struct {
	csv             *csv.Reader
	file            string
	header          []string
	ts              int // columns
	mw, volts, amps int // -1: absent
}

func newPowerReader(r io.Reader, file string) (*powerReader, error) {
	p := &powerReader{csv: csv.NewReader(r), file: file}
	p.csv.TrimLeadingSpace, p.csv.Comment = true, '#'
	header, err := p.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, p.fault(0, "found no lines, want a header row")
	}
	if err != nil {
		return nil, p.fault(0, "%w", err)
	}
	p.header = header
	column := func(name string) int { return slices.Index(header, name) }
	p.ts, p.mw, p.volts, p.amps = column("ts_ms"), column("power_mw"), column("volts"), column("amps")
	if p.ts < 0 || p.mw < 0 && (p.volts < 0 || p.amps < 0) {
		return nil, p.fault(0, "found columns %s, want ts_ms and power_mw, or ts_ms, volts and amps", strings.Join(header, " "))
	}
	return p, nil
}

// next returns the next row, or io.EOF after the last.
func (p *powerReader) next() (powerSample, error) {
	row, err := p.csv.Read()
	if errors.Is(err, io.EOF) {
		return powerSample{}, io.EOF
	}
	if err != nil {
		return powerSample{}, p.fault(0, "%w", err)
	}
	var s powerSample
	s.line, _ = p.csv.FieldPos(p.ts)
	if s.ms, err = p.number(row, p.ts); err != nil {
		return s, err
	}
	if p.mw >= 0 {
		milliwatts, err := p.number(row, p.mw)
		s.watts = milliwatts / 1000
		return s, err
	}
	volts, errVolts := p.number(row, p.volts)
	amps, errAmps := p.number(row, p.amps)
	s.watts = volts * amps
	return s, errors.Join(errVolts, errAmps)
}

func (p *powerReader) number(row []string, column int) (float64, error) {
	x, err := strconv.ParseFloat(row[column], 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		line, _ := p.csv.FieldPos(column)
		return 0, p.fault(line, "%s: found %q, want a finite number", p.header[column], row[column])
	}
	return x, nil
}

func (p *powerReader) fault(line int, format string, args ...any) error {
	return &Error{File: p.file, Line: line, Err: fmt.Errorf("%w: "+format, append([]any{ErrPower}, args...)...)}
}
