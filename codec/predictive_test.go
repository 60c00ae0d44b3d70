package codec_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"github.com/loralink/loralink-go/internal/testenv"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testwindows"
)

func newPredictive(t testing.TB, w int, params codec.Params) *codec.Predictive {
	t.Helper()
	c, err := codec.NewPredictive(sensor.Shape{Dims: 12, W: w}, params, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// within fails the test unless every value is within its bound.
func within(t testing.TB, c codec.Codec, want, got, bounds []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d", len(got), len(want))
	}
	angles := c.(codec.Angular).Angles()
	for i, v := range want {
		j := i % len(bounds)
		if e := math.Abs(sensor.Difference(v, got[i], angles[j])); !(e <= bounds[j]) {
			t.Fatalf("value %d: %g came back as %g, want within %g", i, v, got[i], bounds[j])
		}
	}
}

func TestPredictiveKeyFrames(t *testing.T) {
	for name, params := range map[string]codec.Params{
		"full":          {},
		"small":         {Profile: codec.ProfileSmall},
		"20 bytes":      {PayloadBytes: 20},
		"20, small":     {PayloadBytes: 20, Profile: codec.ProfileSmall},
		"one-way":       {KeyEvery: 16, PredictFrom: codec.FromKey},
		"of the fewest": {PayloadBytes: 7},
	} {
		t.Run(name, func(t *testing.T) {
			c := newPredictive(t, 8, params)
			for window := range testwindows.Wander(50, 8) {
				payload, err := c.AppendEncode([]byte{1, 2}, window)
				if err != nil {
					t.Fatal(err)
				}
				payload = payload[2:]
				if len(payload) > c.MaxPayloadLen() || c.Reference(payload) != 0 {
					t.Fatalf("%d bytes, builds on %d", len(payload), c.Reference(payload))
				}
				got, err := c.AppendDecode(nil, payload)
				if err != nil {
					t.Fatal(err)
				}
				if bounds := c.Tolerances(); bounds != nil {
					within(t, c, window, got, bounds)
				}
			}
		})
	}
}

// A window is sent in payloads of any permitted length, whatever is in it.
func TestPredictiveFewestBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, dims := range []int{1, 12, 64} {
		tolerances, angles := slices.Repeat([]float64{1}, dims), make([]bool, dims)
		angles[0] = true
		for _, w := range []int{1, 16} {
			c, err := codec.NewPredictive(sensor.Shape{Dims: dims, W: w}, codec.Params{Tolerances: tolerances, Angles: angles, PayloadBytes: 7}, nil)
			if err != nil {
				t.Fatal(err)
			}
			encoder, decoder := c.NewEncoder(nil), c.NewDecoder()
			window := make([]float64, dims*w)
			for i := range 100 {
				scale := math.Exp(20 * rng.Float64())
				for j := range window {
					window[j] = min(max(scale*rng.NormFloat64(), -9e8), 9e8)
				}
				payload, err := encoder.AppendEncode(nil, byte(i), window)
				if err != nil {
					t.Fatalf("dims %d, W %d, window %d: %v", dims, w, i, err)
				}
				got, err := decoder.AppendDecode(nil, byte(i), payload)
				if err != nil {
					t.Fatal(err)
				}
				bounds := encoder.AppendBounds(nil)
				if !slices.Equal(bounds, decoder.AppendBounds(nil)) {
					t.Fatal("the ends know different bounds")
				}
				within(t, c, window, got, bounds)
				if rng.IntN(3) > 0 {
					encoder.Acked(byte(i))
				} else {
					encoder.GivenUp(byte(i))
				}
			}
		}
	}
}

