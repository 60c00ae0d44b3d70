package export

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
)

// MaxScript is the largest size of a script that The Things Stack takes, in bytes.
const MaxScript = 40960

// JS returns a decoder in JavaScript, of ES5 syntax: the script <name>.js for The Things
// Stack and ChirpStack, whose function decodeUplink they call, vectors in
// <name>_vectors.json and a program for Node.js that checks them, <name>_test.js. An error
// wraps ErrUnsupported, ErrSettings or, if the script were longer than MaxScript,
// ErrTooLarge.
func JS(c codec.Codec, settings *Settings) ([]File, error) {
	s, err := settings.filled()
	if err != nil {
		return nil, err
	}
	p, err := newProgram(c, s)
	if err != nil {
		return nil, err
	}
	vectors, err := p.vectors(s.Vectors)
	if err != nil {
		return nil, err
	}
	p.setExample(vectors)
	script, err := p.script()
	if err != nil {
		return nil, err
	}
	if n := len(script); n > MaxScript {
		return nil, fmt.Errorf("%w: the script has %d bytes, %d more than the %d that The Things Stack takes: fewer components, latents or steps make it shorter",
			ErrTooLarge, n, n-MaxScript, MaxScript)
	}
	test, err := p.render("js/test.js.tmpl")
	if err != nil {
		return nil, err
	}
	text, err := jsVectors(vectors)
	if err != nil {
		return nil, err
	}
	return []File{
		{p.Name + ".js", script},
		{p.Name + "_test.js", test},
		{p.Name + "_vectors.json", text},
	}, nil
}

// script returns the script, which may be larger than MaxScript.
func (p *program) script() ([]byte, error) { return p.render("js/script.js.tmpl") }

// setExample sets Example to the first payload that decodes.
func (p *program) setExample(vectors []vector) {
	for _, v := range vectors {
		if v.payload != nil && v.decoded == 0 {
			var values []string
			for i, f := range p.Fields {
				values = append(values, comment(f.Name)+" "+number(v.values[i]))
			}
			step := ""
			if p.Steps > 1 {
				step = "; first step"
			}
			p.Example = fmt.Sprintf("%x%s: %s", v.payload, step, strings.Join(values, ", "))
			return
		}
	}
}

// ScriptComment describes a value of a step.
func (f field) ScriptComment() string {
	text := comment(f.Name)
	if f.Unit != "" {
		text += " in " + comment(f.Unit)
	}
	return text
}

// Function returns the function that decodes payloads of a rung.
func (r rungCodec) Function() string { return r.Kind + "Decode" }

// MainFunction returns the function that decodes payloads, if there are no rungs.
func (p *program) MainFunction() string { return strings.TrimRight(p.Main(), "0") + "Decode" }

// NeedBytes reports whether tables are in base64.
func (p *program) NeedBytes() bool { return p.HasBAM() || p.HasEntropy() }

// NamesJSON lists the names of the values of a step.
func (p *program) NamesJSON() (string, error) {
	var names []string
	for _, f := range p.Fields {
		names = append(names, f.Name)
	}
	text, err := json.Marshal(names)
	return string(text), err
}

// LengthText tells the lengths of payloads.
func (p *program) LengthText() string {
	switch {
	case p.Rungs != nil:
		var lengths []string
		for _, r := range p.Rungs {
			lengths = append(lengths, strconv.Itoa(r.Length))
		}
		return strings.Join(lengths, ", ")
	case p.Fixed:
		return strconv.Itoa(p.MaxPayload)
	}
	return "2 to 255"
}

// number returns the shortest text that JavaScript reads as v.
func number(v float64) string {
	text := strconv.FormatFloat(v, 'g', -1, 64)
	if plain := strconv.FormatFloat(v, 'f', -1, 64); len(plain) <= len(text) {
		return plain
	}
	return text
}

func jsNumbers[T float32 | float64](values []T) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = number(float64(v))
	}
	return "[" + strings.Join(texts, ",") + "]"
}

// jsFloats returns an expression of an array of float32.
func jsFloats(values []float32) string {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return "floats('" + base64.RawStdEncoding.EncodeToString(b) + "')"
}

// Data returns the tables of all codecs.
func (p *program) Data() (string, error) {
	var b bytes.Buffer
	for i := range p.BAMs {
		p.jsBAM(&b, i)
	}
	for i, g := range p.Grids {
		fmt.Fprintf(&b, "\tvar grid%d = [", i)
		for j, d := range g.dims {
			if j > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "[%s, %s, %d, %d, %d]", number(d.Low), number(d.Step), d.Top(), d.Bits, cBool(d.Angle))
		}
		b.WriteString("];\n")
	}
	for i := range p.Entropies {
		p.jsEntropy(&b, i)
	}
	return b.String(), nil
}

