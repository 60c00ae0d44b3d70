package artifacts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/testenv"
)

func ptr[T any](v T) *T { return &v }

// testSet is a small model of two layers.
func testSet(seed float32) *Set {
	layer := func(in, out int) bam.Layer {
		l := bam.Layer{W: bam.NewMatrix(out, in), V: bam.NewMatrix(in, out)}
		for i := range l.W.Data {
			l.W.Data[i] = seed + float32(i)
			l.V.Data[i] = seed - float32(i)
		}
		return l
	}
	return &Set{
		Manifest:    Manifest{Packing: bam.Int8, Scale: ptr(127.0), InputDims: 3, WindowW: 2, WindowStride: 1, Notes: ptr("é <&> 😀")},
		Layers:      []bam.Layer{layer(6, 4), layer(4, 2)},
		Norm:        &bam.Norm{Mean: make([]float64, 6), Std: []float64{1, 2, 3, 4, 5, 0}},
		TrainReport: map[string]int{"epochs": 3},
		CreatedAt:   time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600)),
	}
}

func saved(t testing.TB, seed float32) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if _, err := Save(dir, testSet(seed), SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestSaveLoad(t *testing.T) {
	dir := saved(t, 1)
	m, err := Load(filepath.Join(dir, ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	set := testSet(1)
	if got, want := fmt.Sprint(m.Net.Layers), fmt.Sprint(set.Layers); got != want {
		t.Errorf("layers %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(*m.Norm), fmt.Sprint(*set.Norm); got != want {
		t.Errorf("norm %s, want %s", got, want)
	}
	if m.Manifest.LatentDim != 2 || *m.Manifest.Notes != "é <&> 😀" || m.Manifest.PayloadBytes() != 2 {
		t.Errorf("manifest %+v", m.Manifest)
	}
	if m.Artifacts == nil || m.Artifacts.CreatedAt != "2026-01-02T02:04:05+00:00" || m.Artifacts.ModelHash != m.Hash() {
		t.Errorf("artifacts %+v", m.Artifacts)
	}
	same, err := LoadFS(os.DirFS(filepath.Dir(dir)), "model/"+ManifestFile)
	if err != nil || same.Hash() != m.Hash() {
		t.Errorf("through an fs.FS: %v", err)
	}
	names := []string{}
	entries, _ := os.ReadDir(filepath.Dir(dir))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if len(names) != 1 {
		t.Errorf("beside the folder: %v", names)
	}
}

// What CONTRACT's readers check: strings and hashes computed by Python.
func TestSchemaAndFingerprint(t *testing.T) {
	for _, c := range []struct {
		latent       int
		packing      bam.Packing
		scale        float64
		schema, hash string
	}{
		{16, bam.Int16, 32767, "bam:latent_dim=16:packing=int16:scale=32767.0", "e62c2298ea8d9871976b36fd990cf44846b571a8f12b626e28c35046fab73252"},
		{8, bam.Int8, 19.810826519093133, "bam:latent_dim=8:packing=int8:scale=19.810826519093133", "681ea933728c5b67f90792b84e32d71ceec3ddfef0d43c9ce786335f36f9b6a4"},
		{4, bam.Float16, 0, "bam:latent_dim=4:packing=float16:scale=none", ""},
	} {
		m := Manifest{LatentDim: c.latent, Packing: c.packing, Scale: &c.scale}
		if got := m.Schema(); got != c.schema {
			t.Errorf("schema %q, want %q", got, c.schema)
		}
		if got := SchemaHash(m.Schema()); c.hash != "" && got != c.hash {
			t.Errorf("hash of %s is %s, want %s", c.schema, got, c.hash)
		}
	}
	a := Artifacts{CodecID: "bam", CodecVersion: "0", CreatedAt: "2026-01-02T03:04:05+00:00", PayloadSchemaHash: "e62c2298ea8d9871976b36fd990cf44846b571a8f12b626e28c35046fab73252"}
	if got, want := a.Fingerprint(), "cc6adf01c37eb9c522cf8f3cd3cd36fbe9d36064c0ae779f87c483eb0431d5d5"; got != want {
		t.Errorf("fingerprint %s, want %s", got, want)
	}
}

// edit changes a JSON file of the model.
func edit(t *testing.T, file string, change func(map[string]any)) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	change(v)
	if b, err = json.Marshal(v); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// tablesSet is testSet with two modes of tables for its two latents.
func tablesSet() *Set {
	set := testSet(1)
	set.Manifest.Packing = bam.BitPack
	set.Tables = &bam.Tables{PayloadBytes: 2, ModeBits: 1, Check: true}
	for i := range 2 {
		set.Tables.Modes = append(set.Tables.Modes, bam.Mode{
			Center: []float32{float32(i), 2}, Rotation: bam.Matrix{Rows: 1, Cols: 1, Data: []float32{1}},
			Bits: []uint8{5, 1}, Knots: [][]float32{{-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7}, {-1, 1}},
		})
	}
	return set
}

func TestContractV2(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "m")
	if _, err := Save(dir, tablesSet(), SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	m, err := Load(filepath.Join(dir, ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(*m.Tables), fmt.Sprint(*tablesSet().Tables); got != want {
		t.Errorf("tables %s, want %s", got, want)
	}
	if m.Manifest.ManifestVersion != "2" || m.Manifest.PayloadBytes() != 2 || m.Manifest.Schema() != "bam:latent_dim=2:packing=bitpack:payload_bytes=2:check=true" {
		t.Errorf("%+v, %s", m.Manifest, m.Manifest.Schema())
	}
	if _, ok := m.Files[BitPackFile]; !ok || len(m.Artifacts.Files) != 5 {
		t.Errorf("files %v", m.Artifacts.Files)
	}
	p, err := m.Packer()
	if err != nil {
		t.Fatal(err)
	}
	payload, err := p.AppendPack(nil, []float32{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	// The check byte ties the payload to the model's files.
	other := tablesSet()
	other.Layers[0].W.Data[0]++
	dir = filepath.Join(t.TempDir(), "m")
	if _, err := Save(dir, other, SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	if m, err = Load(filepath.Join(dir, ManifestFile)); err != nil {
		t.Fatal(err)
	}
	if p, err = m.Packer(); err != nil {
		t.Fatal(err)
	}
	if err := p.Unpack(make([]float32, 2), payload); !errors.Is(err, bam.ErrCorrupt) {
		t.Errorf("a payload of another model: %v", err)
	}
}

func TestHostileTables(t *testing.T) {
	files, _, err := encodeSet(tablesSet())
	if err != nil {
		t.Fatal(err)
	}
	var tables []byte
	for _, f := range files {
		if f.name == BitPackFile {
			tables = f.data
		}
	}
	good := BitPackInfo{Path: BitPackFile, PayloadBytes: 2, ModeBits: 1, Modes: 2, Rotation: 1, Check: true}
	if _, err := parseTables(BitPackFile, tables, &good, 2); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		edit    func(*BitPackInfo)
		latents int
		want    error
	}{
		{"more modes", func(b *BitPackInfo) { b.Modes = 3 }, 2, ErrMismatch},
		{"more latents", func(*BitPackInfo) {}, 3, ErrMismatch},
		{"more turned", func(b *BitPackInfo) { b.Rotation = 2 }, 2, ErrMismatch},
		{"too few mode bits", func(b *BitPackInfo) { b.ModeBits = 0 }, 2, ErrMalformed},
		{"too short a payload", func(b *BitPackInfo) { b.PayloadBytes = 1 }, 2, ErrMalformed},
	} {
		info := good
		c.edit(&info)
		if _, err := parseTables(BitPackFile, tables, &info, c.latents); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for n := range tables {
		if _, err := parseTables(BitPackFile, tables[:n], &good, 2); !errors.Is(err, ErrMalformed) {
			t.Errorf("first %d bytes: %v", n, err)
		}
	}
	for _, c := range []struct {
		name string
		edit func(map[string]any)
	}{
		{"version 1 with tables", func(v map[string]any) { v["manifest_version"] = "1" }},
		{"another packing with tables", func(v map[string]any) { v["packing"], v["scale"] = "int8", 127 }},
		{"no object", func(v map[string]any) { delete(v, "bitpack") }},
		{"no path", func(v map[string]any) { v["bitpack"].(map[string]any)["path"] = "" }},
		{"a huge payload", func(v map[string]any) { v["bitpack"].(map[string]any)["payload_bytes"] = 1e9 }},
	} {
		for _, f := range files {
			if f.name != ManifestFile {
				continue
			}
			var v map[string]any
			if err := json.Unmarshal(f.data, &v); err != nil {
				t.Fatal(err)
			}
			c.edit(v)
			b, _ := json.Marshal(v)
			if _, err := parseManifest(ManifestFile, b); err == nil {
				t.Errorf("%s passes", c.name)
			}
		}
	}
}

func FuzzTables(f *testing.F) {
	files, _, err := encodeSet(tablesSet())
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if file.name == BitPackFile {
			f.Add(file.data)
		}
	}
	info := BitPackInfo{Path: BitPackFile, PayloadBytes: 2, ModeBits: 1, Modes: 2, Rotation: 1}
	f.Fuzz(func(t *testing.T, data []byte) {
		if tables, err := parseTables(BitPackFile, data, &info, 2); err == nil && tables.Validate(2) != nil {
			t.Error("tables that do not serve pass")
		}
	})
}

func TestVerifyNamesWhatChanged(t *testing.T) {
	for _, c := range []struct {
		name, names string
		change      func(t *testing.T, dir string)
	}{
		{"one weight", "layer_1.npz", func(t *testing.T, dir string) {
			set := testSet(1)
			set.Layers[1].W.Data[3]++
			files, _, err := encodeSet(set)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if f.name == "layer_1.npz" {
					os.WriteFile(filepath.Join(dir, f.name), f.data, 0o644)
				}
			}
		}},
		{"one norm value", "norm.json", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, NormFile), func(v map[string]any) { v["mean"].([]any)[2] = 0.5 })
		}},
		{"one manifest field", "bam_manifest.json", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, ManifestFile), func(v map[string]any) { v["notes"] = "other" })
		}},
		{"the scale", "bam_manifest.json", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, ManifestFile), func(v map[string]any) { v["scale"] = 126.0 })
		}},
		{"a layer of another model", "layer_0.npz", func(t *testing.T, dir string) {
			b, err := os.ReadFile(filepath.Join(saved(t, 2), "layer_0.npz"))
			if err != nil {
				t.Fatal(err)
			}
			os.WriteFile(filepath.Join(dir, "layer_0.npz"), b, 0o644)
		}},
		{"artifacts.json of another model of one shape", "layer_0.npz", func(t *testing.T, dir string) {
			b, err := os.ReadFile(filepath.Join(saved(t, 2), ArtifactsFile))
			if err != nil {
				t.Fatal(err)
			}
			os.WriteFile(filepath.Join(dir, ArtifactsFile), b, 0o644)
		}},
		{"the model hash", "model_hash", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, ArtifactsFile), func(v map[string]any) { v["model_hash"] = strings.Repeat("0", 64) })
		}},
		{"the codec", "codec_id", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, ArtifactsFile), func(v map[string]any) { v["codec_version"] = "1" })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := saved(t, 1)
			c.change(t, dir)
			_, err := Load(filepath.Join(dir, ManifestFile))
			if !errors.Is(err, ErrMismatch) || !strings.Contains(fmt.Sprint(err), c.names) {
				t.Errorf("got %v, want %v that names %s", err, ErrMismatch, c.names)
			}
			if _, err := LoadUnverified(filepath.Join(dir, ManifestFile)); err != nil {
				t.Errorf("unverified: %v", err)
			}
		})
	}
}

