package link

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/radio"
)

var header = LogHeader{RunID: "walk", Role: RoleTX, Mode: "LATENT", PHYID: sf7.ID()}

// everyEvent is one of each kind, as a machine makes them.
func everyEvent() []Event {
	at := time.UnixMilli(1_700_000_000_123).UTC()
	manifest, print := "models/a/artifacts.json", "cc6adf01"
	return []Event{
		{Kind: EventRunStart, At: at, Start: &RunStart{ArtifactsManifest: &manifest, ManifestFingerprint: &print}},
		{Kind: EventTxSent, At: at, Seq: 200, WindowID: 7, SensorMs: 1_699_999_999_000, Attempt: 2, PayloadBytes: 2, Payload: []byte{1, 0xab},
			FrameBytes: 4, TimeOnAir: 41216 * time.Microsecond, Guard: 20 * time.Millisecond, AckTimeout: 113 * time.Millisecond,
			Age: 1500 * time.Microsecond, Encode: 7 * time.Microsecond},
		{Kind: EventAckReceived, At: at, Seq: 200, WindowID: 7, RTT: 80 * time.Millisecond, Queued: time.Millisecond,
			EndToEnd: 81 * time.Millisecond, RSSIdBm: -97, HasRSSI: true},
		{Kind: EventTxFailed, At: at, Seq: 1, WindowID: 8, Reason: "no ack", Attempt: 9},
		{Kind: EventTxDropped, At: at, WindowID: 9, Reason: "queue full"},
		{Kind: EventRxOK, At: at, Seq: 200, PayloadBytes: 2, Payload: []byte{1, 0xab}, FrameBytes: 4, RSSIdBm: -99, HasRSSI: true, Duplicate: true},
		{Kind: EventRxParseFail, At: at, Reason: "a \"quoted\" <reason>"},
		{Kind: EventAckSent, At: at, Seq: 200, TimeOnAir: 30976 * time.Microsecond},
		{Kind: EventReconDone, At: at, Seq: 3, Window: []float64{37.123456789012, -1e-300, 0}},
		{Kind: EventReconFailed, At: at, Seq: 4, Reason: "corrupt"},
	}
}

