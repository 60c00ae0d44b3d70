package main

import (
	"bytes"
	"context"
	"errors"
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
	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/examples/cli/clitest"
	"github.com/loralink/loralink-go/internal/testenv"
)

func program(args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	err = run(context.Background(), args, &out, &errs)
	return out.String(), errs.String(), err
}

// samples is a data set of the simulated walk, and windows of it.
func samples(t *testing.T) (path string, windows []dataset.Window) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "dataset_raw.jsonl")
	seq := dataset.Windows(dataset.OpenSamples(testenv.Repo("testdata", "walk.jsonl"), dataset.SampleSettings{}), dataset.WindowerSettings{W: 1})
	if _, err := dataset.WriteFile(path, seq); err != nil {
		t.Fatal(err)
	}
	for w, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		windows = append(windows, w)
	}
	return path, windows
}

func model(t *testing.T, data, dir string, latents int) string {
	t.Helper()
	res, err := train.Train(t.Context(), dataset.OpenWindows(data, dataset.WindowSettings{}), &train.Settings{LatentDim: latents, Packing: "int8"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := save.Model(dir, res.Contents(), nil); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, artifacts.ManifestFile)
}

// Every window of the recording comes back within the tolerances, and the
// folder moves together with the model's.
func TestLadderHoldsItsPromise(t *testing.T) {
	data, windows := samples(t)
	root := t.TempDir()
	manifest := model(t, data, filepath.Join(root, "models", "a"), 4)
	out, _, err := program("--dataset", data, "--out-dir", filepath.Join(root, "ladders", "a"), "--bam-manifest", manifest)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"bam", "4 B", "entropy_grid", "5 B", "grid", "16 B", "on average", "error / tolerance", "yaw", filepath.Join("ladders", "a", "ladder.json")} {
		if !strings.Contains(out, want) {
			t.Errorf("the report lacks %q:\n%s", want, out)
		}
	}
	moved := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Rename(root, moved); err != nil {
		t.Fatal(err)
	}
	c, err := codec.LoadLadder(filepath.Join(moved, "ladders", "a", codec.LadderFile))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(c.Rungs()); n != 15 || c.MaxPayloadLen() != 16 {
		t.Errorf("%d rungs, the last of %d bytes", n, c.MaxPayloadLen())
	}
	checkTolerances(t, c, windows)

	// Plain grids.
	plain := filepath.Join(t.TempDir(), "plain")
	if _, _, err := program("--dataset", data, "--out-dir", plain, "--entropy-coded=false"); err != nil {
		t.Fatal(err)
	}
	g, err := codec.LoadLadder(filepath.Join(plain, codec.LadderFile))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(g.Rungs()); n != 5 || g.MaxPayloadLen() != 16 {
		t.Errorf("%d grids, the last of %d bytes", n, g.MaxPayloadLen())
	}
	checkTolerances(t, g, windows)
}

func checkTolerances(t *testing.T, c *codec.Ladder, windows []dataset.Window) {
	t.Helper()
	angles, tolerances := c.Angles(), c.Tolerances()
	for _, w := range windows {
		payload, err := c.AppendEncode(nil, w.Values)
		if err != nil {
			t.Fatal(err)
		}
		back, err := c.AppendDecode(nil, payload)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range w.Values {
			if e := math.Abs(sensor.Difference(v, back[i], angles[i])); !(e <= tolerances[i]) {
				t.Fatalf("window %d, value %d: %g comes back as %g", w.ID, i, v, back[i])
			}
		}
	}
}

func TestLeavesOutWhatCannotServe(t *testing.T) {
	data, _ := samples(t)
	dir := t.TempDir()
	long := model(t, data, filepath.Join(dir, "long"), 20)
	_, warned, err := program("--dataset", data, "--out-dir", filepath.Join(dir, "l"), "--bam-manifest", long)
	if err != nil || !strings.Contains(warned, "long") || !strings.Contains(warned, "20 bytes") || strings.Count(warned, "\n") != 1 {
		t.Errorf("%v, warned %q", err, warned)
	}
}

func TestOtherWindows(t *testing.T) {
	data := filepath.Join(t.TempDir(), "dataset_raw.jsonl")
	var b strings.Builder
	for i := range 50 {
		fmt.Fprintf(&b, `{"window_id": %d, "window": [%d, %d, %d, %d]}`+"\n", i, i%7, i%3, i%5, 4)
	}
	os.WriteFile(data, []byte(b.String()), 0o644)
	for coded, more := range map[string]string{"true": "--components=0", "false": "--widened=1"} {
		out, warned, err := program("--dataset", data, "--out-dir", filepath.Join(t.TempDir(), "l"), "--tolerances", "0.5,0.1", "--window-W", "2", "--train-ratio", "1", "--entropy-coded="+coded, more)
		if err != nil || !strings.Contains(out, "dim 1") || !strings.Contains(out, "no holdout") || !strings.Contains(warned, "refused") {
			t.Errorf("entropy coded %s: %v\n%s%s", coded, err, out, warned)
		}
	}
}

