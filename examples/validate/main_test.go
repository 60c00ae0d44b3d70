package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/examples/cli/clitest"
)

func TestValidate(t *testing.T) {
	log := filepath.Join(t.TempDir(), "walk_tx.jsonl")
	if err := os.WriteFile(log, []byte(`{"ts_ms":1,"run_id":"walk","event":"tx_sent","role":"tx","window_id":1}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--log", log}, &out, io.Discard); err != nil || !strings.Contains(out.String(), `"warnings": [`) {
		t.Fatalf("%v\n%s", err, out.String())
	}
	out.Reset()
	report := filepath.Join(t.TempDir(), "report.json")
	err := run(t.Context(), []string{"--log", log, "--strict", "--out", report}, &out, io.Discard)
	clitest.Refused(t, "strict", err, false, "0 errors, 2 warnings")
	if !strings.Contains(out.String(), "warning: walk: tx: no run_start") {
		t.Errorf("no table:\n%s", out.String())
	}
	if b, err := os.ReadFile(report); err != nil || !bytes.Contains(b, []byte(`"roles"`)) {
		t.Errorf("%v\n%s", err, b)
	}
	clitest.Refused(t, "no log", run(t.Context(), nil, io.Discard, io.Discard), true, "--log is missing")
}