func TestLogRoundTrip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	log, err := OpenLog(dir, header)
	if err != nil {
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
	b, err := os.ReadFile(filepath.Join(dir, "walk_tx.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	want := `{"ts_ms":1700000000123,"run_id":"walk","event":"tx_sent","role":"tx","mode":"LATENT","phy_id":"sf7_bw125000_cr5_pre8_crc1_hdr1_pwr22",` +
		`"window_id":7,"seq":200,"payload_bytes":2,"frame_bytes":4,"payload":"01ab","toa_ms_est":41.216,"guard_ms":20,"ack_timeout_ms":113,` +
		`"attempt":2,"age_ms":1.5,"codec_encode_ms":0.007,"sensor_ts_ms":1699999999000}`
	if lines[1] != want {
		t.Errorf("got  %s\nwant %s", lines[1], want)
	}
	var got []Event
	for e, err := range Events(bytes.NewReader(b)) {
		if err != nil {
			t.Fatal(err)
		}
		if e.LogHeader != header {
			t.Errorf("header %+v", e.LogHeader)
		}
		if len(e.Payload) == 0 {
			e.Payload = nil
		}
		got = append(got, e.Event)
	}
	if want := everyEvent(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestOpenLogMendsTheEnd(t *testing.T) {
	whole := `{"ts_ms":1,"event":"rx_parse_fail","reason":"a"}`
	for _, c := range []struct{ name, before, kept string }{
		{"new", "", ""},
		{"whole", whole + "\n", whole + "\n"},
		{"torn", whole + "\n" + whole[:20], whole + "\n"},
		{"torn in the first line", whole[:20], ""},
		{"lacks its end only", whole + "\n" + whole, whole + "\n" + whole + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, header.FileName())
			if err := os.WriteFile(path, []byte(c.before), 0o644); err != nil {
				t.Fatal(err)
			}
			log, err := OpenLog(dir, header)
			if err != nil {
				t.Fatal(err)
			}
			e := Event{Kind: EventTxDropped, At: start, Reason: "x"}
			line, err := e.AppendJSON(nil, header)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(log.Write(e), log.Close()); err != nil {
				t.Fatal(err)
			}
			if b, _ := os.ReadFile(path); string(b) != c.kept+string(line)+"\n" {
				t.Errorf("got %q", b)
			}
		})
	}
}

func TestEventsGoOnAfterABadLine(t *testing.T) {
	in := strings.Join([]string{
		`{"ts_ms":1,"event":"tx_sent","window_id":1,"seq":1}`,
		``,
		`{"ts_ms":1,"event":"tx_sent","seq":300}`,
		`nonsense`,
		`{"event":"tx_sent"}`,
		`{"ts_ms":1,"event":"tx_sent","age_ms":1e300}`,
		`{"ts_ms":1,"event":"` + strings.Repeat("x", maxLogLine) + `"}`,
		`{"ts_ms":1,"event":"rx_ok","payload":"0g"}`,
		`{"ts_ms":2,"event":"something_new","seq":1}`,
		`{"ts_ms":2,"event":"tx_se`,
	}, "\n")
	var good, bad []string
	torn := 0
	for e, err := range Events(strings.NewReader(in)) {
		var located *LogError
		switch {
		case err == nil:
			good = append(good, string(e.Kind))
		case !errors.As(err, &located):
			t.Errorf("%v has no line", err)
		case errors.Is(err, ErrTornLine):
			torn = located.Line
		case errors.Is(err, ErrNoEvent):
			bad = append(bad, fmt.Sprint(located.Line))
		}
	}
	if got := strings.Join(good, " "); got != "tx_sent something_new" {
		t.Errorf("events %s", got)
	}
	if got := strings.Join(bad, " "); got != "3 4 5 6 7 8" || torn != 10 {
		t.Errorf("bad lines %s, torn line %d", got, torn)
	}
}

func TestState(t *testing.T) {
	dir := t.TempDir()
	open := func() *State {
		t.Helper()
		s, err := OpenState(dir, "walk")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := open()
	seq := first.Seq()
	first.Close()
	again := open()
	if again.Seq() != seq || again.WindowID() != 0 {
		t.Errorf("started with %d, went on with %d, %d", seq, again.Seq(), again.WindowID())
	}
	if err := errors.Join(again.SetSeq(255), again.SetWindowID(1<<40), again.SetSeq(3), again.Close()); err != nil {
		t.Fatal(err)
	}
	if s := open(); s.Seq() != 3 || s.WindowID() != 1<<40 {
		t.Errorf("kept %d, %d", s.Seq(), s.WindowID())
	}
	if err := os.WriteFile(filepath.Join(dir, "walk_tx.state"), []byte("seq 999 window_id -000000000000000001\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if s := open(); s.WindowID() != 0 {
		t.Errorf("took nonsense for %d", s.WindowID())
	}
}

func ExampleCompare() {
	var meter Meter
	log := strings.NewReader(`{"ts_ms":0,"event":"tx_sent","role":"tx","window_id":1,"seq":9,"frame_bytes":10,"toa_ms_est":40}
{"ts_ms":120,"event":"tx_sent","role":"tx","window_id":1,"seq":9,"frame_bytes":10,"toa_ms_est":40}
{"ts_ms":200,"event":"ack_received","role":"tx","window_id":1,"ack_seq":9,"rtt_ms":80,"e2e_ms":200}
`)
	for e, err := range Events(log) {
		if err != nil {
			fmt.Println(err)
			return
		}
		meter.Add(e.Role, e.Event)
	}
	m := meter.Metrics()
	fmt.Println("PDR", m.PDR, "ETX", m.ETX, "airtime", m.AirtimeS, "s, e2e", m.EndToEndMs.Max, "ms")
	fmt.Printf("%+.0f %% airtime\n", -Compare(m, Metrics{AirtimeS: 0.16}, 0, 0).AirtimeReducePct)
	// Output:
	// PDR 0.5 ETX 2 airtime 0.08 s, e2e 200 ms
	// -50 % airtime
}

func TestMeter(t *testing.T) {
	var m Meter
	add := func(role Role, e Event) { e.At = start; m.Add(role, e) }
	for i := range 10 {
		add(RoleTX, Event{Kind: EventTxSent, WindowID: int64(i), FrameBytes: 10, PayloadBytes: 8, TimeOnAir: time.Second, Encode: time.Millisecond})
	}
	add(RoleTX, Event{Kind: EventTxSent, WindowID: 3, FrameBytes: 10, PayloadBytes: 8, TimeOnAir: time.Second})
	for i := range 8 {
		add(RoleTX, Event{Kind: EventAckReceived, WindowID: int64(i), RTT: time.Duration(i+1) * 100 * time.Millisecond, EndToEnd: time.Second})
	}
	add(RoleTX, Event{Kind: EventAckReceived, WindowID: 3})
	add(RoleTX, Event{Kind: EventTxFailed, WindowID: 8})
	add(RoleTX, Event{Kind: EventTxDropped, WindowID: 100})
	one := m.Metrics()
	if one.Windows != 11 || one.Sent != 11 || one.Retries != 1 || one.Acked != 8 || one.Delivered != 8 || one.PDR != 8.0/11 ||
		one.ETX != 11.0/8 || one.DeliveryRatio != 8.0/11 || one.AirtimeS != 11 || one.PayloadMean != 8 || one.EncodeMs.N != 10 {
		t.Errorf("from one log: %+v", one)
	}
	if q := one.RTTMs; q.N != 8 || q.Max != 800 || q.Mean != 450 || q.P50 < 396 || q.P50 > 404 || q.P99 < 792 {
		t.Errorf("quantiles %+v", q)
	}
	for range 9 {
		add(RoleRX, Event{Kind: EventRxOK})
	}
	add(RoleRX, Event{Kind: EventRxOK, Duplicate: true})
	add(RoleRX, Event{Kind: EventAckSent, TimeOnAir: time.Second})
	both := m.Metrics()
	if both.PDR != 10.0/11 || both.Delivered != 9 || both.AckAirtimeS != 1 || both.RxRepeated != 1 {
		t.Errorf("from both logs: %+v", both)
	}
	if c := Compare(both, one, 50, 100); c.EnergyReducePct == nil || *c.EnergyReducePct != 50 || c.PDRImprovePct < 24.9 || c.PDRImprovePct > 25.1 {
		t.Errorf("comparison %+v", c)
	}
	if zero := (&Meter{}).Metrics(); zero.PDR != 0 || zero.ETX != 0 {
		t.Errorf("empty: %+v", zero)
	}
}

func FuzzEvents(f *testing.F) {
	var seed []byte
	for _, e := range everyEvent() {
		line, err := e.AppendJSON(nil, header)
		if err != nil {
			f.Fatal(err)
		}
		seed = append(append(seed, line...), '\n')
	}
	f.Add(seed)
	f.Add(seed[:len(seed)-9])
	f.Add([]byte(`{"ts_ms":1e12,"event":"tx_sent","age_ms":-5.5,"rssi_dbm":-1e9}`))
	f.Add([]byte("\n\n{}\n[]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var meter Meter
		for e, err := range Events(bytes.NewReader(b)) {
			if err != nil {
				continue
			}
			meter.Add(e.Role, e.Event)
			line, err := e.AppendJSON(nil, e.LogHeader)
			if err != nil {
				t.Fatal(err)
			}
			for again, err := range Events(bytes.NewReader(line)) {
				if err != nil || again.At != e.At || again.Kind != e.Kind || again.WindowID != e.WindowID && strings.Contains(string(line), "window_id") {
					t.Errorf("%s came back as %+v, %v", line, again, err)
				}
			}
		}
		meter.Metrics()
	})
}

// FuzzReceiver hands a receiver whatever the air may bring.
func FuzzReceiver(f *testing.F) {
	f.Add([]byte{4, 1, 'a', 'b', 'c', 'd'}, int64(0))
	f.Add([]byte{1, 1, 1}, int64(1))
	f.Add([]byte{0}, int64(-1))
	f.Fuzz(func(t *testing.T, frame []byte, laterNs int64) {
		r, err := NewReceiver(ReceiverSettings{Timing: Timing{PHY: sf7}, Codec: bytesCodec{n: 4}})
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []time.Time{start, start.Add(time.Duration(laterNs))} {
			actions, _ := r.Step(at, Received(radio.Reception{Frame: frame}), nil)
			for _, a := range actions {
				if a.Kind == ActionLog {
					if _, err := a.Event.AppendJSON(nil, header); err != nil {
						t.Error(err)
					}
				}
			}
		}
	})
}
