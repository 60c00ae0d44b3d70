package train

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
)

// sequence turns windows of values into a data set.
func sequence(values [][]float64) iter.Seq2[dataset.Window, error] {
	return func(yield func(dataset.Window, error) bool) {
		for i, v := range values {
			if !yield(dataset.Window{ID: int64(i), Values: v}, nil) {
				return
			}
		}
	}
}

// waves are n windows of dim values, mixtures of three sines.
func waves(n, dim int) [][]float64 {
	out := make([][]float64, n)
	for t := range out {
		out[t] = make([]float64, dim)
		for i := range dim {
			a, b, c := math.Sin(0.1*float64(t)), math.Cos(0.037*float64(t)), math.Sin(0.71*float64(t))
			out[t][i] = 100 + float64(i) + a*float64(i%3) + b*float64((i+1)%4) + 0.1*c*float64(i%5)
		}
	}
	return out
}

func savedFiles(t *testing.T, res *Result) map[string][]byte {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	set := res.Contents()
	set.CreatedAt = time.Unix(0, 0)
	if _, err := save.Model(dir, set, nil); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = b
	}
	return files
}

func TestSameSeedSameBytes(t *testing.T) {
	windows := sequence(waves(500, 48))
	for _, c := range []struct {
		name     string
		settings Settings
		method   Method
	}{
		{"pca", Settings{HiddenDims: []int{24, 16}, LatentDim: 8, AutoScale: true, Window: sensor.Shape{W: 4}}, PCA{}},
		{"pca cubic", Settings{LatentDim: 8, Delta: 0.1, EncodeCycles: 1, AutoScale: true}, PCA{}},
		{"auto", Settings{LatentDim: 8}, nil},
		{"gradient", Settings{LatentDim: 8, HiddenDims: []int{64}, Delta: 0.4, EncodeCycles: 1, Seed: 2}, &Gradient{Epochs: 3}},
		{"bitpack", Settings{Packing: bam.BitPack, PayloadBytes: 6, Window: sensor.Shape{W: 4}, CheckByte: true, Seed: 3}, nil},
		{"febam", Settings{LatentDim: 8, Seed: 5}, &FEBAM{Epochs: 3, ShuffleBuffer: 64}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var first map[string][]byte
			for _, procs := range []int{1, 2, 8} {
				old := runtime.GOMAXPROCS(procs)
				res, err := Train(t.Context(), windows, &c.settings, c.method)
				runtime.GOMAXPROCS(old)
				if err != nil {
					t.Fatal(err)
				}
				files := savedFiles(t, res)
				if first == nil {
					first = files
					continue
				}
				for name := range first {
					if !bytes.Equal(first[name], files[name]) {
						t.Errorf("%s differs with GOMAXPROCS %d", name, procs)
					}
				}
			}
		})
	}
}

func holdoutMSE(t testing.TB, windows iter.Seq2[dataset.Window, error], s *Settings, m Method) float64 {
	t.Helper()
	res, err := Train(t.Context(), windows, s, m)
	if err != nil {
		t.Fatal(err)
	}
	c, err := codec.NewBAM(res.Model())
	if err != nil {
		t.Fatal(err)
	}
	split := s.Split
	if split == nil {
		split = dataset.HashSplit{TrainRatio: 0.8}
	}
	e, err := quality.Evaluate(t.Context(), c, dataset.Holdout(windows, split), quality.Settings{Std: res.Model().DataStd()})
	if err != nil {
		t.Fatal(err)
	}
	return e.ZScored.MSE
}

func field(t testing.TB, name string, w int) iter.Seq2[dataset.Window, error] {
	samples := dataset.OpenSamples(testenv.Shared(t, "field", name), dataset.SampleSettings{})
	return dataset.Windows(samples, dataset.WindowerSettings{W: w, Stride: 1})
}

