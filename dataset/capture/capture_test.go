package capture_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/capture"
)

// values are the twelve values of a sample as members of an object.
const values = `"lat":1,"lon":2,"alt":3,"ax":0,"ay":0,"az":9.8,"gx":0,"gy":0,"gz":0,"roll":0,"pitch":0,"yaw":90`

func now() time.Time { return time.UnixMilli(1_700_000_000_000) }

func ExampleLines() {
	port := strings.NewReader("…t\":1}\n{" + values + "}\r\nBOOT v1.2\n{\"ts\":7," + values + "}\n")
	counts, err := capture.Lines(context.Background(), os.Stdout, port, "ttyACM0", &capture.Settings{
		Now:  now,
		Warn: func(error) { fmt.Println("warned") },
	})
	fmt.Printf("%+v %v\n", counts, err)
	// Output:
	// warned
	// {"ts_ms":1700000000000,"lat":1,"lon":2,"alt":3,"ax":0,"ay":0,"az":9.8,"gx":0,"gy":0,"gz":0,"roll":0,"pitch":0,"yaw":90}
	// warned
	// {"ts":7,"lat":1,"lon":2,"alt":3,"ax":0,"ay":0,"az":9.8,"gx":0,"gy":0,"gz":0,"roll":0,"pitch":0,"yaw":90}
	// {Samples:2 Stamped:1 Bad:2 Blank:0} <nil>
}

// pieces yields a text in pieces, with a timeout of the port between them.
type pieces struct {
	text  string
	calls int
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.calls++; p.calls%2 == 0 {
		return 0, nil
	}
	if p.text == "" {
		return 0, io.EOF
	}
	n := copy(b, p.text[:min(7, len(p.text))])
	p.text = p.text[n:]
	return n, nil
}

func TestLines(t *testing.T) {
	good := `{"ts_ms":1,` + values + "}"
	for _, c := range []struct {
		name, in, out string
		max           int
		want          capture.Counts
		warning       string
	}{
		{"nothing", "", "", 0, capture.Counts{}, ""},
		{"samples", good + "\n" + good + "\n", good + "\n" + good + "\n", 0, capture.Counts{Samples: 2}, ""},
		{"the last line has no end", good, good + "\n", 0, capture.Counts{Samples: 1}, ""},
		{"the last line is torn", good + "\n" + good[:50], good + "\n", 0, capture.Counts{Samples: 1, Bad: 1}, "port:2"},
		{"as many as wanted", good + "\n" + good + "\n" + good + "\n", good + "\n" + good + "\n", 2, capture.Counts{Samples: 2}, ""},
		{"blank lines", "\n \r\n" + good + "\n", good + "\n", 0, capture.Counts{Samples: 1, Blank: 2}, ""},
		{"a value is missing", strings.Replace(good, `"yaw":90`, `"x":0`, 1) + "\n", "", 0, capture.Counts{Bad: 1}, "yaw"},
		{"a value that is not a number", strings.Replace(good, `"yaw":90`, `"yaw":"E"`, 1) + "\n", "", 0, capture.Counts{Bad: 1}, "yaw"},
		{"other keys stay", `{"node":7,"ts_ms":1,` + values + "}\n", `{"node":7,"ts_ms":1,` + values + "}\n", 0, capture.Counts{Samples: 1}, ""},
		{"an empty object", "{}\n", "", 0, capture.Counts{Bad: 1}, "port:1"},
		{"no object", "[1]\n", "", 0, capture.Counts{Bad: 1}, "port:1"},
		{"a long line", strings.Repeat("x", 70<<10) + "\n" + good + "\n", good + "\n", 0, capture.Counts{Samples: 1, Bad: 1}, "more than 65536 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			warning := ""
			got, err := capture.Lines(t.Context(), &out, &pieces{text: c.in}, "port", &capture.Settings{MaxLines: c.max, Now: now,
				Warn: func(err error) { warning = err.Error() }})
			if err != nil || got != c.want || out.String() != c.out {
				t.Errorf("%+v, %v, wrote %q, want %+v, %q", got, err, out.String(), c.want, c.out)
			}
			if c.warning == "" && warning != "" || !strings.Contains(warning, c.warning) {
				t.Errorf("warned %q, want %q", warning, c.warning)
			}
		})
	}
}

