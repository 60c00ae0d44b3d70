package table

import (
	"strings"
	"testing"
	"time"
)

func TestWrite(t *testing.T) {
	var b strings.Builder
	Write(&b, "\tbytes\terror", "short\t8 B\t0.5", "a longer name\t12 B\t0.125")
	want := "" +
		"                 bytes  error\n" +
		"  short            8 B    0.5\n" +
		"  a longer name   12 B  0.125\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
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
