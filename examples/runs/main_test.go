package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/examples/cli/clitest"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/radio/runlog/runreport"
)

// log writes the log of a sender of n windows of which one was not acknowledged.
func log(t *testing.T, dir, runID string, n, payload int) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"ts_ms":%d,"run_id":%q,"event":"tx_sent","role":"tx","window_id":%d,"seq":%d,"attempt":1,"payload_bytes":%d,"frame_bytes":%d,"toa_ms_est":50}`+"\n",
			i*100, runID, i, i, payload, payload+2)
		if i > 0 {
			fmt.Fprintf(&b, `{"ts_ms":%d,"run_id":%q,"event":"ack_received","role":"tx","window_id":%d,"ack_seq":%d,"rtt_ms":1}`+"\n", i*100+1, runID, i, i)
		}
	}
	path := filepath.Join(dir, runID+"_tx.jsonl")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// program runs the program and returns what it printed.
func program(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err := run(t.Context(), args, &stdout, &stderr)
	if stderr.Len() > 0 {
		t.Errorf("%v: warned %s", args, stderr.String())
	}
	return stdout.String(), err
}

func TestPhases(t *testing.T) {
	dir := t.TempDir()
	raw, short := log(t, dir, "raw", 2, 30), log(t, dir, "short", 4, 8)
	file := func(name string) string { return filepath.Join(dir, "out", name) }
	energy := filepath.Join(dir, "energy.yaml")
	if err := os.WriteFile(energy, []byte("runs: [{run_id: raw, avg_power_w: 1, duration_s: 2}, {run_id: short, avg_power_w: 0.5, duration_s: 2}]"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"metrics --log " + raw, `"sent_count": 2,`},
		{"metrics --log " + raw + " --log " + short + " --out " + file("metrics.json"), "raw    short"},
		{"phase3 --log " + raw + " --log " + short + " --out " + file("phase3.json"), "raw    short"},
		{"phase4 --metrics " + file("metrics.json") + " --energy " + energy, `"energy_j": 2,`},
		{"phase4 --metrics " + file("phase3.json") + " --energy " + energy + " --out " + file("phase4.json"), "per delivered window"},
		{"kpi --phase3 " + file("phase3.json") + " --phase4 " + file("phase4.json") + " --baseline raw", `"pdr_pass": true,`},
		{"kpi --phase3 " + file("phase3.json") + " --phase4 " + file("phase4.json") + " --baseline raw --variant short --out " + file("kpi.json"), "+50.0 % pass"},
		{"plots --phase3 " + file("phase3.json") + " --phase4 " + file("phase4.json") + " --plots --out-dir " + file("plots"), ""},
	} {
		out, err := program(t, strings.Fields(c.args)...)
		if err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v, no %q in\n%s", c.args, err, c.want, out)
		}
	}
	images, err := filepath.Glob(filepath.Join(file("plots"), "*.png"))
	if err != nil || len(images) != 5 {
		t.Errorf("%d plots, want 5", len(images))
	}
	if b, err := os.ReadFile(filepath.Join(file("plots"), "runs.csv")); err != nil || bytes.Count(b, []byte("\n")) != 3 {
		t.Errorf("%v\n%s", err, b)
	}
	var kpi runreport.KPIReport
	b, err := os.ReadFile(file("kpi.json"))
	if err := errors.Join(err, json.Unmarshal(b, &kpi)); err != nil || len(kpi.Variants) != 1 || !*kpi.Variants[0].EnergyPass {
		t.Errorf("%v, %s", err, b)
	}
	out, err := program(t, "kpi", "--phase3", file("phase3.json"), "--baseline", "raw", "--pdr-improve-pct", "51")
	clitest.Refused(t, "a target missed", err, false, "targets missed: by short")
	if !strings.Contains(out, `"pdr_pass": false`) {
		t.Errorf("no report:\n%s", out)
	}
}

func TestCarelessUse(t *testing.T) {
	dir := t.TempDir()
	raw := log(t, dir, "raw", 2, 30)
	for _, c := range []struct {
		args  string
		usage bool
		want  string
	}{
		{"", true, "want metrics, phase3, phase4, kpi or plots as the first argument"},
		{"report", true, "want metrics, phase3, phase4, kpi or plots as the first argument"},
		{"--log " + raw, true, "--help"},
		{"metrics", true, "--log is missing, want log of a sender or a receiver"},
		{"metrics --log " + raw + "x", false, "no such file"},
		{"phase4 --metrics " + raw, true, "--energy is missing"},
		{"phase4 --metrics " + raw + " --energy " + raw, false, "found no sent_count, want metrics or a phase 3 report"},
		{"kpi --phase3 x", true, "--baseline is missing"},
		{"plots --phase3 x", true, "--out-dir is missing"},
	} {
		err := run(t.Context(), strings.Fields(c.args), io.Discard, io.Discard)
		clitest.Refused(t, c.args, err, c.usage, c.want)
	}
	path := filepath.Join(dir, "metrics.json")
	if _, err := program(t, "metrics", "--log", raw, "--out", path); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), []string{"kpi", "--phase3", path, "--baseline", "x"}, io.Discard, io.Discard)
	clitest.Refused(t, "no such run", err, true, "--baseline is x, want one of raw")
	if out, err := program(t, "kpi", "--help"); err == nil || !strings.Contains(out, "-energy-reduce-pct") {
		t.Errorf("help: %v\n%s", err, out)
	}
}

// The reference's own programs made these reports of its logs. Numbers agree to six
// digits; notes are text for people.
func TestReportsOfTheReference(t *testing.T) {
	logs := func(name string) string { return testenv.Shared(t, "reference", "logs", name) }
	var args []string
	for _, name := range []string{"raw_raw_tx_tx", "raw_raw_rx_rx", "latent_latent_tx_tx", "latent_latent_rx_rx"} {
		args = append(args, "--log", logs("example_"+name+".jsonl"))
	}
	for file, args := range map[string][]string{
		"metrics.json":       append([]string{"metrics"}, args...),
		"phase3_report.json": append([]string{"phase3"}, args...),
		"phase4_report.json": {"phase4", "--metrics", logs("metrics.json"), "--energy", logs("energy.yaml")},
		"kpi.json":           {"kpi", "--phase3", logs("phase3_report.json"), "--phase4", logs("phase4_report.json"), "--baseline", "example_raw_raw_tx"},
	} {
		out, err := program(t, args...)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		want, err := os.ReadFile(logs(file))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := sixDigits(t, []byte(out)), sixDigits(t, want); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", file, got, want)
		}
	}
}

// sixDigits returns the text of a JSON value whose numbers have six digits.
func sixDigits(t *testing.T, text []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	var round func(v any) any
	round = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k := range v {
				if v[k] = round(v[k]); k == "notes" {
					delete(v, k)
				}
			}
		case []any:
			for i := range v {
				v[i] = round(v[i])
			}
		case float64:
			return fmt.Sprintf("%.6g", v)
		}
		return v
	}
	return fmt.Sprint(round(v))
}
