package npz

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Limits on any file.
const (
	// maxHeader is the largest npy header in bytes; numpy refuses more than 10,000.
	maxHeader = 10000
	// maxMembers is the largest number of arrays in one file.
	maxMembers = 64
	// smallArray is the size in bytes up to which MaxRatio does not apply.
	smallArray = 8 << 20
)

// Kind describes the arrays that a caller accepts.
type Kind struct {
	// Width returns the size of a value of a dtype in bytes, and whether the kind has
	// that dtype.
	Width func(descr string) (int, bool)
	// Want ends the message about another dtype. It names the dtypes of the kind and
	// the numpy call that converts to one.
	Want string
	// MaxValues is the largest number of values, of at most 8 bytes on average.
	MaxValues int
	// MaxRatio is the largest compression ratio of an array of more than 8 MiB, so
	// that memory stays in proportion to the file; 0: any.
	MaxRatio int
}

// maxBytes returns the largest size of an npy file of the kind.
func (k Kind) maxBytes() uint64 { return 8*uint64(k.MaxValues) + maxHeader + 12 }

// Archive is an npz file: named arrays in a zip archive.
type Archive struct {
	members map[string]*zip.File
	size    int64
}

// NewArchive reads the directory of the npz file of size bytes in r.
func NewArchive(r io.ReaderAt, size int64) (*Archive, error) {
	// archive/zip allocates memory for every directory entry.
	n, err := countMembers(r, size)
	if err != nil {
		return nil, err
	}
	if n > maxMembers {
		return nil, faultf(ErrTooLarge, "over %d members, want at most that many", maxMembers)
	}
	zr, err := zip.NewReader(r, size)
	if err != nil {
		return nil, faultf(ErrMalformed, "found no valid zip archive (%w), want an .npz file, as numpy.savez writes it", err)
	}
	a := &Archive{members: make(map[string]*zip.File, len(zr.File)), size: size}
	for _, f := range zr.File {
		if _, twice := a.members[f.Name]; twice {
			return nil, faultf(ErrMalformed, "found member %q twice, want it once", f.Name)
		}
		a.members[f.Name] = f
	}
	return a, nil
}

// countMembers returns an upper bound for the number of directory entries. It stops
// above maxMembers.
func countMembers(r io.ReaderAt, size int64) (int, error) {
	signature := []byte("PK\x01\x02")
	overlap := int64(len(signature) - 1)
	buf := make([]byte, min(size, 64<<10))
	n := 0
	for offset := int64(0); offset+overlap < size && n <= maxMembers; {
		b := buf[:min(size-offset, int64(len(buf)))]
		if _, err := r.ReadAt(b, offset); err != nil && err != io.EOF {
			return 0, err
		}
		n += bytes.Count(b, signature)
		offset += int64(len(b)) - overlap
	}
	return n, nil
}

// Open opens the named array. The name has no extension. The caller must close the
// stream.
func (a *Archive) Open(name string, kind Kind) (*Stream, error) {
	f, ok := a.members[name+".npy"]
	if !ok {
		return nil, faultf(ErrMissing, "no %q", name+".npy")
	}
	const encrypted = 1
	if f.Flags&encrypted != 0 {
		return nil, faultf(ErrUnsupported, "encrypted, want numpy.savez")
	}
	if f.UncompressedSize64 > kind.maxBytes() {
		return nil, faultf(ErrTooLarge, "%d bytes unpacked, want at most %d values of 8 bytes", f.UncompressedSize64, kind.MaxValues)
	}
	packed, ratio := min(f.CompressedSize64, uint64(a.size)), uint64(kind.MaxRatio)
	if ratio > 0 && f.UncompressedSize64 > max(smallArray, ratio*packed) {
		return nil, faultf(ErrTooLarge, "%d bytes unpack to %d, want at most %d times as many: save it with numpy.savez, which does not compress", packed, f.UncompressedSize64, ratio)
	}
	r, err := f.Open()
	if err != nil {
		return nil, faultf(ErrMalformed, "member %q cannot be opened: %w", f.Name, err)
	}
	s, err := NewStream(r, f.UncompressedSize64, kind)
	if err != nil {
		r.Close()
		return nil, err
	}
	s.close = r.Close
	return s, nil
}

// Stream is an open npy file, whose header has been read and compared with the size of
// the file.
type Stream struct {
	Descr   string // dtype, such as "<f8"
	Width   int    // bytes per value
	Fortran bool   // the first index changes fastest
	Shape   []int  // empty for a scalar

	head  []byte
	body  io.Reader
	whole *bufio.Reader // of head and body; nil before the first Read
	close func() error
}

