package bam

import (
	"errors"
	"math"
	"slices"
	"testing"
)

func TestPackerRounding(t *testing.T) {
	for _, c := range []struct {
		name    string
		packing Packing
		scale   float64
		y       []float32
		want    []byte
	}{
		{"int8 halves to even", Int8, 1, []float32{0.5, 1.5, 2.5, -0.5, -1.5}, []byte{0, 2, 2, 0, 0xfe}},
		{"int8 clips to the full range", Int8, 1, []float32{127.4, 128, 1e9, -128.4, -129, -1e9}, []byte{127, 127, 127, 0x80, 0x80, 0x80}},
		{"int16 little-endian", Int16, 32767, []float32{1, -1, 2, -2}, []byte{0xff, 0x7f, 0x01, 0x80, 0xff, 0x7f, 0x00, 0x80}},
		{"float16 saturates", Float16, 0, []float32{1, 1e6, -1e6, 6e-8}, []byte{0, 0x3c, 0xff, 0x7b, 0xff, 0xfb, 1, 0}},
		{"float32 as is", Float32, 0, []float32{1}, []byte{0, 0, 0x80, 0x3f}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := NewPacker(c.packing, len(c.y), c.scale)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.AppendPack([]byte("kept"), c.y)
			if err != nil || string(got[:4]) != "kept" || !slices.Equal(got[4:], c.want) {
				t.Errorf("got % x, %v, want % x", got, err, c.want)
			}
			if len(got)-4 != p.PayloadLen() {
				t.Errorf("PayloadLen is %d, payload %d", p.PayloadLen(), len(got)-4)
			}
		})
	}
}

