package study

import (
	"context"
	"flag"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/fielderr"
	"github.com/loralink/loralink-go/internal/table"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/sim"
)

// Condition is a way to make a channel worse.
type Condition string

// The conditions. With BySenders, equal senders share the channel, and frames that
// overlap are lost; smaller payloads collide less often. With ByTimeOnAir, losses grow
// with the time on air. With ByLoss, every frame is lost with the same probability,
// and a smaller payload saves only time on air; measured links come closest to that.
const (
	BySenders   Condition = "senders"
	ByTimeOnAir Condition = "airtime"
	ByLoss      Condition = "loss"
)

// conditions describes the value of each condition.
var conditions = map[Condition]struct {
	unit  string
	whole bool    // only whole numbers are meaningful
	limit float64 // the largest value that is tried
}{
	BySenders:   {"senders", true, maxSenders},
	ByTimeOnAir: {"losses per second on the air", false, 100},
	ByLoss:      {"losses per frame", false, 1},
}

const (
	maxSenders = 512
	maxWindows = 1_000_000
	maxKept    = 100_000 // windows in memory
)

// DefaultStressWindows is the default of StressSettings.Windows.
const DefaultStressWindows = 5000

// StressSettings are the settings of [Stress]. The zero value is the default. Names of
// flags are those of RegisterFlags.
type StressSettings struct {
	Condition Condition // "": BySenders. Flag --condition
	// Windows is the number of windows that each sender sends, at most 1,000,000. 0:
	// DefaultStressWindows. Flag --windows
	Windows int
	// Retries is the number of repetitions of a frame that is not acknowledged. The
	// RunSpec's tx.max_retries is not used. Flag --retries
	Retries int
	// Period is the mean time between two windows of a sender. 0: the time on air
	// of twenty raw frames. Flag --period
	Period time.Duration
	// Seed is the seed of the channel and of the senders. Any value is valid. Flag
	// --seed, which defaults to 1
	Seed uint64
	// Progress is called with the number of values of the condition that have been
	// tried, and with a total of 0, because that is not known. It may be nil.
	Progress func(done, total int)
}

// RegisterFlags adds the flags that the fields mention.
func (s *StressSettings) RegisterFlags(fs *flag.FlagSet) {
	fs.StringVar((*string)(&s.Condition), "condition", string(BySenders), "what makes the channel worse until at most half of the frames arrive: senders, airtime or loss")
	fs.IntVar(&s.Windows, "windows", DefaultStressWindows, "windows that each sender sends")
	fs.IntVar(&s.Retries, "retries", 0, "repetitions of a frame that is not acknowledged; overrides the RunSpec's max_retries")
	fs.DurationVar(&s.Period, "period", 0, "mean time between two windows of a sender; 0: the time on air of twenty raw frames")
	fs.Uint64Var(&s.Seed, "seed", 1, "seed of the channel: the same seed gives the same report")
}

// Check returns an error that wraps [ErrSettings] if a field is out of range.
func (s *StressSettings) Check() error {
	_, known := conditions[s.Condition]
	switch {
	case !known && s.Condition != "":
		return fielderr.New(ErrSettings, "%v is %q, want %s, %s or %s", fielderr.Name{Field: "Condition", Flag: "condition"}, s.Condition, BySenders, ByTimeOnAir, ByLoss)
	case s.Windows < 0 || s.Windows > maxWindows:
		return fielderr.New(ErrSettings, "%v is %d, want 1..%d, or 0 for %d", fielderr.Name{Field: "Windows", Flag: "windows"}, s.Windows, maxWindows, DefaultStressWindows)
	case s.Retries < 0:
		return fielderr.New(ErrSettings, "%v is %d, want 0 or more", fielderr.Name{Field: "Retries", Flag: "retries"}, s.Retries)
	case s.Period < 0:
		return fielderr.New(ErrSettings, "%v is %v, want 0 or more", fielderr.Name{Field: "Period", Flag: "period"}, s.Period)
	}
	return nil
}

