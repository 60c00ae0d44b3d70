package show

import (
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset/sensor"
)

func TestTable(t *testing.T) {
	var b strings.Builder
	Table(&b, "\tbytes\terror", "short\t8 B\t0.5", "a longer name\t12 B\t0.125")
	want := "" +
		"                 bytes  error\n" +
		"  short            8 B    0.5\n" +
		"  a longer name   12 B  0.125\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestAirtime(t *testing.T) {
	var b strings.Builder
	Airtime(&b, 8, 8)
	if !strings.Contains(b.String(), "240 B  no frame") || !strings.Contains(b.String(), "36.1 ms") {
		t.Errorf("got\n%s", b.String())
	}
}

func TestSensors(t *testing.T) {
	e := &quality.Evaluation{}
	drift := &quality.Drift{Limit: 4, Windows: 0.25}
	for _, name := range sensor.Motion().Names() {
		e.BySensor = append(e.BySensor, quality.SensorErrors{Sensor: name, Unit: sensor.Motion().Units()[name], MSE: 0.25, P50: 0.1, P99: 1, Max: 20})
		drift.BySensor = append(drift.BySensor, quality.SensorDrift{Sensor: name, Shift: -0.5, Spread: 2, Outside: 0.125})
	}
	// At 60 degrees north a degree of longitude is half one of latitude.
	var b strings.Builder
	Sensors(&b, 60, e, drift)
	for _, want := range []string{
		"lat 55556 m 11111 m", "lon 27778 m 5556 m", "ax 0.500 m/s² 0.100 m/s² 1.00 m/s² 20.0 m/s²", "-0.500 2.00 12.50 %", "more than 4 of them", "25.00 % of the windows",
	} {
		if !strings.Contains(strings.Join(strings.Fields(b.String()), " "), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
	e.BySensor = make([]quality.SensorErrors, 40)
	b.Reset()
	Sensors(&b, 0, e, nil)
	if n := strings.Count(b.String(), "\n"); n != 34 || !strings.Contains(b.String(), "8 values more") || strings.Contains(b.String(), "outside") {
		t.Errorf("%d lines of 40 values:\n%s", n, b.String())
	}
}

func TestDigits(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 12345.6: "12346", 12.345: "12.3", 1.2345: "1.23", 0.036061: "0.0361", 0.5: "0.500", 1.5e-7: "1.50e-07", -2.5: "-2.50"} {
		if got := Digits(v); got != want {
			t.Errorf("Digits(%g) = %s, want %s", v, got, want)
		}
	}
	if got := Millis(1647 * time.Millisecond); got != "1647 ms" {
		t.Error(got)
	}
}
