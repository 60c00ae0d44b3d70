package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/numpy"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
)

// model trains on a small data set and returns both files.
func model(t *testing.T, s *train.Settings) (data, manifest string) {
	t.Helper()
	dir := t.TempDir()
	data = filepath.Join(dir, "dataset_raw.jsonl")
	var b strings.Builder
	for i := range 300 {
		x := float64(i)
		fmt.Fprintf(&b, `{"window_id": %d, "window": [%g, %g, %g]}`+"\n", i, math.Sin(x/9), math.Cos(x/5), math.Sin(x/9)+0.1*math.Cos(x))
	}
	if err := os.WriteFile(data, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	res, err := train.Train(t.Context(), dataset.OpenWindows(data, dataset.WindowSettings{}), s, train.PCA{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := save.Model(filepath.Join(dir, "m"), res.Contents(), nil); err != nil {
		t.Fatal(err)
	}
	return data, filepath.Join(dir, "m", artifacts.ManifestFile)
}

func eval(args ...string) (string, error) {
	var out bytes.Buffer
	err := run(context.Background(), args, &out, &bytes.Buffer{})
	return out.String(), err
}

func TestWritesTheEvaluation(t *testing.T) {
	data, manifest := model(t, &train.Settings{LatentDim: 2, Split: dataset.HashSplit{TrainRatio: 0.5, Seed: 3}})
	file := filepath.Join(t.TempDir(), "new", "eval.json")
	if out, err := eval("--dataset", data, "--bam-manifest", manifest, "--out", file); err != nil || !strings.Contains(out, "zscored.mse") {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var e quality.Evaluation
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	split, holdout := dataset.HashSplit{TrainRatio: 0.5, Seed: 3}, 0
	for id := range int64(300) {
		if !split.InTraining(dataset.Window{ID: id}) {
			holdout++
		}
	}
	if e.Samples != holdout || *e.TrainRatio != 0.5 || *e.SplitSeed != 3 {
		t.Errorf("%d samples at ratio %g, seed %d, want %d of the manifest's split", e.Samples, *e.TrainRatio, *e.SplitSeed, holdout)
	}
	if e.ZScored.MSE <= 0 || e.ZScored.MSE > 0.05 || len(e.PayloadBytesSeen) != 1 || e.PayloadBytesSeen[0] != 2 {
		t.Errorf("%+v", e)
	}
	if _, err := eval("--dataset", data, "--bam-manifest", manifest, "--out", file); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("over an existing file: %v", err)
	}
}

// A data set in numpy's format measures as the same one in JSONL does.
func TestNumpyDataset(t *testing.T) {
	data, manifest := model(t, &train.Settings{LatentDim: 2, Split: dataset.HashSplit{TrainRatio: 0.5, Seed: 3}})
	dir := t.TempDir()
	arrays := filepath.Join(dir, "d.npz")
	if n, err := numpy.WriteFile(arrays, dataset.OpenWindows(data, dataset.WindowSettings{})); err != nil || n != 300 {
		t.Fatal(n, err)
	}
	var texts []string
	for i, path := range []string{data, arrays} {
		file := filepath.Join(dir, fmt.Sprintf("eval%d.json", i))
		if _, err := eval("--dataset", path, "--bam-manifest", manifest, "--out", file); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, strings.ReplaceAll(string(b), filepath.ToSlash(path), "DATASET"))
	}
	if texts[0] != texts[1] || !strings.Contains(texts[0], "DATASET") {
		t.Errorf("from .jsonl\n%s\nfrom .npz\n%s", texts[0], texts[1])
	}
	if _, err := eval("--dataset", filepath.Join(dir, "no.npy"), "--bam-manifest", manifest); err == nil || !strings.Contains(err.Error(), "no.npy: no such file") {
		t.Errorf("missing file: %v", err)
	}
}

// A norm widened for the cubic transmission does not make the figure smaller.
func TestWidenedNormFlattersNobody(t *testing.T) {
	mse := func(delta float64) float64 {
		data, manifest := model(t, &train.Settings{LatentDim: 1, Packing: "float32", Delta: delta})
		file := filepath.Join(t.TempDir(), "eval.json")
		if _, err := eval("--dataset", data, "--bam-manifest", manifest, "--out", file); err != nil {
			t.Fatal(err)
		}
		var e quality.Evaluation
		b, _ := os.ReadFile(file)
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatal(err)
		}
		return e.ZScored.MSE
	}
	if linear, cubic := mse(0), mse(0.1); math.Abs(linear-cubic) > 0.01*linear {
		t.Errorf("linear %g, cubic %g", linear, cubic)
	}
}

// Trained by time, measured by time; on another recording every window is new,
// and the report says what mean and PCA know.
func TestOtherRecording(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, shift float64) string {
		var b strings.Builder
		for i := range 200 {
			x := float64(i)
			fmt.Fprintf(&b, `{"window_id": %d, "ts_ms": %d, "window": [%g, %g]}`+"\n", i, 1000*i, shift+math.Sin(x/9), math.Sin(x/9)+0.1*math.Cos(x))
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	home, away := write("home.jsonl", 0), write("away.jsonl", 5)
	windows := dataset.OpenWindows(home, dataset.WindowSettings{})
	split, err := dataset.NewTimeSplit(windows, 0.6)
	if err != nil {
		t.Fatal(err)
	}
	res, err := train.Train(t.Context(), windows, &train.Settings{LatentDim: 1, Split: split}, train.PCA{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := save.Model(filepath.Join(dir, "m"), res.Contents(), nil); err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(dir, "m", artifacts.ManifestFile)
	for _, c := range []struct {
		name    string
		args    []string
		samples int
		outside float64 // of the first value
		says    []string
		without string
	}{
		{"the manifest's split", []string{"--dataset", home}, 80, 0, []string{"120 training windows of this data set"}, "differ from the model's norm"},
		{"another split", []string{"--dataset", home, "--split", "time", "--train-ratio", "0.5"}, 100, 0, []string{"100 training windows of this data set"}, ""},
		{"another recording", []string{"--dataset", away, "--subset", "all"}, 200, 1, []string{"differ from the model's norm", "--baseline-dataset", "100.00 %"}, "--subset all"},
		{"baselines from home", []string{"--dataset", away, "--subset", "all", "--baseline-dataset", home}, 200, 1, []string{"120 training windows of " + home}, "differ from the model's norm"},
		{"baselines from elsewhere", []string{"--dataset", home, "--baseline-dataset", away}, 80, 0, []string{"differ from the model's norm", "--subset all"}, "--baseline-dataset"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "eval.json")
			out, err := eval(append(c.args, "--bam-manifest", manifest, "--out", file)...)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range append(c.says, "p99", "mean shift") {
				if !strings.Contains(out, want) {
					t.Errorf("the report lacks %q:\n%s", want, out)
				}
			}
			if c.without != "" && strings.Contains(out, c.without) {
				t.Errorf("the report says %q:\n%s", c.without, out)
			}
			var e quality.Comparison
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, &e); err != nil {
				t.Fatal(err)
			}
			if e.Samples != c.samples || e.SplitMethod != "time" || e.CutTsMs == nil || len(e.BySensor) != 2 || e.Drift.BySensor[0].Outside != c.outside {
				t.Errorf("%s", b)
			}
		})
	}
	if _, err := eval("--dataset", home, "--bam-manifest", manifest, "--baseline-dataset", "no/such.jsonl"); err == nil || !strings.Contains(err.Error(), "no/such.jsonl") {
		t.Errorf("missing baseline: %v", err)
	}
}

// A ladder of a grid that holds some of the windows and of one that holds all.
func TestLadder(t *testing.T) {
	data, _ := model(t, &train.Settings{LatentDim: 2})
	dir := t.TempDir()
	tolerances := []float64{0.05, 0.05, 0.05}
	l := &codec.LadderSpec{Window: sensor.Shape{Dims: 3, W: 1, Stride: 1}, Tolerances: tolerances}
	for _, bits := range []int{5, 8} {
		dims := []codec.GridDim{{Low: -1.2, Step: 0.0999, Bits: bits}, {Low: -1.2, Step: 0.0999, Bits: bits}, {Low: -0.5, Step: 0.0999, Bits: bits}}
		dims[2].Low = map[int]float64{5: 0, 8: -2}[bits]
		g, err := codec.NewGrid(1, dims)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("grid%d.json", bits)
		if err := os.WriteFile(filepath.Join(dir, name), g.File(), 0o644); err != nil {
			t.Fatal(err)
		}
		l.Rungs = append(l.Rungs, codec.NewRungSpec(g, codec.Params{GridPath: name}))
	}
	ladder := filepath.Join(dir, codec.LadderFile)
	text, err := l.Text()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ladder, text, 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "eval.json")
	_, err = eval("--dataset", data, "--ladder", ladder, "--out", file, "--split", "time", "--subset", "all")
	if err == nil || !strings.Contains(err.Error(), "ts_ms") {
		t.Errorf("by time without times: %v", err)
	}
	out, err := eval("--dataset", data, "--ladder", ladder, "--out", file, "--subset", "all")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"grid", "2 B", "3 B", "error / tolerance", "uniform grid fitted", "PCA"} {
		if !strings.Contains(out, want) {
			t.Errorf("the report lacks %q:\n%s", want, out)
		}
	}
	var e quality.Evaluation
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	if len(e.Rungs) != 2 || e.Rungs[0].Windows == 0 || e.Rungs[1].Windows == 0 || e.OverTolerance.Within != 1 || e.MeanPayloadBytes <= 2 || e.Ladder == "" {
		t.Errorf("%s", b)
	}
}

