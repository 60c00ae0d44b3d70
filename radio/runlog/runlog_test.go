package runlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
)

var phy = radio.PHY{SF: 7, BandwidthHz: 125000, CodingRate: 1, Preamble: 8, CRC: true, ExplicitHeader: true, TxPowerDBm: 22}

var header = runlog.Header{RunID: "walk", Role: link.RoleTX, Mode: "LATENT", PHYID: phy.ID()}

var start = time.UnixMilli(1_700_000_000_000)

// maxLine is the longest line that is read, in bytes.
const maxLine = 1 << 20

// everyStart is how runs start in these tests.
func everyStart() runlog.Start {
	manifest, print := "models/a/artifacts.json", "cc6adf01"
	return runlog.Start{ArtifactsManifest: &manifest, ManifestFingerprint: &print}
}

// everyEvent is one of each kind, as a machine makes them.
func everyEvent() []link.Event {
	when := time.UnixMilli(1_700_000_000_123).UTC()
	return []link.Event{
		{Kind: link.EventTxSent, Time: when, Seq: 200, WindowID: 7, SensorMs: 1_699_999_999_000, Attempt: 2, PayloadBytes: 2, Payload: []byte{1, 0xab},
			FrameBytes: 4, TimeOnAir: 41216 * time.Microsecond, Guard: 20 * time.Millisecond, AckTimeout: 113 * time.Millisecond,
			Age: 1500 * time.Microsecond, Encode: 7 * time.Microsecond},
		{Kind: link.EventAckReceived, Time: when, Seq: 200, WindowID: 7, RTT: 80 * time.Millisecond, Queued: time.Millisecond,
			EndToEnd: 81 * time.Millisecond, RSSIdBm: -97, HasRSSI: true},
		{Kind: link.EventTxFailed, Time: when, Seq: 1, WindowID: 8, Reason: "no ack", Attempt: 9},
		{Kind: link.EventTxDropped, Time: when, WindowID: 9, Reason: "queue full"},
		{Kind: link.EventRxOK, Time: when, Seq: 200, PayloadBytes: 2, Payload: []byte{1, 0xab}, FrameBytes: 4, RSSIdBm: -99, HasRSSI: true, Duplicate: true},
		{Kind: link.EventRxParseFail, Time: when, Reason: "a \"quoted\" <reason>", Omitted: 7},
		{Kind: link.EventAckSent, Time: when, Seq: 200, TimeOnAir: 30976 * time.Microsecond},
		{Kind: link.EventReconDone, Time: when, Seq: 3, Window: []float64{37.123456789012, -1e-300, 0}},
		{Kind: link.EventReconFailed, Time: when, Seq: 4, Reason: "corrupt"},
		{Kind: link.EventRxConflict, Time: when, Seq: 4, Reason: "another payload"},
		{Kind: link.EventRxInterleaved, Time: when, Seq: 4, Reason: "two counters"},
	}
}

