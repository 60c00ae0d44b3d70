package codec

import (
	"fmt"
	"io/fs"
	"math"
	"slices"

	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/modelfile"
)

// LadderFile is the usual name of the file of a ladder.
const LadderFile = "ladder.json"

// Caps of a ladder.
const (
	// MaxRungs is the largest number of rungs.
	MaxRungs      = 16
	maxLadderFile = 64 << 10 // bytes
	maxLadderDims = 512
)

// LadderSpec is the content of ladder.json.
type LadderSpec struct {
	Window sensor.Shape `json:"window"`
	// Order and Units name the values of a step, as in a data set. They are absent
	// for motion samples, and if the data set has no names.
	Order []string          `json:"order,omitempty"`
	Units map[string]string `json:"units,omitempty"`
	// Angles tell which values of a step are compared modulo 360. They are absent if
	// the names tell.
	Angles []bool `json:"angles,omitempty"`
	// Tolerances are the largest errors of each value of a step, in its unit.
	Tolerances []float64 `json:"tolerances"`
	// Rungs are in ascending order of their lengths.
	Rungs []RungSpec `json:"rungs"`
}

// RungSpec is one codec of a ladder.
type RungSpec struct {
	Codec CodecSpec `json:"codec"`
	// Length is that of every payload, in bytes.
	Length int `json:"length"`
	// Schema and ModelHash, if not empty, must be those of the codec, so that equal
	// ladders have equal codecs.
	Schema    string `json:"schema,omitempty"`
	ModelHash string `json:"model_hash,omitempty"`
}

// CodecSpec is the id, version and parameters of a codec. Paths are relative to the
// folder of the ladder.json, other than in a RunSpec.
type CodecSpec struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Params  Params `json:"params,omitzero"`
}

// NewRungSpec returns the entry of ladder.json for a codec with these parameters.
func NewRungSpec(c Codec, params Params) RungSpec {
	r := RungSpec{Codec: CodecSpec{ID: c.ID(), Version: c.Version(), Params: params}, Length: c.MaxPayloadLen(), Schema: c.Schema()}
	if m, ok := c.(Modelled); ok {
		r.ModelHash = m.ModelHash()
	}
	return r
}

// Text returns the content of the file.
func (l *LadderSpec) Text() ([]byte, error) {
	text, err := modelfile.EncodeJSON(l)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	return text, nil
}

// SensorSchema returns what the file says of the values of a step.
func (l *LadderSpec) SensorSchema() sensor.Schema {
	s := sensor.ForDims(l.Window.Dims)
	if len(l.Order) > 0 {
		s = sensor.Named(l.Order, l.Units)
	}
	for i, angle := range l.Angles[:min(len(l.Angles), len(s))] {
		s[i].Angle = angle
	}
	return s
}

// SetSensorSchema sets Order, Units and Angles. Those of motion samples stay empty:
// readers assume them.
func (l *LadderSpec) SetSensorSchema(s sensor.Schema) {
	l.Order, l.Units, l.Angles = nil, nil, nil
	if s.Names() != nil && !s.Equal(sensor.Motion()) {
		l.Order, l.Units = s.Names(), s.Units()
	}
	if !slices.Equal(l.SensorSchema().Angles(), s.Angles()) {
		l.Angles = s.Angles()
	}
}

// check reports all that is wrong with the ladder itself.
func (l *LadderSpec) check() modelfile.Faults {
	var faults modelfile.Faults
	if err := l.Window.Check(); err != nil {
		faults.Add("window", ErrMalformed, "%s", err)
	}
	if l.Window.Dims > maxLadderDims {
		faults.Add("window.dims", ErrTooLarge, "%d, want at most %d", l.Window.Dims, maxLadderDims)
	}
	switch n := len(l.Tolerances); {
	case n > maxLadderDims:
		faults.Add("tolerances", ErrTooLarge, "%d values, want at most %d", n, maxLadderDims)
	case n != l.Window.Dims:
		faults.Add("tolerances", ErrMalformed, "%d values, want %d, one for each of the window's dims", n, l.Window.Dims)
	}
	for i, t := range l.Tolerances[:min(len(l.Tolerances), maxLadderDims)] {
		if !(t > 0) || math.IsInf(t, 0) {
			faults.Add(fmt.Sprintf("tolerances[%d]", i), ErrMalformed, "%g, want a number above 0", t)
		}
	}
	if len(l.Order) > 0 && len(l.Order) != l.Window.Dims {
		faults.Add("order", ErrMalformed, "%d names, want %d", len(l.Order), l.Window.Dims)
	}
	if len(l.Angles) > 0 && len(l.Angles) != l.Window.Dims {
		faults.Add("angles", ErrMalformed, "%d values, want %d", len(l.Angles), l.Window.Dims)
	}
	switch n := len(l.Rungs); {
	case n < 1:
		faults.Add("rungs", ErrMalformed, "none, want at least 1")
	case n > MaxRungs:
		faults.Add("rungs", ErrTooLarge, "%d, want at most %d", n, MaxRungs)
	}
	for i := range l.Rungs[:min(len(l.Rungs), MaxRungs)] {
		l.checkRung(i, &faults)
	}
	return faults
}

