package float16

import (
	"math"
	"testing"
)

// value is binary16 by its definition, in float64.
func value(h uint16) float64 {
	sign := 1.0
	if h&0x8000 != 0 {
		sign = -1
	}
	exp, frac := int(h>>10)&0x1f, float64(h&0x3ff)
	switch exp {
	case 0x1f:
		if frac != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	case 0:
		return sign * math.Ldexp(frac, -24)
	}
	return sign * math.Ldexp(1024+frac, exp-25)
}

func TestEveryValue(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		want, got := value(h), float64(FromBits(h))
		if math.IsNaN(want) {
			if !math.IsNaN(got) || !math.IsNaN(float64(FromBits(ToBits(FromBits(h))))) {
				t.Errorf("%#04x: NaN does not stay NaN: %g", h, got)
			}
			continue
		}
		if got != want || math.Signbit(got) != math.Signbit(want) {
			t.Errorf("FromBits(%#04x) = %g, want %g", h, got, want)
		}
		if back := ToBits(float32(want)); back != h {
			t.Errorf("ToBits(%g) = %#04x, want %#04x", want, back, h)
		}
	}
}

// Between two neighbours: the midpoint goes to the even one, a hair off it to
// the nearer one.
func TestRounding(t *testing.T) {
	for h := uint16(0); h < 0x7bff; h++ {
		lo, hi := float32(value(h)), float32(value(h+1))
		mid := (lo + hi) / 2 // exact: float32 has 13 more bits
		even := h
		if h&1 == 1 {
			even = h + 1
		}
		for _, c := range []struct {
			f    float32
			want uint16
		}{
			{mid, even},
			{math.Nextafter32(mid, lo), h},
			{math.Nextafter32(mid, hi), h + 1},
		} {
			if got := ToBits(c.f); got != c.want {
				t.Errorf("ToBits(%g) = %#04x, want %#04x", c.f, got, c.want)
			}
			if got := ToBits(-c.f); got != c.want|0x8000 {
				t.Errorf("ToBits(%g) = %#04x, want %#04x", -c.f, got, c.want|0x8000)
			}
		}
	}
	for _, c := range []struct {
		f    float32
		want uint16
	}{
		{65519.996, 0x7bff}, {65520, 0x7c00}, {1e10, 0x7c00}, {float32(math.Inf(-1)), 0xfc00},
		{math.Float32frombits(0x7f800001), 0x7e00}, {1e-30, 0}, {-1e-30, 0x8000},
		{math.Float32frombits(0x33000000), 0}, {math.Float32frombits(0x33000001), 1},
	} {
		if got := ToBits(c.f); got != c.want {
			t.Errorf("ToBits(%g) = %#04x, want %#04x", c.f, got, c.want)
		}
	}
}
