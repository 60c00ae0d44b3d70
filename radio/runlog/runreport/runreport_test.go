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

const (
	txLog = `{"ts_ms":0,"run_id":"walk","event":"tx_sent","role":"tx","mode":"LATENT","phy_id":"sf7","window_id":1,"seq":9,"attempt":1,"payload":"0102","toa_ms_est":40}
{"ts_ms":100,"run_id":"walk","event":"ack_received","role":"tx","phy_id":"sf7","window_id":1,"ack_seq":9}
`
	rxLog = `{"ts_ms":50,"run_id":"walk","event":"rx_ok","role":"rx","phy_id":"sf7","seq":9,"payload":"0102"}
{"ts_ms":50,"run_id":"walk","event":"recon_done","role":"rx","phy_id":"sf7","seq":9,"window":[1.5,2]}
`
	data = `{"window_id":1,"window":[1,2]}
{"window_id":2,"window":[3,6]}
`
)

// files writes the files of a run into dir.
func files(dir string) (f runlog.Files, dataset string, err error) {
	f = runlog.Files{TX: filepath.Join(dir, "walk_tx.jsonl"), RX: filepath.Join(dir, "walk_rx.jsonl")}
	dataset = filepath.Join(dir, "sent.jsonl")
	for path, text := range map[string]string{f.TX: txLog, f.RX: rxLog, dataset: data} {
		err = errors.Join(err, os.WriteFile(path, []byte(text), 0o644))
	}
	return f, dataset, err
}

func Example() {
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
	report, err := runreport.New(run, &run, &runreport.Settings{Dataset: dataset})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("delivered", report.Run.Metrics.Delivered)
	fmt.Println("mean absolute error", report.Run.Reconstruction.Overall.MAE)
	fmt.Println("against itself:", report.Comparison)
	// Output:
	// delivered 1
	// mean absolute error 0.25
	// against itself: PDR the same, ETX the same, time on air the same
}

func TestReport(t *testing.T) {
	run, dataset, err := files(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	entries := 0
	report, err := runreport.New(run, &runlog.Files{TX: run.TX}, &runreport.Settings{Dataset: dataset, Std: []float64{0.5, 0},
		OnEntry: func(runlog.Entry) { entries++ }})
	if err != nil {
		t.Fatal(err)
	}
	if r := report.Run.Reconstruction; entries != 4 || r.Windows != 1 || r.Unmatched != 0 || r.ZScored.MSE != 1 || r.ZScoredBy != "model" || r.ByGroup != nil {
		t.Errorf("%d entries, %+v", entries, r)
	}
	b, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	// The order of the fields is the format's.
	offset := 0
	for _, key := range []string{"run", "tx_log", "rx_log", "run_id", "mode", "phy_id", "starts", "bad_lines", "metrics", "reconstruction", "baseline", "comparison"} {
		i := strings.Index(string(b[offset:]), `"`+key+`":`)
		if i < 0 {
			t.Fatalf("no %s after byte %d of %s", key, offset, b)
		}
		offset += i
	}
	var out strings.Builder
	report.WriteTable(&out)
	for _, want := range []string{"sf7, LATENT", "baseline walk", "zscored.mse (std of the model)", "Change from the baseline: PDR"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestDatasetThatDoesNotFit(t *testing.T) {
	run, dataset, err := files(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.jsonl")
	if err := os.WriteFile(other, []byte(`{"window_id":1,"window":[1,2,3]}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		settings runreport.Settings
		want     string
	}{
		{"windows of another length", runreport.Settings{Dataset: other}, "windows of 3 values, want 2 as the receiver decoded"},
		{"deviations of another length", runreport.Settings{Dataset: dataset, Std: []float64{1}}, "windows of 2 values, want 1 as in Settings.Std"},
		{"no such data set", runreport.Settings{Dataset: dataset + "x"}, "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := runreport.New(run, nil, &c.settings); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestRecord(t *testing.T) {
	run, _, err := files(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	report, err := runreport.New(run, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	template := filepath.Join(t.TempDir(), "run.md")
	for _, c := range []struct{ name, text, want, err string }{
		{"known and unknown", `{{field "run_id"}} by {{field "people"}}`, "walk by " + runreport.Blank, ""},
		{"no template", `{{field`, "", "unclosed action"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(template, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := report.FillRecord(template)
			if string(got) != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
