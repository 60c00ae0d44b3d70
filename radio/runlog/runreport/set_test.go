package runreport_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/runlog/runreport"
)

func ExampleOpenLogs() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	run, dataset, err := files(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := runreport.OpenLogs([]string{run.TX, run.RX}, &runreport.Settings{Dataset: dataset})
	if err != nil {
		fmt.Println(err)
		return
	}
	walk := set.Run("walk")
	fmt.Println(walk.Roles, "PDR", walk.Metrics.PDR, "error", walk.Metrics.ReconMAE.Mean)
	// Output:
	// [rx tx] PDR 1 error 0.25
}

// rename returns the logs of a run under other run_ids.
func rename(t *testing.T, dir, tx, rx string) (paths []string) {
	t.Helper()
	for id, text := range map[string]string{tx: txLog, rx: rxLog} {
		path := filepath.Join(dir, id+".jsonl")
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, `"walk"`, `"`+id+`"`)), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func TestErrorsOfSeveralRuns(t *testing.T) {
	dir := t.TempDir()
	logs := append(rename(t, dir, "a_tx", "a_rx"), rename(t, dir, "b_tx", "b_rx")...)
	data := filepath.Join(dir, "sent.jsonl")
	// Both runs have a window 1. Only a's windows are in the data set by name.
	if err := os.WriteFile(data, []byte(`{"window_id":1,"run_id":"a","window":[1.5,2]}
{"window_id":1,"run_id":"b","window":[1,2]}
`), 0o644); err != nil {
		t.Fatal(err)
	}
	set, err := runreport.OpenLogs(logs, &runreport.Settings{Dataset: data})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]float64{"a_rx": 0, "b_rx": 0.25} {
		r := set.Run(id)
		if r == nil || r.Metrics.ReconMAE == nil || r.Metrics.ReconMAE.Mean != want || r.Reconstruction.Windows != 1 {
			t.Errorf("%s: %+v", id, r)
		}
	}
	if r := set.Run("a_tx"); r.Metrics.ReconMAE != nil || r.Reconstruction != nil {
		t.Errorf("the sender decoded: %+v", r)
	}
}

func TestMetricsOfRetries(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	event := func(format string, args ...any) string {
		return `{"ts_ms":1,"run_id":"a","role":"tx",` + fmt.Sprintf(format, args...) + "}\n"
	}
	text := event(`"event":"tx_sent","window_id":1,"attempt":1,"toa_ms_est":10,"codec_encode_ms":0.001234`) +
		event(`"event":"tx_sent","window_id":1,"attempt":2,"toa_ms_est":10`) +
		event(`"event":"ack_received","window_id":1,"rssi_dbm":-90`) + event(`"event":"ack_received","window_id":1,"rssi_dbm":-100`) +
		strings.ReplaceAll(event(`"event":"recon_done","mae":0.5,"mse":0.25`), `"tx"`, `"rx"`) + "torn"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	warned := 0
	set, err := runreport.OpenLogs([]string{path}, &runreport.Settings{Warn: func(error) { warned++ }})
	if err != nil {
		t.Fatal(err)
	}
	m := set.Runs[0].Metrics
	if m.Sent != 2 || m.Retries != 1 || m.Acked != 1 || m.AckReceived != 2 || *m.DeliveryRatio != 1 || m.ETX != 2 || m.TimeOnAirMs != 20 {
		t.Errorf("%+v", m)
	}
	if m.RSSIdBm.Mean != -95 || m.ReconMAE.P50 != 0.5 || m.ReconMSE.Max != 0.25 || m.EncodeMs.Max != 0.001234 {
		t.Errorf("%+v %+v %+v", m.RSSIdBm, m.ReconMAE, m.EncodeMs)
	}
	if warned != 1 || set.Runs[0].BadLines != 1 {
		t.Errorf("%d warnings", warned)
	}
	if _, err := runreport.OpenLogs([]string{os.DevNull}, nil); !errors.Is(err, runlog.ErrNoEvents) {
		t.Errorf("an empty log: %v", err)
	}
}

// metrics is a set of two runs as JSON.
const metrics = `{"raw":{"sent_count":4,"acked_count":2,"pdr":0.5,"etx":2,"total_toa_ms":100},
"short":{"metrics":{"sent_count":4,"acked_count":3,"pdr":0.75,"etx":1.5,"total_toa_ms":50,"payload_bytes":{"count":4,"mean":8}}},
"mute":{"sent_count":1,"acked_count":0,"pdr":0,"etx":0,"total_toa_ms":10},"rx":{"sent_count":0}}`

