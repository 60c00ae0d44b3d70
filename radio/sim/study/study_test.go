package study_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/internal/testmodel"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/sim"
	"github.com/loralink/loralink-go/radio/sim/study"
	"github.com/loralink/loralink-go/runspec"
)

const exampleSpec = `
run_id: demo
role: ROLE
mode: LATENT
phy: {sf: 12, bw_hz: 125000, cr: 5, preamble: 8, crc_on: true, explicit_header: true, tx_power_dbm: 14}
window: {dims: 3, W: 1, sample_hz: 1}
codec: {id: raw, version: "1"}
tx: {guard_ms: 20, ack_timeout_ms: auto, max_retries: 8}
logging: {out_dir: out}
`

// Raw payloads against compressed ones, over a channel that loses a fifth of the
// frames.
func ExampleReplay() {
	var ends []*endpoint.Endpoint
	for _, role := range []string{runspec.RoleTX, runspec.RoleRX} {
		spec, err := runspec.Parse([]byte(strings.Replace(exampleSpec, "ROLE", role, 1)))
		if err != nil {
			fmt.Println(err)
			return
		}
		e, err := endpoint.New(spec, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		ends = append(ends, e)
	}
	var windows []dataset.Window
	for i := range 200 {
		windows = append(windows, dataset.Window{ID: int64(i), Values: []float64{float64(i) / 200, 0, -0.5}})
	}
	zlib, err := codec.NewZlib(3, codec.DefaultRawScale, codec.DefaultZlibLevel)
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := study.Replay(context.Background(), ends[0], ends[1], study.All(windows), &study.ReplaySettings{
		Impairments: sim.Impairments{Loss: 0.2, Seed: 1},
		Baselines:   []codec.Codec{zlib},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range report.Runs {
		fmt.Printf("%-4s %2d B, %d delivered, PDR %.2f\n", r.Codec, r.Payload, r.Metrics.Delivered, r.Metrics.PDR)
	}
	fmt.Println("against the last:", report.Comparison)
	// Output:
	// raw   6 B, 200 delivered, PDR 0.79
	// zlib 22 B, 200 delivered, PDR 0.79
	// against the last: PDR the same, ETX the same, time on air -24.8 %
}

// ends returns both ends of the repository's RunSpecs, and windows to send.
func ends(t *testing.T, sf string) (tx, rx *endpoint.Endpoint, windows []dataset.Window) {
	t.Helper()
	walk := testenv.Repo("testdata", "walk.jsonl")
	settings := &endpoint.Settings{BAMManifest: testmodel.Train(t, walk)}
	var err error
	if tx, err = endpoint.Open(testenv.Repo("testdata", "runspecs", "tx_"+sf+".yaml"), runspec.RoleTX, settings); err != nil {
		t.Fatal(err)
	}
	if rx, err = endpoint.Open(testenv.Repo("testdata", "runspecs", "rx_"+sf+".yaml"), runspec.RoleRX, settings); err != nil {
		t.Fatal(err)
	}
	seq, err := (&endpoint.SourceSettings{Samples: walk}).Windows(t.Context(), tx.Spec(), 300)
	if err != nil {
		t.Fatal(err)
	}
	for w, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		windows = append(windows, w)
	}
	return tx, rx, windows
}

// keys returns the top-level keys of a JSON object, and of the first run in it, in
// their order.
func keys(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	d := json.NewDecoder(strings.NewReader(string(b)))
	depth, isKey := 0, false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return strings.Join(names, " ")
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token {
		case json.Delim('{'):
			depth++
			isKey = true
			continue
		case json.Delim('}'):
			depth--
			isKey = true
			continue
		case json.Delim('['), json.Delim(']'):
			isKey = token == json.Delim(']')
			continue
		}
		if isKey && depth == 1 {
			names = append(names, token.(string))
		}
		isKey = !isKey
	}
}

func TestReplay(t *testing.T) {
	tx, rx, windows := ends(t, "sf7")
	report, err := study.Replay(t.Context(), tx, rx, study.All(windows), &study.ReplaySettings{Impairments: sim.Impairments{Loss: 0.2, UARTDrop: 0.05}, Latency: link.UARTLatency(9600)})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Runs) != 2 || report.Runs[0].Codec != "bam" || report.Runs[1].Codec != "sensor12_packed" || report.Runs[0].Groups == nil ||
		report.Runs[0].Observed.Offered != 300 || report.Runs[0].Air.UARTDrops == 0 {
		t.Errorf("%+v", report.Runs[0])
	}
	if got := keys(t, report); got != "loss mean_burst seed phy_id runs comparison" {
		t.Errorf("keys %s", got)
	}
	if got := keys(t, report.Runs[0]); got != "codec payload_bytes toa_ms_est metrics observed air zscored by_group" {
		t.Errorf("keys %s", got)
	}
	checkTable(t, report, new(study.ReplayReport), "position")
}

