package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// stubbornVariable makes the test binary the program of TestSecondInterruptEnds.
const stubbornVariable = "CLI_TEST_STUBBORN"

// stubborn ignores its context.
func stubborn() {
	Main("stubborn", func(ctx context.Context, _ []string, out, _ io.Writer) error {
		fmt.Fprintln(out, "running")
		<-ctx.Done()
		fmt.Fprintln(out, "interrupted")
		time.Sleep(time.Hour)
		return nil
	})
}

// A program that ignores its context ends at the second interrupt.
func TestSecondInterruptEnds(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot send an interrupt to another one here")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), stubbornVariable+"=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() { // running, interrupted
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	err = cmd.Wait()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != exitInterrupted || !strings.Contains(stderr.String(), "stubborn: interrupted a second time") {
		t.Errorf("%v, %q", err, stderr.String())
	}
}