func TestBadInput(t *testing.T) {
	data, manifest := model(t, &train.Settings{LatentDim: 2})
	for _, c := range []struct {
		name  string
		args  []string
		names []string
	}{
		{"no data set", []string{"--bam-manifest", manifest}, []string{"--dataset"}},
		{"no manifest", []string{"--dataset", data}, []string{"--bam-manifest"}},
		{"manifest and ladder", []string{"--dataset", data, "--bam-manifest", manifest, "--ladder", "l.json"}, []string{"--bam-manifest", "--ladder"}},
		{"missing ladder", []string{"--dataset", data, "--ladder", "no/such.json"}, []string{"no/such.json", "not found"}},
		{"split", []string{"--dataset", data, "--bam-manifest", manifest, "--split", "random"}, []string{"random", "hash", "time"}},
		{"tolerances", []string{"--dataset", data, "--bam-manifest", manifest, "--tolerances", "1,x"}, []string{"tolerances", "x"}},
		{"too few tolerances", []string{"--dataset", data, "--bam-manifest", manifest, "--tolerances", "1,2"}, []string{"2", "3"}},
		{"missing manifest", []string{"--dataset", data, "--bam-manifest", "no/such.json"}, []string{"no/such.json", "not found"}},
		{"missing data set", []string{"--dataset", "no/such.jsonl", "--bam-manifest", manifest}, []string{"no/such.jsonl"}},
		{"subset", []string{"--dataset", data, "--bam-manifest", manifest, "--subset", "test"}, []string{"test", "holdout"}},
		{"empty subset", []string{"--dataset", data, "--bam-manifest", manifest, "--train-ratio", "1"}, []string{"holdout", "1"}},
	} {
		_, err := eval(c.args...)
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		for _, name := range c.names {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v does not name %s", c.name, err, name)
			}
		}
	}
}

