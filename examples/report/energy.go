package main

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
)

// energy is what a power record says of a run.
type energy struct {
	Joules             float64 `json:"joules"` // from the run's first event to its last
	MeanWatts          float64 `json:"mean_watts"`
	JoulesPerDelivered float64 `json:"joules_per_delivered,omitempty"`
}

func (e *energy) perWindow(delivered int) {
	if delivered > 0 {
		e.JoulesPerDelivered = e.Joules / float64(delivered)
	}
}

// integrate sums the power over a time by trapezoids. The record must cover it.
func integrate(path string, fromMs, toMs int64) (*energy, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.TrimLeadingSpace, r.Comment = true, '#'
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: found no lines, want a power record", path)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	column := func(name string) int { return slices.Index(header, name) }
	ts, mw, volts, amps := column("ts_ms"), column("power_mw"), column("volts"), column("amps")
	if ts < 0 || mw < 0 && (volts < 0 || amps < 0) {
		return nil, fmt.Errorf("%s: found columns %s, want ts_ms and power_mw, or ts_ms, volts and amps", path, strings.Join(header, " "))
	}
	number := func(row []string, i int) (float64, error) {
		x, err := strconv.ParseFloat(row[i], 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			line, _ := r.FieldPos(i)
			return 0, fmt.Errorf("%s: line %d: %s: found %q, want a number", path, line, header[i], row[i])
		}
		return x, nil
	}
	var sum, lastMs, lastW float64
	first := true
	from, to := float64(fromMs), float64(toMs)
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		at, err := number(row, ts)
		if err != nil {
			return nil, err
		}
		var w float64
		if mw >= 0 {
			if w, err = number(row, mw); err != nil {
				return nil, err
			}
			w /= 1000
		} else {
			v, errV := number(row, volts)
			a, errA := number(row, amps)
			if err := errors.Join(errV, errA); err != nil {
				return nil, err
			}
			w = v * a
		}
		line, _ := r.FieldPos(ts)
		switch {
		case first && at > from:
			return nil, fmt.Errorf("%s: starts %.1f s after the run, want a record that covers it", path, (at-from)/1000)
		case !first && at <= lastMs:
			return nil, fmt.Errorf("%s: line %d: ts_ms: found %v after %v, want it rising", path, line, at, lastMs)
		case !first:
			// The part of this trapezoid that lies within the run.
			a, b := max(lastMs, from), min(at, to)
			if b > a {
				power := func(t float64) float64 { return lastW + (w-lastW)*(t-lastMs)/(at-lastMs) }
				sum += (power(a) + power(b)) / 2 * (b - a) / 1000
			}
		}
		first, lastMs, lastW = false, at, w
	}
	if first || lastMs < to {
		return nil, fmt.Errorf("%s: ends before the run, want a record that covers it", path)
	}
	e := &energy{Joules: sum}
	if to > from {
		e.MeanWatts = sum / (to - from) * 1000
	}
	return e, nil
}
