package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/examples/cli/clitest"
	"github.com/loralink/loralink-go/internal/testenv"
)

func program(args ...string) (string, error) {
	var out bytes.Buffer
	err := run(context.Background(), args, &out, &bytes.Buffer{})
	return out.String(), err
}

func wants(t *testing.T, out string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(out, w) {
			t.Errorf("the output lacks %q:\n%s", w, out)
		}
	}
}

// model copies the embedded model.
func model(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if err := os.CopyFS(dir, os.DirFS(testenv.Repo("examples", "embed", "model"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestShowsWhatIsThere(t *testing.T) {
	dir := model(t)
	data := filepath.Join(t.TempDir(), "dataset_raw.jsonl")
	if _, err := dataset.WriteFile(data, dataset.Windows(dataset.OpenSamples(testenv.Repo("testdata", "walk.jsonl"), dataset.SampleSettings{}), dataset.WindowerSettings{})); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "bam_manifest.json")} {
		out, err := program("--bam-manifest", path, "--dataset", data)
		if err != nil {
			t.Fatal(err)
		}
		wants(t, out, "12 dims", "W 6×12", "int8: 6 bytes", "scale", "ratio 0.8, seed 0", "bam:latent_dim=6", "model_hash", "fingerprint",
			"SF12", "latent 5", "saturated", "layer_0.npz", "matches")
	}
	for _, name := range []string{"cubic_cycles_float32", "deep_int16", "no_norm_float32", "window4_int8"} {
		out, err := program("--bam-manifest", testenv.Repo("testdata", "golden", name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		wants(t, out, "nothing to verify by", "layer 0")
	}
}

func TestChangedFiles(t *testing.T) {
	for _, c := range []struct{ file, old, new string }{
		{"bam_manifest.json", "trained on", "made of"},
		{"norm.json", "\n", "\n\n"},
	} {
		dir := model(t)
		path := filepath.Join(dir, c.file)
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), c.old) {
			t.Fatalf("%s: %v", text, err)
		}
		os.WriteFile(path, []byte(strings.Replace(string(text), c.old, c.new, 1)), 0o644)
		out, err := program("--bam-manifest", dir)
		if err == nil || !strings.Contains(err.Error(), c.file) {
			t.Errorf("%s: %v", c.file, err)
		}
		wants(t, out, "does not match", c.file+"  changed", "W 6×12")
	}
}

func TestBadInput(t *testing.T) {
	dir := model(t)
	for _, c := range []struct {
		name  string
		args  []string
		usage bool
		names []string
	}{
		{"nothing", nil, true, []string{"--bam-manifest"}},
		{"a folder without a model", []string{"--bam-manifest", t.TempDir()}, false, []string{"bam_manifest.json", "not found"}},
		{"missing data set", []string{"--bam-manifest", dir, "--dataset", "no/such.jsonl"}, false, []string{"no/such.jsonl"}},
		{"argument", []string{"--bam-manifest", dir, "model"}, true, []string{"model"}},
	} {
		_, err := program(c.args...)
		clitest.Refused(t, c.name, err, c.usage, c.names...)
	}
}

func TestDescribesAPrior(t *testing.T) {
	windows := dataset.Windows(dataset.OpenSamples(testenv.Repo("testdata", "walk.jsonl"), dataset.SampleSettings{}), dataset.WindowerSettings{W: 1})
	r, err := fit.Prior(t.Context(), nil, fit.Values(windows))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "prior.json")
	if err := r.Save(path); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--prior", path}, &out, &bytes.Buffer{}); err != nil || !strings.Contains(out.String(), "profile full") || !strings.Contains(out.String(), "yaw") {
		t.Errorf("%v\n%s", err, out.String())
	}
	if err := run(t.Context(), []string{"--prior", path, "--bam-manifest", path}, &out, &bytes.Buffer{}); err == nil {
		t.Error("a model and a prior: no error")
	}
}
