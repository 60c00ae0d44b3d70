package link

import (
	"math"
	"time"
)

// Metrics sums up a run. Ratios are NaN-free: one whose denominator is zero is
// zero.
type Metrics struct {
	Windows   int `json:"windows"`   // distinct windows sent or dropped
	Sent      int `json:"sent"`      // data frames, repetitions included
	Retries   int `json:"retries"`   // of them, repetitions
	Acked     int `json:"acked"`     // windows acknowledged
	Failed    int `json:"failed"`    // windows given up
	Dropped   int `json:"dropped"`   // windows the queue did not hold
	Delivered int `json:"delivered"` // by the receiver's log; else as Acked

	RxOK        int  `json:"rx_ok"`        // data frames received
	RxRepeated  int  `json:"rx_repeated"`  // of them, delivered before
	AcksSent    int  `json:"acks_sent"`    //
	ParseFails  int  `json:"parse_fails"`  // bursts that were no frame, at both ends
	ReconFailed int  `json:"recon_failed"` // payloads the codec refused
	BothEnds    bool `json:"both_ends"`    // whether the receiver's events were there

	PDR           float64 `json:"pdr"`            // data frames received / sent; from one log, acknowledged / sent
	ETX           float64 `json:"etx"`            // data frames sent / windows acknowledged
	DeliveryRatio float64 `json:"delivery_ratio"` // windows delivered / windows

	AirtimeS    float64 `json:"airtime_s"`     // of data frames, estimated from the PHY
	AckAirtimeS float64 `json:"ack_airtime_s"` // of ACKs, where the receiver's log says it
	PayloadMean float64 `json:"payload_bytes_mean"`
	FrameBytes  int     `json:"frame_bytes"` // sum over data frames
	DurationS   float64 `json:"duration_s"`  // first to last event

	RTTMs      Quantiles `json:"rtt_ms"`     // last sending of a window to its ACK
	ServiceMs  Quantiles `json:"service_ms"` // first sending to ACK
	QueueMs    Quantiles `json:"queue_ms"`   // offering to first sending
	EndToEndMs Quantiles `json:"e2e_ms"`     // offering to ACK
	EncodeMs   Quantiles `json:"codec_encode_ms"`
}

// Quantiles describe a distribution. All but Mean and Max are exact to 1 %.
type Quantiles struct {
	N    int     `json:"n"`
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
}

// Meter makes Metrics of events, one at a time, in memory that does not grow
// with their number but for one bit a window. The zero Meter is ready.
type Meter struct {
	m           Metrics
	windows     idSet
	acked       idSet
	payload     int
	any         bool // whether there was an event
	firstMs     int64
	lastMs      int64
	rtt, queue  histogram
	e2e, encode histogram
	service     histogram
}

// Add takes an event of one end's log.
func (m *Meter) Add(role Role, e Event) {
	// As exact as the log, so that its reader gets the same sums.
	at := e.At.UnixMilli()
	if !m.any || at < m.firstMs {
		m.firstMs = at
	}
	if !m.any || at > m.lastMs {
		m.lastMs = at
	}
	m.any = true
	m.m.BothEnds = m.m.BothEnds || role == RoleRX
	switch e.Kind {
	case EventTxSent:
		m.m.Sent++
		if m.windows.add(e.WindowID) {
			m.encode.add(ms(e.Encode))
		} else {
			m.m.Retries++
		}
		m.m.FrameBytes += e.FrameBytes
		m.payload += e.PayloadBytes
		m.m.AirtimeS += ms(e.TimeOnAir) / 1000
	case EventAckReceived:
		if m.acked.add(e.WindowID) {
			m.m.Acked++
			m.rtt.add(ms(e.RTT))
			m.queue.add(ms(e.Queued))
			m.e2e.add(ms(e.EndToEnd))
			m.service.add(ms(e.EndToEnd) - ms(e.Queued))
		}
	case EventTxFailed:
		m.windows.add(e.WindowID)
		m.m.Failed++
	case EventTxDropped:
		m.windows.add(e.WindowID)
		m.m.Dropped++
	case EventRxOK:
		m.m.RxOK++
		if e.Duplicate {
			m.m.RxRepeated++
		}
	case EventRxParseFail:
		m.m.ParseFails++
	case EventAckSent:
		m.m.AcksSent++
		m.m.AckAirtimeS += ms(e.TimeOnAir) / 1000
	case EventReconFailed:
		m.m.ReconFailed++
	}
}

// Metrics returns the sums so far.
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

// Comparison sets a run against a baseline run, in percent of the baseline's
// figure; positive is better. A figure whose baseline is zero is zero.
type Comparison struct {
	PDRImprovePct    float64 `json:"pdr_improve_pct"`
	ETXReducePct     float64 `json:"etx_reduce_pct"`
	AirtimeReducePct float64 `json:"airtime_reduce_pct"`
	// EnergyReducePct is of the energies given to Compare.
	EnergyReducePct *float64 `json:"energy_reduce_pct,omitempty"`
}

// Compare sets run against baseline. The energies, in joules, are measured ones
// or zero where there is no measurement.
func Compare(run, baseline Metrics, runJ, baselineJ float64) Comparison {
	c := Comparison{
		PDRImprovePct:    -reducePct(run.PDR, baseline.PDR),
		ETXReducePct:     reducePct(run.ETX, baseline.ETX),
		AirtimeReducePct: reducePct(run.AirtimeS, baseline.AirtimeS),
	}
	if runJ > 0 && baselineJ > 0 {
		pct := reducePct(runJ, baselineJ)
		c.EnergyReducePct = &pct
	}
	return c
}

func reducePct(x, baseline float64) float64 {
	if baseline == 0 {
		return 0
	}
	return 100 * (baseline - x) / baseline
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func ms(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

// idSet counts distinct window ids at one bit each, in pages.
type idSet struct {
	n     int
	pages map[int64]*[64]uint64
}

// add says whether id is new.
func (s *idSet) add(id int64) bool {
	page := s.pages[id>>12]
	if page == nil {
		if s.pages == nil {
			s.pages = map[int64]*[64]uint64{}
		}
		page = new([64]uint64)
		s.pages[id>>12] = page
	}
	word, bit := &page[id>>6&63], uint64(1)<<(id&63)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	s.n++
	return true
}

// histogram keeps milliseconds in buckets that grow by 2 % from 1 µs to 11 days.
type histogram struct {
	n       int
	sum     float64
	max     float64
	buckets [1400]uint32
}

const (
	histogramMin  = 1e-3
	histogramGrow = 1.02
)

func (h *histogram) add(x float64) {
	x = max(x, 0)
	h.n++
	h.sum += x
	h.max = max(h.max, x)
	i := 0
	if x > histogramMin {
		i = min(1+int(math.Log(x/histogramMin)/math.Log(histogramGrow)), len(h.buckets)-1)
	}
	h.buckets[i]++
}

func (h *histogram) quantiles() Quantiles {
	if h.n == 0 {
		return Quantiles{}
	}
	at := func(q float64) float64 {
		rank := max(int(math.Ceil(q*float64(h.n))), 1)
		for i, c := range h.buckets {
			if rank -= int(c); rank <= 0 {
				if i == 0 {
					return 0
				}
				return min(h.max, histogramMin*math.Pow(histogramGrow, float64(i)-0.5))
			}
		}
		return h.max
	}
	return Quantiles{N: h.n, Mean: h.sum / float64(h.n), P50: at(0.5), P95: at(0.95), P99: at(0.99), Max: h.max}
}
