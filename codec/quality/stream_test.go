package quality_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
)

var recordings = []string{"walk", "car", "phone"}

// inOrder returns the windows of a recording that follow each other, and which of them
// are in the last 40 % by time.
func inOrder(t testing.TB, path string, w int) (iter.Seq2[dataset.Window, error], func(dataset.Window) bool) {
	t.Helper()
	windows := dataset.Windows(dataset.OpenSamples(path, dataset.SampleSettings{}), dataset.WindowerSettings{W: w, Stride: w})
	split, err := dataset.NewTimeSplit(windows, 0.6)
	if err != nil {
		t.Fatal(err)
	}
	return windows, func(w dataset.Window) bool { return !split.InTraining(w) }
}

// deviations returns those of the first 60 %.
func deviations(t testing.TB, windows iter.Seq2[dataset.Window, error], last func(dataset.Window) bool) []float64 {
	t.Helper()
	var stats dataset.Stats
	for w, err := range windows {
		if err == nil && !last(w) {
			err = stats.Add(w.Values)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return stats.Std()
}

func predictive(t testing.TB, w int, params codec.Params, prior *codec.PriorSpec) *codec.Predictive {
	t.Helper()
	c, err := codec.NewPredictive(sensor.Shape{Dims: 12, W: w}, params, prior)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func streamed(t testing.TB, path string, c *codec.Predictive, settings quality.StreamSettings) *quality.StreamEvaluation {
	t.Helper()
	windows, last := inOrder(t, path, c.Window().W)
	settings.Std = deviations(t, windows, last)
	if settings.Counted == nil {
		settings.Counted = last
	}
	e, err := quality.Stream(context.Background(), c, windows, settings)
	if err != nil {
		t.Fatal(err)
	}
	if e.BeyondBound > 0 || e.Refused > 0 {
		t.Errorf("%s: %d windows beyond their bound, %d refused", path, e.BeyondBound, e.Refused)
	}
	if o := e.OverTolerance; c.Tolerances() != nil && e.Samples > 0 && o.Within < 1 {
		t.Errorf("%s: %g of the windows within tolerance", path, o.Within)
	}
	return e
}

func TestStream(t *testing.T) {
	path := testenv.Repo("testdata", "walk.jsonl")
	for name, c := range map[string]struct {
		params   codec.Params
		settings quality.StreamSettings
		lost     bool // windows may be
	}{
		"no loss":           {},
		"loss":              {settings: quality.StreamSettings{Loss: 0.2}},
		"loss, in flight":   {settings: quality.StreamSettings{Loss: 0.2, InFlight: 4}},
		"no retries":        {settings: quality.StreamSettings{Loss: 0.2, MaxRetries: -1}, lost: true},
		"more in flight":    {settings: quality.StreamSettings{Loss: 0.3, InFlight: 99, MaxRetries: 2}, lost: true},
		"one-way, chain":    {codec.Params{KeyEvery: 16}, quality.StreamSettings{Loss: 0.05}, true},
		"one-way, from key": {codec.Params{KeyEvery: 16, PredictFrom: codec.FromKey}, quality.StreamSettings{Loss: 0.05}, true},
		"12 bytes":          {codec.Params{PayloadBytes: 12}, quality.StreamSettings{Loss: 0.2}, false},
		"small":             {codec.Params{Profile: codec.ProfileSmall}, quality.StreamSettings{Loss: 0.2}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := predictive(t, 4, c.params, nil)
			e := streamed(t, path, p, c.settings)
			if e.Samples+e.Undelivered != e.Windows || e.Windows == 0 {
				t.Errorf("%d delivered and %d not, of %d", e.Samples, e.Undelivered, e.Windows)
			}
			if (e.Undelivered > 0) != c.lost {
				t.Errorf("%d windows were not delivered", e.Undelivered)
			}
			if limit := c.params.PayloadBytes; limit > 0 && e.MeanPayloadBytes > float64(limit) {
				t.Errorf("%g bytes, want at most %d", e.MeanPayloadBytes, limit)
			}
		})
	}
	if _, err := quality.Stream(context.Background(), mustRaw(t), nil, quality.StreamSettings{}); !errors.Is(err, quality.ErrStream) {
		t.Errorf("a codec without memory: %v, want ErrStream", err)
	}
	if err := (&quality.StreamSettings{Loss: 2}).Check(); !errors.Is(err, quality.ErrStream) {
		t.Errorf("a loss of 2: %v, want ErrStream", err)
	}
}

func mustRaw(t testing.TB) codec.Codec {
	t.Helper()
	c, err := codec.NewRaw(12, 0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Bytes a sample on the last 40 % of the recordings, with header and check, and what
// they must not exceed.
func TestPredictiveOnRecordings(t *testing.T) {
	testenv.Long(t)
	for _, c := range []struct {
		profile string
		w       int
		most    [3]float64
	}{
		{codec.ProfileFull, 1, [3]float64{3.0, 3.3, 3.1}},
		{codec.ProfileFull, 8, [3]float64{1.15, 1.40, 1.20}},
		{codec.ProfileFull, 32, [3]float64{0.95, 1.19, 0.99}},
		{codec.ProfileSmall, 1, [3]float64{3.3, 3.6, 3.3}},
		{codec.ProfileSmall, 8, [3]float64{1.18, 1.55, 1.25}},
		{codec.ProfileSmall, 32, [3]float64{1.0, 1.3, 1.1}},
	} {
		p := predictive(t, c.w, codec.Params{Profile: c.profile}, nil)
		for i, name := range recordings {
			e := streamed(t, testenv.Shared(t, "field", name+".jsonl"), p, quality.StreamSettings{})
			t.Logf("%-5s W=%-2d %-5s %.3f bytes a sample", c.profile, c.w, name, e.BytesPerSample)
			if e.BytesPerSample > c.most[i] {
				t.Errorf("%s, W=%d, %s: %.3f bytes a sample, want at most %g", c.profile, c.w, name, e.BytesPerSample, c.most[i])
			}
		}
	}
}

// A prior of the other two recordings: it costs next to nothing, and saves at the
// start. Windows of one sample, and the small profile, save about nothing on some.
func TestPriorOfOtherRecordings(t *testing.T) {
	testenv.Long(t)
	for _, w := range []int{1, 8} {
		for _, profile := range []string{codec.ProfileFull, codec.ProfileSmall} {
			for _, name := range recordings {
				var others []fit.Windows
				for _, other := range recordings {
					if other != name {
						windows, _ := inOrder(t, testenv.Shared(t, "field", other+".jsonl"), w)
						others = append(others, fit.Values(windows))
					}
				}
				r, err := fit.Prior(context.Background(), &fit.PriorSettings{Small: profile == codec.ProfileSmall}, others...)
				if err != nil {
					t.Fatal(err)
				}
				path := testenv.Shared(t, "field", name+".jsonl")
				plain, primed := predictive(t, w, codec.Params{Profile: profile}, nil), predictive(t, w, codec.Params{}, r.Spec)
				last := [2]float64{streamed(t, path, plain, quality.StreamSettings{}).BytesPerSample, streamed(t, path, primed, quality.StreamSettings{}).BytesPerSample}
				n := 0
				start := func(c *codec.Predictive) float64 {
					n = 0
					return streamed(t, path, c, quality.StreamSettings{Counted: func(dataset.Window) bool { n++; return n <= 200/w }}).BytesPerSample
				}
				first := [2]float64{start(plain), start(primed)}
				t.Logf("%-5s W=%-2d %-5s last 40 %% %.3f, with a prior %.3f; first 200 samples %.3f, %.3f", profile, w, name, last[0], last[1], first[0], first[1])
				if last[1] > 1.02*last[0] {
					t.Errorf("%s W=%d %s: a prior costs %.1f %%", profile, w, name, 100*(last[1]/last[0]-1))
				}
				if w == 8 && profile == codec.ProfileFull && first[1] >= first[0] {
					t.Errorf("%s W=%d %s: the first 200 samples take %.3f bytes with a prior, %.3f without", profile, w, name, first[1], first[0])
				}
			}
		}
	}
}

// What loss costs: with one window in flight next to nothing, and with four, which are
// predicted from further back, at most 40 %.
func TestPredictiveLossOnRecordings(t *testing.T) {
	testenv.Long(t)
	for _, w := range []int{1, 8} {
		p := predictive(t, w, codec.Params{}, nil)
		for _, name := range recordings {
			path := testenv.Shared(t, "field", name+".jsonl")
			none := streamed(t, path, p, quality.StreamSettings{}).BytesPerSample
			one := streamed(t, path, p, quality.StreamSettings{Loss: 0.2, Seed: 1}).BytesPerSample
			four := streamed(t, path, p, quality.StreamSettings{Loss: 0.2, InFlight: 4, Seed: 1}).BytesPerSample
			t.Logf("W=%d %-5s no loss %.3f; loss 20 %% %.3f (%+.1f %%), four in flight %.3f (%+.1f %%)", w, name, none, one, 100*(one/none-1), four, 100*(four/none-1))
			if one > 1.05*none || four > 1.4*none {
				t.Errorf("W=%d %s: %.3f bytes a sample without loss, with loss %.3f, and with four in flight %.3f", w, name, none, one, four)
			}
		}
	}
}

// Mean zscored.mse of payloads of limited length.
func TestPredictiveLimitedOnRecordings(t *testing.T) {
	testenv.Long(t)
	for _, c := range []struct {
		w, n int
		most [3]float64
	}{
		{1, 8, [3]float64{0.005, 0.005, 0.012}},
		{8, 32, [3]float64{0.005, 0.015, 0.02}},
	} {
		for _, profile := range []string{codec.ProfileFull, codec.ProfileSmall} {
			p := predictive(t, c.w, codec.Params{PayloadBytes: c.n, Profile: profile}, nil)
			for i, name := range recordings {
				e := streamed(t, testenv.Shared(t, "field", name+".jsonl"), p, quality.StreamSettings{})
				t.Logf("W=%d, %d bytes, %s %s: zscored.mse %.5f, %.2f bytes", c.w, c.n, profile, name, e.ZScored.MSE, e.MeanPayloadBytes)
				if e.ZScored.MSE > c.most[i] {
					t.Errorf("W=%d, %d bytes, %s %s: zscored.mse %.4f, want at most %g", c.w, c.n, profile, name, e.ZScored.MSE, c.most[i])
				}
			}
		}
	}
}
