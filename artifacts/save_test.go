package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/bam"
)

func TestSaveRefuses(t *testing.T) {
	dir := saved(t, 1)
	before := fileHashes(t, dir)
	if _, err := Save(dir, testSet(2), SaveOptions{}); !errors.Is(err, ErrExists) {
		t.Errorf("without force: %v", err)
	}
	os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o644)
	if _, err := Save(dir, testSet(2), SaveOptions{Force: true}); !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("a folder with another file: %v", err)
	}
	os.Remove(filepath.Join(dir, "thesis.tex"))
	if !maps.Equal(before, fileHashes(t, dir)) {
		t.Error("a refused save changed the folder")
	}
	if _, err := Save(dir, testSet(2), SaveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	m, err := Load(filepath.Join(dir, ManifestFile))
	if err != nil || m.Net.Layers[0].W.Data[0] != 2 {
		t.Errorf("after force: %v", err)
	}
	for _, c := range []struct {
		name   string
		change func(*Set)
		want   error
	}{
		{"payload over the limit", func(s *Set) { s.MaxPayloadBytes = 1 }, ErrTooLarge},
		{"no scale", func(s *Set) { s.Manifest.Scale = nil }, ErrMalformed},
		{"norm too short", func(s *Set) { s.Norm.Mean = s.Norm.Mean[1:]; s.Norm.Std = s.Norm.Std[1:] }, ErrMismatch},
		{"layers do not chain", func(s *Set) { s.Layers = s.Layers[:1]; s.Layers[0].V.Cols = 3 }, bam.ErrShape},
		{"window of another length", func(s *Set) { s.Manifest.WindowW = 1; s.Norm = nil }, ErrMismatch},
	} {
		set := testSet(1)
		c.change(set)
		place := filepath.Join(t.TempDir(), "x")
		if _, err := Save(place, set, SaveOptions{}); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if _, err := os.Stat(place); !errors.Is(err, fs.ErrNotExist) {
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
		out[e.Name()] = hash(b)
	}
	return out
}

// failingOps does the first n steps and then fails: once with an error, or for
// good, as a killed process. A write that fails leaves half of the file.
type failingOps struct {
	diskOps
	left int
	kill bool
}

var errFail = errors.New("the disk said no")

func (o *failingOps) step() error {
	o.left--
	if o.left == -1 || o.left < 0 && o.kill {
		return errFail
	}
	return nil
}

func (o *failingOps) readDir(dir string) ([]fs.DirEntry, error) {
	if err := o.step(); err != nil {
		return nil, err
	}
	return o.diskOps.readDir(dir)
}

func (o *failingOps) mkdirAll(dir string) error {
	if err := o.step(); err != nil {
		return err
	}
	return o.diskOps.mkdirAll(dir)
}

func (o *failingOps) mkdirTemp(parent, pattern string) (string, error) {
	if err := o.step(); err != nil {
		return "", err
	}
	return o.diskOps.mkdirTemp(parent, pattern)
}

func (o *failingOps) writeFile(path string, data []byte) error {
	if err := o.step(); err != nil {
		_ = o.diskOps.writeFile(path, data[:len(data)/2])
		return err
	}
	return o.diskOps.writeFile(path, data)
}

func (o *failingOps) syncDir(dir string) error {
	if err := o.step(); err != nil {
		return err
	}
	return o.diskOps.syncDir(dir)
}

func (o *failingOps) rename(from, to string) error {
	if err := o.step(); err != nil {
		return err
	}
	return o.diskOps.rename(from, to)
}

func (o *failingOps) removeAll(dir string) error {
	if err := o.step(); err != nil {
		return err
	}
	return o.diskOps.removeAll(dir)
}

// Whatever step fails, alone or with all that follow it as when the process is
// killed, a whole model stands in the folder, or beside it under a name that
// Load's error gives; and Load never returns a mix.
func TestSaveFailsAtEveryStep(t *testing.T) {
	for _, kill := range []bool{false, true} {
		for _, fresh := range []bool{false, true} {
			t.Run(fmt.Sprintf("kill %v, new folder %v", kill, fresh), func(t *testing.T) {
				for step := 0; ; step++ {
					parent := t.TempDir()
					dir := filepath.Join(parent, "model")
					if !fresh {
						if _, err := Save(dir, testSet(1), SaveOptions{}); err != nil {
							t.Fatal(err)
						}
					}
					ops := &failingOps{left: step, kill: kill}
					_, saveErr := save(ops, dir, testSet(2), SaveOptions{Force: true})
					if ops.left >= 0 {
						if saveErr != nil {
							t.Fatalf("nothing failed: %v", saveErr)
						}
						return // every step has failed once
					}
					if saveErr == nil {
						t.Errorf("step %d failed without an error", step)
					}
					m, err := Load(filepath.Join(dir, ManifestFile))
					if err != nil {
						if fresh && !strings.Contains(err.Error(), newInfix) {
							continue // there was none before, and there is none now
						}
						entries, _ := filepath.Glob(filepath.Join(parent, "model.*"))
						named := slices.IndexFunc(entries, func(e string) bool { return strings.Contains(err.Error(), e) })
						if named < 0 {
							t.Fatalf("step %d: %v; the folder holds %v", step, err, entries)
						}
						if m, err = Load(filepath.Join(entries[named], ManifestFile)); err != nil {
							t.Fatalf("step %d: the model named does not load: %v", step, err)
						}
					}
					if w := m.Net.Layers[0].W.Data[0]; w != m.Net.Layers[1].W.Data[0] || w != 1 && w != 2 {
						t.Errorf("step %d: a mix: %v", step, m.Net.Layers)
					}
					if !kill {
						left, _ := filepath.Glob(filepath.Join(parent, "model"+newInfix+"*"))
						if len(left) > 0 && err == nil {
							t.Errorf("step %d left %v behind", step, left)
						}
					}
				}
			})
		}
	}
}

func TestKeptModelIsNamedWhateverTheFolderIsCalled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "k[1]")
	if _, err := Save(dir, testSet(1), SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	kept := dir + oldInfix + "1"
	if err := os.Rename(dir, kept); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(filepath.Join(dir, ManifestFile)); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), kept) {
		t.Errorf("%v, want one that names %s", err, kept)
	}
}

func TestSaveWantsAFoldersName(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{".", "..", "a/.."} {
		if err := CheckPlace(dir, SaveOptions{Force: true}); !errors.Is(err, ErrExists) {
			t.Errorf("%s: %v, want ErrExists before anything is trained", dir, err)
		}
	}
}
