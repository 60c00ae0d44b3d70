package artifacts_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/internal/testmodel"
)

// modelFS is a good model in memory, to be spoilt.
func modelFS(t testing.TB) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	files, _, err := save.Encode(testmodel.Contents(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Name != artifacts.ArtifactsFile {
			fsys["m/"+f.Name] = &fstest.MapFile{Data: f.Data}
		}
	}
	return fsys
}

func spoil(t *testing.T, fsys fstest.MapFS, file string, change func(map[string]any)) {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(fsys["m/"+file].Data, &v); err != nil {
		t.Fatal(err)
	}
	change(v)
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	fsys["m/"+file] = &fstest.MapFile{Data: b}
}

func TestHostileFiles(t *testing.T) {
	manifest := func(key string, value any) func(*testing.T, fstest.MapFS) {
		return func(t *testing.T, f fstest.MapFS) {
			spoil(t, f, artifacts.ManifestFile, func(v map[string]any) { v[key] = value })
		}
	}
	norm := func(text string) func(*testing.T, fstest.MapFS) {
		return func(_ *testing.T, f fstest.MapFS) { f["m/"+artifacts.NormFile] = &fstest.MapFile{Data: []byte(text)} }
	}
	many := strings.Repeat("0,", 1e7)
	for _, c := range []struct {
		name   string
		change func(*testing.T, fstest.MapFS)
		want   error
		names  []string
	}{
		{"no manifest", func(_ *testing.T, f fstest.MapFS) { delete(f, "m/"+artifacts.ManifestFile) }, artifacts.ErrNotFound, []string{artifacts.ManifestFile}},
		{"manifest is no JSON", func(_ *testing.T, f fstest.MapFS) {
			f["m/"+artifacts.ManifestFile] = &fstest.MapFile{Data: []byte("{'a': 1}")}
		}, artifacts.ErrMalformed, []string{artifacts.ManifestFile}},
		{"manifest is null", func(_ *testing.T, f fstest.MapFS) {
			f["m/"+artifacts.ManifestFile] = &fstest.MapFile{Data: []byte("null")}
		}, artifacts.ErrMalformed, []string{artifacts.ManifestFile}},
		{"manifest is deep", func(_ *testing.T, f fstest.MapFS) {
			f["m/"+artifacts.ManifestFile] = &fstest.MapFile{Data: []byte(`{"notes":` + strings.Repeat("[", 1e5))}
		}, artifacts.ErrMalformed, []string{artifacts.ManifestFile}},
		{"manifest of 2 MiB", func(_ *testing.T, f fstest.MapFS) {
			f["m/"+artifacts.ManifestFile] = &fstest.MapFile{Data: make([]byte, 2<<20)}
		}, artifacts.ErrTooLarge, []string{artifacts.ManifestFile}},
		{"wrong types, all named", func(t *testing.T, f fstest.MapFS) {
			spoil(t, f, artifacts.ManifestFile, func(v map[string]any) {
				v["latent_dim"], v["packing"], v["encode_cycles"], v["scale"], v["train_split"] = "8", 5, 1.5, []int{1}, "no"
			})
		}, artifacts.ErrMalformed, []string{"latent_dim", "packing", "encode_cycles", "scale", "train_split", "want a whole number"}},
		{"many faults, all named", func(t *testing.T, f fstest.MapFS) {
			spoil(t, f, artifacts.ManifestFile, func(v map[string]any) {
				v["latent_dim"], v["window_W"], v["model_path"], v["delta"] = 0, -1, "", -3
				delete(v, "window_stride")
			})
		}, artifacts.ErrMalformed, []string{"latent_dim: malformed: found 0, want at least 1", "window_W", "model_path", "delta", "window_stride"}},
		{"huge latent_dim", manifest("latent_dim", 1e12), artifacts.ErrTooLarge, []string{"latent_dim"}},
		{"huge window", func(t *testing.T, f fstest.MapFS) {
			spoil(t, f, artifacts.ManifestFile, func(v map[string]any) { v["input_dims"], v["window_W"] = 65536, 65536 })
		}, artifacts.ErrTooLarge, []string{"window_W"}},
		{"another version", manifest("manifest_version", "7"), artifacts.ErrUnsupported, []string{"manifest_version", `"7"`}},
		{"another format", manifest("model_format", "onnx"), artifacts.ErrUnsupported, []string{"model_format"}},
		{"unknown packing", manifest("packing", "int4"), artifacts.ErrUnsupported, []string{"packing", "int4"}},
		{"no scale", manifest("scale", nil), artifacts.ErrMalformed, []string{"scale"}},
		{"scale 0", manifest("scale", 0), artifacts.ErrMalformed, []string{"scale"}},
		{"scale beyond float32", manifest("scale", 1e200), artifacts.ErrMalformed, []string{"scale"}},
		{"delta 0.7 with cycles", func(t *testing.T, f fstest.MapFS) {
			spoil(t, f, artifacts.ManifestFile, func(v map[string]any) { v["delta"], v["decode_cycles"] = 0.7, 1 })
		}, artifacts.ErrMalformed, []string{"delta"}},
		{"a billion cycles", manifest("encode_cycles", 1e9), artifacts.ErrTooLarge, []string{"encode_cycles"}},
		{"latent_dim of another model", manifest("latent_dim", 3), artifacts.ErrMismatch, []string{"latent_dim"}},
		{"window of another model", manifest("window_W", 1), artifacts.ErrMismatch, nil},
		{"model_path leaves the tree", manifest("model_path", "../../etc"), artifacts.ErrUnsupported, []string{"model_path"}},
		{"model_path absolute", manifest("model_path", "/etc"), artifacts.ErrUnsupported, []string{"model_path"}},
		{"norm_path leaves the tree", manifest("norm_path", "../../../etc/passwd"), artifacts.ErrUnsupported, []string{"norm_path"}},
		{"model_path missing", manifest("model_path", "elsewhere"), artifacts.ErrNotFound, []string{"elsewhere"}},
		{"no layers", func(_ *testing.T, f fstest.MapFS) { delete(f, "m/layer_0.npz"); delete(f, "m/layer_1.npz") }, artifacts.ErrNotFound, []string{"layer_0.npz"}},
		{"a layer missing", func(_ *testing.T, f fstest.MapFS) { delete(f, "m/layer_0.npz") }, artifacts.ErrNotFound, []string{"layer_0.npz"}},
		{"a gap before a layer", func(_ *testing.T, f fstest.MapFS) { f["m/layer_9.npz"] = f["m/layer_1.npz"] }, artifacts.ErrNotFound, []string{"layer_2.npz"}},
		{"a hundred layers", func(_ *testing.T, f fstest.MapFS) {
			for i := range 100 {
				f[fmt.Sprintf("m/layer_%d.npz", i)] = f["m/layer_0.npz"]
			}
		}, artifacts.ErrTooLarge, nil},
		{"layers do not chain", func(_ *testing.T, f fstest.MapFS) { f["m/layer_1.npz"] = f["m/layer_0.npz"] }, artifacts.ErrMismatch, []string{"layer_1.npz", "W"}},
		{"layer is garbage", func(_ *testing.T, f fstest.MapFS) { f["m/layer_1.npz"] = &fstest.MapFile{Data: []byte("PK")} }, artifacts.ErrMalformed, []string{"layer_1.npz"}},
		{"layer of 100 MiB", func(_ *testing.T, f fstest.MapFS) { f["m/layer_1.npz"] = &fstest.MapFile{Data: make([]byte, 100<<20)} }, artifacts.ErrTooLarge, []string{"layer_1.npz"}},
		{"norm missing", func(_ *testing.T, f fstest.MapFS) { delete(f, "m/"+artifacts.NormFile) }, artifacts.ErrNotFound, []string{artifacts.NormFile}},
		{"norm with NaN", norm(`{"mean": [NaN,0,0,0,0,0], "std": [1,1,1,1,1,1]}`), artifacts.ErrMalformed, []string{artifacts.NormFile}},
		{"norm beyond float64", norm(`{"mean": [1e999,0,0,0,0,0], "std": [1,1,1,1,1,1]}`), artifacts.ErrMalformed, []string{artifacts.NormFile, "mean"}},
		{"norm with null", norm(`{"mean": null, "std": [1,1,1,1,1,1]}`), artifacts.ErrMismatch, []string{artifacts.NormFile, "mean"}},
		{"norm with a null among numbers", norm(`{"mean": [0,0,null,0,0,0], "std": [1,1,1,1,1,1]}`), artifacts.ErrMalformed, []string{"mean", "value 2 is null"}},
		{"norm is a pipe", func(_ *testing.T, f fstest.MapFS) {
			f["m/"+artifacts.NormFile] = &fstest.MapFile{Mode: fs.ModeNamedPipe}
		}, artifacts.ErrMalformed, []string{artifacts.NormFile, "found a special file"}},
		{"norm is a folder", manifest("norm_path", "."), artifacts.ErrMalformed, []string{"found a folder, want a file"}},
		{"artifacts.json of many files", func(_ *testing.T, f fstest.MapFS) {
			f["m/"+artifacts.ArtifactsFile] = &fstest.MapFile{Data: []byte(`{"files": {` + strings.Repeat(`"f": "h",`, 10000) + `"g": "h"}}`)}
		}, artifacts.ErrTooLarge, []string{artifacts.ArtifactsFile}},
		{"norm with a negative std", norm(`{"mean": [0,0,0,0,0,0], "std": [1,1,-1,1,1,1]}`), artifacts.ErrMalformed, []string{"std", "-1"}},
		{"norm too short", norm(`{"mean": [0,0,0,0,0], "std": [1,1,1,1,1,1]}`), artifacts.ErrMismatch, []string{"mean", "5 values, want 6"}},
		{"norm of 2·10^6 numbers, below the cap", norm(`{"mean": [` + many[:4e6] + `0], "std": [1]}`), artifacts.ErrTooLarge, []string{artifacts.NormFile}},
		{"norm of 10^7 numbers", norm(`{"mean": [` + many + `0], "std": [1]}`), artifacts.ErrTooLarge, []string{artifacts.NormFile}},
		{"artifacts.json is garbage", func(_ *testing.T, f fstest.MapFS) {
			f["m/"+artifacts.ArtifactsFile] = &fstest.MapFile{Data: []byte(`{"codec_id": 7, "files": {"a": 1}}`)}
		}, artifacts.ErrMalformed, []string{artifacts.ArtifactsFile, "codec_id", "files"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := modelFS(t)
			if _, err := artifacts.LoadFS(fsys, "m/"+artifacts.ManifestFile); err != nil {
				t.Fatalf("before it was spoilt: %v", err)
			}
			c.change(t, fsys)
			var err error
			testenv.FewBytes(t, func() { _, err = artifacts.LoadFS(fsys, "m/"+artifacts.ManifestFile) })
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			var located *artifacts.Error
			if !errors.As(err, &located) || located.File == "" {
				t.Errorf("%v names no file", err)
			}
			for _, name := range c.names {
				if !strings.Contains(fmt.Sprint(err), name) {
					t.Errorf("%v does not name %s", err, name)
				}
			}
		})
	}
}

