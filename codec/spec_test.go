package codec_test

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
)

// specFiles writes a grid and a ladder over it, for windows of four samples.
func specFiles(t testing.TB) (grid, ladder string) {
	t.Helper()
	dir := t.TempDir()
	g := physicalGrid(t, 4)
	plain, err := codec.NewSensor12(4, codec.Sensor12Scales{})
	if err != nil {
		t.Fatal(err)
	}
	grid, ladder = filepath.Join(dir, codec.GridFile), filepath.Join(dir, codec.LadderFile)
	write(t, grid, g.File())
	writeLadder(t, ladder, 4, codec.NewRungSpec(g, codec.Params{GridPath: codec.GridFile}), codec.NewRungSpec(plain, codec.Params{}))
	return grid, ladder
}

func TestNew(t *testing.T) {
	manifest := testenv.Repo("testdata", "golden", "window4_int8", "bam_manifest.json")
	grid, ladder := specFiles(t)
	good := codec.Spec{ID: "bam", Version: "0", Params: codec.Params{ManifestPath: manifest, GridPath: grid, LadderPath: ladder, PayloadBytes: 9}, Window: sensor.Shape{Dims: 12, W: 4, Stride: 1}}
	is := func(id string) func(*codec.Spec) { return func(s *codec.Spec) { s.ID, s.Version = id, "1" } }
	with := func(id string, edit func(*codec.Spec)) func(*codec.Spec) {
		return func(s *codec.Spec) { is(id)(s); edit(s) }
	}
	for _, c := range []struct {
		name   string
		edit   func(*codec.Spec)
		want   error
		schema string // begins so
	}{
		{"bam", func(*codec.Spec) {}, nil, "bam:latent_dim=16:packing=int8:scale="},
		{"sensor12", is("sensor12_packed"), nil, "sensor12_packed_v1:le:gps=f32,f32,f32:accel=i16@1000.0:gyro=i16@10.0:rpy=i16@10.0"},
		{"raw", is("raw"), nil, "raw:int16:le:scale=32767.0"},
		{"raw with a scale", with("raw", func(s *codec.Spec) { s.Params.Scale = 1e-5 }), nil, "raw:int16:le:scale=1e-05"},
		{"zlib", is("zlib"), nil, "zlib(level=6)+raw:int16:le:scale=32767.0"},
		{"truncate", is("sensor12_packed_truncate"), nil, "sensor12_packed_truncate_v1:payload_bytes=9:W=4:inner=sensor12_packed_v1:le:gps=f32,f32,f32:accel=i16@1000.0:gyro=i16@10.0:rpy=i16@10.0"},
		{"grid", is("grid"), nil, "grid_v1:"},
		{"bounded", is("bounded"), nil, "bounded_v1:"},
		{"unknown codec", func(s *codec.Spec) { s.ID = "gzip" }, codec.ErrSpec, ""},
		{"another version", func(s *codec.Spec) { s.Version = "1" }, codec.ErrSpec, ""},
		{"another version of raw", func(s *codec.Spec) { s.ID = "raw" }, codec.ErrSpec, ""},
		{"no manifest", func(s *codec.Spec) { s.Params.ManifestPath = "" }, codec.ErrSpec, ""},
		{"no grid", with("grid", func(s *codec.Spec) { s.Params.GridPath = "" }), codec.ErrSpec, ""},
		{"no ladder", with("bounded", func(s *codec.Spec) { s.Params.LadderPath = "" }), codec.ErrSpec, ""},
		{"missing grid", with("grid", func(s *codec.Spec) { s.Params.GridPath = "no/such.json" }), codec.ErrNotFound, ""},
		{"missing ladder", with("bounded", func(s *codec.Spec) { s.Params.LadderPath = "no/such.json" }), codec.ErrNotFound, ""},
		{"another W", func(s *codec.Spec) { s.Window.W = 1 }, codec.ErrSpec, ""},
		{"another stride", func(s *codec.Spec) { s.Window.Stride = 2 }, codec.ErrSpec, ""},
		{"grid of another W", with("grid", func(s *codec.Spec) { s.Window.W = 1 }), codec.ErrSpec, ""},
		{"grid of as many values", with("grid", func(s *codec.Spec) { s.Window.W, s.Window.Dims = 2, 24 }), codec.ErrSpec, ""},
		{"ladder of another stride", with("bounded", func(s *codec.Spec) { s.Window.Stride = 3 }), codec.ErrSpec, ""},
		{"sensor12 of 6 dims", with("sensor12_packed", func(s *codec.Spec) { s.Window.Dims = 6 }), codec.ErrSpec, ""},
		{"truncate to nothing", with("sensor12_packed_truncate", func(s *codec.Spec) { s.Params.PayloadBytes = 0 }), codec.ErrSpec, ""},
		{"negative scale", with("raw", func(s *codec.Spec) { s.Params.Scale = -1 }), codec.ErrSpec, ""},
		{"no dims", func(s *codec.Spec) { s.Window.Dims = 0 }, codec.ErrSpec, ""},
		{"dims that overflow", with("raw", func(s *codec.Spec) { s.Window.Dims, s.Window.W = 1<<16, 1<<16 }), codec.ErrSpec, ""},
		{"payload over the limit", func(s *codec.Spec) { s.MaxPayloadBytes = 15 }, codec.ErrSpec, ""},
		{"payload at the limit", func(s *codec.Spec) { s.MaxPayloadBytes = 16 }, nil, "bam:"},
		{"sensor12 over the default limit", with("sensor12_packed", func(s *codec.Spec) { s.Window.W = 8 }), codec.ErrSpec, ""},
		{"zlib over the limit at worst", with("zlib", func(s *codec.Spec) { s.MaxPayloadBytes = 100 }), codec.ErrSpec, ""},
	} {
		spec := good
		c.edit(&spec)
		got, err := codec.New(spec)
		if !errors.Is(err, c.want) || (err == nil) != (got != nil) {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
		}
		if got != nil && !strings.HasPrefix(got.Schema(), c.schema) {
			t.Errorf("%s: schema %s, want %s", c.name, got.Schema(), c.schema)
		}
	}
}

