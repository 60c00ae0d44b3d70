package loralink_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/radio"
)

const module = "github.com/loralink/loralink-go"

// imports are what a package imports, directly or not, by go list.
func imports(t *testing.T, pkg string) []string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command here")
	}
	out, err := exec.Command("go", "list", "-deps", pkg).CombinedOutput()
	if err != nil {
		t.Fatalf("go list -deps %s: %v\n%s", pkg, err, out)
	}
	return strings.Fields(string(out))
}

// What a package may import, directly or not. This keeps a node's binary small,
// and each package readable without the others.
func TestImports(t *testing.T) {
	const (
		heavy = `^gonum\.org|^github\.com/(sbinet|go-playground)|^go\.bug\.st|(/yaml|/go-yaml)(/|$)|goja`
		serve = `^go\.bug\.st|(/yaml|/go-yaml)(/|$)`
	)
	ours := func(packages string) string { return "|^" + module + "/(" + packages + ")" }
	for _, c := range []struct{ pkg, never string }{
		{"dataset/sensor", heavy + ours(`bam|dataset$|artifacts|codec|radio|runspec|internal`)},
		{"bam", heavy + ours(`bam/|dataset|artifacts|codec|radio|runspec`)},
		{"dataset", heavy + ours(`bam|artifacts|codec|radio|runspec`)},
		{"dataset/capture", heavy + ours(`bam|artifacts|codec|radio|runspec`)},
		{"dataset/numpy", serve + `|^gonum\.org/v1/plot|^github\.com/go-playground` + ours(`bam|artifacts|codec|radio|runspec`)},
		{"artifacts", heavy + ours(`artifacts/|bam/|dataset$|codec|radio|runspec`)},
		{"codec", heavy + ours(`artifacts/|bam/|dataset$|dataset/motion|codec/|radio|runspec`)},
		{"codec/fit", heavy + ours(`artifacts/|bam/|codec/quality|radio|runspec`)},
		{"codec/export", heavy + ours(`artifacts/|bam/|dataset$|codec/|radio|runspec`)},
		{"codec/quality", serve + ours(`bam/|artifacts/|radio/|runspec`)},
		{"bam/train", serve + ours(`bam/sweep|artifacts/|codec|radio|runspec`)},
		{"bam/sweep", serve + ours(`radio/|runspec`)},
		{"radio", heavy + ours(`bam|dataset|artifacts|codec|runspec`)},
		{"radio/link", heavy + ours(`bam|dataset|artifacts|codec|runspec|radio/`)},
		{"radio/sim", heavy + ours(`bam|dataset|artifacts|codec|runspec`)},
		{"radio/udp", heavy + ours(`bam|dataset|artifacts|codec|runspec`)},
		{"radio/e22", `^gonum\.org|^github\.com/(sbinet|go-playground)` + ours(`bam|dataset|artifacts|codec|runspec`)},
		{"radio/runlog", heavy + ours(`bam|artifacts|codec|runspec`)},
		{"radio/endpoint", `^gonum\.org|^github\.com/sbinet` + ours(`bam/|codec/`)},
		{"runspec", `^gonum\.org|^github\.com/sbinet|^go\.bug\.st` + ours(`bam|dataset|artifacts|codec`)},
	} {
		never := regexp.MustCompile(c.never)
		for _, dep := range imports(t, "./"+c.pkg) {
			if dep != module+"/"+c.pkg && never.MatchString(dep) {
				t.Errorf("%s imports %s", c.pkg, dep)
			}
		}
	}
	// What a node imports is the standard library and this module.
	for _, dep := range imports(t, "./codec") {
		if first, _, _ := strings.Cut(dep, "/"); strings.Contains(first, ".") && !strings.HasPrefix(dep, module) {
			t.Errorf("codec imports %s, want the standard library alone", dep)
		}
	}
}

// maxMainLines is how long an example's main.go may be.
const maxMainLines = 180

