package cli

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		code int
		line string
	}{
		{"success", nil, 0, ""},
		{"help", flag.ErrHelp, 0, ""},
		{"error", errors.New("dataset: a.jsonl: line 3"), 1, "tool: dataset: a.jsonl: line 3\n"},
		{"a package of the program's name", errors.New("tool: invalid settings: tool: 3"), 1, "tool: invalid settings: tool: 3\n"},
		{"several lines become one", errors.Join(errors.New("a"), errors.New("b")), 1, "tool: a; b\n"},
		{"flags", fmt.Errorf("x: %w", Usagef("--n is %d", 3)), 2, "tool: x: --n is 3\n"},
	} {
		var b bytes.Buffer
		if code := exitCode("tool", c.err, &b); code != c.code || b.String() != c.line {
			t.Errorf("%s: %d %q, want %d %q", c.name, code, b.String(), c.code, c.line)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name  string
		args  []string
		usage bool
	}{
		{"good", []string{"--dims", "24, 16", "-n", "3"}, false},
		{"unknown flag", []string{"--no"}, true},
		{"no number", []string{"--n", "x"}, true},
		{"no list", []string{"--dims", "1,b"}, true},
		{"argument", []string{"file"}, true},
	} {
		fs := NewFlags("tool", "summary")
		var dims []int
		fs.Var(Ints(&dims), "dims", "")
		fs.Int("n", 0, "")
		err := Parse(fs, c.args, io.Discard)
		var usage *UsageError
		if errors.As(err, &usage) != c.usage || !c.usage && (err != nil || fmt.Sprint(dims) != "[24 16]" || !IsSet(fs, "n")) {
			t.Errorf("%s: %v, dims %v", c.name, err, dims)
		}
	}
	fs := NewFlags("tool", "what it does")
	fs.Int("n", 7, "a number")
	var b bytes.Buffer
	if err := Parse(fs, []string{"--help"}, &b); !errors.Is(err, flag.ErrHelp) || !strings.Contains(b.String(), "what it does") || !strings.Contains(b.String(), "a number") {
		t.Errorf("help: %v\n%s", err, b.String())
	}
}

func TestOnlyBeside(t *testing.T) {
	for args, want := range map[string]string{
		"":                    "",
		"--dataset a --out b": "",
		"--dataset a --w 1":   "--w does not go with --dataset, want it left out",
		"--w 0 --dataset a":   "--w does not go with --dataset, want it left out",
	} {
		fs := NewFlags("tool", "summary")
		fs.String("dataset", "", "")
		fs.String("out", "", "")
		fs.Int("w", 0, "")
		if err := Parse(fs, strings.Fields(args), io.Discard); err != nil {
			t.Fatal(err)
		}
		err := OnlyBeside(fs, "dataset", "out")
		var usage *UsageError
		if want == "" && err != nil || want != "" && (!errors.As(err, &usage) || err.Error() != want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

// Not on a terminal: not a byte.
func TestProgressIsSilentElsewhere(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b)
	p.start = p.start.Add(-10e9)
	p.Update("epoch", 1, 10)
	p.Clear()
	if b.Len() > 0 {
		t.Errorf("wrote %q", b.String())
	}
}
