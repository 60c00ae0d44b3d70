package study

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/table"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/sim"
	"github.com/loralink/loralink-go/runspec"
)

// ReplaySettings are the settings of [Replay]. The zero value is the default.
type ReplaySettings struct {
	// Impairments are what happens to frames at random. Besides, frames that overlap on
	// the air destroy each other.
	Impairments sim.Impairments
	// Latency returns how long each end takes to carry a frame between host and modem.
	// Both ends wait accordingly. nil: no time, and both ends wait for the latency in
	// their endpoint's settings, if any.
	Latency func(frameLen int) time.Duration
	// Baselines are the codecs to compare with. nil: sensor12_packed, if the windows
	// consist of motion samples and the payloads fit into a frame.
	Baselines []codec.Codec
}

// ReplayReport is the result of [Replay]. Its JSON is what examples/link writes.
type ReplayReport struct {
	Loss      float64 `json:"loss"`
	MeanBurst float64 `json:"mean_burst"`
	Seed      uint64  `json:"seed"` // of the impairments
	PHYID     string  `json:"phy_id"`
	// Runs holds the run with the endpoints' codec first, then those with baselines.
	Runs       []*ReplayRun      `json:"runs"`
	Comparison runlog.Comparison `json:"comparison"` // of the first run with the last
	Windows    int               `json:"-"`          // number of windows that were replayed

	latitude float64
}

// ReplayRun is the run with one codec.
type ReplayRun struct {
	Codec       string         `json:"codec"`         // the codec's id
	Payload     int            `json:"payload_bytes"` // length of the longest payload
	TimeOnAirMs float64        `json:"toa_ms_est"`    // time on air of a frame with the longest payload
	Metrics     runlog.Metrics `json:"metrics"`       // from the events of both ends
	Observed    sim.Outcome    `json:"observed"`      // as seen by an observer of both ends
	Air         sim.AirStats   `json:"air"`           // what happened to frames
	// ZScored holds the errors of the delivered windows, divided by the standard
	// deviation of each value; nil if none was delivered.
	ZScored *quality.Errors `json:"zscored,omitempty"`
	// Groups holds the errors by sensor group, in its units; nil unless the windows
	// consist of motion samples.
	Groups  map[string]quality.Errors `json:"by_group,omitempty"`
	Elapsed time.Duration             `json:"-"` // virtual time

	delivered delivered
}

// Replay sends windows from one endpoint to another over a simulated channel, with
// their codec and with each baseline. It passes over the windows once, and once more for
// each codec, and holds some hundreds of them in memory: those in the queue and in flight,
// and 256 more. A window that arrives later than that does not count in the errors. The endpoints must fit together, see
// Endpoint.CheckPeer. If the RunSpec's tx.queue is block, a window is offered as soon
// as the queue is not full. Otherwise windows are offered at their own times, as those
// of a live sensor. The receiver decodes payloads in mode RAW too. Settings may be
// nil.
func Replay(ctx context.Context, tx, rx *endpoint.Endpoint, windows iter.Seq2[dataset.Window, error], settings *ReplaySettings) (*ReplayReport, error) {
	if settings == nil {
		settings = &ReplaySettings{}
	}
	if err := tx.CheckPeer(rx); err != nil {
		return nil, err
	}
	all, err := newSurvey(ctx, tx, windows, nil)
	if err != nil {
		return nil, err
	}
	channel := sim.Channel{PHY: tx.Timing(nil).PHY, Latency: settings.Latency, Collisions: true, Impairments: settings.Impairments}
	baselines := settings.Baselines
	if baselines == nil {
		baselines = rawBaseline(tx)
	}
	rep := &ReplayReport{Loss: channel.Loss, MeanBurst: channel.MeanBurst, Seed: channel.Seed, PHYID: channel.PHY.ID(), Windows: all.windows, latitude: all.latitude}
	for _, c := range append([]codec.Codec{tx.Codec()}, baselines...) {
		r := &replay{tx: tx, rx: rx, channel: channel, codec: c, windows: windows, survey: all}
		run, err := r.run(ctx)
		if err != nil {
			return nil, err
		}
		rep.Runs = append(rep.Runs, run)
	}
	rep.Comparison = runlog.Compare(rep.Runs[0].Metrics, rep.Runs[len(rep.Runs)-1].Metrics)
	return rep, nil
}

