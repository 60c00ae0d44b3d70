package show

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// maxSensors is how many lines Sensors writes.
const maxSensors = 32

// Sensors writes one line a value of a step: its errors, in metres for latitude
// and longitude, and how far the windows lie from what norm was made for. Drift
// may be nil.
func Sensors(w io.Writer, latitude float64, e *quality.Evaluation, drift *quality.Drift) {
	head := "\trms\tp50\tp99\tmax"
	if drift != nil {
		head += "\tmean shift\tspread\toutside"
	}
	rows := []string{head}
	for i, s := range e.BySensor[:min(len(e.BySensor), maxSensors)] {
		scale, unit := 1.0, s.Unit
		if len(e.BySensor) == sensor.MotionDims && i < 2 {
			unit = "m"
			if scale = sensor.MetresPerDegree; i == 1 {
				scale *= math.Cos(latitude * math.Pi / 180)
			}
		}
		if unit != "" {
			unit = " " + strings.ReplaceAll(unit, "^2", "²")
		}
		row := s.Sensor
		for _, v := range []float64{math.Sqrt(s.MSE), s.P50, s.P99, s.Max} {
			row += "\t" + Digits(v*scale) + unit
		}
		if drift != nil {
			d := drift.BySensor[i]
			sign := "+"
			if d.Shift < 0 {
				sign = ""
			}
			row += fmt.Sprintf("\t%s%s\t%s\t%.2f %%", sign, Digits(d.Shift), Digits(d.Spread), 100*d.Outside)
		}
		rows = append(rows, row)
	}
	Table(w, rows...)
	if n := len(e.BySensor) - maxSensors; n > 0 {
		fmt.Fprintf(w, "and %d values more\n", n)
	}
	if drift != nil {
		fmt.Fprintf(w, "Mean shift and spread are in deviations of the training windows; outside are values more than %g of them from\nthe mean: %.2f %% of the windows hold one.\n",
			drift.Limit, 100*drift.Windows)
	}
}
