package predict

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/loralink/loralink-go/internal/testenv"
)

// The twelve values of a sensor sample.
var (
	sensorKeys       = []string{"lat", "lon", "alt", "ax", "ay", "az", "gx", "gy", "gz", "roll", "pitch", "yaw"}
	sensorTolerances = []float64{4.5e-5, 4.5e-5, 5, 0.5, 0.5, 0.5, 5, 5, 5, 3, 3, 3}
	sensorAngles     = []bool{1: true, 9: true, 11: true}
)

func sensor(small bool) Params {
	return Params{Tolerances: sensorTolerances, Angles: sensorAngles, Small: small}
}

func newModel(t testing.TB, p Params, prior []byte) *Model {
	t.Helper()
	m, err := New(p, prior)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// readSamples returns the values of a JSONL recording, sample by sample.
func readSamples(t testing.TB, path string) []float64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var values []float64
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var sample map[string]float64
		if err := json.Unmarshal(lines.Bytes(), &sample); err != nil {
			t.Fatal(err)
		}
		for _, k := range sensorKeys {
			values = append(values, sample[k])
		}
	}
	return values
}

// deviation is how far b is from a.
func deviation(a, b float64, angle bool) float64 {
	if angle {
		return math.Abs(math.Remainder(a-b, 360))
	}
	return math.Abs(a - b)
}

// checkErrors fails the test where a value is further off than its bound.
func checkErrors(t testing.TB, p Params, want, got, bounds []float64) {
	t.Helper()
	for i, v := range want {
		j := i % len(p.Tolerances)
		angle := p.Angles != nil && p.Angles[j]
		if d := deviation(v, got[i], angle); !(d <= bounds[j]) {
			t.Fatalf("value %d is %v, decoded as %v: %g off, want at most %g", i, v, got[i], d, bounds[j])
		}
		if angle && !(math.Abs(got[i]) <= 180) {
			t.Fatalf("value %d is decoded as %v, want an angle within 180", i, got[i])
		}
	}
}

// pair is an encoder and a decoder.
type pair struct {
	m                *Model
	encoder, decoder *State
	payload          []byte
	known, decoded   []float64
}

func newPair(m *Model) *pair { return &pair{m: m, encoder: m.NewState(), decoder: m.NewState()} }

// send codes a window both ways and checks all that holds of any window. A
// limit of 0 is none.
func (p *pair) send(t testing.TB, params Params, window []float64, header, limit int) {
	t.Helper()
	p.known = slices.Grow(p.known[:0], len(window))[:len(window)]
	steps := len(window) / len(params.Tolerances)
	var err error
	if limit > 0 {
		p.payload, err = p.m.AppendEncodeLimit(p.payload[:0], p.encoder, window, p.known, header, limit)
	} else {
		p.payload, err = p.m.AppendEncode(p.payload[:0], p.encoder, window, p.known, header)
	}
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	if limit > 0 && len(p.payload) > limit {
		t.Fatalf("%d bytes, want at most %d", len(p.payload), limit)
	}
	for i := range header {
		if p.payload[i/8]&(0x80>>(i%8)) != 0 {
			t.Fatalf("header bit %d is set", i)
		}
		p.payload[i/8] |= byte(0x80 >> (i % 8) * (i * 7 / 3 & 1))
	}
	if limit > 0 {
		p.decoded, err = p.m.AppendDecodeLimit(p.decoded[:0], p.decoder, p.payload, steps, header)
	} else {
		p.decoded, err = p.m.AppendDecode(p.decoded[:0], p.decoder, p.payload, steps, header)
	}
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	if !slices.Equal(p.known, p.decoded) {
		t.Fatalf("the encoder knows\n%v, the decoder\n%v", p.known, p.decoded)
	}
	bounds := params.Tolerances
	if limit > 0 {
		bounds = p.m.Bounds(nil, p.decoder)
	}
	checkErrors(t, params, window, p.decoded, bounds)
	if p.encoder.Digest() != p.decoder.Digest() {
		t.Fatal("digests differ")
	}
}

