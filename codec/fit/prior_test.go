package fit_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testwindows"
)

func TestPrior(t *testing.T) {
	for _, small := range []bool{false, true} {
		windows := testwindows.Wander(100, 4)
		r, err := fit.Prior(context.Background(), &fit.PriorSettings{Small: small}, windows, windows)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), codec.PriorFile)
		if err := r.Save(path); err != nil {
			t.Fatal(err)
		}
		loaded, err := codec.LoadPrior(path)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(loaded, r.Spec) {
			t.Errorf("%+v, want %+v", loaded, r.Spec)
		}
		fromDisk, err := codec.New(codec.Spec{ID: "predictive", Version: "1", Window: sensor.Shape{Dims: 12, W: 4, Stride: 4}, Params: codec.Params{PriorPath: path}})
		if err != nil {
			t.Fatal(err)
		}
		shape := sensor.Shape{Dims: 12, W: 4}
		plain, err := codec.NewPredictive(shape, codec.Params{Profile: r.Spec.Profile}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if fromDisk.Schema() == plain.Schema() {
			t.Error("a codec with a prior has the schema of one without")
		}
		for window := range testwindows.Wander(1, 4) {
			a, errA := fromDisk.AppendEncode(nil, window)
			b, errB := plain.AppendEncode(nil, window)
			if errA != nil || errB != nil || len(a) >= len(b) {
				t.Errorf("a key frame of %d bytes with a prior, %d without; %v, %v", len(a), len(b), errA, errB)
			}
		}
		for name, params := range map[string]codec.Params{
			"tolerances": {Tolerances: make([]float64, 12)}, "angles": {Angles: make([]bool, 12)},
			"profile": {Profile: map[bool]string{true: codec.ProfileFull, false: codec.ProfileSmall}[small]},
		} {
			if _, err := codec.NewPredictive(shape, params, r.Spec); !errors.Is(err, codec.ErrSpec) {
				t.Errorf("other %s: %v, want ErrSpec", name, err)
			}
		}
		if _, err := codec.Load(path); !errors.Is(err, codec.ErrUnsupported) {
			t.Errorf("loaded as a codec: %v, want ErrUnsupported", err)
		}
	}
}

func TestPriorRefuses(t *testing.T) {
	if _, err := fit.Prior(context.Background(), nil, testwindows.Of()); !errors.Is(err, fit.ErrNoData) {
		t.Errorf("no windows: %v, want ErrNoData", err)
	}
	if _, err := fit.Prior(context.Background(), &fit.PriorSettings{Bounds: fit.Bounds{Tolerances: []float64{-1}}}); !errors.Is(err, fit.ErrSettings) {
		t.Errorf("a tolerance below 0: %v, want ErrSettings", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := fit.Prior(ctx, nil, testwindows.Wander(5, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}

func TestBadPriorFiles(t *testing.T) {
	for name, text := range map[string]string{
		"empty":          ``,
		"no prior":       `{"profile": "full", "tolerances": [1], "angles": [false]}`,
		"another one":    `{"profile": "full", "tolerances": [1], "angles": [false], "prior": "TFBQMQ=="}`,
		"no base64":      `{"profile": "full", "tolerances": [1], "angles": [false], "prior": "?"}`,
		"a profile":      `{"profile": "big", "tolerances": [1], "angles": [false], "prior": "TFBQMQ=="}`,
		"no angles":      `{"profile": "full", "tolerances": [1], "prior": "TFBQMQ=="}`,
		"no tolerances":  `{"profile": "full", "prior": "TFBQMQ=="}`,
		"an unknown key": `{"profile": "full", "tolerances": [1], "angles": [false], "prior": "TFBQMQ==", "W": 1}`,
	} {
		path := filepath.Join(t.TempDir(), "prior.json")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		var located *codec.Error
		if _, err := codec.LoadPrior(path); !errors.Is(err, codec.ErrMalformed) && !errors.Is(err, codec.ErrUnsupported) || !errors.As(err, &located) || located.File != path {
			t.Errorf("%s: %v, want ErrMalformed with the file", name, err)
		}
	}
}
