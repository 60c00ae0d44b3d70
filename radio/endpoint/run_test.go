package endpoint_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/e22/e22test"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/runspec"
)

// asTX, in the environment, makes this test a program that sends, for tests that
// kill it.
const asTX = "ENDPOINT_TEST_SENDS"

func TestMain(m *testing.M) {
	if os.Getenv(asTX) != "" {
		if err := sendAsProgram(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// sendAsProgram prints a line once it sends.
func sendAsProgram(args []string) error {
	fs := flag.NewFlagSet("send", flag.ContinueOnError)
	var air endpoint.RadioSettings
	var sampler endpoint.SamplerSettings
	air.RegisterFlags(fs)
	sampler.RegisterFlags(fs)
	spec := fs.String("runspec", "", "")
	settings := endpoint.SendSettings{OnStart: func(byte, int64) { fmt.Println("sending") }}
	fs.StringVar(&settings.Dataset, "dataset-out", "", "")
	if err := fs.Parse(args); err != nil {
		return err
	}
	_, err := send(context.Background(), *spec, &air, &sampler, &settings)
	return err
}

// send runs the sender of a RunSpec in a file.
func send(ctx context.Context, spec string, air *endpoint.RadioSettings, sampler *endpoint.SamplerSettings, settings *endpoint.SendSettings) (runlog.Metrics, error) {
	e, err := endpoint.Open(spec, runspec.RoleTX, nil)
	if err != nil {
		return runlog.Metrics{}, err
	}
	windows, err := sampler.Windows(e.Spec())
	if err != nil {
		return runlog.Metrics{}, err
	}
	r, err := air.Open(ctx, nil)
	if err != nil {
		return runlog.Metrics{}, err
	}
	defer r.Close()
	return e.Send(ctx, r, windows, settings)
}

// receive runs the receiver of a RunSpec in a file.
func receive(ctx context.Context, spec string, air *endpoint.RadioSettings, settings *endpoint.ReceiveSettings) (runlog.Metrics, error) {
	e, err := endpoint.Open(spec, runspec.RoleRX, nil)
	if err != nil {
		return runlog.Metrics{}, err
	}
	r, err := air.Open(ctx, nil)
	if err != nil {
		return runlog.Metrics{}, err
	}
	defer r.Close()
	return e.Receive(ctx, r, settings)
}

// spec writes a RunSpec for the fastest air data rate. The wait for an ACK is
// long: on a busy machine a process may have to wait for its turn.
func spec(t testing.TB, dir, role, more string) string {
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

// ports returns two ends that hear each other over UDP.
func ports(t *testing.T) (tx, rx *endpoint.RadioSettings) {
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
	tx, rx = &endpoint.RadioSettings{}, &endpoint.RadioSettings{Role: runspec.RoleRX}
	tx.UDP.Local, tx.UDP.Remote, tx.UDP.Seed = addr[0], addr[1], 1
	rx.UDP.Local, rx.UDP.Remote = addr[1], addr[0]
	return tx, rx
}

// metrics are those that the two ends returned.
type metrics struct{ tx, rx runlog.Metrics }

// both runs the two ends until the sender is done.
func both(t *testing.T, txSpec, rxSpec string, txAir, rxAir *endpoint.RadioSettings, sampler *endpoint.SamplerSettings, sent, rebuilt string) metrics {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var m metrics
	var wg sync.WaitGroup
	wg.Go(func() {
		delivered := 0
		var err error
		m.rx, err = receive(ctx, rxSpec, rxAir, &endpoint.ReceiveSettings{Dataset: rebuilt, Progress: func(done, _ int) { delivered = done }})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("rx: %v", err)
		}
		if delivered != m.rx.Delivered {
			t.Errorf("heard of %d deliveries, %d were logged", delivered, m.rx.Delivered)
		}
	})
	acked := 0
	var err error
	m.tx, err = send(t.Context(), txSpec, txAir, sampler, &endpoint.SendSettings{Dataset: sent, Progress: func(done, _ int) { acked = done }})
	if err != nil {
		t.Errorf("tx: %v", err)
	}
	if acked != m.tx.Acked {
		t.Errorf("heard of %d windows acknowledged, %d were logged", acked, m.tx.Acked)
	}
	stop()
	wg.Wait()
	return m
}

// logged returns the events of a log.
func logged(t *testing.T, path string) []link.Event {
	t.Helper()
	var all []link.Event
	for e, err := range runlog.OpenEntries(path) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Event)
	}
	return all
}

// checkTransfer checks that n windows were transferred once, byte for byte.
func checkTransfer(t *testing.T, dir string, n int, m metrics) {
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
	// The logs give the metrics that the ends returned.
	if !reflect.DeepEqual(m.tx, tx.Metrics()) {
		t.Errorf("tx returned\n%+v\nits log gives\n%+v", m.tx, tx.Metrics())
	}
	if !reflect.DeepEqual(m.rx, rx.Metrics()) {
		t.Errorf("rx returned\n%+v\nits log gives\n%+v", m.rx, rx.Metrics())
	}
}

const windows = 500

func recording() *endpoint.SamplerSettings {
	return &endpoint.SamplerSettings{Path: testenv.Repo("testdata", "walk.jsonl")}
}

func TestOverUDP(t *testing.T) {
	for _, c := range []struct {
		name string
		path string // "": the field recording
		loss float64
	}{
		{"the simulated walk", testenv.Repo("testdata", "walk.jsonl"), 0},
		{"the simulated walk, with losses", testenv.Repo("testdata", "walk.jsonl"), 0.01},
		{"a field recording", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.path == "" {
				c.path = testenv.Shared(t, "field", "walk.jsonl")
			}
			dir := t.TempDir()
			txAir, rxAir := ports(t)
			txAir.UDP.Loss = c.loss
			sentPath, rebuiltPath := filepath.Join(dir, "sent.jsonl"), filepath.Join(dir, "rebuilt.jsonl")
			m := both(t, spec(t, dir, "tx", fmt.Sprintf(", max_windows: %d", windows)), spec(t, dir, "rx", ""), txAir, rxAir,
				&endpoint.SamplerSettings{Path: c.path}, sentPath, rebuiltPath)
			checkTransfer(t, dir, windows, m)
			sent, rebuilt := read(t, sentPath), read(t, rebuiltPath)
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
			if w := rebuilt[0]; w.RunID != "walk" || len(w.Order) != 12 || w.Units["ax"] != "m/s^2" {
				t.Errorf("the receiver's data set has %+v", w)
			}
		})
	}
}