// The holdout errors of the default method on real recordings, hash split 0.8,
// seed 0. The limits are PCA's own at these bytes, found independently.
func TestFieldRecordings(t *testing.T) {
	testenv.Long(t)
	for _, c := range []struct {
		file     string
		settings Settings
		limit    float64
	}{
		{"walk.jsonl", Settings{HiddenDims: []int{24, 16}, LatentDim: 16, Packing: bam.Int16}, 0.002},
		{"walk.jsonl", Settings{LatentDim: 8, AutoScale: true}, 0.037},
		{"walk.jsonl", Settings{LatentDim: 8}, 0.0362},
		{"car.jsonl", Settings{LatentDim: 8}, 0.0826},
		{"phone.jsonl", Settings{LatentDim: 8}, 0.0485},
		{"walk.jsonl", Settings{LatentDim: 4}, 0.238},
		{"car.jsonl", Settings{LatentDim: 4}, 0.340},
		{"phone.jsonl", Settings{LatentDim: 4}, 0.362},
		{"walk.jsonl", Settings{LatentDim: 8, Delta: 0.1, AutoScale: true}, 0.038},
		{"walk.jsonl", Settings{LatentDim: 8, Delta: 0.1, EncodeCycles: 1, DecodeCycles: 1, AutoScale: true}, 0.038},
	} {
		t.Run(fmt.Sprintf("%s %v %d %s %g", c.file, c.settings.HiddenDims, c.settings.LatentDim, c.settings.Packing, c.settings.Delta), func(t *testing.T) {
			got := holdoutMSE(t, field(t, c.file, 1), &c.settings, nil)
			t.Logf("zscored.mse %.5f, limit %g", got, c.limit)
			if !(got <= c.limit) {
				t.Errorf("zscored.mse %.5f, want at most %g", got, c.limit)
			}
		})
	}
}

// The choice of inner validation must not do worse on the holdout. With this
// recording reversed, a hidden layer has the smaller error on the temporal holdout
// and in most folds, but not on the holdout.
func TestDefaultHoldsOnAReversedRecording(t *testing.T) {
	testenv.Long(t)
	var reversed []dataset.Window
	for w, err := range field(t, "phone.jsonl", 1) {
		if err != nil {
			t.Fatal(err)
		}
		reversed = append(reversed, w)
	}
	slices.Reverse(reversed)
	for i := range reversed {
		reversed[i].ID = int64(i)
	}
	windows := func(yield func(dataset.Window, error) bool) {
		for _, w := range reversed {
			if !yield(w, nil) {
				return
			}
		}
	}
	got, linear := holdoutMSE(t, windows, &Settings{}, nil), holdoutMSE(t, windows, &Settings{}, PCA{})
	if !(got <= 1.01*linear) {
		t.Errorf("zscored.mse %.5f, want at most 1 %% above the principal components' %.5f", got, linear)
	}
}

// A linear model with as many latents as the data has dimensions has no error but
// the rounding of its packing; a cubic model has little more.
func TestPCAReconstructs(t *testing.T) {
	windows := sequence(waves(400, 10))
	for _, c := range []struct {
		name     string
		settings Settings
		limit    float64
	}{
		{"float32", Settings{LatentDim: 10, Packing: bam.Float32}, 1e-9},
		{"float16", Settings{LatentDim: 10, Packing: bam.Float16}, 1e-5},
		{"int16", Settings{LatentDim: 10, Packing: bam.Int16}, 1e-6},
		{"int8 deep", Settings{LatentDim: 10, HiddenDims: []int{32, 12}}, 1e-3},
		{"more latents than dimensions", Settings{LatentDim: 20, Packing: bam.Int16}, 1e-6},
		{"cubic", Settings{LatentDim: 10, Packing: bam.Int16, Delta: 0.2}, 1e-3},
		{"cubic, cycles, deep", Settings{LatentDim: 10, Packing: bam.Float32, HiddenDims: []int{12}, Delta: 0.1, EncodeCycles: 1, DecodeCycles: 2}, 5e-3},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := holdoutMSE(t, windows, &c.settings, PCA{}); !(got <= c.limit) {
				t.Errorf("zscored.mse %.2g, want at most %g", got, c.limit)
			}
		})
	}
}

