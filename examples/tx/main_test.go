package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/examples/cli/clitest"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/radio/udp"
	"github.com/loralink/loralink-go/runspec"
)

// spec writes a RunSpec for the fastest air data rate.
func spec(t *testing.T, dir, role, more string) string {
	t.Helper()
	path := filepath.Join(dir, role+".yaml")
	text := fmt.Sprintf(`run_id: walk
role: %s
mode: LATENT
phy: {profile: e22_62.5k, tx_power_dbm: 22}
window: {dims: 12, W: 1, stride: 1, sample_hz: 1.0}
codec: {id: sensor12_packed, version: "1"}
tx: {guard_ms: 2, ack_timeout_ms: 400, max_retries: 20, max_inflight: 1%s}
logging: {out_dir: %q}
`, role, more, dir)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// addresses returns two free UDP addresses.
func addresses(t *testing.T) (a, b string) {
	t.Helper()
	var addr [2]string
	for i := range addr {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		addr[i] = c.LocalAddr().String()
	}
	return addr[0], addr[1]
}

// receiver receives over UDP until the test ends.
func receiver(t *testing.T, path, local, remote string) {
	t.Helper()
	rx, err := endpoint.Open(path, runspec.RoleRX, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := udp.Open(udp.Settings{Local: local, Remote: remote})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := rx.Receive(ctx, r, nil)
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("receiver: %v", err)
		}
		r.Close()
	})
}

func TestSend(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string // in the table
	}{
		{"a recording", []string{"--sensor-path", testenv.Repo("testdata", "walk.jsonl")}, "windows 20"},
		{"a simulation, for a while", []string{"--sampler", "simulate", "--seed", "3", "--max-seconds", "0.3"}, "windows 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			a, b := addresses(t)
			receiver(t, spec(t, dir, "rx", ""), b, a)
			var out bytes.Buffer
			args := append(c.args, "--runspec", spec(t, dir, "tx", ", max_windows: 20"), "--udp-local", a, "--udp-remote", b,
				"--record", testenv.Repo("examples", "records", "phase1.yaml"), "--record-out", filepath.Join(dir, "phase1.yaml"))
			if err := run(t.Context(), args, &out, io.Discard); err != nil {
				t.Fatal(err)
			}
			if b, err := os.ReadFile(filepath.Join(dir, "phase1.yaml")); err != nil || !strings.Contains(string(b), "run_id: walk\n") || !strings.Contains(string(b), "payload_bytes: 30\n") {
				t.Errorf("record: %v\n%s", err, b)
			}
			text := strings.Join(strings.Fields(out.String()), " ")
			for _, want := range []string{"sending sensor12_packed over sf5_bw500000", "first window_id 0", c.want, "given up 0", "log: " + filepath.Join(dir, "walk_tx.jsonl")} {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
		})
	}
}

func TestCarelessUse(t *testing.T) {
	dir := t.TempDir()
	tx, rx := spec(t, dir, "tx", ""), spec(t, dir, "rx", "")
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		args  []string
		usage bool
		want  string
	}{
		{"no such flag", []string{"--speed", "9"}, true, "speed"},
		{"radio", []string{"--radio", "wifi"}, true, `"wifi", want udp, uart or mock`},
		{"no port", []string{"--radio", "uart"}, true, "uart-port is missing"},
		{"a flag of the other radio", []string{"--uart-port", "x"}, true, "are for --radio uart"},
		{"sampler", []string{"--sampler", "xml"}, true, `"xml", want jsonl, csv, simulate or dummy`},
		{"fill", []string{"--fill", "guess"}, true, "guess"},
		{"a negative time", []string{"--max-seconds", "-1"}, true, "--max-seconds is -1"},
		{"no RunSpec", []string{"--runspec", filepath.Join(dir, "none.yaml")}, false, "none.yaml"},
		{"the other role's RunSpec", []string{"--runspec", rx}, false, "role is rx, want tx"},
		{"no such recording", []string{"--runspec", tx, "--sensor-path", filepath.Join(dir, "none.jsonl")}, false, "none.jsonl"},
		{"no recording at all", []string{"--runspec", tx, "--sensor-path", file}, false, "file:1: found"},
		{"a network", []string{"--runspec", tx, "--udp-remote", "10.0.0.1:7"}, true, "loopback"},
		{"no such port", []string{"--runspec", tx, "--sampler", "simulate", "--radio", "uart", "--uart-port", filepath.Join(dir, "tty")}, false, "tty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := c.args
			if !slices.Contains(args, "--radio") && !slices.Contains(args, "--udp-remote") {
				a, b := addresses(t)
				args = slices.Concat([]string{"--udp-local", a, "--udp-remote", b}, args)
			}
			err := run(t.Context(), args, io.Discard, io.Discard)
			clitest.Refused(t, c.name, err, c.usage, c.want)
		})
	}
	// Only the recording that is none, found out as it is read, has left a log.
	if files, _ := filepath.Glob(filepath.Join(dir, "walk_*")); len(files) != 2 {
		t.Errorf("left %v, want the log and the state of one run", files)
	}
}
