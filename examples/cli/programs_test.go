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

// programs builds every example and returns the folder of the programs.
func programs(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin+string(os.PathSeparator), "./examples/...")
	build.Dir = testenv.Repo()
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

func TestPrograms(t *testing.T) {
	bin := programs(t)
	t.Run("FullStdout", func(t *testing.T) { fullStdout(t, bin) })
	t.Run("WindowShapeBeyondReason", func(t *testing.T) { shapeBeyondReason(t, bin) })
	t.Run("UnwritableOutputFirst", func(t *testing.T) { unwritableOutput(t, bin) })
}

// fullStdout wants every program to fail if it cannot print, even its help.
func fullStdout(t *testing.T, bin string) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	list, err := os.ReadDir(bin)
	if err != nil || len(list) < 10 {
		t.Fatalf("%d programs, %v", len(list), err)
	}
	for _, p := range list {
		cmd := exec.Command(filepath.Join(bin, p.Name()), "--help")
		cmd.Stdout = full
		err := cmd.Run()
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
			t.Errorf("%s: %v, want exit code 1", p.Name(), err)
		}
	}
}

// unwritableOutput gives programs an output that cannot be written and an input that does
// not exist. The error must be about the output, which they check before they read.
func unwritableOutput(t *testing.T, bin string) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink("nothing", link), os.Mkdir(filepath.Join(dir, "folder"), 0o700)); err != nil {
		t.Skip(err)
	}
	sweepDir := filepath.Join(dir, "sweep")
	if err := os.MkdirAll(filepath.Join(sweepDir, "sweep_report.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	files := []string{filepath.Join(file, "x"), filepath.Join(file, "a", "x"), link, filepath.Join(link, "x"), filepath.Join(dir, "folder"), os.DevNull}
	folders := []string{file, filepath.Join(file, "x"), link}
	if _, err := os.Stat("/proc/self"); err == nil {
		files, folders = append(files, "/proc/x"), append(folders, "/proc/x")
	}
	for _, c := range []struct {
		line string
		outs []string
	}{
		{"samples --in missing.jsonl --force --out", files},
		{"samples --in missing.jsonl --force --samples-out", files},
		{"eval --dataset missing.jsonl --bam-manifest missing.json --force --out", files},
		{"train --dataset missing.jsonl --force --out-dir", folders},
		{"ladder --dataset missing.jsonl --force --out-dir", folders},
		{"identity --bam-manifest missing.json --force --out-dir", folders},
		{"sweep --dataset missing.jsonl --out-dir", append(folders, sweepDir)},
	} {
		words := strings.Fields(c.line)
		for _, out := range c.outs {
			cmd := exec.Command(filepath.Join(bin, words[0]), append(words[1:], out)...)
			cmd.Dir = dir
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			err := cmd.Run()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 || strings.Contains(stderr.String(), "missing.json") || !strings.Contains(stderr.String(), out) {
				t.Errorf("%s %s: %v: %s", c.line, out, err, stderr.String())
			}
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 4 {
		t.Errorf("left %v, %v", entries, err)
	}
}

// shapeBeyondReason wants an error, in little time and memory, for windows that no memory
// holds.
func shapeBeyondReason(t *testing.T, bin string) {
	dir := t.TempDir()
	if out, err := exec.Command(filepath.Join(bin, "samples"), "--simulate", "50", "--out", filepath.Join(dir, "d.jsonl")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	sizes := []string{
		"--window-W 1000000000000", "--window-W 9223372036854775807", "--window-W -1", "--window-W 6000",
	}
	dims := []string{
		"--input-dims 1000000000000", "--input-dims -1", "--input-dims 4294967296 --window-W 4294967296",
		"--input-dims 4 --window-W 4611686018427387907", // the product is 12
	}
	for _, c := range []struct {
		line string
		dims bool
	}{
		{"train --dataset d.jsonl --out-dir m", true},
		{"train --out-dir m", true},
		{"sweep --dataset d.jsonl --out-dir s", true},
		{"codec --codec raw --in d.jsonl", true},
		{"codec --codec sensor12_packed --in d.jsonl", true},
		{"samples --simulate 50 --out x.jsonl", false},
		{"ladder --dataset d.jsonl --out-dir l", false},
	} {
		flags := sizes
		if c.dims {
			flags = append(flags[:len(flags):len(flags)], dims...)
		}
		for _, f := range flags {
			words := strings.Fields(c.line + " " + f)
			cmd := exec.Command(filepath.Join(bin, words[0]), words[1:]...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.ExitCode() != 1 && exit.ExitCode() != 2 || !bytes.HasPrefix(out, []byte(words[0]+": ")) || bytes.Count(out, []byte("\n")) != 1 {
				t.Errorf("%s: %v: %.500s", strings.Join(words, " "), err, out)
			}
		}
	}
}