// StressReport is the result of [Stress]. Its JSON is what examples/experiment writes.
type StressReport struct {
	Dataset   string    `json:"dataset"` // name of the windows' source; Stress leaves it empty, and the caller may set it
	PHYID     string    `json:"phy_id"`
	Condition Condition `json:"condition"`
	// Value is the least value of the condition at which at most half of the raw frames
	// arrive. It is a number of senders, a number of losses per second on the air
	// (sim.Impairments.LossPerSecond), or a probability.
	Value    float64      `json:"value"`
	PeriodMs float64      `json:"period_ms"`   // mean time between two windows of a sender
	Windows  int          `json:"windows"`     // per sender
	Retries  int          `json:"max_retries"` // repetitions of a frame that is not acknowledged
	Seed     uint64       `json:"seed"`
	Runs     []*StressRun `json:"runs"` // raw, truncated, latent

	latitude float64
}

// StressRun is the run with one payload.
type StressRun struct {
	Payload     string            `json:"payload"` // raw, truncated, or latent with the codec's id
	Bytes       int               `json:"payload_bytes"`
	TimeOnAirMs float64           `json:"toa_ms_est"`        // time on air of a frame with the longest payload
	Metrics     runlog.Metrics    `json:"metrics"`           // over all senders
	Comparison  runlog.Comparison `json:"comparison"`        // with the raw payload
	ZScored     *quality.Errors   `json:"zscored,omitempty"` // errors of the delivered windows, as in ReplayRun
	// OneReceiver is what happens to the same windows if all senders share one receiver, as
	// v1 frames do not allow. nil unless the condition is BySenders.
	OneReceiver *OneReceiver `json:"one_receiver,omitempty"`

	delivered delivered
}

// OneReceiver counts what becomes of the windows of several senders that share a channel
// and a receiver. v1 frames have no address: an ACK for one sender counts at every sender
// that waits for its SEQ. Windows are counted over all senders, by an observer of all
// ends.
type OneReceiver struct {
	PDR            float64 `json:"pdr"`             // data frames received / sent
	Offered        int     `json:"offered"`         // windows offered to the senders
	Delivered      int     `json:"delivered"`       // distinct windows delivered as they were sent
	DeliveredTwice int     `json:"delivered_twice"` // deliveries of a window beyond its first
	Acked          int     `json:"acked"`           // windows that their sender counts as acknowledged
	FalselyAcked   int     `json:"falsely_acked"`   // windows among Acked that were never delivered
	RxConflicts    int     `json:"rx_conflicts"`    // frames with the SEQ of another window; see link.EventRxConflict
}

// Stress finds the least value of a condition at which at most half of the raw frames
// arrive, and sends three kinds of payloads over that channel: raw, truncated and
// latent, as the package comment defines them. Each sender starts at another of the
// first 100,000 windows, repeats them as needed, and offers them at random times to a queue
// that keeps the newest four. The windows must consist of motion samples, and the
// codec's payloads must be shorter than raw ones. Settings may be nil.
//
// Each sender has a receiver of its own that hears no other one, although their frames
// collide. With BySenders, Stress also sends each kind of payload to one receiver that all
// senders share, see OneReceiver.
func Stress(ctx context.Context, tx *endpoint.Endpoint, windows iter.Seq2[dataset.Window, error], settings *StressSettings) (*StressReport, error) {
	s, raw, truncated, err := newStress(ctx, tx, windows, settings)
	if err != nil {
		return nil, err
	}
	value, err := s.findHalf(ctx, raw)
	if err != nil {
		return nil, err
	}
	rep := &StressReport{PHYID: s.timing.PHY.ID(), Condition: s.Condition, Value: value, PeriodMs: millis(s.Period),
		Windows: s.Windows, Retries: s.Retries, Seed: s.Seed, latitude: s.survey.latitude}
	for _, p := range []struct {
		name  string
		codec link.Codec
	}{{"raw", raw}, {"truncated", truncated}, {"latent (" + tx.Codec().ID() + ")", tx.Codec()}} {
		r, err := s.send(ctx, p.codec, value)
		if err != nil {
			return nil, err
		}
		if s.Condition == BySenders {
			if r.OneReceiver, err = s.oneReceiver(ctx, p.codec, value); err != nil {
				return nil, err
			}
		}
		r.Payload = p.name
		rep.Runs = append(rep.Runs, r)
		r.Comparison = runlog.Compare(r.Metrics, rep.Runs[0].Metrics)
	}
	return rep, nil
}

