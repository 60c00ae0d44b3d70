// Package npz reads numpy's .npy and .npz files: the matrices of a model at once
// (Read), and any array as a stream (NewArchive, NewStream). Files are untrusted: the
// sizes in a header are limited, and compared with the size of the file, before
// anything is allocated.
//
// Errors, other than those of the file system, are an [*Error].
package npz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/loralink/loralink-go/internal/float16"
)

// The kinds of an Error.
var (
	// ErrMalformed reports a file that is not an npz file or is damaged.
	ErrMalformed = errors.New("malformed")
	// ErrUnsupported reports an array that numpy can save and this package does not
	// read. The message names the numpy call that fixes it.
	ErrUnsupported = errors.New("unsupported")
	// ErrTooLarge reports a size above a limit of this package.
	ErrTooLarge = errors.New("too large")
	// ErrMissing reports an array that is not in the file.
	ErrMissing = errors.New("array missing")
)

// Error is an error in a file. Callers that have their own sentinels use its parts.
type Error struct {
	Array string // name of the array at fault; "" if unknown to the function
	Kind  error  // one of the variables above
	Err   error  // what was found and what is wanted
}

func (e *Error) Error() string {
	text := "npz: "
	if e.Array != "" {
		text += e.Array + ": "
	}
	return text + e.Kind.Error() + ": " + e.Err.Error()
}

// Unwrap returns Kind and Err.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Err} }

func faultf(kind error, format string, args ...any) error {
	return &Error{Kind: kind, Err: fmt.Errorf(format, args...)}
}

// Limits on a model's file.
const (
	// MaxElements is the largest number of values in one matrix.
	MaxElements = 1 << 20
	// MaxFile is the largest file: two matrices of float64 and their headers.
	MaxFile = 2*8*MaxElements + 1<<16
)

// Array is a row-major matrix of float32.
type Array struct {
	Rows, Cols int
	Data       []float32
}

// matrices is the kind of a model's arrays.
var matrices = Kind{
	Width: func(descr string) (int, bool) {
		switch descr {
		case "<f2", ">f2":
			return 2, true
		case "<f4", ">f4":
			return 4, true
		case "<f8", ">f8":
			return 8, true
		}
		return 0, false
	},
	Want:      "float16, float32 or float64: save a.astype('<f4')",
	MaxValues: MaxElements,
}

// Read returns the named matrices of the npz file in data, converted to float32. It
// ignores arrays of other names.
func Read(data []byte, names ...string) (map[string]Array, error) {
	if len(data) > MaxFile {
		return nil, faultf(ErrTooLarge, "%d bytes, want at most %d", len(data), MaxFile)
	}
	archive, err := NewArchive(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	out := make(map[string]Array, len(names))
	for _, name := range names {
		s, err := archive.Open(name, matrices)
		if errors.Is(err, ErrMissing) {
			return nil, faultf(ErrMissing, "no %q, want one member for each of %q", name+".npy", names)
		}
		if err == nil {
			out[name], err = s.matrix()
			s.Close()
		}
		if located, ok := errors.AsType[*Error](err); ok {
			located.Array = name
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// matrix reads a matrix and converts it to float32.
func (s *Stream) matrix() (Array, error) {
	if len(s.Shape) != 2 {
		return Array{}, faultf(ErrUnsupported, "shape %s, want two dimensions: save a.reshape(rows, cols)", s.ShapeText())
	}
	if s.Len() == 0 {
		return Array{}, faultf(ErrMalformed, "shape %s holds no values", s.ShapeText())
	}
	body := make([]byte, s.Len()*s.Width)
	if _, err := io.ReadFull(s.body, body); err != nil {
		return Array{}, faultf(ErrMalformed, "incomplete array: %w", err)
	}
	if err := s.End(); err != nil {
		return Array{}, err
	}
	a := Array{Rows: s.Shape[0], Cols: s.Shape[1], Data: make([]float32, s.Len())}
	var order binary.ByteOrder = binary.LittleEndian
	if s.Descr[0] == '>' {
		order = binary.BigEndian
	}
	switch s.Width {
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
				return Array{}, faultf(ErrUnsupported, "value %g exceeds float32", v)
			}
		}
	}
	if s.Fortran {
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
