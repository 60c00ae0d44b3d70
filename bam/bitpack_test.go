package bam

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// twoComponents are the tables of docs/contract-v2.md: two latents in two bytes,
// the second component rotated by a quarter turn.
func twoComponents(check bool) *Tables {
	ladder := func(n int, step float32) []float32 {
		out := make([]float32, n)
		for i := range out {
			out[i] = step * float32(i)
		}
		return out
	}
	t := &Tables{PayloadBytes: 2, ComponentBits: 1, CheckByte: check, Components: []Component{
		{Center: []float32{0, 0}, Bits: []uint8{3, 2}, Knots: [][]float32{ladder(8, 1), {-3, -1, 1, 3}}},
		{Center: []float32{10, -10}, Rotation: Matrix{2, 2, []float32{0, 1, -1, 0}}, Bits: []uint8{0, 6}, Knots: [][]float32{{0.5}, ladder(16, 4)}},
	}}
	if check {
		t.PayloadBytes++
	}
	return t
}

// The worked vectors of docs/contract-v2.md.
func TestBitPackVectors(t *testing.T) {
	key := []byte{0xde, 0xad}
	for _, c := range []struct {
		name    string
		check   bool
		y       []float32
		payload []byte
		back    []float32
	}{
		// component 0; 5 in three bits; code 3 in two: 0 + 5<<1 + 3<<4
		{"first component", false, []float32{4.8, 2.5}, []byte{0x3a, 0}, []float32{5, 3}},
		// component 1 about (10, -10): axis 0 is (0, 1), axis 1 is (-1, 0); y lies at
		// (0.4, 8) on them: no bits, then code 8.4 of 63 levels of 60/63 → 8
		{"second component", false, []float32{2, -9.6}, []byte{1 | 8<<1, 0}, []float32{10 - 8*60./63, -9.5}},
		{"with a check byte", true, []float32{4.8, 2.5}, []byte{0x3a, 0, 0xc7}, []float32{5, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := NewBitPacker(twoComponents(c.check), 2, key)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.AppendPack([]byte{7}, c.y)
			if err != nil || got[0] != 7 || !slices.Equal(got[1:], c.payload) {
				t.Errorf("packed % x, %v, want % x", got[1:], err, c.payload)
			}
			y := make([]float32, 2)
			if err := p.Unpack(y, c.payload); err != nil {
				t.Fatal(err)
			}
			for i := range y {
				if math.Abs(float64(y[i]-c.back[i])) > 1e-5 {
					t.Errorf("latent %d is %g, want %g", i, y[i], c.back[i])
				}
			}
		})
	}
}

// The catalogue's check value of CRC-8/AUTOSAR, which begins with ones and is
// inverted at the end; ours begins with 0 and is not.
func TestCRC8(t *testing.T) {
	if got := crc8(0xff, []byte("123456789")) ^ 0xff; got != 0xdf {
		t.Errorf("%#02x, want 0xdf", got)
	}
}

