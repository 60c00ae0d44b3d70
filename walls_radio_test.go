package loralink_test

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// What the packages of the radio side may not reach, directly or not.
func TestRadioWalls(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command here")
	}
	const heavy = `^(gonum\.org|github\.com/sbinet|github\.com/go-playground|go\.bug\.st)|(/yaml|/go-yaml)(/|$)`
	for _, c := range []struct{ pkg, never string }{
		{"radio/sim", heavy + "|^" + module + "/(bam|artifacts|codec|runspec)"},
		{"radio/runlog", heavy + "|^" + module + "/(bam|artifacts|codec|runspec)"},
		{"radio/endpoint", `^gonum\.org/v1/plot|^` + module + "/(bam/.*|codec/.*)"},
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
}

// A reader can copy these mains into a module of their own.
func TestRadioMainsArePublic(t *testing.T) {
	for _, name := range []string{"tx", "rx", "link", "experiment", "report", "e22"} {
		out, err := exec.Command("go", "list", "-f", `{{join .Imports " "}}`, "./examples/"+name).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, imported := range strings.Fields(string(out)) {
			if strings.HasPrefix(imported, module+"/internal/") {
				t.Errorf("examples/%s imports %s", name, imported)
			}
		}
	}
}
