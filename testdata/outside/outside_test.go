package outside

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/sweep"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/runspec"
)

// bearings are windows all around the compass; every fifth is at 9 V.
func bearings(n int) iter.Seq2[dataset.Window, error] {
	return func(yield func(dataset.Window, error) bool) {
		for i := range n {
			v := []float64{math.Mod(10.3*float64(i), 360), 3.3}
			if i%5 == 4 {
				v[1] = 9
			}
			if !yield(dataset.Window{ID: int64(i), Values: v}, nil) {
				return
			}
		}
	}
}

func TestCodec(t *testing.T) {
	c := Compass{MaxVolts: 5}
	e, err := quality.Evaluate(t.Context(), c, bearings(100), quality.Settings{Std: []float64{1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	if e.Samples != 80 || e.Refused != 20 || e.BySensor[0].Sensor != "bearing" || e.BySensor[0].Max > 0.501 {
		t.Errorf("%d measured, %d refused, %+v", e.Samples, e.Refused, e.BySensor)
	}
	l, err := codec.NewLadder(c.Window(), c.SensorSchema(), []float64{0.6, 0.01}, c)
	if err != nil {
		t.Fatal(err)
	}
	if e, err = quality.Evaluate(t.Context(), l, bearings(100), quality.Settings{Std: []float64{1, 1}}); err != nil || e.Samples != 80 || e.OverTolerance.Within != 1 || e.Rungs[0].ID != "compass" {
		t.Errorf("in a ladder: %+v, %v", e, err)
	}
	if _, err := l.AppendEncode(nil, []float64{0, 9}); !errors.Is(err, codec.ErrBound) {
		t.Errorf("9 V: %v, want %v", err, codec.ErrBound)
	}
}

// waves are windows of four values that depend on two signals.
func waves(yield func(dataset.Window, error) bool) {
	for i := range 1000 {
		a, b := math.Sin(float64(i)/7), math.Cos(float64(i)/31)
		if !yield(dataset.Window{ID: int64(i), Values: []float64{20 + a, 5 - 2*a, 1000 + b, a + b}}, nil) {
			return
		}
	}
}

type count struct{ epochs int }

func (c *count) Record(p train.Progress) error {
	if p.Epoch > 0 && p.Method == "sanger" {
		c.epochs++
	}
	return nil
}

func TestMethod(t *testing.T) {
	method := Sanger{Epochs: 20, Rate: 0.002}
	var seen count
	r, err := train.Train(t.Context(), waves, &train.Settings{LatentDim: 2, Packing: bam.Int16, AutoScale: true, Recorder: &seen}, method)
	if err != nil {
		t.Fatal(err)
	}
	c, err := codec.NewBAM(r.Model())
	if err != nil {
		t.Fatal(err)
	}
	e, err := quality.Evaluate(t.Context(), c, waves, quality.Settings{Std: c.DataStd()})
	if err != nil || e.ZScored.MSE > 0.01 || seen.epochs != 20 || r.Report.Method != "sanger" {
		t.Errorf("zscored.mse %g, %d epochs of %s, %v", e.ZScored.MSE, seen.epochs, r.Report.Method, err)
	}

	report, err := sweep.Run(t.Context(), waves, &sweep.Settings{
		Base: train.Settings{AutoScale: true},
		Grid: sweep.Grid{LatentDims: []int{1, 2}, Packings: []bam.Packing{bam.Int16}, Methods: map[string]train.Method{"sanger": method}, MethodNames: []string{"pca"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	own := 0
	for _, m := range report.Results {
		if m.Method == "sanger" {
			own++
		}
	}
	var table strings.Builder
	if err := report.WriteTable(&table); err != nil || own != 2 || len(report.Results) != 4 {
		t.Errorf("%d models, %d by the own method, %v\n%s", len(report.Results), own, err, &table)
	}
}

const spec = `
run_id: outside
role: ROLE
mode: LATENT
phy: {profile: e22_62.5k}
window: {dims: 2, W: 1, sample_hz: 1000}
codec: {id: compass, version: "1"}
tx: {guard_ms: 1, ack_timeout_ms: 200, max_retries: 8}
logging: {out_dir: DIR}
`

func TestRadio(t *testing.T) {
	dir := t.TempDir()
	end := func(role string) *endpoint.Endpoint {
		s, err := runspec.Parse([]byte(strings.NewReplacer("ROLE", role, "DIR", dir).Replace(spec)))
		if err != nil {
			t.Fatal(err)
		}
		e, err := endpoint.New(s, &endpoint.Settings{Codec: Compass{MaxVolts: 10}})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	tx, rx := end(runspec.RoleTX), end(runspec.RoleRX)
	if err := tx.CheckPeer(rx); err != nil {
		t.Fatal(err)
	}
	txRadio, rxRadio := Pipe(5)
	defer txRadio.Close()
	defer rxRadio.Close()
	ctx, stop := context.WithCancel(t.Context())
	var got [][]float64
	received := make(chan error)
	go func() {
		_, err := rx.Receive(ctx, rxRadio, &endpoint.ReceiveSettings{OnDelivery: func(_ context.Context, d link.Delivery) error {
			got = append(got, append([]float64(nil), d.Window...))
			return nil
		}})
		received <- err
	}()
	metrics, err := tx.Send(ctx, txRadio, func(context.Context) iter.Seq2[dataset.Window, error] { return bearings(20) }, nil)
	stop()
	if rxErr := <-received; err != nil || !errors.Is(rxErr, context.Canceled) {
		t.Fatalf("%v, %v", err, rxErr)
	}
	if metrics.Acked != 20 || len(got) != 20 || fmt.Sprint(got[1]) != "[10 3.3]" {
		t.Errorf("%d acknowledged, %d delivered, second %v", metrics.Acked, len(got), got[min(1, len(got)-1)])
	}
}
