package quality

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/table"
	"github.com/loralink/loralink-go/radio"
)

// Line is one line of the table that WriteErrors writes.
type Line struct {
	Name       string
	Bytes      int // of a payload
	Evaluation *Evaluation
}

// WriteErrors writes a table with one line per evaluation: the payload's length,
// ZScored.MSE and, for motion samples, each [Figure]. Latitude is that of the data in
// degrees, see [Figure.RMS].
func WriteErrors(w io.Writer, latitude float64, lines ...Line) {
	head := "\tpayload\tzscored.mse"
	var figures []Figure
	if len(lines) > 0 && lines[0].Evaluation.ByGroup != nil {
		figures = Figures()
	}
	for _, f := range figures {
		head += "\t" + f.Name
	}
	rows := []string{head}
	for _, l := range lines {
		row := fmt.Sprintf("%s\t%d B\t%s", l.Name, l.Bytes, table.Digits(l.Evaluation.ZScored.MSE))
		for _, f := range figures {
			row += "\t" + table.Digits(f.RMS(l.Evaluation.Dims, latitude)) + " " + f.Unit
		}
		rows = append(rows, row)
	}
	table.Write(w, rows...)
	if figures != nil {
		fmt.Fprintln(w, "Sensor columns are root mean square errors.")
	}
}

// maxSensors is the largest number of lines that WriteSensors writes.
const maxSensors = 32

// WriteSensors writes a table with one line per value of a step: its errors, in metres
// for latitude and longitude, and its drift, unless drift is nil.
func (e *Evaluation) WriteSensors(w io.Writer, latitude float64, drift *Drift) {
	head := "\trms\tp50\tp99\tmax"
	if drift != nil {
		head += "\tmean shift\tspread\toutside"
	}
	rows := []string{head}
	for i, s := range e.BySensor[:min(len(e.BySensor), maxSensors)] {
		scale, unit := s.metres(latitude)
		row := s.Sensor
		for _, v := range []float64{math.Sqrt(s.MSE), s.P50, s.P99, s.Max} {
			row += "\t" + table.Digits(v*scale) + unit
		}
		if drift != nil {
			d := drift.BySensor[i]
			sign := "+"
			if d.Shift < 0 {
				sign = ""
			}
			row += fmt.Sprintf("\t%s%s\t%s\t%.2f %%", sign, table.Digits(d.Shift), table.Digits(d.Spread), 100*d.Outside)
		}
		rows = append(rows, row)
	}
	table.Write(w, rows...)
	if n := len(e.BySensor) - maxSensors; n > 0 {
		fmt.Fprintf(w, "and %d values more\n", n)
	}
	if drift != nil {
		fmt.Fprintf(w, "Mean shift and spread are in deviations of the training windows; outside are values more than %g of them from\nthe mean: %.2f %% of the windows hold one.\n",
			drift.Limit, 100*drift.WindowsOutside)
	}
}

// metres returns the factor and the unit for printing the sensor's errors.
func (s *SensorErrors) metres(latitude float64) (scale float64, unit string) {
	switch {
	case s.Unit == "":
		return 1, ""
	case s.Sensor == "lat" && s.Unit == "deg":
		return sensor.MetresPerDegree, " m"
	case s.Sensor == "lon" && s.Unit == "deg":
		return sensor.LongitudeMetres(latitude), " m"
	}
	return 1, " " + strings.ReplaceAll(s.Unit, "^2", "²")
}

// WriteRungs writes a table with one line per rung of a ladder, with the time on air of
// its payloads, and WriteTolerances. Names are those of the rungs; nil means their
// codecs' ids.
func (e *Evaluation) WriteRungs(w io.Writer, names []string) {
	rows := []string{"rung\tpayload\tair SF7\tair SF12\twindows\tshare"}
	for i, r := range e.Rungs {
		name := r.ID
		if i < len(names) {
			name = names[i]
		}
		rows = append(rows, fmt.Sprintf("%s\t%d B\t%s\t%s\t%d\t%.1f %%", name, r.Bytes, airtime(7, r.Bytes), airtime(12, r.Bytes), r.Windows, 100*r.Share))
	}
	table.Write(w, rows...)
	fmt.Fprintf(w, "%s bytes per window on average; 99 %% of the payloads have at most %d bytes.\n", table.Digits(e.MeanPayloadBytes), e.P99PayloadBytes)
	if e.Refused > 0 {
		fmt.Fprintf(w, "%d windows were refused: no rung encodes them within the tolerances.\n", e.Refused)
	}
	e.WriteTolerances(w)
}

// WriteTolerances writes a table of the tolerance and the largest error of each value of
// a step, if there is an OverTolerance.
func (e *Evaluation) WriteTolerances(w io.Writer) {
	over := e.OverTolerance
	if over == nil {
		return
	}
	fmt.Fprintf(w, "\nErrors divided by tolerances: mean %s, mean square %s. All errors are within tolerance in %.4g %% of the windows.\n",
		table.Digits(over.MAE), table.Digits(over.MSE), 100*over.Within)
	rows := []string{"\ttolerance\tworst error\terror / tolerance"}
	for i, tol := range over.Tolerances {
		s := e.BySensor[i]
		unit := ""
		if s.Unit != "" {
			unit = " " + strings.ReplaceAll(s.Unit, "^2", "²")
		}
		rows = append(rows, fmt.Sprintf("%s\t%g%s\t%s%s\t%s", s.Sensor, tol, unit, table.Digits(over.Worst[i]*tol), unit, table.Digits(over.Worst[i])))
	}
	table.Write(w, rows...)
}

// WriteAirtime writes a table of the time on air of a frame with a payload of n bytes, and
// of one with the raw window: sensor12_packed for motion samples, float32 for others. It
// is calculated for SF7 and SF12, 125 kHz, 4/5, explicit header, no CRC.
func WriteAirtime(w io.Writer, n int, shape sensor.Shape) {
	name, raw := "raw, as float32", 4*shape.Len()
	if shape.Dims == sensor.MotionDims {
		name, raw = "raw, sensor12_packed", codec.Sensor12StepBytes*shape.W
	}
	rows := []string{"\tpayload\tSF7\tSF12"}
	for _, r := range []struct {
		name string
		n    int
	}{{"this model", n}, {name, raw}} {
		rows = append(rows, fmt.Sprintf("%s\t%d B\t%s\t%s", r.name, r.n, airtime(7, r.n), airtime(12, r.n)))
	}
	table.Write(w, rows...)
}

// airtime returns the time on air of a payload of n bytes at 125 kHz, 4/5.
func airtime(sf, n int) string {
	if n > codec.MaxPayloadBytes {
		return "too long"
	}
	phy := radio.PHY{SF: sf, BandwidthHz: 125000, CodingRate: 1, Preamble: 8, ExplicitHeader: true}
	return table.Millis(phy.TimeOnAir(radio.HeaderLen + n))
}