func (l *LadderSpec) checkRung(i int, faults *modelfile.Faults) {
	r, at := &l.Rungs[i], fmt.Sprintf("rungs[%d]", i)
	if r.Codec.ID == "" || r.Codec.Version == "" {
		faults.Add(at+".codec", ErrMalformed, "id %q, version %q, want both", r.Codec.ID, r.Codec.Version)
	}
	switch {
	case r.Length < 1:
		faults.Add(at+".length", ErrMalformed, "%d, want at least 1", r.Length)
	case r.Length > math.MaxUint8:
		faults.Add(at+".length", ErrTooLarge, "%d, want at most %d", r.Length, math.MaxUint8)
	case i > 0 && r.Length <= l.Rungs[i-1].Length:
		faults.Add(at+".length", ErrMalformed, "%d after %d, want rising lengths: payloads are told apart by them", r.Length, l.Rungs[i-1].Length)
	}
}

// LoadLadder returns the codec of the ladder.json at path.
func LoadLadder(path string) (*Ladder, error) { return opener{tree: modelfile.Disk()}.ladder(path) }

// LoadLadderFS is like LoadLadder with a file in fsys, such as an embed.FS. Paths in
// the ladder must stay inside fsys.
func LoadLadderFS(fsys fs.FS, name string) (*Ladder, error) {
	return opener{tree: modelfile.FS(fsys), dir: "."}.ladder(name)
}

func (o opener) ladder(name string) (*Ladder, error) {
	data, err := o.read(name, maxLadderFile)
	if err != nil {
		return nil, err
	}
	return o.parseLadder(name, data)
}

// parseLadder builds the codec of the ladder.json at name, whose text is data.
func (o opener) parseLadder(name string, data []byte) (*Ladder, error) {
	var l LadderSpec
	faults := modelfile.DecodeStrict(data, &l)
	if len(faults) == 0 {
		faults = l.check()
	}
	if err := located(name, faults); err != nil {
		return nil, err
	}
	rungs, err := opener{tree: o.tree, dir: o.tree.Dir(name)}.rungs(name, &l)
	if err != nil {
		return nil, err
	}
	return newLadder(name, &l, data, rungs)
}

// rungs builds the codecs of a ladder whose paths are relative to o.dir, and sees
// to it that they are what the ladder says.
func (o opener) rungs(name string, l *LadderSpec) ([]Codec, error) {
	rungs := make([]Codec, len(l.Rungs))
	grids := map[string]*EntropyGrid{} // by path: one serves at several lengths
	for i := range l.Rungs {
		want := &l.Rungs[i]
		fault := func(field string, sentinel error, format string, args ...any) error {
			return fileError(name, fmt.Sprintf("rungs[%d].%s", i, field), fmt.Errorf("%w: %s", sentinel, fmt.Sprintf(format, args...)))
		}
		if want.Codec.ID == ladderID { // which would load itself again
			return nil, fault("codec", ErrUnsupported, "%s, want a codec whose payloads have one length", want.Codec.ID)
		}
		c, err := o.rung(want.Codec, l.Window, grids)
		if err != nil {
			return nil, fileError(name, fmt.Sprintf("rungs[%d].codec", i), err)
		}
		if err := checkRung(name, i, c, l.Window.Len()); err != nil {
			return nil, err
		}
		is := NewRungSpec(c, want.Codec.Params)
		switch {
		case is.Length != want.Length:
			return nil, fault("length", ErrMismatch, "%d, but the codec makes payloads of %d bytes", want.Length, is.Length)
		case want.Schema != "" && is.Schema != want.Schema:
			return nil, fault("schema", ErrMismatch, "the codec has %q, want %q: it was changed after the ladder was written", is.Schema, want.Schema)
		case want.ModelHash != "" && is.ModelHash != want.ModelHash:
			return nil, fault("model_hash", ErrMismatch, "the codec has %q, want %q: it was changed after the ladder was written", is.ModelHash, want.ModelHash)
		}
		rungs[i] = c
	}
	return rungs, nil
}

// rung builds one codec of a ladder.
func (o opener) rung(s CodecSpec, window sensor.Shape, grids map[string]*EntropyGrid) (Codec, error) {
	path := s.Params.EntropyGridPath
	if same := grids[path]; s.ID == entropyGridID && s.Version == entropyGridVersion && same != nil {
		return same.WithPayloadBytes(s.Params.PayloadBytes)
	}
	c, err := o.codec(Spec{ID: s.ID, Version: s.Version, Params: s.Params, Window: window, MaxPayloadBytes: math.MaxUint8})
	if grid, ok := c.(*EntropyGrid); ok && err == nil {
		grids[path] = grid
	}
	return c, err
}
