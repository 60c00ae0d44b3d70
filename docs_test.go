package loralink_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/internal/testenv"
)

var (
	commandLine = regexp.MustCompile(`^    (go run|go test|go get|sha256sum) `)
	exampleName = regexp.MustCompile(`go run \./examples/([a-z0-9]+)`)
)

// commands returns the command lines in the indented blocks of a Markdown file, each with
// its continuation lines.
func commands(t *testing.T, path string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for lines := strings.Split(string(text), "\n"); len(lines) > 0; lines = lines[1:] {
		if !commandLine.MatchString(lines[0]) {
			continue
		}
		line := strings.TrimSpace(lines[0])
		for strings.HasSuffix(line, `\`) && len(lines) > 1 {
			lines = lines[1:]
			line = strings.TrimSuffix(line, `\`) + strings.TrimSpace(lines[0])
		}
		all = append(all, line)
	}
	return all
}

// Every command line in the documents runs, in the order of each document, in a folder
// that has testdata and the templates of records, and nothing else. Tests and benchmarks, which CI runs anyway, and
// lines for hardware are left out.
func TestCommandsOfDocuments(t *testing.T) {
	testenv.CIOnly(t)
	bin := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin+string(filepath.Separator), "./examples/...").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	documents, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	documents = append([]string{"README.md", "examples/records/README.md"}, documents...)
	dir := t.TempDir()
	for _, folder := range []string{"testdata", "examples/records"} {
		if err := os.CopyFS(filepath.Join(dir, folder), os.DirFS(folder)); err != nil {
			t.Fatal(err)
		}
	}
	ran := 0
	for _, path := range documents {
		lines := commands(t, path)
		t.Run(path, func(t *testing.T) {
			for _, line := range lines {
				switch {
				case strings.HasPrefix(line, "go test "), strings.HasPrefix(line, "go get "), strings.Contains(line, "/dev/tty"):
					continue
				case strings.Contains(line, "$FIELD"):
					line = strings.ReplaceAll(line, "$FIELD", testenv.Shared(t, "field"))
				}
				runCommand(t, dir, bin, line)
				ran++
			}
		})
	}
	if ran < 15 {
		t.Errorf("ran %d command lines, want 15 or more", ran)
	}
}

// runCommand runs a command line in dir, with the programs in bin.
func runCommand(t *testing.T, dir, bin, line string) {
	t.Helper()
	script := exampleName.ReplaceAllString(line, filepath.ToSlash(bin)+"/$1")
	switch {
	case exampleName.MatchString(line) && exampleName.FindStringSubmatch(line)[1] == "rx":
		startReceiver(t, dir, script)
		return
	case exampleName.MatchString(line) && exampleName.FindStringSubmatch(line)[1] == "tx":
		script += " --max-seconds 3"
	case strings.HasPrefix(line, "sha256sum "):
		model := filepath.Join("out", "models", "b")
		if strings.Contains(line, "bitpack.npz") {
			model = filepath.Join("out", "models", "c")
		}
		script = fmt.Sprintf("cd %s && test $(%s | cut -d' ' -f1) = $(sed -n 's/.*\"model_hash\": \"\\(.*\\)\".*/\\1/p' artifacts.json)", model, line)
	case exampleName.MatchString(line) && slices.Contains([]string{"train", "ladder", "samples", "export"}, exampleName.FindStringSubmatch(line)[1]):
		script, _, _ = strings.Cut(script, " #")
		script += " --force" // two documents may write one folder
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
}

// startReceiver starts a receiver that is interrupted at the end of the test. It returns
// when the receiver has begun, which its log tells.
func startReceiver(t *testing.T, dir, script string) {
	t.Helper()
	cmd := exec.Command("bash", "-c", "exec "+script)
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", script, err)
		}
	})
	for range 600 {
		logs, _ := filepath.Glob(filepath.Join(dir, "out", "runtime", "*_rx.jsonl"))
		for _, log := range logs {
			if info, err := os.Stat(log); err == nil && info.Size() > 0 {
				return
			} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s: no log after a minute", script)
}
