// Package npz reads the .npz files that hold a model's matrices. A file is a
// stranger's: what its headers say is checked against the bytes that are really
// there, and capped, before anything is allocated.
package npz

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/loralink/loralink-go/internal/float16"
)

// Errors that a caller may want to tell apart.
var (
	// ErrMalformed marks a file that is not an npz file, or a damaged one.
	ErrMalformed = errors.New("npz: malformed")
	// ErrUnsupported marks an array numpy can hold and we do not read; the
	// message says the numpy call that mends it.
	ErrUnsupported = errors.New("npz: unsupported")
	// ErrTooLarge marks what exceeds the caps below.
	ErrTooLarge = errors.New("npz: too large")
	// ErrMissing marks an array that is not in the file.
	ErrMissing = errors.New("npz: array missing")
)

// Caps on what is read.
const (
	// MaxElements is the largest number of values in one matrix.
	MaxElements = 1 << 20
	// MaxFile is the largest file: two matrices of float64 and their headers.
	MaxFile = 2*8*MaxElements + 1<<16
	// maxHeader is the largest npy header; numpy itself refuses beyond 10,000.
	maxHeader = 10000
	// maxMembers is the largest number of arrays in one file.
	maxMembers = 64
)

// Array is a row-major matrix of float32.
type Array struct {
	Rows, Cols int
	Data       []float32
}

// Read returns the named matrices of the npz file in data, converted to
// float32. Arrays of other names are passed over.
func Read(data []byte, names ...string) (map[string]Array, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("%w: %d bytes, want at most %d", ErrTooLarge, len(data), MaxFile)
	}
	// archive/zip allocates for every directory entry, so count them first.
	if n := bytes.Count(data, []byte("PK\x01\x02")); n > maxMembers {
		return nil, fmt.Errorf("%w: about %d members, want at most %d", ErrTooLarge, n, maxMembers)
	}
	zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	members := make(map[string]*zip.File, len(zr.File))
	for _, f := range zr.File {
		if _, twice := members[f.Name]; twice {
			return nil, fmt.Errorf("%w: member %q stands twice", ErrMalformed, f.Name)
		}
		members[f.Name] = f
	}
	out := make(map[string]Array, len(names))
	for _, name := range names {
		f, ok := members[name+".npy"]
		if !ok {
			return nil, fmt.Errorf("%w: no %q, want one member for each of %q", ErrMissing, name+".npy", names)
		}
		a, err := readMember(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		out[name] = a
	}
	return out, nil
}

