package train

import (
	"encoding/json"
	"iter"
	"path/filepath"
	"testing"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// everyOther is a split that manifests cannot describe.
type everyOther struct{}

func (everyOther) InTraining(w dataset.Window) bool { return w.ID%2 == 0 }

// The manifest describes the split, so that programs can reproduce the holdout.
func TestManifestNamesTheSplit(t *testing.T) {
	windows := func(yield func(dataset.Window, error) bool) {
		for i, v := range waves(100, 4) {
			if !yield(dataset.Window{ID: int64(i), TsMs: int64(5000 + 10*i), Values: v}, nil) {
				return
			}
		}
	}
	byTime, err := dataset.NewTimeSplit(windows, 0.6)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		split  dataset.Split
		want   string
		method string
	}{
		{"by default", nil, `{"method":"hash_window_id","train_ratio":0.8,"split_seed":0}`, "hash_window_id"},
		{"by hash", dataset.HashSplit{TrainRatio: 0.5, Seed: 7}, `{"method":"hash_window_id","train_ratio":0.5,"split_seed":7}`, "hash_window_id"},
		{"by time", byTime, `{"method":"time","train_ratio":0.6,"split_seed":0,"cut_ts_ms":5600}`, "time"},
		{"of an unknown type", everyOther{}, `null`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := Train(t.Context(), windows, &Settings{LatentDim: 2, Split: c.split}, nil)
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(t.TempDir(), "m")
			if _, err := save.Model(dir, res.Contents(), nil); err != nil {
				t.Fatal(err)
			}
			m, err := artifacts.Load(filepath.Join(dir, artifacts.ManifestFile))
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := json.Marshal(m.Manifest.TrainSplit); string(got) != c.want {
				t.Errorf("train_split %s, want %s", got, c.want)
			}
			if res.Report.SplitMethod != c.method {
				t.Errorf("the report says %q, want %q", res.Report.SplitMethod, c.method)
			}
		})
	}
	man := artifacts.Manifest{TrainSplit: &artifacts.TrainSplit{Method: artifacts.SplitByTime, TrainRatio: 0.6}}
	if err := man.Check(); err == nil {
		t.Error("a split by time without a cut_ts_ms passes")
	}
}

// The manifest has the names and units of the values, unless they are those of a
// motion sample.
func TestManifestNamesTheValues(t *testing.T) {
	windows := func(order []string, units map[string]string) iter.Seq2[dataset.Window, error] {
		return func(yield func(dataset.Window, error) bool) {
			for i, v := range waves(60, 12) {
				if !yield(dataset.Window{ID: int64(i), Order: order, Units: units, Values: v}, nil) {
					return
				}
			}
		}
	}
	motion := sensor.Motion()
	for _, c := range []struct {
		name  string
		order []string
		units map[string]string
		w     int
		want  string
	}{
		{"motion", motion.Names(), motion.Units(), 1, "null"},
		{"none", nil, nil, 1, "null"},
		{"others", []string{"ax", "ay", "pressure"}, map[string]string{"pressure": "hPa"}, 4, `["ax","ay","pressure"]`},
		{"too few", []string{"ax", "ay", "az"}, nil, 1, "null"},
	} {
		s := &Settings{LatentDim: 2, Window: sensor.Shape{W: c.w}}
		if c.name == "too few" {
			s.Window = sensor.Shape{Dims: 12, W: 1}
		}
		result, err := Train(t.Context(), windows(c.order, c.units), s, PCA{})
		if err != nil {
			t.Fatal(err)
		}
		m := result.Contents().Manifest
		if got, _ := json.Marshal(m.Order); string(got) != c.want {
			t.Errorf("%s: order %s, want %s", c.name, got, c.want)
		}
		if values := m.SensorSchema(); c.name == "others" && values[2].Unit != "hPa" {
			t.Errorf("%s: %v", c.name, values)
		}
	}
}
