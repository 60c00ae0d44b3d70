package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/examples/cli/clitest"
	"github.com/loralink/loralink-go/internal/testenv"
)

// dataFile writes a data set of n windows and what follows them.
func dataFile(t *testing.T, n int, tail string) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		line, err := json.Marshal(map[string]any{"window_id": i, "window": []int{i % 7, i % 3, i % 5, 4}})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	path := filepath.Join(t.TempDir(), "dataset_raw.jsonl")
	if err := os.WriteFile(path, []byte(b.String()+tail), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func program(args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	err = run(context.Background(), args, &out, &errs)
	return out.String(), errs.String(), err
}

func TestFirstCommand(t *testing.T) {
	t.Chdir(testenv.Repo())
	dir := filepath.Join(t.TempDir(), "m")
	record := filepath.Join(t.TempDir(), "phase2.yaml")
	out, _, err := program("--out-dir", dir, "--record", filepath.Join("examples", "records", "phase2.yaml"), "--record-out", record)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"model_id: m\n", "type: int8\n", "mae: 0.", "zscored_mse: 0."} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the record lacks %q:\n%s", want, text)
		}
	}
	for _, want := range []string{"8 B", "30 B", "SF7", "SF12", "zscored.mse", "position", "angular rate", "mean", "PCA int8", dir} {
		if !strings.Contains(out, want) {
			t.Errorf("the report lacks %q:\n%s", want, out)
		}
	}
	if _, err := artifacts.Load(filepath.Join(dir, artifacts.ManifestFile)); err != nil {
		t.Error(err)
	}
}

func TestWithoutOutDirTwice(t *testing.T) {
	data := dataFile(t, 50, "")
	t.Chdir(t.TempDir())
	for range 2 {
		if _, _, err := program("--dataset", data, "--latent-dim", "2"); err != nil {
			t.Fatal(err)
		}
	}
	if found, _ := filepath.Glob("out/models/*/bam_manifest.json"); len(found) != 2 {
		t.Errorf("models %v, want two", found)
	}
}

