package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/bam/sweep"
	"github.com/loralink/loralink-go/examples/cli/clitest"
	"github.com/loralink/loralink-go/internal/testenv"
)

func program(args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	err = run(context.Background(), args, &out, &errs)
	return out.String(), errs.String(), err
}

// dataFile writes a data set of n windows of dims values.
func dataFile(t *testing.T, n, dims int) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		values := make([]float64, dims)
		for d := range values {
			values[d] = math.Sin(float64(i)/float64(3+d%4)) + float64(d)
		}
		line, err := json.Marshal(map[string]any{"window_id": i, "ts_ms": 1000 * i, "window": values})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	path := filepath.Join(t.TempDir(), "dataset_raw.jsonl")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func readReport(t *testing.T, dir string) *sweep.Report {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "sweep_report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r sweep.Report
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

func TestSweep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	args := []string{"--dataset", dataFile(t, 200, 12), "--out-dir", dir, "--latent-dims", "2,4,500", "--hidden-dims", "8,6;", "--packings", "int16, int8",
		"--deltas", "0,0.1", "--encode-cycles", "0,1", "--decode-cycles", "0", "--auto-scale", "--methods", "pca,febam", "--epochs", "3"}
	out, errs, err := program(args...)
	if err != nil || errs != "" {
		t.Fatalf("%v, %s", err, errs)
	}
	r := readReport(t, dir)
	// 2 packings, 2 sizes and one too large, 2 architectures, 2 deltas, 2 cycles, 2 methods
	if len(r.Results) != 64 || len(r.Skipped) != 32 || r.Dataset != "dataset_raw.jsonl" {
		t.Errorf("%d results, %d skipped, data set %q", len(r.Results), len(r.Skipped), r.Dataset)
	}
	if !strings.Contains(out, "32 combinations skipped") || !strings.Contains(out, "\n  mean ") {
		t.Errorf("printed\n%s", out)
	}
	for _, p := range r.ParetoZScored {
		if !strings.Contains(out, p.ModelID) {
			t.Errorf("the table lacks %s:\n%s", p.ModelID, out)
		}
		if _, err := os.Stat(filepath.Join(dir, r.Result(p.ModelID).ModelDir, "bam_manifest.json")); err != nil {
			t.Errorf("model_dir: %v", err)
		}
	}
	csv, err := os.ReadFile(filepath.Join(dir, "sweep.csv"))
	if err != nil || bytes.Count(csv, []byte("\n")) != 65 {
		t.Errorf("sweep.csv: %v\n%s", err, csv)
	}
	for _, name := range []string{"error_by_bytes.png", "error_by_group.png", "learning_curves.png"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		img, err := png.Decode(f)
		f.Close()
		if err != nil || img.Bounds().Dx() < 800 {
			t.Errorf("%s: %v", name, err)
		}
	}

	// The same command finds all models finished and writes the same report.
	before, _ := os.ReadFile(filepath.Join(dir, "sweep_report.json"))
	if again, _, err := program(args...); err != nil || again != out {
		t.Errorf("again: %v\n%s", err, again)
	}
	if after, _ := os.ReadFile(filepath.Join(dir, "sweep_report.json")); !bytes.Equal(before, after) {
		t.Error("again, the report differs")
	}
	// Another training of one name is not put in their place.
	_, _, err = program(append(args, "--auto-scale=false")...)
	if err == nil || !strings.Contains(err.Error(), "--force") || !strings.Contains(err.Error(), "--out-dir") {
		t.Errorf("with other settings: %v", err)
	}
}

// Windows that are no samples have no groups, closed forms no curves.
func TestOtherWindows(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	out, _, err := program("--dataset", dataFile(t, 100, 6), "--out-dir", dir, "--window-W", "2", "--latent-dims", "2", "--packings", "int8",
		"--methods", "pca", "--split", "time", "--train-ratio", "0.6")
	if err != nil || !strings.Contains(out, "60 windows of 6 values") {
		t.Fatalf("%v\n%s", err, out)
	}
	if r := readReport(t, dir); r.Dims != 3 || r.SplitMethod != "time" || *r.TrainRatio != 0.6 || *r.CutTsMs != 60000 || r.SplitSeed != nil {
		t.Errorf("%+v", r)
	}
	for name, want := range map[string]bool{"error_by_bytes.png": true, "error_by_group.png": false, "learning_curves.png": false} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFirstCommand(t *testing.T) {
	t.Chdir(testenv.Repo())
	dir := filepath.Join(t.TempDir(), "s")
	out, _, err := program("--out-dir", dir, "--methods", "pca", "--payload-bytes", "2", "--plots=false")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"testdata/walk.jsonl", "int8-8_pca", "bitpack-2_pca", "Gaussian bound", "mean"} {
		if !strings.Contains(out, want) {
			t.Errorf("printed without %q:\n%s", want, out)
		}
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "*.png")); len(found) > 0 {
		t.Errorf("plots %v, want none", found)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := run(ctx, []string{"--dataset", dataFile(t, 50, 4), "--out-dir", filepath.Join(t.TempDir(), "s")}, &bytes.Buffer{}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "interrupted") || !strings.Contains(err.Error(), "same command") {
		t.Errorf("got %v", err)
	}
}

func TestBadInput(t *testing.T) {
	good := dataFile(t, 40, 4)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		args  []string
		usage bool
		names []string
	}{
		{"missing file", []string{"--dataset", "no/such.jsonl"}, false, []string{"no/such.jsonl"}},
		{"empty data set", []string{"--dataset", dataFile(t, 0, 4)}, false, []string{"dataset_raw.jsonl"}},
		{"one window", []string{"--dataset", dataFile(t, 1, 4), "--split", "time"}, false, []string{"time", "train"}},
		{"packing", []string{"--dataset", good, "--packings", "int8,int7"}, true, []string{"int7", "bitpack"}},
		{"no latents", []string{"--dataset", good, "--packings", "int8", "--latent-dims", "0"}, true, []string{"latent-dims", "0"}},
		{"all too long", []string{"--dataset", good, "--packings", "int8", "--latent-dims", "300"}, false, []string{"300", "238"}},
		{"max payload", []string{"--dataset", good, "--max-payload-bytes", "0"}, true, []string{"max-payload-bytes"}},
		{"method", []string{"--methods", "pca,magic"}, true, []string{"methods", "magic", "febam"}},
		{"hidden dims", []string{"--hidden-dims", "24;x"}, true, []string{"hidden-dims", "x"}},
		{"deltas", []string{"--deltas", "0.1;0.2"}, true, []string{"deltas", "0.1;0.2"}},
		{"bytes without bitpack", []string{"--packings", "int8", "--payload-bytes", "2"}, true, []string{"payload-bytes", "bitpack"}},
		{"split", []string{"--split", "weekday"}, true, []string{"weekday"}},
		{"unwritable folder", []string{"--dataset", good, "--out-dir", file}, false, []string{file}},
		{"window of other dims", []string{"--dataset", good, "--input-dims", "12"}, false, []string{"12"}},
		{"unknown flag", []string{"--latent-dim", "3"}, true, []string{"latent-dim"}},
		{"arguments", []string{good, "dataset.jsonl"}, true, []string{"dataset.jsonl"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			_, _, err := program(c.args...)
			clitest.Refused(t, c.name, err, c.usage, c.names...)
		})
	}
}
