package save_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/atomicfile"
	"github.com/loralink/loralink-go/internal/leftover"
	"github.com/loralink/loralink-go/internal/testmodel"
)

func TestSaveRefuses(t *testing.T) {
	dir := testmodel.Saved(t, 1)
	before := fileHashes(t, dir)
	if _, err := save.Model(dir, testmodel.Contents(2), nil); !errors.Is(err, save.ErrExists) {
		t.Errorf("without force: %v", err)
	}
	os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o644)
	if _, err := save.Model(dir, testmodel.Contents(2), &save.Settings{Force: true}); !errors.Is(err, save.ErrExists) || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("a folder with another file: %v", err)
	}
	os.Remove(filepath.Join(dir, "thesis.tex"))
	if !maps.Equal(before, fileHashes(t, dir)) {
		t.Error("a refused save changed the folder")
	}
	if _, err := save.Model(dir, testmodel.Contents(2), &save.Settings{Force: true}); err != nil {
		t.Fatal(err)
	}
	m, err := artifacts.Load(filepath.Join(dir, artifacts.ManifestFile))
	if err != nil || m.Net.Layers[0].W.Data[0] != 2 {
		t.Errorf("after force: %v", err)
	}
	for _, c := range []struct {
		name   string
		change func(*artifacts.Contents)
		want   error
	}{
		{"payload over the limit", func(s *artifacts.Contents) { s.MaxPayloadBytes = 1 }, artifacts.ErrTooLarge},
		{"no scale", func(s *artifacts.Contents) { s.Manifest.Scale = nil }, artifacts.ErrMalformed},
		{"norm too short", func(s *artifacts.Contents) { s.Norm.Mean = s.Norm.Mean[1:]; s.Norm.Std = s.Norm.Std[1:] }, artifacts.ErrMismatch},
		{"layers do not chain", func(s *artifacts.Contents) { s.Layers = s.Layers[:1]; s.Layers[0].V.Cols = 3 }, bam.ErrShape},
		{"window of another length", func(s *artifacts.Contents) { s.Manifest.W = 1; s.Norm = nil }, artifacts.ErrMismatch},
	} {
		set := testmodel.Contents(1)
		c.change(set)
		target := filepath.Join(t.TempDir(), "x")
		if _, err := save.Model(target, set, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if _, err := os.Stat(target); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: something was written", c.name)
		}
	}
}

func fileHashes(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = fmt.Sprintf("%x", sha256.Sum256(b))
	}
	return out
}

func TestKeptModelIsNamedWhateverTheFolderIsCalled(t *testing.T) {
	if artifacts.NewInfix != atomicfile.NewInfix || artifacts.OldInfix != atomicfile.OldInfix {
		t.Errorf("artifacts looks for other folders, %s and %s", artifacts.NewInfix, artifacts.OldInfix)
	}
	for _, infix := range []string{artifacts.NewInfix, artifacts.OldInfix} {
		dir := filepath.Join(t.TempDir(), "k[1]")
		if _, err := save.Model(dir, testmodel.Contents(1), nil); err != nil {
			t.Fatal(err)
		}
		kept := dir + infix + "1"
		if err := os.Rename(dir, kept); err != nil {
			t.Fatal(err)
		}
		if _, err := artifacts.Load(filepath.Join(dir, artifacts.ManifestFile)); !errors.Is(err, artifacts.ErrNotFound) || !strings.Contains(err.Error(), kept) {
			t.Errorf("%v, want one that names %s", err, kept)
		}
		if !leftover.Locks {
			continue
		}
		held, err := os.Open(kept)
		if err != nil || !leftover.Hold(held) {
			t.Fatalf("cannot hold: %v", err)
		}
		if _, err := artifacts.Load(filepath.Join(dir, artifacts.ManifestFile)); err == nil || strings.Contains(err.Error(), kept) {
			t.Errorf("%v, want one that does not name %s, which another process holds", err, kept)
		}
		held.Close()
	}
}

func TestSaveWantsAFoldersName(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{".", "..", "a/.."} {
		if err := save.CheckTarget(dir, &save.Settings{Force: true}); !errors.Is(err, save.ErrExists) {
			t.Errorf("%s: %v, want ErrExists before anything is trained", dir, err)
		}
	}
}
