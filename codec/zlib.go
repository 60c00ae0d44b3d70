package codec

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"io"
	"math/bits"
	"strconv"
	"sync"
)

// DefaultZlibLevel is the usual compression level of Zlib.
const DefaultZlibLevel = 6

const (
	zlibID = "zlib"
	// zlibOverhead is the largest difference in length between a stream and its
	// content: a header of 2 bytes, a checksum of 4, and two stored blocks' headers
	// of up to 5 each. Content above 64 KiB adds more blocks.
	zlibOverhead = 16
	zlibBlock    = 1 << 14
	// zlibOneBlock is a length of content for which package flate writes one block and
	// an empty last one.
	zlibOneBlock = 1 << 12
)

// Zlib sends the payload of [Raw] as a zlib stream (RFC 1950). Payload lengths differ;
// for windows of one sample they often exceed Raw's. Other zlib implementations may
// compress differently, but all of them decode these payloads.
type Zlib struct {
	raw     Raw
	level   int
	writers sync.Pool // *zlibWriter
	readers sync.Pool // *zlibReader
}

var _ Codec = (*Zlib)(nil)

// zlibWriter compresses into out.
type zlibWriter struct {
	out    []byte
	stream *zlib.Writer
	plain  []byte
}

func (w *zlibWriter) Write(p []byte) (int, error) {
	w.out = append(w.out, p...)
	return len(p), nil
}

// zlibReader inflates a payload into plain, which has room for one byte more
// than a window takes. It reads the deflate stream alone: the reader of package
// zlib allocates for each payload.
type zlibReader struct {
	in     bytes.Reader
	stream io.ReadCloser
	plain  []byte
}

// NewZlib returns the codec for windows of n values, with the scale of NewRaw and a
// compression level: 0 does not compress, 1 is fast, 9 is thorough, -1 is the library's
// choice. An error wraps ErrSpec.
func NewZlib(n int, scale float64, level int) (*Zlib, error) {
	if level < zlib.DefaultCompression || level > zlib.BestCompression {
		return nil, fmt.Errorf("%w: codec %s with level %d, want -1..9", ErrSpec, zlibID, level)
	}
	raw, err := NewRaw(n, scale)
	if err != nil {
		return nil, err
	}
	c := &Zlib{raw: raw, level: level}
	c.writers.New = func() any {
		w := &zlibWriter{plain: make([]byte, 0, raw.MaxPayloadLen())}
		w.stream, _ = zlib.NewWriterLevel(w, level) // checked above
		return w
	}
	c.readers.New = func() any {
		r := &zlibReader{plain: make([]byte, raw.MaxPayloadLen()+1)}
		r.stream = flate.NewReader(&r.in)
		return r
	}
	return c, nil
}

// ID returns "zlib".
func (c *Zlib) ID() string { return zlibID }

// Version returns "1".
func (c *Zlib) Version() string { return "1" }

// Schema returns a string with the compression level and Raw's schema.
func (c *Zlib) Schema() string {
	return "zlib(level=" + strconv.Itoa(c.level) + ")+" + c.raw.Schema()
}

// WindowLen returns the number of values given to NewZlib.
func (c *Zlib) WindowLen() int { return c.raw.n }

// MaxPayloadLen returns an upper bound: the length of a stream that does not compress.
func (c *Zlib) MaxPayloadLen() int {
	n := c.raw.MaxPayloadLen()
	return n + zlibOverhead + 5*(n/zlibBlock)
}

// AppendEncode implements Codec.
func (c *Zlib) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	w := c.writers.Get().(*zlibWriter)
	defer func() {
		w.out = nil
		c.writers.Put(w)
	}()
	var err error
	if w.plain, err = c.raw.AppendEncode(w.plain[:0], window); err != nil {
		return dst, err
	}
	w.out = dst
	w.stream.Reset(w)
	if _, err = w.stream.Write(w.plain); err == nil {
		err = w.stream.Close()
	}
	if err != nil {
		return dst, fmt.Errorf("codec: zlib: %w", err)
	}
	if len(w.plain) > zlibOneBlock {
		return w.out, nil
	}
	return w.out[:len(dst)+endInFirstBlock(w.out[len(dst):])], nil
}

// endInFirstBlock shortens a zlib stream of one block and the empty last block that
// package flate writes after it, by 4 or 5 bytes: it makes the first block the last. It
// returns the new length. It leaves other streams as they are.
func endInFirstBlock(stream []byte) int {
	const header, checksum = 2, 4
	data, empty := len(stream)-checksum, []byte{0, 0, 0xff, 0xff}
	if data-len(empty) <= header || !bytes.Equal(stream[data-len(empty):data], empty) || stream[header]&1 != 0 {
		return len(stream)
	}
	// Before the length of the empty block, which is padded to whole bytes, are the
	// three bits of its header: 1 for the last block, and two zeros.
	end := data - len(empty)
	for end > header && stream[end-1] == 0 {
		end--
	}
	if end <= header+1 {
		return len(stream)
	}
	bit := bits.Len8(stream[end-1]) - 1
	stream[end-1] &^= 1 << bit
	if bit == 0 { // the block before ends with the byte before
		end--
	}
	stream[header] |= 1
	return end + copy(stream[end:], stream[data:])
}

// AppendDecode inflates and unpacks the window. However much a payload claims
// to hold, no more than a window is inflated.
func (c *Zlib) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	const header, checksum = 2, 4
	if n := len(payload); n < header+checksum || n > c.MaxPayloadLen() {
		return dst, fmt.Errorf("%w: %d bytes, want %d..%d", ErrCorrupt, n, header+checksum, c.MaxPayloadLen())
	}
	if h := binary.BigEndian.Uint16(payload); h>>8&15 != 8 || h>>12 > 7 || h%31 != 0 || h&0x20 != 0 {
		return dst, fmt.Errorf("%w: begins with %04x, want the header of a zlib stream without a dictionary", ErrCorrupt, h)
	}
	r := c.readers.Get().(*zlibReader)
	defer func() {
		r.in.Reset(nil)
		c.readers.Put(r)
	}()
	r.in.Reset(payload[header:])
	if err := r.stream.(flate.Resetter).Reset(&r.in, nil); err != nil {
		return dst, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	n, err := 0, error(nil)
	for n < len(r.plain) && err == nil {
		var more int
		more, err = r.stream.Read(r.plain[n:])
		n += more
	}
	switch {
	case err != nil && err != io.EOF:
		return dst, fmt.Errorf("%w: %w", ErrCorrupt, err)
	case n != c.raw.MaxPayloadLen():
		return dst, fmt.Errorf("%w: inflates to %d bytes or more, want %d", ErrCorrupt, n, c.raw.MaxPayloadLen())
	case r.in.Len() != checksum:
		return dst, fmt.Errorf("%w: %d bytes after the data, want a checksum of %d", ErrCorrupt, r.in.Len(), checksum)
	}
	if got, want := adler32.Checksum(r.plain[:n]), binary.BigEndian.Uint32(payload[len(payload)-checksum:]); got != want {
		return dst, fmt.Errorf("%w: checksum %08x, want %08x", ErrCorrupt, got, want)
	}
	return c.raw.AppendDecode(dst, r.plain[:n])
}
