package pytext

import (
	"math"
	"strconv"
	"testing"
)

// The wanted texts are what Python 3.11 prints for repr(float) and json.dumps(str).

func TestFloat(t *testing.T) {
	for _, c := range []struct {
		in   float64
		want string
	}{
		{32767, "32767.0"}, {127, "127.0"}, {19.810826519093133, "19.810826519093133"},
		{0, "0.0"}, {math.Copysign(0, -1), "-0.0"}, {1e-4, "0.0001"}, {9.9e-5, "9.9e-05"}, {1e-5, "1e-05"},
		{1e15, "1000000000000000.0"}, {9999999999999998, "9999999999999998.0"}, {1e16, "1e+16"}, {1.5e16, "1.5e+16"},
		{-1e-7, "-1e-07"}, {1e22, "1e+22"}, {1.7976931348623157e308, "1.7976931348623157e+308"}, {5e-324, "5e-324"},
		{0.1, "0.1"}, {123456.789, "123456.789"}, {math.Inf(1), "inf"}, {math.Inf(-1), "-inf"}, {math.NaN(), "nan"},
	} {
		if got := Float(c.in); got != c.want {
			t.Errorf("Float(%g) = %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzFloat(f *testing.F) {
	for _, v := range []float64{0, 1, 127, 32767, 1e-5, 1e16, 19.810826519093133} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v float64) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return
		}
		back, err := strconv.ParseFloat(Float(v), 64)
		if err != nil || math.Float64bits(back) != math.Float64bits(v) {
			t.Errorf("Float(%g) = %q reads back as %g, %v", v, Float(v), back, err)
		}
	})
}

func TestAppendJSONString(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain", `"plain"`},
		{"\x7f\u2028é😀\x01/<>&", `"\u007f\u2028\u00e9\ud83d\ude00\u0001/<>&"`},
		{"q\"b\\n\nr\rt\tb\bf\f", `"q\"b\\n\nr\rt\tb\bf\f"`},
	} {
		if got := string(AppendJSONString(nil, c.in)); got != c.want {
			t.Errorf("AppendJSONString(%q) = %s, want %s", c.in, got, c.want)
		}
	}
}
