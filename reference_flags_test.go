package loralink_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/internal/testenv"
)

var (
	flagRow   = regexp.MustCompile("(?m)^- `(--[A-Za-z0-9-]+)")
	tableRow  = regexp.MustCompile("(?m)^\\| `(--[A-Za-z0-9-]+)` \\| (.+) \\|$")
	ourFlag   = regexp.MustCompile("^`(--[A-Za-z0-9-]+)")
	ourNone   = regexp.MustCompile(`^none: .{10,}`)
	ourProg   = regexp.MustCompile("^`examples/([a-z0-9]+)(?: ([a-z0-9]+))?")
	helpFlags = regexp.MustCompile(`(?m)^  (--[A-Za-z0-9-]+)`)
)

// sections returns the text of each section of a Markdown file by its heading.
func sections(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, s := range strings.Split("\n"+string(text), "\n## ")[1:] {
		heading, body, _ := strings.Cut(s, "\n")
		all[heading] = strings.TrimSpace(body)
	}
	return all
}

// help returns the help text of an example program in dir, or of one of its commands.
func help(t *testing.T, dir, program string, command ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(dir, program), append(command, "--help")...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestFlags(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", dir+string(filepath.Separator), "./examples/...").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Run("groups", func(t *testing.T) { checkGroups(t, dir) })
	t.Run("reference", func(t *testing.T) { checkReferenceFlags(t, dir) })
}

// docs/reference.md has every flag of the reference's programs, and names flags that the
// programs here have.
func checkReferenceFlags(t *testing.T, dir string) {
	theirs := sections(t, testenv.Shared(t, "reference", "FLAGS.md"))
	docs := sections(t, filepath.Join("docs", "reference.md"))
	flags := 0
	for _, program := range slices.Sorted(maps.Keys(theirs)) {
		var want []string
		for _, m := range flagRow.FindAllStringSubmatch(theirs[program], -1) {
			want = append(want, m[1])
		}
		if len(want) == 0 {
			continue
		}
		body, ok := docs[program]
		if !ok {
			t.Errorf("docs/reference.md has no section %q", program)
			continue
		}
		ours := ourProg.FindStringSubmatch(body)
		if ours == nil {
			t.Errorf("%s: the section does not begin with a program under examples", program)
			continue
		}
		var command []string
		if ours[2] != "" {
			command = ours[2:]
		}
		known := map[string]bool{}
		for _, m := range helpFlags.FindAllStringSubmatch(help(t, dir, ours[1], command...), -1) {
			known[m[1]] = true
		}
		var found []string
		for _, row := range tableRow.FindAllStringSubmatch(body, -1) {
			found = append(found, row[1])
			name := ourFlag.FindStringSubmatch(row[2])
			switch {
			case name == nil && !ourNone.MatchString(row[2]):
				t.Errorf("%s %s: found %q, want a flag of ours, or none: and the reason", program, row[1], row[2])
			case name != nil && !known[name[1]]:
				t.Errorf("%s %s: examples/%s has no flag %s", program, row[1], ours[1], name[1])
			}
		}
		slices.Sort(want)
		slices.Sort(found)
		if fmt.Sprint(want) != fmt.Sprint(found) {
			t.Errorf("%s:\nfound %v\nwant  %v", program, found, want)
		}
		flags += len(want)
	}
	if flags < 150 {
		t.Errorf("found %d flags of the reference, want over 150", flags)
	}
}

// Every flag of every program stands under a heading of its purpose.
func checkGroups(t *testing.T, dir string) {
	mains, err := filepath.Glob("examples/*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, main := range mains {
		program := filepath.Base(filepath.Dir(main))
		if program == "embed" { // has no flags
			continue
		}
		text := help(t, dir, program)
		if !strings.HasPrefix(text, "Example:\n  go run ./examples/"+program) {
			t.Errorf("%s: the help does not begin with an example:\n%s", program, text)
		}
		if _, other, ok := strings.Cut(text, "\nOther:\n"); ok {
			t.Errorf("%s: flags without a purpose:\n%s", program, other)
		}
	}
}
