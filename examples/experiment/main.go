// Experiment finds the condition of the air at which half of the plainly packed
// frames arrive, and sends three payloads through it: the raw one, the raw one
// cut to the latent's length, and the latent.
//
//	go run ./examples/experiment --bam-manifest out/models/b/bam_manifest.json --dataset out/dataset_raw.jsonl
//
// With --condition senders (the default) the air is shared by as many equal
// senders as it takes, and frames that overlap are lost: smaller payloads
// collide less. With airtime each second on the air carries a risk. With loss
// every frame has the same chance: nothing is gained but airtime, which is what
// measured links come closest to.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/internal/atomicfile"
	"github.com/loralink/loralink-go/internal/station"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/sim"
	"github.com/loralink/loralink-go/runspec"
)

func main() { cli.Main("experiment", run) }

const summary = `Experiment finds the condition at which half of the raw frames arrive and sends raw, truncated
and latent payloads through it, in virtual time.`

type options struct {
	tx, manifest, condition, out string
	source                       station.Source
	windows, retries             int
	period                       time.Duration
	seed                         uint64
}

func parse(args []string, stdout io.Writer) (*options, error) {
	var o options
	fs := cli.NewFlags("experiment", summary)
	fs.StringVar(&o.tx, "tx", "testdata/runspecs/tx_sf7.yaml", "RunSpec of the senders")
	fs.StringVar(&o.manifest, "bam-manifest", "", "model manifest that stands in for the RunSpec's manifest_path")
	o.source.Add(fs)
	fs.StringVar(&o.condition, "condition", "senders", "what makes the air worse until half arrives: senders, airtime or loss")
	fs.IntVar(&o.windows, "windows", 5000, "windows that each sender sends")
	fs.IntVar(&o.retries, "retries", 0, "repetitions of a frame that is not acknowledged, whatever the RunSpec says")
	fs.DurationVar(&o.period, "period", 0, "mean time between two windows of a sender; 0: twenty raw frames")
	fs.Uint64Var(&o.seed, "seed", 1, "seed of the channel")
	fs.StringVar(&o.out, "out", "", "file for the report as JSON")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	if err := o.source.Check(); err != nil {
		return nil, err
	}
	switch {
	case conditions[o.condition].name == "":
		return nil, cli.Usagef("--condition is %q, want senders, airtime or loss", o.condition)
	case o.windows < 1 || o.windows > 1_000_000:
		return nil, cli.Usagef("--windows is %d, want 1..1000000", o.windows)
	case o.retries < 0:
		return nil, cli.Usagef("--retries is %d, want 0 or more", o.retries)
	case o.period < 0:
		return nil, cli.Usagef("--period is %v, want 0 or more", o.period)
	}
	return &o, nil
}

// condition is a way of making the air worse.
type condition struct {
	name, unit string
	whole      bool    // of whole numbers
	most       float64 // beyond which the search gives up
}

var conditions = map[string]condition{
	"senders": {"senders", "senders", true, 512},
	"airtime": {"airtime", "of risk a second on the air", false, 100},
	"loss":    {"loss", "loss", false, 1},
}

// report is what --out holds.
type report struct {
	Dataset   string    `json:"dataset"`
	PHYID     string    `json:"phy_id"`
	Condition string    `json:"condition"`
	Value     float64   `json:"value"` // of the condition
	PeriodMs  float64   `json:"period_ms"`
	Windows   int       `json:"windows"` // a sender
	Retries   int       `json:"max_retries"`
	Seed      uint64    `json:"seed"`
	Runs      []*result `json:"runs"` // raw, truncated, latent
}

// result is one payload's.
type result struct {
	Payload    string            `json:"payload"`
	Bytes      int               `json:"payload_bytes"`
	ToAMs      float64           `json:"toa_ms_est"`
	Metrics    runlog.Metrics    `json:"metrics"` // over all senders
	Comparison runlog.Comparison `json:"comparison"`
	ZScored    *quality.Errors   `json:"zscored,omitempty"` // of what was delivered

	tally *quality.Tally
}

// experiment holds what all runs share.
type experiment struct {
	*options
	timing    link.Timing
	recording []dataset.Window
	std       []float64
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	spec, err := station.Load(o.tx, runspec.RoleTX)
	if err != nil {
		return err
	}
	tx, err := station.New(spec, o.manifest)
	if err != nil {
		return fmt.Errorf("%s: %w", o.tx, err)
	}
	if spec.Window.Dims != sensor.MotionDims {
		return fmt.Errorf("%s: window.dims: %d, want %d: raw payloads are of samples", o.tx, spec.Window.Dims, sensor.MotionDims)
	}
	raw, err := codec.NewSensor12(spec.Window.W)
	if err != nil {
		return err
	}
	latent := tx.Codec.MaxPayloadLen()
	if latent >= raw.MaxPayloadLen() || raw.MaxPayloadLen() > radio.MaxPayloadLen {
		return fmt.Errorf("%s: a latent payload of %d bytes and a raw one of %d, want the first smaller and the second at most %d",
			o.tx, latent, raw.MaxPayloadLen(), radio.MaxPayloadLen)
	}
	cut, err := codec.NewSensor12Truncate(spec.Window.W, latent)
	if err != nil {
		return err
	}
	e := &experiment{options: o, timing: tx.Timing}
	e.timing.MaxRetries = o.retries
	if e.period == 0 {
		e.period = 20 * e.timing.PHY.TimeOnAir(radio.HeaderLen+raw.MaxPayloadLen())
	}
	if e.recording, err = o.source.Windows(spec, 0, stderr); err != nil {
		return err
	}
	if e.std, err = station.Deviations(tx.Codec, e.recording); err != nil {
		return err
	}
	progress := cli.NewProgress(stderr)
	value, err := e.half(ctx, raw, progress)
	progress.Clear()
	if err != nil {
		return err
	}
	rep := report{Dataset: o.source.Name(), PHYID: e.timing.PHY.ID(), Condition: o.condition, Value: value,
		PeriodMs: float64(e.period) / float64(time.Millisecond), Windows: o.windows, Retries: o.retries, Seed: o.seed}
	for _, p := range []struct {
		name  string
		codec link.Codec
	}{{"raw", raw}, {"truncated", cut}, {"latent (" + tx.Codec.ID() + ")", tx.Codec}} {
		r, err := e.send(ctx, p.codec, value)
		if err != nil {
			return err
		}
		r.Payload = p.name
		rep.Runs = append(rep.Runs, r)
		r.Comparison = runlog.Compare(r.Metrics, rep.Runs[0].Metrics)
	}
	if o.out != "" {
		b, err := json.MarshalIndent(rep, "", "  ")
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(o.out), 0o755); err != nil {
			return err
		}
		if err := atomicfile.WriteBytes(o.out, append(b, '\n')); err != nil {
			return err
		}
	}
	rep.print(stdout, station.MeanLatitude(e.recording))
	return nil
}

