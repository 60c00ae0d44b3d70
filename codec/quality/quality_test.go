package quality_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
)

func walk(n int) iter.Seq2[dataset.Window, error] {
	return func(yield func(dataset.Window, error) bool) {
		for i := range n {
			x := float64(i)
			a, b := math.Sin(x/11), math.Cos(x/7)
			v := []float64{51 + 1e-4*a, 13 + 1e-4*b, 100 + 5*a, a, b, 9.8 + 0.1*a, 10 * b, -10 * a, a + b, 3 * a, 2 * b, 90 + 20*(a-b)}
			if !yield(dataset.Window{ID: int64(i), Values: v}, nil) {
				return
			}
		}
	}
}

func Example() {
	split := dataset.HashSplit{TrainRatio: 0.8}
	study, err := quality.NewTraining(context.Background(), dataset.Training(walk(1000), split), sensor.Motion())
	if err != nil {
		fmt.Println(err)
		return
	}
	baselines, err := study.Baselines(context.Background(), 2, dataset.Holdout(walk(1000), split), study.Norm.Std)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, b := range baselines {
		fmt.Printf("%-9s %d B  zscored.mse %.1f\n", b.Name, b.Bytes, b.Evaluation.ZScored.MSE)
	}
	// Output:
	// mean      0 B  zscored.mse 1.1
	// PCA int16 2 B  zscored.mse 0.5
	// PCA int8  2 B  zscored.mse 0.0
}

// The plain packing's errors are its rounding, in each group's unit.
func TestEvaluate(t *testing.T) {
	c, err := codec.NewSensor12(1, codec.Sensor12Scales{})
	if err != nil {
		t.Fatal(err)
	}
	std := make([]float64, 12)
	std[3] = 0.001 // one step of acceleration: only this value counts
	e, err := quality.Evaluate(t.Context(), c, walk(2000), quality.Settings{Schema: sensor.Motion(), Std: std})
	if err != nil {
		t.Fatal(err)
	}
	if e.Samples != 2000 || e.PayloadSchema != c.Schema() || len(e.PayloadSchemaHash) != 64 || fmt.Sprint(e.PayloadBytesSeen) != "[30]" || e.Saturation.Total != 0 {
		t.Errorf("%+v", e)
	}
	// A uniform error over ±step/2: mean step/4, mean square step²/12.
	for group, step := range map[string]float64{"accel": 0.001, "gyro": 0.1, "rpy": 0.1} {
		got := e.ByGroup[group]
		if math.Abs(got.MAE-step/4) > step/40 || math.Abs(got.MSE-step*step/12) > step*step/60 {
			t.Errorf("%s: %+v, want about %g and %g", group, got, step/4, step*step/12)
		}
	}
	if math.Abs(e.ZScored.MSE-1./12) > 0.01 || math.Abs(e.ZScored.MAE-0.25) > 0.02 {
		t.Errorf("zscored %+v", e.ZScored)
	}
}

// One group of one figure each, by hand.
func TestBaselinesByHand(t *testing.T) {
	values := [][]float64{{1, 10}, {3, 30}, {5, 50}}
	windows := func(yield func(dataset.Window, error) bool) {
		for _, v := range values {
			if !yield(dataset.Window{Values: v}, nil) {
				return
			}
		}
	}
	study, err := quality.NewTraining(t.Context(), windows, sensor.ForDims(2))
	if err != nil {
		t.Fatal(err)
	}
	e, err := quality.Evaluate(t.Context(), study.Mean(), windows, quality.Settings{Schema: sensor.ForDims(2), Std: study.Norm.Std})
	if err != nil {
		t.Fatal(err)
	}
	// Both dims have a sample variance of n/(n-1) times the mean square.
	if math.Abs(e.ZScored.MSE-2./3) > 1e-12 || e.Overall.MSE != (8+800)/6. || e.ByGroup != nil {
		t.Errorf("mean: %+v", e)
	}
	c, err := study.PCA(1, bam.Int16)
	if err != nil {
		t.Fatal(err)
	}
	if e, err = quality.Evaluate(t.Context(), c, windows, quality.Settings{Schema: sensor.ForDims(2), Std: study.Norm.Std}); err != nil || e.ZScored.MSE > 1e-8 {
		t.Errorf("one component of two dims that move together: %+v, %v", e, err)
	}
	if e.Saturation.Count != 1 || e.Saturation.Total != 3 {
		// The largest value stands at +32767; the least at -32767 is not the end.
		t.Errorf("saturation %+v, want 1 of 3", e.Saturation)
	}
	if got := study.GaussianBound(0); math.Abs(got-1) > 1e-6 {
		t.Errorf("bound without bits %g", got)
	}
}

