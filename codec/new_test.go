package codec

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
)

// specFiles writes a grid and a ladder over it, for windows of four samples.
func specFiles(t testing.TB) (grid, ladder string) {
	t.Helper()
	dir := t.TempDir()
	g, err := PhysicalGrid(4, fieldTolerances)
	if err != nil {
		t.Fatal(err)
	}
	grid, ladder = filepath.Join(dir, GridFile), filepath.Join(dir, LadderFile)
	if err := g.Save(grid); err != nil {
		t.Fatal(err)
	}
	l := &Ladder{Window: sensor.Shape{Dims: 12, W: 4, Stride: 1}, Tolerances: fieldTolerances, Rungs: []Rung{
		{Codec: Section{ID: gridID, Version: "1", Params: Params{GridPath: GridFile}}},
		{Codec: Section{ID: sensor12ID, Version: "1"}},
	}}
	if _, err := SaveLadder(ladder, l); err != nil {
		t.Fatal(err)
	}
	return grid, ladder
}

func TestNew(t *testing.T) {
	manifest := testenv.Repo("testdata", "golden", "window4_int8", "bam_manifest.json")
	grid, ladder := specFiles(t)
	good := Spec{ID: "bam", Version: "0", Params: Params{ManifestPath: manifest, GridPath: grid, LadderPath: ladder, PayloadBytes: 9}, Dims: 12, W: 4, Stride: 1}
	is := func(id string) func(*Spec) { return func(s *Spec) { s.ID, s.Version = id, "1" } }
	with := func(id string, edit func(*Spec)) func(*Spec) {
		return func(s *Spec) { is(id)(s); edit(s) }
	}
	for _, c := range []struct {
		name   string
		edit   func(*Spec)
		want   error
		schema string // begins so
	}{
		{"bam", func(*Spec) {}, nil, "bam:latent_dim=16:packing=int8:scale="},
		{"sensor12", is("sensor12_packed"), nil, "sensor12_packed_v1:le:gps=f32,f32,f32:accel=i16@1000.0:gyro=i16@10.0:rpy=i16@10.0"},
		{"raw", is("raw"), nil, "raw:int16:le:scale=32767.0"},
		{"raw with a scale", with("raw", func(s *Spec) { s.Params.Scale = 1e-5 }), nil, "raw:int16:le:scale=1e-05"},
		{"zlib", is("zlib"), nil, "zlib(level=6)+raw:int16:le:scale=32767.0"},
		{"truncate", is("sensor12_packed_truncate"), nil, "sensor12_packed_truncate_v1:payload_bytes=9:W=4:inner=sensor12_packed_v1:le:gps=f32,f32,f32:accel=i16@1000.0:gyro=i16@10.0:rpy=i16@10.0"},
		{"grid", is("grid"), nil, "grid_v1:"},
		{"bounded", is("bounded"), nil, "bounded_v1:"},
		{"unknown codec", func(s *Spec) { s.ID = "gzip" }, ErrSpec, ""},
		{"another version", func(s *Spec) { s.Version = "1" }, ErrSpec, ""},
		{"another version of raw", func(s *Spec) { s.ID = "raw" }, ErrSpec, ""},
		{"no manifest", func(s *Spec) { s.Params.ManifestPath = "" }, ErrSpec, ""},
		{"no grid", with("grid", func(s *Spec) { s.Params.GridPath = "" }), ErrSpec, ""},
		{"no ladder", with("bounded", func(s *Spec) { s.Params.LadderPath = "" }), ErrSpec, ""},
		{"missing grid", with("grid", func(s *Spec) { s.Params.GridPath = "no/such.json" }), artifacts.ErrNotFound, ""},
		{"missing ladder", with("bounded", func(s *Spec) { s.Params.LadderPath = "no/such.json" }), artifacts.ErrNotFound, ""},
		{"another W", func(s *Spec) { s.W = 1 }, ErrSpec, ""},
		{"another stride", func(s *Spec) { s.Stride = 2 }, ErrSpec, ""},
		{"grid of another W", with("grid", func(s *Spec) { s.W = 1 }), ErrSpec, ""},
		{"grid of as many values", with("grid", func(s *Spec) { s.W, s.Dims = 2, 24 }), ErrSpec, ""},
		{"ladder of another stride", with("bounded", func(s *Spec) { s.Stride = 3 }), ErrSpec, ""},
		{"sensor12 of 6 dims", with("sensor12_packed", func(s *Spec) { s.Dims = 6 }), ErrSpec, ""},
		{"truncate to nothing", with("sensor12_packed_truncate", func(s *Spec) { s.Params.PayloadBytes = 0 }), ErrSpec, ""},
		{"negative scale", with("raw", func(s *Spec) { s.Params.Scale = -1 }), ErrSpec, ""},
		{"no dims", func(s *Spec) { s.Dims = 0 }, ErrSpec, ""},
		{"dims that overflow", with("raw", func(s *Spec) { s.Dims, s.W = 1<<16, 1<<16 }), ErrSpec, ""},
		{"payload over the limit", func(s *Spec) { s.MaxPayloadBytes = 15 }, ErrSpec, ""},
		{"payload at the limit", func(s *Spec) { s.MaxPayloadBytes = 16 }, nil, "bam:"},
		{"sensor12 over the default limit", with("sensor12_packed", func(s *Spec) { s.W = 8 }), ErrSpec, ""},
		{"zlib over the limit at worst", with("zlib", func(s *Spec) { s.MaxPayloadBytes = 100 }), ErrSpec, ""},
	} {
		spec := good
		c.edit(&spec)
		got, err := New(spec)
		if !errors.Is(err, c.want) || (err == nil) != (got != nil) {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
		}
		if got != nil && !strings.HasPrefix(got.Schema(), c.schema) {
			t.Errorf("%s: schema %s, want %s", c.name, got.Schema(), c.schema)
		}
	}
}

func TestParseParams(t *testing.T) {
	p, err := ParseParams(map[string]any{"manifest_path": "a", "scale": 127, "payload_bytes": uint64(8), "grid_path": "g", "ladder_path": "l", "lattice_path": "t"})
	if want := (Params{"a", 127, 8, "g", "l", "t"}); err != nil || p != want {
		t.Errorf("%+v, %v, want %+v", p, err, want)
	}
	if p, err := ParseParams(nil); err != nil || p != (Params{}) {
		t.Errorf("none: %+v, %v", p, err)
	}
	for name, params := range map[string]map[string]any{
		"manifest": {"manifest": "a"}, "scale": {"scale": "127"}, "payload_bytes": {"payload_bytes": 8.5},
	} {
		if _, err := ParseParams(params); !errors.Is(err, ErrSpec) || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v, want one that names %s", params, err, name)
		}
	}
}
