// Package clitest checks how example programs refuse what they are given.
package clitest

import (
	"errors"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/examples/cli"
)

// Refused fails the test of that name unless err is there, is a usage error or not,
// and its text holds each of parts.
func Refused(t testing.TB, name string, err error, usage bool, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", name)
		return
	}
	var e *cli.UsageError
	if errors.As(err, &e) != usage {
		t.Errorf("%s: %v: a usage error: %v, want %v", name, err, !usage, usage)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v does not say %q", name, err, part)
		}
	}
}