func TestPredictiveRefuses(t *testing.T) {
	c := newPredictive(t, 1, codec.Params{})
	for name, params := range map[string]struct {
		window sensor.Shape
		params codec.Params
	}{
		"a stride":             {sensor.Shape{Dims: 12, W: 8, Stride: 1}, codec.Params{}},
		"no tolerances":        {sensor.Shape{Dims: 3, W: 1}, codec.Params{}},
		"too few tolerances":   {sensor.Shape{Dims: 3, W: 1}, codec.Params{Tolerances: []float64{1, 2}}},
		"a tolerance of 0":     {sensor.Shape{Dims: 1, W: 1}, codec.Params{Tolerances: []float64{0}}},
		"an infinite one":      {sensor.Shape{Dims: 1, W: 1}, codec.Params{Tolerances: []float64{math.Inf(1)}}},
		"too many values":      {sensor.Shape{Dims: 65, W: 1}, codec.Params{Tolerances: slices.Repeat([]float64{1}, 65)}},
		"too few angles":       {sensor.Shape{Dims: 12, W: 1}, codec.Params{Angles: []bool{true}}},
		"a profile":            {sensor.Shape{Dims: 12, W: 1}, codec.Params{Profile: "large"}},
		"6 bytes":              {sensor.Shape{Dims: 12, W: 1}, codec.Params{PayloadBytes: 6}},
		"239 bytes":            {sensor.Shape{Dims: 12, W: 1}, codec.Params{PayloadBytes: 239}},
		"key_after":            {sensor.Shape{Dims: 12, W: 1}, codec.Params{KeyAfter: -1}},
		"key_every":            {sensor.Shape{Dims: 12, W: 1}, codec.Params{KeyEvery: -1}},
		"predict_from":         {sensor.Shape{Dims: 12, W: 1}, codec.Params{PredictFrom: "last"}},
		"from key, two-way":    {sensor.Shape{Dims: 12, W: 1}, codec.Params{PredictFrom: codec.FromKey}},
		"from key, too seldom": {sensor.Shape{Dims: 12, W: 1}, codec.Params{PredictFrom: codec.FromKey, KeyEvery: 17}},
		"an empty window":      {sensor.Shape{Dims: 12}, codec.Params{}},
	} {
		if _, err := codec.NewPredictive(params.window, params.params, nil); !errors.Is(err, codec.ErrSpec) {
			t.Errorf("%s: %v, want ErrSpec", name, err)
		}
	}
	window := testwindows.Sample()
	for name, v := range map[string]float64{"NaN": math.NaN(), "infinity": math.Inf(-1), "too far": 1e30} {
		bad := slices.Clone(window)
		bad[2] = v
		if out, err := c.AppendEncode([]byte{7}, bad); !errors.Is(err, codec.ErrValue) || len(out) != 1 {
			t.Errorf("%s: % x, %v, want ErrValue", name, out, err)
		}
		encoder := c.NewEncoder(nil)
		if out, err := encoder.AppendEncode([]byte{7}, 0, bad); !errors.Is(err, codec.ErrValue) || len(out) != 1 {
			t.Errorf("%s: % x, %v, want ErrValue", name, out, err)
		}
	}
	if _, err := c.AppendEncode(nil, window[1:]); !errors.Is(err, codec.ErrShape) {
		t.Errorf("%v, want ErrShape", err)
	}
	wide := newPredictive(t, 64, codec.Params{})
	rng := rand.New(rand.NewPCG(5, 6))
	noise := make([]float64, wide.WindowLen())
	for i := range noise {
		noise[i] = 1000 * rng.NormFloat64()
	}
	if _, err := wide.AppendEncode(nil, noise); !errors.Is(err, codec.ErrTooLong) {
		t.Errorf("a window of noise: %v, want ErrTooLong", err)
	}
}

// The same windows give the same bytes on every architecture: .ci/arch runs this test
// on others.
func TestPredictiveGolden(t *testing.T) {
	for _, c := range []struct {
		params codec.Params
		want   string
	}{
		{codec.Params{}, "d5b0451c4b7cc8757151b4613474d6bf3fbc42f4cb6e5324f9579cad3421ef3c"},
		{codec.Params{Profile: codec.ProfileSmall}, "4fa62818177b2079754b3946eccedef3493c1b7eb88340a37be14696a5119f76"},
		{codec.Params{PayloadBytes: 24}, "23c6f2215e662b4b3cbd127e39e622eaa8238003040565eb8632a1d454aa5198"},
		{codec.Params{PayloadBytes: 24, Profile: codec.ProfileSmall}, "687901636bd6a4c8ea73975a0fee5cff92a71a0132db59242a7d574cde746c79"},
	} {
		p := newPredictive(t, 4, c.params)
		encoder := p.NewEncoder(func() uint16 { return 0x1234 })
		decoder := p.NewDecoder()
		hash := sha256.New()
		seq := byte(200)
		rng := rand.New(rand.NewPCG(7, 8))
		sample, tolerances := testwindows.Sample(), sensor.Motion().Tolerances()
		for i := range 400 {
			var window []float64
			for range 4 {
				for j, tol := range tolerances {
					if i/40%3 > 0 {
						sample[j] += float64(tol * float64(rng.IntN(15)-7) / 4)
					}
				}
				window = append(window, sample...)
			}
			payload, err := encoder.AppendEncode(nil, seq, window)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decoder.AppendDecode(nil, seq, payload)
			if err != nil {
				t.Fatal(err)
			}
			hash.Write(payload)
			for _, v := range got {
				hash.Write(binary.BigEndian.AppendUint64(nil, math.Float64bits(v)))
			}
			if seq%5 > 0 { // references are up to two windows back
				encoder.Acked(seq)
			} else {
				encoder.GivenUp(seq)
			}
			seq++
		}
		if got := hex.EncodeToString(hash.Sum(nil)); got != c.want {
			t.Errorf("%+v: payloads and values have hash %s, want %s", c.params, got, c.want)
		}
	}
}

