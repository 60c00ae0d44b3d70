package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/examples/cli/clitest"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/internal/testmodel"
)

func TestRecord(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	log := file("walk_tx.jsonl", `{"ts_ms":1700000000000,"run_id":"walk","event":"tx_sent","role":"tx","mode":"RAW","phy_id":"sf7","window_id":1,"attempt":1,"payload_bytes":30}`+"\n")
	phase3 := file("phase3.json", `{"raw":{"sent_count":1},"short":{"sent_count":2}}`)
	phase0 := file("phase0.json", `{"selected":{"profile_id":"p","phy":{"sf":9},"metrics":{"sent_count":4,"pdr":0.5}},"results":[]}`)
	eval := file("eval.json", `{"overall":{"mae":0.5,"mse":0.25}}`)
	manifest := testmodel.Train(t, testenv.Repo("testdata", "walk.jsonl"))
	for _, c := range []struct{ template, args, want, left string }{
		{"phase0.yaml", "--phase0 " + phase0, "pdr: 0.5\n", "environment.distance_m"},
		{"phase1.yaml", "--tx " + log + " --dataset out/sent.jsonl", "dataset_raw: out/sent.jsonl\n", "results.rx_ok"},
		{"phase2.yaml", "--model " + filepath.Dir(manifest) + " --dataset out/a.jsonl --eval " + eval, "mae: 0.5 ", "results.notes"},
		{"phase2.yaml", "--model " + manifest, "  type: ", "dataset.path"},
		{"phase3.yaml", "--phase3 " + phase3 + " --baseline raw", "  - run_id: short\n", "variants.0.notes"},
		{"phase4.yaml", "--tx " + log, "  - run_id: walk\n", "runs.0.avg_power_w"},
		{"uart.yaml", "", "record_id: uart_2", "uart.tx_port"},
	} {
		out := filepath.Join(t.TempDir(), "new", c.template)
		var stdout bytes.Buffer
		args := append([]string{"--template", testenv.Repo("examples", "records", c.template), "--out", out}, strings.Fields(c.args)...)
		if err := run(t.Context(), args, &stdout, io.Discard); err != nil {
			t.Errorf("%s: %v", c.template, err)
			continue
		}
		if b, err := os.ReadFile(out); err != nil || !strings.Contains(string(b), c.want) {
			t.Errorf("%s: %v, no %q in\n%s", c.template, err, c.want, b)
		}
		if !strings.Contains(stdout.String(), "  "+c.left+"\n") {
			t.Errorf("%s: %s is not left in\n%s", c.template, c.left, stdout.String())
		}
		clitest.Refused(t, "a second time", run(t.Context(), args, io.Discard, io.Discard), false, "--force")
	}
}

func TestCarelessUse(t *testing.T) {
	template := testenv.Repo("examples", "records", "phase1.yaml")
	for _, c := range []struct {
		args  string
		usage bool
		want  string
	}{
		{"", true, "--template is missing"},
		{template, true, "--out is missing"},
		{template + " --out x --eval y", true, "--eval needs --model"},
		{template + " --out x --phase3 y", true, "want --phase3 and --baseline together"},
		{template + " --out x --power y", true, "--power needs --tx or --rx"},
		{testenv.Repo("testdata", "runspecs", "tx_sf7.yaml") + " --out x --tx y", false, "tx_sf7"},
		{template + " --out x --model none", false, "none"},
	} {
		clitest.Refused(t, c.args, run(t.Context(), strings.Fields(c.args), io.Discard, io.Discard), c.usage, c.want)
	}
}
