package cli

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
)

const columnsSpec = `run_id: ROLE_CODEC
role: ROLE
mode: LATENT
phy: {sf: 7, bw_hz: 125000, cr: 5, preamble: 8, crc_on: true, explicit_header: true, tx_power_dbm: 22, ldro: auto}
window: {dims: DIMS, W: STEPS, stride: 1, sample_hz: 1.0}
codec: CODEC
tx: {guard_ms: 20, ack_timeout_ms: auto, max_retries: 8, max_inflight: 1, queue: block, queue_len: 64, max_windows: 20}
logging: {out_dir: out/run}
max_payload_bytes: 238
`

// weatherCSV is a recording of temperature, humidity and pressure, a sample a minute.
func weatherCSV(n int) string {
	var b strings.Builder
	b.WriteString("time,Temperature,note,RH,pressure\n")
	for i := range n {
		day := float64(i) / 1440 * 2 * math.Pi
		fmt.Fprintf(&b, "%d,%.2f,,%.1f,%.1f\n", 1760000000+60*i, 15+8*math.Sin(day)+0.1*math.Sin(float64(i*i)), 60+20*math.Cos(day), 1013+6*math.Sin(day/3))
	}
	return b.String()
}

// Three and six values go from a recording through every program: cut into windows, a
// model and a ladder of them, their evaluation, a link, and its report.
func TestColumnsEndToEnd(t *testing.T) {
	for _, c := range []struct {
		name, recording, sampler, columns, tolerances string
		steps                                         int
		schema                                        sensor.Schema
	}{
		{"three", "weather.csv", "csv", "temp:degC=Temperature,hum:%=RH,pressure:hPa,ts=time", "0.1,1,0.5", 1,
			sensor.Named([]string{"temp", "hum", "pressure"}, map[string]string{"temp": "degC", "hum": "%", "pressure": "hPa"})},
		{"six, two steps", "walk.jsonl", "jsonl", "@columns.txt", "0.5,0.5,0.5,5,5,5", 2,
			sensor.Motion()[3:9]},
	} {
		t.Run(c.name, func(t *testing.T) {
			bin, dir := programs(t), t.TempDir()
			walk, err := os.ReadFile(testenv.Repo("testdata", "walk.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			put := func(name, text string) {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			put("weather.csv", weatherCSV(900))
			put("walk.jsonl", string(walk))
			put("columns.txt", "# acceleration and angular rate\nax\nay\naz\ngx:deg/s\ngy:deg/s=gy\ngz\n")
			for _, role := range []string{"tx", "rx"} {
				for codec, spec := range map[string]string{
					"bam":    `{id: bam, version: "0", params: {manifest_path: out/m/bam_manifest.json}}`,
					"ladder": `{id: bounded, version: "1", params: {ladder_path: out/l/ladder.json}}`,
				} {
					text := strings.NewReplacer("ROLE_CODEC", codec, "ROLE", role, "DIMS", fmt.Sprint(len(c.schema)), "STEPS", fmt.Sprint(c.steps), "CODEC", spec).Replace(columnsSpec)
					put(codec+"_"+role+".yaml", text)
				}
			}
			program := func(line string) string {
				words := strings.Fields(line)
				cmd := exec.CommandContext(t.Context(), filepath.Join(bin, words[0]), words[1:]...)
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %v\n%s", line, err, out)
				}
				return string(out)
			}
			w := fmt.Sprintf(" --window-W %d", c.steps)
			program("samples --in " + c.recording + " --columns " + c.columns + " --out out/d.jsonl --samples-out out/again.jsonl" + w)
			checkSchema(t, filepath.Join(dir, "out/d.jsonl"), c.schema)
			program("train --dataset out/d.jsonl --out-dir out/m --method pca --latent-dim 3 --packing int16" + w)
			program("ladder --dataset out/d.jsonl --out-dir out/l --tolerances " + c.tolerances + w)
			for _, line := range []string{"eval --dataset out/d.jsonl --bam-manifest out/m/bam_manifest.json", "eval --dataset out/d.jsonl --ladder out/l/ladder.json"} {
				out := program(line)
				for _, v := range c.schema {
					if !strings.Contains(out, v.Name+" ") || !strings.Contains(out, " "+strings.Replace(v.Unit, "^2", "²", 1)) {
						t.Errorf("%s prints no %s in %s:\n%s", line, v.Name, v.Unit, out)
					}
				}
			}
			for _, codec := range []string{"bam", "ladder"} {
				tx, rx := codec+"_tx.yaml", codec+"_rx.yaml"
				out := program("link --tx " + tx + " --rx " + rx + " --samples " + c.recording + " --columns " + c.columns + " --loss 0.1")
				if !strings.Contains(out, "20 windows of "+c.recording) || !strings.Contains(out, "zscored.mse") {
					t.Errorf("link prints\n%s", out)
				}
				sent, got := "out/sent_"+codec+".jsonl", "out/got_"+codec+".jsonl"
				program("tx --runspec " + tx + " --sampler " + c.sampler + " --sensor-path " + c.recording + " --columns " + c.columns + " --radio mock --dataset-out " + sent)
				program("rx --runspec " + rx + " --radio mock --dataset-out " + got)
				for _, name := range []string{sent, got} {
					if n := checkSchema(t, filepath.Join(dir, name), c.schema); n != 20 {
						t.Errorf("%s has %d windows, want 20", name, n)
					}
				}
				out = program("report --tx out/run/" + codec + "_tx.jsonl --dataset " + sent)
				if !strings.Contains(out, "20") {
					t.Errorf("report prints\n%s", out)
				}
			}
		})
	}
}

// checkSchema checks the names and units of each window of a data set, and returns the
// number of windows.
func checkSchema(t *testing.T, path string, want sensor.Schema) int {
	t.Helper()
	n := 0
	for w, err := range dataset.OpenWindows(path, dataset.WindowSettings{}) {
		if err != nil {
			t.Fatal(err)
		}
		if got := sensor.Named(w.Order, w.Units); !got.Equal(want) {
			t.Fatalf("%s: window %d has %v, want %v", path, w.ID, got, want)
		}
		n++
	}
	return n
}

// A mistake with columns gets exactly this line.
func TestColumnsMistakes(t *testing.T) {
	bin, dir := programs(t), t.TempDir()
	for name, text := range map[string]string{
		"weather.csv":   weatherCSV(5),
		"weather.jsonl": `{"time":1,"Temperature":15,"air":{"RH":60}}` + "\n",
		"tx.yaml":       strings.NewReplacer("ROLE_CODEC", "a", "ROLE", "tx", "DIMS", "3", "STEPS", "1", "CODEC", `{id: raw, version: "1"}`).Replace(columnsSpec),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ line, want string }{
		{"samples --in weather.csv --columns temp=Temp,hum=RH,ts=time --out d.jsonl", "samples: dataset: weather.csv:1: header: found time,Temperature,note,RH,pressure, want also the columns Temp"},
		{"samples --in weather.jsonl --columns temp=Temp,hum=air.RH,ts=time --out d.jsonl", "samples: dataset: weather.jsonl:1: Temp: found no value, want a number; the line has the keys time, Temperature, air"},
		{"samples --in weather.csv --columns temp=Temperature,temp=RH --out d.jsonl", `samples: invalid value "temp=Temperature,temp=RH" for flag -columns: dataset: invalid settings: two columns have the name "temp", want unique names (--help lists the flags)`},
		{"samples --in weather.csv --columns @none --out d.jsonl", `samples: invalid value "@none" for flag -columns: dataset: none: no such file or directory (--help lists the flags)`},
		{"tx --runspec tx.yaml --sampler csv --sensor-path weather.csv --radio mock", "tx: endpoint: invalid settings: RunSpec window.dims is 3, want the 12 values of motion samples, or columns with the names of 3 values (--columns)"},
		{"tx --runspec tx.yaml --sampler csv --sensor-path weather.csv --columns a,b --radio mock", "tx: endpoint: invalid settings: RunSpec window.dims is 3, want 2, the number of columns with values"},
		{"tx --runspec tx.yaml --sampler dummy --columns a,b,c --radio mock", "tx: --columns is for recordings, want it unset with --sampler dummy"},
	} {
		words := strings.Fields(c.line)
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, words[0]), words[1:]...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err == nil || got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.line, got, c.want)
		}
	}
}
