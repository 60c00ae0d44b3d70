package runlog_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
)

const (
	txLog = `{"ts_ms":0,"run_id":"walk","event":"run_start","role":"tx","mode":"LATENT","phy_id":"sf7","runspec":{"run_id":"walk"}}
{"ts_ms":100,"run_id":"walk","event":"tx_sent","role":"tx","phy_id":"sf7","window_id":1,"seq":9,"attempt":1,"payload":"0102"}
{"ts_ms":300,"run_id":"walk","event":"ack_received","role":"tx","phy_id":"sf7","window_id":1,"ack_seq":9}
`
	rxLog = `{"ts_ms":50,"run_id":"walk","event":"run_start","role":"rx","phy_id":"sf7","runspec":null}
{"ts_ms":200,"run_id":"walk","event":"rx_ok","role":"rx","phy_id":"sf7","seq":9,"payload":"0102"}
{"ts_ms":200,"run_id":"walk","event":"recon_done","role":"rx","phy_id":"sf7","seq":9,"window":[1,2]}
`
)

// logs writes files into a new folder and returns a function that gives their paths.
func logs(t *testing.T, files map[string]string) func(name string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return func(name string) string { return filepath.Join(dir, name) }
}

func TestOpenRun(t *testing.T) {
	path := logs(t, map[string]string{"tx": txLog + `{"ts_ms":400,"ev`, "rx": rxLog, "power": "ts_ms,power_mw\n0,1000\n1000,1000\n"})
	var match runlog.Matcher
	var warnings []error
	r, err := runlog.OpenRun(runlog.Files{TX: path("tx"), RX: path("rx"), Power: path("power")},
		&runlog.RunSettings{OnEntry: match.Add, Warn: func(err error) { warnings = append(warnings, err) }})
	if err != nil {
		t.Fatal(err)
	}
	if r.RunID != "walk" || r.Mode != "LATENT" || r.Starts != 2 || r.BadLines != 1 || r.Metrics.Delivered != 1 || r.Metrics.PDR != 1 ||
		r.First.UnixMilli() != 0 || r.Last.UnixMilli() != 300 || string(r.RunSpec) != `{"run_id":"walk"}` || r.Energy.Joules != 0.3 || r.Energy.JoulesPerDelivered != 0.3 {
		t.Errorf("%+v", r)
	}
	if len(warnings) != 1 || !errors.Is(warnings[0], runlog.ErrIncompleteLine) {
		t.Errorf("warnings %v", warnings)
	}
	if windows, unmatched := match.Match(); fmt.Sprint(windows) != "map[1:[1 2]]" || unmatched != 0 {
		t.Errorf("matched %v, %d not", windows, unmatched)
	}
	var b strings.Builder
	runlog.WriteTable(&b, r, &runlog.Run{RunID: "old", Files: runlog.Files{RX: "x"}})
	for _, want := range []string{"walk  baseline old", "energy per delivered window", "0.300 J", "-"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	b.Reset()
	runlog.WriteTable(&b, &runlog.Run{RunID: "walk", Files: runlog.Files{TX: "x"}})
	if strings.Contains(b.String(), "windows delivered") || !strings.Contains(b.String(), "frames sent") {
		t.Errorf("without a receiver's log:\n%s", b.String())
	}
}

func TestOpenRunRefuses(t *testing.T) {
	path := logs(t, map[string]string{"tx": txLog, "rx": rxLog, "empty": "", "hello": "hello\n",
		"sf12": strings.ReplaceAll(rxLog, "sf7", "sf12"), "late": "ts_ms,power_mw\n200,1\n1000,1\n"})
	for _, c := range []struct {
		name  string
		files runlog.Files
		want  error
	}{
		{"no logs", runlog.Files{}, runlog.ErrNoEvents},
		{"no such log", runlog.Files{TX: path("none")}, os.ErrNotExist},
		{"an empty log", runlog.Files{TX: path("empty")}, runlog.ErrNoEvents},
		{"no log at all", runlog.Files{TX: path("hello")}, runlog.ErrNoEvents},
		{"the other end's log", runlog.Files{TX: path("rx")}, runlog.ErrWrongLog},
		{"two PHYs", runlog.Files{TX: path("tx"), RX: path("sf12")}, runlog.ErrWrongLog},
		{"a power record that starts late", runlog.Files{TX: path("tx"), Power: path("late")}, runlog.ErrPower},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := runlog.OpenRun(c.files, nil)
			if r != nil || !errors.Is(err, c.want) || strings.Count(err.Error(), "runlog: ") != 1 {
				t.Errorf("%v, %v", r, err)
			}
		})
	}
	_, err := runlog.OpenRun(runlog.Files{TX: path("hello")}, nil)
	if want := "runlog: " + path("hello") + `:1: found "hello", want a JSON event`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %v", err, want)
	}
}

// A SEQ comes again every 256 windows: payload and time tell which window it is.
func TestMatcher(t *testing.T) {
	after := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	sent := func(s int, id int64, payload byte) runlog.Entry {
		return runlog.Entry{Header: runlog.Header{Role: link.RoleTX},
			Event: link.Event{Kind: link.EventTxSent, Time: after(s), Seq: 7, WindowID: id, Attempt: 1, Payload: []byte{payload}}}
	}
	received := func(s int, payload byte) []runlog.Entry {
		h := runlog.Header{Role: link.RoleRX}
		return []runlog.Entry{
			{Header: h, Event: link.Event{Kind: link.EventRxOK, Time: after(s), Seq: 7, Payload: []byte{payload}}},
			{Header: h, Event: link.Event{Kind: link.EventReconDone, Time: after(s), Seq: 7, Window: []float64{float64(payload)}}},
		}
	}
	var m runlog.Matcher
	for _, e := range append(received(101, 5), received(9, 6)...) { // the receiver's log first
		m.Add(e)
	}
	for _, e := range []runlog.Entry{sent(0, 1, 5), sent(100, 2, 5), sent(110, 3, 6)} {
		m.Add(e)
	}
	for _, e := range received(50, 9) { // sent by nobody
		m.Add(e)
	}
	windows, unmatched := m.Match()
	if fmt.Sprint(windows) != "map[2:[5] 3:[6]]" || unmatched != 1 {
		t.Errorf("matched %v, %d not", windows, unmatched)
	}
}

func ExampleMetrics_WriteReceiver() {
	var meter runlog.Meter
	for e, err := range runlog.ReadEntries(strings.NewReader(rxLog), "walk_rx.jsonl") {
		if err != nil {
			fmt.Println(err)
			return
		}
		meter.Add(e.Role, e.Event)
	}
	meter.Metrics().WriteReceiver(os.Stdout)
	// Output:
	//   frames received                       1
	//     repeated                            0
	//     refused by the codec                0
	//   windows delivered                     1
	//   ACKs sent                             0
	//   bursts that were not a frame          0
	//   time on air of ACKs, estimated  0.000 s
}

func TestSeveralRunsInOneLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	text := `{"ts_ms":0,"run_id":"a","event":"tx_sent","role":"tx"}` + "\n" + `{"ts_ms":0,"run_id":"b","event":"tx_sent","role":"tx"}` + "\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := runlog.OpenRun(runlog.Files{TX: path}, nil); !errors.Is(err, runlog.ErrWrongLog) || !strings.Contains(err.Error(), `found run_id "b" after "a"`) {
		t.Errorf("got %v", err)
	}
}
