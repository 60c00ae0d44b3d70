package sensor_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/loralink/loralink-go/dataset/sensor"
)

func Example() {
	s := sensor.Motion()
	fmt.Println(s.Names())
	for _, g := range s.Groups() {
		fmt.Println(g.Name, s.Names()[g.From:g.To], s[g.From].Unit)
	}
	yaw := s[s.Index("yaw")]
	fmt.Println("from -179 to 179:", sensor.Difference(179, -179, yaw.Angle), yaw.Unit)
	// Output:
	// [lat lon alt ax ay az gx gy gz roll pitch yaw]
	// gps [lat lon alt] deg
	// accel [ax ay az] m/s^2
	// gyro [gx gy gz] deg/s
	// rpy [roll pitch yaw] deg
	// from -179 to 179: -2 deg
}

func TestMotion(t *testing.T) {
	s := sensor.Motion()
	if len(s) != sensor.MotionDims || !s.IsMotion() || len(s.Units()) != sensor.MotionDims || s.Tolerances() == nil {
		t.Fatalf("motion schema is incomplete: %v", s)
	}
	for i, v := range s {
		if v.Name == "" || v.Unit == "" || v.Group == "" || !(v.Low < v.High) || !(v.Tolerance > 0) {
			t.Errorf("value %d is described in part: %+v", i, v)
		}
		if want := v.Name == "lon" || v.Name == "roll" || v.Name == "yaw"; v.Angle != want {
			t.Errorf("%s is an angle: %v", v.Name, v.Angle)
		}
	}
	s[0].Name = "changed"
	if sensor.Motion()[0].Name != "lat" {
		t.Error("a caller's change reached the schema")
	}
}

func TestNamed(t *testing.T) {
	s := sensor.Named([]string{"ax", "yaw", "soil", "lat"}, map[string]string{"soil": "%", "lat": "rad"})
	want := sensor.Schema{sensor.Motion()[3], sensor.Motion()[11], {Name: "soil", Unit: "%"}, {Name: "lat", Unit: "rad"}}
	for i := range want {
		if s[i] != want[i] {
			t.Errorf("value %d: %+v, want %+v", i, s[i], want[i])
		}
	}
	if s.Tolerances() != nil {
		t.Errorf("tolerances %v of values that have none", s.Tolerances())
	}
	if s.IsMotion() || !sensor.Named(sensor.Motion().Names(), nil).IsMotion() {
		t.Error("IsMotion does not go by the names")
	}
	if got := sensor.Named([]string{"ax", "ay", "gx"}, nil).Groups(); len(got) != 2 || got[0] != (sensor.Group{Name: "accel", From: 0, To: 2}) {
		t.Errorf("groups %v", got)
	}
}

func TestForDims(t *testing.T) {
	if !sensor.ForDims(12).IsMotion() {
		t.Error("12 values are no motion sample")
	}
	s := sensor.ForDims(3)
	if len(s) != 3 || s.Label(2) != "dim 2" || s.Names() != nil || s.Angles()[0] {
		t.Errorf("3 values: %+v", s)
	}
	if sensor.Motion().Label(3) != "ax" || sensor.Motion().Label(20) != "dim 20" {
		t.Error("wrong labels")
	}
}

func TestDifference(t *testing.T) {
	for _, c := range []struct {
		a, b  float64
		angle bool
		want  float64
	}{
		{359, 1, true, -2}, {1, 359, true, 2}, {359, 1, false, 358}, {-180, 180, true, 0}, {90, -90, true, 180},
	} {
		if got := sensor.Difference(c.a, c.b, c.angle); got != c.want {
			t.Errorf("Difference(%g, %g, %v) = %g, want %g", c.a, c.b, c.angle, got, c.want)
		}
	}
	if !math.IsNaN(sensor.Difference(math.NaN(), 0, true)) || !math.IsNaN(sensor.Difference(0, math.Inf(1), true)) {
		t.Error("NaN and infinity have a difference")
	}
}

func TestShapeCheck(t *testing.T) {
	for _, c := range []struct {
		shape sensor.Shape
		ok    bool
	}{
		{sensor.Shape{Dims: 12, W: 1, Stride: 1}, true},
		{sensor.Shape{Dims: 1, W: sensor.MaxWindowLen, Stride: 1}, true},
		{sensor.Shape{Dims: 2, W: sensor.MaxWindowLen, Stride: 1}, false},
		{sensor.Shape{Dims: math.MaxInt, W: math.MaxInt, Stride: 1}, false},
		{sensor.Shape{Dims: 12, W: 1}, false},
		{sensor.Shape{Dims: -1, W: 1, Stride: 1}, false},
	} {
		if err := c.shape.Check(); (err == nil) != c.ok || err != nil && !errors.Is(err, sensor.ErrShape) {
			t.Errorf("%v: %v", c.shape, err)
		}
	}
	if n := (sensor.Shape{Dims: 12, W: 8}).Len(); n != 96 {
		t.Errorf("Len is %d", n)
	}
}