func TestOutIsAFile(t *testing.T) {
	data := dataFile(t, 50, "")
	t.Chdir(t.TempDir())
	if err := os.WriteFile("out", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := program("--dataset", data, "--latent-dim", "2"); err == nil || !strings.Contains(err.Error(), "out") {
		t.Errorf("got %v, want an error that names out", err)
	}
}

func TestReportHoldsNoPlaceOrTime(t *testing.T) {
	data := dataFile(t, 50, "")
	var reports [2][]byte
	for i := range reports {
		dir := filepath.Join(t.TempDir(), "m")
		if _, _, err := program("--dataset", data, "--out-dir", dir, "--method", "febam", "--epochs", "2", "--hidden-dims", "3", "--latent-dim", "2"); err != nil {
			t.Fatal(err)
		}
		var err error
		if reports[i], err = os.ReadFile(filepath.Join(dir, artifacts.TrainReportFile)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(reports[0], reports[1]) {
		t.Error("two runs wrote two reports")
	}
	var r map[string]any
	if err := json.Unmarshal(reports[0], &r); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"dataset", "out_dir", "packing", "scale", "delta", "encode_cycles", "expected_payload_bytes", "cost", "norm_windows", "layer_reports", "hyper_parameters"} {
		if _, ok := r[key]; !ok {
			t.Errorf("the report lacks %s", key)
		}
	}
	if h := r["hyper_parameters"].(map[string]any); h["epochs"] != 2.0 || h["learning_rate"] != 1e-4 {
		t.Errorf("hyper-parameters %v", h)
	}
}

// A split by time trains on what came first, and says so in the manifest.
func TestSplitByTime(t *testing.T) {
	var b strings.Builder
	for i := range 50 { // the later half first
		fmt.Fprintf(&b, `{"window_id": %d, "ts_ms": %d, "window": [%d, %d]}`+"\n", i, 1000*((i+25)%50), i%7, i%3)
	}
	data := filepath.Join(t.TempDir(), "dataset_raw.jsonl")
	if err := os.WriteFile(data, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "m")
	out, _, err := program("--dataset", data, "--out-dir", dir, "--latent-dim", "1", "--method", "pca", "--split", "time", "--train-ratio", "0.6")
	if err != nil || !strings.Contains(out, "30 trained, 20 holdout") {
		t.Fatalf("%v\n%s", err, out)
	}
	m, err := artifacts.Load(filepath.Join(dir, artifacts.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	if s := m.Manifest.TrainSplit; s == nil || s.Method != artifacts.SplitByTime || s.TrainRatio != 0.6 || *s.CutTsMs != 30000 {
		t.Errorf("train_split %+v", s)
	}
}

func TestTornLineIsAWarning(t *testing.T) {
	data := dataFile(t, 50, `{"window_id": 50, "win`)
	_, warned, err := program("--dataset", data, "--latent-dim", "2", "--out-dir", filepath.Join(t.TempDir(), "m"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(warned, "\n") != 1 || !strings.Contains(warned, "51") {
		t.Errorf("warned %q, want one line that names line 51", warned)
	}
}

func TestBadInput(t *testing.T) {
	good := dataFile(t, 20, "")
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o644)
	full := t.TempDir()
	os.WriteFile(filepath.Join(full, "thesis.tex"), nil, 0o644)
	for _, c := range []struct {
		name  string
		args  []string
		usage bool
		names []string
	}{
		{"missing file", []string{"--dataset", "no/such.jsonl"}, false, []string{"no/such.jsonl"}},
		{"empty data set", []string{"--dataset", dataFile(t, 0, "")}, false, []string{"dataset_raw.jsonl"}},
		{"NaN", []string{"--dataset", dataFile(t, 3, `{"window": [NaN, 1, 2, 3]}`+"\n")}, false, []string{"dataset_raw.jsonl", "4", "window", "NaN"}},
		{"wrong window length", []string{"--dataset", dataFile(t, 3, `{"window": [1, 2, 3]}`+"\n")}, false, []string{"4", "window"}},
		{"window of other dims", []string{"--dataset", good, "--input-dims", "12"}, false, []string{"12"}},
		{"latent_dim 0", []string{"--dataset", good, "--latent-dim", "0"}, true, []string{"latent-dim", "0"}},
		{"payload over the limit", []string{"--dataset", good, "--latent-dim", "300"}, false, []string{"300", "238"}},
		{"epochs 0", []string{"--dataset", good, "--epochs", "0"}, true, []string{"epochs", "0"}},
		{"window-W 0", []string{"--dataset", good, "--window-W", "0"}, true, []string{"window-W", "0"}},
		{"packing", []string{"--dataset", good, "--packing", "int7"}, true, []string{"int7", "int8"}},
		{"folder that exists", []string{"--dataset", good, "--out-dir", full}, false, []string{full, "--force"}},
		{"folder with other files", []string{"--dataset", good, "--out-dir", full, "--force"}, false, []string{"thesis.tex"}},
		{"unwritable folder", []string{"--dataset", good, "--out-dir", filepath.Join(file, "m")}, false, []string{file}},
		{"unknown flag", []string{"--datset", good}, true, []string{"datset"}},
		{"no number", []string{"--latent-dim", "x"}, true, []string{"latent-dim", "x"}},
		{"bad list", []string{"--hidden-dims", "24;16"}, true, []string{"hidden-dims", "24;16"}},
		{"arguments", []string{good, "dataset.jsonl"}, true, []string{"dataset.jsonl"}},
		{"split", []string{"--split", "weekday"}, true, []string{"weekday", "hash", "time"}},
		{"split by time without times", []string{"--dataset", good, "--split", "time"}, false, []string{"ts_ms"}},
		{"method", []string{"--method", "magic"}, true, []string{"magic", "febam"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			_, _, err := program(c.args...)
			clitest.Refused(t, c.name, err, c.usage, c.names...)
			if left, _ := filepath.Glob("out/models/*"); len(left) > 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}
