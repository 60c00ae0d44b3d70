package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/motion"
	"github.com/loralink/loralink-go/dataset/numpy"
	"github.com/loralink/loralink-go/examples/cli/clitest"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/internal/testmodel"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/runlog/runreport"
	"github.com/loralink/loralink-go/radio/sim"
	"github.com/loralink/loralink-go/runspec"
)

// simulate writes the logs of a run of n windows over a simulated channel, and
// the data set, and returns the sums that the two programs would have printed.
func simulate(t *testing.T, dir string, n int, loss float64) (tx, rx runlog.Metrics) {
	t.Helper()
	spec, err := runspec.Load(testenv.Repo("testdata", "runspecs", "tx_sf7.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	sensor12, err := codec.NewSensor12(1, codec.Sensor12Scales{})
	if err != nil {
		t.Fatal(err)
	}
	timing := link.Timing{PHY: spec.PHY.Radio(), Guard: 20 * time.Millisecond, MaxRetries: 2}
	sender, err := link.NewSender(link.SenderSettings{Timing: timing, Codec: sensor12, FirstSeq: 77})
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := link.NewReceiver(link.ReceiverSettings{Timing: timing, Codec: sensor12})
	if err != nil {
		t.Fatal(err)
	}
	var windows []dataset.Window
	for w, err := range dataset.Windows(motion.Samples(1, 1, n), dataset.WindowerSettings{W: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		windows = append(windows, w)
	}
	if _, err := dataset.WriteFile(filepath.Join(dir, "dataset.jsonl"), func(yield func(dataset.Window, error) bool) {
		for _, w := range windows {
			if !yield(w, nil) {
				return
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	logs, meters := map[link.Role]*runlog.Writer{}, map[link.Role]*runlog.Meter{}
	for _, role := range []link.Role{link.RoleTX, link.RoleRX} {
		meters[role] = new(runlog.Meter)
		if logs[role], err = runlog.OpenWriter(dir, runlog.Header{RunID: "sim", Role: role, Mode: "LATENT", PHYID: timing.PHY.ID()}); err != nil {
			t.Fatal(err)
		}
		if err := logs[role].Start(sim.Epoch, runlog.Start{RunSpec: spec}); err != nil {
			t.Fatal(err)
		}
	}
	i := 0
	if _, err := sim.Run(context.Background(), sim.Channel{PHY: timing.PHY, Impairments: sim.Impairments{Loss: loss, Seed: 2}}, 0, sim.Pair{
		Sender: sender, Receiver: receiver,
		Source: func() (link.Outbound, time.Duration, bool) {
			if i == len(windows) {
				return link.Outbound{}, 0, false
			}
			i++
			w := windows[i-1]
			return link.Outbound{ID: w.ID, SensorMs: w.TsMs, Values: w.Values}, 0, true
		},
		OnEvent: func(role link.Role, e link.Event) {
			meters[role].Add(role, e)
			if err := logs[role].Write(e); err != nil {
				t.Error(err)
			}
		},
	}); err != nil {
		t.Fatal(err)
	}
	for _, l := range logs {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return meters[link.RoleTX].Metrics(), meters[link.RoleRX].Metrics()
}

func TestReportAgreesWithThePrograms(t *testing.T) {
	dir := t.TempDir()
	const n = 3000 // SEQ wraps eleven times
	tx, rx := simulate(t, dir, n, 0.3)
	log := func(role string) string { return filepath.Join(dir, "sim_"+role+".jsonl") }
	out, record := filepath.Join(dir, "new", "report.json"), filepath.Join(dir, "run.md")
	power := filepath.Join(dir, "power.csv")
	if err := os.WriteFile(power, []byte("ts_ms,power_mw\n-1000,500\n100000000,500\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	err := run(context.Background(), []string{"--tx", log("tx"), "--rx", log("rx"), "--dataset", filepath.Join(dir, "dataset.jsonl"),
		"--baseline-tx", log("tx"), "--out", out, "--plots", filepath.Join(dir, "plots"), "--power", power,
		"--record", testenv.Repo("examples", "records", "run.md"), "--record-out", record}, &stdout, &stderr)
	if err != nil || stderr.Len() > 0 {
		t.Fatal(err, stderr.String())
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var rep runreport.Report
	if err := json.Unmarshal(b, &rep); err != nil {
		t.Fatal(err)
	}
	m := rep.Run.Metrics
	if got, want := []any{m.Windows, m.Sent, m.Retries, m.Acked, m.Failed, m.ETX, m.TimeOnAirS, m.RTTMs, m.QueueMs, m.EndToEndMs, m.PayloadMean},
		[]any{tx.Windows, tx.Sent, tx.Retries, tx.Acked, tx.Failed, tx.ETX, tx.TimeOnAirS, tx.RTTMs, tx.QueueMs, tx.EndToEndMs, tx.PayloadMean}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("sender: report has %v, the program %v", got, want)
	}
	if got, want := []any{m.RxOK, m.RxRepeated, m.Delivered, m.AcksSent, m.AckTimeOnAirS},
		[]any{rx.RxOK, rx.RxRepeated, rx.Delivered, rx.AcksSent, rx.AckTimeOnAirS}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("receiver: report has %v, the program %v", got, want)
	}
	if m.Failed == 0 || m.Delivered == n {
		t.Errorf("%d failed, %d delivered: the channel was to lose some", m.Failed, m.Delivered)
	}
	// Every delivered window is found, and is as near as sensor12_packed puts it.
	r := rep.Run.Reconstruction
	if r == nil || r.Windows != m.Delivered || r.Unmatched != 0 || r.ZScored.MSE > 1e-4 {
		t.Errorf("reconstruction %+v, want %d windows", r, m.Delivered)
	}
	// The same data set as a numpy file.
	windows := dataset.OpenWindows(filepath.Join(dir, "dataset.jsonl"), dataset.WindowSettings{})
	if _, err := numpy.WriteFile(filepath.Join(dir, "dataset.npz"), windows); err != nil {
		t.Fatal(err)
	}
	if err := run(context.Background(), []string{"--tx", log("tx"), "--rx", log("rx"), "--dataset", filepath.Join(dir, "dataset.npz"), "--out", out}, io.Discard, &stderr); err != nil {
		t.Fatal(err)
	}
	var byNumpy runreport.Report
	if b, err = os.ReadFile(out); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &byNumpy); err != nil {
		t.Fatal(err)
	}
	if got := byNumpy.Run.Reconstruction; got.Overall != r.Overall || got.Windows != r.Windows {
		t.Errorf("by a numpy file %+v, want %+v", got, r)
	}
	// By a model's deviations instead of the data set's.
	model := testmodel.Train(t, testenv.Repo("testdata", "walk.jsonl"))
	if err := run(context.Background(), []string{"--tx", log("tx"), "--rx", log("rx"), "--dataset", filepath.Join(dir, "dataset.jsonl"),
		"--bam-manifest", model, "--out", out}, io.Discard, &stderr); err != nil {
		t.Fatal(err)
	}
	var byModel runreport.Report
	if b, err = os.ReadFile(out); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &byModel); err != nil {
		t.Fatal(err)
	}
	if m := byModel.Run.Reconstruction; r.ZScoredBy != "dataset" || m.ZScoredBy != "model" || m.ZScored == r.ZScored || m.Overall != r.Overall {
		t.Errorf("by the data set %+v, by the model %+v", r, m)
	}
	if e := rep.Run.Energy; e == nil || math.Abs(e.Joules-0.5*m.DurationS) > 1e-6*e.Joules {
		t.Errorf("energy %+v over %v s at 0.5 W", e, m.DurationS)
	}
	for _, plot := range []string{"delivery.png", "latency.png"} {
		if info, err := os.Stat(filepath.Join(dir, "plots", plot)); err != nil || info.Size() < 1000 {
			t.Errorf("%s: %v, %v", plot, info, err)
		}
	}
	text, err := os.ReadFile(record)
	if err != nil || !strings.Contains(string(text), "# Run sim") || !strings.Contains(string(text), "bam 0") ||
		!strings.Contains(string(text), "| people | ________ |") || strings.Contains(string(text), "{{") {
		t.Errorf("record: %v\n%s", err, text)
	}
	if !strings.Contains(stdout.String(), "PDR") {
		t.Error(stdout.String())
	}
}

func TestTornLogIsUsed(t *testing.T) {
	dir := t.TempDir()
	simulate(t, dir, 50, 0)
	path := filepath.Join(dir, "sim_tx.jsonl")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b[:len(b)-20], 0o644); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if err := run(context.Background(), []string{"--tx", path}, &stdout, &stderr); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(stderr.String(), "incomplete") || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("said %q", stderr.String())
	}
}

func TestCarelessUse(t *testing.T) {
	dir := t.TempDir()
	simulate(t, dir, 5, 0)
	tx, rx := filepath.Join(dir, "sim_tx.jsonl"), filepath.Join(dir, "sim_rx.jsonl")
	empty := filepath.Join(dir, "empty")
	noLog := filepath.Join(dir, "hello")
	for path, text := range map[string]string{empty: "", noLog: "hello\n"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		args  []string
		usage bool
		want  string
	}{
		{"nothing", nil, true, "want --tx FILE or --rx FILE"},
		{"missing log", []string{"--tx", filepath.Join(dir, "none")}, false, "none: no such file"},
		{"empty log", []string{"--tx", empty}, false, "no events"},
		{"no log at all", []string{"--tx", noLog}, false, "hello:1: found \"hello\", want a JSON event"},
		{"a model without windows", []string{"--tx", tx, "--bam-manifest", "x"}, true, "--bam-manifest needs --dataset"},
		{"the other end's log", []string{"--tx", rx}, false, `role "rx", want the log of role tx`},
		{"missing data set", []string{"--tx", tx, "--rx", rx, "--dataset", filepath.Join(dir, "none")}, false, "none: no such file"},
		{"a record without a destination", []string{"--tx", tx, "--record", "x"}, true, "together"},
		{"plots of a receiver", []string{"--rx", rx, "--plots", dir}, true, "want --tx"},
		{"unwritable", []string{"--tx", tx, "--out", filepath.Join(empty, "x")}, false, "empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			err := run(context.Background(), c.args, &b, &b)
			if b.Len() > 0 {
				t.Errorf("printed %q besides its error", b.String())
			}
			clitest.Refused(t, c.name, err, c.usage, c.want)
		})
	}
}

// A record of a phase is filled in like run.md.
func TestRecordOfAPhase(t *testing.T) {
	dir := t.TempDir()
	simulate(t, dir, 20, 0)
	out := filepath.Join(dir, "phase1.yaml")
	err := run(t.Context(), []string{"--tx", filepath.Join(dir, "sim_tx.jsonl"), "--rx", filepath.Join(dir, "sim_rx.jsonl"),
		"--record", testenv.Repo("examples", "records", "phase1.yaml"), "--record-out", out}, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"run_id: sim\n", "  rx_ok: 20\n", "  W: 1\n"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %q in\n%s", want, b)
		}
	}
}