func TestBitPackTellsDamage(t *testing.T) {
	p, _ := NewBitPacker(twoComponents(true), 2, []byte("one model"))
	other, _ := NewBitPacker(twoComponents(true), 2, []byte("another model"))
	payload, err := p.AppendPack(nil, []float32{4.8, 2.5})
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float32, 2)
	if err := other.Unpack(y, payload); !errors.Is(err, ErrCorrupt) {
		t.Errorf("another model's payload: %v", err)
	}
	for bit := range 8 * len(payload) {
		payload[bit/8] ^= 1 << (bit % 8)
		if err := p.Unpack(y, payload); !errors.Is(err, ErrCorrupt) {
			t.Errorf("bit %d turned: %v", bit, err)
		}
		payload[bit/8] ^= 1 << (bit % 8)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	passed, tries := 0, 100000
	for range tries {
		b := []byte{byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32())}
		if p.Unpack(y, b) == nil {
			passed++
		}
	}
	if passed > tries/256+200 {
		t.Errorf("%d of %d random payloads pass, want about 1 in 256 at most", passed, tries)
	}
	plain, _ := NewBitPacker(twoComponents(false), 2, nil)
	for name, b := range map[string][]byte{"short": {1}, "long": {1, 2, 3}, "bits behind the codes": {0, 0x80}} {
		if err := plain.Unpack(y, b); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every level is where the knots put it, in order, and each is its own nearest.
func TestLevels(t *testing.T) {
	knots := []float32{-40, -9, -5, -3, -2, -1, -0.5, -0.1, 0, 0.1, 0.7, 1, 2, 5, 9, 100}
	for bits := uint8(5); bits <= MaxLatentBits; bits += 3 {
		last := float32(math.Inf(-1))
		for i := range 1 << bits {
			v := level(knots, bits, i)
			if v < last {
				t.Fatalf("%d bits: level %d is %g below %g", bits, i, v, last)
			}
			last = v
			if code, q := nearest(knots, bits, v); q != v {
				t.Fatalf("%d bits: level %d (%g) finds %d (%g)", bits, i, v, code, q)
			}
		}
		if level(knots, bits, 0) != -40 || last != 100 {
			t.Errorf("%d bits: ends at %g and %g", bits, level(knots, bits, 0), last)
		}
	}
	for v, want := range map[float32]float32{-1e30: -40, 1e30: 100} {
		if _, q := nearest(knots, 4, v); q != want {
			t.Errorf("%g goes to %g", v, q)
		}
	}
}

func TestTablesRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Tables){
		"no components":             func(t *Tables) { t.Components = nil },
		"more components than bits": func(t *Tables) { t.ComponentBits = 0 },
		"component bits":            func(t *Tables) { t.ComponentBits = 9 },
		"no payload":                func(t *Tables) { t.PayloadBytes = 0 },
		"payload of a check":        func(t *Tables) { t.PayloadBytes, t.CheckByte = 1, true },
		"too many bits":             func(t *Tables) { t.PayloadBytes = 1; t.Components[1].Bits[1] = 8 },
		"bits of a latent":          func(t *Tables) { t.Components[0].Bits[0] = 17 },
		"knots":                     func(t *Tables) { t.Components[0].Knots[0] = t.Components[0].Knots[0][1:] },
		"falling":                   func(t *Tables) { t.Components[0].Knots[1][2] = -2 },
		"NaN":                       func(t *Tables) { t.Components[1].Knots[1][2] = float32(math.NaN()) },
		"centre":                    func(t *Tables) { t.Components[1].Center = t.Components[1].Center[1:] },
		"centre infinite":           func(t *Tables) { t.Components[1].Center[0] = float32(math.Inf(1)) },
		"rotation too large":        func(t *Tables) { t.Components[1].Rotation = NewMatrix(3, 3) },
		"rotation not square":       func(t *Tables) { t.Components[1].Rotation = Matrix{2, 1, []float32{1, 0}} },
	} {
		tables := twoComponents(false)
		if err := tables.Check(2); err != nil {
			t.Fatal(err)
		}
		spoil(tables)
		if _, err := NewBitPacker(tables, 2, nil); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func TestRotationsNotOrthonormal(t *testing.T) {
	third := float32(1) / 3
	for _, c := range []struct {
		name string
		rows []float32 // 2×2
		ok   bool
	}{
		{"identity", []float32{1, 0, 0, 1}, true},
		{"reflection", []float32{0, 1, 1, 0}, true},
		{"rounded to float32", []float32{0.6, 0.8, -0.8, 0.6}, true},
		{"long", []float32{1, 0, 0, 1.0001}, false},
		{"short", []float32{third, 0, 0, 1}, false},
		{"zeros", make([]float32, 4), false},
		{"skewed", []float32{1, 0, 0.6, 0.8}, false},
		{"one axis twice", []float32{1, 0, 1, 0}, false},
		{"huge", []float32{math.MaxFloat32, math.MaxFloat32, 0, 1}, false},
	} {
		tables := twoComponents(false)
		tables.Components[0].Rotation = Matrix{2, 2, c.rows}
		if err := tables.Check(2); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrParam) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func BenchmarkBitPack(b *testing.B) {
	// 32 components of 12 latents, as trained models have.
	rng := rand.New(rand.NewPCG(1, 1))
	t := &Tables{PayloadBytes: 8, ComponentBits: 5}
	for range 32 {
		m := Component{Center: make([]float32, 12), Rotation: NewMatrix(12, 12)}
		for j := range 12 {
			m.Center[j] = float32(rng.NormFloat64())
			m.Rotation.Row(j)[(j+5)%12] = 1
			m.Bits = append(m.Bits, []uint8{8, 7, 6, 6, 6, 5, 5, 4, 4, 4, 4, 0}[j])
			k := make([]float32, min(MaxKnots, 1<<m.Bits[j]))
			for i := range k {
				k[i] = float32(rng.NormFloat64())
			}
			slices.Sort(k)
			m.Knots = append(m.Knots, k)
		}
		t.Components = append(t.Components, m)
	}
	p, err := NewBitPacker(t, 12, nil)
	if err != nil {
		b.Fatal(err)
	}
	y, payload := make([]float32, 12), make([]byte, 0, 8)
	for i := range y {
		y[i] = float32(rng.NormFloat64())
	}
	b.Run("pack", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			payload, _ = p.AppendPack(payload[:0], y)
		}
	})
	b.Run("unpack", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = p.Unpack(y, payload)
		}
	})
}
