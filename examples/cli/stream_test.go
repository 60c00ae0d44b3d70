package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestControlCharacters(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain", "a\tb\nc", "a\tb\nc"},
		{"letters", "µ § 日本 😀\n", "µ § 日本 😀\n"},
		{"escape", "\x1b[2Jx", `\u001b[2Jx`},
		{"return", "good\rbad", `good\u000dbad`},
		{"delete, C1", "\x7f\u009b", `\u007f\u009b`},
		{"not UTF-8", "\x9b2J\xff", `\x9b2J\xff`},
		{"direction", "a\u202eb\u2066", `a\u202eb\u2066`},
		{"incomplete", "a\xe2\x82", `a\xe2\x82`},
	} {
		for size := range 3 {
			var b bytes.Buffer
			s := newStream(&b, "stdout", 0)
			for rest := []byte(c.text); len(rest) > 0; {
				n := len(rest)
				if size > 0 {
					n = min(n, size)
				}
				if wrote, err := s.Write(rest[:n]); wrote != n || err != nil {
					t.Fatal(wrote, err)
				}
				rest = rest[n:]
			}
			if err := s.Close(); err != nil || b.String() != c.want {
				t.Errorf("%s, %d bytes at once: %q, %v, want %q", c.name, size, b.String(), err, c.want)
			}
		}
	}
	// JSON keeps its meaning.
	name := "a\u009b\u007fb"
	line, err := json.Marshal(name)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	var back string
	if _, err := newStream(&b, "stdout", 0).Write(line); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || back != name || bytes.Contains(b.Bytes(), []byte("\u009b")) {
		t.Errorf("%q, %v", b.String(), err)
	}
}

func TestErrorLinesAreShort(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
	}{
		{"long", errors.New(strings.Repeat("x", 1<<20))},
		{"control characters", errors.New(strings.Repeat("\x1b", 1<<16))},
		{"wide", errors.New(strings.Repeat("日", 1<<16))},
	} {
		var b bytes.Buffer
		s := newStream(&b, "stderr", maxLine)
		Warn(s)(c.err)
		if code := exitCode("tool", c.err, s); code != 1 {
			t.Errorf("%s: code %d", c.name, code)
		}
		lines := strings.SplitAfter(b.String(), "\n")
		if len(lines) != 3 || len(lines[0]) > maxLine || len(lines[1]) > maxLine || len(lines[1]) < maxLine-10 || !strings.HasSuffix(lines[1], "...\n") {
			t.Errorf("%s: %d lines, %d and %d bytes", c.name, len(lines), len(lines[0]), len(lines[1]))
		}
	}
	var many []error
	for i := range 25 {
		many = append(many, fmt.Errorf("fault %d", i))
	}
	var b bytes.Buffer
	exitCode("tool", errors.Join(many...), &b)
	if want := "fault 9; and 15 more faults\n"; !strings.HasSuffix(b.String(), want) {
		t.Errorf("25 faults: %q, want %q at the end", b.String(), want)
	}
	b.Reset()
	fmt.Fprintf(newStream(&b, "stderr", maxLine), "%s\n%s\n", strings.Repeat("y", maxLine-4), "short")
	if want := strings.Repeat("y", maxLine-4) + "\nshort\n"; b.String() != want {
		t.Errorf("a line that just fits: %q", b.String())
	}
}

// A program that cannot print its result has failed.
func TestFullStdout(t *testing.T) {
	if os.Getenv("LORALINK_TEST_FULL") != "" {
		os.Args = os.Args[:1]
		Main("tool", func(_ context.Context, _ []string, out, _ io.Writer) error {
			fmt.Fprintln(out, "the result") // as programs do
			return nil
		})
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestFullStdout$")
	cmd.Env = append(os.Environ(), "LORALINK_TEST_FULL=1")
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = full, &stderr
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 || !strings.HasPrefix(stderr.String(), "tool: standard output: ") || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("%v, %q, want exit code 1 and one line", err, stderr.String())
	}
}