// stress is what all runs share.
type stress struct {
	StressSettings // with its defaults
	timing         link.Timing
	windows        []dataset.Window
	survey         *survey
}

// newStress checks the arguments of Stress and returns the raw and the truncated
// codec.
func newStress(ctx context.Context, tx *endpoint.Endpoint, windows iter.Seq2[dataset.Window, error], settings *StressSettings) (s *stress, raw, truncated codec.Codec, err error) {
	s = &stress{timing: tx.Timing(nil)}
	if settings != nil {
		s.StressSettings = *settings
	}
	if err := s.Check(); err != nil {
		return nil, nil, nil, err
	}
	window := tx.Spec().Window
	if window.Dims != sensor.MotionDims {
		return nil, nil, nil, fmt.Errorf("%w: RunSpec window.dims is %d, want the %d values of motion samples, which raw payloads hold", ErrSettings, window.Dims, sensor.MotionDims)
	}
	if raw, err = codec.NewSensor12(window.W, codec.Sensor12Scales{}); err != nil {
		return nil, nil, nil, err
	}
	latent := tx.Codec().MaxPayloadLen()
	switch n := raw.MaxPayloadLen(); {
	case n > radio.MaxPayloadLen:
		return nil, nil, nil, fmt.Errorf("%w: raw payloads have %d bytes, want at most %d: use windows of fewer steps", ErrSettings, n, radio.MaxPayloadLen)
	case latent >= n:
		return nil, nil, nil, fmt.Errorf("%w: latent payloads have up to %d bytes, want fewer than the %d of raw ones: set max_payload_bytes or payload_bytes", ErrSettings, latent, n)
	}
	if truncated, err = codec.NewSensor12Truncate(window.W, latent, codec.Sensor12Scales{}); err != nil {
		return nil, nil, nil, err
	}
	keep := func(w dataset.Window) { s.windows = append(s.windows, w) }
	if s.survey, err = newSurvey(ctx, tx, dataset.Limit(windows, maxKept), keep); err != nil {
		return nil, nil, nil, err
	}
	if s.Condition == "" {
		s.Condition = BySenders
	}
	if s.Windows == 0 {
		s.Windows = DefaultStressWindows
	}
	if s.Period == 0 {
		s.Period = 20 * s.timing.PHY.TimeOnAir(radio.HeaderLen+raw.MaxPayloadLen())
	}
	s.timing.MaxRetries = s.Retries
	return s, raw, truncated, nil
}

// findHalf returns the least value of the condition at which at most half of the
// frames of a codec arrive. It doubles the value until that is the case, and then
// bisects.
func (s *stress) findHalf(ctx context.Context, c link.Codec) (float64, error) {
	condition := conditions[s.Condition]
	tried := 0
	atMostHalf := func(value float64) (bool, float64, error) {
		tried++
		if s.Progress != nil {
			s.Progress(tried, 0)
		}
		r, err := s.send(ctx, c, value)
		if err != nil {
			return false, 0, err
		}
		return r.Metrics.PDR <= 0.5, r.Metrics.PDR, nil
	}
	low, high := 0.0, min(1, condition.limit)
	for {
		enough, pdr, err := atMostHalf(high)
		if err != nil {
			return 0, err
		}
		if enough {
			break
		}
		if high >= condition.limit {
			return 0, fmt.Errorf("study: %.3f of the frames arrive at %g %s, want at most half: a shorter Period makes more frames collide", pdr, high, condition.unit)
		}
		low, high = high, min(2*high, condition.limit)
	}
	for high-low > 1 || !condition.whole && high-low > 0.002*high {
		middle := (low + high) / 2
		if condition.whole {
			middle = float64(int(middle))
		}
		enough, _, err := atMostHalf(middle)
		if err != nil {
			return 0, err
		}
		if enough {
			high = middle
		} else {
			low = middle
		}
	}
	return high, nil
}

