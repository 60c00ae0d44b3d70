package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/loralink/loralink-go/examples/cli/clitest"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/internal/testmodel"
	"github.com/loralink/loralink-go/radio/sim/study"
)

func TestExperiment(t *testing.T) {
	walk := testenv.Repo("testdata", "walk.jsonl")
	manifest := testmodel.Train(t, walk)
	for _, c := range []struct {
		condition string
		gain      bool // whether shorter frames arrive more often
	}{{"senders", true}, {"airtime", true}, {"loss", false}} {
		t.Run(c.condition, func(t *testing.T) {
			args := []string{"--tx", testenv.Repo("testdata", "runspecs", "tx_sf7.yaml"), "--bam-manifest", manifest, "--samples", walk,
				"--condition", c.condition, "--windows", "2000"}
			runs := map[bool]string{}
			var rep study.StressReport
			for _, again := range []bool{false, true} {
				out := filepath.Join(t.TempDir(), "new", "report.json")
				var stdout bytes.Buffer
				if err := run(t.Context(), append(args, "--out", out), &stdout, &stdout); err != nil {
					t.Fatal(err)
				}
				b, err := os.ReadFile(out)
				if err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(b, &rep); err != nil {
					t.Fatal(err)
				}
				runs[again] = stdout.String() + string(b)
			}
			if runs[false] != runs[true] {
				t.Error("the same seed gave another report")
			}
			raw, cut, latent := rep.Runs[0], rep.Runs[1], rep.Runs[2]
			if raw.Bytes != 30 || cut.Bytes != 8 || latent.Bytes != 8 {
				t.Errorf("payloads of %d, %d and %d bytes", raw.Bytes, cut.Bytes, latent.Bytes)
			}
			if pdr := raw.Metrics.PDR; pdr > 0.5 || pdr < 0.4 {
				t.Errorf("raw PDR %.3f, want about a half", pdr)
			}
			if gain := latent.Metrics.PDR - raw.Metrics.PDR; c.gain && gain < 0.1 || !c.gain && (gain < -0.02 || gain > 0.02) {
				t.Errorf("PDR gains %.3f", gain)
			}
			if latent.Metrics.PDR != cut.Metrics.PDR || latent.Comparison.TimeOnAirReducePct < 40 {
				t.Errorf("latent %+v, truncated %+v", latent.Metrics, cut.Metrics)
			}
			// Two of twelve values survive the cut.
			if raw.ZScored.MSE > 1e-4 || latent.ZScored.MSE > 0.5 || cut.ZScored.MSE < 10*latent.ZScored.MSE {
				t.Errorf("errors: raw %v, truncated %v, latent %v", raw.ZScored.MSE, cut.ZScored.MSE, latent.ZScored.MSE)
			}
		})
	}
}

func TestCarelessUse(t *testing.T) {
	walk := testenv.Repo("testdata", "walk.jsonl")
	for _, c := range []struct {
		name  string
		args  []string
		usage bool
		want  string
	}{
		{"no windows", nil, true, "want --samples FILE or --dataset FILE"},
		{"condition", []string{"--samples", walk, "--condition", "rain"}, true, `"rain", want senders, airtime or loss`},
		{"fewer than none to send", []string{"--samples", walk, "--windows", "-1"}, true, "windows is -1"},
		{"no model", []string{"--samples", walk, "--tx", testenv.Repo("testdata", "runspecs", "tx_sf7.yaml"), "--bam-manifest", "none.json"}, false, "none.json"},
		{"a receiver", []string{"--samples", walk, "--tx", testenv.Repo("testdata", "runspecs", "rx_sf7.yaml")}, false, "role is rx, want tx"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			err := run(t.Context(), c.args, &b, &b)
			clitest.Refused(t, c.name, err, c.usage, c.want)
		})
	}
}
