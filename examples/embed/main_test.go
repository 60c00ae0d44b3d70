package main

import (
	"bytes"
	"strings"
	"testing"
)

// The model loads from the binary, and is the one its artifacts.json lists.
func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "12 values in 6 bytes") {
		t.Errorf("%s", out.String())
	}
}
