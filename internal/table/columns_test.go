package table

import (
	"strconv"
	"strings"
	"testing"
)

func TestColumns(t *testing.T) {
	c := NewColumns(8, 30)
	c.Row("", func(n int) string { return strconv.Itoa(n) + " B" })
	c.Row("bits", func(n int) string { return strconv.Itoa(8 * n) })
	var b strings.Builder
	c.Write(&b)
	if want := "        8 B  30 B\n  bits   64   240\n"; b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestChange(t *testing.T) {
	for pct, want := range map[float64]string{12.54: "+12.5 %", -45.2: "-45.2 %", 0.04: "the same", 0: "the same"} {
		if got := Change(pct); got != want {
			t.Errorf("Change(%g) = %q, want %q", pct, got, want)
		}
	}
}
