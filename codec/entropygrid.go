package codec

import (
	"fmt"
	"io/fs"
	"math"
	"slices"

	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/entropygrid"
	"github.com/loralink/loralink-go/internal/modelfile"
)

const (
	entropyGridID      = "entropy_grid"
	entropyGridVersion = "1"
)

// EntropyGridFile is the usual name of the file of an entropy-coded grid.
const EntropyGridFile = "entropy_grid.json"

// EntropyGrid is a uniform quantiser whose output is entropy coded by a range coder:
// the more probable a value is, the fewer bits it takes. The probabilities are those
// of training windows. A decoded value is within half a quantisation step of the one
// encoded, for any value; values unlike the training windows need more bytes.
//
// The probabilities are a mixture: each mixture component has a centre and tables of
// frequencies, and the encoder uses the one that gives the shortest code. The last
// component, the global fallback component, was fitted to all training windows.
//
// Payloads have a fixed length, padded with zeros, and AppendEncode returns
// ErrTooLong if a window needs more. With a length of 0, each payload is as long as
// its window needs. A [Ladder] holds one entropy-coded grid at several lengths.
// Package codec/fit fits entropy-coded grids.
type EntropyGrid struct {
	model  *entropygrid.Model
	length int // of the payload; 0: as long as the window needs
}

var _ interface {
	Codec
	FixedLength
	Windowed
	Angular
	Estimator
} = (*EntropyGrid)(nil)

// minPayload is the shortest payload that a frame carries, in bytes.
const minPayload = 2

// LoadEntropyGrid returns the codec of the entropy_grid.json at path, with payloads of
// payloadBytes bytes, 2..255. 0 means as long as each window needs. A frame of
// package radio holds at most MaxPayloadBytes.
func LoadEntropyGrid(path string, payloadBytes int) (*EntropyGrid, error) {
	return opener{tree: modelfile.Disk()}.entropyGrid(path, payloadBytes)
}

// LoadEntropyGridFS is like LoadEntropyGrid with a file in fsys, such as an embed.FS.
func LoadEntropyGridFS(fsys fs.FS, name string, payloadBytes int) (*EntropyGrid, error) {
	return opener{tree: modelfile.FS(fsys), dir: "."}.entropyGrid(name, payloadBytes)
}

// ParseEntropyGrid is like LoadEntropyGrid with the content of the file.
func ParseEntropyGrid(text []byte, payloadBytes int) (*EntropyGrid, error) {
	return parseEntropyGrid(EntropyGridFile, text, payloadBytes)
}

func (o opener) entropyGrid(name string, payloadBytes int) (*EntropyGrid, error) {
	data, err := o.read(name, entropygrid.MaxFile)
	if err != nil {
		return nil, err
	}
	return parseEntropyGrid(name, data, payloadBytes)
}

func parseEntropyGrid(name string, data []byte, payloadBytes int) (*EntropyGrid, error) {
	m, faults := entropygrid.Parse(data)
	if err := located(name, faults); err != nil {
		return nil, err
	}
	return (&EntropyGrid{model: m}).WithPayloadBytes(payloadBytes)
}

// WithPayloadBytes returns a codec with the same frequencies and payloads of n bytes,
// 2..255. 0 means as long as each window needs.
func (c *EntropyGrid) WithPayloadBytes(n int) (*EntropyGrid, error) {
	if n != 0 && (n < minPayload || n > math.MaxUint8) {
		return nil, fmt.Errorf("%w: codec %s with payload_bytes %d, want %d..%d, or 0 for as many as each window needs", ErrSpec, entropyGridID, n, minPayload, math.MaxUint8)
	}
	return &EntropyGrid{c.model, n}, nil
}

// File returns the content of the codec's entropy_grid.json.
func (c *EntropyGrid) File() []byte { return slices.Clone(c.model.Text) }

// ID returns "entropy_grid".
func (c *EntropyGrid) ID() string { return entropyGridID }

// Version returns "1".
func (c *EntropyGrid) Version() string { return entropyGridVersion }