// signals are recordings of twelve values.
func signals(steps int) map[string][]float64 {
	rng := rand.New(rand.NewPCG(1, 1))
	all := map[string][]float64{}
	make := func(name string, value func(i, j int) float64) {
		var x []float64
		for i := range steps {
			for j := range 12 {
				x = append(x, value(i, j))
			}
		}
		all[name] = x
	}
	walk := [12]float64{}
	make("zero", func(i, j int) float64 { return 0 })
	make("constant", func(i, j int) float64 { return float64(j)*7.7 - 40 })
	make("ramp", func(i, j int) float64 { return float64(i*(j+1)) * sensorTolerances[j] * 0.4 })
	make("sine", func(i, j int) float64 { return 20 * sensorTolerances[j] * math.Sin(float64(i*(j+1))/30) })
	make("white", func(i, j int) float64 { return 3 * sensorTolerances[j] * rng.NormFloat64() })
	make("loud", func(i, j int) float64 { return 1e6 * sensorTolerances[j] * rng.NormFloat64() })
	make("quiet", func(i, j int) float64 { return 0.1 * sensorTolerances[j] * rng.NormFloat64() })
	make("walk", func(i, j int) float64 { walk[j] += sensorTolerances[j] * rng.NormFloat64(); return walk[j] })
	make("held", func(i, j int) float64 { return float64(i/25*(j+1)) * 5 * sensorTolerances[j] })
	make("square", func(i, j int) float64 { return float64(i/40%2) * 1e4 * sensorTolerances[j] })
	make("saturated", func(i, j int) float64 { return min(78, 200*math.Sin(float64(i)/20)) })
	make("turning", func(i, j int) float64 { return 7.3*float64(i) + float64(j) })
	make("extreme", func(i, j int) float64 { return float64(1-2*(i&1)) * 0.9999e9 * sensorTolerances[j] })
	make("tiny", func(i, j int) float64 { return float64(i-j) * math.SmallestNonzeroFloat64 })
	make("minus zero", func(i, j int) float64 { return math.Copysign(0, -1) })
	return all
}

func TestRoundTrip(t *testing.T) {
	testenv.Long(t)
	for _, small := range []bool{false, true} {
		m := newModel(t, sensor(small), nil)
		recordings := signals(400)
		recordings["testdata"] = readSamples(t, testenv.Repo("testdata", "walk.jsonl"))
		for name, x := range recordings {
			for _, steps := range []int{1, 3, 8, 32} {
				for _, limit := range []int{0, 24} {
					t.Run(fmt.Sprintf("%s/small=%v/W=%d/limit=%d", name, small, steps, limit), func(t *testing.T) {
						p := newPair(m)
						for i := 0; i+12*steps <= len(x); i += 12 * steps {
							p.send(t, sensor(small), x[i:i+12*steps], 13, limit)
						}
						if !p.encoder.Equal(p.decoder) {
							t.Error("the states differ")
						}
					})
				}
			}
		}
	}
}

// schemas are other kinds of steps.
var schemas = []Params{
	{Tolerances: []float64{1}},
	{Tolerances: []float64{0.1}, Angles: []bool{true}},
	{Tolerances: []float64{179.9, 1e-6}, Angles: []bool{true, true}},
	{Tolerances: []float64{1e-200, 1e200, 1e-12}},
	{Tolerances: slices.Repeat([]float64{0.5, 3}, 32), Angles: slices.Repeat([]bool{false, true}, 32)},
	{Tolerances: slices.Repeat([]float64{2}, 25)},
	{Tolerances: slices.Repeat([]float64{2}, 64), Small: true},
	{Tolerances: []float64{7, 7, 7}, Angles: []bool{false, false, true}, Small: true},
}