// send runs one codec over the channel at a value of the condition.
func (s *stress) send(ctx context.Context, c link.Codec, value float64) (*StressRun, error) {
	r := &StressRun{Bytes: c.MaxPayloadLen(), TimeOnAirMs: millis(s.timeOnAir(c)), delivered: newDelivered(s.survey.std)}
	var meter runlog.Meter
	if _, err := s.run(ctx, c, value, false, &meter, r.delivered.tally); err != nil {
		return nil, err
	}
	r.Metrics, r.ZScored = meter.Metrics(), r.delivered.zscored()
	return r, nil
}

// oneReceiver runs one codec over the channel with a receiver that all senders share.
func (s *stress) oneReceiver(ctx context.Context, c link.Codec, value float64) (*OneReceiver, error) {
	var meter runlog.Meter
	res, err := s.run(ctx, c, value, true, &meter, newDelivered(s.survey.std).tally)
	if err != nil {
		return nil, err
	}
	m := meter.Metrics()
	one := &OneReceiver{PDR: m.PDR, RxConflicts: m.RxConflicts}
	for _, o := range res.Pairs {
		one.Offered += o.Offered
		one.Delivered += o.Delivered
		one.DeliveredTwice += o.DeliveredTwice
		one.Acked += o.Acked
		one.FalselyAcked += o.FalselyAcked
	}
	return one, nil
}

// timeOnAir returns the time on air of a codec's longest frame.
func (s *stress) timeOnAir(c link.Codec) time.Duration {
	return s.timing.PHY.TimeOnAir(radio.HeaderLen + c.MaxPayloadLen())
}

// run runs one codec over the channel at a value of the condition. If shared is set, all
// senders have one receiver.
func (s *stress) run(ctx context.Context, c link.Codec, value float64, shared bool, meter *runlog.Meter, tally *quality.Tally) (sim.Result, error) {
	channel := sim.Channel{PHY: s.timing.PHY, Collisions: true, Shared: shared, Impairments: sim.Impairments{Seed: s.Seed}}
	senders := 1
	switch s.Condition {
	case BySenders:
		senders = max(int(value), 1)
	case ByTimeOnAir:
		channel.LossPerSecond = value
	case ByLoss:
		channel.Loss = value
	}
	var pairs []sim.Pair
	for i := range senders {
		p, err := s.pair(i, c, s.timeOnAir(c), meter, tally)
		if err != nil {
			return sim.Result{}, err
		}
		if shared && i > 0 {
			p.Receiver = pairs[0].Receiver
		}
		pairs = append(pairs, p)
	}
	return sim.Run(ctx, channel, 0, pairs...)
}

// pair returns the ith sender and its receiver. Its windows come at random times, on
// average one per period.
func (s *stress) pair(i int, c link.Codec, timeOnAir time.Duration, meter *runlog.Meter, tally *quality.Tally) (sim.Pair, error) {
	tx := link.SenderSettings{Timing: s.timing, Codec: c, Queue: link.QueueDropOldest, QueueLen: 4, RetryJitter: 10 * timeOnAir, Seed: s.Seed + uint64(i)}
	rx := link.ReceiverSettings{Timing: s.timing, Codec: c}
	endpoint.SetEncoder(&tx, c, epochs(s.Seed+uint64(i)))
	endpoint.SetDecoder(&rx, c)
	sender, err := link.NewSender(tx)
	if err != nil {
		return sim.Pair{}, err
	}
	receiver, err := link.NewReceiver(rx)
	if err != nil {
		return sim.Pair{}, err
	}
	rng := rand.New(rand.NewPCG(s.Seed, uint64(i)))
	offer, n := time.Duration(0), 0
	// An id consists of the sender and the number of its window.
	first := i * len(s.windows) / maxSenders
	values := func(id int64) []float64 { return s.windows[(first+int(id&0xffffffff))%len(s.windows)].Values }
	return sim.Pair{
		Sender: sender, Receiver: receiver, Live: true, OnEvent: meter.Add,
		Source: func() (link.Outbound, time.Duration, bool) {
			id := int64(i)<<32 | int64(n)
			n++
			offer += time.Duration(rng.ExpFloat64() * float64(s.Period))
			return link.Outbound{ID: id, Values: values(id)}, offer, n <= s.Windows
		},
		OnDeliver: func(id int64, intact bool, d link.Delivery) {
			if intact {
				tally.Add(values(id), unwrapped(c, values(id), d.Window))
			}
		},
	}, nil
}