// An example can be copied: it is thin and imports public packages and examples/cli
// only. Nothing imports an example.
func TestExamplesAreThin(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{.Dir}} {{join .Imports ","}}`, "./...").Output()
	if err != nil {
		t.Skipf("no go command here: %v", err)
	}
	mains := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		pkg, dir := fields[0], fields[1]
		example := strings.HasPrefix(pkg, module+"/examples/") && !strings.HasPrefix(pkg, module+"/examples/cli")
		for imported := range strings.SplitSeq(fields[2], ",") {
			switch {
			case example && strings.HasPrefix(imported, module+"/internal/"):
				t.Errorf("%s imports %s, want public packages and examples/cli only", pkg, imported)
			case strings.HasPrefix(imported, module+"/examples/") && (!strings.HasPrefix(pkg, module+"/examples/") || imported != module+"/examples/cli"):
				t.Errorf("%s imports %s", pkg, imported)
			}
		}
		if !example {
			continue
		}
		mains++
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for _, name := range files {
			if text, err := os.ReadFile(name); err == nil && !strings.HasSuffix(name, "_test.go") {
				lines += bytes.Count(text, []byte("\n"))
			}
		}
		if lines > maxMainLines {
			t.Errorf("%s has %d lines, want at most %d: what a user would want to do, a public package does", pkg, lines, maxMainLines)
		}
	}
	if mains < 10 {
		t.Errorf("found %d examples, want at least 10", mains)
	}
}

// Libraries return what they have to say, and are given what they need: they
// neither print nor log, and read no flags or environment.
func TestLibrariesKeepQuiet(t *testing.T) {
	never := map[string]*regexp.Regexp{
		"fmt":  regexp.MustCompile(`^Print`),
		"flag": regexp.MustCompile(`^(CommandLine|Parse|Parsed|Args|Arg|NArg|(Bool|Int|Int64|Uint|Uint64|Float64|String|Duration|Text)?Var|Bool|Int|Int64|Uint|Uint64|Float64|String|Duration|Func|BoolFunc)$`),
		"os":   regexp.MustCompile(`^(Getenv|LookupEnv|Environ|Args|Stdout|Stderr|Stdin|Exit)$`),
	}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch filepath.ToSlash(path) {
			case "examples", "testdata", "internal/testenv", "out", ".git", ".ci":
				// Programs, and what tests share.
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, imp := range file.Imports {
			switch name, _ := strconv.Unquote(imp.Path.Value); name {
			case "log", "log/slog":
				t.Errorf("%s imports %s", path, name)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && never[pkg.Name] != nil && never[pkg.Name].MatchString(sel.Sel.Name) {
				t.Errorf("%s uses %s.%s", path, pkg.Name, sel.Sel.Name)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Packages that do not import each other agree on the longest payload.
func TestLongestPayload(t *testing.T) {
	if artifacts.MaxPayloadBytes != radio.MaxPayloadLen {
		t.Errorf("artifacts has %d bytes, radio %d", artifacts.MaxPayloadBytes, radio.MaxPayloadLen)
	}
}

// outsideModule makes an empty module with a folder for each of dirs, which it
// copies without tests, or with them.
func outsideModule(t *testing.T, tests bool, dirs ...string) string {
	t.Helper()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	gomod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	// The same versions of everything, so that nothing is downloaded.
	text := strings.Replace(string(gomod), "module "+module, "module example.org/outside", 1) +
		"\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + filepath.ToSlash(root) + "\n"
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"go.mod": []byte(text), "go.sum": sums} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, from := range dirs {
		to := filepath.Join(dir, filepath.Base(from))
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		copied, err := filepath.Glob(filepath.Join(to, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range copied {
			if !tests {
				os.Remove(name)
			}
		}
	}
	return dir
}

func goCommand(t *testing.T, dir string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command here")
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Each example, copied into an empty module, builds there.
func TestExamplesBuildElsewhere(t *testing.T) {
	testenv.CIOnly(t) // it compiles every package once more
	mains, err := filepath.Glob("examples/*/main.go")
	if err != nil || len(mains) < 10 {
		t.Fatalf("%d examples, %v", len(mains), err)
	}
	var dirs []string
	for _, m := range mains {
		dirs = append(dirs, filepath.Dir(m))
	}
	goCommand(t, outsideModule(t, false, dirs...), "build", "-o", os.DevNull, "./...")
}

// A module elsewhere implements a codec, a training method and a radio with public
// packages alone, and uses each with quality, sweep and endpoint.
func TestOutsideModule(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles every package once more")
	}
	goCommand(t, outsideModule(t, true, filepath.Join("testdata", "outside")), "test", "./...")
}