func TestParseParams(t *testing.T) {
	p, err := codec.ParseParams(map[string]any{"manifest_path": "a", "scale": 127, "payload_bytes": uint64(8), "grid_path": "g", "ladder_path": "l", "entropy_grid_path": "t",
		"level": 0, "accel_scale": 100, "gyro_scale": 2.5, "rpy_scale": 1, "window_W": 4,
		"tolerances": []any{0.5, 3}, "angles": []any{false, true}, "profile": "small", "prior_path": "p", "key_after": 2, "key_every": 16, "predict_from": "key"})
	if err != nil || p.Level == nil || *p.Level != 0 {
		t.Fatalf("%+v, %v", p, err)
	}
	p.Level = nil
	if want := (codec.Params{ManifestPath: "a", Scale: 127, PayloadBytes: 8, GridPath: "g", LadderPath: "l", EntropyGridPath: "t",
		AccelScale: 100, GyroScale: 2.5, RPYScale: 1, WindowW: 4, Tolerances: []float64{0.5, 3}, Angles: []bool{false, true}, Profile: "small",
		PriorPath: "p", KeyAfter: 2, KeyEvery: 16, PredictFrom: "key"}); !reflect.DeepEqual(p, want) {
		t.Errorf("%+v, want %+v", p, want)
	}
	if p, err := codec.ParseParams(nil); err != nil || !reflect.DeepEqual(p, codec.Params{}) {
		t.Errorf("none: %+v, %v", p, err)
	}
	for name, params := range map[string]map[string]any{
		"params.manifest: no codec has this parameter: want some of accel_scale,":       {"manifest": "a"},
		"params.manifest_pth: no codec has this parameter: did you mean manifest_path?": {"manifest_pth": "a"},
		"params.level": {"level": 6.5}, "scale": {"scale": "127"}, "payload_bytes": {"payload_bytes": 8.5},
	} {
		if _, err := codec.ParseParams(params); !errors.Is(err, codec.ErrSpec) || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v, want one that names %s", params, err, name)
		}
	}
}