func readSet(t *testing.T) *runreport.Set {
	t.Helper()
	set, err := runreport.ReadSet(strings.NewReader(metrics), "metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestKPI(t *testing.T) {
	set := readSet(t)
	energy, err := runreport.ReadEnergy(strings.NewReader("method: {equipment: INA219}\nruns:\n- {run_id: raw, avg_power_w: 0.5, duration_s: 60}\n"+
		"- {run_id: short, avg_power_w: 0.5, duration_s: 80, notes: cold}\n- {run_id: mute, avg_power_w: 1, duration_s: 1}\n"), "energy.yaml", set)
	if err != nil {
		t.Fatal(err)
	}
	if e := energy.Run("short"); e.EnergyJ != 40 || *e.PerDelivered != 40.0/3 || *e.PerSent != 10 || e.Notes != "cold" {
		t.Errorf("%+v", e)
	}
	if e := energy.Run("mute"); e.PerDelivered != nil {
		t.Errorf("%+v", e)
	}
	high := 60.0
	for _, c := range []struct {
		name   string
		energy *runreport.EnergyReport
		s      runreport.KPISettings
		failed string
		table  string
	}{
		{"default targets", nil, runreport.KPISettings{Variants: []string{"short"}}, "[]", "+50.0 % pass"},
		{"all that sent", nil, runreport.KPISettings{}, "[mute]", "- fail"},
		{"a higher target", nil, runreport.KPISettings{Variants: []string{"short"}, PDRImprovePct: &high}, "[short]", "+50.0 % fail"},
		{"with energies", energy, runreport.KPISettings{Variants: []string{"short"}}, "[short]", "-11.1 % fail"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.Baseline = "raw"
			report, err := runreport.CheckKPI(set, c.energy, c.s)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(report.Failed()); got != c.failed || errors.Is(report.Err(), runreport.ErrTarget) != (c.failed != "[]") {
				t.Errorf("failed: %s, %v, want %s", got, report.Err(), c.failed)
			}
			var out strings.Builder
			report.WriteTable(&out)
			if !strings.Contains(out.String(), c.table) {
				t.Errorf("no %q in\n%s", c.table, out.String())
			}
			if _, err := json.Marshal(report); err != nil {
				t.Error(err)
			}
		})
	}
	for _, c := range []struct {
		s    runreport.KPISettings
		want string
	}{
		{runreport.KPISettings{}, "Baseline is missing"},
		{runreport.KPISettings{Baseline: "x"}, "Baseline is x, want one of raw, short, mute, rx"},
		{runreport.KPISettings{Baseline: "raw", Variants: []string{"x"}}, "Variants is x"},
	} {
		if _, err := runreport.CheckKPI(set, nil, c.s); !errors.Is(err, runreport.ErrSettings) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestEnergyRecordFaults(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "found no runs"},
		{"no YAML", "a: [", "found no energy record"},
		{"not filled in", "runs:\n- {run_id: raw, avg_power_w: TBD, duration_s: 60}", "runs[0].avg_power_w: found TBD, want the measured number of watts"},
		{"no duration", "runs:\n- {run_id: raw, avg_power_w: 1}", "runs[0].duration_s: found <nil>, want the measured number of seconds"},
		{"negative", "runs:\n- {run_id: raw, avg_power_w: -1, duration_s: 60}", "found -1, want a positive number of watts"},
		{"infinite", "runs:\n- {run_id: raw, avg_power_w: .inf, duration_s: 60}", "found +Inf, want a positive number of watts"},
		{"another run", "runs:\n- {run_id: TBD, avg_power_w: 1, duration_s: 60}", "runs[0].run_id: found TBD, want one of raw, short, mute, rx as in the metrics"},
		{"a run twice", "runs:\n- {run_id: raw, avg_power_w: 1, duration_s: 60}\n- {run_id: raw, avg_power_w: 1, duration_s: 60}", "found raw twice"},
		{"an alias", "a: &a [1]\nmethod: *a", "found an alias"},
		{"a note that JSON cannot hold", "method: .nan\nruns:\n- {run_id: raw, avg_power_w: 1, duration_s: 60}", "NaN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := runreport.ReadEnergy(strings.NewReader(c.text), "energy.yaml", readSet(t))
			if !errors.Is(err, runreport.ErrReport) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "energy.yaml") {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestReportFaults(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "found no JSON object"},
		{"no run", "{}", "found no runs"},
		{"another report", `{"selected":{"phy":1}}`, `"selected": found no sent_count`},
		{"cut off", `{"a":{"sent_count":1}`, "EOF"},
		{"another type", `{"a":{"sent_count":"x"}}`, "found no sent_count"},
		{"another type of a figure", `{"a":{"sent_count":1,"pdr":"x"}}`, "pdr"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := runreport.ReadSet(strings.NewReader(c.text), "m.json"); !errors.Is(err, runreport.ErrReport) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestCSV(t *testing.T) {
	var out strings.Builder
	if err := readSet(t).WriteCSV(&out, nil); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 6 || strings.Count(lines[0], ",") != strings.Count(lines[1], ",") || !strings.HasPrefix(lines[2], "short,4,3,0,0,0,,,,0.75,1.5,50,8,") {
		t.Errorf("wrote\n%s", out.String())
	}
}

// Whatever a report or an energy record holds, it can be written.
func FuzzReadSet(f *testing.F) {
	f.Add([]byte(metrics), []byte("runs:\n- {run_id: raw, avg_power_w: 1, duration_s: 60}"))
	f.Add([]byte(`{"a":{"metrics":null}}`), []byte("method: {1: [2]}\nruns: [{run_id: a}]"))
	f.Fuzz(func(t *testing.T, report, record []byte) {
		set, err := runreport.ReadSet(strings.NewReader(string(report)), "m.json")
		if err != nil {
			return
		}
		if _, err := json.Marshal(set); err != nil {
			t.Error(err)
		}
		energy, err := runreport.ReadEnergy(strings.NewReader(string(record)), "e.yaml", set)
		if err == nil {
			if _, err := json.Marshal(energy); err != nil {
				t.Error(err)
			}
		}
		_, _ = runreport.CheckKPI(set, energy, runreport.KPISettings{Baseline: set.Runs[0].RunID})
	})
}
