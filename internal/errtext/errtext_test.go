package errtext

import (
	"errors"
	"fmt"
	"testing"
)

func TestTrimPrefix(t *testing.T) {
	sentinel := errors.New("a: invalid")
	inner := fmt.Errorf("%w: x is 3", sentinel)
	outer := fmt.Errorf("b: invalid: %w", TrimPrefix(inner, "a: invalid: "))
	if outer.Error() != "b: invalid: x is 3" || !errors.Is(outer, sentinel) {
		t.Errorf("got %q", outer)
	}
	if err := TrimPrefix(inner, "c: "); err != inner {
		t.Errorf("got %v", err)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"level", "scale", "payload_bytes", "window_W", "accel_scale", "gyro_scale"}
	for word, want := range map[string]string{
		"leve": "level", "levle": "level", "Scale": "scale", "payload_byte": "payload_bytes", "window_w": "window_W",
		"acel_scale": "accel_scale", "colour": "", "x": "", "": "",
	} {
		if got := Nearest(word, names); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
