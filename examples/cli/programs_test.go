package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loralink/loralink-go/internal/testenv"
)

// built is the folder of all example programs, built once.
var built = sync.OnceValues(func() (string, error) {
	bin, err := os.MkdirTemp("", "programs")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", bin+string(os.PathSeparator), "./examples/...")
	build.Dir = testenv.Repo()
	if out, err := build.CombinedOutput(); err != nil {
		return bin, fmt.Errorf("%w\n%s", err, out)
	}
	return bin, nil
})

// programs returns the folder of all example programs.
func programs(t *testing.T) string {
	t.Helper()
	wanted = true
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

var wanted bool // a test has called programs

func TestMain(m *testing.M) {
	if os.Getenv(stubbornVariable) != "" {
		stubborn()
	}
	code := m.Run()
	if wanted {
		bin, _ := built()
		os.RemoveAll(bin)
	}
	os.Exit(code)
}

// Every program fails if it cannot print, even its help.
func TestFullStdoutOfEveryProgram(t *testing.T) {
	bin := programs(t)
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

// Programs are given an output that cannot be written and an input that does not exist. The error must be about the output, which they check before they read.
func TestUnwritableOutputFirst(t *testing.T) {
	bin := programs(t)
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

// Windows that no memory holds are an error at once.
func TestWindowShapeBeyondReason(t *testing.T) {
	bin := programs(t)
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

// Programs are given a pipe that nobody writes to, and files that never end.
func TestInputThatIsNoFile(t *testing.T) {
	bin := programs(t)
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if out, err := exec.Command("mkfifo", pipe, pipe+".npz", pipe+".csv").CombinedOutput(); err != nil {
		t.Skipf("mkfifo: %v %s", err, out)
	}
	inputs := []string{pipe, pipe + ".npz", pipe + ".csv", "/dev/zero", "/dev/tty", dir}
	if _, err := os.Stat("/proc/kmsg"); err == nil {
		inputs = append(inputs, "/proc/kmsg")
	}
	data, model := filepath.Join(dir, "d.jsonl"), filepath.Join(dir, "m", "bam_manifest.json")
	for _, line := range []string{"samples --simulate 50 --out " + data, "train --dataset " + data + " --method pca --latent-dim 2 --out-dir " + filepath.Dir(model)} {
		words := strings.Fields(line)
		if out, err := exec.Command(filepath.Join(bin, words[0]), words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
	for _, line := range []string{
		"samples --out x.jsonl --in", "samples --out x.jsonl --dataset", "train --out-dir x --dataset",
		"ladder --out-dir x --dataset", "sweep --out-dir x --dataset", "eval --bam-manifest " + model + " --dataset",
		"eval --dataset " + data + " --ladder", "eval --dataset " + data + " --bam-manifest",
		"inspect --bam-manifest " + model + " --dataset", "inspect --bam-manifest", "identity --out-dir x --bam-manifest",
		"codec --codec raw --in", "codec --codec raw --decode --in", "codec --in " + data + " --grid",
		"link --samples " + data + " --rx " + data + " --tx",
	} {
		for _, input := range inputs {
			words := append(strings.Fields(line), input)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			cmd := exec.CommandContext(ctx, filepath.Join(bin, words[0]), words[1:]...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 && exit.ExitCode() != 2 || ctx.Err() != nil {
				t.Errorf("%s: %v: %.300s", strings.Join(words, " "), err, out)
			}
			cancel()
		}
	}
}

// A program that waits for standard input can be interrupted.
func TestInterruptOnStdin(t *testing.T) {
	bin := programs(t)
	for _, line := range []string{"--codec raw --explain --in -", "--codec raw --explain --decode --in -"} {
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "codec"), strings.Fields(line)...)
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// It is interrupted before its first line, or while it waits for the next one.
		if _, err := stdin.Write([]byte("# nothing yet\n")); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Skip(err)
		}
		if _, err := io.Copy(io.Discard, stdout); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Errorf("codec %s: no error", line)
		}
	}
}
