package runspec

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/radio"
)

const example = `
run_id: example_bam            # non-empty
role: tx                       # tx | rx
mode: LATENT                   # RAW | LATENT
phy: {sf: 7, bw_hz: 125000, cr: 5, preamble: 8, crc_on: false, explicit_header: true,
      tx_power_dbm: 22, ldro: auto}      # cr 1..4 or 5..8; ldro true|false|auto(default)
window: {dims: 12, W: 1, stride: 1, sample_hz: 1.0}
codec: {id: bam, version: "0", params: {manifest_path: models/<model_id>/bam_manifest.json}}
tx: {guard_ms: 20, ack_timeout_ms: auto, max_retries: 0, max_inflight: 1, max_windows: 20}
logging: {out_dir: out/runtime}
max_payload_bytes: 238         # 1..255, default 238
artifacts_manifest: models/<model_id>/artifacts.json
`

func ExampleParse() {
	_, err := Parse([]byte(`{"run_id": "a", "role": "both", "mode": "LATENT", "phy": {"profile": "e22_2.4k", "sf": 13},
		"window": {"W": 1, "sample_hz": 1}, "codec": {"id": "raw", "version": "1"}, "logging": {"out_dir": "out"}, "tx": {"guard": 20}}`))
	if invalid, ok := errors.AsType[*Error](err); ok {
		for _, f := range invalid.Faults {
			fmt.Println(f)
		}
	}
	// Output:
	// tx.guard: unknown key, want one of guard_ms ack_timeout_ms max_retries max_inflight max_windows queue queue_len duty_cycle
	// role: "both", want tx or rx
	// phy.sf: 13, want 5..12
}

