package fit

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/atomicfile"
)

// LadderSettings are the settings of Ladder. The zero value is the default: an
// entropy-coded grid at many payload lengths and, for motion samples, PhysicalGrid as
// the last rung.
type LadderSettings struct {
	Bounds
	// Window is the shape of the windows. Its Dims are not used. A W or Stride of 0
	// means 1.
	Window sensor.Shape
	// Models are paths of bam_manifest.json files. Each model becomes a rung.
	Models []string
	// Components is EntropyGridSettings.Components.
	Components *int
	// Uniform selects uniform grids instead of the entropy-coded grid: one fitted to
	// the training windows and copies of it, widened by 1 to Widened bytes, at most
	// codec.MaxPayloadBytes.
	Uniform bool
	Widened int
}

// LadderResult is a fitted ladder.
type LadderResult struct {
	// Codec is the ladder. Its Schema differs from that of the ladder that Save
	// returns, which depends on the names of files.
	Codec *codec.Ladder
	// Warnings are properties of the ladder that may be unexpected, such as a model
	// that is left out because another rung has payloads of its length.
	Warnings []string

	rungs []rung
	spec  codec.LadderSpec // without rungs
}

// rung is a codec and how ladder.json names it.
type rung struct {
	codec    codec.Codec
	name     string // for people
	params   codec.Params
	manifest string // of a model: its path as seen from the working directory
}

func (r *rung) length() int { return r.codec.MaxPayloadLen() }

// Names of files beside ladder.json.
const (
	fittedFile   = "grid_fitted.json"
	widenedFile  = "grid_widened_%d.json"
	physicalFile = "grid_physical.json"
)

// Ladder fits a ladder of codecs that keeps every value within the tolerances. It
// ranges over windows twice, so they must be re-iterable.
func Ladder(ctx context.Context, windows Windows, settings *LadderSettings) (*LadderResult, error) {
	var s LadderSettings
	if settings != nil {
		s = *settings
	}
	var err error
	if s.Bounds, err = s.Bounds.filled(); err != nil {
		return nil, err
	}
	s.Window = sensor.Shape{Dims: len(s.Schema), W: max(s.Window.W, 1), Stride: max(s.Window.Stride, 1)}
	if err := s.Window.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	if s.Widened < 0 || s.Widened > codec.MaxPayloadBytes {
		return nil, fmt.Errorf("%w: %d widened grids, want 0..%d", ErrSettings, s.Widened, codec.MaxPayloadBytes)
	}
	f := &ladderFit{LadderSettings: s, windows: windows, taken: map[int]bool{}}
	if err := f.fit(ctx); err != nil {
		return nil, err
	}
	r := &LadderResult{Warnings: f.warnings, rungs: f.rungs, spec: codec.LadderSpec{Window: s.Window, Tolerances: s.Tolerances}}
	r.spec.SetSensorSchema(s.Schema)
	var codecs []codec.Codec
	for _, x := range f.rungs {
		codecs = append(codecs, x.codec)
	}
	r.Codec, err = codec.NewLadder(s.Window, s.Schema, s.Tolerances, codecs...)
	return r, err
}

// ladderFit gathers the rungs of a ladder.
type ladderFit struct {
	LadderSettings
	windows  Windows
	physical *codec.Grid  // nil: none
	taken    map[int]bool // lengths that models have
	rungs    []rung
	warnings []string
}

func (f *ladderFit) warn(format string, args ...any) {
	f.warnings = append(f.warnings, fmt.Sprintf(format, args...))
}

func (f *ladderFit) fit(ctx context.Context) error {
	if err := f.physicalRung(); err != nil {
		return err
	}
	for _, manifest := range f.Models {
		if err := f.model(manifest); err != nil {
			return err
		}
	}
	learned := f.entropyRungs
	if f.Uniform {
		learned = f.gridRungs
	}
	if err := learned(ctx); err != nil {
		return err
	}
	f.sort()
	if len(f.rungs) == 0 {
		return fmt.Errorf("%w: no rung is left", ErrSettings)
	}
	return nil
}

