package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/internal/testenv"
)

const line = `{"ts_ms":%d000,"lat":1,"lon":2,"alt":3,"ax":4,"ay":5,"az":6,"gx":7,"gy":8,"gz":9,"roll":10,"pitch":11,"yaw":12}` + "\n"

// recording is n samples, a second apart but for a minute in the middle.
func recording(n int) string {
	var b strings.Builder
	for i := range n {
		at := i
		if i >= n/2 {
			at += 60
		}
		b.WriteString(strings.Replace(line, "%d", string(rune('1'+at/10))+string(rune('0'+at%10)), 1))
	}
	return b.String()
}

// in makes a folder with a recording, and moves there.
func in(t *testing.T, name, text string) {
	t.Helper()
	t.Chdir(t.TempDir())
	if name != "" {
		write(t, name, text)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// start runs the program with flags separated by spaces.
func start(args string) (stdout, stderr string, err error) {
	var out, warnings bytes.Buffer
	err = run(context.Background(), strings.Fields(args), &out, &warnings)
	return out.String(), warnings.String(), err
}

func TestRun(t *testing.T) {
	cases := []struct {
		name, file, text, args string
		stdout, stderr         string
		windows                int
	}{
		{"defaults", "a.jsonl", recording(20), "--in a.jsonl --out out/d.jsonl", `read      20 samples from a.jsonl
time      1970-01-01 00:00:10Z to 1970-01-01 00:01:29Z: 1m19s
interval  1s (median), the longest 1m1s
gaps      1 longer than 5 times the median; windows of several samples span them unless --max-gap-ms is set
wrote     20 windows of 1 × 12 values to out/d.jsonl
`, "", 20},
		{"windows and a gap", "a.jsonl", recording(20), "--in a.jsonl --out d.jsonl --window-W 4 --window-stride 2 --max-gap-ms 2000", `read      20 samples from a.jsonl
time      1970-01-01 00:00:10Z to 1970-01-01 00:01:29Z: 1m19s
interval  1s (median), the longest 1m1s
gaps      1 longer than 2s; no window spans them
wrote     8 windows of 4 × 12 values to d.jsonl
`, "", 8},
		{"incomplete last line", "a.jsonl", recording(3) + `{"ts_ms":1`, "--in a.jsonl --out d.jsonl", `read      3 samples from a.jsonl
time      1970-01-01 00:00:10Z to 1970-01-01 00:01:12Z: 1m2s
interval  1m1s (median), the longest 1m1s
wrote     3 windows of 1 × 12 values to d.jsonl
`, "warning: dataset: a.jsonl:4: found an incomplete last line (10 bytes, no line end), want a whole one: its writer was interrupted; the other lines are used\n", 3},
		{"dropped", "a.jsonl", recording(1) + strings.Replace(recording(1), `"lat":1`, `"lat":null`, 1), "--in a.jsonl --out d.jsonl --fill drop", `read      1 samples from a.jsonl
filled    1 samples dropped, 0 held, for missing values
wrote     1 windows of 1 × 12 values to d.jsonl
`, "", 1},
		{"back in time", "a.jsonl", recording(2) + recording(1), "--in a.jsonl --out d.jsonl", `read      3 samples from a.jsonl
time      1970-01-01 00:00:10Z to 1970-01-01 00:01:10Z: 1m0s
interval  1m1s (median), the longest 1m1s
warning   time goes back 1 times; no window spans that
wrote     3 windows of 1 × 12 values to d.jsonl
`, "", 3},
		{"CSV, the first samples only", "a.csv", "ts_ms,lat,lon,alt,ax,ay,az,gx,gy,gz,roll,pitch,yaw\n1,1,2,3,4,5,6,7,8,9,10,11,12\n2,1,2,3,4,5,6,7,8,9,10,11,12\nbad\n",
			"--in a.csv --out d.jsonl --max-samples 2", `read      2 samples from a.csv
time      1970-01-01 00:00:00Z to 1970-01-01 00:00:00Z: 1ms
interval  1ms (median), the longest 1ms
wrote     2 windows of 1 × 12 values to d.jsonl
`, "", 2},
		{"simulated", "", "", "--simulate 100 --seed 3 --rate-hz 4 --out d.jsonl --samples-out s.jsonl", `read      100 samples from the simulator (seed 3, 4 Hz)
time      2026-01-01 00:00:00Z to 2026-01-01 00:00:24Z: 24.75s
interval  250ms (median), the longest 250ms
wrote     100 windows of 1 × 12 values to d.jsonl
wrote     100 samples to s.jsonl
`, "", 100},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in(t, c.file, c.text)
			stdout, stderr, err := start(c.args)
			if err != nil {
				t.Fatal(err)
			}
			if stdout != c.stdout || stderr != c.stderr {
				t.Fatalf("got\n%s%s\nwant\n%s%s", stdout, stderr, c.stdout, c.stderr)
			}
			path := regexp.MustCompile(`--out (\S+)`).FindStringSubmatch(c.args)[1]
			n := 0
			for w, err := range dataset.OpenWindows(path, dataset.WindowSettings{Dims: 12}) {
				if err != nil || w.ID != int64(n) || w.RunID == "" {
					t.Fatalf("window %d: %+v, %v", n, w, err)
				}
				n++
			}
			if n != c.windows {
				t.Fatalf("%d windows in the file, want %d", n, c.windows)
			}
		})
	}
}

