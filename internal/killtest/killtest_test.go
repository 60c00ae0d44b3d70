// Package killtest kills programs at random times, and checks that what they leave can
// be used. LORALINK_KILLS is the number of kills of each program; without it the tests
// are skipped:
//
//	LORALINK_KILLS=20 go test ./internal/killtest
//
// The programs are built with the tag slowdisk, which makes the steps of writing slow, so
// that many kills hit them.
package killtest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/loralink/loralink-go/internal/testenv"
)

// build builds the program examples/name with the tag slowdisk and returns its path.
func build(t *testing.T, name string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no SIGKILL")
	}
	bin := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("go", "build", "-tags", "slowdisk", "-o", bin, "./examples/"+name)
	cmd.Dir = testenv.Repo()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build ./examples/%s: %v\n%s", name, err, out)
	}
	return bin
}

// A killer runs a program and kills it at random times.
type killer struct {
	bin     string
	longest time.Duration // of a run that was not killed
	random  *rand.Rand
	killed  int
	runs    int
}

func newKiller(t *testing.T, bin string) *killer {
	t.Helper()
	return &killer{bin: bin, random: rand.New(rand.NewPCG(1, uint64(len(bin))))}
}

// whole runs the program to its end, which must be a success, and measures how long that
// takes.
func (k *killer) whole(t *testing.T, args ...string) {
	t.Helper()
	start := time.Now()
	cmd := exec.Command(k.bin, args...)
	cmd.Dir = testenv.Repo()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", filepath.Base(k.bin), args, err, out)
	}
	k.longest = max(k.longest, time.Since(start))
}

// kill runs the program and kills it with SIGKILL after a random time, up to that of a
// whole run. It reports whether the program was still running. A program that ends by
// itself must succeed.
func (k *killer) kill(t *testing.T, args ...string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+k.random.Int64N(int64(k.longest))))
	defer cancel()
	cmd := exec.CommandContext(ctx, k.bin, args...)
	cmd.Dir = testenv.Repo()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	k.runs++
	if state := cmd.ProcessState; state != nil {
		if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
			k.killed++
			return true
		}
	}
	if err != nil && ctx.Err() == nil {
		t.Errorf("%s %v: %v\n%s", filepath.Base(k.bin), args, err, out.String())
	}
	return false
}

// String returns the counts of runs and kills.
func (k *killer) String() string { return fmt.Sprintf("%d runs, %d killed", k.runs, k.killed) }
