package codec

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/atomicfile"
)

// LadderFile is the usual name of a ladder's file.
const LadderFile = "ladder.json"

// maxLadderFile bounds ladder.json, in bytes.
const maxLadderFile = 64 << 10

// Ladder is ladder.json, which sender, receiver and evaluation load alike.
type Ladder struct {
	Window sensor.Shape `json:"window"`
	// Tolerances are the largest errors of each value of a step, in its unit.
	Tolerances []float64 `json:"tolerances" validate:"min=1,max=512,dive,gt=0"`
	// Rungs are tried in this order. Their lengths rise.
	Rungs []Rung `json:"rungs" validate:"min=1,max=16,dive"`
}

// Rung is one codec of a ladder.
type Rung struct {
	Codec Section `json:"codec"`
	// Length is that of every payload, in bytes.
	Length int `json:"length" validate:"min=1,max=255"`
	// Schema and ModelHash, where not empty, are what the codec must turn out
	// to have, so that equal ladders mean equal codecs.
	Schema    string `json:"schema,omitempty"`
	ModelHash string `json:"model_hash,omitempty"`
}

// Section names a codec and its parameters, as a RunSpec does. Paths are
// relative to the ladder's folder.
type Section struct {
	ID      string `json:"id" validate:"required"`
	Version string `json:"version" validate:"required"`
	Params  Params `json:"params,omitzero"`
}

// rungOf is what ladder.json says of a codec.
func rungOf(c Codec, s Section) Rung {
	r := Rung{Codec: s, Length: c.MaxPayloadLen(), Schema: c.Schema()}
	if m, ok := c.(*BAM); ok {
		r.ModelHash = m.Model().Hash()
	}
	return r
}

// check reports all that is wrong with the ladder itself.
func (l *Ladder) check(name string) error {
	if err := checkTags(name, l); err != nil {
		return err
	}
	var errs []error
	add := func(field, format string, args ...any) {
		errs = append(errs, &Error{name, field, fmt.Errorf("%w: %s", artifacts.ErrMalformed, fmt.Sprintf(format, args...))})
	}
	if len(l.Tolerances) != l.Window.Dims {
		add("tolerances", "%d values, want %d, one for each of the window's dims", len(l.Tolerances), l.Window.Dims)
	}
	for i, t := range l.Tolerances {
		if math.IsInf(t, 0) || math.IsNaN(t) {
			add(fmt.Sprintf("tolerances[%d]", i), "%g, want a number", t)
		}
	}
	if l.Window.Dims*l.Window.W > sensor.MaxWindowLen {
		add("window", "%d dims, W %d, want at most %d values", l.Window.Dims, l.Window.W, sensor.MaxWindowLen)
	}
	for i := range l.Rungs {
		if i > 0 && l.Rungs[i].Length <= l.Rungs[i-1].Length {
			add(fmt.Sprintf("rungs[%d].length", i), "%d after %d, want rising lengths: payloads are told apart by them", l.Rungs[i].Length, l.Rungs[i-1].Length)
		}
	}
	return errors.Join(errs...)
}

// LoadBounded returns the codec of the ladder.json at path.
func LoadBounded(path string) (*Bounded, error) { return place{}.bounded(path) }

// LoadBoundedFS is LoadBounded in a file system, as go:embed makes one. The
// ladder's paths must stay inside it.
func LoadBoundedFS(fsys fs.FS, name string) (*Bounded, error) {
	if !fs.ValidPath(name) {
		return nil, &Error{name, "", fmt.Errorf("%w: no path of a file system, want one like ladders/a/%s", artifacts.ErrNotFound, LadderFile)}
	}
	return place{fsys, "."}.bounded(name)
}

func (p place) bounded(rel string) (*Bounded, error) {
	if rel == "" {
		return nil, fmt.Errorf("%w: codec %s without ladder_path, want the path of a %s", ErrSpec, boundedID, LadderFile)
	}
	name, err := p.path(rel)
	if err != nil {
		return nil, &Error{rel, "", err}
	}
	data, err := p.read(name)
	if err != nil {
		return nil, err
	}
	return p.parseLadder(name, data)
}

