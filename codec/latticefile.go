package codec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// LatticeDim is how one value of a step is cut into cells: a line into cells
// Step wide, or an angle into Cells of equal width from Low on, once around.
type LatticeDim struct {
	Step  float64 `json:"step,omitempty" validate:"min=0"`
	Low   float64 `json:"low,omitempty" validate:"min=-360,max=360"`
	Cells int64   `json:"cells,omitempty" validate:"min=0,max=1073741824"`
}

// latticeFile is lattice.json. The frequencies of a table sum to 65,536.
type latticeFile struct {
	WindowW int               `json:"window_W" validate:"min=1,max=65536"`
	Dims    []LatticeDim      `json:"dims" validate:"min=1,max=65536,dive"`
	Modes   []latticeFileMode `json:"modes" validate:"min=1,max=256,dive"`
}

type latticeFileMode struct {
	Frequency int       `json:"frequency" validate:"min=1,max=65536"` // of the mode
	Center    []float64 `json:"center"`                               // of a line a value, of an angle the number of a cell
	First     [][]int   `json:"first"`                                // dims tables, of a window's first step
	Next      [][]int   `json:"next,omitempty"`                       // of the steps behind it; absent where there are none
}

// text is lattice.json: a table a line.
func (f *latticeFile) text() ([]byte, error) {
	var b bytes.Buffer
	var err error
	value := func(v any) {
		text, e := json.Marshal(v)
		if e != nil {
			err = fmt.Errorf("codec: %w", e)
		}
		b.Write(text)
	}
	list := func(name string, rows [][]int) {
		fmt.Fprintf(&b, ",\n      %q: [", name)
		for i, r := range rows {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString("\n        ")
			value(r)
		}
		b.WriteString("\n      ]")
	}
	fmt.Fprintf(&b, "{\n  \"window_W\": %d,\n  \"dims\": [", f.WindowW)
	for i, d := range f.Dims {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n    ")
		value(d)
	}
	b.WriteString("\n  ],\n  \"modes\": [")
	for i, m := range f.Modes {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n    {\n      \"frequency\": %d,\n      \"center\": ", m.Frequency)
		value(m.Center)
		list("first", m.First)
		if m.Next != nil {
			list("next", m.Next)
		}
		b.WriteString("\n    }")
	}
	b.WriteString("\n  ]\n}\n")
	return b.Bytes(), err
}

func (p place) lattice(rel string, payloadBytes int) (*Lattice, error) {
	if rel == "" {
		return nil, fmt.Errorf("%w: codec %s without lattice_path, want the path of a %s", ErrSpec, latticeID, LatticeFile)
	}
	name, err := p.path(rel)
	if err != nil {
		return nil, &Error{rel, "", err}
	}
	data, err := p.read(name)
	if err != nil {
		return nil, err
	}
	m, err := parseLattice(name, data)
	if err != nil {
		return nil, err
	}
	return (&Lattice{latticeModel: m}).WithPayloadBytes(payloadBytes)
}

func parseLattice(name string, data []byte) (*latticeModel, error) {
	var f latticeFile
	if err := parseFile(name, data, &f); err != nil {
		return nil, err
	}
	if err := checkTags(name, &f); err != nil {
		return nil, err
	}
	return newLattice(name, data, &f)
}

// newLattice builds the model of a file that passed its tags.
func newLattice(name string, data []byte, f *latticeFile) (*latticeModel, error) {
	fault := func(sentinel error, field, format string, args ...any) (*latticeModel, error) {
		return nil, &Error{name, field, fmt.Errorf("%w: %s", sentinel, fmt.Sprintf(format, args...))}
	}
	if len(f.Dims)*f.WindowW > sensor.MaxWindowLen {
		return fault(artifacts.ErrTooLarge, "window_W", "%d steps of %d dims, want at most %d values a window", f.WindowW, len(f.Dims), sensor.MaxWindowLen)
	}
	for i, d := range f.Dims {
		if d.Step > 0 == (d.Cells > 0) {
			return fault(artifacts.ErrMalformed, fmt.Sprintf("dims[%d]", i), "step %g and cells %d, want one of them", d.Step, d.Cells)
		}
		if d.Step > 1e200 || d.Step > 0 && d.Step < 1e-200 {
			return fault(artifacts.ErrMalformed, fmt.Sprintf("dims[%d].step", i), "%g, want 1e-200..1e200", d.Step)
		}
	}
	c := &latticeModel{dims: f.Dims, w: f.WindowW, file: data, hash: sha256Hex(data)}
	sum := 0
	weights := make([]int, len(f.Modes))
	for i := range f.Modes {
		weights[i] = f.Modes[i].Frequency
		sum += weights[i]
	}
	if sum != 1<<frequencyBits {
		return fault(artifacts.ErrMalformed, "modes", "frequencies that sum to %d, want %d", sum, 1<<frequencyBits)
	}
	c.choice = newFrequencies(weights)
	for i := range f.Modes {
		m := &f.Modes[i]
		in := fmt.Sprintf("modes[%d]", i)
		if len(m.Center) != len(f.Dims) {
			return fault(artifacts.ErrMalformed, in+".center", "%d values, want %d", len(m.Center), len(f.Dims))
		}
		mode := latticeMode{origin: m.Center, cell: make([]int64, len(f.Dims))}
		for j, v := range m.Center {
			d := &f.Dims[j]
			switch {
			case d.Cells == 0 && !(math.Abs(v) <= d.reach()):
				return fault(artifacts.ErrMalformed, fmt.Sprintf("%s.center[%d]", in, j), "%g, want one within %g", v, d.reach())
			case d.Cells > 0 && !(v >= 0 && v < float64(d.Cells) && v == math.Trunc(v)):
				return fault(artifacts.ErrMalformed, fmt.Sprintf("%s.center[%d]", in, j), "%g, want the number of one of %d cells", v, d.Cells)
			}
			if d.Cells > 0 {
				mode.cell[j] = int64(v)
			}
		}
		var err error
		if mode.first, err = latticeTables(name, in+".first", m.First, len(f.Dims)); err != nil {
			return nil, err
		}
		want := 0
		if f.WindowW > 1 {
			want = len(f.Dims)
		}
		if mode.next, err = latticeTables(name, in+".next", m.Next, want); err != nil {
			return nil, err
		}
		c.modes = append(c.modes, mode)
	}
	c.pool.New = func() any {
		n := len(c.dims) * c.w
		return &latticeScratch{
			ring: make([]int64, n), distances: make([]int64, n), try: make([]int64, n),
			coder: rangeEncoder{out: make([]byte, 0, 8*n+16)},
		}
	}
	return c, nil
}

func latticeTables(name, in string, rows [][]int, want int) ([]frequencies, error) {
	if len(rows) != want {
		return nil, &Error{name, in, fmt.Errorf("%w: %d tables, want %d", artifacts.ErrMalformed, len(rows), want)}
	}
	out := make([]frequencies, len(rows))
	for i, r := range rows {
		sum, least := 0, 1
		for _, n := range r {
			sum += min(n, 1<<frequencyBits)
			least = min(least, n)
		}
		if len(r) != latticeTokens || least < 1 || sum != 1<<frequencyBits {
			return nil, &Error{name, fmt.Sprintf("%s[%d]", in, i), fmt.Errorf("%w: %d frequencies of %d or more that sum to %d, want %d of at least 1 that sum to %d",
				artifacts.ErrMalformed, len(r), least, sum, latticeTokens, 1<<frequencyBits)}
		}
		out[i] = newFrequencies(r)
	}
	return out, nil
}