func (p *program) jsBAM(b *bytes.Buffer, i int) {
	m := &p.BAMs[i]
	fmt.Fprintf(b, "\tvar bam%d = {packing: '%s', latents: %d, scale: %s", i, m.packing, m.net.LatentDim(), number(float64(m.scale)))
	if m.net.Delta != 0 {
		fmt.Fprintf(b, ", delta: %s", number(float64(m.net.Delta)))
	} else if p.HasDelta() {
		b.WriteString(", delta: 0")
	}
	if p.HasDecodeCycles() {
		fmt.Fprintf(b, ", cycles: %d", m.net.DecodeCycles)
	}
	b.WriteString(", layers: [")
	for j, l := range m.net.Layers {
		if j > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(b, "{inputs: %d, outputs: %d, v: %s", l.In(), l.Out(), jsFloats(l.V.Data))
		if m.net.DecodeCycles > 0 {
			fmt.Fprintf(b, ", w: %s", jsFloats(l.W.Data))
		}
		b.WriteString("}")
	}
	b.WriteString("]")
	if m.norm != nil {
		fmt.Fprintf(b, ",\n\t\tmean: %s,\n\t\tstd: %s", jsNumbers(m.norm.Mean), jsNumbers(m.norm.Std))
	}
	if m.packing == bam.BitPack {
		t := m.tables
		fmt.Fprintf(b, ",\n\t\ttables: {check: %t, seed: %d, componentBits: %d, components: [", t.CheckByte, m.checkSeed, t.ComponentBits)
		for j, c := range t.Components {
			if j > 0 {
				b.WriteString(", ")
			}
			var knots []float32
			for _, k := range c.Knots {
				knots = append(knots, k...)
			}
			bits := strings.ReplaceAll(strings.Trim(fmt.Sprint(c.Bits), "[]"), " ", ",")
			fmt.Fprintf(b, "\n\t\t\t{center: %s, rotated: %d, rotation: %s, bits: [%s], knots: %s}", jsFloats(c.Center), c.Rotation.Rows, jsFloats(c.Rotation.Data), bits, jsFloats(knots))
		}
		b.WriteString("]}")
	}
	b.WriteString("};\n")
}

func (p *program) jsEntropy(b *bytes.Buffer, i int) {
	e := &p.Entropies[i]
	less1 := func(list []int) []int {
		out := make([]int, len(list))
		for i, v := range list {
			out[i] = v - 1
		}
		return out
	}
	var choice, first, next, tables []int
	var centers []float64
	for j, c := range e.file.Components {
		choice = append(choice, c.Frequency)
		centers = append(centers, c.Center...)
		first = append(first, e.first[j]...)
		next = append(next, e.next[j]...)
	}
	for _, t := range e.lists {
		tables = append(tables, less1(t)...)
	}
	fmt.Fprintf(b, "\tvar entropy%d = {dims: [", i)
	for j, d := range e.file.Dims {
		if j > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(b, "[%s, %s, %s, %d]", number(d.Low), number(d.Step), number(d.Reach()), d.Steps)
	}
	fmt.Fprintf(b, "], choice: %s,\n\t\tcenters: %s,\n\t\tfirst: %s, next: %s,\n\t\ttables: []};\n",
		jsIntegers(less1(choice)), jsNumbers(centers), jsIntegers(first), jsIntegers(next))
	fmt.Fprintf(b, "\t(function (all) {\n\t\tfor (var i = 0; i < all.length; i += 63) {\n\t\t\tentropy%d.tables.push(all.slice(i, i + 63));\n\t\t}\n\t}(%s));\n", i, jsIntegers(tables))
}

// jsIntegers returns an expression of an array of integers of at least 0.
func jsIntegers(values []int) string {
	var b []byte
	for _, v := range values {
		b = binary.AppendUvarint(b, uint64(v))
	}
	return "integers('" + base64.RawStdEncoding.EncodeToString(compress(b)) + "')"
}

// Lengths and distances of repetitions in compress.
const (
	minRepeat, maxRepeat = 4, 4 + 127
	maxLiterals          = 128
	maxDistance          = 1<<16 - 1
	maxTried             = 64 // places where a repetition may begin
)

// compress writes bytes as runs: c below 128, then c+1 bytes; or c of 128 and more, then a
// distance of two bytes, for c-124 bytes to repeat from so far back.
func compress(src []byte) []byte {
	var out, literals []byte
	flush := func() {
		for len(literals) > 0 {
			n := min(len(literals), maxLiterals)
			out = append(append(out, byte(n-1)), literals[:n]...)
			literals = literals[n:]
		}
	}
	seen := map[string][]int{} // places of each minRepeat bytes
	for i := 0; i < len(src); {
		best, from := 0, 0
		if i+minRepeat <= len(src) {
			places := seen[string(src[i:i+minRepeat])]
			for _, at := range places[max(0, len(places)-maxTried):] {
				n := 0
				for i+n < len(src) && n < maxRepeat && src[at+n] == src[i+n] {
					n++
				}
				if n > best && i-at <= maxDistance {
					best, from = n, at
				}
			}
		}
		n := 1
		if best >= minRepeat {
			flush()
			out = append(out, byte(best+124))
			out = binary.LittleEndian.AppendUint16(out, uint16(i-from))
			n = best
		} else {
			literals = append(literals, src[i])
		}
		for ; n > 0; n-- {
			if i+minRepeat <= len(src) {
				key := string(src[i : i+minRepeat])
				seen[key] = append(seen[key], i)
			}
			i++
		}
	}
	flush()
	return out
}

// jsVectors returns the vectors as JSON. Windows that have no payload are left out.
func jsVectors(vectors []vector) ([]byte, error) {
	type entry struct {
		Payload string    `json:"payload"`
		Decoded code      `json:"decoded"`
		Values  []float64 `json:"values,omitempty"`
	}
	all := struct {
		Windows []entry `json:"windows"`
		Others  []entry `json:"others"`
	}{[]entry{}, []entry{}}
	for _, v := range vectors {
		e := entry{fmt.Sprintf("%x", v.payload), v.decoded, v.values}
		switch {
		case v.window == nil:
			all.Others = append(all.Others, e)
		case v.payload != nil:
			all.Windows = append(all.Windows, e)
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	// A window or a payload a line.
	text = bytes.ReplaceAll(text, []byte(`{"payload"`), []byte("\n"+`{"payload"`))
	return append(text, '\n'), nil
}