// Any window is within its tolerances, whatever came before, or refused.
func TestTolerances(t *testing.T) {
	windows := 100_000
	if testing.Short() || testenv.Race {
		windows = 2000
	}
	rng := rand.New(rand.NewPCG(2, 2))
	all := append([]Params{sensor(false), sensor(true)}, schemas...)
	for n, params := range all {
		m := newModel(t, params, nil)
		p := newPair(m)
		values := len(params.Tolerances)
		x := make([]float64, values)
		count := windows / len(all)
		if values > 12 {
			count /= 8
		}
		for i := range count {
			kind := rng.IntN(8)
			for j, tol := range params.Tolerances {
				angle := params.Angles != nil && params.Angles[j]
				switch kind {
				case 0: // quiet
					x[j] += tol * 0.3 * rng.NormFloat64()
				case 1: // edges between cells
					x[j] = tol * float64(rng.IntN(2001)-1000)
				case 2: // far
					x[j] = 0.9999e9 * tol * (2*rng.Float64() - 1)
				case 3:
					x[j] = math.Copysign(math.SmallestNonzeroFloat64*float64(rng.IntN(3)), rng.Float64()-0.5)
				case 4: // any size
					x[j] = tol * math.Exp(40*rng.Float64()-20) * rng.NormFloat64()
				case 5: // where circles close
					x[j] = 180 + tol*rng.NormFloat64()
				case 6: // held
				case 7: // a neighbour of the last value
					x[j] = math.Nextafter(x[j], math.Inf(1-2*rng.IntN(2)))
				}
				if most := 0.9999e9 * tol; !angle {
					x[j] = max(min(x[j], most), -most)
				} else if rng.IntN(4) == 0 {
					x[j] += 360
				}
			}
			if rng.IntN(500) == 0 {
				m.Reset(p.encoder)
				m.Reset(p.decoder)
			}
			if rng.IntN(20) == 0 {
				gap := rng.IntN(100)
				m.Skip(p.encoder, gap)
				m.Skip(p.decoder, gap)
			}
			limit := 0
			if i%4 == 0 {
				limit = values + 20 + rng.IntN(4*values)
			}
			p.send(t, params, x, 13, limit)
		}
		if !p.encoder.Equal(p.decoder) {
			t.Errorf("schema %d: the states differ", n)
		}
	}
}

func TestRefusedValues(t *testing.T) {
	m := newModel(t, sensor(false), nil)
	for _, c := range []struct {
		name  string
		value int
		x     float64
	}{
		{"NaN", 3, math.NaN()}, {"infinity", 3, math.Inf(1)}, {"minus infinity", 0, math.Inf(-1)}, {"too far", 2, 5.1e9},
		{"largest", 2, math.MaxFloat64}, {"NaN angle", 9, math.NaN()}, {"infinite angle", 9, math.Inf(1)}, {"angle too far", 9, 1e13},
	} {
		x := make([]float64, 24)
		x[12+c.value] = c.x
		dst := []byte{1, 2}
		if out, err := m.AppendEncode(dst, m.NewState(), x, nil, 0); !errors.Is(err, ErrRange) || !slices.Equal(out, dst) {
			t.Errorf("%s: %v, %v, want ErrRange", c.name, out, err)
		}
		if out, err := m.AppendEncodeLimit(dst, m.NewState(), x, nil, 0, 100); !errors.Is(err, ErrRange) || !slices.Equal(out, dst) {
			t.Errorf("%s: %v, %v, want ErrRange", c.name, out, err)
		}
	}
}

