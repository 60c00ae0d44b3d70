package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/internal/testenv"
)

// asProgram, in the environment, makes the test binary the program.
const asProgram = "TX_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		cli.Main("tx", run)
	}
	os.Exit(m.Run())
}

// terminal returns a pseudo-terminal, whose master is the module's end.
func terminal(t *testing.T) (master *os.File, slave string) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), "/dev/ptmx"), fmt.Sprintf("/dev/pts/%d", n)
}

// A signal ends tx although its UART is gone or takes no bytes; a second one ends it at
// once.
func TestSendEndsWhenUARTIsGone(t *testing.T) {
	for _, c := range []struct {
		name    string
		gone    bool // or else nobody reads
		signals []os.Signal
		code    int
	}{
		{"gone", true, []os.Signal{syscall.SIGTERM}, 0},
		{"stuck", false, []os.Signal{os.Interrupt}, 0},
		{"gone, two signals", true, []os.Signal{os.Interrupt, os.Interrupt}, 130},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			master, port := terminal(t)
			defer master.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			dir := t.TempDir()
			cmd := exec.CommandContext(ctx, os.Args[0], "--runspec", spec(t, dir, "tx", ""), "--radio", "uart", "--uart-port", port,
				"--sensor-path", testenv.Repo("testdata", "walk.jsonl"))
			cmd.Env = append(os.Environ(), asProgram+"=1")
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			stdout := bufio.NewReader(out)
			if line, err := stdout.ReadString('\n'); err != nil {
				t.Fatalf("%q, %v, %s", line, err, stderr.String())
			}
			if c.gone {
				master.Close()
			} else if err := unix.IoctlSetInt(int(master.Fd()), unix.TCXONC, unix.TCOOFF); err != nil {
				t.Fatal(err)
			}
			for sent := false; !sent; time.Sleep(10 * time.Millisecond) {
				log, err := os.ReadFile(filepath.Join(dir, "walk_tx.jsonl"))
				sent = strings.Contains(string(log), "tx_sent")
				if ctx.Err() != nil {
					t.Fatalf("no frame is sent: %v, %s", err, stderr.String())
				}
			}
			for i, s := range c.signals {
				if i > 0 {
					time.Sleep(200 * time.Millisecond) // signals of a kind that are pending are one
				}
				if err := cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
			}
			_, _ = io.Copy(io.Discard, stdout)
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit code %d, want %d: %s", code, c.code, stderr.String())
			}
		})
	}
}
