package numpy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/numpy"
	"github.com/loralink/loralink-go/internal/testenv"
)

// python runs testdata/interop.py and reads its answer.
func python(t *testing.T, mode, dir string, answer any) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testenv.Python(t), filepath.Join("testdata", "interop.py"), mode, dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("interop.py %s: %v\n%s", mode, err, &stderr)
	}
	if err := json.Unmarshal(out, answer); err != nil {
		t.Fatal(err)
	}
}

// What numpy writes is read: single and double, either byte order, C and
// Fortran order, two and three dimensions, stored and deflated.
func TestReadsNumpysFiles(t *testing.T) {
	dir := t.TempDir()
	var files []struct {
		Name       string
		Values     [][]float64
		IDs, Times []int64
		Runs       []string
	}
	python(t, "write", dir, &files)
	if len(files) != 98 {
		t.Errorf("%d files, want 98", len(files))
	}
	for _, f := range files {
		n := 0
		for w, err := range numpy.OpenWindows(filepath.Join(dir, f.Name), dataset.WindowSettings{}) {
			if err != nil {
				t.Errorf("%s: %v", f.Name, err)
				break
			}
			want := dataset.Window{ID: f.IDs[n], TsMs: f.Times[n], RunID: f.Runs[n], Values: f.Values[n]}
			if strings.HasSuffix(f.Name, ".npz") {
				want.Order = []string{"lat", "température", "°"}
				want.Units = map[string]string{"lat": "deg", "température": "°C"}
			}
			if !reflect.DeepEqual(w, want) {
				t.Errorf("%s: read %v, want %v", f.Name, w, want)
			}
			n++
		}
		if n != len(f.IDs) {
			t.Errorf("%s: %d windows, want %d", f.Name, n, len(f.IDs))
		}
	}
	for _, err := range numpy.OpenWindows(filepath.Join(dir, "objects.npz"), dataset.WindowSettings{}) {
		if !errors.Is(err, dataset.ErrType) || !strings.Contains(err.Error(), `order: found dtype "|O" (pickled Python objects), want unicode strings of at most 65536 characters: save a.astype('U')`) {
			t.Errorf("objects: %v", err)
		}
	}
}

// numpy reads what is written.
func TestNumpyReadsOurFiles(t *testing.T) {
	order, units := []string{"lat", "température"}, map[string]string{"température": "°C"}
	windows := []dataset.Window{
		{ID: 7, TsMs: 1700000000123, RunID: "walk", Order: order, Units: units, Values: []float64{1, 0.1, -2.5e-300, 4}},
		{ID: 9, TsMs: -1, RunID: "日本 🛰", Order: order, Units: units, Values: []float64{5, 6, 7, 8}},
	}
	nameless := []dataset.Window{{Order: []string{"a"}, Units: map[string]string{}, Values: []float64{1}}}
	sequence := func(windows []dataset.Window) iter.Seq2[dataset.Window, error] {
		return func(yield func(dataset.Window, error) bool) {
			for _, w := range windows {
				if !yield(w, nil) {
					return
				}
			}
		}
	}
	dir := t.TempDir()
	for name, w := range map[string][]dataset.Window{"d.npz": windows, "d.npy": windows, "nameless.npz": nameless, "none.npz": nil, "none.npy": nil} {
		if _, err := numpy.WriteFile(filepath.Join(dir, name), sequence(w)); err != nil {
			t.Fatal(err)
		}
	}
	type array struct {
		Dtype  string
		Shape  []int
		Values []any
	}
	var got map[string]map[string]array
	python(t, "read", dir, &got)
	numbers := array{"<f8", []int{2, 4}, []any{1.0, 0.1, -2.5e-300, 4.0, 5.0, 6.0, 7.0, 8.0}}
	zero, none := array{"<i8", []int{0}, []any{}}, array{"<f8", []int{0, 0}, []any{}}
	want := map[string]map[string]array{
		"d.npy": {"windows": numbers},
		"d.npz": {
			"windows":   numbers,
			"window_id": {"<i8", []int{2}, []any{7.0, 9.0}},
			"ts_ms":     {"<i8", []int{2}, []any{1700000000123.0, -1.0}},
			"run_id":    {"<U11", []int{2}, []any{"walk", "日本 🛰"}},
			"order":     {"<U12", []int{2}, []any{"lat", "température"}},
			"units":     {"<U3", []int{2}, []any{"", "°C"}},
		},
		"nameless.npz": {
			"windows":   {"<f8", []int{1, 1}, []any{1.0}},
			"window_id": {"<i8", []int{1}, []any{0.0}},
			"ts_ms":     {"<i8", []int{1}, []any{0.0}},
			"order":     {"<U1", []int{1}, []any{"a"}},
			"units":     {"<U0", []int{1}, []any{""}},
		},
		"none.npy": {"windows": none},
		"none.npz": {"windows": none, "window_id": zero, "ts_ms": zero},
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !reflect.DeepEqual(got[name], want[name]) {
			t.Errorf("%s: numpy reads\n%v\nwant\n%v", name, got[name], want[name])
		}
	}
}