func TestBadInput(t *testing.T) {
	good := recording(4)
	cases := []struct {
		name, text, args string
		want             string
	}{
		{"missing file", good, "--in no.jsonl --out d.jsonl", "dataset: no.jsonl: no such file or directory"},
		{"empty file", "", "--in a.jsonl --out d.jsonl", "dataset: a.jsonl: found no records, want at least one"},
		{"incomplete line alone", `{"ts`, "--in a.jsonl --out d.jsonl", "dataset: a.jsonl: found no records, want at least one"},
		{"NaN", good + `{"ts_ms":5,"lat":NaN}` + "\n", "--in a.jsonl --out d.jsonl", "dataset: a.jsonl:5: lat: found NaN, want a finite number"},
		{"missing value", good + `{"ts_ms":5}` + "\n", "--in a.jsonl --out d.jsonl", "dataset: a.jsonl:5: lat: found no value, want a number"},
		{"too short", good, "--in a.jsonl --out d.jsonl --window-W 5", "a.jsonl: found too few samples for a window, want at least --window-W 5 without a longer gap between them"},
		{"a folder as input", good, "--in . --out d.jsonl", "dataset: .: is a directory"},
		{"existing output", good, "--in a.jsonl --out a.jsonl", "a.jsonl: exists already, want a new file (--force replaces it)"},
		{"existing samples-out", good, "--simulate 5 --samples-out a.jsonl", "a.jsonl: exists already, want a new file (--force replaces it)"},
		{"output over input", good, "--in a.jsonl --out ./a.jsonl --force", "./a.jsonl: found the input itself, want another file to write"},
		{"a folder as output", good, "--in a.jsonl --out . --force", ".: found a folder, want a file to write"},
		{"output below a file", good, "--in a.jsonl --out a.jsonl/d.jsonl", "stat a.jsonl/d.jsonl: not a directory"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in(t, "a.jsonl", c.text)
			stdout, _, err := start(c.args)
			var usage *cli.UsageError
			if err == nil || errors.As(err, &usage) || err.Error() != c.want {
				t.Fatalf("got  %v\nwant %s", err, c.want)
			}
			if entries, _ := os.ReadDir("."); stdout != "" || len(entries) != 1 || read(t, "a.jsonl") != c.text {
				t.Fatalf("left behind %v, printed %q", entries, stdout)
			}
		})
	}
}

// A place that cannot be written to, also where the test may do anything.
func TestUnwritable(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("such places are Linux's")
	}
	in(t, "a.jsonl", recording(4))
	_, _, err := start("--in a.jsonl --out /proc/d.jsonl")
	if err == nil || !strings.Contains(err.Error(), "/proc/d.jsonl") {
		t.Fatalf("got %v, want an error that names the file", err)
	}
	if _, _, err = start("--in a.jsonl --out /dev/null/d.jsonl"); err == nil || !strings.Contains(err.Error(), "/dev/null") {
		t.Fatalf("got %v, want an error that names the file", err)
	}
}