func TestBadInput(t *testing.T) {
	data, _ := samples(t)
	dir := t.TempDir()
	manifest := model(t, data, filepath.Join(dir, "m"), 4)
	full := filepath.Join(dir, "full")
	if _, _, err := program("--dataset", data, "--out-dir", full); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(filepath.Join(full, codec.LadderFile))
	file := filepath.Join(dir, "file")
	os.WriteFile(file, nil, 0o644)
	fresh := filepath.Join(dir, "fresh")
	for _, c := range []struct {
		name  string
		args  []string
		usage bool
		names []string
	}{
		{"no data set", []string{"--out-dir", fresh}, true, []string{"--dataset"}},
		{"no folder", []string{"--dataset", data}, true, []string{"--out-dir"}},
		{"missing data set", []string{"--dataset", "no/such.jsonl", "--out-dir", fresh}, false, []string{"no/such.jsonl"}},
		{"folder with a ladder", []string{"--dataset", data, "--out-dir", full}, false, []string{full, "--force"}},
		{"folder that is a file", []string{"--dataset", data, "--out-dir", filepath.Join(file, "l")}, false, []string{file}},
		{"missing model", []string{"--dataset", data, "--out-dir", fresh, "--bam-manifest", "no/such.json"}, false, []string{"no/such.json"}},
		{"model of other windows", []string{"--dataset", data, "--out-dir", fresh, "--bam-manifest", manifest, "--window-stride", "2"}, false, []string{manifest, "stride"}},
		{"tolerance 0", []string{"--dataset", data, "--out-dir", fresh, "--tolerances", "0,1,1,1,1,1,1,1,1,1,1,1"}, true, []string{"--tolerances", "0"}},
		{"tolerance that is not a number", []string{"--dataset", data, "--out-dir", fresh, "--tolerances", "1;2"}, true, []string{"tolerances", "1;2"}},
		{"too few tolerances", []string{"--dataset", data, "--out-dir", fresh, "--tolerances", "1,1"}, false, []string{"12", "2"}},
		{"tolerances too fine", []string{"--dataset", data, "--out-dir", fresh, "--tolerances", "1e-12,1,1,1,1,1,1,1,1,1,1,1"}, false, []string{"1e-12"}},
		{"windows beyond a frame", []string{"--dataset", data, "--out-dir", fresh, "--tolerances", "1e-6,1e-6,1e-3,1e-3,1e-3,1e-3,1e-3,1e-3,1e-3,1e-3,1e-3,1e-3", "--window-W", "30"}, false, nil},
		{"widened beyond reason", []string{"--dataset", data, "--out-dir", fresh, "--entropy-coded=false", "--widened", "9223372036854775807"}, false, []string{"0..238"}},
		{"widened without uniform grids", []string{"--dataset", data, "--out-dir", fresh, "--widened", "2"}, true, []string{"--entropy-coded=false"}},
		{"components of uniform grids", []string{"--dataset", data, "--out-dir", fresh, "--entropy-coded=false", "--components", "2"}, true, []string{"--components"}},
		{"split", []string{"--dataset", data, "--out-dir", fresh, "--split", "random"}, true, []string{"random"}},
		{"unknown flag", []string{"--dataset", data, "--outdir", fresh}, true, []string{"outdir"}},
	} {
		_, _, err := program(c.args...)
		clitest.Refused(t, c.name, err, c.usage, c.names...)
		if _, err := os.Stat(fresh); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: something was written", c.name)
			os.RemoveAll(fresh)
		}
	}
	if after, _ := os.ReadFile(filepath.Join(full, codec.LadderFile)); !bytes.Equal(before, after) {
		t.Error("a refused run changed the ladder")
	}
	if _, _, err := program("--dataset", data, "--out-dir", full, "--force"); err != nil {
		t.Errorf("--force: %v", err)
	}
}

func TestWritesAPrior(t *testing.T) {
	data, _ := samples(t)
	path := filepath.Join(t.TempDir(), codec.PriorFile)
	if out, _, err := program("--dataset", data, "--prior-out", path, "--profile", "small"); err != nil || !strings.Contains(out, path) {
		t.Fatalf("%v\n%s", err, out)
	}
	prior, err := codec.LoadPrior(path)
	if err != nil {
		t.Fatal(err)
	}
	if prior.Profile != codec.ProfileSmall || len(prior.Tolerances) != 12 {
		t.Errorf("profile %s, tolerances %v", prior.Profile, prior.Tolerances)
	}
	if _, _, err := program("--dataset", data, "--prior-out", path); err == nil {
		t.Error("an existing prior was replaced without --force")
	}
}

// A ladder that cannot be loaded does not replace one that can.
func TestLadderForceKeepsTheOldOne(t *testing.T) {
	data, windows := samples(t)
	dir := filepath.Join(t.TempDir(), "l")
	if _, _, err := program("--dataset", data, "--out-dir", dir); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(filepath.Join(dir, codec.LadderFile))
	gone := model(t, data, filepath.Join(t.TempDir(), "m"), 4)
	values := func(yield func([]float64, error) bool) {
		for _, w := range windows {
			if !yield(w.Values, nil) {
				return
			}
		}
	}
	r, err := fit.Ladder(t.Context(), values, &fit.LadderSettings{Models: []string{gone}, Window: sensor.Shape{W: 1, Stride: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Dir(gone)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Save(dir, &fit.SaveSettings{Force: true}); !errors.Is(err, codec.ErrNotFound) {
		t.Errorf("%v, want ErrNotFound", err)
	}
	after, _ := os.ReadFile(filepath.Join(dir, codec.LadderFile))
	if _, err := codec.Load(dir); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the ladder changed, %v", err)
	}
	if left, _ := filepath.Glob(dir + ".*"); left != nil {
		t.Errorf("left %v", left)
	}
	if _, _, err := program("--dataset", data, "--out-dir", dir, "--force", "--entropy-coded=false", "--widened", "20"); err != nil {
		t.Errorf("more grids than rungs: %v", err)
	}
}
