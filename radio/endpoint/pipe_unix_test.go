//go:build linux || darwin

package endpoint_test

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/runspec"
)

// A pipe or a device as a file of windows is refused before it is opened, which could wait
// without end.
func TestPipesAreRefused(t *testing.T) {
	spec, err := runspec.Load(testenv.Repo("testdata", "runspecs", "tx_sf7.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(t.TempDir(), "pipe.jsonl")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, "/dev/zero"} {
		_, samples := (&endpoint.SourceSettings{Samples: path}).Windows(t.Context(), spec, 0)
		_, dataset := (&endpoint.SourceSettings{Dataset: path}).Windows(t.Context(), spec, 0)
		_, sampler := (&endpoint.SamplerSettings{Path: path}).Windows(spec)
		for _, err := range []error{samples, dataset, sampler} {
			if !errors.Is(err, endpoint.ErrSettings) || !strings.Contains(err.Error(), path+" is a pipe, a device or a socket") {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}