// predictiveSpec is spec for codec predictive, with windows of four samples.
func predictiveSpec(t *testing.T, dir, role, params, more string) string {
	t.Helper()
	path := spec(t, dir, role, more)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("W: 1, stride: 1"), []byte("W: 4, stride: 4"), 1)
	text = bytes.Replace(text, []byte("id: sensor12_packed, version: \"1\""), []byte("id: predictive, version: \"1\", params: {"+params+"}"), 1)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// A codec that remembers, over losses. The errors are within the tolerances, or the
// bounds in the log.
func TestPredictiveOverUDP(t *testing.T) {
	const n = 100
	for name, params := range map[string]string{"tolerances": "", "limited": "payload_bytes: 16", "small": "profile: small"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			txAir, rxAir := ports(t)
			txAir.UDP.Loss = 0.02
			sentPath, rebuiltPath := filepath.Join(dir, "sent.jsonl"), filepath.Join(dir, "rebuilt.jsonl")
			m := both(t, predictiveSpec(t, dir, "tx", params, fmt.Sprintf(", max_windows: %d", n)), predictiveSpec(t, dir, "rx", params, ""), txAir, rxAir,
				recording(), sentPath, rebuiltPath)
			checkTransfer(t, dir, n, m)
			var bounds [][]float64
			for _, e := range logged(t, filepath.Join(dir, "walk_rx.jsonl")) {
				if e.Kind == link.EventReconDone {
					bounds = append(bounds, e.Bounds)
				}
			}
			sent, rebuilt := read(t, sentPath), read(t, rebuiltPath)
			if len(sent) != n || len(rebuilt) != n || len(bounds) != n {
				t.Fatalf("%d windows sent, %d rebuilt, %d logged, want %d", len(sent), len(rebuilt), len(bounds), n)
			}
			schema := sensor.Motion()
			for i := range sent {
				limits := bounds[i]
				if (limits != nil) != (name == "limited") {
					t.Fatalf("window %d: bounds %v in the log", i, limits)
				}
				if limits == nil {
					limits = schema.Tolerances()
				}
				for j, x := range sent[i].Values {
					if d := math.Abs(sensor.Difference(x, rebuilt[i].Values[j], schema[j%12].Angle)); !(d <= limits[j%12]) {
						t.Fatalf("window %d, value %d: sent %v, rebuilt %v, want within %v", i, j, x, rebuilt[i].Values[j], limits[j%12])
					}
				}
			}
			if m.tx.PayloadMean > 16 {
				t.Errorf("%g bytes on average, want at most 16", m.tx.PayloadMean)
			}
		})
	}
}

