package station

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/e22/e22test"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
)

// As a program of its own, for tests that kill it.
const asTX = "STATION_TEST_RUNS_TX"

func TestMain(m *testing.M) {
	if os.Getenv(asTX) != "" {
		cli.Main("tx", TX)
	}
	goleak.VerifyTestMain(m)
}

// spec writes a RunSpec for the fastest air there is. The wait for an ACK is
// long: on a busy machine a process may have to wait for its turn.
func spec(t *testing.T, dir, role, more string) string {
	t.Helper()
	ackTimeoutMs := 400
	if t.Name() == "TestKilled" { // where no repetition is to come
		ackTimeoutMs = 4000
	}
	path := filepath.Join(dir, role+".yaml")
	text := fmt.Sprintf(`run_id: walk
role: %s
mode: LATENT
phy: {profile: e22_62.5k, tx_power_dbm: 22}
window: {dims: 12, W: 1, stride: 1, sample_hz: 1.0}
codec: {id: sensor12_packed, version: "1"}
tx: {guard_ms: 2, ack_timeout_ms: %d, max_retries: 20, max_inflight: 1%s}
logging: {out_dir: %q}
`, role, ackTimeoutMs, more, dir)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// ports returns the flags of two ends that hear each other over UDP.
func ports(t *testing.T) (tx, rx []string) {
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
	return []string{"--udp-local", addr[0], "--udp-remote", addr[1]}, []string{"--udp-local", addr[1], "--udp-remote", addr[0]}
}

// both runs the two programs until the sender is done, and returns what they
// printed.
func both(t *testing.T, tx, rx []string) (txOut, rxOut string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var out [2]bytes.Buffer
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := RX(ctx, rx, &out[1], io.Discard); err != nil {
			t.Errorf("rx: %v", err)
		}
	})
	if err := TX(t.Context(), tx, &out[0], io.Discard); err != nil {
		t.Errorf("tx: %v", err)
	}
	stop()
	wg.Wait()
	return out[0].String(), out[1].String()
}

// logged returns the events of a log.
func logged(t *testing.T, path string) []link.Event {
	t.Helper()
	var all []link.Event
	for e, err := range runlog.OpenEntries(path) {
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, e.Event)
	}
	return all
}

// checkTransfer checks that n windows went over once, byte for byte.
func checkTransfer(t *testing.T, dir string, n int, txOut, rxOut string) {
	t.Helper()
	var sent, delivered [][]byte
	var tx, rx runlog.Meter
	for _, e := range logged(t, filepath.Join(dir, "walk_tx.jsonl")) {
		tx.Add(link.RoleTX, e)
		if e.Kind == link.EventTxSent && e.Attempt == 1 {
			sent = append(sent, e.Payload)
		}
	}
	for _, e := range logged(t, filepath.Join(dir, "walk_rx.jsonl")) {
		rx.Add(link.RoleRX, e)
		switch {
		case e.Kind == link.EventRxOK && !e.Duplicate:
			delivered = append(delivered, e.Payload)
		case e.Kind == link.EventReconFailed:
			// On a busy machine a terminal can hold a frame's end back for longer
			// than the silence that ends a burst. The codec refuses what comes of it.
			delivered = delivered[:len(delivered)-1]
		}
	}
	for i := range min(len(sent), len(delivered)) {
		if !bytes.Equal(sent[i], delivered[i]) {
			t.Errorf("window %d sent as %x, delivered as %x", i, sent[i], delivered[i])
			break
		}
	}
	if len(sent) != n || len(delivered) != n {
		t.Fatalf("%d windows sent, %d delivered, want %d", len(sent), len(delivered), n)
	}
	// The logs give the numbers that the programs printed.
	for _, c := range []struct {
		printed string
		print   func(io.Writer, runlog.Metrics)
		m       runlog.Metrics
	}{{txOut, PrintTX, tx.Metrics()}, {rxOut, PrintRX, rx.Metrics()}} {
		var b bytes.Buffer
		c.print(&b, c.m)
		if !strings.Contains(c.printed, b.String()) {
			t.Errorf("from the log:\n%sprinted:\n%s", b.String(), c.printed)
		}
	}
}

const windows = 500

func recording() []string { return []string{"--sensor-path", testenv.Repo("testdata", "walk.jsonl")} }

