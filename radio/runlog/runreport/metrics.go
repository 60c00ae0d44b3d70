package runreport

import (
	"math"
	"slices"
	"time"

	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
)

// Metrics are the metrics of a run in a [Set]. Their JSON has the keys of the
// reference's metrics. Unlike those of runlog.Metrics, the quantiles are exact, which
// takes 56 bytes of memory per frame.
type Metrics struct {
	Sent        int `json:"sent_count"`           // data frames sent, repetitions included
	Acked       int `json:"acked_count"`          // windows acknowledged
	Failed      int `json:"failed_count"`         // windows that the sender gave up
	RxOK        int `json:"rx_ok_count"`          // data frames received
	ParseFails  int `json:"rx_parse_fail_count"`  // bursts that were not a frame
	AcksSent    int `json:"ack_sent_count"`       // ACKs sent
	AckReceived int `json:"ack_recv_event_count"` // ACKs received

	// The next three are nil if no data frame was sent.
	Windows       *int     `json:"unique_windows_sent"` // distinct windows sent
	Delivered     *int     `json:"delivered_windows"`   // distinct windows acknowledged
	DeliveryRatio *float64 `json:"delivery_ratio"`      // Delivered / Windows

	Retries int `json:"retries"` // repetitions among Sent
	// PDR is the packet delivery ratio: RxOK / Sent if the set has both ends of the run
	// under one run_id, else Acked / Sent; 0 if nothing was sent.
	PDR         float64 `json:"pdr"`
	ETX         float64 `json:"etx"`          // Sent / Acked; 0 if nothing was acknowledged
	TimeOnAirMs float64 `json:"total_toa_ms"` // time on air of all data frames, in ms, estimated

	// A distribution is nil if it has no values.
	ToAMs        *Distribution `json:"toa_ms_est"`      // time on air of each data frame, in ms
	PayloadBytes *Distribution `json:"payload_bytes"`   // length of each payload sent
	FrameBytes   *Distribution `json:"frame_bytes"`     // length of each data frame sent
	AgeMs        *Distribution `json:"tx_age_ms"`       // from offering a window to each of its sendings, in ms
	EncodeMs     *Distribution `json:"codec_encode_ms"` // time spent encoding, in ms, for each data frame
	RTTMs        *Distribution `json:"ack_rtt_ms"`      // from a window's last sending to its ACK, in ms
	QueueMs      *Distribution `json:"queue_ms"`        // from offering a window to its first sending, in ms, of acknowledged windows
	EndToEndMs   *Distribution `json:"e2e_ms"`          // from offering a window to its ACK, in ms
	RSSIdBm      *Distribution `json:"rssi_dbm"`        // signal strength of what either end received, in dBm
	ReconMAE     *Distribution `json:"recon_mae"`       // mean absolute error of each decoded window
	ReconMSE     *Distribution `json:"recon_mse"`       // mean squared error of each decoded window
}

// Distribution describes values. The quantiles are interpolated linearly between the
// two nearest values.
type Distribution struct {
	Count int     `json:"count"`
	Min   float64 `json:"min"`
	P50   float64 `json:"p50"` // median
	P90   float64 `json:"p90"`
	Max   float64 `json:"max"`
	Mean  float64 `json:"mean"`
}

// newDistribution returns nil if there are no values. It sorts them.
func newDistribution(values []float64) *Distribution {
	if len(values) == 0 {
		return nil
	}
	// The sum is in the order of the log.
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	slices.Sort(values)
	quantile := func(q float64) float64 {
		at := q * float64(len(values)-1)
		i := int(math.Floor(at))
		if i+1 == len(values) {
			return values[i]
		}
		return values[i] + (values[i+1]-values[i])*(at-float64(i))
	}
	return &Distribution{Count: len(values), Min: values[0], P50: quantile(0.5), P90: quantile(0.9),
		Max: values[len(values)-1], Mean: sum / float64(len(values))}
}

// meter computes Metrics from the entries of a run.
type meter struct {
	m           Metrics
	sent, acked map[int64]struct{} // window ids
	roles       map[link.Role]bool

	toa, payload, frame, age, encode, rtt, queue, e2e, rssi, mae, mse []float64
}

func newMeter() *meter {
	return &meter{sent: map[int64]struct{}{}, acked: map[int64]struct{}{}, roles: map[link.Role]bool{}}
}

func (m *meter) add(e *runlog.Entry) {
	m.roles[e.Role] = true
	if e.HasRSSI {
		m.rssi = append(m.rssi, float64(e.RSSIdBm))
	}
	switch e.Kind {
	case link.EventTxSent:
		m.m.Sent++
		if e.Attempt > 1 {
			m.m.Retries++
		}
		m.sent[e.WindowID] = struct{}{}
		m.m.TimeOnAirMs += millis(e.TimeOnAir)
		m.toa = append(m.toa, millis(e.TimeOnAir))
		m.payload = append(m.payload, float64(e.PayloadBytes))
		m.frame = append(m.frame, float64(e.FrameBytes))
		m.age = append(m.age, millis(e.Age))
		m.encode = append(m.encode, millis(e.Encode))
	case link.EventAckReceived:
		m.m.AckReceived++
		m.acked[e.WindowID] = struct{}{}
		m.rtt = append(m.rtt, millis(e.RTT))
		m.queue = append(m.queue, millis(e.Queued))
		m.e2e = append(m.e2e, millis(e.EndToEnd))
	case link.EventTxFailed:
		m.m.Failed++
	case link.EventRxOK:
		m.m.RxOK++
	case link.EventRxParseFail:
		m.m.ParseFails++
	case link.EventAckSent:
		m.m.AcksSent++
	case link.EventReconDone:
		if e.MAE != nil {
			m.mae = append(m.mae, *e.MAE)
		}
		if e.MSE != nil {
			m.mse = append(m.mse, *e.MSE)
		}
	}
}

func (m *meter) metrics() Metrics {
	out := m.m
	out.Acked = len(m.acked)
	if out.Sent > 0 {
		windows, delivered := len(m.sent), len(m.acked)
		share := float64(delivered) / float64(windows)
		out.Windows, out.Delivered, out.DeliveryRatio = &windows, &delivered, &share
		arrived := out.Acked
		if m.roles[link.RoleRX] {
			arrived = out.RxOK
		}
		out.PDR = float64(arrived) / float64(out.Sent)
	}
	if out.Acked > 0 {
		out.ETX = float64(out.Sent) / float64(out.Acked)
	}
	for _, d := range []struct {
		dst    **Distribution
		values []float64
	}{{&out.ToAMs, m.toa}, {&out.PayloadBytes, m.payload}, {&out.FrameBytes, m.frame}, {&out.AgeMs, m.age}, {&out.EncodeMs, m.encode},
		{&out.RTTMs, m.rtt}, {&out.QueueMs, m.queue}, {&out.EndToEndMs, m.e2e}, {&out.RSSIdBm, m.rssi}, {&out.ReconMAE, m.mae}, {&out.ReconMSE, m.mse}} {
		*d.dst = newDistribution(d.values)
	}
	return out
}

// millis returns d in milliseconds.
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
