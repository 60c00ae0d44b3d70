package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/loralink/loralink-go/internal/atomicfile"
)

// WriteFile replaces the file at path by b, in a folder that it creates where it
// is missing. On an error an old file stays as it was.
func WriteFile(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, b)
}

// WriteJSON writes v to path as indented JSON; an empty path writes nothing.
func WriteJSON(path string, v any) error {
	if path == "" {
		return nil
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return WriteFile(path, append(b, '\n'))
}

// Warn returns a function that prints an error as a warning: what was wrong with
// a line of a file whose other lines are used.
func Warn(stderr io.Writer) func(error) {
	return func(err error) { fmt.Fprintf(stderr, "warning: %v; the other lines are used\n", err) }
}

// Connection returns a function that prints the loss of a radio's port, an error,
// and its return, nil.
func Connection(stderr io.Writer) func(error) {
	return func(err error) {
		if err != nil {
			fmt.Fprintf(stderr, "warning: %v; waiting for it to return\n", err)
			return
		}
		fmt.Fprintln(stderr, "the radio is back")
	}
}