func TestLinesEnd(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := capture.Lines(cancelled, io.Discard, &pieces{text: "x"}, "port", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	lost := errors.New("lost")
	counts, err := capture.Lines(t.Context(), io.Discard, io.MultiReader(strings.NewReader(`{`+values+"}\n"), failing{lost}), "port", nil)
	if !errors.Is(err, lost) || counts.Samples != 1 {
		t.Errorf("a port that fails: %+v, %v", counts, err)
	}
	if _, err := capture.Lines(t.Context(), failing{lost}, strings.NewReader(`{`+values+"}\n"), "port", nil); !errors.Is(err, lost) {
		t.Errorf("a full disk: %v", err)
	}
	if _, err := capture.Lines(t.Context(), io.Discard, &pieces{}, "port", &capture.Settings{MaxLines: -1}); !errors.Is(err, capture.ErrSettings) {
		t.Errorf("a negative number: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error)  { return 0, f.err }
func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestOpenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl")
	for _, c := range []struct{ before, want string }{{"", "b\n"}, {"a\n", "a\nb\n"}, {"torn", "torn\nb\n"}} {
		if err := os.WriteFile(path, []byte(c.before), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := capture.OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteString("b\n")
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != c.want {
			t.Errorf("after %q: %q, %v", c.before, got, err)
		}
	}
}

// Whatever a port sends, package dataset reads what was written.
func FuzzLines(f *testing.F) {
	f.Add([]byte(`{"ts_ms":1,` + values + "}\n{" + values + "}\n{}\nnull\n"))
	f.Add([]byte("{ }\r\n{\"ts\":null," + values + "}\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		counts, err := capture.Lines(t.Context(), &out, bytes.NewReader(in), "port", &capture.Settings{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, err := range dataset.ReadSamples(&out, "a.jsonl", dataset.SampleSettings{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != counts.Samples {
			t.Errorf("%d samples, want %d", n, counts.Samples)
		}
	})
}

// Samples of other values, with the time of their arrival or, if a column is the time,
// with their own.
func TestColumns(t *testing.T) {
	const in = `{"T":20,"t":1}` + "\n" + `{"T":20}` + "\n" + `{"temp":20,"t":1}` + "\n"
	for _, c := range []struct {
		columns, out string
		want         capture.Counts
		warning      string
	}{
		{"temp:degC=T", `{"ts_ms":1700000000000,"T":20,"t":1}` + "\n" + `{"ts_ms":1700000000000,"T":20}` + "\n", capture.Counts{Samples: 2, Stamped: 2, Bad: 1},
			"dataset: port:3: T: found no value, want a number; the line has the keys ts_ms, temp, t"},
		{"temp:degC=T,ts=t", `{"T":20,"t":1}` + "\n", capture.Counts{Samples: 1, Bad: 2}, "dataset: port:3: T: found no value, want a number; the line has the keys temp, t"},
	} {
		settings := capture.Settings{Now: now}
		if err := settings.Columns.Set(c.columns); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		var warning error
		settings.Warn = func(err error) { warning = err }
		counts, err := capture.Lines(t.Context(), &out, strings.NewReader(in), "port", &settings)
		if err != nil || counts != c.want || out.String() != c.out || warning == nil || warning.Error() != c.warning {
			t.Errorf("%s: %v, %+v, %v\n%s", c.columns, err, counts, warning, out.String())
		}
	}
	_, err := capture.Lines(t.Context(), io.Discard, strings.NewReader(in), "port", &capture.Settings{Columns: dataset.Columns{}})
	if !errors.Is(err, capture.ErrSettings) || err.Error() != "capture: invalid settings: Columns: found 0 columns with values, want 1..4096" {
		t.Errorf("no columns: %v", err)
	}
}