func TestModelHashIsSha256sum(t *testing.T) {
	if _, err := exec.LookPath("sha256sum"); err != nil {
		t.Skip("no sha256sum here")
	}
	dir := saved(t, 1)
	cmd := exec.Command("sh", "-c", "sha256sum bam_manifest.json layer_*.npz norm.json | LC_ALL=C sort -k2 | sha256sum")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	m, err := Load(filepath.Join(dir, ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Fields(string(out))[0]; m.Hash() != want {
		t.Errorf("model hash %s, sha256sum prints %s", m.Hash(), want)
	}
}

// modelFS is a good model in memory, to be spoilt.
func modelFS(t testing.TB) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	files, _, err := encodeSet(testSet(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.name != ArtifactsFile {
			fsys["m/"+f.name] = &fstest.MapFile{Data: f.data}
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
			spoil(t, f, ManifestFile, func(v map[string]any) { v[key] = value })
		}
	}
	norm := func(text string) func(*testing.T, fstest.MapFS) {
		return func(_ *testing.T, f fstest.MapFS) { f["m/"+NormFile] = &fstest.MapFile{Data: []byte(text)} }
	}
	many := strings.Repeat("0,", 1e7)
	for _, c := range []struct {
		name   string
		change func(*testing.T, fstest.MapFS)
		want   error
		names  []string
	}{
		{"no manifest", func(_ *testing.T, f fstest.MapFS) { delete(f, "m/"+ManifestFile) }, ErrNotFound, []string{ManifestFile}},
		{"manifest is no JSON", func(_ *testing.T, f fstest.MapFS) { f["m/"+ManifestFile] = &fstest.MapFile{Data: []byte("{'a': 1}")} }, ErrMalformed, []string{ManifestFile}},
		{"manifest is null", func(_ *testing.T, f fstest.MapFS) { f["m/"+ManifestFile] = &fstest.MapFile{Data: []byte("null")} }, ErrMalformed, []string{ManifestFile}},
		{"manifest is deep", func(_ *testing.T, f fstest.MapFS) {
			f["m/"+ManifestFile] = &fstest.MapFile{Data: []byte(`{"notes":` + strings.Repeat("[", 1e5))}
		}, ErrMalformed, []string{ManifestFile}},
		{"manifest of 2 MiB", func(_ *testing.T, f fstest.MapFS) { f["m/"+ManifestFile] = &fstest.MapFile{Data: make([]byte, 2<<20)} }, ErrTooLarge, []string{ManifestFile}},
		{"wrong types, all named", func(t *testing.T, f fstest.MapFS) {
			spoil(t, f, ManifestFile, func(v map[string]any) {
				v["latent_dim"], v["packing"], v["encode_cycles"], v["scale"], v["train_split"] = "8", 5, 1.5, []int{1}, "no"
			})
		}, ErrMalformed, []string{"latent_dim", "packing", "encode_cycles", "scale", "train_split", "want a whole number"}},
		{"many faults, all named", func(t *testing.T, f fstest.MapFS) {
			spoil(t, f, ManifestFile, func(v map[string]any) {
				v["latent_dim"], v["window_W"], v["model_path"], v["delta"] = 0, -1, "", -3
				delete(v, "window_stride")
			})
		}, ErrMalformed, []string{"latent_dim: malformed: 0, want at least 1", "window_W", "model_path", "delta", "window_stride"}},
		{"huge latent_dim", manifest("latent_dim", 1<<40), ErrTooLarge, []string{"latent_dim"}},
		{"huge window", func(t *testing.T, f fstest.MapFS) {
			spoil(t, f, ManifestFile, func(v map[string]any) { v["input_dims"], v["window_W"] = 65536, 65536 })
		}, ErrTooLarge, []string{"window_W"}},
		{"another version", manifest("manifest_version", "7"), ErrUnsupported, []string{"manifest_version", `"7"`}},
		{"another format", manifest("model_format", "onnx"), ErrUnsupported, []string{"model_format"}},
		{"unknown packing", manifest("packing", "int4"), ErrUnsupported, []string{"packing", "int4"}},
		{"no scale", manifest("scale", nil), ErrMalformed, []string{"scale"}},
		{"scale 0", manifest("scale", 0), ErrMalformed, []string{"scale"}},
		{"scale beyond float32", manifest("scale", 1e200), ErrMalformed, []string{"scale"}},
		{"delta 0.7 with cycles", func(t *testing.T, f fstest.MapFS) {
			spoil(t, f, ManifestFile, func(v map[string]any) { v["delta"], v["decode_cycles"] = 0.7, 1 })
		}, ErrMalformed, []string{"delta"}},
		{"a billion cycles", manifest("encode_cycles", 1e9), ErrTooLarge, []string{"encode_cycles"}},
		{"latent_dim of another model", manifest("latent_dim", 3), ErrMismatch, []string{"latent_dim"}},
		{"window of another model", manifest("window_W", 1), ErrMismatch, nil},
		{"model_path leaves the tree", manifest("model_path", "../../etc"), ErrUnsupported, []string{"model_path"}},
		{"model_path absolute", manifest("model_path", "/etc"), ErrUnsupported, []string{"model_path"}},
		{"norm_path leaves the tree", manifest("norm_path", "../../../etc/passwd"), ErrUnsupported, []string{"norm_path"}},
		{"model_path missing", manifest("model_path", "elsewhere"), ErrNotFound, []string{"elsewhere"}},
		{"no layers", func(_ *testing.T, f fstest.MapFS) { delete(f, "m/layer_0.npz"); delete(f, "m/layer_1.npz") }, ErrNotFound, []string{"layer_0.npz"}},
		{"a layer missing", func(_ *testing.T, f fstest.MapFS) { delete(f, "m/layer_0.npz") }, ErrNotFound, []string{"layer_0.npz"}},
		{"a gap before a layer", func(_ *testing.T, f fstest.MapFS) { f["m/layer_9.npz"] = f["m/layer_1.npz"] }, ErrNotFound, []string{"layer_2.npz"}},
		{"a hundred layers", func(_ *testing.T, f fstest.MapFS) {
			for i := range 100 {
				f[fmt.Sprintf("m/layer_%d.npz", i)] = f["m/layer_0.npz"]
			}
		}, ErrTooLarge, nil},
		{"layers do not chain", func(_ *testing.T, f fstest.MapFS) { f["m/layer_1.npz"] = f["m/layer_0.npz"] }, ErrMismatch, []string{"layer_1.npz", "W"}},
		{"layer is garbage", func(_ *testing.T, f fstest.MapFS) { f["m/layer_1.npz"] = &fstest.MapFile{Data: []byte("PK")} }, ErrMalformed, []string{"layer_1.npz"}},
		{"layer of 100 MiB", func(_ *testing.T, f fstest.MapFS) { f["m/layer_1.npz"] = &fstest.MapFile{Data: make([]byte, 100<<20)} }, ErrTooLarge, []string{"layer_1.npz"}},
		{"norm missing", func(_ *testing.T, f fstest.MapFS) { delete(f, "m/"+NormFile) }, ErrNotFound, []string{NormFile}},
		{"norm with NaN", norm(`{"mean": [NaN,0,0,0,0,0], "std": [1,1,1,1,1,1]}`), ErrMalformed, []string{NormFile}},
		{"norm beyond float64", norm(`{"mean": [1e999,0,0,0,0,0], "std": [1,1,1,1,1,1]}`), ErrMalformed, []string{NormFile, "mean"}},
		{"norm with null", norm(`{"mean": null, "std": [1,1,1,1,1,1]}`), ErrMismatch, []string{NormFile, "mean"}},
		{"norm with a negative std", norm(`{"mean": [0,0,0,0,0,0], "std": [1,1,-1,1,1,1]}`), ErrMalformed, []string{"std", "-1"}},
		{"norm too short", norm(`{"mean": [0,0,0,0,0], "std": [1,1,1,1,1,1]}`), ErrMismatch, []string{"mean", "5 values, want 6"}},
		{"norm of 2·10^6 numbers, below the cap", norm(`{"mean": [` + many[:4e6] + `0], "std": [1]}`), ErrTooLarge, []string{NormFile}},
		{"norm of 10^7 numbers", norm(`{"mean": [` + many + `0], "std": [1]}`), ErrTooLarge, []string{NormFile}},
		{"artifacts.json is garbage", func(_ *testing.T, f fstest.MapFS) {
			f["m/"+ArtifactsFile] = &fstest.MapFile{Data: []byte(`{"codec_id": 7, "files": {"a": 1}}`)}
		}, ErrMalformed, []string{ArtifactsFile, "codec_id", "files"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := modelFS(t)
			if _, err := LoadFS(fsys, "m/"+ManifestFile); err != nil {
				t.Fatalf("before it was spoilt: %v", err)
			}
			c.change(t, fsys)
			var err error
			testenv.FewBytes(t, func() { _, err = LoadFS(fsys, "m/"+ManifestFile) })
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			var located *Error
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
	spoil(t, fsys, ManifestFile, func(v map[string]any) {
		v["trained_by"], v["delta"], v["encode_cycles"], v["notes"] = map[string]any{"x": 1}, nil, nil, nil
		v["LATENT_DIM"] = "another key"
	})
	if _, err := LoadFS(fsys, "m/"+ManifestFile); err != nil {
		t.Error(err)
	}
}

// On disk a manifest may point beside its folder; layer 10 comes after 9.
func TestPathsAndLayerOrder(t *testing.T) {
	dir := t.TempDir()
	set := testSet(1)
	for range 9 {
		l := bam.Layer{W: bam.NewMatrix(2, 2), V: bam.NewMatrix(2, 2)}
		l.W.Data[0] = float32(len(set.Layers))
		set.Layers = append(set.Layers, l)
	}
	if _, err := Save(filepath.Join(dir, "a"), set, SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(dir, "a", ManifestFile), func(v map[string]any) { v["model_path"], v["norm_path"] = "../a", "../a/norm.json" })
	b, _ := os.ReadFile(filepath.Join(dir, "a", ManifestFile))
	if err := os.MkdirAll(filepath.Join(dir, "b"), 0o755); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(dir, "b", ManifestFile), b, 0o644)
	m, err := Load(filepath.Join(dir, "b", ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Net.Layers) != 11 || m.Net.Layers[10].W.Data[0] != 10 {
		t.Errorf("%d layers, the last %v", len(m.Net.Layers), m.Net.Layers[len(m.Net.Layers)-1].W.Data)
	}
}

func TestSaveRefuses(t *testing.T) {
	dir := saved(t, 1)
	before := fileHashes(t, dir)
	if _, err := Save(dir, testSet(2), SaveOptions{}); !errors.Is(err, ErrExists) {
		t.Errorf("without force: %v", err)
	}
	os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o644)
	if _, err := Save(dir, testSet(2), SaveOptions{Force: true}); !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("a folder with another file: %v", err)
	}
	os.Remove(filepath.Join(dir, "thesis.tex"))
	if !maps.Equal(before, fileHashes(t, dir)) {
		t.Error("a refused save changed the folder")
	}
	if _, err := Save(dir, testSet(2), SaveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	m, err := Load(filepath.Join(dir, ManifestFile))
	if err != nil || m.Net.Layers[0].W.Data[0] != 2 {
		t.Errorf("after force: %v", err)
	}
	for _, c := range []struct {
		name   string
		change func(*Set)
		want   error
	}{
		{"payload over the limit", func(s *Set) { s.MaxPayloadBytes = 1 }, ErrTooLarge},
		{"no scale", func(s *Set) { s.Manifest.Scale = nil }, ErrMalformed},
		{"norm too short", func(s *Set) { s.Norm.Mean = s.Norm.Mean[1:]; s.Norm.Std = s.Norm.Std[1:] }, ErrMismatch},
		{"layers do not chain", func(s *Set) { s.Layers = s.Layers[:1]; s.Layers[0].V.Cols = 3 }, bam.ErrShape},
		{"window of another length", func(s *Set) { s.Manifest.WindowW = 1; s.Norm = nil }, ErrMismatch},
	} {
		set := testSet(1)
		c.change(set)
		place := filepath.Join(t.TempDir(), "x")
		if _, err := Save(place, set, SaveOptions{}); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if _, err := os.Stat(place); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: something was written", c.name)
		}
	}
}

func fileHashes(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = hash(b)
	}
	return out
}

// failingOps does the first n steps and then fails: once with an error, or for
// good, as a killed process. A write that fails leaves half of the file.
type failingOps struct {
	diskOps
	left int
	kill bool
}

var errFail = errors.New("the disk said no")

func (o *failingOps) step() error {
	o.left--
	if o.left == -1 || o.left < 0 && o.kill {
		return errFail
	}
	return nil
}

func (o *failingOps) readDir(dir string) ([]fs.DirEntry, error) {
	if err := o.step(); err != nil {
		return nil, err
	}
	return o.diskOps.readDir(dir)
}
func (o *failingOps) mkdirAll(dir string) error {
	if err := o.step(); err != nil {
		return err
	}
	return o.diskOps.mkdirAll(dir)
}
func (o *failingOps) mkdirTemp(parent, pattern string) (string, error) {
	if err := o.step(); err != nil {
		return "", err
	}
	return o.diskOps.mkdirTemp(parent, pattern)
}
func (o *failingOps) writeFile(path string, data []byte) error {
	if err := o.step(); err != nil {
		_ = o.diskOps.writeFile(path, data[:len(data)/2])
		return err
	}
	return o.diskOps.writeFile(path, data)
}
func (o *failingOps) syncDir(dir string) error {
	if err := o.step(); err != nil {
		return err
	}
	return o.diskOps.syncDir(dir)
}
func (o *failingOps) rename(from, to string) error {
	if err := o.step(); err != nil {
		return err
	}
	return o.diskOps.rename(from, to)
}
func (o *failingOps) removeAll(dir string) error {
	if err := o.step(); err != nil {
		return err
	}
	return o.diskOps.removeAll(dir)
}

// Whatever step fails, alone or with all that follow it as when the process is
// killed, a whole model stands in the folder, or beside it under a name that
// Load's error gives; and Load never returns a mix.
func TestSaveFailsAtEveryStep(t *testing.T) {
	for _, kill := range []bool{false, true} {
		for _, fresh := range []bool{false, true} {
			t.Run(fmt.Sprintf("kill %v, new folder %v", kill, fresh), func(t *testing.T) {
				for step := 0; ; step++ {
					parent := t.TempDir()
					dir := filepath.Join(parent, "model")
					if !fresh {
						if _, err := Save(dir, testSet(1), SaveOptions{}); err != nil {
							t.Fatal(err)
						}
					}
					ops := &failingOps{left: step, kill: kill}
					_, saveErr := save(ops, dir, testSet(2), SaveOptions{Force: true})
					if ops.left >= 0 {
						if saveErr != nil {
							t.Fatalf("nothing failed: %v", saveErr)
						}
						return // every step has failed once
					}
					if saveErr == nil {
						t.Errorf("step %d failed without an error", step)
					}
					m, err := Load(filepath.Join(dir, ManifestFile))
					if err != nil {
						if fresh && !strings.Contains(err.Error(), newInfix) {
							continue // there was none before, and there is none now
						}
						entries, _ := filepath.Glob(filepath.Join(parent, "model.*"))
						named := slices.IndexFunc(entries, func(e string) bool { return strings.Contains(err.Error(), e) })
						if named < 0 {
							t.Fatalf("step %d: %v; the folder holds %v", step, err, entries)
						}
						if m, err = Load(filepath.Join(entries[named], ManifestFile)); err != nil {
							t.Fatalf("step %d: the model named does not load: %v", step, err)
						}
					}
					if w := m.Net.Layers[0].W.Data[0]; w != m.Net.Layers[1].W.Data[0] || w != 1 && w != 2 {
						t.Errorf("step %d: a mix: %v", step, m.Net.Layers)
					}
					if !kill {
						left, _ := filepath.Glob(filepath.Join(parent, "model"+newInfix+"*"))
						if len(left) > 0 && err == nil {
							t.Errorf("step %d left %v behind", step, left)
						}
					}
				}
			})
		}
	}
}

func FuzzManifest(f *testing.F) {
	files, _, err := encodeSet(testSet(1))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if file.name == ManifestFile {
			f.Add(file.data)
		}
	}
	f.Add([]byte(`{"latent_dim": 1e2, "scale": null, "train_split": {}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseManifest(ManifestFile, data)
		if err != nil {
			return
		}
		if _, err := (&Model{Manifest: m}).Packer(); m.BitPack == nil && err != nil {
			t.Errorf("a valid manifest without a packer: %v", err)
		}
		if m.WindowLen() < 1 || m.WindowLen() > MaxWindowLen || m.Schema() == "" {
			t.Errorf("window of %d", m.WindowLen())
		}
	})
}

func FuzzNorm(f *testing.F) {
	f.Add([]byte(`{"mean": [1, 2], "std": [1, 0]}`))
	f.Add([]byte(`{"mean": [1e400, 2], "std": [-0, 1]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := parseNorm(NormFile, data, 2)
		if err == nil && (n.Validate() != nil || len(n.Mean) != 2) {
			t.Errorf("%+v passes", n)
		}
	})
}

func FuzzArtifacts(f *testing.F) {
	files, _, err := encodeSet(testSet(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(files[len(files)-1].data)
	f.Fuzz(func(t *testing.T, data []byte) {
		if a, err := parseArtifacts(ArtifactsFile, data); err == nil && len(a.Fingerprint()) != 64 {
			t.Error("no fingerprint")
		}
	})
}