func TestParams(t *testing.T) {
	for _, p := range []Params{
		{}, {Tolerances: make([]float64, 65)}, {Tolerances: []float64{0}}, {Tolerances: []float64{-1}},
		{Tolerances: []float64{math.NaN()}}, {Tolerances: []float64{math.Inf(1)}}, {Tolerances: []float64{1e-300}},
		{Tolerances: []float64{1}, Angles: []bool{true, false}}, {Tolerances: []float64{180}, Angles: []bool{true}},
		{Tolerances: []float64{1e-8}, Angles: []bool{true}},
	} {
		if _, err := New(p, nil); !errors.Is(err, ErrParams) {
			t.Errorf("%v: %v, want ErrParams", p, err)
		}
	}
	m := newModel(t, sensor(false), nil)
	for _, f := range []func() error{
		func() error { _, err := m.AppendEncode(nil, m.NewState(), nil, nil, 0); return err },
		func() error { _, err := m.AppendEncode(nil, m.NewState(), make([]float64, 13), nil, 0); return err },
		func() error {
			_, err := m.AppendEncode(nil, m.NewState(), make([]float64, 12), make([]float64, 11), 0)
			return err
		},
		func() error { _, err := m.AppendEncode(nil, m.NewState(), make([]float64, 12), nil, 65); return err },
		func() error { _, err := m.AppendDecode(nil, m.NewState(), nil, 0, 0); return err },
	} {
		if err := f(); !errors.Is(err, ErrParams) {
			t.Errorf("%v, want ErrParams", err)
		}
	}
	if _, err := m.AppendEncodeLimit(nil, m.NewState(), make([]float64, 12), nil, 13, 1); !errors.Is(err, ErrTooLong) {
		t.Errorf("%v, want ErrTooLong", err)
	}
}

// The bits of these streams must be the same on every architecture.
func TestGolden(t *testing.T) {
	x := readSamples(t, testenv.Repo("testdata", "walk.jsonl"))
	const steps, header = 4, 13
	for _, c := range []struct {
		small bool
		limit int
		want  string
	}{
		{false, 0, "1d1d2454f20e2a97f0e386a24de6791c51950945a575a516f177b53fca0676b9"},
		{true, 0, "97d38ef17334fee05b5a0bf4dee24395ecafb9f1e88c766bccf966da58a8d353"},
		{false, 20, "f59989a1cb35d60c27449470570cfe43e6cfb22f800e5e1ac1820eca76515c9a"},
		{true, 20, "7571354532fc858012ad7d8c1cd09090e5944213ec1308e114c21215a2fcfb2b"},
	} {
		m := newModel(t, sensor(c.small), nil)
		p := newPair(m)
		h := sha256.New()
		for i := 0; i+12*steps <= len(x); i += 12 * steps {
			if i%(12*steps*50) == 0 {
				m.Reset(p.encoder)
				m.Reset(p.decoder)
			} else if i%(12*steps*7) == 0 {
				m.Skip(p.encoder, 3)
				m.Skip(p.decoder, 3)
			}
			p.send(t, sensor(c.small), x[i:i+12*steps], header, c.limit)
			h.Write([]byte{byte(len(p.payload))})
			h.Write(p.payload)
			for _, v := range p.decoded {
				fmt.Fprintf(h, "%x ", math.Float64bits(v))
			}
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != c.want {
			t.Errorf("small %v, limit %d: payloads and values have hash %s, want %s", c.small, c.limit, got, c.want)
		}
	}
}

// A payload that is not the encoder's own is refused, or stands for another
// window.
func TestCorrupt(t *testing.T) {
	testenv.Long(t)
	params := sensor(false)
	m := newModel(t, params, nil)
	x := readSamples(t, testenv.Repo("testdata", "walk.jsonl"))
	s, start := m.NewState(), m.NewState()
	rng := rand.New(rand.NewPCG(3, 3))
	refused, alike := 0, 0
	for i := 0; i+96 <= len(x); i += 96 {
		start.CopyFrom(s)
		payload, err := m.AppendEncode(nil, s, x[i:i+96], nil, 13)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			bad := slices.Clone(payload)
			switch rng.IntN(3) {
			case 0:
				bad = append(bad, byte(rng.IntN(256)))
			case 1:
				bad = bad[:rng.IntN(len(bad))]
			default:
				at := 13 + rng.IntN(8*len(bad)-13)
				bad[at/8] ^= 0x80 >> (at % 8)
			}
			try := m.NewState()
			try.CopyFrom(start)
			got, err := m.AppendDecode(nil, try, bad, 8, 13)
			switch {
			case errors.Is(err, ErrCorrupt):
				refused++
				if got != nil {
					t.Fatal("values beside an error")
				}
			case err != nil:
				t.Fatal(err)
			case try.Digest() == s.Digest():
				alike++
			}
		}
	}
	if alike > 0 {
		t.Errorf("%d corrupted payloads decode to the window that was sent", alike)
	}
	if refused == 0 {
		t.Error("no corrupted payload was refused")
	}
}

