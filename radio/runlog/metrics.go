package runlog

import (
	"time"

	"github.com/loralink/loralink-go/radio/link"
)

// Metrics sums up a run, from the log of its sender, of its receiver or of both.
// A ratio whose denominator is zero is zero; no field is ever NaN.
type Metrics struct {
	Windows   int `json:"windows"`   // distinct windows that were sent or dropped
	Sent      int `json:"sent"`      // data frames, repetitions included
	Retries   int `json:"retries"`   // how many of them were repetitions
	Acked     int `json:"acked"`     // windows acknowledged
	Failed    int `json:"failed"`    // windows the sender gave up
	Dropped   int `json:"dropped"`   // windows the sender's queue dropped
	Delivered int `json:"delivered"` // windows that the receiver delivered; without its log, Acked

	RxOK        int  `json:"rx_ok"`        // data frames received
	RxRepeated  int  `json:"rx_repeated"`  // how many of them carried a window that was delivered before
	AcksSent    int  `json:"acks_sent"`    // ACK frames sent
	ParseFails  int  `json:"parse_fails"`  // bursts of bytes that were not a frame, at both ends
	ReconFailed int  `json:"recon_failed"` // payloads that the codec refused to decode
	BothEnds    bool `json:"both_ends"`    // whether there were events of a receiver

	PDR           float64 `json:"pdr"`            // packet delivery ratio: data frames received / sent; without a receiver's log, acknowledged / sent
	ETX           float64 `json:"etx"`            // expected transmissions: data frames sent / windows acknowledged
	DeliveryRatio float64 `json:"delivery_ratio"` // windows delivered / windows

	TimeOnAirS    float64 `json:"airtime_s"`     // of data frames, in s, estimated from the PHY
	AckTimeOnAirS float64 `json:"ack_airtime_s"` // of ACKs, in s; from the receiver's log
	PayloadMean   float64 `json:"payload_bytes_mean"`
	FrameBytes    int     `json:"frame_bytes"` // sum over data frames, header included
	DurationS     float64 `json:"duration_s"`  // from the first event to the last, in s

	RTTMs      Quantiles `json:"rtt_ms"`          // from a window's last sending to its ACK
	ServiceMs  Quantiles `json:"service_ms"`      // from a window's first sending to its ACK
	QueueMs    Quantiles `json:"queue_ms"`        // from offering a window to its first sending
	EndToEndMs Quantiles `json:"e2e_ms"`          // from offering a window to its ACK
	EncodeMs   Quantiles `json:"codec_encode_ms"` // time spent encoding a window
}

// Quantiles describe a distribution. N, Mean and Max are exact, the quantiles
// within 1 %.
type Quantiles struct {
	N    int     `json:"n"`
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
}

// Meter sums up events into [Metrics]. It takes one event at a time and keeps
// only one bit a window, so that a run may last for months. The zero Meter is
// ready to use; it belongs to one goroutine.
type Meter struct {
	m           Metrics
	windows     idSet
	acked       idSet
	payload     int
	started     bool // whether there was an event
	firstMs     int64
	lastMs      int64
	rtt, queue  histogram
	e2e, encode histogram
	service     histogram
}

// Add takes in an event of the end that role names.
func (m *Meter) Add(role link.Role, e link.Event) {
	// To the precision of the log, so that whoever reads it gets the same sums.
	at := e.Time.UnixMilli()
	if !m.started || at < m.firstMs {
		m.firstMs = at
	}
	if !m.started || at > m.lastMs {
		m.lastMs = at
	}
	m.started = true
	m.m.BothEnds = m.m.BothEnds || role == link.RoleRX
	switch e.Kind {
	case link.EventTxSent:
		m.m.Sent++
		if m.windows.add(e.WindowID) {
			m.encode.add(ms(e.Encode))
		} else {
			m.m.Retries++
		}
		m.m.FrameBytes += e.FrameBytes
		m.payload += e.PayloadBytes
		m.m.TimeOnAirS += ms(e.TimeOnAir) / 1000
	case link.EventAckReceived:
		if m.acked.add(e.WindowID) {
			m.m.Acked++
			m.rtt.add(ms(e.RTT))
			m.queue.add(ms(e.Queued))
			m.e2e.add(ms(e.EndToEnd))
			m.service.add(ms(e.EndToEnd) - ms(e.Queued))
		}
	case link.EventTxFailed:
		m.windows.add(e.WindowID)
		m.m.Failed++
	case link.EventTxDropped:
		m.windows.add(e.WindowID)
		m.m.Dropped++
	case link.EventRxOK:
		m.m.RxOK++
		if e.Duplicate {
			m.m.RxRepeated++
		}
	case link.EventRxParseFail:
		m.m.ParseFails++
	case link.EventAckSent:
		m.m.AcksSent++
		m.m.AckTimeOnAirS += ms(e.TimeOnAir) / 1000
	case link.EventReconFailed:
		m.m.ReconFailed++
	}
}

// Metrics returns what the events so far sum up to.
func (m *Meter) Metrics() Metrics {
	out := m.m
	out.Windows = m.windows.n
	out.Delivered = out.Acked
	arrived := out.Acked
	if out.BothEnds {
		out.Delivered = out.RxOK - out.RxRepeated - out.ReconFailed
		arrived = out.RxOK
	}
	out.PDR = ratio(arrived, out.Sent)
	out.ETX = ratio(out.Sent, out.Acked)
	out.DeliveryRatio = ratio(out.Delivered, out.Windows)
	out.PayloadMean = ratio(m.payload, out.Sent)
	out.DurationS = float64(m.lastMs-m.firstMs) / 1000
	out.RTTMs, out.ServiceMs, out.QueueMs = m.rtt.quantiles(), m.service.quantiles(), m.queue.quantiles()
	out.EndToEndMs, out.EncodeMs = m.e2e.quantiles(), m.encode.quantiles()
	return out
}

// ratio is a/b, or 0 where b is.
func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// ms is d in milliseconds, to the microsecond.
func ms(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}