// Without ACKs, the sender is done when it has sent every window once.
func TestPredictiveOneWay(t *testing.T) {
	dir := t.TempDir()
	txAir, rxAir := ports(t)
	m := both(t, predictiveSpec(t, dir, "tx", "key_every: 8", ", max_windows: 50"), predictiveSpec(t, dir, "rx", "key_every: 8", ""), txAir, rxAir, recording(), "", "")
	if m.tx.Sent != 50 || m.tx.Failed != 0 || m.tx.Acked != 0 || m.rx.AcksSent != 0 {
		t.Errorf("sent %+v, received %+v, want 50 windows once and no ACKs", m.tx, m.rx)
	}
	if m.rx.Delivered < 25 { // a busy machine may lose datagrams
		t.Errorf("%d windows were delivered, want 50", m.rx.Delivered)
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

// uart is a radio on a module at 115200 baud.
func uart(port string, rssi bool) *endpoint.RadioSettings {
	return &endpoint.RadioSettings{Kind: endpoint.RadioUART, Port: port, UART: e22.Settings{BaudRate: 115200, RSSIByte: rssi}}
}

func TestOverModules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	air := e22test.NewMedium(e22test.MediumSettings{})
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
	m := both(t, spec(t, dir, "tx", fmt.Sprintf(", max_windows: %d", windows)), spec(t, dir, "rx", ""),
		uart(port[0], true), uart(port[1], true), recording(), "", "")
	checkTransfer(t, dir, windows, m)
	// On a busy machine a module may get two frames at once, and send them as one
	// packet with one RSSI byte: the first then seems to have the second's length
	// for its RSSI.
	wrong := 0
	for _, e := range logged(t, filepath.Join(dir, "walk_rx.jsonl")) {
		if e.Kind == link.EventRxOK && e.RSSIdBm != -60 {
			wrong++
			t.Logf("received at %d dBm (%v), want -60", e.RSSIdBm, e.HasRSSI)
		}
	}
	if wrong > windows/100 {
		t.Errorf("%d frames of %d were not received at -60 dBm", wrong, windows)
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
	m := both(t, spec(t, dir, "tx", fmt.Sprintf(", max_windows: %d", windows)), spec(t, dir, "rx", ""),
		uart(a, false), uart(b, false), recording(), "", "")
	checkTransfer(t, dir, windows, m)
}

// The sender is killed again and again, wherever it stands. What it leaves
// opens again, no window_id comes twice, and the receiver takes no window of a
// new run for a repetition of an old one.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	txAir, rxAir := ports(t)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := receive(ctx, spec(t, dir, "rx", ""), rxAir, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("rx: %v", err)
		}
	})
	set, txSpec := filepath.Join(dir, "sent.jsonl"), spec(t, dir, "tx", "")
	sampler := recording()
	sampler.Loop = true
	args := []string{"--udp-local", txAir.UDP.Local, "--udp-remote", txAir.UDP.Remote, "--runspec", txSpec,
		"--sensor-path", sampler.Path, "--sensor-loop", "--dataset-out", set}
	const kills = 10
	for i := range kills {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), asTX+"=1")
		cmd.Stderr = os.Stderr
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
	// A last run that ends in order repairs what the last kill left.
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := send(short, txSpec, txAir, sampler, &endpoint.SendSettings{Dataset: set}); !errors.Is(err, context.DeadlineExceeded) {
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
