package export

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/testenv"
)

// A node in C sends 500 windows over a terminal to examples/rx. Some frames are lost and
// some come twice; each window is delivered once, in order.
func TestNode(t *testing.T) {
	if testing.Short() {
		t.Skip("builds examples/rx")
	}
	socat := testenv.Program(t, "socat")
	const windows = 500
	model := testenv.Repo("examples", "embed", "model")
	c, err := codec.Load(model)
	if err != nil {
		t.Fatal(err)
	}
	files, err := C(c, &Settings{Name: "truck", Vectors: 1})
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t, files)
	node := compile(t, dir, "gcc", []string{"-O2", "-I", "testdata/node"}, filepath.Join(dir, "truck.c"), "testdata/node/node.c", "testdata/node/host.c")

	// A terminal with two ends.
	ends := []string{filepath.Join(dir, "node"), filepath.Join(dir, "rx")}
	start(t, exec.Command(socat, "pty,raw,echo=0,link="+ends[0], "pty,raw,echo=0,link="+ends[1]))
	until(t, func() bool { _, err := os.Stat(ends[0]); _, err2 := os.Stat(ends[1]); return err == nil && err2 == nil })

	// The receiver.
	rx := filepath.Join(dir, "receiver")
	if out, err := exec.Command("go", "build", "-o", rx, "github.com/loralink/loralink-go/examples/rx").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	spec := filepath.Join(dir, "rx.yaml")
	text := fmt.Sprintf(`run_id: node
role: rx
mode: LATENT
phy: {sf: 7, bw_hz: 125000, cr: 5, preamble: 8, crc_on: true, explicit_header: true, tx_power_dbm: 22}
window: {dims: 12, W: 1, stride: 1, sample_hz: 1.0}
codec: {id: bam, version: "0", params: {manifest_path: %[1]s/bam_manifest.json}}
tx: {guard_ms: 20, ack_timeout_ms: 500, max_retries: 20, max_inflight: 1}
logging: {out_dir: %[2]s/log}
artifacts_manifest: %[1]s/artifacts.json
`, filepath.ToSlash(model), filepath.ToSlash(dir))
	if err := os.WriteFile(spec, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	received := filepath.Join(dir, "received.jsonl")
	receiver := exec.Command(rx, "--runspec", spec, "--radio", "uart", "--uart-port", ends[1], "--uart-baud", "115200", "--dataset-out", received)
	var stderr bytes.Buffer
	receiver.Stderr = &stderr
	stdout, err := receiver.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, receiver)
	first := make([]byte, 9)
	if _, err := io.ReadFull(stdout, first); err != nil || string(first) != "receiving" {
		receiver.Wait()
		t.Fatalf("%q, %v, %s", first, err, stderr.String())
	}

	// The node.
	var input []byte
	var want [][]float64
	for w, err := range dataset.Windows(dataset.OpenSamples(testenv.Repo("testdata", "walk.jsonl"), dataset.SampleSettings{}), dataset.WindowerSettings{W: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(want) == windows {
			break
		}
		for _, v := range w.Values {
			input = binary.LittleEndian.AppendUint64(input, math.Float64bits(v))
		}
		payload, err := c.AppendEncode(nil, w.Values)
		if err != nil {
			t.Fatal(err)
		}
		back, err := c.AppendDecode(nil, payload)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, back)
	}
	if len(want) != windows {
		t.Fatalf("the recording has %d windows, want %d", len(want), windows)
	}
	cmd := exec.Command(node, ends[0], "250", "53", "7")
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("node: %v\n%s\n%s", err, out, stderr.String())
	}
	var sent, attempts int
	if _, err := fmt.Sscanf(string(out), "%d windows in %d attempts", &sent, &attempts); err != nil || sent != windows || attempts <= windows {
		t.Errorf("node: %q, want %d windows in more attempts", out, windows)
	}
	if err := receiver.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(stdout)
	if err := receiver.Wait(); err != nil {
		t.Fatalf("rx: %v\n%s%s", err, rest, stderr.String())
	}
	var got [][]float64
	for w, err := range dataset.OpenWindows(received, dataset.WindowSettings{Dims: 12}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, slices.Clone(w.Values))
	}
	if !slices.EqualFunc(got, want, slices.Equal[[]float64]) {
		t.Errorf("%d windows were delivered, want %d, as Go decodes them\n%s", len(got), windows, strings.TrimSpace(string(rest)))
	}
}

// start starts a program that ends with the test.
func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// until waits for a condition, at most a minute.
func until(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("gave up after a minute")
		}
	}
}