func TestWrongFlags(t *testing.T) {
	for args, want := range map[string]string{
		"":                                              "want one of --in FILE, --simulate N and --dataset FILE",
		"--in a --simulate 5 --out b":                   "want one of --in FILE, --simulate N and --dataset FILE",
		"--in a --dataset c --out b":                    "want one of --in FILE, --simulate N and --dataset FILE",
		"--dataset c --simulate 5 --out b":              "want one of --in FILE, --simulate N and --dataset FILE",
		"--in a.npz --out b":                            "--in is a.npz, a data set and no recording: want --dataset a.npz",
		"--in a.NPY --out b.npz":                        "want --dataset a.NPY",
		"--dataset a":                                   "want --out FILE",
		"--dataset a --samples-out b":                   "want --out FILE",
		"--dataset a.npz --out b --window-W 8":          "--window-W does not go with --dataset, want it left out",
		"--dataset a --out b --window-stride 1":         "--window-stride does not go with --dataset",
		"--dataset a --out b --max-gap-ms 1":            "--max-gap-ms does not go with --dataset",
		"--dataset a --out b --fill hold":               "--fill does not go with --dataset",
		"--dataset a --out b --samples-out c":           "--samples-out does not go with --dataset",
		"--dataset a --out b --max-samples 3":           "--max-samples does not go with --dataset",
		"--dataset a --out b --run-id r":                "--run-id does not go with --dataset",
		"--dataset a --out b --seed 1":                  "--seed does not go with --dataset",
		"--in a --samples-out b.npz":                    "--samples-out is b.npz, want a JSONL file other than --out",
		"--in a":                                        "want --out FILE",
		"--in a --out b --samples-out ./b":              "want a JSONL file other than --out",
		"--simulate 0 --out b":                          "--simulate is 0, want at least 1",
		"--in a --out b --window-W 0":                   `invalid value "0" for flag -window-W: want a whole number of at least 1`,
		"--in a --out b --window-stride -1":             `invalid value "-1" for flag -window-stride: want a whole number of at least 1`,
		"--in a --out b --max-gap-ms -1":                `invalid value "-1" for flag -max-gap-ms: want a whole number of at least 0`,
		"--in a --out b --max-samples -1":               "--max-samples is -1, want 0 or more",
		"--in a --out b --fill zero":                    `--fill is "zero", want error, drop or hold`,
		"--in a --out b --seed 1":                       "--seed and --rate-hz are for --simulate",
		"--simulate 5 --rate-hz NaN --out b":            "--rate-hz is NaN, want 0.001..1000",
		"--simulate 5 --rate-hz 1001 --out b":           "--rate-hz is 1001, want 0.001..1000",
		"--simulate 5 --out b --columns x":              "--columns is for a recording, want it left out with --simulate",
		"--dataset a --out b --columns x":               "--columns does not go with --dataset",
		"--in a --out b --columns x:":                   `invalid value "x:" for flag -columns: dataset: columns: found "x:", with a colon but no unit`,
		"--in a --out b --columns @none":                "none: no such file",
		"--in a --out b --columns x,y --window-W 32769": "W is 32769, want 1..32768",
		"--in a --out b --windows 3":                    "unknown flag --windows: did you mean --window-W?",
		"--in a --out b c":                              `unexpected argument "c"`,
	} {
		in(t, "", "")
		_, _, err := start(args)
		var usage *cli.UsageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want a usage error with %s", args, err, want)
		}
		if entries, _ := os.ReadDir("."); len(entries) != 0 {
			t.Errorf("%s: left behind %v", args, entries)
		}
	}
	if stdout, _, err := start("--help"); err != flag.ErrHelp || !strings.Contains(stdout, "-max-gap-ms") {
		t.Errorf("--help: got %v, %s", err, stdout)
	}
}

// A data set goes to numpy's formats and back, and cut windows go there at once.
func TestConvert(t *testing.T) {
	in(t, "", "")
	for _, c := range []struct{ args, stdout string }{
		{"--simulate 60 --window-W 3 --out a.jsonl", "wrote     58 windows of 3 × 12 values to a.jsonl\n"},
		{"--simulate 60 --window-W 3 --out a.npz", "wrote     58 windows of 3 × 12 values to a.npz\n"},
		{"--dataset a.jsonl --out new/b.npz", "wrote     58 windows from a.jsonl to new/b.npz\n"},
		{"--dataset new/b.npz --out b.jsonl", "wrote     58 windows from new/b.npz to b.jsonl\n"},
		{"--dataset a.jsonl --out c.npy", "wrote     58 windows from a.jsonl to c.npy\n"},
		{"--dataset c.npy --out c.jsonl", "wrote     58 windows from c.npy to c.jsonl\n"},
		{"--dataset b.jsonl --out c.npy --force", "wrote     58 windows from b.jsonl to c.npy\n"},
		{"--dataset a.npz --out d.NPZ", "wrote     58 windows from a.npz to d.NPZ\n"},
	} {
		stdout, stderr, err := start(c.args)
		if err != nil || stderr != "" || !strings.HasSuffix(stdout, c.stdout) {
			t.Fatalf("%s: %v: got %s%s, want %s", c.args, err, stdout, stderr, c.stdout)
		}
	}
	if read(t, "a.jsonl") != read(t, "b.jsonl") {
		t.Error("a data set is another after the way through .npz")
	}
	if read(t, "a.npz") != read(t, "new/b.npz") || read(t, "a.npz") != read(t, "d.NPZ") {
		t.Error("equal windows made different files")
	}
	for w, err := range dataset.OpenWindows("c.jsonl", dataset.WindowSettings{WindowLen: 36}) {
		if err != nil || w.Order != nil || w.RunID != "" || w.TsMs != 0 {
			t.Fatalf("%+v, %v: a .npy file holds values alone", w, err)
		}
	}
}