// rawBaseline returns sensor12_packed, unless it is the endpoint's own codec or cannot
// encode its windows.
func rawBaseline(e *endpoint.Endpoint) []codec.Codec {
	spec := e.Spec()
	c, err := codec.NewSensor12(spec.Window.W, codec.Sensor12Scales{})
	if err != nil || spec.Window.Dims != sensor.MotionDims || e.Codec().ID() == c.ID() ||
		c.MaxPayloadLen() > min(spec.MaxPayloadBytes, codec.MaxPayloadBytes) {
		return nil
	}
	return []codec.Codec{c}
}

// replay is what one run needs.
type replay struct {
	tx, rx  *endpoint.Endpoint
	channel sim.Channel
	codec   codec.Codec
	windows iter.Seq2[dataset.Window, error]
	survey  *survey
}

func (r *replay) run(ctx context.Context) (*ReplayRun, error) {
	sender, receiver, err := r.machines()
	if err != nil {
		return nil, err
	}
	payload := r.codec.MaxPayloadLen()
	result := &ReplayRun{Codec: r.codec.ID(), Payload: payload, TimeOnAirMs: millis(r.channel.PHY.TimeOnAir(radio.HeaderLen + payload)),
		delivered: newDelivered(r.survey.std)}
	source, stop := newSource(r.windows, sender.QueueSpace()+radio.MaxInFlight+lateWindows)
	defer stop()
	var meter runlog.Meter
	live := r.tx.Spec().TX.Queue != runspec.QueueBlock
	res, err := sim.Run(ctx, r.channel, 0, sim.Pair{
		Sender: sender, Receiver: receiver, Live: live, Source: source.next(live, r.survey.firstMs), OnEvent: meter.Add,
		OnDeliver: func(id int64, intact bool, d link.Delivery) {
			if values := source.kept[id]; intact && values != nil {
				result.delivered.tally.Add(values, unwrapped(r.codec, values, d.Window))
			}
		},
	})
	err = cmp.Or(source.err, err)
	if err != nil {
		return nil, err
	}
	result.Metrics, result.Observed, result.Air, result.Elapsed = meter.Metrics(), res.Pairs[0], res.Air, res.Elapsed
	result.ZScored = result.delivered.zscored()
	if r.tx.Spec().Window.Dims == sensor.MotionDims {
		result.Groups = result.delivered.byGroup()
	}
	return result, nil
}

// machines returns a fresh sender and receiver for the run's codec.
func (r *replay) machines() (*link.Sender, *link.Receiver, error) {
	tx, rx := r.tx.SenderSettings(nil), r.rx.ReceiverSettings(nil)
	tx.Codec, rx.Codec = r.codec, r.codec
	endpoint.SetEncoder(&tx, r.codec, epochs(r.channel.Seed))
	endpoint.SetDecoder(&rx, r.codec)
	if r.channel.Latency != nil {
		tx.Latency, rx.Latency = r.channel.Latency, r.channel.Latency
	}
	sender, err := link.NewSender(tx)
	if err != nil {
		return nil, nil, err
	}
	receiver, err := link.NewReceiver(rx)
	return sender, receiver, err
}

// lateWindows is how many windows after the sender was done with it a window may arrive
// and still count in the errors.
const lateWindows = 256

// source offers windows, and keeps the newest for a comparison with what arrives.
type source struct {
	pull func() (dataset.Window, error, bool)
	kept map[int64][]float64 // by window_id
	ids  []int64             // of kept, a ring; the oldest is at n modulo its length
	n    int                 // windows offered
	err  error               // of the windows
}

// newSource returns a source that keeps that many windows, and a function that ends it.
func newSource(windows iter.Seq2[dataset.Window, error], keep int) (_ *source, stop func()) {
	s := &source{kept: map[int64][]float64{}, ids: make([]int64, keep)}
	s.pull, stop = iter.Pull2(windows)
	return s, stop
}

// next returns the Source of a sim.Pair. Windows come at once or, if live is set, at their
// times after firstMs.
func (s *source) next(live bool, firstMs int64) func() (link.Outbound, time.Duration, bool) {
	return func() (link.Outbound, time.Duration, bool) {
		w, err, ok := s.pull()
		if !ok || err != nil {
			s.err = err
			return link.Outbound{}, 0, false
		}
		at := &s.ids[s.n%len(s.ids)]
		if s.n >= len(s.ids) {
			delete(s.kept, *at)
		}
		*at = w.ID
		s.n++
		s.kept[w.ID] = w.Values
		var offer time.Duration
		if live {
			offer = time.Duration(max(w.TsMs-firstMs, 0)) * time.Millisecond
		}
		return link.Outbound{ID: w.ID, SensorMs: w.TsMs, Values: w.Values}, offer, true
	}
}

