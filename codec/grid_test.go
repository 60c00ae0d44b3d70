package codec_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/internal/modelfile"
)

func TestGridBytes(t *testing.T) {
	g, err := codec.NewGrid(2, []codec.GridDim{{Low: 0, Step: 1, Bits: 3}, {Low: -180, Step: 10, Bits: 6, Angle: true}, {Low: 5, Step: 2, Bits: 0}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		window, back []float64
		payload      []byte
		err          error
	}{
		// 5 | 18<<3 | 6<<9 | 35<<12, in 18 bits.
		{[]float64{5, 0, 6, 6.5, 170, 4}, []float64{5, 0, 5, 6, 170, 5}, []byte{0x95, 0x3c, 0x02}, nil},
		{[]float64{5.5, 360, 6, 7.4, 535, 4}, []float64{6, 0, 5, 7, 170, 5}, []byte{0x96, 0x3e, 0x02}, nil},
		{[]float64{7.6, 0, 5, 0, 0, 5}, nil, nil, codec.ErrRange},
		{[]float64{-0.6, 0, 5, 0, 0, 5}, nil, nil, codec.ErrRange},
		{[]float64{0, 0, 6.5, 0, 0, 5}, nil, nil, codec.ErrRange},
		{[]float64{math.MaxFloat64, 0, 5, 0, 0, 5}, nil, nil, codec.ErrRange},
		{[]float64{math.NaN(), 0, 5, 0, 0, 5}, nil, nil, codec.ErrValue},
	} {
		got, err := g.AppendEncode(nil, c.window)
		if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%v: error %v, want %v", c.window, err, c.err)
			continue
		}
		if err != nil {
			continue
		}
		back, err := g.AppendDecode(nil, got)
		if err != nil || !slices.Equal(back, c.back) || !slices.Equal(got, c.payload) {
			t.Errorf("%v: % x is %v, %v, want % x, %v", c.window, got, back, err, c.payload, c.back)
		}
	}
	for _, p := range []struct {
		name    string
		payload []byte
	}{
		{"level 36 of 36", []byte{36 << 3 & 0xff, 36 >> 5, 0}},
		{"filled-up bits", []byte{0, 0, 0x80}},
		{"short", []byte{0, 0}},
	} {
		if _, err := g.AppendDecode(nil, p.payload); !errors.Is(err, codec.ErrCorrupt) {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}

func TestGridFile(t *testing.T) {
	r, err := fit.PhysicalGrid(2, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := r.Codec
	path := filepath.Join(t.TempDir(), codec.GridFile)
	if err := r.Save(path); err != nil {
		t.Fatal(err)
	}
	back, err := codec.LoadGrid(path)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(path)
	if !slices.Equal(back.Dims(), g.Dims()) || back.Schema() != g.Schema() || back.Schema() != "grid_v1:"+modelfile.Hash(data) {
		t.Errorf("%v %s, want %v %s", back.Dims(), back.Schema(), g.Dims(), g.Schema())
	}
	for _, c := range []struct {
		name, text string
		want       error
		names      []string
	}{
		{"empty", ``, codec.ErrMalformed, nil},
		{"null", `null`, codec.ErrMalformed, []string{"null", "object"}},
		{"an empty object", `{}`, codec.ErrMalformed, []string{"window_W"}},
		{"a list", `[]`, codec.ErrMalformed, nil},
		{"two objects", `{"window_W":1,"dims":[{"low":0,"step":1,"bits":3,"angle":false}]} {}`, codec.ErrMalformed, []string{"more"}},
		{"a misspelt key", `{"window_W":1,"dims":[{"lo":0,"step":1,"bits":3}]}`, codec.ErrMalformed, []string{"lo"}},
		{"a wrong type", `{"window_W":1,"dims":[{"low":"0","step":1,"bits":3}]}`, codec.ErrMalformed, []string{"low", "string"}},
		{"NaN", `{"window_W":1,"dims":[{"low":NaN,"step":1,"bits":3}]}`, codec.ErrMalformed, nil},
		{"all faults at once", `{"window_W":0,"dims":[{"low":0,"step":0,"bits":-1},{"low":0,"step":-1,"bits":1}]}`, codec.ErrMalformed,
			[]string{"window_W", "dims[0].step", "dims[0].bits", "dims[1].step"}},
		{"too many bits", `{"window_W":1,"dims":[{"low":0,"step":1,"bits":64}]}`, codec.ErrTooLarge, []string{"dims[0].bits", "64", "32"}},
		{"no bits", `{"window_W":1,"dims":[{"low":0,"step":1,"bits":0}]}`, codec.ErrMalformed, []string{"dims"}},
		{"levels beyond float64", `{"window_W":1,"dims":[{"low":1e308,"step":1e308,"bits":8}]}`, codec.ErrMalformed, []string{"dims[0]"}},
		{"an angle out of its turn", `{"window_W":1,"dims":[{"low":400,"step":1,"bits":8,"angle":true}]}`, codec.ErrMalformed, []string{"dims[0].low"}},
		{"a window too large", `{"window_W":65536,"dims":[{"low":0,"step":1,"bits":8},{"low":0,"step":1,"bits":8}]}`, codec.ErrTooLarge, []string{"window_W"}},
		{"a huge file", strings.Repeat(" ", codec.MaxFile+1), codec.ErrTooLarge, nil},
		{"deep", strings.Repeat("[", 1e5), codec.ErrMalformed, nil},
	} {
		path := filepath.Join(t.TempDir(), "bad.json")
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := codec.LoadGrid(path)
		var located *codec.Error
		if !errors.Is(err, c.want) || !errors.As(err, &located) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		for _, name := range append(c.names, "bad.json") {
			if !strings.Contains(fmt.Sprint(err), name) {
				t.Errorf("%s: %v does not name %s", c.name, err, name)
			}
		}
	}
}

func FuzzGridFile(f *testing.F) {
	f.Add(physicalGrid(f, 1).File(), []byte("0123456789abcdef"))
	f.Add([]byte(`{"window_W":3,"dims":[{"low":-1,"step":1e-9,"bits":32,"angle":true},{"low":1,"step":5,"bits":1}]}`), []byte("0123456789abc"))
	f.Fuzz(func(t *testing.T, data, payload []byte) {
		g, err := codec.ParseGrid(codec.GridFile, data)
		if err != nil {
			return
		}
		window, err := g.AppendDecode(nil, payload)
		if err != nil {
			return
		}
		for _, v := range window {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("decoded %g", v)
			}
		}
	})
}

// The highest level of an angle is the last one of the first turn.
func TestGridDimTop(t *testing.T) {
	for _, c := range []struct {
		dim  codec.GridDim
		want uint64
	}{
		{codec.GridDim{Step: 1, Bits: 0}, 0},
		{codec.GridDim{Step: 1, Bits: 32}, 1<<32 - 1},
		{codec.GridDim{Step: 1, Bits: 9, Angle: true}, 359},
		{codec.GridDim{Step: 0.7, Bits: 10, Angle: true}, 514},
		{codec.GridDim{Step: 1, Bits: 5, Angle: true}, 31},
	} {
		if got := c.dim.Top(); got != c.want {
			t.Errorf("%+v: %d, want %d", c.dim, got, c.want)
		}
	}
	if got, want := (codec.GridDim{Step: 2}).MaxError(), 1+1e-6; got != want {
		t.Errorf("largest error %v, want %v", got, want)
	}
}