func TestParseExample(t *testing.T) {
	got, err := Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	want := &RunSpec{
		RunID: "example_bam", Role: RoleTX, Mode: ModeLatent,
		PHY:    PHY{SF: 7, BandwidthHz: 125000, CodingRate: 5, Preamble: 8, ExplicitHeader: true, TxPowerDBm: 22},
		Window: Window{Dims: 12, W: 1, Stride: 1, SampleHz: 1},
		Codec: Codec{ID: "bam", Version: "0",
			Params: map[string]any{"manifest_path": "models/<model_id>/bam_manifest.json"}},
		TX: TX{GuardMs: 20, AckTimeoutMs: 0, MaxRetries: 0, MaxInFlight: 1, MaxWindows: 20,
			Queue: QueueBlock, QueueLen: 64},
		Logging: Logging{OutDir: "out/runtime"}, MaxPayloadBytes: 238,
		ArtifactsManifest: "models/<model_id>/artifacts.json",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if id := got.PHY.Radio().ID(); id != "sf7_bw125000_cr5_pre8_crc0_hdr1_pwr22" {
		t.Error(id)
	}
	for _, name := range []string{"spec.yaml", "spec.json"} {
		path := filepath.Join(t.TempDir(), name)
		if err := got.Save(path); err != nil {
			t.Fatal(err)
		}
		again, err := Load(path)
		if err != nil || !reflect.DeepEqual(again, want) {
			t.Errorf("saved as %s: %+v, %v", name, again, err)
		}
	}
}

func TestRepositorySpecsLoad(t *testing.T) {
	for _, name := range []string{"tx_sf7", "rx_sf7", "tx_sf12", "rx_sf12"} {
		spec, err := Load(testenv.Repo("testdata", "runspecs", name+".yaml"))
		if err != nil {
			t.Error(err)
		} else if !strings.HasPrefix(name, spec.Role) || !strings.HasSuffix(name, fmt.Sprint("sf", spec.PHY.SF)) {
			t.Errorf("%s holds role %s, SF%d", name, spec.Role, spec.PHY.SF)
		}
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name string
		edit []string // pairs of old and new text in the example
		want []string // every fault, in order
	}{
		{"nothing wrong", nil, nil},
		{"spreading factor", []string{"sf: 7", "sf: 13"}, []string{"phy.sf: 13, want 5..12"}},
		{"all over", []string{"sf: 7", "sf: 13", "cr: 5", "cr: 9", "role: tx", "role: relay", "max_payload_bytes: 238", "max_payload_bytes: 256",
			"W: 1", "W: many", "max_inflight: 1", "max_inflight: 128"},
			[]string{`window.W: "many", want 1..4096`, `role: "relay", want tx or rx`, "tx.max_inflight: 128, want 1..127",
				"max_payload_bytes: 256, want 1..255", "phy.sf: 13, want 5..12", "phy.cr: 9, want 1..4 or 5..8"}},
		{"a key misspelt", []string{"guard_ms", "gaurd_ms"}, []string{"tx.guard_ms: missing, want 0 or more",
			"tx.gaurd_ms: unknown key: did you mean guard_ms?"}},
		{"a section missing", []string{"logging: {out_dir: out/runtime}", ""}, []string{"logging: missing, want a mapping"}},
		{"a section of the wrong kind", []string{"{out_dir: out/runtime}", "[1]"}, []string{"logging: a list, want a mapping"}},
		{"a run_id that leaves the folder", []string{"example_bam", "../../etc/x"}, []string{`run_id: "../../etc/x", want a name without path separators`}},
		{"a run_id that is the folder", []string{"example_bam", ".."}, []string{`run_id: "..", want a name without path separators`}},
		{"ack timeout zero", []string{"ack_timeout_ms: auto", "ack_timeout_ms: 0"}, []string{"tx.ack_timeout_ms: 0, want auto, or 1..3600000"}},
		{"ack timeout a word", []string{"ack_timeout_ms: auto", "ack_timeout_ms: soon"}, []string{`tx.ack_timeout_ms: "soon", want auto, or 1..3600000`}},
		{"windows zero", []string{"max_windows: 20", "max_windows: 0"}, []string{"tx.max_windows: 0, want 1 or more, or none"}},
		{"windows none", []string{"max_windows: 20", "max_windows: null"}, nil},
		{"half a window", []string{"W: 1", "W: 1.5"}, []string{"window.W: 1.5, want 1..4096"}},
		{"a version as a number", []string{`"0"`, "0"}, []string{"codec.version: 0, want a version in quotes"}},
		{"profile unknown", []string{"sf: 7", "profile: fast"}, []string{`phy.profile: "fast", want one of e22_0.3k e22_1.2k e22_2.4k e22_4.8k e22_9.6k e22_19.2k e22_38.4k e22_62.5k`}},
		{"cr written 1", []string{"cr: 5", "cr: 1"}, nil},
		{"rx needs no tx", []string{"role: tx", "role: rx", "tx: {guard_ms: 20, ack_timeout_ms: auto, max_retries: 0, max_inflight: 1, max_windows: 20}", ""}, nil},
		{"bad sample rate", []string{"sample_hz: 1.0", "sample_hz: .inf"}, []string{"window.sample_hz: +Inf, want more than 0"}},
		{"an alias", []string{"{out_dir: out/runtime}", "&a {out_dir: out/runtime}"}, []string{"an anchor or alias in line 10, want values written out"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec, err := Parse([]byte(strings.NewReplacer(c.edit...).Replace(example)))
			if len(c.want) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if spec != nil || !errors.Is(err, ErrInvalid) {
				t.Fatalf("%v, %v", spec, err)
			}
			if got, want := err.Error(), "runspec: "+strings.Join(c.want, "; "); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestLoadFaults(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(filepath.Join(dir, "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	path := filepath.Join(dir, "spec.yaml")
	for _, c := range []struct{ name, data, want string }{
		{"empty", "", "the file is empty, want a mapping"},
		{"only a comment", "# nothing\n", "the file has only comments, want a mapping"},
		{"two documents", "a: 1\n---\nb: 2\n", "2 YAML documents, want one"},
		{"a list", "- 1\n", "a list, want a mapping with run_id, role, ..."},
		{"a record", "phase: 1\nrun_id: x\nresults: {}\n", "this is a record of an experiment, want a RunSpec, with role, phy and codec"},
		{"a ladder", `{"rungs": [], "tolerances": []}`, "this is a ladder.json (a RunSpec names it in codec.params.ladder_path), want a RunSpec"},
		{"a manifest", `{"manifest_version": "1", "model_format": "x"}`, "this is a model's manifest (a RunSpec names it in codec.params.manifest_path), want a RunSpec"},
		{"a key twice", "run_id: a\nrun_id: b\n", "line 2: not valid YAML: "},
		{"no YAML", "run_id: [a\n", "line 1: not valid YAML: "},
		{"too deep", strings.Repeat("[", 2000), "2000 opening brackets, want at most 1000"},
		{"too large", strings.Repeat("#", MaxFileBytes+1), "more than 65536 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(c.data), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(path)
			if !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), "runspec: "+path+": "+c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Error("more than one line")
			}
		})
	}
}

func TestProfileFillsWhatIsNotGiven(t *testing.T) {
	spec, err := Parse([]byte(strings.Replace(example, "sf: 7, bw_hz: 125000, cr: 5, preamble: 8, crc_on: false, explicit_header: true",
		"profile: e22_2.4k, crc_on: true", 1)))
	if err != nil {
		t.Fatal(err)
	}
	want := radio.PHY{SF: 10, BandwidthHz: 500000, CodingRate: 4, Preamble: 8, CRC: true, ExplicitHeader: true, TxPowerDBm: 22}
	if spec.PHY.Radio() != want {
		t.Errorf("got %+v", spec.PHY)
	}
	b, err := spec.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Parse(b); err != nil || !reflect.DeepEqual(again, spec) {
		t.Errorf("%s\ncame back as %+v, %v", b, again, err)
	}
	if toa := spec.PHY.Radio().TimeOnAir(10); toa <= 0 || toa > time.Second {
		t.Errorf("time on air %v", toa)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(`{"run_id": "a", "phy": {"profile": "e22_0.3k", "ldro": true}, "tx": {"max_windows": null}}`))
	f.Add([]byte("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"))
	f.Add([]byte("[[[[[[[[[[[[[[[["))
	f.Add([]byte("run_id: 1e400\nwindow: {W: .nan}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		spec, err := Parse(data)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("%v is no ErrInvalid", err)
			}
			return
		}
		b, err := spec.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Parse(b); err != nil {
			t.Errorf("saved as\n%s\nand refused: %v", b, err)
		} else if again.RunID != spec.RunID || again.PHY != spec.PHY || again.TX != spec.TX {
			t.Errorf("%+v came back as %+v", spec, again)
		}
	})
}

// Lists in lists, in one line or in many, cost little.
func TestNestedRunSpec(t *testing.T) {
	testenv.OwnProcess(t, 120, 5*time.Second, func() {
		var stairs, keys strings.Builder
		for i := 0; stairs.Len() < MaxFileBytes-1000; i++ {
			stairs.WriteString(strings.Repeat(" ", i) + "-\n")
		}
		for i := 0; keys.Len() < MaxFileBytes-20; i++ {
			fmt.Fprintf(&keys, "k%d:\n", i)
		}
		for name, text := range map[string]string{
			"dashes":          strings.Repeat("- ", MaxFileBytes/2-1),
			"dashes and tabs": strings.Repeat("-\t", MaxFileBytes/2-1),
			"a key's dashes":  "a:\n  " + strings.Repeat("- ", MaxFileBytes/2-9),
			"questions":       strings.Repeat("? ", MaxFileBytes/2-1),
			"dash, question":  strings.Repeat("- ? ", MaxFileBytes/4-1),
			"stairs":          stairs.String(),
			"keys":            keys.String(),
			"brackets":        strings.Repeat("[", 1000),
		} {
			if _, err := Parse([]byte(text)); !errors.Is(err, ErrInvalid) || len(err.Error()) > 3000 {
				t.Errorf("%s: %.3000v", name, err)
			}
		}
	})
	if _, err := Parse([]byte("# " + strings.Repeat("- ", 200) + "\n" + example)); err != nil {
		t.Errorf("a comment of dashes: %v", err)
	}
}
