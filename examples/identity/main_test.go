package main

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/examples/cli/clitest"
	"github.com/loralink/loralink-go/internal/testenv"
)

func program(args ...string) (string, error) {
	var out bytes.Buffer
	err := run(context.Background(), args, &out, &bytes.Buffer{})
	return out.String(), err
}

var golden = testenv.Repo("testdata", "golden", "linear_int16", "bam_manifest.json")

// bare is a manifest without a model.
func bare(t *testing.T, change ...string) string {
	t.Helper()
	text := `{"manifest_version": "1", "model_format": "layer_npz_v1", "model_path": ".", "latent_dim": 12, "packing": "float32",
	"input_dims": 12, "window_W": 1, "window_stride": 1}`
	for i := 0; i+1 < len(change); i += 2 {
		text = strings.Replace(text, change[i], change[i+1], 1)
	}
	path := filepath.Join(t.TempDir(), "bam_manifest.json")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPassesWindowsThrough(t *testing.T) {
	window := []float64{48, 11.5, 510, 0.5, -0.25, 9.75, 1, 2, 3, 4, 5, 85.63734789545354} // the last is constant in that norm
	for _, c := range []struct {
		name     string
		args     []string
		keeps    int // values that come back; the others are 0
		within   float64
		payloads int
	}{
		{"whole", []string{"--bam-manifest", bare(t)}, 12, 1e-5, 48},
		{"truncated", []string{"--bam-manifest", bare(t, `"latent_dim": 12`, `"latent_dim": 3`)}, 3, 0, 12},
		{"fewer latents by flag", []string{"--bam-manifest", bare(t), "--latent-dim", "2"}, 2, 0, 8},
		{"integers", []string{"--bam-manifest", bare(t), "--packing", "int16", "--scale", "50"}, 12, 0.0101, 24},
		{"a model's sizes and norm", []string{"--bam-manifest", golden, "--latent-dim", "12", "--packing", "float32"}, 12, 1e-3, 48},
	} {
		dir := filepath.Join(t.TempDir(), "m")
		out, err := program(append(c.args, "--out-dir", dir)...)
		if err != nil || !strings.Contains(out, dir) {
			t.Errorf("%s: %v\n%s", c.name, err, out)
			continue
		}
		m, err := codec.LoadBAM(filepath.Join(dir, artifacts.ManifestFile))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		payload, err := m.AppendEncode(nil, window)
		if err != nil || len(payload) != c.payloads {
			t.Errorf("%s: %d bytes, %v, want %d", c.name, len(payload), err, c.payloads)
			continue
		}
		back, err := m.AppendDecode(nil, payload)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for i, v := range window {
			if i >= c.keeps {
				v = 0
			}
			if math.Abs(back[i]-v) > c.within {
				t.Errorf("%s: value %d comes back as %g, want %g", c.name, i, back[i], v)
			}
		}
	}
}

func TestBadInput(t *testing.T) {
	full := t.TempDir()
	os.WriteFile(filepath.Join(full, "thesis.tex"), nil, 0o644)
	dir := filepath.Join(t.TempDir(), "m")
	for _, c := range []struct {
		name  string
		args  []string
		usage bool
		names []string
	}{
		{"no manifest", []string{"--out-dir", dir}, true, []string{"--bam-manifest"}},
		{"no folder", []string{"--bam-manifest", golden}, true, []string{"--out-dir"}},
		{"missing manifest", []string{"--bam-manifest", "no/such.json", "--out-dir", dir}, false, []string{"no/such.json", "not found"}},
		{"a broken manifest", []string{"--bam-manifest", bare(t, `"window_W": 1,`, ``), "--out-dir", dir}, false, []string{"window_W"}},
		{"more latents than values", []string{"--bam-manifest", golden, "--latent-dim", "13", "--out-dir", dir}, false, []string{"13", "12"}},
		{"payload over the limit", []string{"--bam-manifest", bare(t), "--max-payload-bytes", "47", "--out-dir", dir}, false, []string{"48", "47"}},
		{"packing", []string{"--bam-manifest", golden, "--packing", "int7", "--out-dir", dir}, true, []string{"int7"}},
		{"scale", []string{"--bam-manifest", golden, "--scale", "-1", "--out-dir", dir}, true, []string{"--scale"}},
		{"a folder that exists", []string{"--bam-manifest", golden, "--out-dir", full}, false, []string{full, "--force"}},
		{"a folder with other files", []string{"--bam-manifest", golden, "--out-dir", full, "--force"}, false, []string{"thesis.tex"}},
	} {
		_, err := program(c.args...)
		clitest.Refused(t, c.name, err, c.usage, c.names...)
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: something was written", c.name)
			os.RemoveAll(dir)
		}
	}
}