func TestOverUDP(t *testing.T) {
	for _, c := range []struct {
		name string
		path string
		loss string
	}{
		{"the simulated walk", testenv.Repo("testdata", "walk.jsonl"), "0"},
		{"the simulated walk, with losses", testenv.Repo("testdata", "walk.jsonl"), "0.01"},
		{"a field recording", "", "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.path == "" {
				c.path = testenv.Shared(t, "field", "walk.jsonl")
			}
			dir := t.TempDir()
			txFlags, rxFlags := ports(t)
			set := filepath.Join(dir, "sent.jsonl")
			txOut, rxOut := both(t,
				slices.Concat(txFlags, []string{"--runspec", spec(t, dir, "tx", fmt.Sprintf(", max_windows: %d", windows)), "--sensor-path", c.path,
					"--dataset-out", set, "--udp-loss", c.loss}),
				slices.Concat(rxFlags, []string{"--runspec", spec(t, dir, "rx", ""), "--dataset-out", filepath.Join(dir, "rebuilt.jsonl")}))
			checkTransfer(t, dir, windows, txOut, rxOut)
			sent, rebuilt := read(t, set), read(t, filepath.Join(dir, "rebuilt.jsonl"))
			if len(sent) != windows || len(rebuilt) != windows {
				t.Fatalf("%d windows in the sender's data set, %d in the receiver's", len(sent), len(rebuilt))
			}
			for i := range sent {
				for j, x := range sent[i].Values {
					if d := x - rebuilt[i].Values[j]; d > 0.1 || d < -0.1 {
						t.Fatalf("window %d, value %d: sent %v, rebuilt %v", i, j, x, rebuilt[i].Values[j])
					}
				}
			}
		})
	}
}

