package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/examples/cli/clitest"
	"github.com/loralink/loralink-go/internal/testenv"
)

func program(args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	err = run(context.Background(), args, &out, &errs)
	return out.String(), errs.String(), err
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// windows is a data set of 20 windows of w samples.
func windows(t *testing.T, w int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dataset_raw.jsonl")
	seq := dataset.Windows(dataset.OpenSamples(testenv.Repo("testdata", "walk.jsonl"), dataset.SampleSettings{}), dataset.WindowerSettings{W: w})
	if _, err := dataset.WriteFile(path, dataset.Limit(seq, 20)); err != nil {
		t.Fatal(err)
	}
	return path
}

// gridAndLadder writes a grid.json, and a ladder.json of it alone.
func gridAndLadder(t *testing.T) (grid, ladder string) {
	t.Helper()
	dir := t.TempDir()
	r, err := fit.PhysicalGrid(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	grid, ladder = filepath.Join(dir, "grid.json"), filepath.Join(dir, "ladder.json")
	if err := r.Save(grid); err != nil {
		t.Fatal(err)
	}
	l := codec.LadderSpec{Window: sensor.Shape{Dims: 12, W: 1, Stride: 1}, Tolerances: sensor.Motion().Tolerances(),
		Rungs: []codec.RungSpec{codec.NewRungSpec(r.Codec, codec.Params{GridPath: "grid.json"})}}
	text, err := l.Text()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ladder, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return grid, ladder
}

// entropyGrid writes an entropy_grid.json, fitted to the simulated walk.
func entropyGrid(t *testing.T) string {
	t.Helper()
	samples := dataset.OpenSamples(testenv.Repo("testdata", "walk.jsonl"), dataset.SampleSettings{})
	r, err := fit.EntropyGrid(t.Context(), fit.Values(dataset.Windows(samples, dataset.WindowerSettings{W: 1})), nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "entropy_grid.json")
	if err := r.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// What is decoded encodes to the same payloads again, with every codec.
func TestThereAndBack(t *testing.T) {
	grid, ladder := gridAndLadder(t)
	golden := func(name string) string { return testenv.Repo("testdata", "golden", name, "bam_manifest.json") }
	for _, c := range []struct {
		name string
		w    int
		args []string
	}{
		{"bam", 1, []string{"--bam-manifest", golden("linear_int16")}},
		{"bam of four samples", 4, []string{"--bam-manifest", golden("window4_int8")}},
		{"grid", 1, []string{"--grid", grid}},
		{"ladder", 1, []string{"--ladder", ladder}},
		{"ladder by its folder", 1, []string{"--ladder", filepath.Dir(ladder)}},
		{"entropy-coded grid", 1, []string{"--entropy-grid", entropyGrid(t)}},
		{"entropy-coded grid of 20 bytes", 1, []string{"--entropy-grid", entropyGrid(t), "--payload-bytes", "20"}},
		{"ladder, named", 1, []string{"--codec", "bounded", "--ladder", ladder}},
		{"sensor12", 2, []string{"--codec", "sensor12_packed", "--window-W", "2"}},
		{"truncate", 1, []string{"--codec", "sensor12_packed_truncate", "--payload-bytes", "14"}},
		{"raw", 1, []string{"--codec", "raw", "--scale", "100"}},
		{"zlib", 3, []string{"--codec", "zlib", "--window-W", "3"}},
	} {
		for _, more := range [][]string{nil, {"--frame"}, {"--explain"}} {
			args := append(append([]string{}, c.args...), more...)
			first, _, err := program(append(args, "--in", windows(t, c.w))...)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			decoded, _, err := program(append(args, "--decode", "--in", write(t, "payloads.txt", first))...)
			if err != nil || strings.Count(decoded, "\n") != 20 {
				t.Errorf("%s: %v\n%s", c.name, err, decoded)
				continue
			}
			if !strings.Contains(decoded, `"yaw"`) {
				t.Errorf("%s: the windows' values have no names: %.200s", c.name, decoded)
			}
			again, _, err := program(append(args, "--in", write(t, "dataset_raw.jsonl", decoded))...)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			// A model's payload need not be the fixed point of its own decoding.
			if !strings.HasPrefix(c.name, "bam") && hexOf(again) != hexOf(first) {
				t.Errorf("%s: other payloads the second time\n%s%s", c.name, first, again)
			}
		}
	}
}

func hexOf(lines string) string {
	var b strings.Builder
	for line := range strings.Lines(lines) {
		text, _, _ := strings.Cut(line, "#")
		b.WriteString(strings.TrimSpace(text) + "\n")
	}
	return b.String()
}

func TestOnePayload(t *testing.T) {
	_, ladder := gridAndLadder(t)
	first, _, err := program("--ladder", ladder, "--in", windows(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	payload, _, _ := strings.Cut(first, "\n")
	out, said, err := program("--ladder", ladder, "--decode", "--explain", "--payload", strings.ToUpper(payload[:4])+" "+payload[4:])
	if err != nil || strings.Count(out, "\n") != 1 || !strings.Contains(said, "rung 1 of 1 (grid)") {
		t.Errorf("%v\n%s%s", err, out, said)
	}
}

func TestBadInput(t *testing.T) {
	grid, ladder := gridAndLadder(t)
	data := windows(t, 1)
	for _, c := range []struct {
		name  string
		args  []string
		usage bool
		names []string
	}{
		{"no codec", []string{"--in", data}, true, []string{"--codec"}},
		{"two codecs", []string{"--in", data, "--grid", grid, "--ladder", ladder}, true, []string{ladder, grid}},
		{"another codec than its file", []string{"--in", data, "--grid", grid, "--codec", "raw"}, true, []string{"raw", "grid"}},
		{"a codec without its file", []string{"--in", data, "--codec", "bam"}, true, []string{"--bam-manifest"}},
		{"no input", []string{"--grid", grid}, true, []string{"--in"}},
		{"a payload to encode", []string{"--grid", grid, "--payload", "00"}, true, []string{"--decode"}},
		{"unknown codec", []string{"--codec", "gzip", "--in", data}, false, []string{"gzip", "zlib"}},
		{"missing file", []string{"--codec", "raw", "--in", "no/such.jsonl"}, false, []string{"no/such.jsonl"}},
		{"missing payloads", []string{"--codec", "raw", "--decode", "--in", "no/such.txt"}, false, []string{"no/such.txt"}},
		{"windows of another length", []string{"--codec", "raw", "--window-W", "2", "--in", data}, false, []string{"24", "12"}},
		{"no hex", []string{"--codec", "raw", "--decode", "--in", write(t, "p.txt", "00ff\nxyz\n")}, false, []string{"p.txt"}},
		{"odd hex", []string{"--grid", grid, "--decode", "--payload", "123"}, true, []string{"--payload"}},
		{"a short payload", []string{"--grid", grid, "--decode", "--payload", "1234"}, false, []string{"2 bytes", "16"}},
		{"no rung's length", []string{"--ladder", ladder, "--decode", "--payload", "1234"}, false, []string{"2 bytes", "rung"}},
		{"a frame of another length", []string{"--grid", grid, "--decode", "--frame", "--payload", "051234"}, false, []string{"--payload"}},
		{"an empty file", []string{"--grid", grid, "--decode", "--in", write(t, "p.txt", "# nothing\n\n")}, false, []string{"p.txt", "no payloads"}},
		{"a sample no sensor gives", []string{"--grid", grid, "--in", write(t, "d.jsonl", `{"window": [500,0,0,0,0,0,0,0,0,0,0,0]}`+"\n")}, false, []string{"window 0", "500"}},
	} {
		_, _, err := program(c.args...)
		clitest.Refused(t, c.name, err, c.usage, c.names...)
	}
}

// Codec predictive: what it encodes in order, it decodes in order, with or without
// frames, and from any key frame on.
func TestPredictive(t *testing.T) {
	dir := t.TempDir()
	data, hex := filepath.Join(dir, "walk.jsonl"), filepath.Join(dir, "payloads.txt")
	windows := dataset.Windows(dataset.OpenSamples(testenv.Repo("testdata", "walk.jsonl"), dataset.SampleSettings{}), dataset.WindowerSettings{W: 2, Stride: 2})
	if _, err := dataset.WriteFile(data, dataset.Limit(windows, 300)); err != nil {
		t.Fatal(err)
	}
	for _, extra := range [][]string{nil, {"--frame"}, {"--profile", "small"}, {"--payload-bytes", "20"}, {"--key-every", "16"}} {
		args := append([]string{"--codec", "predictive", "--window-W", "2"}, extra...)
		out, _, err := program(append(args, "--in", data)...)
		if err != nil {
			t.Fatal(extra, err)
		}
		if err := os.WriteFile(hex, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
		decoded, _, err := program(append(args, "--decode", "--in", hex)...)
		if err != nil {
			t.Fatal(extra, err)
		}
		if n := strings.Count(decoded, "\n"); n != 300 {
			t.Errorf("%v: %d windows, want 300", extra, n)
		}
	}
}
