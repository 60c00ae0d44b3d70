package runlog

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/loralink/loralink-go/internal/table"
	"github.com/loralink/loralink-go/radio/link"
)

// figure is a row of the tables below.
type figure struct {
	name string
	end  link.Role // the end whose log it is from; "": both
	text func(m *Metrics) string
}

var figures = func() []figure {
	const tx, rx = link.RoleTX, link.RoleRX
	count := func(name string, end link.Role, get func(*Metrics) int) figure {
		return figure{name, end, func(m *Metrics) string { return fmt.Sprint(get(m)) }}
	}
	number := func(name string, end link.Role, format string, get func(*Metrics) float64) figure {
		return figure{name, end, func(m *Metrics) string { return fmt.Sprintf(format, get(m)) }}
	}
	return []figure{
		count("windows", tx, func(m *Metrics) int { return m.Windows }),
		count("  acknowledged", tx, func(m *Metrics) int { return m.Acked }),
		count("  given up", tx, func(m *Metrics) int { return m.Failed }),
		count("  dropped by the queue", tx, func(m *Metrics) int { return m.Dropped }),
		number("delivery ratio", tx, "%.4f", func(m *Metrics) float64 { return m.DeliveryRatio }),
		count("frames sent", tx, func(m *Metrics) int { return m.Sent }),
		count("  retries", tx, func(m *Metrics) int { return m.Retries }),
		count("frames received", rx, func(m *Metrics) int { return m.RxOK }),
		count("  repeated", rx, func(m *Metrics) int { return m.RxRepeated }),
		count("  refused by the codec", rx, func(m *Metrics) int { return m.ReconFailed }),
		count("windows delivered", rx, func(m *Metrics) int { return m.Delivered }),
		count("ACKs sent", rx, func(m *Metrics) int { return m.AcksSent }),
		count("bursts that were not a frame", "", func(m *Metrics) int { return m.ParseFails }),
		number("PDR", tx, "%.4f", func(m *Metrics) float64 { return m.PDR }),
		number("ETX", tx, "%.3f", func(m *Metrics) float64 { return m.ETX }),
		number("payload, mean", tx, "%.1f B", func(m *Metrics) float64 { return m.PayloadMean }),
		number("time on air, estimated", tx, "%.3f s", func(m *Metrics) float64 { return m.TimeOnAirS }),
		number("time on air of ACKs, estimated", rx, "%.3f s", func(m *Metrics) float64 { return m.AckTimeOnAirS }),
		number("last sending to ACK, median", tx, "%.1f ms", func(m *Metrics) float64 { return m.RTTMs.P50 }),
		number("offering to ACK, median", tx, "%.1f ms", func(m *Metrics) float64 { return m.EndToEndMs.P50 }),
		number("offering to ACK, 95 %", tx, "%.1f ms", func(m *Metrics) float64 { return m.EndToEndMs.P95 }),
		number("encoding, mean", tx, "%.3f ms", func(m *Metrics) float64 { return m.EncodeMs.Mean }),
	}
}()

// WriteSender writes the figures that a sender knows, one per line.
func (m Metrics) WriteSender(w io.Writer) { m.write(w, link.RoleTX) }

// WriteReceiver writes the figures that a receiver knows, one per line.
func (m Metrics) WriteReceiver(w io.Writer) { m.write(w, link.RoleRX) }

func (m *Metrics) write(w io.Writer, end link.Role) {
	t := table.NewColumns(m)
	for _, f := range figures {
		if f.end == end || f.end == "" {
			t.Row(f.name, f.text)
		}
	}
	t.Write(w)
}

// WriteTable writes the figures of runs side by side: a run, and those that it is
// compared with. It leaves out figures that no run's logs have, and writes "-" if the
// logs of one run lack a figure.
func WriteTable(w io.Writer, runs ...*Run) {
	has := func(r *Run, end link.Role) bool {
		return end == "" || end == link.RoleTX && r.TX != "" || end == link.RoleRX && r.RX != ""
	}
	t := table.NewColumns(runs...)
	t.Row("", func(r *Run) string {
		if r == runs[0] {
			return r.RunID
		}
		return "baseline " + r.RunID
	})
	for _, f := range figures {
		if !slices.ContainsFunc(runs, func(r *Run) bool { return has(r, f.end) }) {
			continue
		}
		t.Row(f.name, func(r *Run) string {
			if !has(r, f.end) {
				return "-"
			}
			return f.text(&r.Metrics)
		})
	}
	t.Row("run_start events", func(r *Run) string { return fmt.Sprint(r.Starts) })
	t.Row("first to last event", func(r *Run) string {
		return time.Duration(r.Metrics.DurationS * float64(time.Second)).Round(time.Millisecond).String()
	})
	energy := func(name string, get func(*Energy) float64) {
		t.Row(name, func(r *Run) string {
			if r.Energy == nil {
				return "-"
			}
			return table.Digits(get(r.Energy)) + " J"
		})
	}
	if runs[0].Energy != nil {
		energy("energy", func(e *Energy) float64 { return e.Joules })
		energy("energy per delivered window", func(e *Energy) float64 { return e.JoulesPerDelivered })
	}
	t.Write(w)
}

// String returns the changes from the baseline's figures to the run's, such as "PDR
// +25.0 %, ETX -20.0 %, time on air the same". A change of less than 0.05 % is "the
// same".
func (c Comparison) String() string {
	parts := []string{"PDR " + table.Change(c.PDRImprovePct), "ETX " + table.Change(-c.ETXReducePct), "time on air " + table.Change(-c.TimeOnAirReducePct)}
	if c.EnergyReducePct != nil {
		parts = append(parts, "energy "+table.Change(-*c.EnergyReducePct))
	}
	return strings.Join(parts, ", ")
}
