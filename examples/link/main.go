// Link runs sender and receiver over a simulated channel in one process, in
// virtual time, and says what arrived, what it cost and how good it is, beside
// the same run with plainly packed samples.
//
//	go run ./examples/link --tx testdata/runspecs/tx_sf12.yaml --rx testdata/runspecs/rx_sf12.yaml \
//	    --bam-manifest out/models/b/bam_manifest.json --samples testdata/walk.jsonl --loss 0.2
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/internal/atomicfile"
	"github.com/loralink/loralink-go/internal/station"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/sim"
	"github.com/loralink/loralink-go/runspec"
)

func main() { cli.Main("link", run) }

const summary = `Link sends the windows of a recording or a data set from one RunSpec's end to another's,
over a simulated channel in virtual time, and again with sensor12_packed payloads.`

type options struct {
	tx, rx, manifest, out string
	source                station.Source
	windows, uartBaud     int
	channel               sim.Channel
}

func parse(args []string, stdout io.Writer) (*options, error) {
	var o options
	fs := cli.NewFlags("link", summary)
	fs.StringVar(&o.tx, "tx", "testdata/runspecs/tx_sf12.yaml", "RunSpec of the sender")
	fs.StringVar(&o.rx, "rx", "testdata/runspecs/rx_sf12.yaml", "RunSpec of the receiver")
	fs.StringVar(&o.manifest, "bam-manifest", "", "model manifest that stands in for the RunSpecs' manifest_path")
	o.source.Add(fs)
	fs.IntVar(&o.windows, "windows", 0, "windows to send, from the first; 0: all")
	fs.Float64Var(&o.channel.Loss, "loss", 0, "mean share of frames lost, in each direction")
	fs.Float64Var(&o.channel.MeanBurst, "bursts", 0, "mean number of frames a loss lasts; 0: losses are independent")
	fs.Float64Var(&o.channel.Duplicate, "duplicates", 0, "share of frames that arrive twice")
	fs.Float64Var(&o.channel.Reorder, "reorder", 0, "share of frames that arrive late")
	fs.Float64Var(&o.channel.BitError, "bit-errors", 0, "share of frames with flipped bits")
	fs.IntVar(&o.uartBaud, "uart-baud", 0, "baud rate between host and modem at both ends; 0: no delay there")
	fs.Uint64Var(&o.channel.Seed, "seed", 1, "seed of the channel")
	fs.StringVar(&o.out, "out", "", "file for the report as JSON")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	if err := o.source.Check(); err != nil {
		return nil, err
	}
	switch {
	case !(o.channel.Loss >= 0 && o.channel.Loss < 1):
		return nil, cli.Usagef("--loss is %g, want 0 or more and less than 1", o.channel.Loss)
	case o.windows < 0:
		return nil, cli.Usagef("--windows is %d, want 0 or more", o.windows)
	case o.uartBaud < 0:
		return nil, cli.Usagef("--uart-baud is %d, want 0 or more", o.uartBaud)
	}
	return &o, nil
}

// report is what --out holds.
type report struct {
	Loss       float64           `json:"loss"`
	MeanBurst  float64           `json:"mean_burst"`
	Seed       uint64            `json:"seed"`
	PHYID      string            `json:"phy_id"`
	Runs       []*outcome        `json:"runs"`
	Comparison runlog.Comparison `json:"comparison"` // of the first run with the last
}

