package loralink_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/loralink/loralink-go"

// What a package may reach, directly or not. The walls keep a node's binary
// small and let each room be read without the others.
func TestWalls(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command here")
	}
	const (
		heavy = `^(gonum\.org|github\.com/sbinet|github\.com/go-playground|go\.bug\.st)`
		yaml  = `(/yaml|/go-yaml)(/|$)`
	)
	for _, c := range []struct{ pkg, never string }{
		{"bam", heavy + "|" + yaml + "|^" + module + "/(dataset|artifacts|codec|radio|runspec|bam/.*)"},
		{"dataset", heavy + "|" + yaml + "|^" + module + "/(bam|artifacts|codec|radio|runspec)"},
		{"dataset/numpy", `^go\.bug\.st|^gonum\.org/v1/plot|^github\.com/go-playground|` + yaml + "|^" + module + "/(bam|artifacts|codec|radio|runspec)"},
		{"radio", heavy + "|" + yaml + "|^" + module + "/(bam|dataset|artifacts|codec|runspec)"},
		{"radio/link", heavy + "|" + yaml + "|^" + module + "/(bam|dataset|artifacts|codec|runspec)"},
		{"codec", `^go\.bug\.st|^gonum\.org/v1/plot|^github\.com/sbinet|` + yaml + "|^" + module + "/(bam/train|dataset$|radio|runspec)"},
		{"bam/train", `^go\.bug\.st|` + yaml + "|^" + module + "/(codec|radio|runspec)"},
		{"bam/sweep", `^go\.bug\.st|` + yaml + "|^" + module + "/(radio/.*|runspec)"},
		{"codec/quality", `^go\.bug\.st|` + yaml + "|^" + module + "/(bam/train|radio/.*|runspec)"},
	} {
		out, err := exec.Command("go", "list", "-deps", "./"+c.pkg).CombinedOutput()
		if err != nil {
			t.Fatalf("go list -deps ./%s: %v\n%s", c.pkg, err, out)
		}
		never := regexp.MustCompile(c.never)
		for _, dep := range strings.Fields(string(out)) {
			if never.MatchString(dep) {
				t.Errorf("%s reaches %s", c.pkg, dep)
			}
		}
	}
	// Nothing imports an example.
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		for _, imported := range fields[1:] {
			if strings.HasPrefix(imported, module+"/examples/") && !strings.HasPrefix(fields[0], module+"/examples/") &&
				!strings.HasPrefix(fields[0], module+"/internal/station") && !strings.HasPrefix(fields[0], module+"/internal/trainflags") {
				t.Errorf("%s imports %s", fields[0], imported)
			}
		}
	}
}

// What a library says, it returns; what it is told, it is given as arguments.
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
			case "examples", "internal/station", "internal/trainflags", "internal/testenv", "out", ".git", ".ci":
				// Programs, and what they share.
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
