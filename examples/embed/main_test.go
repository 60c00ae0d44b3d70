package main

import (
	"bytes"
	"go/parser"
	"go/token"
	"strconv"
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

func TestImportsCodecAlone(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "main.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, imp := range file.Imports {
		path, _ := strconv.Unquote(imp.Path.Value)
		if strings.Contains(path, ".") && path != "github.com/loralink/loralink-go/codec" {
			t.Errorf("imports %s", path)
		}
	}
}