func readMember(f *zip.File) (Array, error) {
	const encrypted = 1
	if f.Flags&encrypted != 0 {
		return Array{}, fmt.Errorf("%w: encrypted, want numpy.savez", ErrUnsupported)
	}
	if f.UncompressedSize64 > 8*MaxElements+maxHeader+12 {
		return Array{}, fmt.Errorf("%w: %d bytes unpacked, want at most %d values of 8 bytes", ErrTooLarge, f.UncompressedSize64, MaxElements)
	}
	r, err := f.Open()
	if err != nil {
		return Array{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	defer r.Close()
	// The header is checked against the directory's size before the body is
	// inflated, and the body can be no longer than that size.
	head, h, err := readHeader(r)
	if err != nil {
		return Array{}, err
	}
	body := uint64(h.rows) * uint64(h.cols) * uint64(h.width)
	if f.UncompressedSize64 != uint64(len(head))+body {
		return Array{}, fmt.Errorf("%w: %d bytes for shape (%d, %d) of %s, want %d", ErrMalformed, f.UncompressedSize64-uint64(min(len(head), int(f.UncompressedSize64))), h.rows, h.cols, h.descr, body)
	}
	buf := make([]byte, uint64(len(head))+body)
	copy(buf, head)
	if _, err := io.ReadFull(r, buf[len(head):]); err != nil {
		return Array{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	// Reading on to the end is what makes the zip reader compare the checksum.
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return Array{}, fmt.Errorf("%w: data goes on after the array, or its checksum is wrong (%v)", ErrMalformed, err)
	}
	return h.array(buf, len(head))
}

// header is what the guard has checked of an npy header.
type header struct {
	descr      string
	width      int // bytes a value
	fortran    bool
	rows, cols int
}

// headerText is the dictionary as numpy writes it, and nothing else.
var headerText = regexp.MustCompile(`^\{'descr': '([^']{1,16})', 'fortran_order': (True|False), 'shape': \(([0-9, ]{0,64})\), \} *\n$`)

var widths = map[string]int{"<f2": 2, ">f2": 2, "<f4": 4, ">f4": 4, "<f8": 8, ">f8": 8}

func readHeader(r io.Reader) ([]byte, header, error) {
	var h header
	head := make([]byte, 10, 128)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, h, fmt.Errorf("%w: no npy header: %w", ErrMalformed, err)
	}
	if string(head[:6]) != "\x93NUMPY" {
		return nil, h, fmt.Errorf("%w: starts with %q, want the npy magic", ErrMalformed, head[:6])
	}
	n := int(binary.LittleEndian.Uint16(head[8:]))
	switch head[6] {
	case 1:
	case 2:
		head = append(head, 0, 0)
		if _, err := io.ReadFull(r, head[10:]); err != nil {
			return nil, h, fmt.Errorf("%w: no npy header: %w", ErrMalformed, err)
		}
		n32 := binary.LittleEndian.Uint32(head[8:])
		n = int(min(n32, maxHeader+1))
	default:
		return nil, h, fmt.Errorf("%w: npy version %d.%d, want 1.0 or 2.0, as numpy.save writes plain float arrays", ErrUnsupported, head[6], head[7])
	}
	if n > maxHeader {
		return nil, h, fmt.Errorf("%w: npy header over %d bytes", ErrTooLarge, maxHeader)
	}
	start := len(head)
	head = append(head, make([]byte, n)...)
	if _, err := io.ReadFull(r, head[start:]); err != nil {
		return nil, h, fmt.Errorf("%w: npy header cut short: %w", ErrMalformed, err)
	}
	m := headerText.FindSubmatch(head[start:])
	if m == nil {
		text := string(head[start:min(len(head), start+80)])
		if strings.Contains(text, "'descr': [") {
			return nil, h, fmt.Errorf("%w: structured array; want numbers: save a.astype('<f4')", ErrUnsupported)
		}
		return nil, h, fmt.Errorf("%w: npy header %q, want the dictionary numpy.save writes, ended by a newline", ErrMalformed, text)
	}
	h.descr, h.fortran = string(m[1]), string(m[2]) == "True"
	h.width = widths[h.descr]
	if h.width == 0 {
		return nil, h, fmt.Errorf("%w: dtype %q, want float16, float32 or float64: save a.astype('<f4')", ErrUnsupported, h.descr)
	}
	dims := strings.Split(strings.TrimSuffix(string(m[3]), ","), ",")
	if len(dims) != 2 {
		return nil, h, fmt.Errorf("%w: shape (%s), want two dimensions: save a.reshape(rows, cols)", ErrUnsupported, m[3])
	}
	for i, p := range []*int{&h.rows, &h.cols} {
		v, err := strconv.ParseUint(strings.TrimSpace(dims[i]), 10, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return nil, h, fmt.Errorf("%w: shape (%s)", ErrMalformed, m[3])
		}
		if err != nil || v > MaxElements {
			return nil, h, fmt.Errorf("%w: shape (%s), want at most %d values", ErrTooLarge, m[3], MaxElements)
		}
		*p = int(v)
	}
	if uint64(h.rows)*uint64(h.cols) > MaxElements {
		return nil, h, fmt.Errorf("%w: shape (%s), want at most %d values", ErrTooLarge, m[3], MaxElements)
	}
	if h.rows*h.cols == 0 {
		return nil, h, fmt.Errorf("%w: shape (%s) holds no values", ErrMalformed, m[3])
	}
	return head, h, nil
}

// array converts a whole checked npy file, whose values begin at start.
func (h header) array(file []byte, start int) (Array, error) {
	a := Array{Rows: h.rows, Cols: h.cols, Data: make([]float32, h.rows*h.cols)}
	var order binary.ByteOrder = binary.LittleEndian
	if h.descr[0] == '>' {
		order = binary.BigEndian
	}
	switch body := file[start:]; h.width {
	case 2:
		for i := range a.Data {
			a.Data[i] = float16.FromBits(order.Uint16(body[2*i:]))
		}
	case 4:
		for i := range a.Data {
			a.Data[i] = math.Float32frombits(order.Uint32(body[4*i:]))
		}
	case 8:
		for i := range a.Data {
			v := math.Float64frombits(order.Uint64(body[8*i:]))
			a.Data[i] = float32(v)
			if math.IsInf(float64(a.Data[i]), 0) && !math.IsInf(v, 0) {
				return Array{}, fmt.Errorf("%w: value %g does not fit float32", ErrUnsupported, v)
			}
		}
	}
	if h.fortran {
		rowMajor := make([]float32, len(a.Data))
		for i := range a.Rows {
			for j := range a.Cols {
				rowMajor[i*a.Cols+j] = a.Data[j*a.Rows+i]
			}
		}
		a.Data = rowMajor
	}
	return a, nil
}
