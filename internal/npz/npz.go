// Package npz reads numpy's .npy and .npz files: the matrices of a model at once
// (Read), and any array as a stream (NewArchive, NewStream). A file is a
// stranger's: what its headers say is checked against the bytes that are really
// there, and capped, before anything is allocated.
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

// Errors that a caller may want to tell apart.
var (
	// ErrMalformed marks a file that is not an npz file, or a damaged one.
	ErrMalformed = errors.New("npz: malformed")
	// ErrUnsupported marks an array numpy can hold and we do not read; the
	// message says the numpy call that mends it.
	ErrUnsupported = errors.New("npz: unsupported")
	// ErrTooLarge marks what exceeds the caps of this package.
	ErrTooLarge = errors.New("npz: too large")
	// ErrMissing marks an array that is not in the file.
	ErrMissing = errors.New("npz: array missing")
)

// Caps on a model's file.
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

// matrices are the arrays of a model.
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

// Read returns the named matrices of the npz file in data, converted to
// float32. Arrays of other names are passed over.
func Read(data []byte, names ...string) (map[string]Array, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("%w: %d bytes, want at most %d", ErrTooLarge, len(data), MaxFile)
	}
	archive, err := NewArchive(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	out := make(map[string]Array, len(names))
	for _, name := range names {
		s, err := archive.Open(name, matrices)
		if errors.Is(err, ErrMissing) {
			return nil, fmt.Errorf("%w: no %q, want one member for each of %q", ErrMissing, name+".npy", names)
		}
		if err == nil {
			out[name], err = s.matrix()
			s.Close()
		}
		if err != nil {
			return nil, fmt.Errorf("%s.npy: %w", name, err)
		}
	}
	return out, nil
}

// matrix reads and converts the array of a model.
func (s *Stream) matrix() (Array, error) {
	if len(s.Shape) != 2 {
		return Array{}, fmt.Errorf("%w: shape %s, want two dimensions: save a.reshape(rows, cols)", ErrUnsupported, s.ShapeText())
	}
	if s.Len() == 0 {
		return Array{}, fmt.Errorf("%w: shape %s holds no values", ErrMalformed, s.ShapeText())
	}
	body := make([]byte, s.Len()*s.Width)
	if _, err := io.ReadFull(s.body, body); err != nil {
		return Array{}, fmt.Errorf("%w: %w", ErrMalformed, err)
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
				return Array{}, fmt.Errorf("%w: value %g does not fit float32", ErrUnsupported, v)
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
