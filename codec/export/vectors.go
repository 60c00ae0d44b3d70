package export

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/internal/entropygrid"
)

// code is an error of the generated functions, or 0.
type code int

// The codes, as the header has them.
const (
	codeValue code = -1 - iota
	codeRange
	codeTooLong
	codeBound
	codeLength
	codeCorrupt
)

// encodeCode returns the code for an error of AppendEncode.
func encodeCode(err error) code {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, codec.ErrBound): // wraps the last rung's error too
		return codeBound
	case errors.Is(err, codec.ErrTooLong):
		return codeTooLong
	case errors.Is(err, codec.ErrRange):
		return codeRange
	}
	return codeValue
}

// decodeCode returns the code for an error of AppendDecode for a payload of n bytes.
func (p *program) decodeCode(err error, n int) code {
	switch {
	case err == nil:
		return 0
	case p.hasLength(n):
		return codeCorrupt
	}
	return codeLength
}

// hasLength reports whether payloads can have n bytes.
func (p *program) hasLength(n int) bool {
	switch {
	case p.Rungs != nil:
		return slices.ContainsFunc(p.Rungs, func(r rungCodec) bool { return r.Length == n })
	case p.Fixed:
		return n == p.MaxPayload
	}
	return n >= 2 && n <= math.MaxUint8
}

// vector is a payload and what Go decodes it to. Of those with a window, it is the
// window's payload.
type vector struct {
	window  []float64 // nil: a payload that may be none of any window
	encoded code      // 0 and more: the payload's length
	payload []byte
	decoded code
	values  []float64 // if decoded is 0
}

// encode returns the vector of a window.
func (p *program) encode(window []float64) vector {
	v := vector{window: window}
	payload, err := p.codec.AppendEncode(nil, window)
	if v.encoded = encodeCode(err); err != nil {
		return v
	}
	v.encoded = code(len(payload))
	d := p.decode(payload)
	v.payload, v.decoded, v.values = payload, d.decoded, d.values
	return v
}

// decode returns the vector of a payload.
func (p *program) decode(payload []byte) vector {
	values, err := p.codec.AppendDecode(nil, payload)
	return vector{payload: payload, decoded: p.decodeCode(err, len(payload)), values: values}
}

// vectors returns n vectors of windows, of which about one in eight is refused, and n/4 of
// other payloads, most of which are refused. They are the same in each run.
func (p *program) vectors(n int) ([]vector, error) {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	var out []vector
	var payloads [][]byte
	for i := range n {
		window := p.window(rng)
		if len(window) != p.codec.WindowLen() {
			return nil, fmt.Errorf("export: a window of %d values, want %d", len(window), p.codec.WindowLen())
		}
		if i%8 == 7 {
			spoil(rng, window)
		}
		v := p.encode(window)
		if v.payload != nil {
			payloads = append(payloads, v.payload)
		}
		out = append(out, v)
	}
	for range n / 4 {
		var payload []byte
		if len(payloads) > 0 && rng.IntN(4) > 0 {
			payload = slices.Clone(payloads[rng.IntN(len(payloads))])
		} else {
			payload = make([]byte, p.MaxPayload)
			for j := range payload {
				payload[j] = byte(rng.Uint32())
			}
		}
		switch rng.IntN(8) {
		case 0:
			payload = payload[:rng.IntN(len(payload)+1)]
		case 1:
			payload = append(payload, byte(rng.Uint32()))
		default:
			payload[rng.IntN(len(payload))] ^= 1 << rng.IntN(8)
		}
		out = append(out, p.decode(payload))
	}
	return out, nil
}

// window draws a window that resembles the training windows of one of the codecs.
func (p *program) window(rng *rand.Rand) []float64 {
	kinds := len(p.BAMs) + len(p.Grids) + len(p.Entropies)
	switch i := rng.IntN(kinds); {
	case i < len(p.BAMs):
		return p.BAMs[i].window(rng)
	case i < len(p.BAMs)+len(p.Grids):
		return p.Grids[i-len(p.BAMs)].window(rng, p.Steps)
	default:
		return p.Entropies[i-len(p.BAMs)-len(p.Grids)].window(rng, p.Steps)
	}
}

func (b *bamCodec) window(rng *rand.Rand) []float64 {
	spread := math.Exp(rng.NormFloat64())
	out := make([]float64, b.net.InputLen())
	for i := range out {
		out[i] = spread * rng.NormFloat64()
		if b.norm != nil {
			out[i] = float64(out[i]*b.norm.Std[i]) + b.norm.Mean[i]
		}
	}
	return out
}

func (g *gridCodec) window(rng *rand.Rand, steps int) []float64 {
	var out []float64
	for range steps {
		for _, d := range g.dims {
			at := float64(rng.Uint64N(d.Top()+1)) + jitter(rng)
			out = append(out, d.Low+float64(at*d.Step))
		}
	}
	return out
}

