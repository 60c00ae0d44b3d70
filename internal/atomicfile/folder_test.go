package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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

// files is a folder of one version: three files of the same text.
func files(version string) []File {
	return []File{{"a", []byte(version)}, {"b", []byte(version)}, {"c", []byte(version)}}
}

// version reads a folder that files wrote whole; "" where it is not whole.
func version(dir string) string {
	var first string
	for _, f := range files("") {
		data, err := os.ReadFile(filepath.Join(dir, f.Name))
		if err != nil || f.Name != "a" && string(data) != first {
			return ""
		}
		first = string(data)
	}
	return first
}

func target(path string) Folder {
	return Folder{Path: path, Kind: "a test", Owns: func(name string) bool { return len(name) == 1 }}
}

// Whatever step fails, alone or with all that follow it as when the process is
// killed, a whole folder stands at the target or beside it, and never a mix.
func TestFolderFailsAtEveryStep(t *testing.T) {
	for _, kill := range []bool{false, true} {
		for _, fresh := range []bool{false, true} {
			t.Run(fmt.Sprintf("kill %v, new folder %v", kill, fresh), func(t *testing.T) {
				for step := 0; ; step++ {
					parent := t.TempDir()
					f := target(filepath.Join(parent, "model"))
					if !fresh {
						if err := f.Write(files("old")); err != nil {
							t.Fatal(err)
						}
					}
					ops := &failingOps{left: step, kill: kill}
					f.Force, f.ops = true, ops
					err := f.Write(files("new"))
					if ops.left >= 0 {
						if err != nil {
							t.Fatalf("nothing failed: %v", err)
						}
						return // every step has failed once
					}
					if err == nil {
						t.Errorf("step %d failed without an error", step)
					}
					whole := version(f.Path)
					beside, _ := filepath.Glob(filepath.Join(parent, "model.*"))
					if _, err := os.Stat(f.Path); err == nil && whole == "" {
						t.Errorf("step %d: a mix", step)
					}
					for _, dir := range beside {
						if v := version(dir); v != "" && whole == "" {
							whole = v
						}
					}
					if whole == "" && !fresh {
						t.Errorf("step %d: no whole folder, beside it %v", step, beside)
					}
					if left, _ := filepath.Glob(filepath.Join(parent, "model"+NewInfix+"*")); !kill && len(left) > 0 && version(f.Path) != "" {
						t.Errorf("step %d left %v behind", step, left)
					}
				}
			})
		}
	}
}

func TestFolderRefuses(t *testing.T) {
	f := target(filepath.Join(t.TempDir(), "sub", "x"))
	if err := f.Write(files("1")); err != nil {
		t.Fatal(err)
	}
	if err := f.Write(files("2")); !errors.Is(err, ErrExists) {
		t.Errorf("without force: %v", err)
	}
	f.Force = true
	other := filepath.Join(f.Path, "thesis.tex")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Write(files("2")); !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), "found thesis.tex in it, want nothing but the files of a test") {
		t.Errorf("a folder with another file: %v", err)
	}
	os.Remove(other)
	f.Check = func(dir string) error {
		if version(dir) != "2" {
			t.Errorf("the check sees %q", version(dir))
		}
		return errFail
	}
	if err := f.Write(files("2")); !errors.Is(err, errFail) {
		t.Errorf("a check that fails: %v", err)
	}
	if left, _ := filepath.Glob(f.Path + ".*"); version(f.Path) != "1" || left != nil {
		t.Errorf("refused writes left version %q and %v", version(f.Path), left)
	}
	f.Check = nil
	if err := f.Write(files("2")); err != nil || version(f.Path) != "2" {
		t.Errorf("with force: %v", err)
	}
	t.Chdir(t.TempDir())
	for _, dir := range []string{".", "..", "a/.."} {
		if err := target(dir).CheckTarget(); !errors.Is(err, ErrExists) {
			t.Errorf("%s: %v, want ErrExists", dir, err)
		}
	}
}

func TestFolderTargetIsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{path: "found a file, want a folder", filepath.Join(path, "x"): "not a directory"} {
		f := Folder{Path: target}
		for _, err := range []error{f.Write(files("1")), f.CheckTarget()} {
			if err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	}
}
