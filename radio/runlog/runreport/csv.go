package runreport

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
)

// WriteCSV writes the runs of a set as CSV, one per row, with a header row. A figure
// that a run lacks is empty. Energy may be nil.
func (s *Set) WriteCSV(w io.Writer, energy *EnergyReport) error {
	c := csv.NewWriter(w)
	header := []string{"run_id", "sent_count", "acked_count", "failed_count", "rx_ok_count", "retries", "unique_windows_sent", "delivered_windows",
		"delivery_ratio", "pdr", "etx", "total_toa_ms", "payload_bytes_mean", "frame_bytes_mean", "ack_rtt_ms_p50", "ack_rtt_ms_p90",
		"e2e_ms_p50", "e2e_ms_p90", "rssi_dbm_p50", "recon_mae_mean", "recon_mse_mean", "energy_j", "energy_per_delivered_window_j"}
	rows := [][]string{header}
	for _, r := range s.Runs {
		m := r.Metrics
		row := []string{r.RunID}
		for _, n := range []*int{&m.Sent, &m.Acked, &m.Failed, &m.RxOK, &m.Retries, m.Windows, m.Delivered} {
			cell := ""
			if n != nil {
				cell = strconv.Itoa(*n)
			}
			row = append(row, cell)
		}
		figures := []*float64{m.DeliveryRatio, &m.PDR, &m.ETX, &m.TimeOnAirMs}
		get := func(d *Distribution, f func(*Distribution) *float64) {
			if d == nil {
				figures = append(figures, nil)
				return
			}
			figures = append(figures, f(d))
		}
		mean := func(d *Distribution) *float64 { return &d.Mean }
		p50 := func(d *Distribution) *float64 { return &d.P50 }
		p90 := func(d *Distribution) *float64 { return &d.P90 }
		get(m.PayloadBytes, mean)
		get(m.FrameBytes, mean)
		get(m.RTTMs, p50)
		get(m.RTTMs, p90)
		get(m.EndToEndMs, p50)
		get(m.EndToEndMs, p90)
		get(m.RSSIdBm, p50)
		get(m.ReconMAE, mean)
		get(m.ReconMSE, mean)
		if e := energy.Run(r.RunID); e != nil {
			figures = append(figures, &e.EnergyJ, e.PerDelivered)
		} else {
			figures = append(figures, nil, nil)
		}
		for _, x := range figures {
			cell := ""
			if x != nil {
				cell = strconv.FormatFloat(*x, 'g', -1, 64)
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	if err := c.WriteAll(rows); err != nil {
		return fmt.Errorf("runreport: %w", err)
	}
	return nil
}
