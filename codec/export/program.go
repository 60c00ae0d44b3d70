package export

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/entropygrid"
	"github.com/loralink/loralink-go/internal/modelfile"
)

// program is what the templates of both languages need to know of a codec.
type program struct {
	Name, Upper         string // of files and functions, of macros
	Codec, Schema, Hash string
	Dims, Steps         int
	Fields              []field
	MaxPayload          int
	Fixed               bool // all payloads have MaxPayload bytes

	BAMs      []bamCodec
	Grids     []gridCodec
	Entropies []entropyCodec
	Rungs     []rungCodec // of a ladder

	tolerances []float64 // of a ladder
	angles     []bool    // of a ladder

	Example string // a payload and its values

	codec codec.Codec
}

// field is a value of a step.
type field struct {
	Name, Unit string // as data sets have them; Name is unique and never empty
	Macro      string // index in C
	Comment    string
	Last       bool
}

type bamCodec struct {
	net       *bam.Model
	norm      *bam.Norm // nil: none
	packing   bam.Packing
	scale     float32
	tables    *bam.Tables // of bitpack
	checkSeed byte
	length    int
}

type gridCodec struct {
	dims   []codec.GridDim
	length int
}

type entropyCodec struct {
	file *entropygrid.File
	hash string // of the file
	// lists has the distinct tables. first and next have the number of each
	// component's and value's table.
	lists       [][]int
	first, next [][]int
}

// rungCodec is a rung: a codec by its kind and its index among those.
type rungCodec struct {
	Kind   string // bam, grid, entropy
	Index  int
	Length int
}

// Var returns the codec's variable.
func (r rungCodec) Var() string { return r.Kind + strconv.Itoa(r.Index) }

// newProgram describes a codec.
func newProgram(c codec.Codec, s Settings) (*program, error) {
	p := &program{Name: s.Name, Upper: strings.ToUpper(s.Name), Codec: c.ID(), Schema: c.Schema(), MaxPayload: c.MaxPayloadLen(), codec: c}
	if w, ok := c.(codec.Windowed); ok {
		p.Dims, p.Steps = w.Window().Dims, w.Window().W
	}
	if l, ok := c.(*codec.Ladder); ok {
		p.tolerances, p.angles = l.Tolerances(), l.Angles()
		_, p.Hash, _ = strings.Cut(l.Schema(), ":")
		for i, rung := range l.Rungs() {
			r, err := p.add(rung, fmt.Sprintf("rung %d is ", i))
			if err != nil {
				return nil, err
			}
			p.Rungs = append(p.Rungs, r)
		}
	} else {
		if _, err := p.add(c, ""); err != nil {
			return nil, err
		}
		f, ok := c.(codec.FixedLength)
		p.Fixed = ok && f.PayloadLen() > 0
	}
	p.Fields = p.fields(codec.SensorSchema(c))
	return p, nil
}

