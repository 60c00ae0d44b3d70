// Package show prints what a person wants to know of a codec as aligned
// tables: payload and airtime, and errors per sensor in their units.
package show

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// Table writes rows whose cells are separated by tabs; the first cell is
// aligned left, the others right.
func Table(w io.Writer, rows ...string) {
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	width := 0
	for _, r := range rows {
		first, _, _ := strings.Cut(r, "\t")
		width = max(width, len([]rune(first)))
	}
	for _, r := range rows {
		first, rest, _ := strings.Cut(r, "\t")
		// AlignRight pads every cell on the left: fill the first one up.
		first += strings.Repeat(" ", width-len([]rune(first)))
		fmt.Fprintf(tw, "%s\t%s\t\n", first, rest)
	}
	tw.Flush()
	for _, line := range strings.SplitAfter(b.String(), "\n") {
		fmt.Fprint(w, strings.TrimRight(line, " \n"))
		if strings.HasSuffix(line, "\n") {
			fmt.Fprintln(w)
		}
	}
}

// Airtime writes what payloads of n bytes cost beside the raw ones of steps
// samples, at SF7 and SF12, 125 kHz, 4/5.
func Airtime(w io.Writer, n, steps int) {
	raw := codec.Sensor12StepBytes * steps
	rows := []string{"\tpayload\tSF7\tSF12"}
	for _, r := range []struct {
		name string
		n    int
	}{{"this model", n}, {"raw, packed plainly", raw}} {
		rows = append(rows, fmt.Sprintf("%s\t%d B\t%s\t%s", r.name, r.n, airtime(7, r.n), airtime(12, r.n)))
	}
	Table(w, rows...)
}

// Millis writes a duration in ms, with one digit after the point below 100 ms.
func Millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 100 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// Line is one evaluation in a table of errors.
type Line struct {
	Name       string
	Bytes      int
	Evaluation *quality.Evaluation
}

// Errors writes one line an evaluation: the error relative to the deviation,
// and where a step is a 12-D sample the root mean square error of each sensor
// in its unit. Latitude is the data's, for turning degrees into metres.
func Errors(w io.Writer, latitude float64, lines ...Line) {
	head := "\tpayload\tzscored.mse"
	twelve := len(lines) > 0 && lines[0].Evaluation.ByGroup != nil
	if twelve {
		head += "\tposition\taltitude\taccel\tgyro\tattitude"
	}
	rows := []string{head}
	for _, l := range lines {
		e := l.Evaluation
		row := fmt.Sprintf("%s\t%d B\t%s", l.Name, l.Bytes, Digits(e.ZScored.MSE))
		if twelve {
			rms := func(from, to int) float64 { return math.Sqrt(e.Dims(from, to).MSE) }
			lat := rms(0, 1) * sensor.MetresPerDegree
			lon := rms(1, 2) * sensor.MetresPerDegree * math.Cos(latitude*math.Pi/180)
			row += fmt.Sprintf("\t%s m\t%s m\t%s m/s²\t%s deg/s\t%s deg",
				Digits(math.Hypot(lat, lon)), Digits(rms(2, 3)), Digits(rms(3, 6)), Digits(rms(6, 9)), Digits(rms(9, 12)))
		}
		rows = append(rows, row)
	}
	Table(w, rows...)
	if twelve {
		fmt.Fprintln(w, "Sensor columns are root mean square errors.")
	}
}

// Digits writes v with three significant digits, in plain notation where that
// is short.
func Digits(v float64) string {
	a := math.Abs(v)
	switch {
	case v == 0:
		return "0"
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1:
		return fmt.Sprintf("%.2f", v)
	case a >= 1e-4:
		return fmt.Sprintf("%.*f", 2-int(math.Floor(math.Log10(a))), v)
	}
	return fmt.Sprintf("%.2e", v)
}