func TestLogRoundTrip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	log, err := runlog.OpenWriter(dir, header)
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Start(start.UTC(), everyStart()); err != nil {
		t.Fatal(err)
	}
	for _, e := range everyEvent() {
		if err := log.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "walk_tx.jsonl")
	if log.Path() != path {
		t.Errorf("path %s, want %s", log.Path(), path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	prefix := `{"ts_ms":1700000000000,"run_id":"walk","event":"run_start","role":"tx","mode":"LATENT","phy_id":"sf7_bw125000_cr5_pre8_crc1_hdr1_pwr22",`
	if want := prefix + `"runspec":null,"artifacts_manifest":"models/a/artifacts.json","manifest_fingerprint":"cc6adf01"}`; lines[0] != want {
		t.Errorf("got  %s\nwant %s", lines[0], want)
	}
	want := `{"ts_ms":1700000000123,"run_id":"walk","event":"tx_sent","role":"tx","mode":"LATENT","phy_id":"sf7_bw125000_cr5_pre8_crc1_hdr1_pwr22",` +
		`"window_id":7,"seq":200,"payload_bytes":2,"frame_bytes":4,"payload":"01ab","toa_ms_est":41.216,"guard_ms":20,"ack_timeout_ms":113,` +
		`"attempt":2,"age_ms":1.5,"codec_encode_ms":0.007,"sensor_ts_ms":1699999999000}`
	if lines[1] != want {
		t.Errorf("got  %s\nwant %s", lines[1], want)
	}
	read := func(entries iter.Seq2[runlog.Entry, error]) (all []runlog.Entry) {
		for e, err := range entries {
			if err != nil {
				t.Fatal(err)
			}
			if e.Header != header {
				t.Errorf("header %+v", e.Header)
			}
			if len(e.Payload) == 0 {
				e.Payload = nil
			}
			all = append(all, e)
		}
		return all
	}
	got := read(runlog.ReadEntries(bytes.NewReader(b), "log"))
	if first := got[0]; first.Kind != runlog.EventRunStart || !reflect.DeepEqual(*first.Start, everyStart()) {
		t.Errorf("started with %+v", first)
	}
	for i, e := range got[1:] {
		if want := everyEvent()[i]; !reflect.DeepEqual(e.Event, want) || e.Start != nil {
			t.Errorf("got  %+v\nwant %+v", e, want)
		}
	}
	if again := read(runlog.OpenEntries(path)); len(again) != len(everyEvent())+1 || !reflect.DeepEqual(again, got) {
		t.Errorf("from the file: %+v", again)
	}
}

func TestOpenWriterRepairsTheEnd(t *testing.T) {
	whole := `{"ts_ms":1,"event":"rx_parse_fail","reason":"a"}`
	for _, c := range []struct{ name, before, kept string }{
		{"new", "", ""},
		{"whole", whole + "\n", whole + "\n"},
		{"incomplete", whole + "\n" + whole[:20], whole + "\n"},
		{"incomplete first line", whole[:20], ""},
		{"lacks its end only", whole + "\n" + whole, whole + "\n" + whole + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, header.FileName())
			if err := os.WriteFile(path, []byte(c.before), 0o644); err != nil {
				t.Fatal(err)
			}
			log, err := runlog.OpenWriter(dir, header)
			if err != nil {
				t.Fatal(err)
			}
			e := link.Event{Kind: link.EventTxDropped, Time: start, Reason: "x"}
			line, err := runlog.Entry{Header: header, Event: e}.AppendJSON(nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(log.Write(e), log.Close()); err != nil {
				t.Fatal(err)
			}
			if b, _ := os.ReadFile(path); string(b) != c.kept+string(line) {
				t.Errorf("got %q", b)
			}
		})
	}
}

func TestReadingGoesOnAfterABadLine(t *testing.T) {
	input := strings.Join([]string{
		`{"ts_ms":1,"event":"tx_sent","window_id":1,"seq":1}`,
		``,
		`{"ts_ms":1,"event":"tx_sent","seq":300}`,
		`nonsense`,
		`{"event":"tx_sent"}`,
		`{"ts_ms":1,"event":"tx_sent","age_ms":1e300}`,
		`{"ts_ms":1,"event":"` + strings.Repeat("x", maxLine) + `"}`,
		`{"ts_ms":1,"event":"rx_ok","payload":"0g"}`,
		`{"ts_ms":2,"event":"something_new","seq":1}`,
		`{"ts_ms":2,"event":"tx_se`,
	}, "\n")
	var good, bad []string
	incomplete := 0
	for e, err := range runlog.ReadEntries(strings.NewReader(input), "log") {
		var located *runlog.Error
		switch {
		case err == nil:
			good = append(good, string(e.Kind))
		case !errors.As(err, &located):
			t.Errorf("%v has no line", err)
		case errors.Is(err, runlog.ErrIncompleteLine):
			incomplete = located.Line
		case errors.Is(err, runlog.ErrNotEvent):
			bad = append(bad, fmt.Sprint(located.Line))
		}
	}
	if got := strings.Join(good, " "); got != "tx_sent something_new" {
		t.Errorf("events %s", got)
	}
	if got := strings.Join(bad, " "); got != "3 4 5 6 7 8" || incomplete != 10 {
		t.Errorf("bad lines %s, incomplete line %d", got, incomplete)
	}
}

