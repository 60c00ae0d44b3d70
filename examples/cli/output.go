package cli

import (
	"context"
	"encoding/json"
	"errors"
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

// Ended returns what is left of err without the end of ctx: nil if err says only that
// ctx has ended, which is how a program that is interrupted ends in order.
func Ended(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var rest []error
	for _, e := range joined.Unwrap() {
		rest = append(rest, Ended(ctx, e))
	}
	return errors.Join(rest...)
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
