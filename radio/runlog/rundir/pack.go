// Package rundir packages the files of a run, and checks the logs of runs.
//
// [Pack] copies logs, the data set that was sent and other files into one folder, with
// their SHA-256 hashes, so that a run can be stored and passed on. [Check] finds what
// in the logs of runs does not fit together: windows that only one end knows, ends with
// different RunSpecs, another model than a file of hashes says, and counts that do not
// add up.
package rundir

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loralink/loralink-go/internal/atomicfile"
	"github.com/loralink/loralink-go/radio/runlog"
)

// The files that Pack adds to a package.
const (
	// ListFile lists run_ids and files, as JSON; see [Package].
	ListFile = "package.json"
	// SumsFile has the hashes in the format of sha256sum, which checks them with
	// "sha256sum -c SHA256SUMS".
	SumsFile = "SHA256SUMS"
)

// The faults of what Pack is given, for errors.Is.
var (
	// ErrExists reports a package that exists already.
	ErrExists = errors.New("rundir: package exists")
	// ErrSettings reports settings that cannot be used.
	ErrSettings = errors.New("rundir: invalid settings")
)

// PackSettings say what [Pack] packages.
type PackSettings struct {
	Logs    []string // paths of the logs, at least one
	RunID   string   // name of the package; "": the run_id of the logs
	Dataset string   // path of the data set that was sent; "": none
	Extra   []string // paths of other files, and of folders with all their files
	OutDir  string   // folder in which the package is made, as a folder RunID
	// Overwrite replaces a folder that an earlier Pack wrote.
	Overwrite bool
	Zip       bool // also write RunID.zip beside the folder
}

// RegisterFlags adds the flags --log, --run-id, --dataset, --extra, --out-dir,
// --overwrite and --zip.
func (s *PackSettings) RegisterFlags(fs *flag.FlagSet) {
	registerLog(fs, &s.Logs)
	fs.StringVar(&s.RunID, "run-id", "", "name of the package; unset: the run_id of the logs")
	fs.StringVar(&s.Dataset, "dataset", "", "data set of the windows that were sent")
	fs.Func("extra", "another file, or a folder with all its files; may be given several times", func(path string) error {
		s.Extra = append(s.Extra, path)
		return nil
	})
	fs.StringVar(&s.OutDir, "out-dir", "", "folder in which the package is made, as a folder of its own")
	fs.BoolVar(&s.Overwrite, "overwrite", false, "replace a package of that name")
	fs.BoolVar(&s.Zip, "zip", false, "also write the package as a .zip file beside it")
}

// Package lists the content of a package. Its JSON is [ListFile].
type Package struct {
	Dir    string   `json:"-"`       // path of the folder
	RunID  string   `json:"run_id"`  // the package's name
	RunIDs []string `json:"run_ids"` // of the logs, sorted
	Files  []File   `json:"files"`   // all but ListFile and SumsFile, sorted by path
}

// File is a file of a package.
type File struct {
	Path   string `json:"path"`   // in the package, with slashes: logs/…, dataset/… or extra/…
	Source string `json:"source"` // where it was copied from
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // of its bytes, in hex
}

// Pack makes a package: the folder OutDir/RunID with the folders logs, dataset and
// extra. The folder appears when it is complete; after an error there is none, and an
// old one is as it was.
func Pack(ctx context.Context, s PackSettings) (*Package, error) {
	if len(s.Logs) == 0 {
		return nil, fmt.Errorf("%w: Logs is empty, want the path of a log", ErrSettings)
	}
	p := &Package{RunID: s.RunID}
	if err := p.findRunIDs(s.Logs); err != nil {
		return nil, err
	}
	p.Dir = filepath.Join(s.OutDir, p.RunID)
	if err := checkOld(p.Dir, s.Overwrite); err != nil {
		return nil, err
	}
	if err := p.list(s); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.OutDir, 0o777); err != nil {
		return nil, fmt.Errorf("rundir: %w", err)
	}
	fresh, err := os.MkdirTemp(s.OutDir, p.RunID+".new-*")
	if err != nil {
		return nil, fmt.Errorf("rundir: %w", err)
	}
	if err := p.fill(ctx, fresh); err != nil {
		return nil, errors.Join(fmt.Errorf("rundir: %w", err), os.RemoveAll(fresh))
	}
	if s.Zip {
		if err := atomicfile.Write(p.Dir+".zip", func(w io.Writer) error { return p.writeZip(ctx, w, fresh) }); err != nil {
			return nil, errors.Join(fmt.Errorf("rundir: %s.zip: %w", p.Dir, err), os.RemoveAll(fresh))
		}
	}
	if err := replace(p.Dir, fresh); err != nil {
		return nil, errors.Join(fmt.Errorf("rundir: %w", err), os.RemoveAll(fresh))
	}
	return p, nil
}

