package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/examples/cli/clitest"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/internal/testmodel"
	"github.com/loralink/loralink-go/radio/sim/study"
)

// runLink runs the program and returns its report.
func runLink(t *testing.T, sf string, args ...string) (study.ReplayReport, string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "link.json")
	var stdout, stderr bytes.Buffer
	err := run(t.Context(), append([]string{"--tx", testenv.Repo("testdata", "runspecs", "tx_"+sf+".yaml"),
		"--rx", testenv.Repo("testdata", "runspecs", "rx_"+sf+".yaml"), "--out", out}, args...), &stdout, &stderr)
	if err != nil || stderr.Len() > 0 {
		t.Fatal(err, stderr.String())
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var rep study.ReplayReport
	if err := json.Unmarshal(b, &rep); err != nil {
		t.Fatal(err)
	}
	return rep, stdout.String()
}

// A codec that remembers needs no model.
func TestPredictive(t *testing.T) {
	rep, printed := runLink(t, "predictive", "--samples", testenv.Repo("testdata", "walk.jsonl"), "--loss", "0.2")
	again, _ := runLink(t, "predictive", "--samples", testenv.Repo("testdata", "walk.jsonl"), "--loss", "0.2")
	r := rep.Runs[0]
	if m := r.Metrics; m.Delivered != 112 || m.Failed != 0 || m.PayloadMean > 16 || r.Observed.Corrupt+r.Observed.DeliveredTwice+r.Observed.FalselyAcked > 0 {
		t.Errorf("%+v, %+v", m, r.Observed)
	}
	if r.ZScored.MSE > 0.05 || r.ZScored.MSE != again.Runs[0].ZScored.MSE || r.Metrics != again.Runs[0].Metrics {
		t.Errorf("zscored %+v, %+v", r.ZScored, again.Runs[0].ZScored)
	}
	if !strings.Contains(printed, "mean") {
		t.Errorf("%s", printed)
	}
}

// The main job's last step.
func TestFieldRecordingAtSF12(t *testing.T) {
	walk := testenv.Shared(t, "field", "walk.jsonl")
	rep, printed := runLink(t, "sf12", "--bam-manifest", testmodel.Train(t, walk), "--samples", walk, "--loss", "0.2")
	for _, r := range rep.Runs {
		m := r.Metrics
		if m.Windows != 2505 || m.Dropped != 0 || m.Delivered < 2500 || m.Delivered+m.Failed < 2505 {
			t.Errorf("%s: %+v", r.Codec, m)
		}
		if m.PDR < 0.75 || m.PDR > 0.85 || m.ETX < 1.45 || m.ETX > 1.7 {
			t.Errorf("%s: PDR %.3f, ETX %.3f at loss 0.2", r.Codec, m.PDR, m.ETX)
		}
	}
	if bam, raw := rep.Runs[0], rep.Runs[1]; bam.ZScored.MSE > 0.05 || raw.ZScored.MSE > 1e-4 || bam.Payload != 8 || raw.Payload != 30 {
		t.Errorf("bam %d B %+v, raw %d B %+v", bam.Payload, bam.ZScored, raw.Payload, raw.ZScored)
	}
	for _, want := range []string{"PDR", "ETX", "time on air, data", "retries", "delivered", "zscored.mse", "position", "bam against sensor12_packed: PDR ", "time on air -45.2 %"} {
		if !strings.Contains(printed, want) {
			t.Errorf("does not print %q", want)
		}
	}
}

