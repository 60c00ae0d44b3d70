package study_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/sim/study"
	"github.com/loralink/loralink-go/runspec"
)

const phaseSpec = `{"run_id":"a","role":"tx","mode":"RAW","phy":{"sf":9,"bw_hz":125000,"cr":5,"preamble":8,"crc_on":true,"explicit_header":true,"tx_power_dbm":22},
"window":{"dims":12,"W":1,"stride":1,"sample_hz":1.0},"codec":{"id":"raw","version":"1"},
"tx":{"guard_ms":20,"ack_timeout_ms":"auto","max_retries":0,"max_inflight":1,"max_windows":10},"logging":{"out_dir":"unused"}}`

const phasePHY = `{"sf":7,"bw_hz":125000,"cr":5,"preamble":8,"crc_on":true,"explicit_header":true,"tx_power_dbm":22}`

// profile returns a profile with that pattern of lost data frames.
func profile(id, pattern string) study.Profile {
	p := study.Profile{ID: id, PHY: json.RawMessage(phasePHY)}
	for _, c := range pattern {
		p.DropAB = append(p.DropAB, c == 'x')
	}
	return p
}

func ExamplePhase0() {
	report, err := study.Phase0(context.Background(), &study.Sweep{
		RunSpec:  json.RawMessage(phaseSpec),
		Profiles: []study.Profile{profile("good", "."), profile("half", ".x"), profile("bad", "xxx.")},
		Packets:  40, StepMs: 100,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Selected.ID, report.Selected.Metrics.PDR)
	// Output: half 0.5
}

func TestPhases(t *testing.T) {
	dir := t.TempDir()
	sweep := &study.Sweep{RunSpec: json.RawMessage(phaseSpec), Profiles: []study.Profile{profile("good", "."), profile("lost", "x")}, Packets: 10, StepMs: 100, OutDir: dir}
	report, err := study.Phase0(t.Context(), sweep)
	if err != nil {
		t.Fatal(err)
	}
	if good, lost := report.Results[0].Metrics, report.Results[1].Metrics; report.Selected != nil || good.Sent != 10 || good.PDR != 1 || lost.PDR != 0 || lost.ETX != 0 {
		t.Errorf("selected %v of %+v, %+v", report.Selected, good, lost)
	}
	var out strings.Builder
	report.WriteTable(&out)
	if !strings.Contains(out.String(), "no profile has a PDR within the target") {
		t.Errorf("wrote\n%s", out.String())
	}
	run, err := runlog.OpenRun(runlog.Files{TX: filepath.Join(dir, "good", "a_good_tx_tx.jsonl"), RX: filepath.Join(dir, "good", "a_good_rx_rx.jsonl")}, nil)
	if err != nil || run.Metrics.RxOK != 10 || run.Metrics.Acked != 10 || run.Starts != 2 {
		t.Errorf("logs: %+v, %v", run, err)
	}
	// Again, to the same logs.
	if _, err := study.Phase0(t.Context(), sweep); err != nil {
		t.Fatal(err)
	}
	if again, err := runlog.OpenRun(run.Files, nil); err != nil || again.Starts != 2 {
		t.Errorf("logs again: %+v, %v", again, err)
	}
	rate := 0.5
	sweep.Profiles[0] = study.Profile{ID: "rate", PHY: json.RawMessage(phasePHY), Losses: study.Losses{LossRateAB: &rate}}
	sweep.Packets = 400
	if report, err = study.Phase0(t.Context(), sweep); err != nil || report.Selected == nil || report.Selected.ID != "rate" {
		t.Errorf("half of the frames lost: %+v, %v", report, err)
	}
	raw, err := runspec.Parse([]byte(phaseSpec))
	if err != nil {
		t.Fatal(err)
	}
	raw.Logging.OutDir = filepath.Join(dir, "phase1")
	one, err := study.Phase1(t.Context(), report.Selected, raw, raw)
	if err != nil || one.Raw != one.Latent || one.Delta != (study.PhaseDelta{}) || one.Raw.Sent == 0 {
		t.Errorf("%+v, %v", one, err)
	}
	if logs, err := filepath.Glob(filepath.Join(dir, "phase1", "*")); err != nil || len(logs) != 4 {
		t.Errorf("logs %v, %v", logs, err)
	}
}

func TestPhasesRefuse(t *testing.T) {
	good := func() *study.Sweep {
		return &study.Sweep{RunSpec: json.RawMessage(phaseSpec), Profiles: []study.Profile{profile("a", ".")}}
	}
	two := 2.0
	for _, c := range []struct {
		name string
		edit func(*study.Sweep)
		want string
	}{
		{"no RunSpec", func(s *study.Sweep) { s.RunSpec = nil }, "base_runspec is missing"},
		{"a RunSpec that is none", func(s *study.Sweep) { s.RunSpec = json.RawMessage("[]") }, "a RunSpec that is no object"},
		{"no profiles", func(s *study.Sweep) { s.Profiles = nil }, "profiles is empty"},
		{"a profile without PHY", func(s *study.Sweep) { s.Profiles[0].PHY = nil }, "profiles[0].phy is missing"},
		{"a path as profile_id", func(s *study.Sweep) { s.Profiles[0].ID = "../a" }, "want a name without path separators"},
		{"a profile twice", func(s *study.Sweep) { s.Profiles = append(s.Profiles, s.Profiles[0]) }, "for the second time"},
		{"a loss rate", func(s *study.Sweep) { s.Profiles[0].LossRate = 2 }, "study: invalid settings: profiles[0].loss_rate is 2, want 0..1"},
		{"packets", func(s *study.Sweep) { s.Packets = -1 }, "packets_per_profile is -1"},
		{"steps", func(s *study.Sweep) { s.StepMs = -1 }, "step_ms is -1"},
		{"target", func(s *study.Sweep) { s.Low = &two }, "the target PDR is 2..0.55"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := good()
			c.edit(s)
			if _, err := study.Phase0(t.Context(), s); !errors.Is(err, study.ErrSettings) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	path := filepath.Join(t.TempDir(), "file.json")
	for text, want := range map[string]string{
		`{"profile":[]}`:    `unknown field "profile"`,
		`{`:                 "EOF",
		`{"selected":null}`: "unknown field",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := study.OpenSweep(path); !errors.Is(err, study.ErrSettings) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := os.WriteFile(path, []byte(`{"selected":null}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := study.OpenPhase0(path); !errors.Is(err, study.ErrSettings) || !strings.Contains(err.Error(), "found no selected profile") {
		t.Errorf("got %v", err)
	}
}

// The reference's own programs made these figures of these files.
func TestPhasesOfTheReference(t *testing.T) {
	sweep, err := study.OpenSweep(testenv.Shared(t, "reference", "configs", "examples", "sweep.json"))
	if err != nil {
		t.Fatal(err)
	}
	sweep.OutDir = t.TempDir()
	zero, err := study.Phase0(t.Context(), sweep)
	if err != nil {
		t.Fatal(err)
	}
	equalJSON(t, zero, testenv.Shared(t, "reference", "logs", "phase0.json"))
	load := func(name string) *runspec.RunSpec {
		spec, err := runspec.Load(testenv.Shared(t, "reference", "configs", "examples", name))
		if err != nil {
			t.Fatal(err)
		}
		spec.Logging.OutDir = sweep.OutDir
		return spec
	}
	read, err := study.OpenPhase0(testenv.Shared(t, "reference", "logs", "phase0.json"))
	if err != nil {
		t.Fatal(err)
	}
	one, err := study.Phase1(t.Context(), read.Selected, load("raw.json"), load("latent.json"))
	if err != nil {
		t.Fatal(err)
	}
	equalJSON(t, one, testenv.Shared(t, "reference", "logs", "phase1.json"))
}

// equalJSON compares what marshals to JSON with a file: numbers to six digits.
func equalJSON(t *testing.T, got any, path string) {
	t.Helper()
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var g, w any
	if err := errors.Join(json.Unmarshal(b, &g), json.Unmarshal(text, &w)); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(rounded(g)), fmt.Sprint(rounded(w)); got != want {
		t.Errorf("%s:\ngot  %s\nwant %s", filepath.Base(path), got, want)
	}
}

// rounded returns a JSON value with its numbers rounded to 1e-6.
func rounded(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = rounded(v[k])
		}
	case []any:
		for i := range v {
			v[i] = rounded(v[i])
		}
	case float64:
		return math.Round(v*1e6) / 1e6
	}
	return v
}
