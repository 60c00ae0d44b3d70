package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/loralink/loralink-go/internal/atomicfile"
)

// CheckOut reports whether a program may and can write to path before it does its work:
// not over a folder or a device, not over what exists without --force, never over one of
// its inputs, and not into a folder that cannot be written. An empty path is none.
func CheckOut(path string, force bool, inputs ...string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return atomicfile.CheckTarget(path)
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s: found a folder, want a file to write", path)
	}
	if !force {
		return fmt.Errorf("%s: exists already, want a new file (--force replaces it)", path)
	}
	for _, input := range inputs {
		if in, err := os.Stat(input); err == nil && os.SameFile(in, info) {
			return fmt.Errorf("%s: found the input itself, want another file to write", path)
		}
	}
	return atomicfile.CheckTarget(path)
}

// WriteFile writes a file that appears whole or not at all, in a folder that it
// creates where it is missing. After an error an old file is as it was.
func WriteFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, data)
}

// WriteJSON is WriteFile of a value as indented JSON; an empty path writes nothing.
func WriteJSON(path string, v any) error {
	if path == "" {
		return nil
	}
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return WriteFile(path, append(data, '\n'))
}

// WriteTo is WriteFile of what write writes; an empty path writes nothing.
func WriteTo(path string, write func(io.Writer) error) error {
	if path == "" {
		return nil
	}
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return WriteFile(path, b.Bytes())
}

// PrintJSON prints a value as indented JSON.
func PrintJSON(w io.Writer, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", data)
	return err
}

// CopyFile copies a file, like WriteFile; an empty path to writes nothing.
func CopyFile(to, from string) error {
	if to == "" {
		return nil
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return WriteFile(to, data)
}

// Warn returns a function that prints an error as a warning: what was wrong with
// a line of a file whose other lines are used.
func Warn(stderr io.Writer) func(error) {
	return func(err error) { fmt.Fprintf(stderr, "warning: %v; the other lines are used\n", err) }
}

// Notice returns a function that prints an error as a warning.
func Notice(stderr io.Writer) func(error) {
	return func(err error) { fmt.Fprintf(stderr, "warning: %v\n", err) }
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