// physicalRung adds the grid of what sensors can physically give, where it is
// known. It comes first, so that of two rungs of one length it stays.
func (f *ladderFit) physicalRung() error {
	if !f.Schema.IsMotion() {
		return nil
	}
	r, err := PhysicalGrid(f.Window.W, &GridSettings{f.Bounds})
	if err != nil {
		return err
	}
	f.physical = r.Codec
	if n := f.physical.PayloadLen(); n > codec.MaxPayloadBytes {
		return fmt.Errorf("%w: the physical grid takes %d bytes, want at most %d: shorter windows or larger tolerances", ErrSettings, n, codec.MaxPayloadBytes)
	}
	f.rungs = append(f.rungs, rung{codec: f.physical, name: "the physical grid", params: codec.Params{GridPath: physicalFile}})
	return nil
}

// model adds the rung of a model.
func (f *ladderFit) model(manifest string) error {
	c, err := codec.LoadBAM(manifest)
	if err != nil {
		return err
	}
	if got := c.Window(); got != f.Window {
		return fmt.Errorf("%w: %s: windows of %s, want %s", ErrSettings, manifest, got, f.Window)
	}
	f.taken[c.PayloadLen()] = true
	f.rungs = append(f.rungs, rung{codec: c, name: "the model " + manifest, manifest: manifest})
	return nil
}

// entropyRungs are those of an entropy-coded grid, shorter than the physical grid
// and of other lengths than models have.
func (f *ladderFit) entropyRungs(ctx context.Context) error {
	r, err := EntropyGrid(ctx, f.windows, &EntropyGridSettings{Bounds: f.Bounds, Components: f.Components})
	if err != nil {
		return err
	}
	fitted := r.Codec
	longest := 0
	if f.physical != nil {
		longest = f.physical.PayloadLen() - 1
	} else {
		longest = min(codec.MaxPayloadBytes, fitted.PayloadLen()+3*fitted.WindowLen())
		f.warn("the physical range of the values is not known: windows whose code is longer than %d bytes will be refused", longest)
	}
	lengths, err := payloadLengths(ctx, fitted, f.windows, max(1, codec.MaxRungs-1-len(f.taken)), longest+1)
	if err != nil {
		return err
	}
	if f.physical == nil && (len(lengths) == 0 || lengths[len(lengths)-1] < longest) {
		lengths = append(lengths, longest)
	}
	for _, n := range lengths {
		if f.taken[n] {
			continue
		}
		c, err := fitted.WithPayloadBytes(n)
		if err != nil {
			return err
		}
		f.rungs = append(f.rungs, rung{codec: c, name: "the entropy-coded grid", params: codec.Params{EntropyGridPath: codec.EntropyGridFile, PayloadBytes: n}})
	}
	return nil
}

// gridRungs are those of the fitted grid and its widened copies.
func (f *ladderFit) gridRungs(ctx context.Context) error {
	r, err := Grid(ctx, f.windows, &GridSettings{f.Bounds})
	if err != nil {
		return err
	}
	if f.physical == nil {
		f.warn("the physical range of the values is not known: windows outside the fitted grid will be refused")
	}
	fitted := r.Codec
	f.rungs = append(f.rungs, rung{codec: fitted, name: "the fitted grid", params: codec.Params{GridPath: fittedFile}})
	longest := fitted.PayloadLen()
	for n := 1; n <= f.Widened; n++ {
		wide, err := WidenGrid(fitted, n)
		if err != nil || f.taken[wide.Codec.PayloadLen()] { // nothing is left to widen, or a model has that length
			continue
		}
		longest = wide.Codec.PayloadLen()
		f.rungs = append(f.rungs, rung{codec: wide.Codec, name: fmt.Sprintf("the grid widened by %d", n), params: codec.Params{GridPath: fmt.Sprintf(widenedFile, n)}})
	}
	if f.physical == nil && longest > codec.MaxPayloadBytes {
		return fmt.Errorf("%w: the grid takes %d bytes, want at most %d: shorter windows or larger tolerances", ErrSettings, longest, codec.MaxPayloadBytes)
	}
	return nil
}

