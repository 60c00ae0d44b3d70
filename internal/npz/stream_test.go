package npz

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
)

// bytesOf is a kind of unsigned bytes.
func bytesOf(most int) Kind {
	return Kind{Width: func(descr string) (int, bool) { return 1, descr == "|u1" }, Want: "bytes", MaxValues: most}
}

func TestStream(t *testing.T) {
	for _, c := range []struct {
		name, fortran, text, shape string
		dims                       []int
		values                     int
	}{
		{"scalar", "False", "()", "()", nil, 1},
		{"one dimension", "True", "(3,)", "(3,)", []int{3}, 3},
		{"three dimensions", "False", "(1, 2,3)", "(1, 2, 3)", []int{1, 2, 3}, 6},
		{"no values", "True", "(0, 100, 100, 100)", "(0, 100, 100, 100)", []int{0, 100, 100, 100}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := []byte("abcdef")[:c.values]
			file := npyFile("'|u1'", c.fortran, c.text, body)
			s, err := NewStream(bytes.NewReader(file), uint64(len(file)), bytesOf(100))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(s.Shape, c.dims) || s.ShapeText() != c.shape || s.Len() != c.values || s.Descr != "|u1" || s.Width != 1 || s.Fortran != (c.fortran == "True") {
				t.Errorf("got %+v %s", s, s.ShapeText())
			}
			// The header is read again, then the values, then nothing.
			got := make([]byte, len(file))
			if n, err := s.Read(got); n != len(got) || err != nil || !bytes.Equal(got, file) {
				t.Errorf("%d, %v: read %q", n, err, got)
			}
			if n, err := s.Read(got[:1]); n != 0 || !errors.Is(err, ErrMalformed) || err == io.EOF {
				t.Errorf("past the end: %d, %v", n, err)
			}
			if err := s.End(); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestStreamRefuses(t *testing.T) {
	good := npyFile("'|u1'", "False", "(2,)", []byte("ab"))
	for _, c := range []struct {
		name string
		file []byte
		size int
		want error
	}{
		{"size below the header", good, 20, ErrMalformed},
		{"size of another shape", good, len(good) + 1, ErrMalformed},
		{"another dtype", npyFile("'<f4'", "False", "(2,)", nil), 0, ErrUnsupported},
		{"above the cap", npyFile("'|u1'", "False", "(101,)", nil), 0, ErrTooLarge},
		{"above the cap together", npyFile("'|u1'", "False", "(11, 10)", nil), 0, ErrTooLarge},
		{"numbers without commas", npyFile("'|u1'", "False", "(1 2)", nil), 0, ErrMalformed},
		{"empty number", npyFile("'|u1'", "False", "(1,,2)", nil), 0, ErrMalformed},
	} {
		if _, err := NewStream(bytes.NewReader(c.file), uint64(c.size), bytesOf(100)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	s, err := NewStream(bytes.NewReader(good[:len(good)-1]), uint64(len(good)), bytesOf(100))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(make([]byte, len(good))); !errors.Is(err, ErrMalformed) {
		t.Errorf("a file shorter than it was: %v", err)
	}
	if s, err = NewStream(bytes.NewReader(good), uint64(len(good)), bytesOf(100)); err != nil {
		t.Fatal(err)
	}
	if err := s.End(); !errors.Is(err, ErrMalformed) {
		t.Errorf("the end before the values: %v", err)
	}
}

// Signatures that stand across the blocks that are read are counted once.
func TestCountMembers(t *testing.T) {
	for _, pad := range []int{0, 1, 64<<10 - 3, 64<<10 - 1, 64 << 10, 128<<10 - 2} {
		data := append(make([]byte, pad), "PK\x01\x02..PK\x01\x02"...)
		if n, err := countMembers(bytes.NewReader(data), int64(len(data))); n != 2 || err != nil {
			t.Errorf("after %d bytes: %d, %v, want 2", pad, n, err)
		}
	}
}

// An array may unpack to any size up to smallArray, above it in proportion.
func TestRatio(t *testing.T) {
	for _, c := range []struct {
		name        string
		size, ratio int
		want        error
	}{
		{"small", 1 << 20, 200, nil},
		{"large", 9 << 20, 200, ErrTooLarge},
		{"large within the ratio", 9 << 20, 2000, nil},
		{"large at any ratio", 9 << 20, 0, nil},
	} {
		data := npzOf(t, zip.Deflate, npyFile("'|u1'", "False", fmt.Sprintf("(%d,)", c.size), make([]byte, c.size)))
		a, err := NewArchive(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		kind := bytesOf(16 << 20)
		kind.MaxRatio = c.ratio
		s, err := a.Open("W", kind)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if err == nil {
			s.Close()
		}
	}
}