// WriteTable writes the runs side by side. If the report was read from JSON, it
// writes "-" for figures in sensor units.
func (r *ReplayReport) WriteTable(w io.Writer) {
	r.writeLink(w)
	fmt.Fprintln(w, "\nErrors of the delivered windows (root mean square, except zscored.mse):")
	t := table.NewColumns(r.Runs...)
	t.Row("zscored.mse", func(x *ReplayRun) string { return mse(x.ZScored) })
	if r.Runs[0].Groups != nil {
		for _, f := range quality.Figures() {
			t.Row(f.Name, func(x *ReplayRun) string { return x.delivered.figure(f, r.latitude) })
		}
	}
	t.Write(w)
	writeForeign(w, r.Runs[0].ZScored)
	if len(r.Runs) > 1 {
		fmt.Fprintf(w, "\n%s against %s: %v\n", r.Runs[0].Codec, r.Runs[len(r.Runs)-1].Codec, r.Comparison)
	}
}

// writeLink writes the figures of the link.
func (r *ReplayReport) writeLink(w io.Writer) {
	t := table.NewColumns(r.Runs...)
	count := func(name string, get func(*ReplayRun) int) {
		t.Row(name, func(x *ReplayRun) string { return fmt.Sprint(get(x)) })
	}
	t.Row("", func(x *ReplayRun) string { return x.Codec })
	t.Row("payload", func(x *ReplayRun) string { return fmt.Sprintf("%d B", x.Payload) })
	for _, x := range r.Runs {
		if x.Metrics.Sent > 0 && x.Metrics.PayloadMean != float64(x.Payload) {
			t.Row("  mean", func(x *ReplayRun) string { return table.Digits(x.Metrics.PayloadMean) + " B" })
			break
		}
	}
	t.Row("time on air of a frame", func(x *ReplayRun) string { return fmt.Sprintf("%.1f ms", x.TimeOnAirMs) })
	count("windows sent", func(x *ReplayRun) int { return x.Metrics.Windows })
	t.Row("  delivered", func(x *ReplayRun) string {
		return fmt.Sprintf("%d (%.2f %%)", x.Metrics.Delivered, 100*x.Metrics.DeliveryRatio)
	})
	count("  given up by the sender", func(x *ReplayRun) int { return x.Metrics.Failed })
	count("  dropped by the queue", func(x *ReplayRun) int { return x.Metrics.Dropped })
	count("frames sent", func(x *ReplayRun) int { return x.Metrics.Sent })
	count("  retries", func(x *ReplayRun) int { return x.Metrics.Retries })
	t.Row("PDR", func(x *ReplayRun) string { return fmt.Sprintf("%.3f", x.Metrics.PDR) })
	t.Row("ETX", func(x *ReplayRun) string { return fmt.Sprintf("%.3f", x.Metrics.ETX) })
	t.Row("time on air, data", func(x *ReplayRun) string { return seconds(x.Metrics.TimeOnAirS) })
	t.Row("time on air, ACKs", func(x *ReplayRun) string { return seconds(x.Metrics.AckTimeOnAirS) })
	t.Row("run, virtual time", func(x *ReplayRun) string { return seconds(x.Elapsed.Seconds()) })
	t.Row("first sending to ACK, median", func(x *ReplayRun) string { return seconds(x.Metrics.ServiceMs.P50 / 1000) })
	if r.wentWrong() {
		count("delivered corrupt", func(x *ReplayRun) int { return x.Observed.Corrupt })
		count("delivered twice", func(x *ReplayRun) int { return x.Observed.DeliveredTwice })
		count("acknowledged but not delivered", func(x *ReplayRun) int { return x.Observed.FalselyAcked })
	}
	t.Write(w)
}

// wentWrong reports whether the observer saw faults that the ends did not.
func (r *ReplayReport) wentWrong() bool {
	bad := 0
	for _, x := range r.Runs {
		bad += x.Observed.Corrupt + x.Observed.DeliveredTwice + x.Observed.FalselyAcked + x.Observed.Unreported
	}
	return bad > 0
}