func TestUnknownKeysAndNullsPass(t *testing.T) {
	fsys := modelFS(t)
	spoil(t, fsys, artifacts.ManifestFile, func(v map[string]any) {
		v["trained_by"], v["delta"], v["encode_cycles"], v["notes"] = map[string]any{"x": 1}, nil, nil, nil
		v["LATENT_DIM"] = "another key"
	})
	if _, err := artifacts.LoadFS(fsys, "m/"+artifacts.ManifestFile); err != nil {
		t.Error(err)
	}
}

// On disk a manifest may point beside its folder; layer 10 comes after 9.
func TestPathsAndLayerOrder(t *testing.T) {
	dir := t.TempDir()
	set := testmodel.Contents(1)
	for range 9 {
		l := bam.Layer{W: bam.NewMatrix(2, 2), V: bam.NewMatrix(2, 2)}
		l.W.Data[0] = float32(len(set.Layers))
		set.Layers = append(set.Layers, l)
	}
	if _, err := save.Model(filepath.Join(dir, "a"), set, nil); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(dir, "a", artifacts.ManifestFile), func(v map[string]any) { v["model_path"], v["norm_path"] = "../a", "../a/norm.json" })
	b, _ := os.ReadFile(filepath.Join(dir, "a", artifacts.ManifestFile))
	if err := os.MkdirAll(filepath.Join(dir, "b"), 0o755); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(dir, "b", artifacts.ManifestFile), b, 0o644)
	m, err := artifacts.Load(filepath.Join(dir, "b", artifacts.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Net.Layers) != 11 || m.Net.Layers[10].W.Data[0] != 10 {
		t.Errorf("%d layers, the last %v", len(m.Net.Layers), m.Net.Layers[len(m.Net.Layers)-1].W.Data)
	}
}