// NewStream reads and checks the header of the npy file of size bytes in r.
func NewStream(r io.Reader, size uint64, kind Kind) (*Stream, error) {
	s := &Stream{body: r, close: func() error { return nil }}
	if err := s.readHeader(kind); err != nil {
		return nil, err
	}
	if body := uint64(s.Len()) * uint64(s.Width); size != uint64(len(s.head))+body {
		return nil, faultf(ErrMalformed, "found %d bytes for shape %s of dtype %s, want %d", size-min(size, uint64(len(s.head))), s.ShapeText(), s.Descr, body)
	}
	return s, nil
}

// Len returns the number of values.
func (s *Stream) Len() int {
	n := 1
	for _, d := range s.Shape {
		n *= d
	}
	return n
}

// ShapeText returns the shape as Python writes it, such as "(3, 12)".
func (s *Stream) ShapeText() string {
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(s.Shape), " ", ", "), "[]")
	if len(s.Shape) == 1 {
		text += ","
	}
	return "(" + text + ")"
}

// Read reads from the npy file, including its header. It fills b, or returns an error
// other than io.EOF.
func (s *Stream) Read(b []byte) (int, error) {
	if s.whole == nil {
		s.whole = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(s.head), s.body), 64<<10)
	}
	n, err := io.ReadFull(s.whole, b)
	if err != nil {
		err = faultf(ErrMalformed, "incomplete array: %w", err)
	}
	return n, err
}

// End returns an error if data follows the values read, or if the archive's checksum,
// which is known at the end of the data, differs.
func (s *Stream) End() error {
	r := s.body
	if s.whole != nil {
		r = s.whole
	}
	if n, err := io.ReadFull(r, make([]byte, 1)); n != 0 || err != io.EOF {
		return faultf(ErrMalformed, "found data after the array, or a wrong checksum (%v)", err)
	}
	return nil
}

// Close releases the resources of the stream.
func (s *Stream) Close() error { return s.close() }

// headerText matches the dictionary in the form that numpy writes.
var headerText = regexp.MustCompile(`^\{'descr': '([^']{1,16})', 'fortran_order': (True|False), 'shape': \(([0-9, ]{0,64})\), \} *\n$`)

// readHeader reads the header, checks it and sets the fields of s.
func (s *Stream) readHeader(kind Kind) error {
	head := make([]byte, 10, 128)
	if _, err := io.ReadFull(s.body, head); err != nil {
		return faultf(ErrMalformed, "no complete npy header: %w", err)
	}
	if string(head[:6]) != "\x93NUMPY" {
		return faultf(ErrMalformed, "found %q at the start, want the npy magic", head[:6])
	}
	n := int(binary.LittleEndian.Uint16(head[8:]))
	switch head[6] {
	case 1:
	case 2:
		head = append(head, 0, 0)
		if _, err := io.ReadFull(s.body, head[10:]); err != nil {
			return faultf(ErrMalformed, "no complete npy header: %w", err)
		}
		n32 := binary.LittleEndian.Uint32(head[8:])
		n = int(min(n32, maxHeader+1))
	default:
		return faultf(ErrUnsupported, "found npy version %d.%d, want 1.0 or 2.0, as numpy.save writes for numbers", head[6], head[7])
	}
	if n > maxHeader {
		return faultf(ErrTooLarge, "npy header over %d bytes, want at most that many", maxHeader)
	}
	start := len(head)
	head = append(head, make([]byte, n)...)
	if _, err := io.ReadFull(s.body, head[start:]); err != nil {
		return faultf(ErrMalformed, "incomplete npy header: %w", err)
	}
	s.head = head
	m := headerText.FindSubmatch(head[start:])
	if m == nil {
		text := string(head[start:min(len(head), start+80)])
		if strings.Contains(text, "'descr': [") {
			return faultf(ErrUnsupported, "found a structured array, want %s", kind.Want)
		}
		return faultf(ErrMalformed, "found npy header %q, want the dictionary that numpy.save writes, ended by a newline", text)
	}
	s.Descr, s.Fortran = string(m[1]), string(m[2]) == "True"
	width, ok := kind.Width(s.Descr)
	if !ok {
		pickled := ""
		if s.Descr == "|O" {
			pickled = " (pickled Python objects)"
		}
		return faultf(ErrUnsupported, "found dtype %q%s, want %s", s.Descr, pickled, kind.Want)
	}
	s.Width = width
	return s.readShape(string(m[3]), kind.MaxValues)
}

// readShape parses the text between the parentheses of a shape.
func (s *Stream) readShape(text string, most int) error {
	if text == "" {
		return nil
	}
	values := uint64(1)
	for dim := range strings.SplitSeq(strings.TrimSuffix(text, ","), ",") {
		v, err := strconv.ParseUint(strings.TrimSpace(dim), 10, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return faultf(ErrMalformed, "shape (%s)", text)
		}
		if err != nil || v > uint64(most) || values*v > uint64(most) {
			return faultf(ErrTooLarge, "shape (%s), want at most %d values", text, most)
		}
		values *= v
		s.Shape = append(s.Shape, int(v))
	}
	return nil
}
