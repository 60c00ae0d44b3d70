package predict

import (
	"math"
	"slices"
	"testing"

	"github.com/loralink/loralink-go/internal/testenv"
)

var recordings = []string{"walk", "car", "phone"}

// recording returns a field recording and how many of its steps come before
// the last 40 %.
func recording(t testing.TB, name string) (x []float64, first int) {
	t.Helper()
	x = readSamples(t, testenv.Shared(t, "field", name+".jsonl"))
	return x, len(x) / 12 * 6 / 10
}

// A protocol's reference and check.
const headerBits = 5 + 8

// bytesASample codes a recording in windows of so many steps and returns the
// mean payload of the last 40 %, and of the first 200 samples, in bytes a
// sample.
func bytesASample(t testing.TB, m *Model, x []float64, first, steps int) (rest, start float64) {
	t.Helper()
	encoder, decoder := m.NewState(), m.NewState()
	known, back := make([]float64, 12*steps), make([]float64, 12*steps)
	var payload []byte
	samples := 0
	for i := 0; i+steps <= len(x)/12; i += steps {
		window := x[12*i : 12*(i+steps)]
		var err error
		if payload, err = m.AppendEncode(payload[:0], encoder, window, known, headerBits); err != nil {
			t.Fatal(err)
		}
		if back, err = m.AppendDecode(back[:0], decoder, payload, steps, headerBits); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(known, back) {
			t.Fatal("the ends differ")
		}
		checkErrors(t, sensor(m.small), window, back, sensorTolerances)
		if i < 200 {
			start += float64(len(payload)) / 200
		}
		if i+steps > first {
			rest += float64(len(payload))
			samples += steps
		}
	}
	return rest / float64(samples), start
}

// Bytes a sample with 13 bits of header a payload, and what they must not
// exceed. They vary by one or two per cent with any change of the arithmetic,
// since what is decoded decides what is predicted.
func TestRecordings(t *testing.T) {
	testenv.Long(t)
	for _, c := range []struct {
		small bool
		steps int
		most  [3]float64
	}{
		{false, 1, [3]float64{2.75, 2.75, 2.60}},
		{false, 8, [3]float64{0.97, 0.99, 0.83}},
		{false, 32, [3]float64{0.79, 0.81, 0.64}},
		{true, 1, [3]float64{2.75, 2.85, 2.66}},
		{true, 8, [3]float64{1.01, 1.11, 0.92}},
		{true, 32, [3]float64{0.81, 0.93, 0.73}},
	} {
		m := newModel(t, sensor(c.small), nil)
		for i, name := range recordings {
			x, first := recording(t, name)
			rest, start := bytesASample(t, m, x, first, c.steps)
			t.Logf("small %-5v W=%-2d %-5s %.3f bytes a sample in the last 40 %%, %.3f in the first 200", c.small, c.steps, name, rest, start)
			if rest > c.most[i] {
				t.Errorf("%s: %.3f bytes a sample, want at most %g", name, rest, c.most[i])
			}
		}
	}
}

// codeBits is the length of a recording's code in bits a sample, in windows of
// eight: of the last 40 %; and with a key frame every 200 samples. Unlike whole
// bytes it tells small differences.
func codeBits(t testing.TB, m *Model, x []float64, first int) (rest, starts float64) {
	t.Helper()
	const steps, every = 8, 200
	w := m.newWork()
	run := func(every int) (bits float64) {
		s := m.NewState()
		samples := 0
		for i := 0; i+steps <= len(x)/12; i += steps {
			if i%every == 0 {
				m.Reset(s)
			}
			if err := m.quantise(w, x[12*i:12*(i+steps)]); err != nil {
				t.Fatal(err)
			}
			w.coder.startEncode(0, maxPayload)
			m.setWidths(s, 0, false)
			if err := m.window(s, w, steps); err != nil {
				t.Fatal(err)
			}
			if i+steps > first || every == 200 {
				bits += float64(8*len(w.coder.out)) + 32 - math.Log2(float64(w.coder.size))
				samples += steps
			}
		}
		return bits / float64(samples)
	}
	return run(len(x)), run(every)
}

// A prior of two recordings on the third one.
func TestPriorOnRecordings(t *testing.T) {
	testenv.Long(t)
	for _, small := range []bool{false, true} {
		for _, name := range recordings {
			plain := newModel(t, sensor(small), nil)
			learner := plain.NewLearner()
			for _, other := range recordings {
				if other == name {
					continue
				}
				x, _ := recording(t, other)
				for ; len(x) >= 96; x = x[96:] {
					if err := learner.Window(x[:96]); err != nil {
						t.Fatal(err)
					}
				}
				learner.Next()
			}
			primed := newModel(t, sensor(small), learner.Prior())
			x, first := recording(t, name)
			rest0, starts0 := codeBits(t, plain, x, first)
			rest1, starts1 := codeBits(t, primed, x, first)
			_, start0 := bytesASample(t, plain, x, first, 8)
			_, start1 := bytesASample(t, primed, x, first, 8)
			t.Logf("small %-5v %-5s without and with a prior, bits a sample: last 40 %% %.3f, %.3f; key frames every 200 samples %.3f, %.3f; first 200 %.2f, %.2f",
				small, name, rest0, rest1, starts0, starts1, 8*start0, 8*start1)
			if rest1 > 1.02*rest0 {
				t.Errorf("%s: %.3f bits a sample with a prior, want at most 2 %% more than %.3f", name, rest1, rest0)
			}
			if starts1 >= starts0 {
				t.Errorf("%s: %.3f bits a sample with a prior after key frames, want less than %.3f", name, starts1, starts0)
			}
		}
	}
}

// Mean squared errors of payloads of limited length in the last 40 %, each
// value's divided by its variance in the first 60 %.
func TestLimitOnRecordings(t *testing.T) {
	testenv.Long(t)
	for _, c := range []struct {
		steps, limit int
		most         [3]float64
	}{
		{1, 8, [3]float64{0.0046, 0.0049, 0.012}},
		{8, 32, [3]float64{0.005, 0.0047, 0.02}},
	} {
		for _, small := range []bool{false, true} {
			m := newModel(t, sensor(small), nil)
			for i, name := range recordings {
				x, first := recording(t, name)
				var variance [12]float64
				for j := range variance {
					var sum, squares float64
					for k := range first {
						sum += x[12*k+j] / float64(first)
					}
					for k := range first {
						squares += (x[12*k+j] - sum) * (x[12*k+j] - sum)
					}
					variance[j] = squares / float64(first-1)
				}
				p := newPair(m)
				var mse, count float64
				for k := 0; k+c.steps <= len(x)/12; k += c.steps {
					window := x[12*k : 12*(k+c.steps)]
					p.send(t, sensor(small), window, headerBits, c.limit)
					if k+c.steps > first {
						for i, v := range p.decoded {
							d := deviation(window[i], v, sensorAngles[min(i%12, 11)])
							mse += d * d / variance[i%12]
							count++
						}
					}
				}
				mse /= count
				t.Logf("small %-5v W=%d, %2d bytes: %-5s mse %.5f", small, c.steps, c.limit, name, mse)
				if !(mse <= c.most[i]) || math.IsNaN(mse) {
					t.Errorf("%s: mse %.5f, want at most %g", name, mse, c.most[i])
				}
			}
		}
	}
}