// Schema returns a string with the SHA-256 of entropy_grid.json and the payload's
// length, if that is fixed.
func (c *EntropyGrid) Schema() string {
	if c.length == 0 {
		return "entropy_grid_v1:" + c.model.Hash
	}
	return fmt.Sprintf("entropy_grid_v1:%s:bytes=%d", c.model.Hash, c.length)
}

// WindowLen returns dims·W.
func (c *EntropyGrid) WindowLen() int { return c.model.WindowLen() }

// MaxPayloadLen returns the length of every payload, or MaxPayloadBytes if each is as
// long as its window needs.
func (c *EntropyGrid) MaxPayloadLen() int {
	if c.length == 0 {
		return MaxPayloadBytes
	}
	return c.length
}

// PayloadLen returns the length of every payload, or 0 if lengths differ.
func (c *EntropyGrid) PayloadLen() int { return c.length }

// Window returns dims and W of the windows. Its Stride is 0: any.
func (c *EntropyGrid) Window() sensor.Shape {
	return sensor.Shape{Dims: len(c.model.Dims), W: c.model.W}
}

// Angles reports for each value of a step whether it is an angle.
func (c *EntropyGrid) Angles() []bool {
	angles := make([]bool, len(c.model.Dims))
	for i, d := range c.model.Dims {
		angles[i] = d.Steps > 0
	}
	return angles
}

// Components returns the number of mixture components, the global fallback included.
func (c *EntropyGrid) Components() int { return c.model.Components() }

// Code returns the SHA-256 of entropy_grid.json: it does not depend on the payload's
// length.
func (c *EntropyGrid) Code() string { return c.model.Hash }

// Need returns the length of the window's code in bytes, and false if a value is out
// of range.
func (c *EntropyGrid) Need(window []float64) (bytes int, ok bool) {
	s := c.model.NewScratch()
	defer c.model.Release(s)
	code, bad := c.model.Encode(s, window)
	if bad >= 0 {
		return 0, false
	}
	return max(minPayload, len(code)), true
}

// AppendEncode implements Codec. It returns ErrRange for a value beyond about 10^9
// quantisation steps, and ErrTooLong if the window needs more bytes than a payload
// has.
func (c *EntropyGrid) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	if err := checkWindow(c, window); err != nil {
		return dst, err
	}
	s := c.model.NewScratch()
	defer c.model.Release(s)
	code, bad := c.model.Encode(s, window)
	if bad >= 0 {
		return dst, fmt.Errorf("%w: %s is %g, want one within %g", ErrRange, valueName(c, bad), window[bad], c.model.Dims[bad%len(c.model.Dims)].Reach())
	}
	if len(code) > c.MaxPayloadLen() {
		return dst, fmt.Errorf("%w: it needs %d bytes, want at most %d", ErrTooLong, len(code), c.MaxPayloadLen())
	}
	length := c.length
	if length == 0 {
		length = max(minPayload, len(code))
	}
	dst = append(slices.Grow(dst, length), code...)
	for range length - len(code) {
		dst = append(dst, 0)
	}
	return dst, nil
}

// AppendDecode implements Codec. Decoded values are the middles of quantisation steps.
func (c *EntropyGrid) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	n := len(payload)
	switch {
	case c.length > 0 && n != c.length:
		return dst, fmt.Errorf("%w: %d bytes, want %d", ErrCorrupt, n, c.length)
	case n < minPayload || n > math.MaxUint8:
		return dst, fmt.Errorf("%w: %d bytes, want %d..%d", ErrCorrupt, n, minPayload, c.MaxPayloadLen())
	case c.length == 0 && n > minPayload && payload[n-1] == 0:
		return dst, fmt.Errorf("%w: the last byte is 0, want the code without it", ErrCorrupt)
	}
	s := c.model.NewScratch()
	defer c.model.Release(s)
	out, fault := c.model.Decode(dst, s, payload)
	if fault != "" {
		return dst, fmt.Errorf("%w: %s", ErrCorrupt, fault)
	}
	return out, nil
}