func TestWhatTheChannelDoes(t *testing.T) {
	walk := testenv.Repo("testdata", "walk.jsonl")
	manifest := testmodel.Train(t, walk)
	for _, c := range []struct {
		name string
		args []string
		all  bool // whether every window arrives
	}{
		{"nothing", nil, true},
		{"loss", []string{"--loss", "0.3"}, true},
		{"bursts", []string{"--loss", "0.3", "--bursts", "6"}, false},
		{"all of it", []string{"--loss", "0.2", "--duplicates", "0.05", "--reorder", "0.05", "--bit-errors", "0.01"}, true},
		{"a slow UART", []string{"--uart-baud", "9600"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			rep, _ := runLink(t, "sf7", append(c.args, "--bam-manifest", manifest, "--samples", walk)...)
			for _, r := range rep.Runs {
				o := r.Observed
				if o.Offered != 900 || o.Corrupt+o.DeliveredTwice+o.FalselyAcked+o.Unreported > 0 || o.Delivered != r.Metrics.Delivered {
					t.Errorf("%s: %+v", r.Codec, o)
				}
				if c.all && o.Delivered < 899 {
					t.Errorf("%s: %d delivered", r.Codec, o.Delivered)
				}
				if len(c.args) == 0 && r.Metrics.Retries+r.Metrics.Failed > 0 {
					t.Errorf("%s: %d retries", r.Codec, r.Metrics.Retries)
				}
			}
		})
	}
}

func TestNothingArrives(t *testing.T) {
	walk := testenv.Repo("testdata", "walk.jsonl")
	rep, printed := runLink(t, "sf7", "--bam-manifest", testmodel.Train(t, walk), "--samples", walk, "--loss", "1", "--bursts", "2", "--windows", "3")
	if m := rep.Runs[0].Metrics; m.Delivered != 0 || m.Failed != 3 || !strings.Contains(printed, "zscored.mse") {
		t.Errorf("%+v\n%s", m, printed)
	}
}

func TestCarelessUse(t *testing.T) {
	walk := testenv.Repo("testdata", "walk.jsonl")
	spec := func(name string) string { return testenv.Repo("testdata", "runspecs", name+".yaml") }
	manifest := testmodel.Train(t, walk)
	nan := filepath.Join(t.TempDir(), "nan.jsonl")
	if err := os.WriteFile(nan, []byte(`{"ts_ms":1,"lat":NaN}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty.jsonl")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	both := []string{"--tx", spec("tx_sf7"), "--rx", spec("rx_sf7"), "--bam-manifest", manifest}
	for _, c := range []struct {
		name  string
		args  []string
		usage bool
		want  string
	}{
		{"no windows", both, true, "want --samples FILE or --dataset FILE"},
		{"loss of more than all", append(both, "--samples", walk, "--loss", "1.5"), true, "--loss is 1.5, want 0..1"},
		{"a numpy data set", append(both, "--dataset", "out/a.npz"), true, "convert it with examples/samples --dataset out/a.npz --out out/a.jsonl"},
		{"fewer windows than none", append(both, "--samples", walk, "--windows", "-1"), true, "--windows is -1"},
		{"gaps of negative length", append(both, "--samples", walk, "--max-gap-ms", "-5"), true, "--max-gap-ms is -5"},
		{"bursts that cannot be", append(both, "--samples", walk, "--loss", "0.9", "--bursts", "2"), true, "--bursts is 2 with --loss 0.9, want at least 9"},
		{"missing recording", append(both, "--samples", "none.jsonl"), false, "none.jsonl"},
		{"empty recording", append(both, "--samples", empty), false, "empty.jsonl"},
		{"NaN", append(both, "--samples", nan), false, "nan.jsonl:1"},
		{"missing model", append(both[:4:4], "--bam-manifest", "none/bam_manifest.json", "--samples", walk), false,
			"none/bam_manifest.json: not found; train one with examples/train --out-dir none, or give --bam-manifest"},
		{"roles the wrong way round", []string{"--tx", spec("rx_sf7"), "--rx", spec("tx_sf7"), "--samples", walk}, false, "role is rx, want tx"},
		{"ends that differ", []string{"--tx", spec("tx_sf7"), "--rx", spec("rx_sf12"), "--bam-manifest", manifest, "--samples", walk}, false, "the ends differ in phy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			err := run(t.Context(), c.args, &b, &b)
			clitest.Refused(t, c.name, err, c.usage, c.want)
		})
	}
}
