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

func TestPackage(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "walk_tx.jsonl")
	if err := os.WriteFile(log, []byte(`{"ts_ms":1,"run_id":"walk","event":"tx_sent","role":"tx","window_id":1}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	args := []string{"--log", log, "--out-dir", filepath.Join(dir, "out"), "--zip", "--extra", dir + "/walk_tx.jsonl"}
	if err := run(t.Context(), args, &out, io.Discard); err != nil || !strings.Contains(out.String(), "walk: 2 files") || !strings.Contains(out.String(), "walk.zip") {
		t.Fatalf("%v\n%s", err, out.String())
	}
	clitest.Refused(t, "a second time", run(t.Context(), args, io.Discard, io.Discard), false, "--overwrite")
	clitest.Refused(t, "no log", run(t.Context(), []string{"--out-dir", dir}, io.Discard, io.Discard), true, "--log is missing")
	clitest.Refused(t, "no folder", run(t.Context(), []string{"--log", log}, io.Discard, io.Discard), true, "--out-dir is missing")
}
