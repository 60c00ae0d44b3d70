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

// Caps on any file.
const (
	// maxHeader is the largest npy header; numpy itself refuses beyond 10,000.
	maxHeader = 10000
	// maxMembers is the largest number of arrays in one file.
	maxMembers = 64
	// smallArray is the size in bytes up to which an array may be compressed to
	// any ratio.
	smallArray = 8 << 20
)

// Kind is what an array may hold.
type Kind struct {
	// Width returns the bytes of a value of a dtype, and whether the kind has it.
	Width func(descr string) (int, bool)
	// Want is the end of the message about another dtype: the dtypes of the
	// kind and the numpy call that makes one.
	Want string
	// MaxValues is the largest number of values, of at most 8 bytes on average.
	MaxValues int
	// MaxRatio is how many times its packed size an array of some MiB may unpack
	// to, so that the memory it takes is in proportion to the file; 0: any.
	MaxRatio int
}

// maxBytes is the largest npy file of the kind.
func (k Kind) maxBytes() uint64 { return 8*uint64(k.MaxValues) + maxHeader + 12 }

// Archive is an npz file: named arrays in a zip archive.
type Archive struct {
	members map[string]*zip.File
	size    int64
}

// NewArchive reads the directory of the npz file of size bytes in r.
func NewArchive(r io.ReaderAt, size int64) (*Archive, error) {
	// archive/zip allocates for every directory entry, so count them first.
	n, err := countMembers(r, size)
	if err != nil {
		return nil, err
	}
	if n > maxMembers {
		return nil, fmt.Errorf("%w: over %d members, want at most as many", ErrTooLarge, maxMembers)
	}
	zr, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	a := &Archive{members: make(map[string]*zip.File, len(zr.File)), size: size}
	for _, f := range zr.File {
		if _, twice := a.members[f.Name]; twice {
			return nil, fmt.Errorf("%w: member %q stands twice", ErrMalformed, f.Name)
		}
		a.members[f.Name] = f
	}
	return a, nil
}

// countMembers counts what may be directory entries. It stops above maxMembers.
func countMembers(r io.ReaderAt, size int64) (int, error) {
	signature := []byte("PK\x01\x02")
	overlap := int64(len(signature) - 1)
	buf := make([]byte, min(size, 64<<10))
	n := 0
	for at := int64(0); at+overlap < size && n <= maxMembers; {
		b := buf[:min(size-at, int64(len(buf)))]
		if _, err := r.ReadAt(b, at); err != nil && err != io.EOF {
			return 0, err
		}
		n += bytes.Count(b, signature)
		at += int64(len(b)) - overlap
	}
	return n, nil
}

// Open opens the array of a name, which has no extension. The caller closes it.
func (a *Archive) Open(name string, kind Kind) (*Stream, error) {
	f, ok := a.members[name+".npy"]
	if !ok {
		return nil, fmt.Errorf("%w: no %q", ErrMissing, name+".npy")
	}
	const encrypted = 1
	if f.Flags&encrypted != 0 {
		return nil, fmt.Errorf("%w: encrypted, want numpy.savez", ErrUnsupported)
	}
	if f.UncompressedSize64 > kind.maxBytes() {
		return nil, fmt.Errorf("%w: %d bytes unpacked, want at most %d values of 8 bytes", ErrTooLarge, f.UncompressedSize64, kind.MaxValues)
	}
	packed, ratio := min(f.CompressedSize64, uint64(a.size)), uint64(kind.MaxRatio)
	if ratio > 0 && f.UncompressedSize64 > max(smallArray, ratio*packed) {
		return nil, fmt.Errorf("%w: %d bytes unpack to %d, want at most %d times as many: save it with numpy.savez, which does not compress", ErrTooLarge, packed, f.UncompressedSize64, ratio)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	s, err := NewStream(r, f.UncompressedSize64, kind)
	if err != nil {
		r.Close()
		return nil, err
	}
	s.close = r.Close
	return s, nil
}

// Stream is an npy file: a header, which was checked against the file's size,
// and the values to be read.
type Stream struct {
	Descr   string // dtype, as "<f8"
	Width   int    // bytes a value
	Fortran bool   // the first index is the one that changes fastest
	Shape   []int  // none for a scalar

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
		return nil, fmt.Errorf("%w: %d bytes for shape %s of %s, want %d", ErrMalformed, size-min(size, uint64(len(s.head))), s.ShapeText(), s.Descr, body)
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

// ShapeText returns the shape as Python writes it: "(3, 12)".
func (s *Stream) ShapeText() string {
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(s.Shape), " ", ", "), "[]")
	if len(s.Shape) == 1 {
		text += ","
	}
	return "(" + text + ")"
}