// With tolerances, the model is exact for values with a tight tolerance, whatever
// their standard deviation.
func TestTolerances(t *testing.T) {
	windows := func(yield func(dataset.Window, error) bool) {
		for i := range 500 {
			a, b := math.Sin(float64(i)/7), math.Cos(float64(i)/3)
			if !yield(dataset.Window{ID: int64(i), Values: []float64{a, a, a, b}}, nil) {
				return
			}
		}
	}
	worst := func(s *Settings, value int) (worst float64) {
		res, err := Train(t.Context(), windows, s, PCA{})
		if err != nil {
			t.Fatal(err)
		}
		c, err := codec.NewBAM(res.Model())
		if err != nil {
			t.Fatal(err)
		}
		for w := range windows {
			payload, err := c.AppendEncode(nil, w.Values)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.AppendDecode(nil, payload)
			if err != nil {
				t.Fatal(err)
			}
			worst = max(worst, math.Abs(got[value]-w.Values[value]))
		}
		return worst
	}
	for _, packing := range []bam.Packing{bam.Int8, bam.BitPack} {
		s := Settings{LatentDim: 1, Packing: packing, PayloadBytes: 1}
		plain := worst(&s, 3)
		s.Tolerances = []float64{1, 1, 1, 1e-3}
		if tight := worst(&s, 3); tight > plain/5 || tight > 0.1 {
			t.Errorf("%s: worst error of the value with a tight tolerance is %.2g, without %.2g", packing, tight, plain)
		}
	}
	for _, bad := range [][]float64{{}, {1}, {1, 2}, {1, 2, 3}, {1, 1, 0, 1}, {1, 1, math.NaN(), 1}} {
		if _, err := Train(t.Context(), windows, &Settings{LatentDim: 1, Tolerances: bad}, nil); !errors.Is(err, ErrSettings) {
			t.Errorf("tolerances %v: %v", bad, err)
		}
	}
}

func TestConstantDimensions(t *testing.T) {
	windows := waves(100, 4)
	for _, w := range windows {
		w[2] = 36.4
	}
	if got := holdoutMSE(t, sequence(windows), &Settings{LatentDim: 4, Packing: bam.Int16}, nil); !(got < 1e-6) {
		t.Errorf("zscored.mse %g", got)
	}
	for _, w := range windows {
		clear(w)
	}
	if got := holdoutMSE(t, sequence(windows), &Settings{LatentDim: 4, AutoScale: true}, nil); got != 0 {
		t.Errorf("zscored.mse %g of windows that are all 0", got)
	}
}

func TestSettingsRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		s    Settings
		data [][]float64
		want error
	}{
		{"latent dim", Settings{LatentDim: -1}, waves(9, 4), ErrSettings},
		{"packing", Settings{Packing: "int4"}, waves(9, 4), ErrSettings},
		{"payload over the limit", Settings{LatentDim: 239}, waves(9, 4), ErrSettings},
		{"hidden dims", Settings{HiddenDims: []int{8, 0}}, waves(9, 4), ErrSettings},
		{"delta with cycles", Settings{Delta: 0.7, EncodeCycles: 1}, waves(9, 4), ErrSettings},
		{"scale", Settings{Scale: math.Inf(1)}, waves(9, 4), ErrSettings},
		{"window length", Settings{Window: sensor.Shape{Dims: 12}}, waves(9, 4), ErrSettings},
		{"window W", Settings{Window: sensor.Shape{W: 3}}, waves(9, 4), ErrSettings},
		{"start shape", Settings{Start: []bam.Layer{{W: bam.NewMatrix(2, 2), V: bam.NewMatrix(2, 2)}}}, waves(9, 4), ErrSettings},
		{"no windows", Settings{}, nil, ErrNoData},
		{"none selected", Settings{Split: dataset.HashSplit{TrainRatio: 1e-9}}, waves(9, 4), ErrNoData},
		{"NaN", Settings{}, [][]float64{{1, math.NaN()}}, dataset.ErrNotFinite},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Train(t.Context(), sequence(c.data), &c.s, nil); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	for _, m := range []FEBAM{{Epochs: -1}, {LearningRate: math.NaN()}, {Cycles: -1}, {WeightClip: math.Inf(1)}} {
		if _, err := Train(t.Context(), sequence(waves(9, 4)), nil, &m); !errors.Is(err, ErrSettings) {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

// numpy.percentile([1, 2, 4, 8], [0, 50, 90, 99.9, 100])
func TestPercentile(t *testing.T) {
	for p, want := range map[float64]float64{0: 1, 50: 3, 90: 6.8, 99.9: 7.988, 100: 8} {
		if got := percentile([]float64{8, 1, 4, 2}, p); math.Abs(got-want) > 1e-9 {
			t.Errorf("percentile %g is %g, want %g", p, got, want)
		}
	}
}

// A data set that is too large for the cache gives the same model.
func TestStreamedAsCached(t *testing.T) {
	for _, m := range []Method{PCA{}, &FEBAM{ShuffleBuffer: 20, Epochs: 2}, &Gradient{Epochs: 2}} {
		var layers [2][]bam.Layer
		for i := range layers {
			p, err := NewProblem(t.Context(), sequence(waves(300, 8)), &Settings{LatentDim: 4})
			if err != nil {
				t.Fatal(err)
			}
			if i == 1 {
				p.cached = nil
			}
			f, err := m.Fit(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			layers[i] = f.Layers
		}
		if fmt.Sprint(layers[0]) != fmt.Sprint(layers[1]) {
			t.Errorf("%s: streamed and cached training differ", m.Name())
		}
	}
}

func BenchmarkDefaultTraining(b *testing.B) {
	windows := field(b, "walk.jsonl", 1)
	for _, s := range []Settings{{Packing: bam.Int8, LatentDim: 8}, {Packing: bam.BitPack, PayloadBytes: 8}} {
		b.Run(string(s.Packing), func(b *testing.B) {
			for b.Loop() {
				if _, err := Train(b.Context(), windows, &s, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Tolerances are for the values of a step or of a window, and for nothing else that
// divides its length.
func TestToleranceCount(t *testing.T) {
	windows := sequence(waves(50, 12))
	for _, c := range []struct {
		n, w int
		want string // "": valid
	}{
		{12, 1, ""}, {12, 2, ""}, {6, 2, ""},
		{2, 1, "train: invalid settings: found 2 tolerances, want 12, one for each value of a step"},
		{3, 2, "train: invalid settings: found 3 tolerances, want 6, one for each value of a step, or 12, one for each value of a window"},
	} {
		s := &Settings{Window: sensor.Shape{W: c.w}, Tolerances: slices.Repeat([]float64{1}, c.n)}
		if _, err := NewProblem(t.Context(), windows, s); c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrSettings) || err.Error() != c.want) {
			t.Errorf("%d tolerances, W %d: %v", c.n, c.w, err)
		}
	}
}

func TestNoTrainingWindows(t *testing.T) {
	all := sequence(waves(9, 4))
	once := false
	for name, c := range map[string]struct {
		windows iter.Seq2[dataset.Window, error]
		ratio   float64
		want    string
	}{
		"no windows":    {sequence(nil), 0.8, "train: no training windows: found no windows at all"},
		"none selected": {all, 1e-9, "train: no training windows: the split selects 0 of 9 windows"},
		"a sequence that can be ranged over once": {func(yield func(dataset.Window, error) bool) {
			if !once {
				once = true
				all(yield)
			}
		}, 1, "train: found 0 training windows in the second pass, want 9, as in the first: the sequence must yield the same windows each time"},
	} {
		if _, err := Train(t.Context(), c.windows, &Settings{Split: dataset.HashSplit{TrainRatio: c.ratio}}, nil); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
