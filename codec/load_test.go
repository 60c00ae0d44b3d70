package codec_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/internal/testwindows"
)

// codecFiles is a folder with a file of every kind that Load opens, and others.
func codecFiles(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	copyOf := func(from string) fs.FS {
		tree, err := fs.Sub(os.DirFS(testenv.Repo("testdata", "golden")), from)
		if err != nil {
			t.Fatal(err)
		}
		return tree
	}
	for name, from := range map[string]string{"model": "linear_int16", "other_name": "deep_int16"} {
		if err := os.CopyFS(filepath.Join(dir, name), copyOf(from)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := fit.Ladder(t.Context(), testwindows.Wander(300, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Save(filepath.Join(dir, "ladder"), nil); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "renamed"), physicalGrid(t, 2).File())
	if err := os.Mkdir(filepath.Join(dir, "grid"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "grid", codec.GridFile), physicalGrid(t, 2).File())
	ladder, err := os.ReadFile(filepath.Join(dir, "ladder", codec.LadderFile))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "ladder", "bam_manifest.json"), ladder) // whatever it is called
	for name, text := range map[string]string{
		"run.yaml":      "run_id: a\nrole: tx\ncodec:\n  id: bam\n",
		"run.json":      `{"run_id": "a", "role": "tx"}`,
		"events.jsonl":  `{"ts_ms": 1, "event": "tx_sent"}` + "\n",
		"windows.jsonl": `{"window_id": 0, "window": [1, 2]}` + "\n",
		"walk.jsonl":    `{"ts_ms": 1, "lat": 1.5, "lon": 2}` + "\n",
		"nested.jsonl":  `{"ts": 1, "gps": {"lat": 1.5}}` + "\n",
		"walk.csv":      "ts_ms,lat,lon,alt\n1,2,3,4\n",
		"text.txt":      "nothing of ours",
		"list.json":     "[1, 2]",
		"other.json":    `{"a": 1}`,
		"cut.json":      `{"window_W": 1, "dims": [`,
		"version3.json": `{"manifest_version": "3"}`,
		"empty.json":    "",
		"array.npy":     "\x93NUMPY\x01\x00v\x00{'descr': '<f8'}",
	} {
		write(t, filepath.Join(dir, name), []byte(text))
	}
	if err := os.Mkdir(filepath.Join(dir, "nothing"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLoad(t *testing.T) {
	dir := codecFiles(t)
	for _, c := range []struct {
		name, id string
		err      error
		says     string // in the sentence
	}{
		{"model/bam_manifest.json", "bam", nil, ""},
		{"model", "bam", nil, ""},
		{"model/", "bam", nil, ""},
		{"other_name", "bam", nil, ""},
		{"ladder/ladder.json", "bounded", nil, ""},
		{"ladder/bam_manifest.json", "bounded", nil, ""}, // a ladder, given as a manifest
		{"ladder/entropy_grid.json", "entropy_grid", nil, ""},
		{"ladder/grid_physical.json", "grid", nil, ""},
		{"renamed", "grid", nil, ""},
		{"grid", "grid", nil, ""},
		{"model/layer_0.npz", "", codec.ErrUnsupported, "bam_manifest.json"},
		{"version3.json", "", codec.ErrUnsupported, "version 1 or 2"},
		{"model/norm.json", "", codec.ErrUnsupported, "bam_manifest.json"},
		{"run.yaml", "", codec.ErrUnsupported, "RunSpec"},
		{"run.json", "", codec.ErrUnsupported, "RunSpec"},
		{"events.jsonl", "", codec.ErrUnsupported, "event log"},
		{"windows.jsonl", "", codec.ErrUnsupported, "data set"},
		{"walk.jsonl", "", codec.ErrUnsupported, "recording"},
		{"nested.jsonl", "", codec.ErrUnsupported, "recording"},
		{"walk.csv", "", codec.ErrUnsupported, "recording"},
		{"array.npy", "", codec.ErrUnsupported, "numpy"},
		{"text.txt", "", codec.ErrUnsupported, "not a JSON object"},
		{"list.json", "", codec.ErrUnsupported, "not a JSON object"},
		{"other.json", "", codec.ErrUnsupported, "another kind"},
		{"cut.json", "", codec.ErrMalformed, "end of JSON"},
		{"empty.json", "", codec.ErrMalformed, "empty"},
		{"nothing", "", codec.ErrNotFound, "ladder.json"},
		{"none.json", "", fs.ErrNotExist, "none.json"},
		{"none.json", "", codec.ErrNotFound, ""},
		{"none/none.json", "", fs.ErrNotExist, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			onDisk, diskErr := codec.Load(filepath.Join(dir, filepath.FromSlash(c.name)))
			inside, fsErr := codec.LoadFS(os.DirFS(dir), strings.TrimSuffix(c.name, "/"))
			for form, v := range map[string]struct {
				codec.Codec
				error
			}{"Load": {onDisk, diskErr}, "LoadFS": {inside, fsErr}} {
				if !errors.Is(v.error, c.err) || (v.error == nil) != (c.err == nil) {
					t.Errorf("%s: %v, want %v", form, v.error, c.err)
					continue
				}
				if c.err == nil {
					if v.ID() != c.id {
						t.Errorf("%s: codec %s, want %s", form, v.ID(), c.id)
					}
					continue
				}
				var located *codec.Error
				if v.Codec != nil || !errors.As(v.error, &located) || strings.Contains(v.Error(), "\n") || !strings.Contains(v.Error(), c.says) {
					t.Errorf("%s: %v, want one sentence that says %q", form, v.error, c.says)
				}
			}
		})
	}
	c, err := codec.Load(filepath.Join(dir, "ladder", "entropy_grid.json"))
	if err != nil || c.(codec.FixedLength).PayloadLen() != 0 {
		t.Errorf("%v, want payloads as long as each window needs", err)
	}
}

func TestLoadStaysInItsFileSystem(t *testing.T) {
	for _, name := range []string{"../model", "/etc/passwd", "a/../../b", "", `a\b`} {
		if c, err := codec.LoadFS(fstest.MapFS{}, name); !errors.Is(err, codec.ErrNotFound) && !errors.Is(err, codec.ErrUnsupported) || c != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	dir := codecFiles(f)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		f.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range append(files, more...) {
		if data, err := os.ReadFile(name); err == nil && len(data) < 4<<10 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := codec.LoadFS(fstest.MapFS{"file": {Data: data}}, "file")
		if err != nil {
			var located *codec.Error
			if c != nil || !errors.As(err, &located) {
				t.Errorf("%v, %v", c, err)
			}
			return
		}
		if payload, err := c.AppendEncode(nil, make([]float64, c.WindowLen())); err == nil && len(payload) > c.MaxPayloadLen() {
			t.Errorf("%d bytes, MaxPayloadLen is %d", len(payload), c.MaxPayloadLen())
		}
	})
}
