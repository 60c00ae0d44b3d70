// Package testenv gives tests the paths of the repository's files and of the shared
// recordings, and of programs other than Go. Only this package reads the environment
// variables LORALINK_SHARED, LORALINK_CI, LORALINK_KILLS and LORALINK_TEST_CHILD.
package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// HasShared reports whether LORALINK_SHARED is set.
func HasShared() bool { return os.Getenv("LORALINK_SHARED") != "" }

// Shared returns the path of a file in the shared folder. It skips the test if
// LORALINK_SHARED is unset, and fails it if the file is missing.
func Shared(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("LORALINK_SHARED")
	if root == "" {
		t.Skip("LORALINK_SHARED is unset: there are no field recordings")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("LORALINK_SHARED=%s: %v", root, err)
	}
	return path
}

// Long skips a test with a long training if the race detector is on, which makes it about
// ten times slower. Other tests run the same code with small data.
func Long(t testing.TB) {
	t.Helper()
	if Race {
		t.Skip("long training: run without -race")
	}
}

// Python returns a Python interpreter with numpy. If there is none, it skips the test,
// or fails it if LORALINK_CI is set.
func Python(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import numpy").Run() == nil {
			return name
		}
	}
	if os.Getenv("LORALINK_CI") != "" {
		t.Fatal("LORALINK_CI is set, but found no python3 with numpy")
	}
	t.Skip("found no python3 with numpy")
	return ""
}

// Program returns the path of a program, such as a compiler. If there is none, it skips
// the test, or fails it if LORALINK_CI is set.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("LORALINK_CI") != "":
		t.Fatalf("LORALINK_CI is set, but found no program %s", name)
	default:
		t.Skipf("found no program %s", name)
	}
	return ""
}

// CI reports whether LORALINK_CI is set: tests then do more, and must not skip what CI
// installs.
func CI() bool { return os.Getenv("LORALINK_CI") != "" }

// CIOnly skips a slow test if LORALINK_CI is unset.
func CIOnly(t testing.TB) {
	t.Helper()
	if os.Getenv("LORALINK_CI") == "" {
		t.Skip("slow: run with LORALINK_CI=1")
	}
}

// Kills returns LORALINK_KILLS, how often to kill each program. It skips the test if the
// variable is unset.
func Kills(t testing.TB) int {
	t.Helper()
	text := os.Getenv("LORALINK_KILLS")
	if text == "" {
		t.Skip("kills programs: run with LORALINK_KILLS=20")
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("LORALINK_KILLS=%s, want a number of at least 1", text)
	}
	return n
}

// FewBytes fails the test if f allocates more than 64 MiB in all, which is the limit for
// refusing an untrusted file.
func FewBytes(t testing.TB, f func()) {
	t.Helper()
	const limit = 64 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > limit {
		t.Errorf("%d bytes were allocated, want at most %d", n, limit)
	}
}

// Repo returns the path of a file of the repository, which does not depend on the current
// folder.
func Repo(elem ...string) string {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		panic("testenv: no caller information")
	}
	root := filepath.Join(filepath.Dir(file), "..", "..")
	return filepath.Join(append([]string{root}, elem...)...)
}
