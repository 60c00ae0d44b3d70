package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/loralink/loralink-go/internal/leftover"
)

// failingOps does the first n steps and then fails: once with an error, or for
// good, as a killed process. A write that fails leaves half of the file.
type failingOps struct {
	diskOps
	left       int
	kill       bool
	noExchange bool
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

func (o *failingOps) hold(dir string) (func(), error) {
	if err := o.step(); err != nil {
		return nil, err
	}
	return o.diskOps.hold(dir)
}

func (o *failingOps) exchange(a, b string) error {
	if o.noExchange {
		return errors.ErrUnsupported
	}
	if err := o.step(); err != nil {
		o.noExchange = true // Folder renames twice instead
		return err
	}
	return o.diskOps.exchange(a, b)
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
		for _, kind := range []string{"new folder", "exchange", "rename twice"} {
			fresh := kind == "new folder"
			t.Run(fmt.Sprintf("kill %v, %s", kill, kind), func(t *testing.T) {
				for step := 0; ; step++ {
					parent := t.TempDir()
					f := target(filepath.Join(parent, "model"))
					if !fresh {
						if err := f.Write(files("old")); err != nil {
							t.Fatal(err)
						}
					}
					ops := &failingOps{left: step, kill: kill, noExchange: kind == "rename twice"}
					f.Force, f.ops = true, ops
					err := f.Write(files("new"))
					if ops.left >= 0 {
						if err != nil {
							t.Fatalf("nothing failed: %v", err)
						}
						return // every step has failed once
					}
					if err == nil && kind != "exchange" {
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
					if left, _ := filepath.Glob(filepath.Join(parent, "model"+NewInfix+"*")); !kill && len(left) > 0 && version(f.Path) != "" && !strings.Contains(fmt.Sprint(err), left[0]) {
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

// What killed processes left is removed by the next write, what a running one holds is
// not, nor what only looks like it.
func TestLeftoversOfDeadRunsAreRemoved(t *testing.T) {
	if !leftover.Locks {
		t.Skip("no locks on this system")
	}
	parent := t.TempDir()
	make := func(name, file string) string {
		dir := filepath.Join(parent, name)
		if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, file), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	deadNew, deadOld := make("model.new-1", "a"), make("model.old-2", "a")
	foreign, named := make("model.new-3", "thesis.tex"), make("model.new-draft", "a")
	live := make("model.new-4", "a")
	held, err := os.Open(live)
	if err != nil || !leftover.Hold(held) {
		t.Fatalf("cannot hold: %v", err)
	}
	defer held.Close()
	deadFile, other := filepath.Join(parent, ".report.json.tmp5"), filepath.Join(parent, ".report.json.tmp")
	liveFile, err := os.Create(filepath.Join(parent, ".report.json.tmp6"))
	if err != nil || !leftover.Hold(liveFile) {
		t.Fatalf("cannot hold: %v", err)
	}
	defer liveFile.Close()
	for _, path := range []string{deadFile, other} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	probe := filepath.Join(parent, "model.new-8")
	if err := os.Mkdir(probe, 0o700); err != nil {
		t.Fatal(err)
	}
	f := target(filepath.Join(parent, "model"))
	if err := errors.Join(f.CheckTarget(), WriteBytes(filepath.Join(parent, "report.json"), nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(probe); err == nil {
		t.Error("an empty folder was left")
	}
	if _, err := os.Stat(deadOld); err != nil {
		t.Errorf("an old folder was removed before there is a new one: %v", err)
	}
	if err := f.Write(files("1")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{deadNew: false, deadOld: false, deadFile: false,
		foreign: true, named: true, live: true, liveFile.Name(): true, other: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: there %v, want %v", path, err == nil, want)
		}
	}
	deadProbe := filepath.Join(parent, ".report.json.tmp9")
	if err := errors.Join(os.WriteFile(deadProbe, nil, 0o600), CheckTarget(filepath.Join(parent, "report.json"))); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(deadProbe); err == nil {
		t.Error("the check of a file leaves what a killed process left")
	}
	dead := make("model.new-7", "b")
	f.Force = true
	if err := f.CheckTarget(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); err == nil {
		t.Error("CheckTarget leaves what a killed process left")
	}
}

// Many at once, of one target: each removes only what is dead, and the last one stands.
func TestFolderConcurrent(t *testing.T) {
	f := target(filepath.Join(t.TempDir(), "model"))
	f.Force = true
	if err := f.Write(files("0")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(f.Path+NewInfix+"0", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := exchange(f.Path, f.Path+NewInfix+"0"); err != nil {
		t.Skip("names cannot be exchanged here")
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 20 {
				if err := f.Write(files(fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if left, _ := filepath.Glob(f.Path + ".*"); version(f.Path) == "" || left != nil {
		t.Errorf("version %q, left %v", version(f.Path), left)
	}
}

func TestForceThroughSymbolicLink(t *testing.T) {
	dir := t.TempDir()
	real := target(filepath.Join(dir, "real"))
	if err := real.Write(files("1")); err != nil {
		t.Fatal(err)
	}
	link := target(filepath.Join(dir, "link"))
	link.Force = true
	if err := os.Symlink("real", link.Path); err != nil {
		t.Skip(err)
	}
	for _, err := range []error{link.Write(files("2")), link.CheckTarget()} {
		if err == nil || !strings.Contains(err.Error(), "found a symbolic link to real") {
			t.Errorf("a folder: %v", err)
		}
	}
	if info, err := os.Lstat(link.Path); err != nil || info.Mode()&fs.ModeSymlink == 0 || version(real.Path) != "1" {
		t.Errorf("the folder behind the link has %q, the link is %v", version(real.Path), info)
	}

	file, dangling := filepath.Join(dir, "file"), filepath.Join(dir, "dangling")
	if err := errors.Join(os.WriteFile(file, []byte("1"), 0o600), os.Symlink(file, file+"-link"), os.Symlink("nothing", dangling)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(CheckTarget(file+"-link"), WriteBytes(file+"-link", []byte("2"))); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(file + "-link")
	if text, _ := os.ReadFile(file); err != nil || info.Mode()&fs.ModeSymlink == 0 || string(text) != "2" {
		t.Errorf("the file behind the link has %q, the link is %v", text, info)
	}
	if err := os.Symlink("no-folder", filepath.Join(dir, "d")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dangling, os.DevNull, dir, filepath.Join(dir, "d", "x"), filepath.Join(file, "x"), filepath.Join(file, "a", "x")} {
		for _, err := range []error{CheckTarget(path), WriteBytes(path, nil)} {
			if err == nil {
				t.Errorf("%s was written", path)
			}
		}
	}
}
