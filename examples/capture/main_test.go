package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/examples/cli/clitest"
	"github.com/loralink/loralink-go/internal/testenv"
)

const sample = `{"lat":1,"lon":2,"alt":3,"ax":0,"ay":0,"az":9.8,"gx":0,"gy":0,"gz":0,"roll":0,"pitch":0,"yaw":90}`

// A sensor on a pseudo-terminal.
func TestCapture(t *testing.T) {
	socat, err := exec.LookPath("socat")
	if err != nil {
		if testenv.CI() {
			t.Fatal("LORALINK_CI is set, but found no socat")
		}
		t.Skip("socat is not installed")
	}
	dir := t.TempDir()
	sensor, port := filepath.Join(dir, "sensor"), filepath.Join(dir, "port")
	cmd := exec.Command(socat, "pty,raw,echo=0,link="+sensor, "pty,raw,echo=0,link="+port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	var w *os.File
	for range 1000 {
		if _, err := os.Stat(port); err == nil {
			if w, err = os.OpenFile(sensor, os.O_RDWR, 0); err == nil {
				break
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	if w == nil {
		t.Fatal("socat made no terminals")
	}
	defer w.Close()
	done := make(chan struct{})
	defer close(done)
	go func() { // a sensor sends, whether anyone listens or not
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				if _, err := io.WriteString(w, "boot\r\n"+sample+"\r\n"); err != nil {
					return
				}
			}
		}
	}()
	out := filepath.Join(dir, "new", "sensor.jsonl")
	var stdout, stderr bytes.Buffer
	args := []string{"--port", port, "--out", out, "--timeout-s", "0.05"}
	if err := run(t.Context(), append(args, "--max-lines", "3"), &stdout, &stderr); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(stdout.String(), "3 samples, 3 of them without a time") || !strings.Contains(stderr.String(), "such lines are left out") {
		t.Errorf("printed\n%s%s", stdout.String(), stderr.String())
	}
	// It appends, and ends after a time.
	if err := run(t.Context(), append(args, "--duration-s", "0.5"), io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if err != nil || bytes.Count(b, []byte("\n")) < 3 || !bytes.HasPrefix(b, []byte(`{"ts_ms":`)) || bytes.Contains(b, []byte("boot")) {
		t.Errorf("%v\n%s", err, b)
	}
}

func TestCarelessUse(t *testing.T) {
	for _, c := range []struct {
		args  string
		usage bool
		want  string
	}{
		{"", true, "--port is missing"},
		{"--port x", true, "--out is missing"},
		{"--port x --out y --baud 0", true, "--baud is 0"},
		{"--port x --out y --duration-s -1", true, "--duration-s is -1"},
		{"--port x --out y --max-lines -1", true, "--max-lines is -1"},
		{"--port x --out y --timeout-s 0", true, "--timeout-s is 0"},
		{"--port " + filepath.Join(t.TempDir(), "none") + " --out y", false, "none"},
	} {
		clitest.Refused(t, c.args, run(t.Context(), strings.Fields(c.args), io.Discard, io.Discard), c.usage, c.want)
	}
}
