package export

import (
	"bytes"
	"embed"
	"fmt"
	"math"
	"strconv"
	"strings"
	"text/template"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
)

//go:embed c js
var sources embed.FS

// C returns the codec in C99: <name>.h, <name>.c, the vectors in <name>_vectors.h and a
// program that checks them, <name>_test.c. The code needs no heap, no variables outside
// functions and no mathematical library. Its model hash is that of the codec's files, ""
// for a model without files. An error wraps ErrUnsupported or ErrSettings.
func C(c codec.Codec, settings *Settings) ([]File, error) {
	s, err := settings.filled()
	if err != nil {
		return nil, err
	}
	p, err := newProgram(c, s)
	if err != nil {
		return nil, err
	}
	header, err := p.render("c/header.h.tmpl")
	if err != nil {
		return nil, err
	}
	source, err := p.cSource()
	if err != nil {
		return nil, err
	}
	test, err := p.render("c/test.c.tmpl")
	if err != nil {
		return nil, err
	}
	vectors, err := p.vectors(s.Vectors)
	if err != nil {
		return nil, err
	}
	return []File{
		{p.Name + ".h", header},
		{p.Name + ".c", source},
		{p.Name + "_test.c", test},
		{p.Name + "_vectors.h", p.cVectors(vectors)},
	}, nil
}

// render executes templates one after the other.
func (p *program) render(names ...string) ([]byte, error) {
	var b bytes.Buffer
	for _, name := range names {
		text, err := sources.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
		t, err := template.New(name).Parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
		if err := t.Execute(&b, p); err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
	}
	return b.Bytes(), nil
}

// cSource returns the implementation: code and tables of the kinds of codecs that there
// are, and the functions of the header.
func (p *program) cSource() ([]byte, error) {
	var b bytes.Buffer
	part := func(name string) error {
		text, err := p.render(name)
		b.Write(text)
		return err
	}
	if err := part("c/common.c.tmpl"); err != nil {
		return nil, err
	}
	if p.HasBAM() {
		if err := part("c/bam.c.tmpl"); err != nil {
			return nil, err
		}
		for i := range p.BAMs {
			p.cBAM(&b, i)
		}
	}
	if p.HasGrid() {
		if err := part("c/grid.c.tmpl"); err != nil {
			return nil, err
		}
		for i := range p.Grids {
			p.cGrid(&b, i)
		}
	}
	if p.HasEntropy() {
		if err := part("c/entropy.c.tmpl"); err != nil {
			return nil, err
		}
		for i := range p.Entropies {
			p.cEntropy(&b, i)
		}
	}
	err := part("c/api.c.tmpl")
	return b.Bytes(), err
}

// NeedR64 reports whether values are products of double.
func (p *program) NeedR64() bool {
	return p.HasNorm() || p.HasGrid() || p.HasEntropy()
}

// NeedRoundEven reports whether double is rounded to integers.
func (p *program) NeedRoundEven() bool { return p.HasGrid() || p.HasEntropy() }

// NeedMod reports whether angles are computed.
func (p *program) NeedMod() bool { return p.GridAngles() || p.EntropyAngles() || p.NeedAngleList() }

// NeedModTurn reports whether angles are quantised.
func (p *program) NeedModTurn() bool { return p.GridAngles() || p.EntropyAngles() }

// NeedApart reports whether values are compared.
func (p *program) NeedApart() bool { return p.HasGrid() || p.Rungs != nil }

// NeedBits reports whether payloads are strings of bits.
func (p *program) NeedBits() bool { return p.HasGrid() || p.HasPacking("bitpack") }

// cDouble returns a constant with exactly the value v.
func cDouble(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NAN"
	case math.IsInf(v, 1):
		return "INFINITY"
	case math.IsInf(v, -1):
		return "-INFINITY"
	case v == math.Trunc(v) && math.Abs(v) < 1e6 && !(v == 0 && math.Signbit(v)):
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'x', -1, 64)
}

func cFloat(v float32) string {
	if f := float64(v); f == math.Trunc(f) && math.Abs(f) < 1e6 && !(f == 0 && math.Signbit(f)) {
		return strconv.FormatFloat(f, 'f', 1, 64) + "f"
	}
	return strconv.FormatFloat(float64(v), 'x', -1, 32) + "f"
}

// list writes values separated by commas, some on a line.
func list[T any](values []T, text func(T) string) string {
	var b strings.Builder
	width := 0
	for i, v := range values {
		s := text(v)
		switch {
		case i == 0:
		case width+len(s) > 96:
			b.WriteString(",\n\t")
			width = 0
		default:
			b.WriteString(", ")
		}
		b.WriteString(s)
		width += len(s) + 2
	}
	return b.String()
}

// array defines an array of constants.
func array[T any](b *bytes.Buffer, typ, name string, values []T, text func(T) string) {
	fmt.Fprintf(b, "static const %s %s[] = {\n\t%s\n};\n", typ, name, list(values, text))
}