// outcome is one run's.
type outcome struct {
	Codec    string          `json:"codec"`
	Payload  int             `json:"payload_bytes"`
	ToAMs    float64         `json:"toa_ms_est"`
	Metrics  runlog.Metrics  `json:"metrics"`
	Observed sim.Outcome     `json:"observed"`
	Air      sim.Air         `json:"air"`
	ZScored  *quality.Errors `json:"zscored,omitempty"`
	// Groups are errors per sensor group, in units.
	Groups map[string]quality.Errors `json:"by_group,omitempty"`

	elapsed time.Duration
	tally   *quality.Tally
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	tx, rx, err := o.stations()
	if err != nil {
		return err
	}
	if o.uartBaud > 0 {
		latency := link.UARTLatency(o.uartBaud)
		o.channel.Latency, tx.Timing.Latency, rx.Timing.Latency = latency, latency, latency
	}
	o.channel.PHY, o.channel.Collisions = tx.Timing.PHY, true
	windows, err := o.source.Windows(tx.Spec, o.windows, stderr)
	if err != nil {
		return err
	}
	std, err := station.Deviations(tx.Codec, windows)
	if err != nil {
		return err
	}

	rep := report{Loss: o.channel.Loss, MeanBurst: o.channel.MeanBurst, Seed: o.channel.Seed, PHYID: o.channel.PHY.ID()}
	codecs := []codec.Codec{tx.Codec}
	if plain, err := codec.NewSensor12(tx.Spec.Window.W); err == nil && tx.Spec.Window.Dims == sensor.MotionDims &&
		tx.Codec.ID() != plain.ID() && plain.MaxPayloadLen() <= min(tx.Spec.MaxPayloadBytes, codec.MaxPayloadBytes) {
		codecs = append(codecs, plain)
	}
	for _, c := range codecs {
		tx.Codec, rx.Codec = c, c
		result, err := o.send(ctx, tx, rx, windows)
		if err != nil {
			return err
		}
		result.errors(std, tx.Spec.Window.Dims)
		rep.Runs = append(rep.Runs, result)
	}
	rep.Comparison = runlog.Compare(rep.Runs[0].Metrics, rep.Runs[len(rep.Runs)-1].Metrics)
	if o.out != "" {
		b, err := json.MarshalIndent(rep, "", "  ")
		if err != nil {
			return err
		}
		if err := atomicfile.WriteBytes(o.out, append(b, '\n')); err != nil {
			return err
		}
	}
	rep.print(stdout, o, windows)
	return nil
}

func (o *options) stations() (tx, rx *station.Station, err error) {
	ends := make([]*station.Station, 2)
	for i, role := range []string{runspec.RoleTX, runspec.RoleRX} {
		path := []string{o.tx, o.rx}[i]
		spec, err := station.Load(path, role)
		if err != nil {
			return nil, nil, err
		}
		if ends[i], err = station.New(spec, o.manifest); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return ends[0], ends[1], station.Agree(ends[0], ends[1])
}

// send runs all windows through the channel. What the queue blocks on waits; a
// dropping queue gets the windows at their sensor times, as a live sensor's.
func (o *options) send(ctx context.Context, tx, rx *station.Station, windows []dataset.Window) (*outcome, error) {
	sender, err := link.NewSender(tx.Sender())
	if err != nil {
		return nil, err
	}
	receiverConfig := rx.Receiver()
	receiverConfig.Codec = rx.Codec // decoded whatever the mode, to be compared
	receiver, err := link.NewReceiver(receiverConfig)
	if err != nil {
		return nil, err
	}
	result := &outcome{Codec: tx.Codec.ID(), Payload: tx.Codec.MaxPayloadLen(),
		tally: quality.NewTally(tx.Codec.WindowLen())}
	result.ToAMs = float64(tx.Timing.PHY.TimeOnAir(2+result.Payload)) / float64(time.Millisecond)
	values := make(map[int64][]float64, len(windows))
	for _, w := range windows {
		values[w.ID] = w.Values
	}
	live := tx.Spec.TX.Queue != runspec.QueueBlock
	var meter runlog.Meter
	next := 0
	res, err := sim.Run(ctx, o.channel, 0, sim.Pair{
		Sender: sender, Receiver: receiver, Live: live, OnEvent: meter.Add,
		Source: func() (link.Outbound, time.Duration, bool) {
			if next == len(windows) {
				return link.Outbound{}, 0, false
			}
			w := windows[next]
			next++
			var at time.Duration
			if live {
				at = time.Duration(max(w.TsMs-windows[0].TsMs, 0)) * time.Millisecond
			}
			return link.Outbound{ID: w.ID, SensorMs: w.TsMs, Values: w.Values}, at, true
		},
		OnDeliver: func(id int64, intact bool, d link.Delivery) {
			if intact {
				result.tally.Add(values[id], d.Window)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	result.Metrics, result.Observed, result.Air, result.elapsed = meter.Metrics(), res.Pairs[0], res.Air, res.Elapsed
	return result, nil
}

func (r *outcome) errors(std []float64, dims int) {
	if r.tally.Windows() == 0 {
		return
	}
	z := r.tally.Scaled(std)
	r.ZScored = &z
	if dims == sensor.MotionDims {
		r.Groups = map[string]quality.Errors{}
		for _, g := range sensor.Motion().Groups() {
			r.Groups[g.Name] = r.tally.Dims(dims, g.From, g.To)
		}
	}
}
