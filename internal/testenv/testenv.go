// Package testenv tells tests where the repository's files and the shared
// recordings are, and which programs besides Go there are. It is the one place
// that knows the variables LORALINK_SHARED and LORALINK_CI.
package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Shared returns the path of a file in the shared folder. It skips the test
// where LORALINK_SHARED is unset, and fails it where the file is missing.
func Shared(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("LORALINK_SHARED")
	if root == "" {
		t.Skip("LORALINK_SHARED is unset: no field recordings here")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("LORALINK_SHARED=%s: %v", root, err)
	}
	return path
}

// Long skips a test that trains for long where the race detector makes it some
// ten times longer; the same code runs under it on small data elsewhere.
func Long(t testing.TB) {
	t.Helper()
	if Race {
		t.Skip("trains for long: run without -race")
	}
}

// Python returns an interpreter that has numpy. It skips the test where there
// is none, and fails it where LORALINK_CI says that one was installed.
func Python(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import numpy").Run() == nil {
			return name
		}
	}
	if os.Getenv("LORALINK_CI") != "" {
		t.Fatal("LORALINK_CI is set, but no python3 has numpy")
	}
	t.Skip("no python3 with numpy here")
	return ""
}

// CIOnly skips a test that is too slow for every day where LORALINK_CI is unset.
func CIOnly(t testing.TB) {
	t.Helper()
	if os.Getenv("LORALINK_CI") == "" {
		t.Skip("slow: run with LORALINK_CI=1")
	}
}

// FewBytes fails the test where f allocates more than 64 MiB in all: what a
// file from a stranger may cost before it is refused.
func FewBytes(t testing.TB, f func()) {
	t.Helper()
	const most = 64 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > most {
		t.Errorf("%d bytes were allocated, want at most %d", n, most)
	}
}

// Repo returns the path of a file of the repository, whatever folder the test
// runs in.
func Repo(elem ...string) string {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		panic("testenv: no caller information")
	}
	root := filepath.Join(filepath.Dir(file), "..", "..")
	return filepath.Join(append([]string{root}, elem...)...)
}
