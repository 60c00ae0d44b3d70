package record_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/internal/testmodel"
	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/runlog/record"
	"github.com/loralink/loralink-go/radio/runlog/runreport"
	"github.com/loralink/loralink-go/radio/sim/study"
)

func ExampleFill() {
	template := []byte(`run_id: TBD
phase: phase1
logs: {}                  # filled later
outputs:
  tx_log: out/<run_id>_tx.jsonl
results:
  pdr: TBD                # of the sender
notes: TBD
`)
	filled, open, err := record.Fill(template, record.Values{"run_id": "walk", "results.pdr": 0.75})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s%v\n", filled, open)
	// Output:
	// run_id: walk
	// phase: phase1
	// logs: {}                  # filled later
	// outputs:
	//   tx_log: out/walk_tx.jsonl
	// results:
	//   pdr: 0.75                # of the sender
	// notes: TBD
	// [notes]
}

// flatten returns the values of a record by their keys.
func flatten(t testing.TB, text []byte) map[string]string {
	t.Helper()
	var node any
	if err := yaml.Unmarshal(text, &node); err != nil {
		t.Fatal(err)
	}
	flat := map[string]string{}
	var walk func(prefix string, node any)
	walk = func(prefix string, node any) {
		switch node := node.(type) {
		case map[string]any:
			for k, v := range node {
				walk(prefix+k+".", v)
			}
		case []any:
			for i, v := range node {
				walk(fmt.Sprintf("%s%d.", prefix, i), v)
			}
		default:
			flat[strings.TrimSuffix(prefix, ".")] = fmt.Sprint(node)
		}
	}
	walk("", node)
	return flat
}

// glob returns the paths of six files.
func glob(t *testing.T, pattern ...string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(pattern...))
	if err != nil || len(paths) != 6 {
		t.Fatalf("found %v, %v", paths, err)
	}
	return paths
}

// templates returns the templates of this repository.
func templates(t *testing.T) []string {
	t.Helper()
	return glob(t, testenv.Repo("examples", "records"), "*.yaml")
}

// Every value of every template can be filled in, and nothing else changes.
func TestTemplates(t *testing.T) { fillAll(t, templates(t)) }

// The same for the templates of the reference.
func TestReferenceTemplates(t *testing.T) {
	fillAll(t, glob(t, testenv.Shared(t, "reference", "configs", "examples"), "*_record.yaml"))
}

func fillAll(t *testing.T, paths []string) {
	t.Helper()
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := record.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			same, _, err := record.Fill(text, nil)
			if err != nil || string(same) != string(text) {
				t.Errorf("changed without values: %v\n%s", err, same)
			}
			before := flatten(t, text)
			for key := range before {
				filled, _, err := record.Fill(text, record.Values{key: "value 1: #x"})
				if err != nil {
					t.Fatal(err)
				}
				want, got := flatten(t, text), flatten(t, filled)
				want[key] = "value 1: #x"
				for k, v := range want {
					name := key[strings.LastIndex(key, ".")+1:]
					if v = strings.ReplaceAll(v, "<"+name+">", "value 1: #x"); got[k] != v {
						t.Errorf("after filling %s, %s is %q, want %q", key, k, got[k], v)
					}
				}
				if len(got) != len(want) {
					t.Errorf("after filling %s: %d values, want %d", key, len(got), len(want))
				}
			}
			for _, key := range record.Open(text) {
				if v := before[key]; !strings.Contains(v, "TBD") && !strings.Contains(v, "<") && !strings.Contains(v, "YYYY") {
					t.Errorf("%s is open, but %q", key, v)
				}
			}
		})
	}
}

// fill fills one of the templates of this repository.
func fill(t *testing.T, name string, values record.Values) (map[string]string, []string) {
	t.Helper()
	text, err := record.Load(testenv.Repo("examples", "records", name))
	if err != nil {
		t.Fatal(err)
	}
	filled, open, err := record.Fill(text, values)
	if err != nil {
		t.Fatal(err)
	}
	return flatten(t, filled), open
}

func check(t *testing.T, got map[string]string, want map[string]string) {
	t.Helper()
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %q, want %q", k, got[k], v)
		}
	}
}

const log = `{"ts_ms":1700000000000,"run_id":"walk","event":"run_start","role":"tx","mode":"RAW","phy_id":"sf7","runspec":{"phy":{"sf":7,"crc_on":true},"window":{"dims":12,"W":2},"tx":{"max_windows":20},"artifacts_manifest":"models/a/artifacts.json"}}
{"ts_ms":1700000000000,"run_id":"walk","event":"tx_sent","role":"tx","mode":"RAW","phy_id":"sf7","window_id":1,"seq":9,"attempt":1,"payload_bytes":30,"toa_ms_est":40}
{"ts_ms":1700000060000,"run_id":"walk","event":"ack_received","role":"tx","mode":"RAW","phy_id":"sf7","window_id":1,"ack_seq":9,"rssi_dbm":-97}
{"ts_ms":1700000060000,"run_id":"walk","event":"ack_received","role":"tx","mode":"RAW","phy_id":"sf7","window_id":1,"ack_seq":9,"rssi_dbm":-90}
`

func TestRecordOfRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "walk_tx.jsonl")
	if err := os.WriteFile(path, []byte(log), 0o644); err != nil {
		t.Fatal(err)
	}
	run, err := runlog.OpenRun(runlog.Files{TX: path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	values := record.OfRun(run)
	values.Merge(record.OfSignals(path))
	got, open := fill(t, "phase0.yaml", values)
	check(t, got, map[string]string{"run_id": "walk", "mode": "RAW", "phy.sf": "7", "phy.crc_on": "true", "payload_bytes": "30", "logs.tx_log": filepath.ToSlash(path),
		"logs.rx_log": "out/runtime/walk_rx.jsonl", "results.tx_sent": "1", "results.pdr": "1", "results.rssi_dbm_min": "-97", "results.rssi_dbm_max": "-90",
		"runspecs.manifest": "models/a/artifacts.json", "environment.distance_m": "TBD"})
	if !slices.Contains(open, "environment.distance_m") || slices.Contains(open, "results.pdr") {
		t.Errorf("open: %v", open)
	}
	got, _ = fill(t, "phase1.yaml", values)
	check(t, got, map[string]string{"window.W": "2", "target.windows": "20", "results.windows_logged": "1", "results.rx_ok": "TBD"})
	got, open = fill(t, "phase4.yaml", values)
	check(t, got, map[string]string{"record_id": "phase4_20231114_001", "runs.0.run_id": "walk", "runs.0.duration_s": "60", "runs.0.avg_power_w": "TBD"})
	if !reflect.DeepEqual(open, []string{"method.equipment", "method.sampling_hz", "method.integration_window_s", "method.notes", "runs.0.avg_power_w", "runs.0.notes"}) {
		t.Errorf("open: %v", open)
	}
}

func TestRecordOfReports(t *testing.T) {
	set, err := runreport.ReadSet(strings.NewReader(`{"raw":{"sent_count":1},"short":{"sent_count":2},"rx":{"sent_count":0}}`), "m.json")
	if err != nil {
		t.Fatal(err)
	}
	values, err := record.OfSet(set, "raw", "out/phase3.json")
	if err != nil {
		t.Fatal(err)
	}
	values.Merge(record.OfDate(time.Unix(0, 0)))
	got, _ := fill(t, "phase3.yaml", values)
	check(t, got, map[string]string{"record_id": "phase3_19700101_001", "baseline.run_id": "raw", "variants.0.run_id": "short", "results.reports.0": "out/phase3.json"})
	if _, err := record.OfSet(set, "x", ""); !errors.Is(err, record.ErrRecord) {
		t.Errorf("no such run: %v", err)
	}
	got, _ = fill(t, "phase0.yaml", record.OfPhase0(&study.Phase0Report{Selected: &study.Phase0Profile{ID: "p", PHY: []byte(`{"sf":9}`), Metrics: study.PhaseMetrics{Sent: 4, PDR: 0.5}}}))
	check(t, got, map[string]string{"phy_id": "p", "phy.sf": "9", "results.pdr": "0.5", "results.tx_sent": "4", "results.c50_found": "true"})
	got, _ = fill(t, "phase0.yaml", record.OfPhase0(&study.Phase0Report{}))
	check(t, got, map[string]string{"results.c50_found": "false"})
	got, _ = fill(t, "uart.yaml", record.OfRegisters(e22.FactoryRegisters()))
	check(t, got, map[string]string{"uart.baud": "9600", "uart.parity": "N", "e22_p2p.channel": "18", "e22_p2p.air_speed_preset": "2", "e22_p2p.air_data_rate": "2.4kbps", "e22_p2p.cr": "4/8"})
}

func TestRecordOfModel(t *testing.T) {
	manifest := testmodel.Train(t, testenv.Repo("testdata", "walk.jsonl"))
	eval := filepath.Join(t.TempDir(), "eval.json")
	write := func(text string) {
		if err := os.WriteFile(eval, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{"{": "found no evaluation", "{}": "found no overall"} {
		write(text)
		if _, err := record.OfModel(manifest, "", eval); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	write(`{"overall":{"mae":0.5,"mse":0.25}}`)
	values, err := record.OfModel(filepath.Dir(manifest), "out/dataset_raw.jsonl", eval)
	if err != nil {
		t.Fatal(err)
	}
	got, open := fill(t, "phase2.yaml", values)
	check(t, got, map[string]string{"dataset.path": "out/dataset_raw.jsonl", "model.model_id": filepath.Base(filepath.Dir(manifest)), "model.model_format": "layer_npz_v1",
		"artifacts.layer_files.0": "layer_0.npz", "results.mae": "0.5", "results.mse": "0.25", "window.dims": "12"})
	for _, key := range []string{"model.latent_dim", "packing.type", "model.layers"} {
		if slices.Contains(open, key) {
			t.Errorf("%s is open", key)
		}
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "found no phase"},
		{"no mapping", "- a", "want a YAML mapping"},
		{"a RunSpec", "run_id: a\nrole: tx\n", "found no phase"},
		{"no YAML", "phase: [", "want a YAML mapping"},
		{"an alias", "phase: &a 1\nb: *a\n", "found an alias"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "record.yaml")
			if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := record.Load(path); !errors.Is(err, record.ErrRecord) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if _, _, err := record.Fill([]byte("phase: TBD\n"), record.Values{"phase": struct{}{}}); !errors.Is(err, record.ErrRecord) {
		t.Errorf("a value of another type: %v", err)
	}
}

// What is filled in is a record, with the value where it was wanted.
func FuzzFill(f *testing.F) {
	f.Add("phase: 1\nruns:\n- run_id: TBD\n  notes: |\n    a: b\n- run_id: TBD\n", "runs.1.run_id", "x: #")
	f.Add("run_id: TBD # c\na:\n  b: 'x # y'\n  c:\n    - 1\n    - d: 2\n", "a.c.1.d", "true")
	f.Fuzz(func(t *testing.T, text, key, value string) {
		filled, _, err := record.Fill([]byte(text), record.Values{key: value})
		if err == nil {
			if err := record.Check(filled); err != nil {
				t.Error(err)
			}
		}
	})
}
