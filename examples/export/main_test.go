package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/internal/testenv"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	grid, err := codec.NewGrid(1, []codec.GridDim{{Low: -40, Step: 0.5, Bits: 8}, {Low: 0, Step: 1, Bits: 8}})
	if err != nil {
		t.Fatal(err)
	}
	gridFile := filepath.Join(dir, "grid.json")
	if err := os.WriteFile(gridFile, grid.File(), 0o644); err != nil {
		t.Fatal(err)
	}
	model := testenv.Repo("examples", "embed", "model")
	for _, c := range []struct {
		name  string
		args  []string
		files string
		usage string // wanted in a usage error
		err   string // wanted in another error
	}{
		{"both languages", []string{"--bam-manifest", model, "--name", "truck"}, "truck.c truck.h truck.js truck_test.c truck_test.js truck_vectors.h truck_vectors.json", "", ""},
		{"C alone", []string{"--grid", gridFile, "--lang", "c"}, "loralink.c loralink.h loralink_test.c loralink_vectors.h", "", ""},
		{"JavaScript alone", []string{"--grid", gridFile, "--lang", "js", "--vectors", "3"}, "loralink.js loralink_test.js loralink_vectors.json", "", ""},
		{"no codec", nil, "", "want one of --bam-manifest", ""},
		{"two codecs", []string{"--grid", gridFile, "--ladder", "x"}, "", "2 codecs", ""},
		{"another language", []string{"--grid", gridFile, "--lang", "rust"}, "", `"rust"`, ""},
		{"payload bytes of a grid", []string{"--grid", gridFile, "--payload-bytes", "3"}, "", "--entropy-grid", ""},
		{"name", []string{"--grid", gridFile, "--name", "a-b"}, "", "", `"a-b"`},
		{"missing file", []string{"--grid", filepath.Join(dir, "none")}, "", "", "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			var stdout, stderr bytes.Buffer
			err := run(context.Background(), append(c.args, "--out-dir", out), &stdout, &stderr)
			var usage *cli.UsageError
			if want := c.usage + c.err; want != "" {
				if err == nil || !strings.Contains(err.Error(), want) || errors.As(err, &usage) != (c.usage != "") {
					t.Errorf("%v, want %q", err, want)
				}
				if _, err := os.Stat(out); err == nil {
					t.Error("wrote a folder")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			entries, err := os.ReadDir(out)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, e := range entries {
				names = append(names, e.Name())
			}
			if got := strings.Join(names, " "); got != c.files {
				t.Errorf("wrote %s, want %s", got, c.files)
			}
			for _, name := range names {
				if !strings.Contains(stdout.String(), name) {
					t.Errorf("output does not name %s", name)
				}
			}
		})
	}
	if err := run(context.Background(), []string{"--grid", gridFile}, &bytes.Buffer{}, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "--out-dir") {
		t.Errorf("without --out-dir: %v", err)
	}
}