// What is coded again from a restored state has equal bytes, and a state that
// was copied goes its own way.
func TestCopy(t *testing.T) {
	m := newModel(t, sensor(false), nil)
	x := readSamples(t, testenv.Repo("testdata", "walk.jsonl"))
	s := m.NewState()
	var err error
	for i := 0; i < 100*12; i += 12 {
		if _, err = m.AppendEncode(nil, s, x[i:i+12], nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	saved := m.NewState()
	saved.CopyFrom(s)
	if !saved.Equal(s) {
		t.Fatal("the copy differs")
	}
	first, _ := m.AppendEncode(nil, s, x[1200:1296], nil, 13)
	if saved.Equal(s) || saved.Digest() == s.Digest() {
		t.Fatal("the copy went along")
	}
	s.CopyFrom(saved)
	second, _ := m.AppendEncode(nil, s, x[1200:1296], nil, 13)
	if !slices.Equal(first, second) {
		t.Fatal("another payload from the restored state")
	}
	m.Reset(s)
	if !s.Equal(m.NewState()) || s.Started() {
		t.Fatal("a state that was reset is not a new one")
	}
}

func TestStateSize(t *testing.T) {
	full, small := newModel(t, sensor(false), nil).NewState().Size(), newModel(t, sensor(true), nil).NewState().Size()
	if full > 60<<10 || small > 4<<10 {
		t.Errorf("states of %d and %d bytes, want at most 60 KiB and 4 KiB", full, small)
	}
}

func TestNoAllocations(t *testing.T) {
	if testenv.Race {
		t.Skip("the race detector allocates")
	}
	for _, small := range []bool{false, true} {
		m := newModel(t, sensor(small), nil)
		x := readSamples(t, testenv.Repo("testdata", "walk.jsonl"))
		encoder, decoder := m.NewState(), m.NewState()
		payload := make([]byte, 0, 256)
		decoded := make([]float64, 0, 96)
		for _, limit := range []int{0, 32} {
			i := 0
			if n := testing.AllocsPerRun(50, func() {
				if limit > 0 {
					payload, _ = m.AppendEncodeLimit(payload[:0], encoder, x[i:i+96], nil, 13, limit)
					decoded, _ = m.AppendDecodeLimit(decoded[:0], decoder, payload, 8, 13)
				} else {
					payload, _ = m.AppendEncode(payload[:0], encoder, x[i:i+96], nil, 13)
					decoded, _ = m.AppendDecode(decoded[:0], decoder, payload, 8, 13)
				}
				i += 96
			}); n > 0.5 {
				t.Errorf("small %v, limit %d: %v allocations a window", small, limit, n)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{}, uint8(1), uint8(0), true, false)
	f.Add([]byte{0, 0, 1, 255, 255, 255}, uint8(8), uint8(13), false, true)
	full, small := newModel(f, sensor(false), nil), newModel(f, sensor(true), nil)
	x := readSamples(f, testenv.Repo("testdata", "walk.jsonl"))
	warm := map[*Model]*State{}
	for _, m := range []*Model{full, small} {
		warm[m] = m.NewState()
		payload, err := m.AppendEncode(nil, warm[m], x[:960], nil, 0)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload, uint8(80), uint8(0), m == small, false)
	}
	f.Fuzz(func(t *testing.T, payload []byte, steps, header uint8, isSmall, limit bool) {
		m := full
		if isSmall {
			m = small
		}
		for _, start := range []*State{m.NewState(), warm[m]} {
			s := m.NewState()
			s.CopyFrom(start)
			decode := m.AppendDecode
			if limit {
				decode = m.AppendDecodeLimit
			}
			got, err := decode(nil, s, payload, int(steps), int(header))
			if err != nil {
				if got != nil {
					t.Fatal("values beside an error")
				}
				continue
			}
			if len(got) != 12*int(steps) {
				t.Fatalf("%d values, want %d", len(got), 12*int(steps))
			}
			for i, v := range got {
				if bound := m.Bounds(nil, s)[i%12]; !(math.Abs(v) <= 1e9*sensorTolerances[i%12]+2*bound) {
					t.Fatalf("value %d is %g", i, v)
				}
			}
		}
	})
}

func FuzzEncode(f *testing.F) {
	f.Add([]byte{1, 2, 3}, uint64(1), true)
	m := newModel(f, sensor(false), nil)
	small := newModel(f, sensor(true), nil)
	f.Fuzz(func(t *testing.T, data []byte, seed uint64, isSmall bool) {
		rng := rand.New(rand.NewPCG(seed, 0))
		params, model := sensor(false), m
		if isSmall {
			params, model = sensor(true), small
		}
		p := newPair(model)
		x := make([]float64, 12)
		for _, b := range data[:min(len(data), 64)] {
			for j := range x {
				tol := sensorTolerances[j]
				switch b & 7 {
				case 0:
				case 1:
					x[j] += tol * rng.NormFloat64()
				case 2:
					x[j] = math.Float64frombits(rng.Uint64())
				case 3:
					x[j] = -x[j]
				case 4:
					x[j] += float64(b>>3) * tol
				default:
					x[j] = 1e9 * tol * (2*rng.Float64() - 1) * math.Exp2(-float64(b>>3))
				}
			}
			if _, err := model.AppendEncode(nil, model.NewState(), x, nil, 0); err != nil {
				if !errors.Is(err, ErrRange) {
					t.Fatal(err)
				}
				clear(x)
			}
			p.send(t, params, x, int(b>>4), int(b>>6)*20)
		}
	})
}

func BenchmarkEncode(b *testing.B) { benchmark(b, true) }
func BenchmarkDecode(b *testing.B) { benchmark(b, false) }

func benchmark(b *testing.B, encode bool) {
	x := readSamples(b, testenv.Repo("testdata", "walk.jsonl"))
	const steps = 8
	for _, small := range []bool{false, true} {
		b.Run(fmt.Sprintf("small=%v", small), func(b *testing.B) {
			m := newModel(b, sensor(small), nil)
			var payloads [][]byte
			s := m.NewState()
			bytes := 0
			for i := 0; i+12*steps <= len(x); i += 12 * steps {
				payload, err := m.AppendEncode(nil, s, x[i:i+12*steps], nil, 13)
				if err != nil {
					b.Fatal(err)
				}
				payloads = append(payloads, payload)
				bytes += len(payload)
			}
			payload := make([]byte, 0, 1<<10)
			decoded := make([]float64, 0, 12*steps)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				k := i % len(payloads)
				if k == 0 {
					m.Reset(s)
				}
				if encode {
					payload, _ = m.AppendEncode(payload[:0], s, x[12*steps*k:12*steps*(k+1)], nil, 13)
				} else {
					decoded, _ = m.AppendDecode(decoded[:0], s, payloads[k], steps, 13)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*steps), "µs/sample")
			b.ReportMetric(float64(bytes)/float64(steps*len(payloads)), "bytes/sample")
		})
	}
}