func TestConvertBadInput(t *testing.T) {
	for _, c := range []struct {
		name, text, args string
		want             string
	}{
		{"missing file", "", "--dataset no.npz --out b.jsonl", "dataset: no.npz: no such file or directory"},
		{"no records", "", "--dataset a.jsonl --out b.npz", "dataset: a.jsonl: found no records, want at least one"},
		{"a recording", recording(2), "--dataset a.jsonl --out b.npz", "dataset: a.jsonl:1: found a sample of a recording, want a window: cut the recording into windows first (examples/samples --in)"},
		{"two lengths", `{"window":[1]}` + "\n" + `{"window":[1,2]}` + "\n", "--dataset a.jsonl --out b.npz", "dataset: a.jsonl:2: window: found 2 values, want 1"},
		{"two orders", `{"window":[1],"order":["a"]}` + "\n" + `{"window":[1],"order":["b"]}` + "\n", "--dataset a.jsonl --out b.npz", `dataset: b.npz: order: row 1: found ["b"], want ["a"], as in row 0: a file has one order`},
		{"output over input", `{"window":[1]}`, "--dataset a.jsonl --out a.jsonl --force", "a.jsonl: found the input itself, want another file to write"},
		{"existing output", `{"window":[1]}`, "--dataset b.jsonl --out a.jsonl", "a.jsonl: exists already, want a new file (--force replaces it)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in(t, "a.jsonl", c.text)
			stdout, _, err := start(c.args)
			var usage *cli.UsageError
			if err == nil || errors.As(err, &usage) || err.Error() != c.want {
				t.Fatalf("got  %v\nwant %s", err, c.want)
			}
			if entries, _ := os.ReadDir("."); stdout != "" || len(entries) != 1 || read(t, "a.jsonl") != c.text {
				t.Fatalf("left behind %v, printed %q", entries, stdout)
			}
		})
	}
	in(t, "a.jsonl", `{"window":[1]}`+"\n"+`{"wind`)
	stdout, stderr, err := start("--dataset a.jsonl --out b.npz")
	if err != nil || stdout != "wrote     1 windows from a.jsonl to b.npz\n" || !strings.Contains(stderr, "incomplete last line") {
		t.Fatalf("an incomplete last line: %v: %s%s", err, stdout, stderr)
	}
}

func TestForce(t *testing.T) {
	in(t, "a.jsonl", recording(4))
	write(t, "d.jsonl", "old")
	if _, _, err := start("--in a.jsonl --out d.jsonl --force"); err != nil {
		t.Fatal(err)
	}
	first := read(t, "d.jsonl")
	write(t, "a.jsonl", recording(4)+"no JSON\n")
	if _, _, err := start("--in a.jsonl --out d.jsonl --force"); err == nil {
		t.Fatal("a bad recording gave no error")
	}
	if read(t, "d.jsonl") != first {
		t.Fatal("a failed run changed the output")
	}
}

func TestInterrupted(t *testing.T) {
	in(t, "", "")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	write(t, "a.jsonl", `{"window":[1]}`)
	for _, args := range []string{"--simulate 1000000000 --out d.npz", "--simulate 1000000000 --out d.jsonl", "--dataset a.jsonl --out d.npz"} {
		err := run(ctx, strings.Fields(args), new(bytes.Buffer), new(bytes.Buffer))
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("%s: got %v, want context.Canceled", args, err)
		}
		if entries, _ := os.ReadDir("."); len(entries) != 1 {
			t.Fatalf("%s: left behind %v", args, entries)
		}
	}
}

// The command that testdata/README.md states makes testdata/walk.jsonl.
func TestTestdataIsReproducible(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("other processors fuse multiplications, which may change a last digit")
	}
	readme := read(t, testenv.Repo("testdata", "README.md"))
	command := regexp.MustCompile(`(?m)^ +go run ./examples/samples (.*) --samples-out testdata/walk.jsonl --force$`).FindStringSubmatch(readme)
	if command == nil {
		t.Fatal("testdata/README.md states no command for walk.jsonl")
	}
	path := filepath.Join(t.TempDir(), "walk.jsonl")
	if _, _, err := start(command[1] + " --samples-out " + path); err != nil {
		t.Fatal(err)
	}
	if read(t, path) != read(t, testenv.Repo("testdata", "walk.jsonl")) {
		t.Fatal("testdata/walk.jsonl is not what testdata/README.md's command makes")
	}
}

func TestWalk(t *testing.T) {
	walk := testenv.Shared(t, "field", "walk.jsonl")
	in(t, "", "")
	stdout, _, err := start("--in " + walk + " --out out/dataset_raw.jsonl")
	if err != nil || !strings.Contains(stdout, "wrote     2505 windows of 1 × 12 values") {
		t.Fatalf("got %v:\n%s", err, stdout)
	}
}