// half searches the value of the condition at which half of the frames of a
// payload arrive.
func (e *experiment) half(ctx context.Context, c link.Codec, progress *cli.Progress) (float64, error) {
	cond := conditions[e.condition]
	steps := 0
	pdr := func(value float64) (float64, error) {
		steps++
		progress.Update("conditions tried", steps, 0)
		r, err := e.send(ctx, c, value)
		if err != nil {
			return 0, err
		}
		return r.Metrics.PDR, nil
	}
	low, high := 0.0, min(1, cond.most)
	for {
		got, err := pdr(high)
		if err != nil {
			return 0, err
		}
		if got <= 0.5 {
			break
		}
		if high >= cond.most {
			return 0, fmt.Errorf("%.3f of the frames arrive at %g %s: want a condition that halves them (--period says how often windows come)", got, high, cond.unit)
		}
		low, high = high, min(2*high, cond.most)
	}
	for high-low > 1 || !cond.whole && high-low > 0.002*high {
		middle := (low + high) / 2
		if cond.whole {
			middle = float64(int(middle))
		}
		got, err := pdr(middle)
		if err != nil {
			return 0, err
		}
		if got <= 0.5 {
			high = middle
		} else {
			low = middle
		}
	}
	return high, nil
}

// send runs one payload through the air at a value of the condition.
func (e *experiment) send(ctx context.Context, c link.Codec, value float64) (*result, error) {
	channel := sim.Channel{PHY: e.timing.PHY, Seed: e.seed, Collisions: true}
	senders := 1
	switch e.condition {
	case "senders":
		senders = max(int(value), 1)
	case "airtime":
		channel.LossPerSecond = value
	case "loss":
		channel.Loss = value
	}
	r := &result{Bytes: c.MaxPayloadLen(), tally: quality.NewTally(len(e.std))}
	toa := e.timing.PHY.TimeOnAir(radio.HeaderLen + r.Bytes)
	r.ToAMs = float64(toa) / float64(time.Millisecond)
	var meter runlog.Meter
	var pairs []sim.Pair
	for i := range senders {
		p, err := e.pair(i, c, toa, &meter, r.tally)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, p)
	}
	if _, err := sim.Run(ctx, channel, 0, pairs...); err != nil {
		return nil, err
	}
	r.Metrics = meter.Metrics()
	if r.tally.Windows() > 0 {
		z := r.tally.Scaled(e.std)
		r.ZScored = &z
	}
	return r, nil
}

// pair is the ith sender and its receiver. Its windows come at random, on
// average one a period; the newest matter.
func (e *experiment) pair(i int, c link.Codec, toa time.Duration, meter *runlog.Meter, tally *quality.Tally) (sim.Pair, error) {
	sender, err := link.NewSender(link.SenderSettings{Timing: e.timing, Codec: c, Queue: link.QueueDropOldest, QueueLen: 4,
		RetryJitter: 10 * toa, Seed: e.seed + uint64(i)})
	if err != nil {
		return sim.Pair{}, err
	}
	receiver, err := link.NewReceiver(link.ReceiverSettings{Timing: e.timing, Codec: c})
	if err != nil {
		return sim.Pair{}, err
	}
	rng := rand.New(rand.NewPCG(e.seed, uint64(i)))
	at, n := time.Duration(0), 0
	// Each sender begins elsewhere in the recording; ids differ between them.
	first := i * len(e.recording) / 512
	values := func(id int64) []float64 { return e.recording[(first+int(id&0xffffffff))%len(e.recording)].Values }
	return sim.Pair{
		Sender: sender, Receiver: receiver, Live: true, OnEvent: meter.Add,
		Source: func() (link.Outbound, time.Duration, bool) {
			id := int64(i)<<32 | int64(n)
			n++
			at += time.Duration(rng.ExpFloat64() * float64(e.period))
			return link.Outbound{ID: id, Values: values(id)}, at, n <= e.windows
		},
		OnDeliver: func(id int64, intact bool, d link.Delivery) {
			if intact {
				tally.Add(values(id), d.Window)
			}
		},
	}, nil
}
