package leftover

import (
	"os"
	"path/filepath"
	"testing"
)

func TestClaim(t *testing.T) {
	if !Locks {
		t.Skip("no locks on this system")
	}
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !Hold(f) {
		t.Fatal("a new folder cannot be held")
	}
	if _, ok := Claim(dir); ok {
		t.Error("claimed what is held")
	}
	f.Close()
	release, ok := Claim(dir)
	if !ok {
		t.Fatal("not claimed after its holder closed it")
	}
	if f, err = os.Open(dir); err != nil {
		t.Fatal(err)
	}
	if Hold(f) {
		t.Error("held what is claimed")
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	release()
	if Hold(f) {
		t.Error("held what was removed")
	}
	f.Close()
	for _, path := range []string{dir, os.DevNull} {
		if _, ok := Claim(path); ok {
			t.Errorf("claimed %s", path)
		}
	}
}
