package inputfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, size, err := Open(path)
	if err != nil || size != 3 {
		t.Fatal(size, err)
	}
	f.Close()
	if _, _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	for path, want := range map[string]string{
		dir:        "open " + dir + ": is a directory",
		os.DevNull: "",
	} {
		if _, _, err := Open(path); err == nil || want != "" && err.Error() != want {
			t.Errorf("%s: %v", path, err)
		}
	}
}