func TestPackerRefuses(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, packing := range []Packing{Int8, Int16, Float16, Float32} {
		p, err := NewPacker(packing, 2, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, y := range [][]float32{{0, nan}, {inf, 0}, {0, -inf}} {
			if out, err := p.AppendPack([]byte{7}, y); !errors.Is(err, ErrNotFinite) || len(out) != 1 {
				t.Errorf("%s of %v: %v, %v", packing, y, out, err)
			}
		}
		if _, err := p.AppendPack(nil, []float32{1}); !errors.Is(err, ErrShape) {
			t.Errorf("%s of one latent: %v", packing, err)
		}
		y := make([]float32, 2)
		if err := p.Unpack(y, make([]byte, p.PayloadLen()-1)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s of a short payload: %v", packing, err)
		}
	}
	for _, c := range []struct {
		packing Packing
		dim     int
		scale   float64
	}{{"int4", 1, 1}, {Int8, 0, 1}, {Int8, 1, 0}, {Int16, 1, -1}, {Int8, 1, math.NaN()}, {Int8, 1, 1e300}} {
		if _, err := NewPacker(c.packing, c.dim, c.scale); !errors.Is(err, ErrParam) {
			t.Errorf("%v: %v", c, err)
		}
	}
	p, _ := NewPacker(Float16, 1, 0)
	if err := p.Unpack(make([]float32, 1), []byte{0, 0x7c}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("an infinity on the air: %v", err)
	}
}

func TestSaturated(t *testing.T) {
	p, _ := NewPacker(Int8, 4, 1)
	if n, total := p.Saturated([]byte{127, 0x80, 0x81, 126}); n != 2 || total != 4 {
		t.Errorf("%d of %d saturated, want 2 of 4", n, total)
	}
}

func TestTransmit(t *testing.T) {
	v := []float32{0.5, -0.5, 1, 3, -3, 0}
	Transmit(v, 0.1)
	for i, want := range []float32{0.5375, -0.5375, 1, 0.6, -0.6, 0} {
		if math.Abs(float64(v[i]-want)) > 1e-6 {
			t.Errorf("element %d is %g, want %g", i, v[i], want)
		}
	}
	v = []float32{5, -7}
	Transmit(v, 0)
	if v[0] != 5 || v[1] != -7 {
		t.Errorf("delta 0 changed the values: %v", v)
	}
}

func TestValidate(t *testing.T) {
	layer := func(inputs, outputs int) Layer {
		return Layer{W: NewMatrix(outputs, inputs), V: NewMatrix(inputs, outputs)}
	}
	nan := layer(2, 2)
	nan.V.Data[3] = float32(math.NaN())
	for _, c := range []struct {
		name string
		m    Model
		want error
	}{
		{"good", Model{Layers: []Layer{layer(3, 4), layer(4, 2)}}, nil},
		{"no layers", Model{}, ErrShape},
		{"do not chain", Model{Layers: []Layer{layer(3, 4), layer(3, 2)}}, ErrShape},
		{"V not W turned over", Model{Layers: []Layer{{W: NewMatrix(2, 3), V: NewMatrix(2, 3)}}}, ErrShape},
		{"data too short", Model{Layers: []Layer{{W: Matrix{2, 3, nil}, V: NewMatrix(3, 2)}}}, ErrShape},
		{"NaN", Model{Layers: []Layer{nan}}, ErrNotFinite},
		{"delta with cycles", Model{Layers: []Layer{layer(2, 2)}, Delta: 0.7, DecodeCycles: 1}, ErrParam},
		{"delta without cycles", Model{Layers: []Layer{layer(2, 2)}, Delta: 0.7}, nil},
		{"delta below 0", Model{Layers: []Layer{layer(2, 2)}, Delta: -0.1}, ErrParam},
		{"endless cycles", Model{Layers: []Layer{layer(2, 2)}, EncodeCycles: 1 << 30}, ErrParam},
	} {
		if err := c.m.Check(); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// An orthogonal layer loses nothing, whatever the cycles.
func TestOrthogonalRoundTrip(t *testing.T) {
	c, s := float32(math.Cos(0.3)), float32(math.Sin(0.3))
	l := Layer{W: Matrix{2, 2, []float32{c, s, -s, c}}, V: Matrix{2, 2, []float32{c, -s, s, c}}}
	for _, cycles := range []int{0, 1, 5} {
		m := Model{Layers: []Layer{l, l, l}, EncodeCycles: cycles, DecodeCycles: cycles}
		scratch := m.NewScratch()
		y, x := make([]float32, 2), make([]float32, 2)
		m.Encode(y, []float32{0.25, -0.5}, scratch)
		m.Decode(x, y, scratch)
		if math.Abs(float64(x[0]-0.25)) > 1e-6 || math.Abs(float64(x[1]+0.5)) > 1e-6 {
			t.Errorf("%d cycles: %v", cycles, x)
		}
	}
}

func TestNorm(t *testing.T) {
	n := Norm{Mean: []float64{37.1234567, 5}, Std: []float64{1e-5, 0}}
	z := make([]float32, 2)
	n.Normalize(z, []float64{37.1234667, 9})
	if math.Abs(float64(z[0])-1) > 1e-4 || z[1] != 0 {
		t.Errorf("z is %v, want 1 0: the arithmetic lost the digits that vary", z)
	}
	got := n.AppendDenormalize([]float64{1}, z)
	if math.Abs(got[1]-37.1234667) > 1e-9 || got[2] != 5 || got[0] != 1 {
		t.Errorf("window is %v", got)
	}
	for _, bad := range []Norm{{[]float64{1}, nil}, {[]float64{math.NaN()}, []float64{1}}, {[]float64{1}, []float64{-1}}, {[]float64{1}, []float64{math.Inf(1)}}} {
		if bad.Check() == nil {
			t.Errorf("%v passes", bad)
		}
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	m := Model{Layers: []Layer{{W: NewMatrix(8, 12), V: NewMatrix(12, 8)}}, Delta: 0.1, EncodeCycles: 1, DecodeCycles: 1}
	p, _ := NewPacker(Int8, 8, 127)
	s, x, y := m.NewScratch(), make([]float32, 12), make([]float32, 8)
	payload := make([]byte, 0, 8)
	if n := testing.AllocsPerRun(100, func() {
		m.Encode(y, x, s)
		payload, _ = p.AppendPack(payload[:0], y)
		_ = p.Unpack(y, payload)
		m.Decode(x, y, s)
	}); n != 0 {
		t.Errorf("%v allocations a window, want none", n)
	}
}

// A slice of the wrong length panics with a message that says so.
func TestWrongLengthsPanic(t *testing.T) {
	m := &Model{Layers: []Layer{{W: NewMatrix(2, 3), V: NewMatrix(3, 2)}}}
	n := &Norm{Mean: make([]float64, 3), Std: make([]float64, 3)}
	s := m.NewScratch()
	for want, f := range map[string]func(){
		"bam: y has 1 elements, want 2":      func() { m.Encode(make([]float32, 1, 9), make([]float32, 3), s) },
		"bam: x has 2 elements, want 3":      func() { m.Encode(make([]float32, 2), make([]float32, 2, 9), s) },
		"bam: x has 4 elements, want 3":      func() { m.Decode(make([]float32, 4), make([]float32, 2), s) },
		"bam: y has 3 elements, want 2":      func() { m.Decode(make([]float32, 3), make([]float32, 3), s) },
		"bam: dst has 0 elements, want 2":    func() { m.Layers[0].W.MulVec(nil, make([]float32, 3)) },
		"bam: z has 2 elements, want 3":      func() { n.Normalize(make([]float32, 2), make([]float64, 3)) },
		"bam: window has 2 elements, want 3": func() { n.Normalize(make([]float32, 3), make([]float64, 2)) },
		"bam: z has 4 elements, want 3":      func() { n.AppendDenormalize(nil, make([]float32, 4)) },
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("got %v, want %q", got, want)
				}
			}()
			f()
		}()
	}
}
