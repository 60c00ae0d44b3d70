package quality_test

import (
	"iter"
	"math"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
)

var tolerances = sensor.Motion().Tolerances()

// ladder is a grid fitted to the first windows of the walk, and the physical
// one.
func ladder(t *testing.T, first int) *codec.Ladder {
	t.Helper()
	r, err := fit.Ladder(t.Context(), fit.Values(walk(first)), &fit.LadderSettings{Uniform: true})
	if err != nil {
		t.Fatal(err)
	}
	return r.Codec
}

func ones(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}

func TestEvaluateLadder(t *testing.T) {
	b := ladder(t, 20)
	e, err := quality.Evaluate(t.Context(), b, walk(1000), quality.Settings{Schema: sensor.Motion(), Std: ones(12)})
	if err != nil {
		t.Fatal(err)
	}
	over := e.OverTolerance
	if over == nil || over.Within != 1 || len(over.Worst) != 12 {
		t.Fatalf("%+v", over)
	}
	for i, worst := range over.Worst {
		if worst <= 0 || worst > 1 {
			t.Errorf("value %d: worst error %g times its tolerance", i, worst)
		}
	}
	if over.MAE <= 0 || over.MAE > 0.6 || over.MSE > over.MAE {
		t.Errorf("%+v", over)
	}
	if len(e.Rungs) != 2 || e.Rungs[0].Windows+e.Rungs[1].Windows != 1000 || math.Abs(e.Rungs[0].Share+e.Rungs[1].Share-1) > 1e-12 || e.Rungs[1].Bytes != 16 || e.Rungs[0].Windows < 20 {
		t.Fatalf("rungs %+v", e.Rungs)
	}
	mean := e.Rungs[0].Share*float64(e.Rungs[0].Bytes) + e.Rungs[1].Share*16
	if math.Abs(e.MeanPayloadBytes-mean) > 1e-9 || e.P99PayloadBytes != 16 || e.Samples != 1000 || e.Refused != 0 {
		t.Errorf("mean %g, want %g; 99 %% at most %d; %d samples", e.MeanPayloadBytes, mean, e.P99PayloadBytes, e.Samples)
	}
}

// What no rung carries is counted, and the rest is measured.
func TestEvaluateCountsRefused(t *testing.T) {
	bad := func(yield func(dataset.Window, error) bool) {
		for w := range walk(10) {
			if w.ID == 4 {
				w.Values[0] = 500 // no latitude
			}
			if !yield(w, nil) {
				return
			}
		}
	}
	e, err := quality.Evaluate(t.Context(), ladder(t, 10), bad, quality.Settings{Schema: sensor.Motion(), Std: ones(12)})
	if err != nil || e.Samples != 9 || e.Refused != 1 {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err = quality.Evaluate(t.Context(), ladder(t, 10), walk(0), quality.Settings{Schema: sensor.Motion(), Std: ones(12)}); err != nil || e.OverTolerance != nil || e.MeanPayloadBytes != 0 {
		t.Errorf("no windows: %+v, %v", e, err)
	}
}

// A yaw of 359.9 that comes back as -0.1 is no error of 360.
func TestAnglesWrapForGrids(t *testing.T) {
	var windows iter.Seq2[dataset.Window, error] = func(yield func(dataset.Window, error) bool) {
		for i := range 36 {
			v := make([]float64, 12)
			v[11] = float64(10 * i)
			if !yield(dataset.Window{ID: int64(i), Values: v}, nil) {
				return
			}
		}
	}
	g, err := fit.PhysicalGrid(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := quality.Evaluate(t.Context(), g.Codec, windows, quality.Settings{Schema: sensor.Motion(), Std: ones(12), Tolerances: tolerances})
	if err != nil || e.BySensor[11].Max > 3 || e.OverTolerance.Worst[11] > 1 {
		t.Errorf("%+v, %v", e, err)
	}
	plain, _ := codec.NewSensor12(1, codec.Sensor12Scales{})
	if e, err = quality.Evaluate(t.Context(), plain, windows, quality.Settings{Schema: sensor.Motion(), Std: ones(12), Tolerances: tolerances}); err != nil || e.OverTolerance.Within != 1 || e.Rungs != nil {
		t.Errorf("a codec without a bound: %+v, %v", e, err)
	}
	if _, err := quality.Evaluate(t.Context(), plain, windows, quality.Settings{Schema: sensor.Motion(), Std: ones(12), Tolerances: tolerances[1:]}); err == nil {
		t.Error("11 tolerances pass")
	}
}