func read(t *testing.T, path string) []dataset.Window {
	t.Helper()
	var all []dataset.Window
	for w, err := range dataset.OpenWindows(path, dataset.WindowSettings{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	return all
}

// uartFlags are for a module at 115200 baud.
func uartFlags(port string) []string {
	return []string{"--radio", "uart", "--uart-port", port, "--uart-baud", "115200"}
}

func TestOverModules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	air := e22test.NewAir(e22test.AirSettings{})
	settings := e22.FactoryRegisters()
	settings.BaudRate, settings.AirDataRate, settings.RSSIByte = 115200, 62500, true
	var port [2]string
	for i := range port {
		m, err := e22test.NewModule(air, settings)
		if err != nil {
			t.Fatal(err)
		}
		port[i] = filepath.Join(dir, fmt.Sprintf("tty%d", i))
		stop, err := m.ServePTY(port[i])
		if err != nil {
			t.Skip(err)
		}
		t.Cleanup(stop)
	}
	txOut, rxOut := both(t,
		slices.Concat(uartFlags(port[0]), recording(), []string{"--uart-rssi-byte", "--runspec", spec(t, dir, "tx", fmt.Sprintf(", max_windows: %d", windows))}),
		slices.Concat(uartFlags(port[1]), []string{"--uart-rssi-byte", "--runspec", spec(t, dir, "rx", "")}))
	checkTransfer(t, dir, windows, txOut, rxOut)
	for _, e := range logged(t, filepath.Join(dir, "walk_rx.jsonl")) {
		if e.Kind == link.EventRxOK && e.RSSIdBm != -60 {
			t.Fatalf("received at %d dBm (%v), want -60", e.RSSIdBm, e.HasRSSI)
		}
	}
}

func TestOverSocat(t *testing.T) {
	t.Parallel()
	socat, err := exec.LookPath("socat")
	if err != nil {
		t.Skip("socat is not installed")
	}
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	cmd := exec.Command(socat, "pty,raw,echo=0,link="+a, "pty,raw,echo=0,link="+b)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	for _, path := range []string{a, b} {
		for {
			if _, err := os.Stat(path); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	txOut, rxOut := both(t,
		slices.Concat(uartFlags(a), recording(), []string{"--runspec", spec(t, dir, "tx", fmt.Sprintf(", max_windows: %d", windows))}),
		slices.Concat(uartFlags(b), []string{"--runspec", spec(t, dir, "rx", "")}))
	checkTransfer(t, dir, windows, txOut, rxOut)
}

// The sender is killed again and again, wherever it stands. What it leaves
// opens again, no window_id comes twice, and the receiver takes no window of a
// new run for a repetition of an old one.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	txFlags, rxFlags := ports(t)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := RX(ctx, slices.Concat(rxFlags, []string{"--runspec", spec(t, dir, "rx", "")}), io.Discard, io.Discard); err != nil {
			t.Errorf("rx: %v", err)
		}
	})
	set := filepath.Join(dir, "sent.jsonl")
	args := slices.Concat(txFlags, []string{"--runspec", spec(t, dir, "tx", ""), "--sensor-path", testenv.Repo("testdata", "walk.jsonl"),
		"--sensor-loop", "--dataset-out", set})
	const kills = 10
	for i := range kills {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), asTX+"=1")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// It sends by the time it says so; then at whatever moment.
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(100+37*i) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
	}
	// A last run that ends in order mends what the last kill left.
	if err := TX(t.Context(), slices.Concat(args, []string{"--max-seconds", "0.2"}), io.Discard, io.Discard); err != nil {
		t.Error(err)
	}
	stop()
	wg.Wait()

	last, ids := int64(-1), map[int64]bool{}
	for _, w := range read(t, set) {
		if w.ID <= last {
			t.Fatalf("window_id %d after %d", w.ID, last)
		}
		last, ids[w.ID] = w.ID, true
	}
	starts, firsts := 0, map[int64]int{}
	var acked int
	for _, e := range logged(t, filepath.Join(dir, "walk_tx.jsonl")) {
		switch e.Kind {
		case runlog.EventRunStart:
			starts++
		case link.EventTxSent:
			if e.Attempt == 1 {
				if firsts[e.WindowID]++; firsts[e.WindowID] > 1 {
					t.Errorf("window_id %d sent anew", e.WindowID)
				}
				if !ids[e.WindowID] {
					t.Errorf("window_id %d was sent and is not in the data set", e.WindowID)
				}
			}
		case link.EventAckReceived:
			acked++
		}
	}
	if starts != kills+1 {
		t.Errorf("%d runs started, want %d", starts, kills+1)
	}
	var delivered int
	for _, e := range logged(t, filepath.Join(dir, "walk_rx.jsonl")) {
		if e.Kind == link.EventRxOK {
			if e.Duplicate {
				t.Errorf("SEQ %d taken for a repetition", e.Seq)
			} else {
				delivered++
			}
		}
	}
	// Nothing is lost on this air: only what was on it when its sender died.
	if delivered < acked || delivered > len(firsts) || acked < len(firsts)-kills-1 {
		t.Errorf("%d sent, %d delivered, %d acknowledged", len(firsts), delivered, acked)
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
		{"radio", []string{"--radio", "wifi"}, true, `"wifi", want udp or uart`},
		{"no port", []string{"--radio", "uart"}, true, "--uart-port is missing"},
		{"a flag of the other radio", []string{"--uart-port", "x"}, true, "--uart-port is for --radio uart"},
		{"sampler", []string{"--sampler", "xml"}, true, `"xml", want jsonl, csv or simulate`},
		{"no RunSpec", []string{"--runspec", filepath.Join(dir, "none.yaml")}, false, "none.yaml"},
		{"the other role's RunSpec", []string{"--runspec", rx}, false, "role: rx, want tx"},
		{"no such recording", []string{"--runspec", tx, "--sensor-path", filepath.Join(dir, "none.jsonl")}, false, "none.jsonl"},
		{"no recording at all", []string{"--runspec", tx, "--sensor-path", file}, false, "file:1: found"},
		{"a network", []string{"--runspec", tx, "--udp-remote", "10.0.0.1:7"}, false, "loopback"},
		{"no such port", []string{"--runspec", tx, "--radio", "uart", "--uart-port", filepath.Join(dir, "tty")}, false, "tty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := c.args
			if !slices.Contains(args, "--radio") && !slices.Contains(args, "--udp-remote") {
				free, _ := ports(t)
				args = slices.Concat(free, args)
			}
			err := TX(t.Context(), args, io.Discard, io.Discard)
			var usage *cli.UsageError
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &usage) != c.usage {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	// Only the recording that is none, found out as it is read, has left a log.
	if files, _ := filepath.Glob(filepath.Join(dir, "walk_*")); len(files) != 2 {
		t.Errorf("left %v, want the log and the state of one run", files)
	}
}