// Codec predictive, with a file for its report, loss, and payloads of limited length.
func TestPredictive(t *testing.T) {
	dir := t.TempDir()
	data, file := filepath.Join(dir, "walk.jsonl"), filepath.Join(dir, "eval.json")
	windows := dataset.Windows(dataset.OpenSamples(testenv.Repo("testdata", "walk.jsonl"), dataset.SampleSettings{}), dataset.WindowerSettings{W: 4, Stride: 4})
	if _, err := dataset.WriteFile(data, windows); err != nil {
		t.Fatal(err)
	}
	args := []string{"--dataset", data, "--codec", "predictive", "--split", "time", "--train-ratio", "0.6"}
	if out, err := eval(append(args, "--loss", "0.2", "--out", file)...); err != nil || !strings.Contains(out, "a sample on average") {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var e quality.StreamEvaluation
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	if e.Transmissions <= e.Windows || e.Samples != e.Windows || e.OverTolerance == nil || e.OverTolerance.Within < 1 || e.Subset != "holdout" {
		t.Errorf("%s", text)
	}
	for name, extra := range map[string][]string{
		"limited":      {"--payload-bytes", "16", "--tolerances", "1,1,1,1,1,1,1,1,1,1,1,1"},
		"one-way":      {"--key-every", "16", "--predict-from", "key", "--profile", "small", "--loss", "0.1"},
		"all windows":  {"--subset", "all", "--inflight", "4"},
		"a few of all": {"--max-samples", "20"},
	} {
		if out, err := eval(append(args, extra...)...); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	for name, extra := range map[string][]string{
		"another codec": {"--codec", "raw"}, "a loss of 2": {"--loss", "2"}, "two codecs": {"--ladder", "x"}, "3 bytes": {"--payload-bytes", "3"},
		"no prior": {"--prior", filepath.Join(dir, "none.json")}, "too few tolerances": {"--tolerances", "1,2,3,4,5"},
	} {
		if out, err := eval(append(args, extra...)...); err == nil {
			t.Errorf("%s: no error\n%s", name, out)
		}
	}
}
