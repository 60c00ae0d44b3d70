package quality_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// words are the words of a text, one blank between them.
func words(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestWriteAirtime(t *testing.T) {
	for _, c := range []struct {
		name  string
		n     int
		shape sensor.Shape
		want  []string
	}{
		{"motion", 8, sensor.Shape{Dims: 12, W: 8, Stride: 1}, []string{"this model 8 B 36.1 ms", "raw, sensor12_packed 240 B too long"}},
		{"three values", 2, sensor.Shape{Dims: 3, W: 1, Stride: 1}, []string{"raw, as float32 12 B"}},
	} {
		var b strings.Builder
		quality.WriteAirtime(&b, c.n, c.shape)
		for _, want := range c.want {
			if !strings.Contains(words(b.String()), want) {
				t.Errorf("%s: %q is missing in\n%s", c.name, want, b.String())
			}
		}
	}
}

func TestWriteSensors(t *testing.T) {
	e := &quality.Evaluation{}
	drift := &quality.Drift{Limit: 4, WindowsOutside: 0.25}
	for _, v := range sensor.Motion() {
		e.BySensor = append(e.BySensor, quality.SensorErrors{Sensor: v.Name, Unit: v.Unit, MSE: 0.25, P50: 0.1, P99: 1, Max: 20})
		drift.BySensor = append(drift.BySensor, quality.SensorDrift{Sensor: v.Name, Shift: -0.5, Spread: 2, Outside: 0.125})
	}
	// At 60 degrees north a degree of longitude is half one of latitude.
	var b strings.Builder
	e.WriteSensors(&b, 60, drift)
	for _, want := range []string{
		"lat 55556 m 11111 m", "lon 27778 m 5556 m", "ax 0.500 m/s² 0.100 m/s² 1.00 m/s² 20.0 m/s²", "-0.500 2.00 12.50 %", "more than 4 of them", "25.00 % of the windows",
	} {
		if !strings.Contains(words(b.String()), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
	e.BySensor = make([]quality.SensorErrors, 40)
	b.Reset()
	e.WriteSensors(&b, 0, nil)
	if n := strings.Count(b.String(), "\n"); n != 34 || !strings.Contains(b.String(), "8 values more") || strings.Contains(b.String(), "outside") {
		t.Errorf("%d lines of 40 values:\n%s", n, b.String())
	}
}

// An evaluation that was read from a report still answers by dimension.
func TestEvaluationFromJSON(t *testing.T) {
	c, err := codec.NewSensor12(1, codec.Sensor12Scales{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := quality.Evaluate(t.Context(), c, walk(200), quality.Settings{Std: make([]float64, 12)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var back quality.Evaluation
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	for _, f := range quality.Figures() {
		want, got := f.RMS(e.Dims, 50), f.RMS(back.Dims, 50)
		if math.Abs(got-want) > 1e-9*want {
			t.Errorf("%s: %g from JSON, %g before", f.Name, got, want)
		}
	}
	if got := (&quality.Evaluation{}).Dims(0, 3); got != (quality.Errors{}) {
		t.Errorf("an empty evaluation has errors %v", got)
	}
	if got := back.Dims(5, 40); got != (quality.Errors{}) {
		t.Errorf("values that are not there have errors %v", got)
	}
}