func FuzzManifest(f *testing.F) {
	files, _, err := save.Encode(testmodel.Contents(1))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if file.Name == artifacts.ManifestFile {
			f.Add(file.Data)
		}
	}
	f.Add([]byte(`{"latent_dim": 1e2, "scale": null, "train_split": {}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := artifacts.ParseManifest(artifacts.ManifestFile, data)
		if err != nil {
			return
		}
		if _, err := (&artifacts.Model{Manifest: m}).Packer(); m.BitPack == nil && err != nil {
			t.Errorf("a valid manifest without a packer: %v", err)
		}
		if m.WindowLen() < 1 || m.WindowLen() > sensor.MaxWindowLen || m.Schema() == "" {
			t.Errorf("window of %d", m.WindowLen())
		}
	})
}

func FuzzNorm(f *testing.F) {
	f.Add([]byte(`{"mean": [1, 2], "std": [1, 0]}`))
	f.Add([]byte(`{"mean": [1e400, 2], "std": [-0, 1]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := artifacts.ParseNorm(artifacts.NormFile, data, 2)
		if err == nil && (n.Check() != nil || len(n.Mean) != 2) {
			t.Errorf("%+v passes", n)
		}
	})
}

func FuzzArtifacts(f *testing.F) {
	files, _, err := save.Encode(testmodel.Contents(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(files[len(files)-1].Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		if a, err := artifacts.ParseArtifacts(artifacts.ArtifactsFile, data); err == nil && len(a.Fingerprint()) != 64 {
			t.Error("no fingerprint")
		}
	})
}
