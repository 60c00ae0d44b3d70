package dataset

import (
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/internal/testenv"
)

// collect ranges over a sequence and returns its values and its error.
func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var values []T
	for v, err := range seq {
		if err != nil {
			return values, err
		}
		values = append(values, v)
	}
	return values, nil
}

// ofText yields the windows of a text.
func ofText(text string, settings WindowSettings) iter.Seq2[Window, error] {
	return newWindowDecoder(strings.NewReader(text), "w.jsonl", settings).all
}

// writeTemp writes a file and returns its path.
func writeTemp(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReadWindows(t *testing.T) {
	xy := []string{"x", "y"}
	cases := []struct {
		name, text string
		settings   WindowSettings
		want       []Window
	}{
		{"no bytes", "", WindowSettings{}, nil},
		{"only blank lines", "\n  \n\t\r\n", WindowSettings{}, nil},
		{"every key", `{"ts_ms":5,"run_id":"r","window_id":7,"order":["x","y"],"units":{"x":"m","y":"s"},"window":[1,-2.5e1]}` + "\n",
			WindowSettings{WindowLen: 2, Dims: 2},
			[]Window{{TsMs: 5, RunID: "r", ID: 7, Order: xy, Units: map[string]string{"x": "m", "y": "s"}, Values: []float64{1, -25}}}},
		{"window alone", `{"window":[1]}` + "\n", WindowSettings{}, []Window{{Values: []float64{1}}}},
		{"null counts as absent", `{"ts_ms":null,"run_id":null,"window_id":null,"order":null,"units":null,"window":[1]}` + "\n",
			WindowSettings{}, []Window{{Values: []float64{1}}}},
		{"missing id is the line's number, blank ones counted", "\n{\"window\":[1]}\n\n{\"window\":[2]}\n",
			WindowSettings{}, []Window{{ID: 1, Values: []float64{1}}, {ID: 3, Values: []float64{2}}}},
		{"whole numbers written as floats", `{"ts_ms":5.0,"window_id":7e0,"window":[1]}` + "\n",
			WindowSettings{}, []Window{{TsMs: 5, ID: 7, Values: []float64{1}}}},
		{"unknown keys, nested too", `{"a":{"window":[9]},"window":[1],"b":[null]}` + "\n",
			WindowSettings{}, []Window{{Values: []float64{1}}}},
		{"last line without an end", `{"window":[1]}`, WindowSettings{}, []Window{{Values: []float64{1}}}},
		{"carriage returns and a byte order mark", "\xef\xbb\xbf{\"window\":[1]}\r\n{\"window\":[2]}\r\n",
			WindowSettings{}, []Window{{Values: []float64{1}}, {ID: 1, Values: []float64{2}}}},
		{"order for two steps", `{"order":["x","y"],"window":[1,2,3,4]}` + "\n",
			WindowSettings{}, []Window{{Order: xy, Values: []float64{1, 2, 3, 4}}}},
		{"escaped names", `{"windo\u0077":[1],"run_id":"\u00e9"}` + "\n",
			WindowSettings{}, []Window{{RunID: "é", Values: []float64{1}}}},
		{"what a line repeats and the next does not",
			`{"run_id":"a","order":["x"],"units":{"x":"m"},"window":[1]}` + "\n" +
				`{"run_id":"a","order":["x"],"units":{"x":"m"},"window":[2]}` + "\n" +
				`{"run_id":"b","order":["y"],"units":{"y":"s"},"window":[3]}` + "\n{\"window\":[4]}\n",
			WindowSettings{}, []Window{
				{ID: 0, RunID: "a", Order: []string{"x"}, Units: map[string]string{"x": "m"}, Values: []float64{1}},
				{ID: 1, RunID: "a", Order: []string{"x"}, Units: map[string]string{"x": "m"}, Values: []float64{2}},
				{ID: 2, RunID: "b", Order: []string{"y"}, Units: map[string]string{"y": "s"}, Values: []float64{3}},
				{ID: 3, Values: []float64{4}}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := collect(ofText(c.text, c.settings))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Fatalf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestReadWindowsErrors(t *testing.T) {
	const good = `{"window":[1,2]}` + "\n"
	cases := []struct {
		name, text string
		settings   WindowSettings
		kind       error
		message    string // the whole message
	}{
		{"NaN", good + `{"window":[1,NaN]}` + "\n", WindowSettings{}, ErrNotFinite,
			"dataset: w.jsonl:2: window[1]: found NaN, want a finite number"},
		{"Infinity", `{"window":[Infinity]}` + "\n", WindowSettings{}, ErrNotFinite,
			"dataset: w.jsonl:1: window[0]: found Infinity, want a finite number"},
		{"-Infinity", `{"window":[1, -Infinity]}` + "\n", WindowSettings{}, ErrNotFinite,
			"dataset: w.jsonl:1: window[1]: found -Infinity, want a finite number"},
		{"beyond float64", `{"window":[1e999]}` + "\n", WindowSettings{}, ErrNotFinite,
			"dataset: w.jsonl:1: window[0]: found 1e999, want a finite number"},
		{"NaN in the last line, without an end", good + `{"window":[1,NaN]}`, WindowSettings{}, ErrNotFinite,
			"dataset: w.jsonl:2: window[1]: found NaN, want a finite number"},
		{"NaN in another key", `{"temp":NaN,"window":[1]}` + "\n", WindowSettings{}, ErrNotFinite,
			"dataset: w.jsonl:1: temp: found NaN, want a finite number"},
		{"length given", good, WindowSettings{WindowLen: 12}, ErrLength,
			"dataset: w.jsonl:1: window: found 2 values, want 12"},
		{"length of the first", good + `{"window":[1,2,3]}` + "\n", WindowSettings{}, ErrLength,
			"dataset: w.jsonl:2: window: found 3 values, want 2"},
		{"no values", `{"window":[]}` + "\n", WindowSettings{}, ErrLength,
			"dataset: w.jsonl:1: window: found no values, want at least one"},
		{"no window", `{"ts_ms":1}` + "\n", WindowSettings{}, ErrMissing,
			"dataset: w.jsonl:1: window: found no such key, want a list of numbers"},
		{"null window", `{"window":null}` + "\n", WindowSettings{}, ErrMissing,
			"dataset: w.jsonl:1: window: found null, want a list of numbers"},
		{"null value", `{"window":[1,null]}` + "\n", WindowSettings{}, ErrMissing,
			"dataset: w.jsonl:1: window[1]: found null, want a number"},
		{"string value", `{"window":["1"]}` + "\n", WindowSettings{}, ErrType,
			`dataset: w.jsonl:1: window[0]: found "1", want a number`},
		{"nested window", `{"window":[[1]]}` + "\n", WindowSettings{}, ErrType,
			`dataset: w.jsonl:1: window[0]: found [1], want a number`},
		{"window no list", `{"window":{"a":1}}` + "\n", WindowSettings{}, ErrType,
			`dataset: w.jsonl:1: window: found {"a":1}, want a list of numbers`},
		{"no object", `[1,2]` + "\n", WindowSettings{}, ErrSyntax,
			`dataset: w.jsonl:1: found "[1,2]", want one JSON object per line`},
		{"ts_ms a string", `{"ts_ms":"5","window":[1]}` + "\n", WindowSettings{}, ErrType,
			`dataset: w.jsonl:1: ts_ms: found "5", want a whole number`},
		{"ts_ms a fraction", `{"ts_ms":5.5,"window":[1]}` + "\n", WindowSettings{}, ErrType,
			`dataset: w.jsonl:1: ts_ms: found 5.5, want a whole number within 2^53`},
		{"window_id too large", `{"window_id":9223372036854775807,"window":[1]}` + "\n", WindowSettings{}, ErrType,
			`dataset: w.jsonl:1: window_id: found 9223372036854775807, want a whole number within 2^53`},
		{"run_id a number", `{"run_id":5,"window":[1]}` + "\n", WindowSettings{}, ErrType,
			`dataset: w.jsonl:1: run_id: found 5, want a string`},
		{"order against dims", `{"order":["x"],"window":[1,2]}` + "\n", WindowSettings{Dims: 2}, ErrLength,
			`dataset: w.jsonl:1: order: found 1 names, want 2`},
		{"order against the first", `{"order":["x"],"window":[1,2]}` + "\n" + `{"order":["x","y"],"window":[1,2]}` + "\n", WindowSettings{}, ErrLength,
			`dataset: w.jsonl:2: order: found 2 names, want 1`},
		{"order against the window", `{"order":["x","y"],"window":[1,2,3]}` + "\n", WindowSettings{}, ErrLength,
			`dataset: w.jsonl:1: order: found 2 names, want a number that divides the window's 3 values`},
		{"steps against the window", `{"order":["x","y"],"window":[1,2,3,4]}` + "\n", WindowSettings{Steps: 4}, ErrLength,
			`dataset: w.jsonl:1: window: found 4 values, want 8: 4 steps of 2 names`},
		{"order of numbers", `{"order":[1],"window":[1]}` + "\n", WindowSettings{}, ErrType,
			`dataset: w.jsonl:1: order: found 1, want a string`},
		{"order no list", `{"order":"x","window":[1]}` + "\n", WindowSettings{}, ErrType,
			`dataset: w.jsonl:1: order: found "x", want a list of names`},
		{"units no object", `{"units":["m"],"window":[1]}` + "\n", WindowSettings{}, ErrType,
			`dataset: w.jsonl:1: units: found ["m"], want an object of names and units`},
		{"unit a number", `{"units":{"x":1},"window":[1]}` + "\n", WindowSettings{}, ErrType,
			`dataset: w.jsonl:1: units: found 1, want a string`},
		{"no JSON", "hello\n", WindowSettings{}, ErrSyntax,
			"dataset: w.jsonl:1: found \"hello\", want one JSON object per line"},
		{"bad JSON within", `{"window":[1;2]}` + "\n", WindowSettings{}, ErrSyntax,
			"dataset: w.jsonl:1: window[1]: found invalid character ';' after array element (expecting ',' or ']') (byte 13), want one JSON object per line"},
		{"two objects", `{"window":[1]} {"window":[2]}` + "\n", WindowSettings{}, ErrSyntax,
			`dataset: w.jsonl:1: found "{\"window\":[2]}" after the object, want one JSON object per line`},
		{"a key twice", `{"window":[1],"window":[2]}` + "\n", WindowSettings{}, ErrDuplicate,
			`dataset: w.jsonl:1: found the key "window" twice, want it once`},
		{"cut in the middle of the file", `{"window":[1,` + "\n" + good, WindowSettings{}, ErrSyntax,
			"dataset: w.jsonl:1: window[1]: found the line's end after 13 bytes, want the rest of a JSON object"},
		{"a recording", flat(`"ts_ms":5`), WindowSettings{}, ErrMissing,
			"dataset: w.jsonl:1: found a sample of a recording, want a window: cut the recording into windows first (examples/samples --in)"},
		{"incomplete last line", good + `{"window":[1,`, WindowSettings{}, ErrIncompleteLine,
			"dataset: w.jsonl:2: found an incomplete last line (13 bytes, no line end), want a whole one: its writer was interrupted"},
		{"zeros after a power cut", good + "\x00\x00\x00", WindowSettings{}, ErrIncompleteLine,
			"dataset: w.jsonl:2: found an incomplete last line (3 bytes, no line end), want a whole one: its writer was interrupted"},
		{"whole last line that is wrong", good + `{"window":[1]}`, WindowSettings{}, ErrLength,
			"dataset: w.jsonl:2: window: found 1 values, want 2"},
		{"line too long", good + `{"run_id":"` + strings.Repeat("x", maxLine) + `","window":[1,2]}`, WindowSettings{}, ErrTooLong,
			"dataset: w.jsonl:2: found a line of more than 16777216 bytes, want at most that many"},
		{"deeply nested", `{"a":` + strings.Repeat("[", 100000) + "\n", WindowSettings{}, ErrSyntax,
			"dataset: w.jsonl:1: a: found exceeded max depth (byte 10005), want one JSON object per line"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := collect(ofText(c.text, c.settings))
			var at *Error
			if !errors.Is(err, c.kind) || !errors.As(err, &at) {
				t.Fatalf("got %v, want an *Error that matches %v", err, c.kind)
			}
			if err.Error() != c.message {
				t.Fatalf("got  %s\nwant %s", err, c.message)
			}
		})
	}
}

// Every way to cut a record short is an incomplete line, but for its last byte.
func TestTruncations(t *testing.T) {
	whole := `{"ts_ms":1,"run_id":"r\n","window_id":1,"order":["x"],"units":{"x":"m"},"extra":{"a":[true]},"window":[1.5e2,-2]}`
	for n := 1; n < len(whole); n++ {
		_, err := collect(ofText("{\"window\":[1,2]}\n"+whole[:n], WindowSettings{}))
		if !errors.Is(err, ErrIncompleteLine) {
			t.Fatalf("cut after %d bytes (%s): got %v, want ErrIncompleteLine", n, whole[:n], err)
		}
	}
	if got, err := collect(ofText(whole, WindowSettings{})); err != nil || len(got) != 1 {
		t.Fatalf("whole: %d windows, %v", len(got), err)
	}
}

func TestReadWindowsFile(t *testing.T) {
	path := writeTemp(t, "w.jsonl", "{\"window\":[1]}\n{\"window\":[2]}\n")
	seq := OpenWindows(path, WindowSettings{})
	for pass := range 2 {
		if got, err := collect(seq); err != nil || len(got) != 2 {
			t.Fatalf("pass %d: %d windows, %v", pass, len(got), err)
		}
	}
	_, err := collect(OpenWindows(path+".not", WindowSettings{}))
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "dataset: "+path+".not: no such file or directory" {
		t.Fatalf("missing file: %v", err)
	}
	dir := t.TempDir()
	if _, err = collect(OpenWindows(dir, WindowSettings{})); err == nil || err.Error() != "dataset: "+dir+": is a directory" {
		t.Fatalf("folder: %v", err)
	}
}

func TestAppendJSON(t *testing.T) {
	w := Window{TsMs: 5, RunID: "a\"b", ID: 7, Order: []string{"y", "x"}, Units: map[string]string{"y": "m/s²", "x": "deg"},
		Values: []float64{37.123457, -0.1, 1e-9, 1e21, 12}}
	got, err := w.AppendJSON([]byte("before "))
	want := `before {"ts_ms":5,"run_id":"a\"b","window_id":7,"order":["y","x"],"units":{"x":"deg","y":"m/s²"},"window":[37.123457,-0.1,1e-09,1e+21,12]}` + "\n"
	if err != nil || string(got) != want {
		t.Fatalf("got  %s, %v\nwant %s", got, err, want)
	}
	if got, err := collect(ofText(want[7:], WindowSettings{Dims: 2})); err != nil || !reflect.DeepEqual(got[0], w) {
		t.Fatalf("read back: %+v, %v", got, err)
	}
	nan := 0.0
	w.Values[1] = nan / nan
	if got, err := w.AppendJSON([]byte("before")); !errors.Is(err, ErrNotFinite) || string(got) != "before" || err.Error() != "dataset: window[1]: found NaN, want a finite number" {
		t.Fatalf("NaN: %s, %v", got, err)
	}
	w.Values[1], w.RunID = 0, "\xff"
	if got, err := w.AppendJSON(nil); err == nil || got != nil {
		t.Fatalf("no UTF-8: %s, %v", got, err)
	}
}

// The recording's windows come back as they were written.
func TestWalkRoundTrip(t *testing.T) {
	walk := testenv.Shared(t, "field", "walk.jsonl")
	path := filepath.Join(t.TempDir(), "dataset_raw.jsonl")
	windows := Windows(OpenSamples(walk, SampleSettings{}), WindowerSettings{W: 1, Stride: 1, RunID: "walk"})
	n, err := WriteFile(path, windows)
	if err != nil || n != 2505 {
		t.Fatalf("wrote %d windows, %v; want 2505", n, err)
	}
	want, err := collect(windows)
	if err != nil {
		t.Fatal(err)
	}
	got, err := collect(OpenWindows(path, WindowSettings{WindowLen: 12, Dims: 12}))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%d windows read back differ from %d written, %v", len(got), len(want), err)
	}
	train, err := collect(Training(OpenWindows(path, WindowSettings{}), HashSplit{TrainRatio: 0.8}))
	if err != nil || len(train) != 2008 {
		t.Fatalf("%d train, %v; want 2008", len(train), err)
	}
}
