package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/loralink/loralink-go/internal/atomicfile"
)

// CheckOut reports whether a program may write to path before it does its work:
// not over a folder, not over what exists without --force, and never over one of
// its inputs. An empty path is none.
func CheckOut(path string, force bool, inputs ...string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
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
	return nil
}

// WriteFile writes a file that appears whole or not at all, and makes its folder.
func WriteFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, data)
}

// WriteJSON is WriteFile of a value as indented JSON.
func WriteJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(path, append(data, '\n'))
}