// parseLadder builds the codec of the ladder.json at name, whose text is data.
func (p place) parseLadder(name string, data []byte) (*Bounded, error) {
	var l Ladder
	if len(data) > maxLadderFile {
		return nil, &Error{name, "", fmt.Errorf("%w: %d bytes, want at most %d", artifacts.ErrTooLarge, len(data), maxLadderFile)}
	}
	if err := parseFile(name, data, &l); err != nil {
		return nil, err
	}
	if err := l.check(name); err != nil {
		return nil, err
	}
	rungs, err := l.build(name, p.in(name))
	if err != nil {
		return nil, err
	}
	for i, c := range rungs {
		is := rungOf(c, l.Rungs[i].Codec)
		for _, f := range []struct{ field, is, want string }{
			{"schema", is.Schema, l.Rungs[i].Schema}, {"model_hash", is.ModelHash, l.Rungs[i].ModelHash},
		} {
			if f.want != "" && f.is != f.want {
				return nil, &Error{name, fmt.Sprintf("rungs[%d].%s", i, f.field),
					fmt.Errorf("%w: the codec has %q, want %q: it was changed after the ladder was written", artifacts.ErrMismatch, f.is, f.want)}
			}
		}
	}
	return newBounded(name, &l, data, rungs)
}

// build builds the rungs' codecs, whose paths lead to p.
func (l *Ladder) build(name string, p place) ([]Codec, error) {
	rungs := make([]Codec, len(l.Rungs))
	lattices := map[string]*Lattice{} // by path: one serves at several lengths
	for i := range l.Rungs {
		s := l.Rungs[i].Codec
		fault := func(err error) error {
			return &Error{name, fmt.Sprintf("rungs[%d].codec", i), err}
		}
		if s.ID == boundedID || s.ID == zlibID {
			return nil, fault(fmt.Errorf("%w: %s, want a codec whose payloads have one length", artifacts.ErrUnsupported, s.ID))
		}
		var c Codec
		var err error
		if same := lattices[s.Params.LatticePath]; s.ID == latticeID && s.Version == latticeVersion && same != nil {
			c, err = same.WithPayloadBytes(s.Params.PayloadBytes)
		} else {
			c, err = p.codec(Spec{ID: s.ID, Version: s.Version, Params: s.Params, Dims: l.Window.Dims, W: l.Window.W, Stride: l.Window.Stride, MaxPayloadBytes: 255})
		}
		if err != nil {
			return nil, fault(err)
		}
		if want := l.Rungs[i].Length; want != 0 && c.MaxPayloadLen() != want {
			return nil, &Error{name, fmt.Sprintf("rungs[%d].length", i), fmt.Errorf("%w: %d, but the codec makes payloads of %d bytes", artifacts.ErrMismatch, want, c.MaxPayloadLen())}
		}
		rungs[i] = c
		if lattice, ok := c.(*Lattice); ok {
			lattices[s.Params.LatticePath] = lattice
		}
	}
	return rungs, nil
}

// SaveLadder fills in length, schema and model hash of every rung, writes the
// ladder to path, a ladder.json that appears whole, and returns its codec.
// Nothing is written where the ladder does not hold.
func SaveLadder(path string, l *Ladder) (*Bounded, error) {
	rungs, err := l.build(path, place{dir: filepath.Dir(path)})
	if err != nil {
		return nil, err
	}
	for i, c := range rungs {
		l.Rungs[i] = rungOf(c, l.Rungs[i].Codec)
	}
	data, err := encodeFile(l)
	if err != nil {
		return nil, &Error{path, "", err}
	}
	b, err := newBounded(path, l, data, rungs)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.WriteBytes(path, data); err != nil {
		return nil, &Error{path, "", err}
	}
	return b, nil
}
