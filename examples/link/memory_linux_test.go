package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// asProgram, in the environment, makes the test binary the program, which prints its peak
// memory in KiB at the end.
const asProgram = "LINK_TEST_PROGRAM"

// full, in the environment, runs tests at the size that documents promise.
const full = "LORALINK_FULL"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	if err := run(context.Background(), os.Args[1:], io.Discard, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for line := range strings.Lines(string(status)) {
		if peak, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			fmt.Println(strings.Fields(peak)[0])
		}
	}
	os.Exit(0)
}

const streamSpec = `
run_id: demo
role: ROLE
mode: LATENT
phy: {sf: 7, bw_hz: 125000, cr: 5, preamble: 8, crc_on: true, explicit_header: true, tx_power_dbm: 14}
window: {dims: 3, W: 1, sample_hz: 1}
codec: {id: raw, version: "1"}
tx: {guard_ms: 20, ack_timeout_ms: auto, max_retries: 8}
logging: {out_dir: out}
`

// peakMiB returns the peak memory of link over that many windows.
func peakMiB(t *testing.T, windows int) float64 {
	t.Helper()
	dir := t.TempDir()
	args := []string{"--dataset", filepath.Join(dir, "set.jsonl"), "--loss", "0.2"}
	for _, role := range []string{"tx", "rx"} {
		path := filepath.Join(dir, role+".yaml")
		if err := os.WriteFile(path, []byte(strings.Replace(streamSpec, "ROLE", role, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--"+role, path)
	}
	f, err := os.Create(args[1])
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(f)
	for i := range windows {
		fmt.Fprintf(out, `{"ts_ms":%d,"run_id":"demo","window_id":%d,"order":["ax","ay","az"],"window":[%d,0.25,-0.5]}`+"\n", 1000*i, i, i%100-50)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	kib, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return float64(kib) / 1024
}

// Memory does not grow with the number of windows.
func TestLinkStreams(t *testing.T) {
	few, many := 20_000, 200_000
	if os.Getenv(full) != "" {
		many = 2_000_000
	}
	a, b := peakMiB(t, few), peakMiB(t, many)
	t.Logf("%d windows: %.0f MiB; %d windows: %.0f MiB", few, a, many, b)
	if b > a+8 || b > 150 {
		t.Errorf("%d windows take %.0f MiB, %d take %.0f", few, a, many, b)
	}
}
