package loralink_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/radio/sim/study"
	"github.com/loralink/loralink-go/runspec"
)

// reference copies the reference's files to a new working directory, and writes the
// model that its configs/examples/bam_manifest.json names.
func reference(t *testing.T) {
	t.Helper()
	from, dir := testenv.Shared(t, "reference"), t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	manifest := filepath.Join("configs", "examples", "bam_manifest.json")
	m, err := artifacts.LoadManifest(manifest)
	if err != nil {
		t.Fatal(err)
	}
	n := m.WindowLen()
	layer := bam.Layer{W: bam.NewMatrix(m.LatentDim, n), V: bam.NewMatrix(n, m.LatentDim)}
	norm := &bam.Norm{Mean: make([]float64, n), Std: make([]float64, n)}
	for i := range n {
		norm.Std[i] = 100
	}
	for k := range m.LatentDim {
		layer.W.Row(k)[k], layer.V.Row(k)[k] = 1, 1
	}
	contents := &artifacts.Contents{Manifest: *m, Layers: []bam.Layer{layer}, Norm: norm, CreatedAt: time.Unix(0, 0)}
	if _, err := save.Fill(manifest, contents, nil); err != nil {
		t.Fatal(err)
	}
}

// Every RunSpec of the reference opens, and each sender delivers 20 windows to the
// receiver of its name.
func TestReferenceRunSpecs(t *testing.T) {
	walk, err := filepath.Abs(testenv.Repo("testdata", "walk.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	reference(t)
	pairs := 0
	for _, pattern := range []string{"tx*.yaml", "tx*.json"} {
		names, err := filepath.Glob(filepath.Join("configs", "examples", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			pairs++
			t.Run(filepath.Base(name), func(t *testing.T) {
				var ignored []string
				settings := &endpoint.Settings{Warn: func(err error) { ignored = append(ignored, err.Error()) }}
				tx, err := endpoint.Open(name, runspec.RoleTX, settings)
				if err != nil {
					t.Fatal(err)
				}
				rx, err := endpoint.Open(filepath.Join(filepath.Dir(name), "r"+strings.TrimPrefix(filepath.Base(name), "t")), runspec.RoleRX, settings)
				if err != nil {
					t.Fatal(err)
				}
				if len(ignored) > 0 {
					t.Errorf("ignored parameters: %q", ignored)
				}
				windows, err := (&endpoint.SourceSettings{Samples: walk}).Windows(t.Context(), tx.Spec(), 0)
				if err != nil {
					t.Fatal(err)
				}
				report, err := study.Replay(t.Context(), tx, rx, windows, nil)
				if err != nil {
					t.Fatal(err)
				}
				if got := report.Runs[0].Metrics.Delivered; got != 20 {
					t.Errorf("delivered %d windows, want 20", got)
				}
			})
		}
	}
	if pairs != 10 {
		t.Errorf("found %d pairs, want 10", pairs)
	}
}

// The reference took the hash of norm.json before its line ends were converted.
func TestReferenceModel(t *testing.T) {
	reference(t)
	dir := filepath.Join("models", "review_lat2")
	c, err := codec.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.MaxPayloadLen(); got != 4 {
		t.Errorf("payloads of %d bytes, want 4", got)
	}
	norm := filepath.Join(dir, "norm.json")
	text, err := os.ReadFile(norm)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(norm, bytes.Replace(text, []byte("."), []byte(".1"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := codec.Load(dir); err == nil || !strings.Contains(err.Error(), "norm_params_hash") {
		t.Errorf("with another norm: %v, want a mismatch of norm_params_hash", err)
	}
	var warned error
	if _, err := codec.LoadUnverified(dir, func(err error) { warned = err }); err != nil || warned == nil {
		t.Errorf("unverified: %v, warned of %v", err, warned)
	}
}

// The guide's lines run with only the program's name changed.
func TestGuideLines(t *testing.T) {
	bin := t.TempDir()
	reference(t)
	root := testenv.Repo()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin+string(filepath.Separator), "./examples/...")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile("FLAGS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, guide, ok := strings.Cut(string(text), "## The guide's lines")
	if !ok {
		t.Fatal("FLAGS.md has no lines of the guide")
	}
	names := map[string]string{"phase2_train_bam.py": "train", "eval_bam_dataset.py": "eval", "phase2_sweep_bam.py": "sweep", "cli tx": "tx", "cli rx": "rx", "validate_run.py": "validate"}
	lines := []string{"samples --simulate 300 --out out/dataset_raw.jsonl"}
	for line := range strings.Lines(guide) {
		for theirs, ours := range names {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(line), theirs+" "); ok {
				lines = append(lines, ours+" "+strings.ReplaceAll(rest, "<model_id>", "a"))
			}
		}
	}
	if len(lines) < 6 {
		t.Fatalf("found %q, want five lines of the guide or more", lines)
	}
	for _, line := range lines {
		words := strings.Fields(line)
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, words[0]), words[1:]...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
}