func TestMissingLog(t *testing.T) {
	for _, err := range runlog.OpenEntries(filepath.Join(t.TempDir(), "none.jsonl")) {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	}
}

func TestNotFiniteIsRefused(t *testing.T) {
	e := runlog.Entry{Event: link.Event{Kind: link.EventReconDone, Window: []float64{1, math.NaN()}}}
	if b, err := e.AppendJSON([]byte("before")); err == nil || string(b) != "before" || !strings.Contains(err.Error(), "value 1 is NaN") {
		t.Errorf("%q, %v", b, err)
	}
}

func ExampleCompare() {
	var meter runlog.Meter
	log := strings.NewReader(`{"ts_ms":0,"event":"tx_sent","role":"tx","window_id":1,"seq":9,"frame_bytes":10,"toa_ms_est":40}
{"ts_ms":120,"event":"tx_sent","role":"tx","window_id":1,"seq":9,"frame_bytes":10,"toa_ms_est":40}
{"ts_ms":200,"event":"ack_received","role":"tx","window_id":1,"ack_seq":9,"rtt_ms":80,"e2e_ms":200}
`)
	for e, err := range runlog.ReadEntries(log, "walk_tx.jsonl") {
		if err != nil {
			fmt.Println(err)
			return
		}
		meter.Add(e.Role, e.Event)
	}
	m := meter.Metrics()
	fmt.Println("PDR", m.PDR, "ETX", m.ETX, "time on air", m.TimeOnAirS, "s, e2e", m.EndToEndMs.Max, "ms")
	fmt.Printf("%+.0f %% time on air\n", -runlog.Compare(m, runlog.Metrics{TimeOnAirS: 0.16}).TimeOnAirReducePct)
	// Output:
	// PDR 0.5 ETX 2 time on air 0.08 s, e2e 200 ms
	// -50 % time on air
}

func TestMeter(t *testing.T) {
	var m runlog.Meter
	add := func(role link.Role, e link.Event) { e.Time = start; m.Add(role, e) }
	for i := range 10 {
		add(link.RoleTX, link.Event{Kind: link.EventTxSent, WindowID: int64(i), FrameBytes: 10, PayloadBytes: 8, TimeOnAir: time.Second, Encode: time.Millisecond})
	}
	add(link.RoleTX, link.Event{Kind: link.EventTxSent, WindowID: 3, FrameBytes: 10, PayloadBytes: 8, TimeOnAir: time.Second})
	for i := range 8 {
		add(link.RoleTX, link.Event{Kind: link.EventAckReceived, WindowID: int64(i), RTT: time.Duration(i+1) * 100 * time.Millisecond, EndToEnd: time.Second})
	}
	add(link.RoleTX, link.Event{Kind: link.EventAckReceived, WindowID: 3})
	add(link.RoleTX, link.Event{Kind: link.EventTxFailed, WindowID: 8})
	add(link.RoleTX, link.Event{Kind: link.EventTxDropped, WindowID: 100})
	one := m.Metrics()
	if one.Windows != 11 || one.Sent != 11 || one.Retries != 1 || one.Acked != 8 || one.Delivered != 8 || one.PDR != 8.0/11 ||
		one.ETX != 11.0/8 || one.DeliveryRatio != 8.0/11 || one.TimeOnAirS != 11 || one.PayloadMean != 8 || one.EncodeMs.N != 10 {
		t.Errorf("from one log: %+v", one)
	}
	if q := one.RTTMs; q.N != 8 || q.Max != 800 || q.Mean != 450 || q.P50 < 396 || q.P50 > 404 || q.P99 < 792 {
		t.Errorf("quantiles %+v", q)
	}
	for range 9 {
		add(link.RoleRX, link.Event{Kind: link.EventRxOK})
	}
	add(link.RoleRX, link.Event{Kind: link.EventRxOK, Duplicate: true})
	add(link.RoleRX, link.Event{Kind: link.EventAckSent, TimeOnAir: time.Second})
	both := m.Metrics()
	if both.PDR != 10.0/11 || both.Delivered != 9 || both.AckTimeOnAirS != 1 || both.RxRepeated != 1 {
		t.Errorf("from both logs: %+v", both)
	}
	c := runlog.Compare(both, one)
	if c.SetEnergy(50, 0); c.EnergyReducePct != nil {
		t.Errorf("an energy that was not measured: %v", *c.EnergyReducePct)
	}
	if c.SetEnergy(50, 100); c.EnergyReducePct == nil || *c.EnergyReducePct != 50 || c.PDRImprovePct < 24.9 || c.PDRImprovePct > 25.1 {
		t.Errorf("comparison %+v", c)
	}
	if zero := (&runlog.Meter{}).Metrics(); zero.PDR != 0 || zero.ETX != 0 {
		t.Errorf("empty: %+v", zero)
	}
}

