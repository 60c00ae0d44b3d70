package runreport_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/radio/runlog/runreport"
)

// same reports how two JSON values differ: numbers by more than one part in a million.
// Notes are text for people and not compared.
func same(path string, got, want any) (faults []string) {
	switch want := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: got %v, want an object", path, got)}
		}
		for k, w := range want {
			if _, ok := g[k]; !ok {
				faults = append(faults, path+"."+k+": missing")
			} else if k != "notes" {
				faults = append(faults, same(path+"."+k, g[k], w)...)
			}
		}
		for k := range g {
			if _, ok := want[k]; !ok {
				faults = append(faults, path+"."+k+": not in the reference's")
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			return []string{fmt.Sprintf("%s: got %v, want %v", path, got, want)}
		}
		for i := range want {
			faults = append(faults, same(fmt.Sprintf("%s[%d]", path, i), g[i], want[i])...)
		}
	case float64:
		g, ok := got.(float64)
		if !ok || math.Abs(g-want) > 1e-6*math.Abs(want) {
			return []string{fmt.Sprintf("%s: got %v, want %v", path, got, want)}
		}
	default:
		if got != want {
			return []string{fmt.Sprintf("%s: got %v, want %v", path, got, want)}
		}
	}
	return faults
}

// sameAs compares what marshals to JSON with a file of the reference.
func sameAs(t *testing.T, got any, file string) {
	t.Helper()
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(testenv.Shared(t, "reference", "logs", file))
	if err != nil {
		t.Fatal(err)
	}
	var g, w any
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(want, &w); err != nil {
		t.Fatal(err)
	}
	for _, fault := range same(strings.TrimSuffix(file, ".json"), g, w) {
		t.Error(fault)
	}
}

// referenceLogs returns logs of the reference.
func referenceLogs(t *testing.T) (paths []string) {
	t.Helper()
	for _, name := range []string{"raw_raw_tx_tx", "raw_raw_rx_rx", "latent_latent_tx_tx", "latent_latent_rx_rx"} {
		paths = append(paths, testenv.Shared(t, "reference", "logs", "example_"+name+".jsonl"))
	}
	return paths
}

// The reference's own programs made these figures of its logs.
func TestFiguresOfTheReference(t *testing.T) {
	set, err := runreport.OpenLogs(referenceLogs(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	sameAs(t, set.MetricsJSON(), "metrics.json")
	sameAs(t, set, "phase3_report.json")
	for _, metrics := range []string{"metrics.json", "phase3_report.json"} {
		read, err := runreport.OpenSet(testenv.Shared(t, "reference", "logs", metrics))
		if err != nil {
			t.Fatal(err)
		}
		sameAs(t, read.MetricsJSON(), "metrics.json")
		energy, err := runreport.OpenEnergy(testenv.Shared(t, "reference", "logs", "energy.yaml"), read)
		if err != nil {
			t.Fatal(err)
		}
		sameAs(t, energy, "phase4_report.json")
		if energy, err = runreport.OpenEnergyReport(testenv.Shared(t, "reference", "logs", "phase4_report.json")); err != nil {
			t.Fatal(err)
		}
		kpi, err := runreport.CheckKPI(read, energy, runreport.KPISettings{Baseline: "example_raw_raw_tx"})
		if err != nil {
			t.Fatal(err)
		}
		sameAs(t, kpi, "kpi.json")
		if failed := kpi.Failed(); len(failed) > 0 {
			t.Errorf("failed: %v", failed)
		}
	}
}

// One log with several runs is several logs of one.
func TestOneLogOfSeveralRuns(t *testing.T) {
	var all []byte
	for _, path := range referenceLogs(t) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	path := t.TempDir() + "/all.jsonl"
	if err := os.WriteFile(path, all, 0o644); err != nil {
		t.Fatal(err)
	}
	set, err := runreport.OpenLogs([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sameAs(t, set, "phase3_report.json")
}
