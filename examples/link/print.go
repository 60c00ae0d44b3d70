package main

import (
	"fmt"
	"io"
	"time"

	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/internal/station"
)

// print writes the runs side by side.
func (r *report) print(w io.Writer, o *options, windows []dataset.Window) {
	fmt.Fprintf(w, "%d windows of %s over %s, loss %g", len(windows), o.source.Name(), r.PHYID, r.Loss)
	if r.MeanBurst > 0 {
		fmt.Fprintf(w, " in bursts of %g frames", r.MeanBurst)
	}
	fmt.Fprintf(w, ", seed %d\n\n", r.Seed)

	var rows []string
	row := func(name string, cell func(*outcome) string) {
		line := name
		for _, run := range r.Runs {
			line += "\t" + cell(run)
		}
		rows = append(rows, line)
	}
	flush := func() {
		cli.Table(w, rows...)
		fmt.Fprintln(w)
		rows = nil
	}
	count := func(n int) string { return fmt.Sprint(n) }
	row("", func(x *outcome) string { return x.Codec })
	row("payload", func(x *outcome) string { return fmt.Sprintf("%d B", x.Payload) })
	row("time on air of a frame", func(x *outcome) string { return fmt.Sprintf("%.1f ms", x.ToAMs) })
	row("windows sent", func(x *outcome) string { return count(x.Metrics.Windows) })
	row("  delivered", func(x *outcome) string {
		return fmt.Sprintf("%d (%.2f %%)", x.Metrics.Delivered, 100*x.Metrics.DeliveryRatio)
	})
	row("  given up by the sender", func(x *outcome) string { return count(x.Metrics.Failed) })
	row("  dropped by the queue", func(x *outcome) string { return count(x.Metrics.Dropped) })
	row("frames sent", func(x *outcome) string { return count(x.Metrics.Sent) })
	row("  retries", func(x *outcome) string { return count(x.Metrics.Retries) })
	row("PDR", func(x *outcome) string { return fmt.Sprintf("%.3f", x.Metrics.PDR) })
	row("ETX", func(x *outcome) string { return fmt.Sprintf("%.3f", x.Metrics.ETX) })
	row("airtime, data", func(x *outcome) string { return seconds(x.Metrics.AirtimeS) })
	row("airtime, ACKs", func(x *outcome) string { return seconds(x.Metrics.AckAirtimeS) })
	row("run, virtual time", func(x *outcome) string { return seconds(x.elapsed.Seconds()) })
	row("first sending to ACK, median", func(x *outcome) string {
		return seconds(x.Metrics.ServiceMs.P50 / 1000)
	})
	if bad := func(x *outcome) int {
		return x.Observed.Corrupt + x.Observed.DeliveredTwice + x.Observed.FalselyAcked + x.Observed.Unreported
	}; bad(r.Runs[0])+bad(r.Runs[len(r.Runs)-1]) > 0 {
		row("delivered corrupt", func(x *outcome) string { return count(x.Observed.Corrupt) })
		row("delivered twice", func(x *outcome) string { return count(x.Observed.DeliveredTwice) })
		row("acknowledged but lost", func(x *outcome) string { return count(x.Observed.FalselyAcked) })
	}
	flush()

	fmt.Fprintln(w, "Errors of the delivered windows, root mean square but for zscored:")
	row("zscored.mse", func(x *outcome) string { return x.error(func() float64 { return x.ZScored.MSE }, "") })
	if r.Runs[0].Groups != nil {
		latitude := station.MeanLatitude(windows)
		for _, f := range quality.Figures() {
			row(f.Name, func(x *outcome) string {
				return x.error(func() float64 { return f.RMS(x.dims, latitude) }, " "+f.Unit)
			})
		}
	}
	flush()
	if len(r.Runs) > 1 {
		c := r.Comparison
		fmt.Fprintf(w, "%s against %s: airtime %s, PDR %s, ETX %s.\n", r.Runs[0].Codec, r.Runs[1].Codec,
			station.Percent(-c.AirtimeReducePct), station.Percent(c.PDRImprovePct), station.Percent(-c.ETXReducePct))
	}
}

// dims is the mean error over some values of a sample.
func (r *outcome) dims(from, to int) quality.Errors { return r.tally.Dims(sensor.MotionDims, from, to) }

// error formats a figure that exists only where something was delivered.
func (r *outcome) error(figure func() float64, unit string) string {
	if r.ZScored == nil {
		return "-"
	}
	return cli.Digits(figure()) + unit
}

func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d >= time.Hour:
		return d.Round(time.Second).String()
	case d >= time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}