func TestEvaluateRefuses(t *testing.T) {
	c, _ := codec.NewSensor12(1, codec.Sensor12Scales{})
	if _, err := quality.Evaluate(t.Context(), c, walk(3), quality.Settings{Schema: sensor.ForDims(5), Std: make([]float64, 12)}); err == nil {
		t.Error("5 dims of 12 pass")
	}
	short := func(yield func(dataset.Window, error) bool) {
		yield(dataset.Window{ID: 9, Values: []float64{1}}, nil)
	}
	if _, err := quality.Evaluate(t.Context(), c, short, quality.Settings{Schema: sensor.Motion(), Std: make([]float64, 12)}); !errors.Is(err, codec.ErrShape) {
		t.Errorf("a short window: %v", err)
	}
	if _, err := quality.NewTraining(t.Context(), walk(0), sensor.Motion()); err == nil {
		t.Error("no windows pass")
	}
}

// Errors by sensor are over all steps of a window: here the first step comes
// back exactly, and the second off by as much as each value's place in it.
func TestBySensor(t *testing.T) {
	e, err := quality.Evaluate(t.Context(), offset{2, 12}, steps(100), quality.Settings{Schema: sensor.Motion(), Std: make([]float64, 24)})
	if err != nil {
		t.Fatal(err)
	}
	if len(e.BySensor) != 12 {
		t.Fatalf("%d sensors, want 12", len(e.BySensor))
	}
	for i, s := range e.BySensor {
		// Step 0: no error in 100 windows. Step 1: i+1, 100 times.
		want := quality.SensorErrors{Sensor: sensor.Motion().Names()[i], Unit: sensor.Motion().Units()[sensor.Motion().Names()[i]],
			MAE: float64(i+1) / 2, MSE: float64((i+1)*(i+1)) / 2, P50: 0, P99: float64(i + 1), Max: float64(i + 1)}
		if s != want {
			t.Errorf("%+v, want %+v", s, want)
		}
	}
	e, err = quality.Evaluate(t.Context(), offset{1, 3}, func(yield func(dataset.Window, error) bool) {
		yield(dataset.Window{Values: make([]float64, 3)}, nil)
	}, quality.Settings{Schema: sensor.ForDims(3), Std: make([]float64, 3)})
	if err != nil || e.BySensor[2].Sensor != "dim 2" || e.BySensor[2].Unit != "" {
		t.Errorf("windows of no sample: %+v, %v", e, err)
	}
}

// offset rebuilds windows with the i-th value of the last step off by i+1.
type offset struct{ w, dims int }

func (o offset) ID() string         { return "offset" }
func (o offset) Version() string    { return "1" }
func (o offset) Schema() string     { return "offset" }
func (o offset) WindowLen() int     { return o.w * o.dims }
func (o offset) MaxPayloadLen() int { return 0 }

func (o offset) AppendEncode(dst []byte, _ []float64) ([]byte, error) { return dst, nil }

func (o offset) AppendDecode(dst []float64, _ []byte) ([]float64, error) {
	dst = append(dst, make([]float64, o.w*o.dims)...)
	for i := range o.dims {
		dst[len(dst)-o.dims+i] = float64(i + 1)
	}
	return dst, nil
}