// WriteTable writes the runs side by side. If the report was read from JSON, it
// writes "-" for figures in sensor units.
func (r *StressReport) WriteTable(w io.Writer) {
	condition := conditions[r.Condition]
	period := time.Duration(r.PeriodMs * float64(time.Millisecond)).Round(time.Millisecond)
	value := table.Digits(r.Value)
	if condition.whole {
		value = fmt.Sprintf("%.0f", r.Value)
	}
	fmt.Fprintf(w, "%s over %s\nat most half of the raw frames arrive at %s %s; %d windows per sender, one per %v on average, %d retries, seed %d\n\n",
		r.Dataset, r.PHYID, value, condition.unit, r.Windows, period, r.Retries, r.Seed)
	t := table.NewColumns(r.Runs...)
	change := func(get func(runlog.Comparison) float64) {
		t.Row("  against raw", func(x *StressRun) string { return table.Change(get(x.Comparison)) })
	}
	t.Row("", func(x *StressRun) string { return x.Payload })
	t.Row("payload", func(x *StressRun) string { return fmt.Sprintf("%d B", x.Bytes) })
	t.Row("time on air of a frame", func(x *StressRun) string { return fmt.Sprintf("%.1f ms", x.TimeOnAirMs) })
	t.Row("windows", func(x *StressRun) string { return fmt.Sprint(x.Metrics.Windows) })
	t.Row("  delivered", func(x *StressRun) string { return fmt.Sprintf("%.2f %%", 100*x.Metrics.DeliveryRatio) })
	t.Row("  dropped by the queue", func(x *StressRun) string { return fmt.Sprint(x.Metrics.Dropped) })
	t.Row("PDR", func(x *StressRun) string { return fmt.Sprintf("%.3f", x.Metrics.PDR) })
	change(func(c runlog.Comparison) float64 { return c.PDRImprovePct })
	t.Row("ETX", func(x *StressRun) string { return fmt.Sprintf("%.3f", x.Metrics.ETX) })
	change(func(c runlog.Comparison) float64 { return -c.ETXReducePct })
	t.Row("time on air, data", func(x *StressRun) string { return fmt.Sprintf("%.0f s", x.Metrics.TimeOnAirS) })
	change(func(c runlog.Comparison) float64 { return -c.TimeOnAirReducePct })
	t.Row("zscored.mse of the delivered windows", func(x *StressRun) string { return mse(x.ZScored) })
	for _, f := range quality.Figures() {
		t.Row("  "+f.Name, func(x *StressRun) string { return x.delivered.figure(f, r.latitude) })
	}
	t.Write(w)
	if len(r.Runs) > 0 {
		writeForeign(w, r.Runs[len(r.Runs)-1].ZScored)
	}
	r.writeOneReceiver(w)
	fmt.Fprintln(w, "\nETX is what the sender measures: it cannot tell a lost ACK from a lost frame.")
}

// writeOneReceiver writes the figures of a receiver that all senders share, if there are
// any.
func (r *StressReport) writeOneReceiver(w io.Writer) {
	for _, x := range r.Runs {
		if x.OneReceiver == nil {
			return
		}
	}
	fmt.Fprintln(w, "\nAll senders with one receiver, as v1 frames do not allow: an ACK for one sender counts at another")
	t := table.NewColumns(r.Runs...)
	share := func(name string, get func(*OneReceiver) int) {
		t.Row(name, func(x *StressRun) string {
			return fmt.Sprintf("%d (%.1f %%)", get(x.OneReceiver), 100*float64(get(x.OneReceiver))/float64(max(x.OneReceiver.Offered, 1)))
		})
	}
	t.Row("PDR", func(x *StressRun) string { return fmt.Sprintf("%.3f", x.OneReceiver.PDR) })
	share("windows delivered", func(o *OneReceiver) int { return o.Delivered })
	share("  delivered twice", func(o *OneReceiver) int { return o.DeliveredTwice })
	share("windows acknowledged", func(o *OneReceiver) int { return o.Acked })
	share("  but never delivered", func(o *OneReceiver) int { return o.FalselyAcked })
	share("frames with the SEQ of another window", func(o *OneReceiver) int { return o.RxConflicts })
	t.Write(w)
}