func TestStress(t *testing.T) {
	tx, _, windows := ends(t, "sf7")
	tried := 0
	report, err := study.Stress(t.Context(), tx, study.All(windows), &study.StressSettings{Condition: study.ByLoss, Windows: 300, Progress: func(done, _ int) { tried = done }})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Runs) != 3 || report.Runs[0].Metrics.PDR > 0.5 || tried < 5 || report.Value > 1 || report.PeriodMs <= 0 {
		t.Errorf("%+v after %d", report, tried)
	}
	if got := keys(t, report); got != "dataset phy_id condition value period_ms windows max_retries seed runs" {
		t.Errorf("keys %s", got)
	}
	if got := keys(t, report.Runs[0]); got != "payload payload_bytes toa_ms_est metrics comparison zscored" {
		t.Errorf("keys %s", got)
	}
	checkTable(t, report, new(study.StressReport), "position")
}

// A receiver that all senders share shows what v1 frames cannot do.
func TestStressWithOneReceiver(t *testing.T) {
	tx, _, windows := ends(t, "sf7")
	report, err := study.Stress(t.Context(), tx, study.All(windows), &study.StressSettings{Condition: study.BySenders, Windows: 300, Retries: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Runs {
		o := r.OneReceiver
		if o == nil || o.Delivered == 0 || o.FalselyAcked == 0 || o.RxConflicts == 0 || o.Acked > o.Offered || o.PDR <= 0 || o.PDR > 1 {
			t.Errorf("%s: %+v", r.Payload, o)
		}
	}
	var out strings.Builder
	report.WriteTable(&out)
	if !strings.Contains(out.String(), "but never delivered") {
		t.Errorf("wrote\n%s", out.String())
	}
	checkTable(t, report, new(study.StressReport), "position")
}

// checkTable checks that a report can be written, and again after a pass through
// JSON into blank, where figures in sensor units are not there.
func checkTable(t *testing.T, report, blank interface{ WriteTable(io.Writer) }, figure string) {
	t.Helper()
	b, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, blank); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		report interface{ WriteTable(io.Writer) }
		there  bool
	}{{report, true}, {blank, false}} {
		var out strings.Builder
		c.report.WriteTable(&out)
		for line := range strings.Lines(out.String()) {
			if name := strings.TrimSpace(line); strings.HasPrefix(name, figure) && strings.Contains(name, " m") != c.there {
				t.Errorf("wrote %q", line)
			}
		}
		if !strings.Contains(out.String(), "zscored.mse") || !strings.Contains(out.String(), figure) {
			t.Errorf("wrote\n%s", out.String())
		}
	}
}

func TestStudiesRefuse(t *testing.T) {
	tx, rx, windows := ends(t, "sf7")
	_, far, _ := ends(t, "sf12")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	replay := func(rx *endpoint.Endpoint, windows []dataset.Window, s study.ReplaySettings) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := study.Replay(ctx, tx, rx, study.All(windows), &s)
			return err
		}
	}
	stress := func(windows []dataset.Window, s study.StressSettings) func(context.Context) error {
		return func(ctx context.Context) error { _, err := study.Stress(ctx, tx, study.All(windows), &s); return err }
	}
	short := []dataset.Window{{Values: []float64{1}}}
	for _, c := range []struct {
		name string
		ctx  context.Context
		run  func(context.Context) error
		want error
	}{
		{"replay, ends that differ", t.Context(), replay(far, windows, study.ReplaySettings{}), endpoint.ErrSettings},
		{"replay, no windows", t.Context(), replay(rx, nil, study.ReplaySettings{}), study.ErrSettings},
		{"replay, windows of another length", t.Context(), replay(rx, short, study.ReplaySettings{}), study.ErrSettings},
		{"replay, a channel that cannot be", t.Context(), replay(rx, windows, study.ReplaySettings{Impairments: sim.Impairments{Loss: 2}}), sim.ErrSettings},
		{"replay, cancelled", cancelled, replay(rx, windows, study.ReplaySettings{}), context.Canceled},
		{"stress, no windows", t.Context(), stress(nil, study.StressSettings{}), study.ErrSettings},
		{"stress, windows of another length", t.Context(), stress(short, study.StressSettings{}), study.ErrSettings},
		{"stress, condition", t.Context(), stress(windows, study.StressSettings{Condition: "rain"}), study.ErrSettings},
		{"stress, cancelled", cancelled, stress(windows, study.StressSettings{}), context.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.run(c.ctx); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestStressSettings(t *testing.T) {
	for _, c := range []struct{ name, args, want string }{
		{"nothing", "", ""},
		{"all", "--condition loss --windows 7 --retries 2 --period 3s --seed 0", ""},
		{"condition", "--condition rain", `Condition is "rain", want senders, airtime or loss`},
		{"too many windows", "--windows 1000001", "Windows is 1000001"},
		{"fewer than none", "--windows -1", "Windows is -1"},
		{"retries", "--retries -1", "Retries is -1"},
		{"period", "--period -1s", "Period is -1s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s study.StressSettings
			fs := flag.NewFlagSet("test", flag.ContinueOnError)
			s.RegisterFlags(fs)
			if err := fs.Parse(strings.Fields(c.args)); err != nil {
				t.Fatal(err)
			}
			err := s.Check()
			if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, study.ErrSettings) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
