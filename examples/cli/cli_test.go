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
		fs := NewFlags("tool", "tool --n 3", "summary")
		var dims []int
		fs.Var(Ints(&dims), "dims", "")
		fs.Int("n", 0, "")
		err := Parse(fs, c.args, io.Discard)
		var usage *UsageError
		if errors.As(err, &usage) != c.usage || !c.usage && (err != nil || fmt.Sprint(dims) != "[24 16]" || !IsSet(fs, "n")) {
			t.Errorf("%s: %v, dims %v", c.name, err, dims)
		}
	}
	fs := NewFlags("tool", "tool --n 3", "what it does")
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
		fs := NewFlags("tool", "tool --n 3", "summary")
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

func TestPositionalArguments(t *testing.T) {
	for _, c := range []struct {
		args       string
		in, out, n string
		want       string // error; "": none
	}{
		{"--in a --out b", "a", "b", "0", ""},
		{"a b", "a", "b", "0", ""},
		{"a --n 3 b", "a", "b", "3", ""},
		{"--n 3 a --out b", "a", "b", "3", ""},
		{"a b c", "", "", "", `unexpected argument "c": want flags only (--help lists them)`},
		{"--in a b", "", "", "", `unexpected argument "b": --in is given already`},
		{"a --inn 3", "", "", "", "unknown flag --inn: did you mean --in? (--help lists the flags)"},
		{"--colour red", "", "", "", "unknown flag --colour (--help lists the flags)"},
	} {
		fs := NewFlags("tool", "tool --n 3", "summary")
		in, out, n := fs.String("in", "", ""), fs.String("out", "", ""), fs.Int("n", 0, "")
		err := Parse(fs, strings.Fields(c.args), io.Discard, "in", "out")
		var usage *UsageError
		switch {
		case c.want != "":
			if !errors.As(err, &usage) || err.Error() != c.want {
				t.Errorf("%s: got %v, want %s", c.args, err, c.want)
			}
		case err != nil || *in != c.in || *out != c.out || fmt.Sprint(*n) != c.n:
			t.Errorf("%s: %v, in %q, out %q, n %d", c.args, err, *in, *out, *n)
		}
	}
}

func TestHelp(t *testing.T) {
	fs := NewFlags("tool", "tool --in a", "Tool does it.")
	fs.String("in", "", "`FILE` to read")
	fs.Float64("train-ratio", 0.8, "share of training windows")
	fs.Bool("force", false, "replace")
	fs.Int("colour", 0, "number of colours")
	var b bytes.Buffer
	if err := Parse(fs, []string{"--help"}, &b); !errors.Is(err, flag.ErrHelp) {
		t.Fatal(err)
	}
	want := `Example:
  tool --in a

Tool does it.

Input:
  --in FILE
        FILE to read

Output:
  --force
        replace

Split into training windows and holdout:
  --train-ratio float
        share of training windows (default 0.8)

Other:
  --colour int
        number of colours
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
