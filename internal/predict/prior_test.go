package predict

import (
	"errors"
	"slices"
	"testing"

	"github.com/loralink/loralink-go/internal/testenv"
)

func learn(t testing.TB, m *Model, x []float64) []byte {
	t.Helper()
	l := m.NewLearner()
	for ; len(x) >= 48; x = x[48:] {
		if err := l.Window(x[:48]); err != nil {
			t.Fatal(err)
		}
	}
	return l.Prior()
}

func TestPrior(t *testing.T) {
	x := readSamples(t, testenv.Repo("testdata", "walk.jsonl"))
	for _, small := range []bool{false, true} {
		plain := newModel(t, sensor(small), nil)
		prior := learn(t, plain, x)
		primed := newModel(t, sensor(small), prior)
		if again := learn(t, primed, x); !slices.Equal(prior, again) {
			t.Error("a model with a prior learns another one")
		}
		if len(prior) > 64<<10 {
			t.Errorf("prior of %d bytes, want at most 64 KiB", len(prior))
		}
		p, q := newPair(plain), newPair(primed)
		p.send(t, sensor(small), x[:96], 13, 0)
		q.send(t, sensor(small), x[:96], 13, 0)
		if len(q.payload) >= len(p.payload) {
			t.Errorf("a key frame of %d bytes with a prior, want less than %d", len(q.payload), len(p.payload))
		}
		for i := 96; i+96 <= len(x)/4; i += 96 {
			q.send(t, sensor(small), x[i:i+96], 13, 0)
		}
		if !q.encoder.Equal(q.decoder) {
			t.Error("the states differ")
		}
		primed.Reset(q.encoder)
		if !q.encoder.Equal(primed.NewState()) {
			t.Error("a state that was reset is not a new one")
		}
	}
	if newModel(t, sensor(false), nil).NewLearner().Prior() != nil {
		t.Error("a prior of nothing")
	}
}

func TestPriorOfOtherSchemas(t *testing.T) {
	for _, params := range schemas {
		m := newModel(t, params, nil)
		l := m.NewLearner()
		for i := range 50 {
			window := make([]float64, len(params.Tolerances))
			for j, tol := range params.Tolerances {
				window[j] = tol * float64(i*j%17)
			}
			if err := l.Window(window); err != nil {
				t.Fatal(err)
			}
		}
		prior := l.Prior()
		if len(prior) > 64<<10 {
			t.Errorf("prior of %d bytes, want at most 64 KiB", len(prior))
		}
		if _, err := New(params, prior); err != nil {
			t.Error(err)
		}
	}
}

func TestBadPriors(t *testing.T) {
	x := readSamples(t, testenv.Repo("testdata", "walk.jsonl"))
	prior := learn(t, newModel(t, sensor(false), nil), x)
	for n := range prior {
		if _, err := New(sensor(false), prior[:n]); !errors.Is(err, ErrParams) {
			t.Fatalf("the first %d bytes: %v, want ErrParams", n, err)
		}
	}
	for name, p := range map[string]Params{
		"another profile":  sensor(true),
		"other tolerances": {Tolerances: slices.Repeat([]float64{1}, 12), Angles: sensorAngles},
		"other angles":     {Tolerances: sensorTolerances},
		"fewer values":     {Tolerances: sensorTolerances[:11], Angles: sensorAngles[:11]},
	} {
		if _, err := New(p, prior); !errors.Is(err, ErrParams) {
			t.Errorf("%s: %v, want ErrParams", name, err)
		}
	}
	if _, err := New(sensor(false), append(slices.Clone(prior), 0)); !errors.Is(err, ErrParams) {
		t.Errorf("a byte too many: %v, want ErrParams", err)
	}
}

// Whatever a prior says, payloads are decoded to within the tolerances.
func FuzzPrior(f *testing.F) {
	x := readSamples(f, testenv.Repo("testdata", "walk.jsonl"))
	params := sensor(true)
	f.Add(learn(f, newModel(f, params, nil), x))
	f.Fuzz(func(t *testing.T, prior []byte) {
		m, err := New(params, prior)
		if err != nil {
			return
		}
		p := newPair(m)
		for i := 0; i < 96*4; i += 96 {
			p.send(t, params, x[i:i+96], 13, 0)
		}
	})
}
