package dataset

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/dataset/sensor"
)

func TestWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.jsonl")
	for pass := range 3 {
		w, err := OpenWriter(path)
		if err != nil {
			t.Fatal(err)
		}
		if w.NextID() != int64(2*pass) {
			t.Fatalf("pass %d: next id %d, want %d", pass, w.NextID(), 2*pass)
		}
		for range 2 {
			if err := w.Write(Window{ID: w.NextID(), Values: []float64{1}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := collect(OpenWindows(path, WindowSettings{WindowLen: 1}))
	if err != nil || len(got) != 6 || got[5].ID != 5 {
		t.Fatalf("got %d windows, %v", len(got), err)
	}
}

func TestOpenWriterResumes(t *testing.T) {
	cases := []struct {
		name, before, after string
		next                int64
	}{
		{"no bytes", "", "", 0},
		{"whole lines", "{\"window_id\":4,\"window\":[1]}\n", "{\"window_id\":4,\"window\":[1]}\n", 5},
		{"ids out of order", "{\"window_id\":9,\"window\":[1]}\n{\"window_id\":4,\"window\":[1]}\n", "{\"window_id\":9,\"window\":[1]}\n{\"window_id\":4,\"window\":[1]}\n", 10},
		{"no ids, a blank line", "{\"window\":[1]}\n\n{\"window\":[1]}\n", "{\"window\":[1]}\n\n{\"window\":[1]}\n", 3},
		{"no last end", "{\"window\":[1]}", "{\"window\":[1]}\n", 1},
		{"blank without an end", "{\"window\":[1]}\n  ", "{\"window\":[1]}\n  \n", 1},
		{"incomplete, its id is not used again", "{\"window_id\":4,\"window\":[1]}\n{\"window_id\":5,\"win", "{\"window_id\":4,\"window\":[1]}\n", 6},
		{"incomplete at once", "{\"win", "", 1},
		{"a byte order mark", "\xef\xbb\xbf{\"window\":[1]}\n{", "\xef\xbb\xbf{\"window\":[1]}\n", 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := writeTemp(t, "w.jsonl", c.before)
			w, err := OpenWriter(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := readFile(t, path); got != c.after || w.NextID() != c.next {
				t.Fatalf("got %q, next id %d; want %q, %d", got, w.NextID(), c.after, c.next)
			}
			if err := w.Write(Window{ID: 20, Values: []float64{7}}); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			want := c.after + `{"ts_ms":0,"run_id":"","window_id":20,"window":[7]}` + "\n"
			if got := readFile(t, path); got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
		})
	}
}

// Wherever a write is cut short, opening again keeps every line before it.
func TestWriterSurvivesEveryCut(t *testing.T) {
	line := `{"ts_ms":1,"run_id":"r","window_id":%d,"window":[1.5,-2]}` + "\n"
	first, second := strings.Replace(line, "%d", "0", 1), strings.Replace(line, "%d", "1", 1)
	for n := range len(second) {
		path := writeTemp(t, "w.jsonl", first+second[:n])
		w, err := OpenWriter(path)
		if err != nil {
			t.Fatalf("cut after %d bytes: %v", n, err)
		}
		w.Close()
		want := first
		if n == len(second)-1 { // only its end is missing
			want += second
		}
		if got := readFile(t, path); got != want {
			t.Fatalf("cut after %d bytes: got %q, want %q", n, got, want)
		}
		if n > 0 && w.NextID() != 2 {
			t.Fatalf("cut after %d bytes: next id %d, want 2", n, w.NextID())
		}
	}
}

func TestWriterErrors(t *testing.T) {
	const before = "{\"window\":[1,2]}\n{\"window\":[1,2}\n{\"window\":[1,2]}\n"
	path := writeTemp(t, "w.jsonl", before)
	if _, err := OpenWriter(path); !errors.Is(err, ErrSyntax) {
		t.Fatalf("broken line: got %v", err)
	}
	if got := readFile(t, path); got != before {
		t.Fatalf("a refused file changed: %q", got)
	}
	if _, err := OpenWriter(filepath.Join(path, "below")); err == nil {
		t.Fatal("below a file: got no error")
	}
	if _, err := OpenWriter(filepath.Join(t.TempDir(), "no", "w.jsonl")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("no folder: got %v", err)
	}
	if _, err := OpenWriter(t.TempDir()); err == nil {
		t.Fatal("folder: got no error")
	}
	if _, err := OpenWriter(os.DevNull); err == nil || !strings.Contains(err.Error(), "want a file") {
		t.Fatalf("device: got %v", err)
	}

	path = writeTemp(t, "w.jsonl", "{\"window_id\":3,\"window\":[1,2]}\n")
	w, err := OpenWriter(path)
	if err != nil {
		t.Fatal(err)
	}
	nan := 0.0
	cases := []struct {
		name    string
		win     Window
		kind    error
		message string
	}{
		{"id in use", Window{ID: 3, Values: []float64{1, 2}}, ErrDuplicate, ": window_id: found 3, want at least 4: lower ones may be in use"},
		{"length", Window{ID: 4, Values: []float64{1}}, ErrLength, ": window: found 1 values, want 2, as in the windows before"},
		{"NaN", Window{ID: 4, Values: []float64{1, nan / nan}}, ErrNotFinite, ": window[1]: found NaN, want a finite number"},
	}
	for _, c := range cases {
		if err := w.Write(c.win); !errors.Is(err, c.kind) || err.Error() != "dataset: "+path+c.message {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	if err := w.Write(Window{ID: 4, Values: []float64{1, 2}}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := w.Write(Window{ID: 5, Values: []float64{1, 2}}); err == nil {
		t.Fatal("closed: got no error")
	}
	if n := strings.Count(readFile(t, path), "\n"); n != 2 {
		t.Fatalf("%d lines, want 2", n)
	}
}

func TestWriteFile(t *testing.T) {
	path := writeTemp(t, "w.jsonl", "old")
	n, err := WriteFile(path, Windows(samplesAt(1, 2, 3), WindowerSettings{}))
	if got := readFile(t, path); err != nil || n != 3 || strings.Count(got, "\n") != 3 {
		t.Fatalf("wrote %d, %v: %q", n, err, got)
	}
	before := readFile(t, path)
	broken := errors.New("broken")
	failing := func(yield func(Window, error) bool) {
		if yield(Window{Values: []float64{1}}, nil) {
			yield(Window{}, broken)
		}
	}
	if _, err := WriteFile(path, failing); err != broken {
		t.Fatalf("got %v, want the windows' own error", err)
	}
	nan := 0.0
	notFinite := func(yield func(Window, error) bool) { yield(Window{Values: []float64{nan / nan}}, nil) }
	if _, err := WriteFile(path, notFinite); !errors.Is(err, ErrNotFinite) || err.Error() != "dataset: "+path+":1: window[0]: found NaN, want a finite number" {
		t.Fatalf("NaN: got %v", err)
	}
	if got := readFile(t, path); got != before {
		t.Fatalf("a failed write changed the file: %q", got)
	}
	missing := filepath.Join(t.TempDir(), "no", "w.jsonl")
	if _, err := WriteFile(missing, failing); !errors.Is(err, fs.ErrNotExist) || err.Error() != "dataset: "+missing+": no such file or directory" {
		t.Fatalf("no folder: got %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Fatalf("left behind: %v, %v", entries, err)
	}
}

// brittle is a file whose disk is full after some bytes.
type brittle struct {
	file
	room     int
	truncErr error
}

var errFull = errors.New("no space left on device")

func (b *brittle) Write(p []byte) (int, error) {
	if len(p) <= b.room {
		b.room -= len(p)
		return b.file.Write(p)
	}
	n, _ := b.file.Write(p[:b.room])
	b.room = 0
	return n, errFull
}

func (b *brittle) Truncate(size int64) error {
	if b.truncErr != nil {
		return b.truncErr
	}
	return b.file.Truncate(size)
}

func TestWriterDiskFull(t *testing.T) {
	win := Window{Values: []float64{1, 2}}
	path := filepath.Join(t.TempDir(), "w.jsonl")
	w, err := OpenWriter(path)
	if err != nil {
		t.Fatal(err)
	}
	full := &brittle{file: w.f, room: 80}
	w.f = full
	if err := w.Write(win); err != nil {
		t.Fatal(err)
	}
	win.ID = 1
	for range 2 { // once with half a line, once with nothing
		if err := w.Write(win); !errors.Is(err, errFull) || err.Error() != "dataset: "+path+": no space left on device" {
			t.Fatalf("got %v", err)
		}
		if n := strings.Count(readFile(t, path), "{"); n != 1 {
			t.Fatalf("%d lines after a failed write, want 1", n)
		}
	}
	full.room = 1000
	if err := w.Write(win); err != nil {
		t.Fatalf("with room again: %v", err)
	}
	if got, err := collect(OpenWindows(path, WindowSettings{})); err != nil || len(got) != 2 || got[1].ID != 1 {
		t.Fatalf("read back %d windows, %v", len(got), err)
	}

	// Where half a line cannot be taken back, nothing may follow it.
	full.room, full.truncErr = 10, errors.New("input/output error")
	win.ID = 2
	for range 2 {
		if err := w.Write(win); !errors.Is(err, errFull) {
			t.Fatalf("got %v", err)
		}
		full.room = 1000
	}
	w.Close()
	if got, err := collect(OpenWindows(path, WindowSettings{})); !errors.Is(err, ErrIncompleteLine) || len(got) != 2 {
		t.Fatalf("read back %d windows, %v", len(got), err)
	}
}

// A process is killed as it writes; its data set goes on where it stopped.
func TestWriterKilled(t *testing.T) {
	if path := os.Getenv("DATASET_TEST_WRITE"); path != "" {
		w, err := OpenWriter(path)
		for err == nil {
			err = w.Write(Window{ID: w.NextID(), Order: sensor.Motion().Names(), Units: sensor.Motion().Units(), Values: make([]float64, sensor.MotionDims)})
		}
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "w.jsonl")
	var last int64
	for run := range 3 {
		child := exec.Command(os.Args[0], "-test.run=^TestWriterKilled$")
		child.Env = append(os.Environ(), "DATASET_TEST_WRITE="+path)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- child.Wait() }()
		for grown := false; !grown; {
			select {
			case err := <-ended:
				t.Fatalf("run %d: the writing process ended by itself: %v", run, err)
			case <-time.After(time.Millisecond):
				info, err := os.Stat(path)
				grown = err == nil && info.Size() > last+20_000
			}
		}
		child.Process.Kill()
		<-ended

		w, err := OpenWriter(path)
		if err != nil {
			t.Fatalf("run %d: %v", run, err)
		}
		id := w.NextID()
		if err := w.Write(Window{ID: id, Values: make([]float64, sensor.MotionDims)}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		seen := int64(-1)
		for win, err := range OpenWindows(path, WindowSettings{}) {
			if err != nil || win.ID <= seen {
				t.Fatalf("run %d: window %d after %d, %v", run, win.ID, seen, err)
			}
			seen = win.ID
		}
		if seen != id {
			t.Fatalf("run %d: last window %d, want %d", run, seen, id)
		}
		last = int64(len(readFile(t, path)))
	}
}
