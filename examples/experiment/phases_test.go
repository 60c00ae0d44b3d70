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
)

// The two simulations of the reference, one after the other.
func TestPhases(t *testing.T) {
	dir := t.TempDir()
	spec := func(codec string) string {
		return `{"run_id":"a","role":"tx","mode":"RAW","phy":{"sf":7,"bw_hz":125000,"cr":5,"preamble":8,"crc_on":true,"explicit_header":true,"tx_power_dbm":22},
			"window":{"dims":12,"W":1,"stride":1,"sample_hz":1.0},"codec":{"id":"` + codec + `","version":"1"},
			"tx":{"guard_ms":20,"ack_timeout_ms":"auto","max_retries":0,"max_inflight":1},"logging":{"out_dir":"` + filepath.ToSlash(dir) + `"}}`
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{
		"sweep.json": `{"base_runspec":` + spec("raw") + `,"profiles":[{"profile_id":"half","drop_pattern_ab":[false,true],
			"phy":{"sf":7,"bw_hz":125000,"cr":5,"preamble":8,"crc_on":true,"explicit_header":true,"tx_power_dbm":22}}],"step_ms":100}`,
		"raw.json": spec("raw"), "latent.json": spec("zlib"),
	} {
		if err := os.WriteFile(file(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"phase0", "--sweep", file("sweep.json"), "--out", file("c50.json"),
		"--record", testenv.Repo("examples", "records", "phase0.yaml"), "--record-out", file("phase0.yaml")}, &out, io.Discard); err != nil || !strings.Contains(out.String(), "half (selected)") {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if b, err := os.ReadFile(file("phase0.yaml")); err != nil || !strings.Contains(string(b), "phy_id: half\n") {
		t.Errorf("%v\n%s", err, b)
	}
	out.Reset()
	if err := run(t.Context(), []string{"phase1", "--c50", file("c50.json"), "--raw", file("raw.json"), "--latent", file("latent.json")}, &out, io.Discard); err != nil || !strings.Contains(out.String(), `"delta"`) {
		t.Fatalf("%v\n%s", err, out.String())
	}
	clitest.Refused(t, "no sweep", run(t.Context(), []string{"phase0"}, io.Discard, io.Discard), true, "--sweep is missing")
	clitest.Refused(t, "no c50", run(t.Context(), []string{"phase1"}, io.Discard, io.Discard), true, "--c50 is missing")
	clitest.Refused(t, "a RunSpec as c50", run(t.Context(), []string{"phase1", "--c50", file("raw.json"), "--raw", "x", "--latent", "x"}, io.Discard, io.Discard), false, "found no selected profile")
}
