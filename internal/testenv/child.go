package testenv

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
	"time"
)

// childVariable is set in a process that OwnProcess starts.
const childVariable = "LORALINK_TEST_CHILD"

// OwnProcess runs f in a process of its own, a copy of the test binary that runs only the
// calling test, and fails the test if f fails, or if the process needs more than that much
// memory or processor time. It does not check memory and time with the race detector, nor
// where the system does not say them. A test must not call it twice.
func OwnProcess(t *testing.T, maxMiB int64, maxTime time.Duration, f func()) {
	t.Helper()
	if os.Getenv(childVariable) == t.Name() {
		f()
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), childVariable+"="+t.Name())
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	if Race {
		return
	}
	if used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); used > maxTime {
		t.Errorf("it took %v of processor time, want at most %v", used, maxTime)
	}
	if mib, ok := peakMiB(cmd.ProcessState); ok && mib > maxMiB {
		t.Errorf("it took %d MiB of memory, want at most %d", mib, maxMiB)
	}
}