// jitter is a distance from the middle of a quantisation step, often at its edge.
func jitter(rng *rand.Rand) float64 {
	if rng.IntN(8) == 0 {
		return 0.5
	}
	return rng.Float64() - 0.5
}

func (e *entropyCodec) window(rng *rand.Rand, steps int) []float64 {
	choice := make([]int, len(e.file.Components))
	for i, c := range e.file.Components {
		choice[i] = c.Frequency
	}
	n := draw(rng, choice)
	c := &e.file.Components[n]
	at := make([]float64, len(e.file.Dims))
	var out []float64
	for i := range steps {
		for j, d := range e.file.Dims {
			table := e.first[n][j]
			if i > 0 {
				table = e.next[n][j]
			}
			symbol := draw(rng, e.lists[table])
			distance := float64(symbol - entropygrid.DirectSteps)
			if class := symbol - 2*entropygrid.DirectSteps - 1; class >= 0 {
				distance = math.Exp2(min(float64(class), 12)) * (rng.Float64() - 0.5)
			}
			at[j] += distance
			step, low := d.Step, 0.0
			if d.Steps > 0 {
				step, low = 360/float64(d.Steps), d.Low
				out = append(out, math.Remainder(low+float64((c.Center[j]+at[j]+jitter(rng)+0.5)*step), 360))
				continue
			}
			out = append(out, c.Center[j]+float64((at[j]+jitter(rng))*step))
		}
	}
	return out
}

// draw returns an index with a probability in proportion to its frequency.
func draw(rng *rand.Rand, frequencies []int) int {
	at := rng.IntN(1 << entropygrid.FrequencyBits)
	for i, f := range frequencies {
		if at -= f; at < 0 {
			return i
		}
	}
	return len(frequencies) - 1
}

// spoil replaces values of a window by extreme ones.
func spoil(rng *rand.Rand, window []float64) {
	extremes := []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64,
		math.Copysign(0, -1), 0, 180, -180, 360, -360, 540, 1e9, -1e15, 1e300}
	for range 1 + rng.IntN(2) {
		i := rng.IntN(len(window))
		if window[i] = extremes[rng.IntN(len(extremes))]; rng.IntN(3) == 0 {
			window[i] = math.Float64frombits(rng.Uint64())
		}
	}
}

// cVectors returns the vectors as a header.
func (p *program) cVectors(vectors []vector) []byte {
	var b bytes.Buffer
	windows := 0
	for _, v := range vectors {
		if v.window != nil {
			windows++
		}
	}
	fmt.Fprintf(&b, "/* Generated by loralink-go, package codec/export. Do not edit.\n\n   Windows and payloads of the Go program. %s_test.c checks them. */\n", p.Name)
	row := func(values []float64) {
		if values == nil {
			values = []float64{0}
		}
		fmt.Fprintf(&b, "{%s}", list(values, cDouble))
	}
	hex := func(v byte) string { return strconv.Itoa(int(v)) }
	payload := func(values []byte) {
		if len(values) == 0 {
			values = []byte{0}
		}
		fmt.Fprintf(&b, "{%s}", list(values, hex))
	}
	longest := 0
	for _, v := range vectors {
		longest = max(longest, len(v.payload))
	}
	fmt.Fprintf(&b, `
/* encoded is what %[1]s_encode returns; decoded is what %[1]s_decode returns for the payload, and values what it gives. */
static const struct {
	double window[%[2]s_VALUES];
	int encoded;
	unsigned char payload[%[2]s_MAX_PAYLOAD];
	int decoded;
	double values[%[2]s_VALUES];
} vectors[%[3]d] = {`, p.Name, p.Upper, windows)
	for _, v := range vectors[:windows] {
		fmt.Fprint(&b, "\n\t{")
		row(v.window)
		fmt.Fprintf(&b, ", %d, ", v.encoded)
		payload(v.payload)
		fmt.Fprintf(&b, ", %d, ", v.decoded)
		row(v.values)
		fmt.Fprint(&b, "},")
	}
	fmt.Fprintf(&b, `
};

/* Payloads of any origin, n bytes each. */
static const struct {
	unsigned n;
	unsigned char payload[%[3]d];
	int decoded;
	double values[%[2]s_VALUES];
} payloads[%[4]d] = {`, p.Name, p.Upper, max(1, longest), max(1, len(vectors)-windows))
	for _, v := range vectors[windows:] {
		fmt.Fprintf(&b, "\n\t{%d, ", len(v.payload))
		payload(v.payload)
		fmt.Fprintf(&b, ", %d, ", v.decoded)
		row(v.values)
		fmt.Fprint(&b, "},")
	}
	if len(vectors) == windows {
		fmt.Fprintf(&b, "\n\t{0, {0}, %d, {0}},", codeLength)
	}
	fmt.Fprint(&b, "\n};\n")
	return b.Bytes()
}