func FuzzReadEntries(f *testing.F) {
	seed, err := runlog.Entry{Header: header, Event: link.Event{Kind: runlog.EventRunStart, Time: start}, Start: new(everyStart())}.AppendJSON(nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range everyEvent() {
		if seed, err = (runlog.Entry{Header: header, Event: e}).AppendJSON(seed); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(seed)
	f.Add(seed[:len(seed)-9])
	f.Add([]byte(`{"ts_ms":1e12,"event":"tx_sent","age_ms":-5.5,"rssi_dbm":-1e9}`))
	f.Add([]byte("\n\n{}\n[]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var meter runlog.Meter
		for e, err := range runlog.ReadEntries(bytes.NewReader(b), "log") {
			if err != nil {
				continue
			}
			meter.Add(e.Role, e.Event)
			line, err := e.AppendJSON(nil)
			if err != nil {
				t.Fatal(err)
			}
			for again, err := range runlog.ReadEntries(bytes.NewReader(line), "log") {
				if err != nil || again.Time != e.Time || again.Kind != e.Kind || again.WindowID != e.WindowID && strings.Contains(string(line), "window_id") {
					t.Errorf("%s came back as %+v, %v", line, again, err)
				}
			}
		}
		meter.Metrics()
	})
}

// The reference logs the content of artifacts.json, errors, and times to a fraction of
// a microsecond.
func TestLogOfTheReference(t *testing.T) {
	const (
		head  = `{"ts_ms":0,"run_id":"a","event":"run_start","role":"tx","mode":"RAW","phy_id":"sf7",`
		begin = head + `"runspec":{"run_id":"a"},"artifacts_manifest":{"codec_id":"raw","git_commit":null},"manifest_fingerprint":"4d67"}`
		done  = `{"ts_ms":0,"run_id":"a","event":"recon_done","role":"rx","mode":"RAW","phy_id":"sf7","seq":0,"mae":0.25,"mse":0.125,"window":[]}`
		sent  = `{"ts_ms":0,"run_id":"a","event":"tx_sent","role":"tx","codec_encode_ms":0.007381000614259392}`
	)
	var got []runlog.Entry
	for e, err := range runlog.ReadEntries(strings.NewReader(begin+"\n"+done+"\n"+sent+"\n"), "log") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if s := got[0].Start; s.ArtifactsManifest != nil || string(s.Manifest) != `{"codec_id":"raw","git_commit":null}` || *s.ManifestFingerprint != "4d67" {
		t.Errorf("start %+v", s)
	}
	if e := got[1]; *e.MAE != 0.25 || *e.MSE != 0.125 {
		t.Errorf("errors %v %v", *e.MAE, *e.MSE)
	}
	if got[2].Encode != 7381*time.Nanosecond {
		t.Errorf("encoded in %v", got[2].Encode)
	}
	for i, want := range []string{begin, done} {
		if line, err := got[i].AppendJSON(nil); err != nil || string(line) != want+"\n" {
			t.Errorf("written again as %s, %v", line, err)
		}
	}
	for _, err := range runlog.ReadEntries(strings.NewReader(head+`"artifacts_manifest":7}`+"\n"), "log") {
		if !errors.Is(err, runlog.ErrNotEvent) || !strings.Contains(err.Error(), "found 7 as artifacts_manifest") {
			t.Errorf("got %v", err)
		}
	}
}