// findRunIDs reads the run_ids of the logs. If the package has no name yet, it gets the
// one that they have in common: run_ids that differ only by _tx and _rx are one.
func (p *Package) findRunIDs(logs []string) error {
	stems := map[string]bool{}
	for _, path := range logs {
		events := 0
		for e, err := range runlog.OpenEntries(path) {
			if errors.Is(err, runlog.ErrNotEvent) || errors.Is(err, runlog.ErrIncompleteLine) {
				continue
			}
			if err != nil {
				return err
			}
			events++
			if !slices.Contains(p.RunIDs, e.RunID) {
				p.RunIDs = append(p.RunIDs, e.RunID)
			}
			stems[strings.TrimSuffix(e.RunID, "_"+string(e.Role))] = true
		}
		if events == 0 {
			return &runlog.Error{File: path, Err: runlog.ErrNoEvents}
		}
	}
	slices.Sort(p.RunIDs)
	switch {
	case p.RunID == "" && len(p.RunIDs) == 1:
		p.RunID = p.RunIDs[0]
	case p.RunID == "" && len(stems) == 1:
		for stem := range stems {
			p.RunID = stem
		}
	case p.RunID == "":
		return fmt.Errorf("%w: the logs have the run_ids %s: want RunID (--run-id) as the package's name", ErrSettings, strings.Join(p.RunIDs, ", "))
	case !slices.Contains(p.RunIDs, p.RunID) && !stems[p.RunID]:
		return fmt.Errorf("%w: RunID is %s, but the logs have %s", ErrSettings, p.RunID, strings.Join(p.RunIDs, ", "))
	}
	if p.RunID == "" || p.RunID == "." || p.RunID == ".." || strings.ContainsAny(p.RunID, `/\:`) {
		return fmt.Errorf("%w: RunID is %q, want a name without path separators", ErrSettings, p.RunID)
	}
	return nil
}

// checkOld reports a folder that may not be replaced.
func checkOld(dir string, overwrite bool) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("rundir: %w", err)
	}
	if !overwrite {
		return fmt.Errorf("%w: %s: want another name, or Overwrite (--overwrite) to replace it", ErrExists, dir)
	}
	if _, err := os.Stat(filepath.Join(dir, ListFile)); err != nil {
		return fmt.Errorf("%w: %s: found no %s in it, want a package to replace", ErrExists, dir, ListFile)
	}
	return nil
}

// list finds the files to copy.
func (p *Package) list(s PackSettings) error {
	for _, log := range s.Logs {
		p.Files = append(p.Files, File{Path: path.Join("logs", filepath.Base(log)), Source: log})
	}
	if s.Dataset != "" {
		p.Files = append(p.Files, File{Path: path.Join("dataset", filepath.Base(s.Dataset)), Source: s.Dataset})
	}
	for _, extra := range s.Extra {
		abs, err := filepath.Abs(extra) // names . and ..
		if err != nil {
			return fmt.Errorf("rundir: %w", err)
		}
		err = filepath.WalkDir(extra, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, err := filepath.Rel(extra, name)
			if err != nil {
				return err
			}
			p.Files = append(p.Files, File{Path: path.Join("extra", filepath.Base(abs), filepath.ToSlash(rel)), Source: name})
			return nil
		})
		if err != nil {
			return fmt.Errorf("rundir: %w", err)
		}
	}
	slices.SortFunc(p.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for i, f := range p.Files {
		if info, err := os.Stat(f.Source); err != nil {
			return fmt.Errorf("rundir: %w", err)
		} else if !info.Mode().IsRegular() {
			return fmt.Errorf("%w: %s: found no regular file, want one", ErrSettings, f.Source)
		}
		if i > 0 && p.Files[i-1].Path == f.Path {
			return fmt.Errorf("%w: %s and %s would both be %s, want files with different names", ErrSettings, p.Files[i-1].Source, f.Source, f.Path)
		}
		p.Files[i].Source = filepath.ToSlash(f.Source)
	}
	return nil
}

// fill copies the files into a folder and adds the lists.
func (p *Package) fill(ctx context.Context, dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	var sums bytes.Buffer
	for i := range p.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		f := &p.Files[i]
		if err := f.copyInto(dir); err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%s  %s\n", f.SHA256, f.Path)
	}
	list, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, ListFile), append(list, '\n'), 0o644),
		os.WriteFile(filepath.Join(dir, SumsFile), sums.Bytes(), 0o644))
}

// copyInto copies the file into the folder of the package, and computes its hash from
// the bytes it copies.
func (f *File) copyInto(dir string) (err error) {
	src, err := os.Open(filepath.FromSlash(f.Source))
	if err != nil {
		return err
	}
	defer src.Close()
	name := filepath.Join(dir, filepath.FromSlash(f.Path))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	dst, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	hash := sha256.New()
	if f.Bytes, err = io.Copy(io.MultiWriter(dst, hash), src); err != nil {
		return err
	}
	f.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return dst.Sync()
}

// writeZip writes the files of a package's folder, without times, so that equal files
// make equal archives.
func (p *Package) writeZip(ctx context.Context, w io.Writer, dir string) error {
	z := zip.NewWriter(w)
	names := []string{ListFile, SumsFile}
	for _, f := range p.Files {
		names = append(names, f.Path)
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		dst, err := z.CreateHeader(&zip.FileHeader{Name: p.RunID + "/" + name, Method: zip.Deflate})
		if err != nil {
			return err
		}
		src, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		_, err = io.Copy(dst, src)
		if err = errors.Join(err, src.Close()); err != nil {
			return err
		}
	}
	return z.Close()
}

// replace renames the new folder to the path of the old one, if there is one, which it
// removes at the end.
func replace(dir, fresh string) error {
	old := fresh + ".old"
	switch err := os.Rename(dir, old); {
	case errors.Is(err, fs.ErrNotExist):
		return os.Rename(fresh, dir)
	case err != nil:
		return err
	}
	if err := os.Rename(fresh, dir); err != nil {
		return errors.Join(err, os.Rename(old, dir))
	}
	return os.RemoveAll(old)
}