// Read reads from the npy file, its header included. It fills b, or fails with
// another error than io.EOF.
func (s *Stream) Read(b []byte) (int, error) {
	if s.whole == nil {
		s.whole = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(s.head), s.body), 64<<10)
	}
	n, err := io.ReadFull(s.whole, b)
	if err != nil {
		err = fmt.Errorf("%w: array cut short: %w", ErrMalformed, err)
	}
	return n, err
}

// End returns an error where data follows the values read, or where the
// archive's checksum, which is known at the end of the data, does not fit them.
func (s *Stream) End() error {
	r := s.body
	if s.whole != nil {
		r = s.whole
	}
	if n, err := io.ReadFull(r, make([]byte, 1)); n != 0 || err != io.EOF {
		return fmt.Errorf("%w: data goes on after the array, or its checksum is wrong (%v)", ErrMalformed, err)
	}
	return nil
}

// Close releases what the stream holds.
func (s *Stream) Close() error { return s.close() }

// headerText is the dictionary as numpy writes it, and nothing else.
var headerText = regexp.MustCompile(`^\{'descr': '([^']{1,16})', 'fortran_order': (True|False), 'shape': \(([0-9, ]{0,64})\), \} *\n$`)

// readHeader reads the header, and takes from it what it has checked.
func (s *Stream) readHeader(kind Kind) error {
	head := make([]byte, 10, 128)
	if _, err := io.ReadFull(s.body, head); err != nil {
		return fmt.Errorf("%w: no npy header: %w", ErrMalformed, err)
	}
	if string(head[:6]) != "\x93NUMPY" {
		return fmt.Errorf("%w: starts with %q, want the npy magic", ErrMalformed, head[:6])
	}
	n := int(binary.LittleEndian.Uint16(head[8:]))
	switch head[6] {
	case 1:
	case 2:
		head = append(head, 0, 0)
		if _, err := io.ReadFull(s.body, head[10:]); err != nil {
			return fmt.Errorf("%w: no npy header: %w", ErrMalformed, err)
		}
		n32 := binary.LittleEndian.Uint32(head[8:])
		n = int(min(n32, maxHeader+1))
	default:
		return fmt.Errorf("%w: npy version %d.%d, want 1.0 or 2.0, as numpy.save writes plain arrays", ErrUnsupported, head[6], head[7])
	}
	if n > maxHeader {
		return fmt.Errorf("%w: npy header over %d bytes", ErrTooLarge, maxHeader)
	}
	start := len(head)
	head = append(head, make([]byte, n)...)
	if _, err := io.ReadFull(s.body, head[start:]); err != nil {
		return fmt.Errorf("%w: npy header cut short: %w", ErrMalformed, err)
	}
	s.head = head
	m := headerText.FindSubmatch(head[start:])
	if m == nil {
		text := string(head[start:min(len(head), start+80)])
		if strings.Contains(text, "'descr': [") {
			return fmt.Errorf("%w: structured array, want %s", ErrUnsupported, kind.Want)
		}
		return fmt.Errorf("%w: npy header %q, want the dictionary numpy.save writes, ended by a newline", ErrMalformed, text)
	}
	s.Descr, s.Fortran = string(m[1]), string(m[2]) == "True"
	width, ok := kind.Width(s.Descr)
	if !ok {
		pickled := ""
		if s.Descr == "|O" {
			pickled = " (pickled Python objects)"
		}
		return fmt.Errorf("%w: dtype %q%s, want %s", ErrUnsupported, s.Descr, pickled, kind.Want)
	}
	s.Width = width
	return s.readShape(string(m[3]), kind.MaxValues)
}

// readShape reads what stands in the parentheses of a shape.
func (s *Stream) readShape(text string, most int) error {
	if text == "" {
		return nil
	}
	values := uint64(1)
	for dim := range strings.SplitSeq(strings.TrimSuffix(text, ","), ",") {
		v, err := strconv.ParseUint(strings.TrimSpace(dim), 10, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return fmt.Errorf("%w: shape (%s)", ErrMalformed, text)
		}
		if err != nil || v > uint64(most) || values*v > uint64(most) {
			return fmt.Errorf("%w: shape (%s), want at most %d values", ErrTooLarge, text, most)
		}
		values *= v
		s.Shape = append(s.Shape, int(v))
	}
	return nil
}
