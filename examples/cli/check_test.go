package cli

import (
	"errors"
	"fmt"
	"testing"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/radio/endpoint"
)

func TestCheckFlags(t *testing.T) {
	for _, c := range []struct {
		name, want string
		err        error
	}{
		{"nothing", "<nil>", nil},
		{"fields", "want --samples FILE or --dataset FILE", (&endpoint.SourceSettings{}).Check()},
		{"another error", "no fields", errors.New("no fields")},
	} {
		err := CheckFlags(c.err)
		var usage *UsageError
		if fmt.Sprint(err) != c.want || c.err != nil && (!errors.As(err, &usage) || !errors.Is(err, c.err)) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func TestModelHint(t *testing.T) {
	missing := func(file string) error { return &artifacts.Error{File: file, Err: artifacts.ErrNotFound} }
	for _, c := range []struct {
		name, want string
		err        error
	}{
		{"a model", "artifacts: out/a/bam_manifest.json: not found; train one with examples/train --out-dir out/a, or give --manifest", missing("out/a/bam_manifest.json")},
		{"another file", "artifacts: out/a/norm.json: not found", missing("out/a/norm.json")},
		{"another error", "no model", errors.New("no model")},
	} {
		if err := ModelHint(c.err, "--manifest"); err.Error() != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}
