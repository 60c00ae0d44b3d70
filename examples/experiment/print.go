package main

import (
	"fmt"
	"io"
	"time"

	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/internal/station"
)

func (r *report) print(w io.Writer, latitude float64) {
	cond := conditions[r.Condition]
	period := time.Duration(r.PeriodMs * float64(time.Millisecond)).Round(time.Millisecond)
	value := cli.Digits(r.Value)
	if cond.whole {
		value = fmt.Sprintf("%.0f", r.Value)
	}
	fmt.Fprintf(w, "%s over %s\nat most half of the raw frames arrive at %s %s; %d windows a sender, one in %v on average, %d retries, seed %d\n\n",
		r.Dataset, r.PHYID, value, cond.unit, r.Windows, period, r.Retries, r.Seed)
	var rows []string
	row := func(name string, cell func(*result) string) {
		line := name
		for _, run := range r.Runs {
			line += "\t" + cell(run)
		}
		rows = append(rows, line)
	}
	row("", func(x *result) string { return x.Payload })
	row("payload", func(x *result) string { return fmt.Sprintf("%d B", x.Bytes) })
	row("time on air of a frame", func(x *result) string { return fmt.Sprintf("%.1f ms", x.ToAMs) })
	row("windows", func(x *result) string { return fmt.Sprint(x.Metrics.Windows) })
	row("  delivered", func(x *result) string { return fmt.Sprintf("%.2f %%", 100*x.Metrics.DeliveryRatio) })
	row("  dropped by the queue", func(x *result) string { return fmt.Sprint(x.Metrics.Dropped) })
	row("PDR", func(x *result) string { return fmt.Sprintf("%.3f", x.Metrics.PDR) })
	row("  against raw", func(x *result) string { return station.Percent(x.Comparison.PDRImprovePct) })
	row("ETX", func(x *result) string { return fmt.Sprintf("%.3f", x.Metrics.ETX) })
	row("  against raw", func(x *result) string { return station.Percent(-x.Comparison.ETXReducePct) })
	row("airtime, data", func(x *result) string { return fmt.Sprintf("%.0f s", x.Metrics.AirtimeS) })
	row("  against raw", func(x *result) string { return station.Percent(-x.Comparison.AirtimeReducePct) })
	row("zscored.mse of the delivered", func(x *result) string { return x.error(func() float64 { return x.ZScored.MSE }, "") })
	for _, f := range quality.Figures() {
		row("  "+f.Name, func(x *result) string {
			return x.error(func() float64 { return f.RMS(x.dims, latitude) }, " "+f.Unit)
		})
	}
	cli.Table(w, rows...)
	fmt.Fprintln(w, "\nETX counts what the sender knows: a lost ACK is a lost frame to it.")
}

// dims is the mean error over some values of a sample.
func (r *result) dims(from, to int) quality.Errors { return r.tally.Dims(sensor.MotionDims, from, to) }

func (r *result) error(figure func() float64, unit string) string {
	if r.ZScored == nil {
		return "-"
	}
	return cli.Digits(figure()) + unit
}
