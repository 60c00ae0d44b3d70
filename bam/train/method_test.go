package train

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// methodFunc is a method from outside of the package, by its public surface.
type methodFunc func(ctx context.Context, p *Problem) (*Fitted, error)

func (f methodFunc) Name() string                                         { return "func" }
func (f methodFunc) Fit(ctx context.Context, p *Problem) (*Fitted, error) { return f(ctx, p) }
func (f methodFunc) MarshalJSON() ([]byte, error)                         { return []byte("{}"), nil }

func TestProblem(t *testing.T) {
	values := waves(100, 4)
	settings := &Settings{HiddenDims: []int{3}, LatentDim: 2, Window: sensor.Shape{W: 2}, Split: dataset.HashSplit{TrainRatio: 1}, ShuffleSeed: 7}
	p, err := NewProblem(t.Context(), sequence(values), settings)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Dims, []int{4, 3, 2}) || p.Windows != 100 || p.Settings.Window != (sensor.Shape{Dims: 2, W: 2, Stride: 1}) ||
		p.Settings.Scale != 127 || !slices.Equal(p.Weights, []float64{1, 1, 1, 1}) || p.Widening != nil {
		t.Errorf("%+v", p)
	}
	collect := func(p *Problem, buffer, epoch int) (rows [][]float32) {
		for z, err := range p.Shuffled(t.Context(), buffer, epoch) {
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, slices.Clone(z))
		}
		return rows
	}
	rows := collect(p, 0, 0)
	for i, v := range p.Norm.Mean {
		if z := float32((values[3][i] - v) / p.Norm.Std[i]); rows[3][i] != z {
			t.Errorf("value %d of window 3 is %g, want %g", i, rows[3][i], z)
		}
	}
	first, again, second := collect(p, 50, 0), collect(p, 50, 0), collect(p, 50, 1)
	if !reflect.DeepEqual(first, again) || reflect.DeepEqual(first, second) || reflect.DeepEqual(first, rows) || len(first) != len(rows) {
		t.Error("the shuffled order does not depend on the epoch, and on nothing else")
	}

	w, err := p.Widened(t.Context(), 0.5)
	if err != nil {
		t.Fatal(err)
	}
	largest := float32(0)
	for _, z := range collect(w, 0, 0) {
		largest = max(largest, slices.Max(z), -slices.Min(z))
	}
	if largest < 0.4999 || largest > 0.5001 || p.Widening != nil || w.Norm.Std[0] != p.Norm.Std[0]*w.Widening[0] {
		t.Errorf("the largest value of the widened windows is %g, want 0.5; widening %v", largest, w.Widening)
	}
	twice, err := w.Widened(t.Context(), 0.25)
	if err != nil || twice.Widening[1] < 1.99*w.Widening[1] || twice.Norm.Std[1] < 1.99*w.Norm.Std[1] {
		t.Errorf("widened twice: %v, %v after %v", err, twice.Widening, w.Widening)
	}

	other := p.Settings
	other.HiddenDims, other.LatentDim, other.MaxWindows, other.Seed = nil, 1, 5, 9
	q, err := p.With(other)
	if err != nil || !slices.Equal(q.Dims, []int{4, 1}) || q.Windows != 100 || q.Settings.MaxWindows != 0 || q.Settings.Seed != 9 {
		t.Errorf("%+v, %v", q, err)
	}
	other.LatentDim = -1
	if _, err := p.With(other); !errors.Is(err, ErrSettings) {
		t.Errorf("-1 latents: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range p.Normalized(ctx) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	}
}

// What a method returns is checked, and completed by defaults.
func TestMethod(t *testing.T) {
	windows := sequence(waves(50, 4))
	layer := func(inputs, outputs int) bam.Layer {
		return bam.Layer{W: bam.NewMatrix(outputs, inputs), V: bam.NewMatrix(inputs, outputs)}
	}
	for _, c := range []struct {
		name string
		fit  *Fitted
		want error
	}{
		{"good", &Fitted{Layers: []bam.Layer{layer(4, 2)}}, nil},
		{"nil", nil, ErrMethod},
		{"no layers", &Fitted{}, ErrMethod},
		{"a layer too many", &Fitted{Layers: []bam.Layer{layer(4, 2), layer(2, 2)}}, ErrMethod},
		{"wrong size", &Fitted{Layers: []bam.Layer{layer(4, 3)}}, ErrMethod},
		{"V transposed", &Fitted{Layers: []bam.Layer{{W: bam.NewMatrix(2, 4), V: bam.NewMatrix(2, 4)}}}, ErrMethod},
	} {
		result, err := Train(t.Context(), windows, &Settings{LatentDim: 2}, methodFunc(func(context.Context, *Problem) (*Fitted, error) { return c.fit, nil }))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if c.want != nil {
			continue
		}
		r, err := json.Marshal(result.Report)
		if err != nil || result.Status != Solved || !strings.Contains(string(r), `"method":"func","status":"solved"`) ||
			!strings.Contains(string(r), `"hyper_parameters":{}`) || !strings.Contains(string(r), `"layer_reports":[]`) {
			t.Errorf("%s: %v, %s", c.name, err, r)
		}
	}
	// A method can solve a variant of the problem.
	result, err := Train(t.Context(), windows, &Settings{LatentDim: 2, Delta: 0.1}, methodFunc(func(ctx context.Context, p *Problem) (*Fitted, error) {
		q, err := p.Widened(ctx, 0.25)
		if err != nil {
			return nil, err
		}
		s := q.Settings
		s.HiddenDims = []int{3}
		if q, err = q.With(s); err != nil {
			return nil, err
		}
		return &Fitted{Problem: q, Layers: []bam.Layer{layer(4, 3), layer(3, 2)}}, nil
	}))
	if err != nil || len(result.NormWidening) != 4 || !slices.Equal(result.Report.HiddenDims, []int{3}) || !slices.Equal(result.Settings.HiddenDims, []int{3}) {
		t.Errorf("%+v, %v", result, err)
	}
	failed := errors.New("failed")
	if _, err := Train(t.Context(), windows, nil, methodFunc(func(context.Context, *Problem) (*Fitted, error) { return nil, failed })); !errors.Is(err, failed) {
		t.Errorf("%v, want %v", err, failed)
	}
}

// A key depends on everything that the result depends on.
func TestKey(t *testing.T) {
	base := Settings{Packing: bam.Int8}
	key := func(data string, s Settings, m Method) string {
		k, err := Key(data, &s, m)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	seen := map[string]string{}
	distinct := func(name, k string) {
		if other, ok := seen[k]; ok {
			t.Errorf("%s has the key of %s", name, other)
		}
		seen[k] = name
	}
	distinct("base", key("a", base, PCA{}))
	distinct("other windows", key("b", base, PCA{}))
	for i := range reflect.TypeFor[Settings]().NumField() {
		f := reflect.TypeFor[Settings]().Field(i)
		s := base
		v := reflect.ValueOf(&s).Elem().Field(i)
		switch f.Name {
		case "Recorder", "ShuffleSeed":
			continue
		case "Window":
			s.Window = sensor.Shape{W: 3}
		case "HiddenDims":
			s.HiddenDims = []int{4}
		case "Tolerances":
			s.Tolerances = []float64{2}
		case "Start":
			s.Start = []bam.Layer{{}}
		case "Split":
			s.Split = dataset.TimeSplit{CutMs: 4}
		default:
			switch v.Kind() {
			case reflect.Int, reflect.Int64:
				v.SetInt(5)
			case reflect.Float64:
				v.SetFloat(0.25)
			case reflect.Bool:
				v.SetBool(true)
			case reflect.String:
				v.SetString("float16")
			default:
				t.Fatalf("field %s has a type that this test does not know", f.Name)
			}
		}
		distinct(f.Name, key("a", s, PCA{}))
	}
	shuffled := base
	shuffled.ShuffleSeed = 5
	for _, m := range []Method{&FEBAM{}, methodFunc(nil)} {
		distinct(m.Name(), key("a", base, m))
		distinct(m.Name()+" shuffled", key("a", shuffled, m))
	}
	distinct("parameters", key("a", base, &FEBAM{Epochs: 3}))
	distinct("gradient", key("a", base, &Gradient{}))
	distinct("auto", key("a", base, &Auto{}))
	// The key of a model that an earlier version stored.
	if got, want := key("windows", Settings{LatentDim: 2, Packing: bam.Int8, Seed: 3, ShuffleSeed: 4, Split: dataset.HashSplit{TrainRatio: 0.8}}, &FEBAM{Epochs: 2}), "7d9ff5adca3a42584c2a5e6c34181fcd77bdb2ce3d7fec87c3b6491f956e38f7"; got != want {
		t.Errorf("key %s, want %s", got, want)
	}
	if _, err := Key("a", &base, &unencodable{F: func() {}}); err == nil {
		t.Error("a method without a JSON encoding has a key")
	}
}

type unencodable struct {
	methodFunc
	F func()
}

func (*unencodable) MarshalJSON() ([]byte, error) { return nil, errors.New("no encoding") }
