package codec_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
)

// Any history of windows, losses, repetitions, acknowledgements that were sent or not,
// and payloads of anyone: no panic, and what is decoded from a payload as it was sent is
// within its bound.
func FuzzPredictiveLink(f *testing.F) {
	f.Add([]byte("\x00\x10\x21\x32\x03\x14\x25\x36\x07"), false, false)
	f.Add([]byte("\x01\x02\x03\xf4\x05\x06\xf7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12"), true, false)
	f.Add(slices.Repeat([]byte{0x10, 0x20, 0x37, 0x41, 0x50, 0x66, 0xff}, 40), false, true)
	f.Fuzz(func(t *testing.T, history []byte, small, limited bool) {
		params := codec.Params{Tolerances: []float64{0.5, 3}, Angles: []bool{false, true}}
		if small {
			params.Profile = codec.ProfileSmall
		}
		if limited {
			params.PayloadBytes = 9
		}
		c, err := codec.NewPredictive(sensor.Shape{Dims: 2, W: 2}, params, nil)
		if err != nil {
			t.Fatal(err)
		}
		epoch := uint16(0)
		next := func() uint16 { epoch += 7919; return epoch }
		encoder, decoder := c.NewEncoder(next), c.NewDecoder()
		var seq byte
		type sent struct {
			seq     byte
			payload []byte
			window  []float64
			bounds  []float64
		}
		var frames []sent
		value := 0.0
		// No SEQ comes twice, so there is nothing for which the check could pass by chance.
		for i, b := range history[:min(len(history), 250)] {
			what, n := b&15, int(b>>4)
			switch {
			case what < 7: // a window, which arrives unless what is 0
				value += math.Exp2(float64(n)-6) * float64(int(what)-3)
				window := []float64{value, 40 * value, value + float64(n), -value}
				payload, err := encoder.AppendEncode(nil, seq, window)
				if errors.Is(err, codec.ErrValue) {
					continue
				} else if err != nil {
					t.Fatal(err)
				}
				if len(payload) < 2 || len(payload) > c.MaxPayloadLen() {
					t.Fatalf("%d bytes", len(payload))
				}
				frames = append(frames, sent{seq, payload, window, encoder.AppendBounds(nil)})
				seq++
				if what == 0 {
					continue
				}
				n = 0
				fallthrough
			case what < 9 && len(frames) > n: // a frame arrives, perhaps again
				s := frames[len(frames)-1-n]
				got, err := decoder.AppendDecode(nil, s.seq, s.payload)
				if err != nil {
					if !errors.Is(err, codec.ErrCorrupt) {
						t.Fatal(err)
					}
					continue
				}
				within(t, c, s.window, got, s.bounds)
			case what < 11: // an acknowledgement, perhaps of something else
				encoder.Acked(seq - byte(n) - 1)
			case what < 13:
				encoder.GivenUp(seq - byte(n) - 1)
			case what == 13: // someone else's payload
				if _, err := decoder.AppendDecode(nil, seq+byte(n), history[i:min(i+n+1, len(history))]); err != nil && !errors.Is(err, codec.ErrCorrupt) {
					t.Fatal(err)
				}
				return // what is remembered may now be wrong, and a check find it or not
			case what == 14:
				encoder = c.NewEncoder(next)
			case what == 15:
				decoder = c.NewDecoder()
			}
		}
	})
}

// A million windows, random and hostile ones, by turns: each is within its
// tolerances, or refused with the reason.
func TestPredictiveManyWindows(t *testing.T) {
	testenv.Long(t)
	t.Run("some", func(t *testing.T) { manyWindows(t, 100_000) })
	t.Run("a million", func(t *testing.T) {
		testenv.CIOnly(t)
		manyWindows(t, 1_000_000)
	})
}

func manyWindows(t *testing.T, n int) {
	rng := rand.New(rand.NewPCG(11, 12))
	tolerances := []float64{1e-5, 0.5, 3}
	c, err := codec.NewPredictive(sensor.Shape{Dims: 3, W: 1}, codec.Params{Tolerances: tolerances, Angles: []bool{false, false, true}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	encoder, decoder := c.NewEncoder(nil), c.NewDecoder()
	window, payload, got := make([]float64, 3), []byte{}, []float64{}
	var seq byte
	refused := 0
	hostile := []float64{0, math.Copysign(0, -1), 1e9, -1e9, 9.9e3, 1e-300, 179.99999, -180, 360, 1e300, -1e300, math.MaxFloat64, math.SmallestNonzeroFloat64, math.NaN(), math.Inf(1)}
	scale := 1.0
	for i := range n {
		if i%100 == 0 {
			scale = math.Exp(12*rng.Float64() - 6)
		}
		for j := range window {
			switch rng.IntN(50) {
			case 0:
				window[j] = hostile[rng.IntN(len(hostile))]
			case 1:
				window[j] = math.Float64frombits(rng.Uint64())
			case 2: // the edge of an interval
				window[j] = tolerances[j] * float64(rng.IntN(2001)-1000)
			default:
				if !(math.Abs(window[j]) < 1e4) {
					window[j] = 0
				}
				window[j] += tolerances[j] * scale * rng.NormFloat64()
			}
		}
		payload, err = encoder.AppendEncode(payload[:0], seq, window)
		if err != nil {
			if !errors.Is(err, codec.ErrValue) {
				t.Fatalf("window %d: %v", i, err)
			}
			refused++
			continue
		}
		if got, err = decoder.AppendDecode(got[:0], seq, payload); err != nil {
			t.Fatalf("window %d: %v", i, err)
		}
		within(t, c, window, got, tolerances)
		encoder.Acked(seq)
		seq++
	}
	t.Logf("%d of %d windows refused", refused, n)
}