// add describes one codec, which is no ladder.
func (p *program) add(c codec.Codec, where string) (r rungCodec, err error) {
	r.Length = c.MaxPayloadLen()
	switch c := c.(type) {
	case *codec.BAM:
		m := c.Model()
		b := bamCodec{net: &m.Net, norm: m.Norm, packing: m.Manifest.Packing, tables: m.Tables, length: c.PayloadLen()}
		if m.Manifest.Scale != nil && b.packing.Integer() {
			b.scale = float32(*m.Manifest.Scale)
		}
		if b.checkSeed, err = checkSeed(c.ModelHash()); err != nil {
			return r, err
		}
		r.Kind, r.Index, p.Hash = "bam", len(p.BAMs), or(p.Hash, c.ModelHash())
		p.BAMs = append(p.BAMs, b)
	case *codec.Grid:
		r.Kind, r.Index, p.Hash = "grid", len(p.Grids), or(p.Hash, modelfile.Hash(c.File()))
		p.Grids = append(p.Grids, gridCodec{c.Dims(), c.PayloadLen()})
	case *codec.EntropyGrid:
		r.Kind, p.Hash = "entropy", or(p.Hash, c.Code())
		// One grid serves at several lengths.
		if r.Index = slices.IndexFunc(p.Entropies, func(e entropyCodec) bool { return e.hash == c.Code() }); r.Index >= 0 {
			break
		}
		e, err := newEntropy(c)
		if err != nil {
			return r, err
		}
		r.Index = len(p.Entropies)
		p.Entropies = append(p.Entropies, e)
	default:
		return r, unsupported(c, where)
	}
	return r, nil
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func newEntropy(c *codec.EntropyGrid) (e entropyCodec, err error) {
	e = entropyCodec{file: new(entropygrid.File), hash: c.Code()}
	if err := json.Unmarshal(c.File(), e.file); err != nil {
		return e, fmt.Errorf("export: %w", err)
	}
	numbers := map[string]int{}
	number := func(tables [][]int) []int {
		var out []int
		for _, t := range tables {
			key := fmt.Sprint(t)
			n, ok := numbers[key]
			if !ok {
				n = len(e.lists)
				numbers[key] = n
				e.lists = append(e.lists, t)
			}
			out = append(out, n)
		}
		return out
	}
	for _, m := range e.file.Components {
		e.first = append(e.first, number(m.First))
		e.next = append(e.next, number(m.Next))
	}
	return e, nil
}

// fields names the values of a step. In C, names that are no identifiers, or not
// unique, become VALUE_<index>.
func (p *program) fields(schema sensor.Schema) []field {
	out := make([]field, len(schema))
	macros := map[string]bool{}
	for _, reserved := range []string{"H", "DIMS", "STEPS", "VALUES", "MAX_PAYLOAD", "MODEL_HASH"} {
		macros[reserved] = true
	}
	names := map[string]bool{}
	for i, v := range schema {
		name := v.Name
		switch {
		case name == "":
			name = fmt.Sprintf("value_%d", i)
		case names[name]:
			name += fmt.Sprintf("_%d", i)
		}
		names[name] = true
		macro := strings.ToUpper(name)
		if !validName.MatchString(strings.ToLower(name)) || macros[macro] || strings.HasPrefix(macro, "ERR_") || strings.HasPrefix(macro, "VALUE_") {
			macro = fmt.Sprintf("VALUE_%d", i)
		}
		macros[macro] = true
		var notes []string
		if macro != strings.ToUpper(name) {
			notes = append(notes, comment(name))
		}
		if v.Unit != "" {
			notes = append(notes, comment(v.Unit))
		}
		if v.Angle {
			notes = append(notes, "an angle")
		}
		if v.Low < v.High {
			notes = append(notes, fmt.Sprintf("%g to %g", v.Low, v.High))
		}
		if p.tolerances != nil {
			notes = append(notes, fmt.Sprintf("error at most %g", p.tolerances[i]))
		}
		out[i] = field{Name: name, Unit: v.Unit, Macro: p.Upper + "_" + macro, Comment: strings.Join(notes, ", "), Last: i == len(schema)-1}
	}
	return out
}

// comment returns text that can stand in a comment of C or JavaScript.
func comment(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	// No end of the comment, no trigraph, no second beginning, no continued line.
	return strings.NewReplacer("*/", "* /", "/*", "/ *", "??", "? ?", `\`, "?").Replace(text)
}

// checkSeed returns the initial value of bitpack's check byte: the CRC-8 with the
// polynomial 0x2f of the model's hash.
func checkSeed(hash string) (byte, error) {
	crc := byte(0)
	for i := 0; i+2 <= len(hash); i += 2 {
		v, err := strconv.ParseUint(hash[i:i+2], 16, 8)
		if err != nil {
			return 0, fmt.Errorf("export: model hash %q: %w", hash, err)
		}
		crc ^= byte(v)
		for range 8 {
			carry := crc >> 7
			crc = crc<<1 ^ carry*0x2f
		}
	}
	return crc, nil
}

// Values returns the number of values of a window.
func (p *program) Values() int { return p.Dims * p.Steps }

// HasBAM reports whether the codec is or has a model.
func (p *program) HasBAM() bool { return len(p.BAMs) > 0 }

// HasGrid reports whether the codec is or has a grid.
func (p *program) HasGrid() bool { return len(p.Grids) > 0 }

// HasEntropy reports whether the codec is or has an entropy-coded grid.
func (p *program) HasEntropy() bool { return len(p.Entropies) > 0 }

// HasPacking reports whether a model has that packing.
func (p *program) HasPacking(packing string) bool {
	return slices.ContainsFunc(p.BAMs, func(b bamCodec) bool { return string(b.packing) == packing })
}

// HasNorm reports whether a model has a norm.
func (p *program) HasNorm() bool {
	return slices.ContainsFunc(p.BAMs, func(b bamCodec) bool { return b.norm != nil })
}

// HasDelta reports whether a model has a transmission function.
func (p *program) HasDelta() bool {
	return slices.ContainsFunc(p.BAMs, func(b bamCodec) bool { return b.net.Delta != 0 })
}

// HasCycles reports whether a model has cycles.
func (p *program) HasCycles() bool {
	return slices.ContainsFunc(p.BAMs, func(b bamCodec) bool { return b.net.EncodeCycles+b.net.DecodeCycles > 0 })
}

// HasDecodeCycles reports whether decoding a model has cycles.
func (p *program) HasDecodeCycles() bool {
	return slices.ContainsFunc(p.BAMs, func(b bamCodec) bool { return b.net.DecodeCycles > 0 })
}

// BAMWidth returns the largest number of inputs of the layers with an even number, or of
// those with an odd number. The latents are the inputs of one more layer.
func (p *program) BAMWidth(odd int) int {
	width := 1
	for _, b := range p.BAMs {
		for i, l := range b.net.Layers {
			if i%2 == odd {
				width = max(width, l.In())
			} else {
				width = max(width, l.Out())
			}
		}
	}
	return width
}

// GridAngles reports whether a grid has angles.
func (p *program) GridAngles() bool {
	return slices.ContainsFunc(p.Grids, func(g gridCodec) bool {
		return slices.ContainsFunc(g.dims, func(d codec.GridDim) bool { return d.Angle })
	})
}

// EntropyAngles reports whether an entropy-coded grid has angles.
func (p *program) EntropyAngles() bool {
	return slices.ContainsFunc(p.Entropies, func(e entropyCodec) bool {
		return slices.ContainsFunc(e.file.Dims, func(d entropygrid.Dim) bool { return d.Steps > 0 })
	})
}

// NeedAngleList reports whether a ladder compares angles.
func (p *program) NeedAngleList() bool { return slices.Contains(p.angles, true) }

// EntropyScratch returns the length of the longest payload that an entropy-coded grid
// decodes, in bytes.
func (p *program) EntropyScratch() int {
	if p.Rungs == nil && !p.Fixed {
		return 255
	}
	n := 0
	for _, r := range p.Rungs {
		if r.Kind == "entropy" {
			n = max(n, r.Length)
		}
	}
	return max(n, p.MaxPayload)
}

// Main returns the variable of a codec that is no ladder.
func (p *program) Main() string {
	switch {
	case p.HasBAM():
		return "bam0"
	case p.HasGrid():
		return "grid0"
	}
	return "entropy0"
}
