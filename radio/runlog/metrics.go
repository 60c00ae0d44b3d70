package runlog

import (
	"fmt"
	"time"

	"github.com/loralink/loralink-go/radio/link"
)

// Metrics are the metrics of a run, from the log of its sender, of its receiver or of
// both. A ratio whose denominator is zero is zero; no field is ever NaN.
type Metrics struct {
	Windows   int `json:"windows"`   // distinct windows that were sent, dropped, or given up before their first sending
	Sent      int `json:"sent"`      // data frames sent, repetitions included
	Retries   int `json:"retries"`   // repetitions among Sent
	Acked     int `json:"acked"`     // windows acknowledged
	Failed    int `json:"failed"`    // windows that the sender gave up, those included that were pending when the run ended
	Dropped   int `json:"dropped"`   // windows that the sender's queue dropped
	Delivered int `json:"delivered"` // windows that the receiver delivered; without its log, Acked

	RxOK        int `json:"rx_ok"`        // data frames received, repetitions included
	RxRepeated  int `json:"rx_repeated"`  // data frames among RxOK whose window was delivered before
	AcksSent    int `json:"acks_sent"`    // ACK frames sent
	ParseFails  int `json:"parse_fails"`  // bursts of bytes that were not a frame, at both ends
	ReconFailed int `json:"recon_failed"` // payloads that the codec could not decode
	// RxConflicts and RxInterleaved count events of those kinds: signs of a second sender,
	// see Warning.
	RxConflicts   int  `json:"rx_conflicts,omitempty"`
	RxInterleaved int  `json:"rx_interleaved,omitempty"`
	BothEnds      bool `json:"both_ends"` // whether there were events of a receiver

	PDR           float64 `json:"pdr"`            // packet delivery ratio, repetitions included: RxOK / Sent; without a receiver's log, Acked / Sent
	ETX           float64 `json:"etx"`            // expected transmissions: Sent / Acked
	DeliveryRatio float64 `json:"delivery_ratio"` // Delivered / Windows

	TimeOnAirS    float64 `json:"airtime_s"`          // time on air of all data frames, in s, estimated from the PHY
	AckTimeOnAirS float64 `json:"ack_airtime_s"`      // time on air of all ACKs, in s, from the receiver's log
	PayloadMean   float64 `json:"payload_bytes_mean"` // mean length of the payloads sent, in bytes
	FrameBytes    int     `json:"frame_bytes"`        // sum over data frames, header included
	DurationS     float64 `json:"duration_s"`         // from the first event to the last, in s

	RTTMs      Quantiles `json:"rtt_ms"`          // from a window's last sending to its ACK, in ms
	ServiceMs  Quantiles `json:"service_ms"`      // from a window's first sending to its ACK, in ms
	QueueMs    Quantiles `json:"queue_ms"`        // from offering a window to its first sending, in ms
	EndToEndMs Quantiles `json:"e2e_ms"`          // from offering a window to its ACK, in ms
	EncodeMs   Quantiles `json:"codec_encode_ms"` // time spent encoding a window, in ms
}

// Quantiles describe a distribution. N, Mean and Max are exact, the quantiles within
// 1 %. All fields are 0 if N is 0.
type Quantiles struct {
	N    int     `json:"n"` // number of values
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"` // median
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
}

// Meter computes [Metrics] from events. It needs one bit of memory per window, so it
// can run for months. The zero Meter is ready to use. It must not be used by several
// goroutines at once.
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

// Add adds an event of the given end.
func (m *Meter) Add(role link.Role, e link.Event) {
	// Times have the precision of the log, so that its readers get the same metrics.
	now := e.Time.UnixMilli()
	if !m.started || now < m.firstMs {
		m.firstMs = now
	}
	if !m.started || now > m.lastMs {
		m.lastMs = now
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
		m.m.ParseFails += 1 + e.Omitted
	case link.EventAckSent:
		m.m.AcksSent++
		m.m.AckTimeOnAirS += ms(e.TimeOnAir) / 1000
	case link.EventReconFailed:
		m.m.ReconFailed++
	case link.EventRxConflict:
		m.m.RxConflicts++
	case link.EventRxInterleaved:
		m.m.RxInterleaved++
	}
}

// Metrics returns the metrics of the events so far.
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

// Warning returns a sentence if the receiver saw signs of a second sender, and otherwise
// "". Frames carry no address: if two senders share a channel, an ACK for one counts at
// the other, and windows that the senders count as acknowledged may be lost.
func (m Metrics) Warning() string {
	switch {
	case m.RxInterleaved > 0:
		return fmt.Sprintf("SEQs came from two counters in turn, and %d frames had the SEQ of another window: two senders share this channel, "+
			"and may count windows as acknowledged that did not arrive; want one sender per channel", m.RxConflicts)
	case m.RxConflicts > 0:
		return fmt.Sprintf("%d frames had the SEQ of another window: a second sender shares this channel, or the sender restarted without its state, "+
			"or frames were damaged; want one sender per channel, and the CRC on", m.RxConflicts)
	}
	return ""
}

// ratio returns a/b, or 0 if b is 0.
func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// ms returns d in milliseconds, rounded to the microsecond.
func ms(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}
