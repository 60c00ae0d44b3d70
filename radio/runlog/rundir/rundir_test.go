package rundir_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/runlog/rundir"
)

// spec is a RunSpec as a log holds it.
const spec = `{"run_id":"walk","role":"ROLE","mode":"LATENT","phy":{"sf":7,"bw_hz":125000,"cr":5,"preamble":8,"crc_on":true,"explicit_header":true,` +
	`"tx_power_dbm":22},"window":{"dims":12,"W":1,"stride":1,"sample_hz":1.0},"codec":{"id":"raw","version":"1","params":{}},` +
	`"tx":{"guard_ms":20,"ack_timeout_ms":null,"max_retries":1,"max_inflight":1},"logging":{"out_dir":"out"},"max_payload_bytes":238}`

// manifest is an artifacts.json of codec raw, with its fingerprint.
const (
	manifest = `{"codec_id":"raw","codec_version":"1","git_commit":null,"norm_params_hash":null,` +
		`"payload_schema_hash":"636730bf7b7a11ccb26ab057ae3d11a3871ddf8f364b4150c7bedb8fb598ff4d","created_at":"TODO"}`
	fingerprint = "95f33b4c3a82fa3b03ba10a3527ae625a9f8f8d085c4453abf32ec7a891dd911"
)

const (
	sent = `{"ts_ms":1,"run_id":"walk","event":"tx_sent","role":"tx","phy_id":"sf7","window_id":0,"seq":9,"attempt":1,"payload_bytes":2,"frame_bytes":4,"payload":"0102"}
{"ts_ms":2,"run_id":"walk","event":"ack_received","role":"tx","phy_id":"sf7","window_id":0,"ack_seq":9}
{"ts_ms":3,"run_id":"walk","event":"tx_sent","role":"tx","phy_id":"sf7","window_id":1,"seq":10,"attempt":1,"payload_bytes":2,"frame_bytes":4,"payload":"0304"}
{"ts_ms":4,"run_id":"walk","event":"tx_failed","role":"tx","phy_id":"sf7","window_id":1,"seq":10,"reason":"no ack","attempts":1}
`
	arrived = `{"ts_ms":1,"run_id":"walk","event":"rx_ok","role":"rx","phy_id":"sf7","seq":9,"payload_bytes":2,"frame_bytes":4,"payload":"0102"}
{"ts_ms":1,"run_id":"walk","event":"ack_sent","role":"rx","phy_id":"sf7","ack_seq":9}
`
)

// start returns a run_start.
func start(role string) string {
	return fmt.Sprintf(`{"ts_ms":0,"run_id":"walk","event":"run_start","role":%q,"phy_id":"sf7","runspec":%s,"artifacts_manifest":%s,"manifest_fingerprint":%q}`+"\n",
		role, strings.Replace(spec, "ROLE", role, 1), manifest, fingerprint)
}

