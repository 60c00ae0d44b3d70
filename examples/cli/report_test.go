package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

type tabled int

func (tabled) WriteTable(w io.Writer) { fmt.Fprint(w, "the table") }

func TestWriteReport(t *testing.T) {
	var out bytes.Buffer
	if err := WriteReport(&out, "", tabled(7), 7); err != nil || out.String() != "7\n" {
		t.Errorf("without a file: %q, %v", out.String(), err)
	}
	out.Reset()
	path := filepath.Join(t.TempDir(), "new", "report.json")
	if err := WriteReport(&out, path, tabled(7), 7); err != nil || out.String() != "the table" {
		t.Errorf("with a file: %q, %v", out.String(), err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "7\n" {
		t.Errorf("the file: %q, %v", b, err)
	}
}

func TestRequired(t *testing.T) {
	fs := NewFlags("tool", "tool", "summary")
	var logs []string
	Repeated(fs, &logs, "log", "a log")
	fs.String("out", "", "a file")
	if err := Parse(fs, []string{"--log", "a,b", "--log", "c"}, io.Discard); err != nil || fmt.Sprint(logs) != "[a,b c]" {
		t.Fatal(logs, err)
	}
	if err := Required(fs, "log"); err != nil {
		t.Error(err)
	}
	var usage *UsageError
	if err := Required(fs, "log", "out"); !errors.As(err, &usage) || err.Error() != "--out is missing, want a file" {
		t.Error(err)
	}
}
