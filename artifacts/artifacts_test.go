package artifacts_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/testmodel"
)

func TestSaveLoad(t *testing.T) {
	dir := testmodel.Saved(t, 1)
	m, err := artifacts.Load(filepath.Join(dir, artifacts.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	set := testmodel.Contents(1)
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
	same, err := artifacts.LoadFS(os.DirFS(filepath.Dir(dir)), "model/"+artifacts.ManifestFile)
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

// The wanted hashes were computed by Python.
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
		m := artifacts.Manifest{LatentDim: c.latent, Packing: c.packing, Scale: &c.scale}
		if got := m.Schema(); got != c.schema {
			t.Errorf("schema %q, want %q", got, c.schema)
		}
		if got := artifacts.SchemaHash(m.Schema()); c.hash != "" && got != c.hash {
			t.Errorf("hash of %s is %s, want %s", c.schema, got, c.hash)
		}
	}
	a := artifacts.Artifacts{CodecID: "bam", CodecVersion: "0", CreatedAt: "2026-01-02T03:04:05+00:00", PayloadSchemaHash: "e62c2298ea8d9871976b36fd990cf44846b571a8f12b626e28c35046fab73252"}
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

func TestVerifyNamesWhatChanged(t *testing.T) {
	for _, c := range []struct {
		name, names string
		change      func(t *testing.T, dir string)
	}{
		{"one weight", "layer_1.npz", func(t *testing.T, dir string) {
			set := testmodel.Contents(1)
			set.Layers[1].W.Data[3]++
			files, _, err := save.Encode(set)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if f.Name == "layer_1.npz" {
					os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o644)
				}
			}
		}},
		{"one norm value", "norm.json", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, artifacts.NormFile), func(v map[string]any) { v["mean"].([]any)[2] = 0.5 })
		}},
		{"one manifest field", "bam_manifest.json", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, artifacts.ManifestFile), func(v map[string]any) { v["notes"] = "other" })
		}},
		{"the scale", "bam_manifest.json", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, artifacts.ManifestFile), func(v map[string]any) { v["scale"] = 126.0 })
		}},
		{"a layer of another model", "layer_0.npz", func(t *testing.T, dir string) {
			b, err := os.ReadFile(filepath.Join(testmodel.Saved(t, 2), "layer_0.npz"))
			if err != nil {
				t.Fatal(err)
			}
			os.WriteFile(filepath.Join(dir, "layer_0.npz"), b, 0o644)
		}},
		{"artifacts.json of another model of one shape", "layer_0.npz", func(t *testing.T, dir string) {
			b, err := os.ReadFile(filepath.Join(testmodel.Saved(t, 2), artifacts.ArtifactsFile))
			if err != nil {
				t.Fatal(err)
			}
			os.WriteFile(filepath.Join(dir, artifacts.ArtifactsFile), b, 0o644)
		}},
		{"the model hash", "model_hash", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, artifacts.ArtifactsFile), func(v map[string]any) { v["model_hash"] = strings.Repeat("0", 64) })
		}},
		{"the codec", "codec_id", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, artifacts.ArtifactsFile), func(v map[string]any) { v["codec_version"] = "1" })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := testmodel.Saved(t, 1)
			c.change(t, dir)
			_, err := artifacts.Load(filepath.Join(dir, artifacts.ManifestFile))
			if !errors.Is(err, artifacts.ErrMismatch) || !strings.Contains(fmt.Sprint(err), c.names) {
				t.Errorf("got %v, want %v that names %s", err, artifacts.ErrMismatch, c.names)
			}
			if _, err := artifacts.LoadUnverified(filepath.Join(dir, artifacts.ManifestFile)); err != nil {
				t.Errorf("unverified: %v", err)
			}
		})
	}
}

func TestModelHashIsSha256sum(t *testing.T) {
	if _, err := exec.LookPath("sha256sum"); err != nil {
		t.Skip("no sha256sum here")
	}
	dir := testmodel.Saved(t, 1)
	cmd := exec.Command("sh", "-c", "sha256sum bam_manifest.json layer_*.npz norm.json | LC_ALL=C sort -k2 | sha256sum")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	m, err := artifacts.Load(filepath.Join(dir, artifacts.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Fields(string(out))[0]; m.Hash() != want {
		t.Errorf("model hash %s, sha256sum prints %s", m.Hash(), want)
	}
}

// What is not a manifest gets one sentence, not a list of its missing fields.
func TestLoadOtherFiles(t *testing.T) {
	dir := testmodel.Saved(t, 1)
	for name, want := range map[string]string{
		"":                       "malformed: found a folder, want the path of the bam_manifest.json in it",
		artifacts.NormFile:       "unsupported: this is a norm.json, a part of a model, want the bam_manifest.json of a model's folder",
		artifacts.ArtifactsFile:  "unsupported: this is an artifacts.json, the hashes of a model, want the bam_manifest.json of a model's folder",
		artifacts.LayerFile(0):   "malformed: ",
		"x" + artifacts.NormFile: "not found",
	} {
		path := filepath.Join(dir, name)
		want = "artifacts: " + path + ": " + want
		_, err := artifacts.Load(path)
		_, manifestErr := artifacts.LoadManifest(path)
		for _, err := range []error{err, manifestErr} {
			if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	}
}

// A changed norm.json is one fault, though artifacts.json has its hash twice.
func TestChangedNormIsOneFault(t *testing.T) {
	dir := testmodel.Saved(t, 1)
	edit(t, filepath.Join(dir, artifacts.NormFile), func(v map[string]any) { v["mean"].([]any)[2] = 0.5 })
	_, err := artifacts.Load(filepath.Join(dir, artifacts.ManifestFile))
	if text := fmt.Sprint(err); strings.Contains(text, "\n") || !strings.Contains(text, "norm.json has SHA-256 ") || !strings.Contains(text, ", want ") {
		t.Errorf("got %s", text)
	}
	edit(t, filepath.Join(dir, artifacts.ArtifactsFile), func(v map[string]any) { delete(v, "files"); delete(v, "model_hash") })
	_, err = artifacts.Load(filepath.Join(dir, artifacts.ManifestFile))
	if text := fmt.Sprint(err); strings.Contains(text, "\n") || !strings.Contains(text, "norm_params_hash") {
		t.Errorf("without files: got %s", text)
	}
}

func TestNewModelHasNoHash(t *testing.T) {
	m := artifacts.NewModel(testmodel.Contents(1))
	if m.Hash() != "" {
		t.Errorf("hash %q of a model without files", m.Hash())
	}
	if p, err := m.Packer(); err != nil || p.PayloadLen() != 2 {
		t.Errorf("packer %v, %v", p, err)
	}
}