// sort puts the rungs in the order of their lengths, one for each, up to the
// physical grid, behind which nothing is of use.
func (f *ladderFit) sort() {
	all := f.rungs
	slices.SortStableFunc(all, func(a, b rung) int { return cmp.Compare(a.length(), b.length()) })
	f.rungs = nil
	for _, r := range all {
		n := len(f.rungs)
		if n == 0 || f.rungs[n-1].length() != r.length() && f.rungs[n-1].codec != codec.Codec(f.physical) {
			f.rungs = append(f.rungs, r)
			continue
		}
		if r.manifest != "" {
			f.warn("%s is left out: its payloads have %d bytes, those of %s %d", r.name, r.length(), f.rungs[n-1].name, f.rungs[n-1].length())
		}
	}
}

// SaveSettings are the settings of Save. The zero value does not replace anything.
type SaveSettings struct {
	// Force allows to replace a folder that has nothing but a ladder's files.
	Force bool
}

// ErrExists reports that the folder to save to exists.
var ErrExists = atomicfile.ErrExists

// Save writes ladder.json and the grids it mentions to the folder dir, and returns the
// ladder loaded from there. The folder appears as a whole or not at all. An old folder
// is replaced only after the new one was loaded.
func (r *LadderResult) Save(dir string, settings *SaveSettings) (*codec.Ladder, error) {
	files, err := r.files(dir)
	if err != nil {
		return nil, err
	}
	f := ladderFolder(dir, settings)
	f.Check = func(fresh string) error {
		_, err := codec.LoadLadder(filepath.Join(fresh, codec.LadderFile))
		return err
	}
	if err := f.Write(files); err != nil {
		return nil, &codec.Error{File: dir, Err: err}
	}
	return codec.LoadLadder(filepath.Join(dir, codec.LadderFile))
}

// CheckTarget returns the error that Save would return because of what dir is, so that
// a program can fail before it fits.
func CheckTarget(dir string, settings *SaveSettings) error {
	if err := ladderFolder(dir, settings).CheckTarget(); err != nil {
		return &codec.Error{File: dir, Err: err}
	}
	return nil
}

// ladderNames are the names of the files that a ladder's folder may have, including
// lattice.json, as earlier versions called entropy_grid.json.
var ladderNames = regexp.MustCompile(`^(ladder|entropy_grid|lattice|grid_fitted|grid_physical|grid_widened_[0-9]+)\.json$`)

func ladderFolder(dir string, settings *SaveSettings) atomicfile.Folder {
	f := atomicfile.Folder{Path: dir, Owns: ladderNames.MatchString, Kind: "a ladder"}
	if settings != nil {
		f.Force = settings.Force
	}
	return f
}

// files are those of the ladder's folder dir, ladder.json last.
func (r *LadderResult) files(dir string) ([]atomicfile.File, error) {
	spec := r.spec
	spec.Rungs = nil
	var files []atomicfile.File
	saved := map[string]bool{}
	for _, x := range r.rungs {
		params := x.params
		if x.manifest != "" {
			var err error
			if params.ManifestPath, err = seenFrom(dir, x.manifest); err != nil {
				return nil, err
			}
		}
		if file, ok := x.codec.(interface{ File() []byte }); ok {
			name := params.GridPath + params.EntropyGridPath
			if !saved[name] {
				files = append(files, atomicfile.File{Name: name, Data: file.File()})
			}
			saved[name] = true
		}
		spec.Rungs = append(spec.Rungs, codec.NewRungSpec(x.codec, params))
	}
	text, err := spec.Text()
	if err != nil {
		return nil, err
	}
	return append(files, atomicfile.File{Name: codec.LadderFile, Data: text}), nil
}

// seenFrom returns the path of a file relative to the folder dir.
func seenFrom(dir, path string) (string, error) {
	from, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("fit: %w", err)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("fit: %w", err)
	}
	if rel, err := filepath.Rel(from, abs); err == nil { // else it is on another drive
		abs = rel
	}
	return filepath.ToSlash(abs), nil
}