// steps are n windows of two steps of zeros.
func steps(n int) iter.Seq2[dataset.Window, error] {
	return func(yield func(dataset.Window, error) bool) {
		for i := range n {
			if !yield(dataset.Window{ID: int64(i), Values: make([]float64, 24)}, nil) {
				return
			}
		}
	}
}

func TestDrift(t *testing.T) {
	norm := &bam.Norm{Mean: []float64{10, 0, 5, 10, 0, 5}, Std: []float64{2, 1, 0, 2, 1, 0}} // two steps of three values
	windows := func(yield func(dataset.Window, error) bool) {
		for _, v := range [][]float64{
			{12, 0, 5, 12, 0, 5},  // shifted by a deviation
			{14, 4, 5, 10, -4, 5}, // 4 deviations are not outside
			{12, 9, 5, 12, 0, 5},
			{12, 0, 5, 12, 0, 6}, // differs where training did not
		} {
			if !yield(dataset.Window{Values: v}, nil) {
				return
			}
		}
	}
	d, err := quality.MeasureDrift(t.Context(), windows, norm, sensor.ForDims(3))
	if err != nil {
		t.Fatal(err)
	}
	if d.Samples != 4 || d.WindowsOutside != 0.5 || d.Limit != quality.DriftLimit {
		t.Errorf("%+v", d)
	}
	for i, want := range []quality.SensorDrift{
		{Sensor: "dim 0", Shift: 1, Spread: math.Sqrt(2. / 7), Farthest: 2},
		{Sensor: "dim 1", Shift: 9. / 8, Spread: math.Sqrt((113 - 81./8) / 7), Outside: 1. / 8, Farthest: 9},
		{Sensor: "dim 2", Outside: 1. / 8},
	} {
		got := d.BySensor[i]
		if math.Abs(got.Shift-want.Shift) > 1e-12 || math.Abs(got.Spread-want.Spread) > 1e-12 || got.Outside != want.Outside || got.Farthest != want.Farthest || got.Sensor != want.Sensor {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	// The windows a norm is of have drifted nowhere.
	study, err := quality.NewTraining(t.Context(), walk(500), sensor.Motion())
	if err != nil {
		t.Fatal(err)
	}
	if d, err = quality.MeasureDrift(t.Context(), walk(500), study.Norm, sensor.Motion()); err != nil {
		t.Fatal(err)
	}
	for _, s := range d.BySensor {
		if math.Abs(s.Shift) > 1e-9 || math.Abs(s.Spread-1) > 1e-9 || s.Outside != 0 || s.Farthest > 3 {
			t.Errorf("training windows: %+v", s)
		}
	}
	if _, err := quality.MeasureDrift(t.Context(), walk(3), norm, sensor.ForDims(3)); !errors.Is(err, codec.ErrShape) {
		t.Errorf("windows of 12 for a norm of 6: %v", err)
	}
	if _, err := quality.MeasureDrift(t.Context(), walk(3), norm, sensor.ForDims(4)); err == nil {
		t.Error("steps of 4 values in windows of 6 pass")
	}
}

// The CSV has a row for each value of the codec and of each baseline, and one over all.
func TestWriteCSV(t *testing.T) {
	c, err := codec.NewSensor12(1, codec.Sensor12Scales{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := quality.Compare(t.Context(), c, walk(200), walk(200), quality.CompareSettings{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 1+13*4 {
		t.Fatalf("%v, %d rows, want a header and 13 for each of the codec, the mean and PCA as int16 and int8", err, len(rows))
	}
	if got, want := strings.Join(rows[1][:5], " "), "sensor12_packed 30 200 lat deg"; got != want {
		t.Errorf("first row begins with %q, want %q", got, want)
	}
	if got, want := strings.Join(rows[13][:5], " "), "sensor12_packed 30 200 all "; got != want {
		t.Errorf("last row of the codec begins with %q, want %q", got, want)
	}
	if mae, err := strconv.ParseFloat(rows[1][5], 64); err != nil || mae != r.BySensor[0].MAE {
		t.Errorf("mae %s, want %g", rows[1][5], r.BySensor[0].MAE)
	}
}
