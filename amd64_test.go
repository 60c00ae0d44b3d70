package loralink_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/internal/testenv"
)

// createdAt is the one line of a model that is not the same twice.
var createdAt = regexp.MustCompile(`(?m)^ *"created_at":.*\n`)

// The same data gives the same models, ladders, payloads and evaluations, whatever
// processor the programs are built for: no product is fused with a sum. GOAMD64=v3 has the
// instruction for that, v1 has not.
func TestSameModelOnAnyGOAMD64(t *testing.T) {
	if info, err := os.ReadFile("/proc/cpuinfo"); runtime.GOARCH != "amd64" || err != nil || !bytes.Contains(info, []byte(" fma ")) || !bytes.Contains(info, []byte(" avx2 ")) {
		t.Skip("want a processor with GOAMD64=v3")
	}
	testenv.Long(t)
	programs := []string{"samples", "train", "ladder", "eval", "codec"}
	commands := []string{
		"samples --simulate 1500 --seed 3 --rate-hz 10 --out data.jsonl --samples-out recording.jsonl",
		"train --dataset data.jsonl --out-dir int8 --latent-dim 4",
		"train --dataset data.jsonl --out-dir bitpack --packing bitpack --payload-bytes 4",
		"eval --dataset data.jsonl --bam-manifest bitpack/bam_manifest.json --out eval.json",
		"ladder --dataset data.jsonl --out-dir ladder --bam-manifest int8/bam_manifest.json",
		"eval --dataset data.jsonl --ladder ladder/ladder.json --out eval_ladder.json",
		"codec --in data.jsonl --ladder ladder/ladder.json",
	}
	if testenv.HasShared() {
		walk := testenv.Shared(t, "field", "walk.jsonl")
		commands = append(commands,
			"samples --in "+walk+" --out walk.jsonl",
			"train --dataset walk.jsonl --out-dir walk_bitpack --packing bitpack --payload-bytes 4",
			"eval --dataset walk.jsonl --bam-manifest walk_bitpack/bam_manifest.json --out eval_walk.json",
			"ladder --dataset walk.jsonl --out-dir walk_ladder")
	}
	if testenv.CI() {
		commands = append(commands,
			"train --dataset data.jsonl --out-dir febam --method febam --epochs 2 --hidden-dims 16 --latent-dim 8 --packing int16 --delta 0.1",
			"train --dataset data.jsonl --out-dir gradient --method gradient --epochs 2 --latent-dim 4")
	}
	outputs := map[string]map[string]string{} // by GOAMD64, by file
	for _, level := range []string{"v1", "v3"} {
		dir := t.TempDir()
		build := exec.Command("go", "build", "-o", filepath.Join(dir, "bin")+string(filepath.Separator))
		for _, p := range programs {
			build.Args = append(build.Args, "./examples/"+p)
		}
		build.Env = append(os.Environ(), "GOAMD64="+level)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", build, err, out)
		}
		files := map[string]string{}
		for _, line := range commands {
			words := strings.Fields(line)
			cmd := exec.Command(filepath.Join(dir, "bin", words[0]), words[1:]...)
			cmd.Dir = dir
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("GOAMD64=%s %s: %v", level, line, err)
			}
			files[line] = string(out)
		}
		if err := os.RemoveAll(filepath.Join(dir, "bin")); err != nil {
			t.Fatal(err)
		}
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			files[strings.TrimPrefix(path, dir)] = string(createdAt.ReplaceAll(text, nil))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		outputs[level] = files
	}
	for name, text := range outputs["v1"] {
		if strings.Contains(name, "bitpack/train_report.json") || strings.Contains(name, "train --") && strings.Contains(name, "--packing bitpack") {
			continue // measurements on folds of the training windows: see the doc of bam/train
		}
		if outputs["v3"][name] != text {
			t.Errorf("%s: GOAMD64=v3 gives another content than v1", name)
		}
	}
	if len(outputs["v1"]) != len(outputs["v3"]) || len(outputs["v1"]) < 20 {
		t.Errorf("found %d files and %d, want as many, and 20 or more", len(outputs["v1"]), len(outputs["v3"]))
	}
}
