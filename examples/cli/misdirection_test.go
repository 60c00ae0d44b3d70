package cli

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/internal/testenv"
)

// A careless command gets exactly this line, and exit code 2 if the command line is at
// fault, 1 otherwise. Nothing is written.
func TestMisdirection(t *testing.T) {
	bin, dir := programs(t), t.TempDir()
	program := func(line string) *exec.Cmd {
		words := strings.Fields(line)
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, words[0]), words[1:]...)
		cmd.Dir = dir
		return cmd
	}
	if err := os.CopyFS(filepath.Join(dir, "testdata"), os.DirFS(testenv.Repo("testdata"))); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"six.jsonl":   strings.Repeat(`{"window":[1,2,3,4,5,6]}`+"\n", 20),
		"record.yaml": "phase: 3\nrun_id: a\nresults: {pdr: 0.5}\n",
		"far.jsonl":   `{"window":[1000000000,11.5,510,0,0,9.8,0,0,0,0,0,0]}` + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rx, err := os.ReadFile(testenv.Repo("testdata", "runspecs", "rx_sf12.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	other := strings.ReplaceAll(strings.ReplaceAll(string(rx), "sample_hz: 1.0", "sample_hz: 2.0"), "preamble: 8", "preamble: 12")
	if err := os.WriteFile(filepath.Join(dir, "rx_other.yaml"), []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"samples --in testdata/walk.jsonl --out d.jsonl",
		"train --dataset d.jsonl --out-dir out/models/demo",
		"ladder --dataset d.jsonl --out-dir L",
	} {
		if out, err := program(line).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
	recording := ": found a sample of a recording, want a window: cut the recording into windows first (examples/samples --in)"
	for _, c := range []struct {
		line string
		code int
		want string
	}{
		{"train --dataset d.jsonl --out-dir m --packing int8 --payload-bytes 3", 2, "train: invalid settings: --payload-bytes has no effect without packing bitpack, want it left out"},
		{"train --dataset d.jsonl --out-dir m --packing int16 --check-byte", 2, "train: invalid settings: --check-byte has no effect without packing bitpack, want it left out"},
		{"train --dataset d.jsonl --out-dir m --method pca --epochs 5", 2, "train: invalid settings: --epochs has no effect with method pca, want it left out"},
		{"train --dataset d.jsonl --out-dir m --auto-scale --scale 5", 2, "train: invalid settings: --scale has no effect with --auto-scale, want it left out"},
		{"train --dataset d.jsonl --out-dir m --learning-rate 0.1", 2, "train: invalid settings: --learning-rate has no effect with method auto, which uses the rate of method gradient, want it left out"},
		{"sweep --dataset d.jsonl --out-dir s --packings int8 --payload-bytes 3", 2, "sweep: invalid settings: --payload-bytes has no effect without packing bitpack, want it left out"},
		{"train --dataset d.jsonl --out-dir m --tolerances 1,2", 1, "train: invalid settings: found 2 tolerances, want 12, one for each value of a step"},
		{"eval --dataset d.jsonl --bam-manifest out/models/demo --tolerances 1,2", 1, "eval: quality: 2 tolerances, want 12, one for each value of a step"},
		{"ladder --dataset d.jsonl --out-dir m --tolerances 1,2", 1, "ladder: --tolerances has 2 numbers, want 12, one for each value of a step of d.jsonl"},
		{"train --dataset testdata/walk.jsonl --out-dir m", 1, "train: dataset: testdata/walk.jsonl:1" + recording},
		{"eval --dataset testdata/walk.jsonl --bam-manifest out/models/demo", 1, "eval: dataset: testdata/walk.jsonl:1" + recording},
		{"inspect L/ladder.json", 1, "inspect: artifacts: L/ladder.json: unsupported: this is a ladder.json (codec.Load and the flag --ladder read it), want the bam_manifest.json of a model's folder"},
		{"tx --bam-manifest L/ladder.json", 1, "tx: endpoint: testdata/runspecs/tx_sf7.yaml: L/ladder.json: unsupported: this is a ladder.json (codec.Load and the flag --ladder read it), want the bam_manifest.json of a model's folder"},
		{"tx --runspec record.yaml", 1, "tx: runspec: record.yaml: this is a record of an experiment, want a RunSpec, with role, phy and codec"},
		{"ladder --dataset six.jsonl --out-dir m", 1, "ladder: six.jsonl: the 6 values of a step have no default tolerances: give the largest error of each, in its unit, with --tolerances"},
		{"link --samples testdata/walk.jsonl --rx rx_other.yaml", 1, "link: endpoint: invalid settings: the ends differ in phy.preamble (tx has 8, rx has 12), window.sample_hz (tx has 1, rx has 2)"},
		{"codec --ladder L --in far.jsonl", 1, "codec: far.jsonl: window 0: value cannot be encoded: no rung meets the tolerances: last rung: out of range: lat is 1e+09, want -188.7434..188.7434"},
		{"train --dataste d.jsonl", 2, "train: unknown flag --dataste: did you mean --dataset? (--help lists the flags)"},
		{"inspect out/models/demo more", 2, `inspect: unexpected argument "more": want flags only (--help lists them)`},
	} {
		t.Run(c.line, func(t *testing.T) {
			cmd := program(c.line)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.ExitCode() != c.code {
				t.Errorf("%v, want exit code %d", err, c.code)
			}
			got := strings.TrimSuffix(stderr.String(), "\n")
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "[ms]")); left != nil {
		t.Errorf("left %v", left)
	}
}

// A model of another recording gets a hint, not only a large number.
func TestForeignModelHint(t *testing.T) {
	bin, dir := programs(t), t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "testdata"), os.DirFS(testenv.Repo("testdata"))); err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, line := range []string{
		"samples --simulate 300 --seed 9 --samples-out far.jsonl --out d.jsonl",
		"train --dataset d.jsonl --out-dir m --packing int8 --latent-dim 4",
		"samples --in testdata/walk.jsonl --out walk.jsonl",
		"experiment --bam-manifest m/bam_manifest.json --dataset moved.jsonl --windows 200",
	} {
		words := strings.Fields(line)
		if words[0] == "experiment" { // the same walk, 10 degrees further north
			text, err := os.ReadFile(filepath.Join(dir, "walk.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			moved := bytes.ReplaceAll(text, []byte(`"window":[48.`), []byte(`"window":[58.`))
			if bytes.Equal(moved, text) {
				t.Fatal("the walk does not begin at latitude 48")
			}
			if err := os.WriteFile(filepath.Join(dir, "moved.jsonl"), moved, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, words[0]), words[1:]...)
		cmd.Dir = dir
		var err error
		if out, err = cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
	if !strings.Contains(string(out), "is far above 1, that of the mean: the model was trained on other windows than these.") {
		t.Errorf("no hint in\n%s", out)
	}
}