// write writes a file into a folder and returns its path.
func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func Example() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	log := filepath.Join(dir, "walk_tx.jsonl")
	if err := os.WriteFile(log, []byte(start("tx")+sent), 0o644); err != nil {
		fmt.Println(err)
		return
	}
	p, err := rundir.Pack(context.Background(), rundir.PackSettings{Logs: []string{log}, OutDir: filepath.Join(dir, "packages")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.RunID, p.Files[0].Path, len(p.Files[0].SHA256))
	report, err := rundir.Check(rundir.CheckSettings{Logs: []string{log}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Runs[0].Warnings[0])
	fmt.Println(report.Err(false))
	// Output:
	// walk logs/walk_tx.jsonl 64
	// found no log of the receiver: what was sent is not compared with what was received
	// <nil>
}

func TestPack(t *testing.T) {
	dir := t.TempDir()
	tx, rx := write(t, dir, "walk_tx.jsonl", start("tx")+sent), write(t, dir, "walk_rx.jsonl", start("rx")+arrived)
	extra := filepath.Join(dir, "model")
	if err := os.MkdirAll(filepath.Join(extra, "deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(extra, "deep"), "norm.json", "{}")
	data := write(t, dir, "sent.jsonl", `{"window":[1]}`)
	s := rundir.PackSettings{Logs: []string{tx, rx}, Dataset: data, Extra: []string{extra, tx}, OutDir: filepath.Join(dir, "out"), Zip: true}
	p, err := rundir.Pack(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range p.Files {
		paths = append(paths, f.Path)
		want, err := os.ReadFile(f.Source)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(p.Dir, f.Path)); err != nil || !bytes.Equal(got, want) || f.Bytes != int64(len(want)) {
			t.Errorf("%s: %v, %d bytes", f.Path, err, f.Bytes)
		}
	}
	if want := []string{"dataset/sent.jsonl", "extra/model/deep/norm.json", "extra/walk_tx.jsonl", "logs/walk_rx.jsonl", "logs/walk_tx.jsonl"}; !reflect.DeepEqual(paths, want) {
		t.Errorf("files %v", paths)
	}
	sums, err := os.ReadFile(filepath.Join(p.Dir, rundir.SumsFile))
	if err != nil || !strings.Contains(string(sums), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a  extra/model/deep/norm.json\n") {
		t.Errorf("%v\n%s", err, sums)
	}
	archive := func() []byte {
		b, err := os.ReadFile(p.Dir + ".zip")
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first := archive()
	z, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil || len(z.File) != len(p.Files)+2 || z.File[0].Name != "walk/package.json" {
		t.Errorf("zip: %v, %v", z, err)
	}
	if _, err := rundir.Pack(t.Context(), s); !errors.Is(err, rundir.ErrExists) {
		t.Errorf("a second time: %v", err)
	}
	s.Overwrite = true
	if _, err := rundir.Pack(t.Context(), s); err != nil || !bytes.Equal(archive(), first) {
		t.Errorf("overwritten: %v", err)
	}
	entries, err := os.ReadDir(s.OutDir)
	if err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestPackRefuses(t *testing.T) {
	dir := t.TempDir()
	log := write(t, dir, "walk_tx.jsonl", sent)
	other := write(t, dir, "ride_tx.jsonl", strings.ReplaceAll(sent, "walk", "ride"))
	write(t, dir, "empty.jsonl", "")
	up := write(t, dir, "up.jsonl", strings.ReplaceAll(sent, "walk", `../up`))
	foreign := filepath.Join(dir, "walk")
	if err := os.Mkdir(foreign, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, foreign, "mine.txt", "keep")
	for _, c := range []struct {
		name string
		s    rundir.PackSettings
		is   error
		want string
	}{
		{"no logs", rundir.PackSettings{OutDir: dir}, rundir.ErrSettings, "Logs is empty"},
		{"two runs", rundir.PackSettings{Logs: []string{log, other}}, rundir.ErrSettings, "run_ids ride, walk: want RunID (--run-id)"},
		{"another run", rundir.PackSettings{Logs: []string{log}, RunID: "ride"}, rundir.ErrSettings, "RunID is ride, but the logs have walk"},
		{"a path as run_id", rundir.PackSettings{Logs: []string{up}}, rundir.ErrSettings, "without path separators"},
		{"an empty log", rundir.PackSettings{Logs: []string{filepath.Join(dir, "empty.jsonl")}}, runlog.ErrNoEvents, "empty.jsonl"},
		{"a missing log", rundir.PackSettings{Logs: []string{filepath.Join(dir, "none.jsonl")}}, os.ErrNotExist, "none.jsonl"},
		{"a missing data set", rundir.PackSettings{Logs: []string{log}, Dataset: filepath.Join(dir, "none.jsonl"), OutDir: t.TempDir()}, os.ErrNotExist, "none.jsonl"},
		{"a log twice", rundir.PackSettings{Logs: []string{log, log}, OutDir: t.TempDir()}, rundir.ErrSettings, "want files with different names"},
		{"a folder that is no package", rundir.PackSettings{Logs: []string{log}, OutDir: dir, Overwrite: true}, rundir.ErrExists, "found no package.json in it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := rundir.Pack(t.Context(), c.s); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(foreign, "mine.txt")); err != nil {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	given := write(t, dir, "tx.json", strings.NewReplacer("ROLE", "tx", `"ack_timeout_ms":null`, `"ack_timeout_ms":"auto"`).Replace(spec))
	hashes := write(t, dir, "artifacts.json", manifest)
	full := write(t, dir, "full.jsonl", `{"window_id":0,"run_id":"walk","window":[1]}`+"\n"+`{"window_id":1,"run_id":"walk","window":[1]}`+"\n"+`{"window_id":7,"run_id":"ride","window":[1]}`+"\n")
	short := write(t, dir, "short.jsonl", `{"window_id":0,"window":[1]}`+"\n"+`{"window_id":2,"window":[1]}`+"\n")
	tx, rx := start("tx")+sent, start("rx")+arrived
	replace := func(text, old, new string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("no %s in %s", old, text)
		}
		return strings.Replace(text, old, new, 1)
	}
	for _, c := range []struct {
		name     string
		tx, rx   string // "": no such log
		s        rundir.CheckSettings
		errors   string
		warnings string
	}{
		{name: "all is well", tx: tx, rx: rx, s: rundir.CheckSettings{RunSpec: given, Manifest: hashes, Dataset: full}},
		{name: "no receiver", tx: tx, warnings: "found no log of the receiver"},
		{name: "no sender", rx: rx, warnings: "found no log of the sender"},
		{name: "no start", tx: sent, rx: rx, warnings: "tx: no run_start"},
		{name: "a torn line", tx: tx + "{", rx: rx, warnings: "1 lines are not an event"},
		{name: "unlike ends", tx: tx, rx: replace(rx, `"sf":7`, `"sf":9`), errors: "the ends have unlike RunSpecs, tx and rx: phy.sf is 7 and 9"},
		{name: "unlike powers do not matter", tx: tx, rx: replace(rx, `"tx_power_dbm":22`, `"tx_power_dbm":10`)},
		{name: "unlike models", tx: tx, rx: replace(replace(rx, `"created_at":"TODO"`, `"created_at":"NOW"`), fingerprint, "5b0f"),
			errors: "rx: manifest_fingerprint is 5b0f, but artifacts_manifest gives"},
		{name: "another RunSpec", tx: replace(tx, `"guard_ms":20`, `"guard_ms":30`), rx: replace(rx, `"guard_ms":20`, `"guard_ms":30`),
			s: rundir.CheckSettings{RunSpec: given}, errors: "the RunSpec is not"},
		{name: "the hashes of another codec", tx: tx, rx: rx, s: rundir.CheckSettings{Manifest: write(t, dir, "zlib.json", strings.ReplaceAll(manifest, `"raw"`, `"zlib"`))},
			errors: "tx: manifest_fingerprint is " + fingerprint[:12]},
		{name: "a file of hashes with another date", tx: tx, rx: rx, s: rundir.CheckSettings{Manifest: write(t, dir, "later.json", strings.ReplaceAll(manifest, "TODO", "later"))},
			warnings: "is another file than"},
		{name: "acknowledged, not received", tx: tx, rx: start("rx"), errors: "1 windows were acknowledged that the receiver's log does not have"},
		{name: "received, not sent", tx: tx, rx: rx + strings.ReplaceAll(arrived, `seq":9`, `seq":99`), errors: "1 frames were received with a SEQ that the sender's log does not have"},
		{name: "received with other bytes", tx: tx, rx: replace(rx, "0102", "0103"), errors: "1 frames were received with a payload that was not sent"},
		{name: "windows left over", tx: replace(replace(tx, "tx_failed", "x"), "ack_received", "x"), rx: rx, errors: "2 of 2 windows sent were neither acknowledged nor given up"},
		{name: "one in flight at the end", tx: replace(tx, "tx_failed", "x"), rx: rx},
		{name: "an ACK of nothing", tx: replace(tx, `ack_received","role":"tx","phy_id":"sf7","window_id":0`, `ack_received","role":"tx","phy_id":"sf7","window_id":5`), rx: rx,
			errors: "1 ACKs are of windows that were not sent"},
		{name: "acknowledged and given up", tx: replace(tx, `tx_failed","role":"tx","phy_id":"sf7","window_id":1`, `tx_failed","role":"tx","phy_id":"sf7","window_id":0`), rx: rx,
			errors: "1 windows were acknowledged and given up"},
		{name: "sendings that do not add up", tx: replace(tx, `"attempts":1`, `"attempts":2`), rx: rx, errors: "1 windows were given up after another number of sendings"},
		{name: "lengths that do not add up", tx: replace(tx, `"frame_bytes":4`, `"frame_bytes":5`), rx: rx, errors: "1 frames have a frame_bytes that is not payload_bytes + 2"},
		{name: "a payload beyond the RunSpec's", tx: replace(tx, `"max_payload_bytes":238`, `"max_payload_bytes":1`), rx: replace(rx, `"max_payload_bytes":238`, `"max_payload_bytes":1`),
			errors: "found a payload of 2 bytes, want at most 1"},
		{name: "ACKs that do not add up", tx: tx, rx: rx + `{"ts_ms":1,"run_id":"walk","event":"ack_sent","role":"rx","phy_id":"sf7","ack_seq":9}`, errors: "rx: 2 ACKs were sent for 1 frames"},
		{name: "decodings that do not add up", tx: tx, rx: rx + strings.Repeat(`{"ts_ms":1,"run_id":"walk","event":"recon_done","role":"rx","phy_id":"sf7","seq":9}`+"\n", 2),
			errors: "rx: 2 windows were decoded of 1 frames"},
		{name: "a data set that lacks a window", tx: tx, rx: rx, s: rundir.CheckSettings{Dataset: short}, errors: "1 of 2 windows sent are not in", warnings: "1 of 2 windows of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if c.tx != "" {
				c.s.Logs = append(c.s.Logs, write(t, dir, "tx.jsonl", c.tx))
			}
			if c.rx != "" {
				c.s.Logs = append(c.s.Logs, write(t, dir, "rx.jsonl", c.rx))
			}
			report, err := rundir.Check(c.s)
			if err != nil {
				t.Fatal(err)
			}
			run := report.Runs[0]
			match(t, "errors", run.Errors, c.errors)
			match(t, "warnings", run.Warnings, c.warnings)
			faults, warnings := report.Count()
			if (report.Err(false) != nil) != (faults > 0) || (report.Err(true) != nil) != (faults+warnings > 0) {
				t.Errorf("%v, %v", report.Err(false), report.Err(true))
			}
			var out strings.Builder
			report.WriteTable(&out)
			if strings.Count(out.String(), "error: ") != faults || strings.Count(out.String(), "warning: ") != warnings {
				t.Errorf("wrote\n%s", out.String())
			}
		})
	}
}

// match fails the test unless the first text has the wanted part, or there is no text
// if none is wanted.
func match(t *testing.T, kind string, got []string, want string) {
	t.Helper()
	if want == "" && len(got) > 0 || want != "" && (len(got) == 0 || !strings.Contains(got[0], want)) {
		t.Errorf("%s %q, want %q", kind, got, want)
	}
}

// The reference's own program made this report of its logs.
func TestReportOfTheReference(t *testing.T) {
	logs := func(role string) string {
		return testenv.Shared(t, "reference", "logs", "example_raw_raw_"+role+"_"+role+".jsonl")
	}
	report, err := rundir.Check(rundir.CheckSettings{Logs: []string{logs("tx"), logs("rx")},
		RunSpec: testenv.Shared(t, "reference", "configs", "examples", "raw.json")})
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(testenv.Shared(t, "reference", "logs", "validate_raw.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got, want map[string]map[string]any
	if err := errors.Join(json.Unmarshal(b, &got), json.Unmarshal(text, &want)); err != nil {
		t.Fatal(err)
	}
	for id := range want {
		// Package runreport compares the metrics.
		delete(got[id], "metrics")
		delete(want[id], "metrics")
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