func TestPredictiveSchema(t *testing.T) {
	base := newPredictive(t, 8, codec.Params{})
	seen := map[string]bool{base.Schema(): true}
	angles, tolerances := base.Angles(), base.Tolerances()
	angles[0], tolerances[0] = true, 2*tolerances[0]
	for name, params := range map[string]codec.Params{
		"profile": {Profile: codec.ProfileSmall}, "payload_bytes": {PayloadBytes: 32}, "angles": {Angles: angles}, "tolerances": {Tolerances: tolerances},
	} {
		c := newPredictive(t, 8, params)
		if seen[c.Schema()] {
			t.Errorf("another schema has the same string as that with other %s", name)
		}
		seen[c.Schema()] = true
		// A receiver of another schema decodes next to nothing.
		decoded := 0
		for i := range 256 {
			encoder := c.NewEncoder(func() uint16 { return uint16(i) })
			payload, err := encoder.AppendEncode(nil, byte(i), slices.Repeat(testwindows.Sample(), 8))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := base.NewDecoder().AppendDecode(nil, byte(i), payload); err == nil {
				decoded++
			}
		}
		if decoded > 6 {
			t.Errorf("%s: %d of 256 key frames of another schema were decoded, want about 1", name, decoded)
		}
	}
	// What only the encoder does is not in the schema.
	if c := newPredictive(t, 8, codec.Params{KeyEvery: 4, PredictFrom: codec.FromKey}); !seen[c.Schema()] {
		t.Errorf("schema %s, want %s", c.Schema(), base.Schema())
	}
}

func TestPredictiveNew(t *testing.T) {
	spec := codec.Spec{ID: "predictive", Version: "1", Window: sensor.Shape{Dims: 12, W: 8, Stride: 8}, MaxPayloadBytes: 50}
	c, err := codec.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	if c.MaxPayloadLen() != 50 {
		t.Errorf("payloads of up to %d bytes, want 50", c.MaxPayloadLen())
	}
	spec.Window.Stride = 1
	if _, err := codec.New(spec); !errors.Is(err, codec.ErrSpec) {
		t.Errorf("overlapping windows: %v, want ErrSpec", err)
	}
	spec.Window.Stride, spec.MaxPayloadBytes = 8, 5
	if _, err := codec.New(spec); !errors.Is(err, codec.ErrSpec) {
		t.Errorf("payloads of 5 bytes: %v, want ErrSpec", err)
	}
	spec.MaxPayloadBytes, spec.Params.PriorPath = 0, filepath.Join(t.TempDir(), "none.json")
	if _, err := codec.New(spec); !errors.Is(err, codec.ErrNotFound) {
		t.Errorf("no prior: %v, want ErrNotFound", err)
	}
}

// Encoders and decoders take no memory once they run.
func TestPredictiveAllocates(t *testing.T) {
	c := newPredictive(t, 1, codec.Params{})
	encoder, decoder := c.NewEncoder(nil), c.NewDecoder()
	windows, payload, got := [][]float64{}, []byte{}, []float64{}
	for w := range testwindows.Wander(300, 1) {
		windows = append(windows, w)
	}
	i := 0
	step := func() {
		var err error
		if payload, err = encoder.AppendEncode(payload[:0], byte(i), windows[i%300]); err != nil {
			t.Fatal(err)
		}
		if got, err = decoder.AppendDecode(got[:0], byte(i), payload); err != nil {
			t.Fatal(err)
		}
		encoder.Acked(byte(i))
		i++
	}
	for range 100 {
		step()
	}
	if n := testing.AllocsPerRun(200, step); n >= 1 && !testenv.Race {
		t.Errorf("%g allocations a window, want none", n)
	}
}

func BenchmarkPredictive(b *testing.B) {
	for _, profile := range []string{codec.ProfileFull, codec.ProfileSmall} {
		c := newPredictive(b, 8, codec.Params{Profile: profile})
		encoder, decoder := c.NewEncoder(nil), c.NewDecoder()
		var windows [][]float64
		for w := range testwindows.Wander(300, 8) {
			windows = append(windows, w)
		}
		var payloads [][]byte
		var seq byte
		encode := func(window []float64) []byte {
			payload, err := encoder.AppendEncode(nil, seq, window)
			if err != nil {
				b.Fatal(err)
			}
			encoder.Acked(seq)
			seq++
			return payload
		}
		b.Run("encode/"+profile, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				encode(windows[i%300])
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/8000, "µs/sample")
		})
		encoder = c.NewEncoder(func() uint16 { return 7 })
		seq = 0
		for _, w := range windows[:256] {
			payloads = append(payloads, encode(w))
		}
		b.Run("decode/"+profile, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if _, err := decoder.AppendDecode(nil, byte(i), payloads[i%256]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/8000, "µs/sample")
		})
	}
}