func (p *program) cBAM(b *bytes.Buffer, i int) {
	m, name := &p.BAMs[i], fmt.Sprintf("bam%d", i)
	for j, l := range m.net.Layers {
		array(b, "float", fmt.Sprintf("%s_layer%d_w", name, j), l.W.Data, cFloat)
		array(b, "float", fmt.Sprintf("%s_layer%d_v", name, j), l.V.Data, cFloat)
	}
	fmt.Fprintf(b, "static const struct layer %s_layers[] = {", name)
	for j, l := range m.net.Layers {
		fmt.Fprintf(b, "\n\t{%d, %d, %s_layer%d_w, %s_layer%d_v},", l.In(), l.Out(), name, j, name, j)
	}
	fmt.Fprint(b, "\n};\n")
	norm := "NULL, NULL"
	if m.norm != nil {
		array(b, "double", name+"_mean", m.norm.Mean, cDouble)
		array(b, "double", name+"_std", m.norm.Std, cDouble)
		norm = fmt.Sprintf("%s_mean, %s_std", name, name)
	}
	tables := ""
	if p.HasPacking("bitpack") {
		tables = ", NULL"
	}
	if m.packing == bam.BitPack {
		cTables(b, name, m)
		tables = fmt.Sprintf(", &%s_tables", name)
	}
	fmt.Fprintf(b, "static const struct bam %s = {\n\t%d, %d, %d, %s_layers, %s, %s, %s, %d, %d, pack_%s%s\n};\n\n", name,
		len(m.net.Layers), m.net.LatentDim(), m.length, name, norm, cFloat(m.net.Delta), cFloat(m.scale),
		m.net.EncodeCycles, m.net.DecodeCycles, m.packing, tables)
}

// cTables defines the tables of a bitpack payload.
func cTables(b *bytes.Buffer, name string, m *bamCodec) {
	for i, c := range m.tables.Components {
		at := fmt.Sprintf("%s_c%d", name, i)
		array(b, "float", at+"_center", c.Center, cFloat)
		if c.Rotation.Rows > 0 {
			array(b, "float", at+"_rotation", c.Rotation.Data, cFloat)
		}
		var knots []float32
		for _, k := range c.Knots {
			knots = append(knots, k...)
		}
		array(b, "float", at+"_knots", knots, cFloat)
		array(b, "uint8_t", at+"_bits", c.Bits, func(v uint8) string { return strconv.Itoa(int(v)) })
	}
	fmt.Fprintf(b, "static const struct component %s_components[] = {", name)
	for i, c := range m.tables.Components {
		at := fmt.Sprintf("%s_c%d", name, i)
		rotation := at + "_rotation"
		if c.Rotation.Rows == 0 {
			rotation = "NULL"
		}
		fmt.Fprintf(b, "\n\t{%s_center, %s, %d, %s_knots, %s_bits},", at, rotation, c.Rotation.Rows, at, at)
	}
	check := 0
	if m.tables.CheckByte {
		check = 1
	}
	fmt.Fprintf(b, "\n};\nstatic const struct bitpack %s_tables = {%d, %d, %d, %d, %s_components};\n", name,
		m.tables.ComponentBits, len(m.tables.Components), check, m.checkSeed, name)
}

func (p *program) cGrid(b *bytes.Buffer, i int) {
	g := &p.Grids[i]
	fmt.Fprintf(b, "static const struct grid_dim grid%d_dims[DIMS] = {", i)
	for _, d := range g.dims {
		fmt.Fprintf(b, "\n\t{%s, %s, %s, %du, %d, %d},", cDouble(d.Low), cDouble(d.Step), cDouble(d.MaxError()), d.Top(), d.Bits, cBool(d.Angle))
	}
	fmt.Fprintf(b, "\n};\nstatic const struct grid grid%d = {grid%d_dims, %d};\n\n", i, i, g.length)
}

func cBool(v bool) int {
	if v {
		return 1
	}
	return 0
}

func (p *program) cEntropy(b *bytes.Buffer, i int) {
	e, name := &p.Entropies[i], fmt.Sprintf("entropy%d", i)
	fmt.Fprintf(b, "static const struct entropy_dim %s_dims[DIMS] = {", name)
	for _, d := range e.file.Dims {
		fmt.Fprintf(b, "\n\t{%s, %s, %s, %d},", cDouble(d.Low), cDouble(d.Step), cDouble(d.Reach()), d.Steps)
	}
	fmt.Fprint(b, "\n};\n")
	less1 := func(v int) string { return strconv.Itoa(v - 1) }
	var choice, first, next []int
	var centers []float64
	for j, c := range e.file.Components {
		choice = append(choice, c.Frequency)
		centers = append(centers, c.Center...)
		first = append(first, e.first[j]...)
		next = append(next, e.next[j]...)
	}
	array(b, "uint16_t", name+"_choice", choice, less1)
	array(b, "double", name+"_centers", centers, cDouble)
	array(b, "uint16_t", name+"_first", first, strconv.Itoa)
	second := ""
	if p.Steps > 1 {
		array(b, "uint16_t", name+"_next", next, strconv.Itoa)
		second = name + "_next, "
	}
	fmt.Fprintf(b, "static const uint16_t %s_tables[][SYMBOLS] = {", name)
	for _, t := range e.lists {
		fmt.Fprintf(b, "\n\t{%s},", list(t, less1))
	}
	fmt.Fprintf(b, "\n};\nstatic const struct entropy %s = {\n\t%s_dims, %d, %s_choice, %s_centers, %s_first, %s%s_tables\n};\n\n", name,
		name, len(choice), name, name, name, second, name)
}

// Tolerances lists a ladder's tolerances.
func (p *program) Tolerances() string { return list(p.tolerances, cDouble) }

// AngleList lists which values a ladder compares as angles.
func (p *program) AngleList() string {
	return list(p.angles, func(v bool) string { return strconv.Itoa(cBool(v)) })
}
