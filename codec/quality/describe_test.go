package quality_test

import (
	"math"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset/sensor"
)

func TestDescribeError(t *testing.T) {
	motion := sensor.Motion()
	window := func(change map[int]float64) []float64 {
		w := make([]float64, 12)
		for i, v := range change {
			w[i] = v
		}
		return w
	}
	for _, c := range []struct {
		name      string
		schema    sensor.Schema
		want, got []float64
		text      string
	}{
		{"relative to the tolerance", motion, window(map[int]float64{2: 4, 3: 0.4}), window(nil), "largest error 4.00 m (alt)"},
		{"a small tolerance", motion, window(map[int]float64{0: 4.4e-5, 2: 1}), window(nil), "largest error 4.40e-05 deg (lat)"},
		{"an angle through north", motion, window(map[int]float64{11: 359.5}), window(map[int]float64{11: -1}), "largest error 0.500 deg (yaw)"},
		{"no tolerances", make(sensor.Schema, 2), []float64{1, 5}, []float64{1, 2}, "largest error 3.00 (dim 1)"},
		{"some tolerances", sensor.Schema{{Name: "soil"}, {Name: "alt", Unit: "m", Tolerance: 5}}, []float64{100, 5}, []float64{0, 4}, "largest error 1.00 m (alt)"},
		{"second step", make(sensor.Schema, 2), []float64{1, 2, 3, 4}, []float64{1, 2, 5, 4}, "largest error 2.00 (dim 0)"},
		{"NaN", make(sensor.Schema, 2), []float64{1, 2}, []float64{5, math.NaN()}, "largest error NaN (dim 1)"},
		{"a window too short", motion, window(nil), nil, "no values to compare"},
		{"no schema", nil, []float64{1}, []float64{1}, "no values to compare"},
	} {
		if text := quality.DescribeError(c.schema, c.want, c.got); text != c.text {
			t.Errorf("%s: %q, want %q", c.name, text, c.text)
		}
	}
}

func TestDescribePredictive(t *testing.T) {
	c := predictive(t, 1, codec.Params{}, nil)
	encoder := c.NewEncoder(nil)
	for seq, want := range []string{"14 bytes (predictive), a key frame", "2 bytes (predictive), builds on the window 1 before"} {
		payload, err := encoder.AppendEncode(nil, byte(seq), []float64{37, 127, 31, 0, 0, 9.8, 0, 0, 0, 1, -2, 90})
		if err != nil {
			t.Fatal(err)
		}
		encoder.Acked(byte(seq))
		if got := quality.DescribePayload(c, payload); got != want && seq > 0 || !strings.HasSuffix(got, want[3:]) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
