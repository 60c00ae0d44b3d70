package quality

import (
	"encoding/csv"
	"io"
	"math"
	"strconv"
)

// WriteCSV writes the errors as CSV: a header, then for the codec and each baseline one
// row per value of a step, in its unit. The value "all" is the mean over all values, with
// their units mixed in mae and rms; zscored_mse, relative to the standard deviations, is
// of all values and stands in that row alone.
func (c *Comparison) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.Write([]string{"code", "payload_bytes", "windows", "value", "unit", "mae", "rms", "p50", "p99", "max", "zscored_mse"})
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	rows := func(name string, bytes int, e *Evaluation) {
		head := []string{name, strconv.Itoa(bytes), strconv.Itoa(e.Samples)}
		for _, s := range e.BySensor {
			out.Write(append(head[:3:3], s.Sensor, s.Unit, number(s.MAE), number(math.Sqrt(s.MSE)), number(s.P50), number(s.P99), number(s.Max), ""))
		}
		out.Write(append(head[:3:3], "all", "", number(e.Overall.MAE), number(math.Sqrt(e.Overall.MSE)), "", "", "", number(e.ZScored.MSE)))
	}
	rows(c.codec.ID(), c.bytes(), c.Evaluation)
	for _, b := range c.Baselines {
		rows(b.Name, b.Bytes, b.Evaluation)
	}
	out.Flush()
	return out.Error()
}
