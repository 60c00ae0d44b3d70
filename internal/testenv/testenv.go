// Package testenv tells tests where the repository's files and the shared
// recordings are. It is the one place that knows the variable LORALINK_SHARED.
package testenv

import (
	"os"
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
