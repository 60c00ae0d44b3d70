package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/examples/cli/clitest"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/radio/udp"
	"github.com/loralink/loralink-go/runspec"
)

// spec writes a RunSpec for the fastest air data rate.
func spec(t *testing.T, dir, role string) string {
	t.Helper()
	path := filepath.Join(dir, role+".yaml")
	text := fmt.Sprintf(`run_id: walk
role: %s
mode: RAW
phy: {profile: e22_62.5k, tx_power_dbm: 22}
window: {dims: 12, W: 1, stride: 1, sample_hz: 1.0}
codec: {id: sensor12_packed, version: "1"}
tx: {guard_ms: 2, ack_timeout_ms: 400, max_retries: 20, max_inflight: 1, max_windows: 20}
logging: {out_dir: %q}
`, role, dir)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// An interrupt ends it in order: table, log, data set.
func TestReceive(t *testing.T) {
	dir := t.TempDir()
	tx, err := endpoint.Open(spec(t, dir, "tx"), runspec.RoleTX, nil)
	if err != nil {
		t.Fatal(err)
	}
	windows, err := (&endpoint.SamplerSettings{Path: testenv.Repo("testdata", "walk.jsonl")}).Windows(tx.Spec())
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := c.LocalAddr().String()
	c.Close()
	r, err := udp.Open(udp.Settings{Local: "127.0.0.1:0", Remote: address})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()

	ctx, interrupt := context.WithCancel(t.Context())
	set := filepath.Join(dir, "set.jsonl")
	var out bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"--runspec", spec(t, dir, "rx"), "--udp-local", address, "--udp-remote", r.LocalAddr(), "--dataset-out", set,
			"--record", testenv.Repo("examples", "records", "phase1.yaml"), "--record-out", filepath.Join(dir, "phase1.yaml")}, &out, io.Discard)
	}()
	if m, err := tx.Send(t.Context(), r, windows, nil); err != nil || m.Acked != 20 {
		t.Errorf("sender: %+v, %v", m, err)
	}
	interrupt()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"receiving sensor12_packed over sf5_bw500000", "windows delivered 20", "ACKs sent 2", "log: " + filepath.Join(dir, "walk_rx.jsonl")} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "phase1.yaml")); err != nil || !strings.Contains(string(b), "rx_ok: 2") || strings.Contains(string(b), " pdr: 0") {
		t.Errorf("record: %v\n%s", err, b)
	}
	if b, err := os.ReadFile(set); err != nil || bytes.Count(b, []byte("\n")) != 20 {
		t.Errorf("data set: %v\n%s", err, b)
	}
}

// Rx says so if frames had the SEQ of another window.
func TestWarnsOfASecondSender(t *testing.T) {
	dir := t.TempDir()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := c.LocalAddr().String()
	c.Close()
	r, err := udp.Open(udp.Settings{Local: "127.0.0.1:0", Remote: address})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, interrupt := context.WithCancel(t.Context())
	var errs bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"--runspec", spec(t, dir, "rx"), "--udp-local", address, "--udp-remote", r.LocalAddr()}, io.Discard, &errs)
	}()
	for sender := range 2 {
		payload := make([]byte, 30) // of sensor12_packed
		payload[0] = byte(sender)
		frame, err := radio.AppendFrame(nil, 7, payload)
		if err != nil {
			t.Fatal(err)
		}
		for acked := false; !acked; { // rx may not listen yet
			if err := r.Send(t.Context(), frame); err != nil {
				t.Fatal(err)
			}
			wait, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			got, err := r.Receive(wait)
			cancel()
			acked = err == nil && len(got.Frame) == radio.AckFrameLen
		}
	}
	interrupt()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(errs.String(), "warning: 1 frames had the SEQ of another window") {
		t.Errorf("wrote %q", errs.String())
	}
}

func TestCarelessUse(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name  string
		args  []string
		usage bool
		want  string
	}{
		{"no such flag", []string{"--sampler", "simulate"}, true, "sampler"},
		{"no port", []string{"--radio", "uart"}, true, "uart-port is missing"},
		{"a numpy data set", []string{"--dataset-out", "x.npz"}, true, "--dataset-out is x.npz, the name of a numpy file"},
		{"a negative time", []string{"--max-seconds", "-1"}, true, "--max-seconds is -1"},
		{"the other role's RunSpec", []string{"--runspec", spec(t, dir, "tx")}, false, "role is tx, want rx"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := run(t.Context(), c.args, io.Discard, io.Discard)
			clitest.Refused(t, c.name, err, c.usage, c.want)
		})
	}
}
