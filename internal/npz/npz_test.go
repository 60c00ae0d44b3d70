package npz

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/internal/testenv"
)

// named is an npz file of the arrays W and V: ramps of rows×cols and cols×rows.
func named(t testing.TB, rows, cols int) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := zip.NewWriter(&buf)
	for _, m := range []struct {
		name       string
		rows, cols int
	}{{"W", rows, cols}, {"V", cols, rows}} {
		w, err := zw.CreateHeader(&zip.FileHeader{Name: m.name + ".npy", Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		var body []byte
		for i := range rows * cols {
			body = binary.LittleEndian.AppendUint32(body, math.Float32bits(float32(i)-2.5))
		}
		w.Write(npyFile("'<f4'", "False", fmt.Sprintf("(%d, %d)", m.rows, m.cols), body))
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// The files under testdata/golden were written by numpy: stored and deflated,
// float32 and float64, Fortran order and big-endian.
func TestReadsWhatNumpyWrites(t *testing.T) {
	files, _ := filepath.Glob(testenv.Repo("testdata", "golden", "*", "layer_*.npz"))
	if len(files) < 7 {
		t.Fatalf("found %d files", len(files))
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Read(data, "W", "V")
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		// V is the pseudo-inverse of W: W·V·W = W holds in any reading order
		// but the right one.
		w, v := got["W"], got["V"]
		if w.Rows != v.Cols || w.Cols != v.Rows {
			t.Errorf("%s: W is %d×%d, V is %d×%d", f, w.Rows, w.Cols, v.Rows, v.Cols)
			continue
		}
		if d := distance(mul(mul(w, v), w), w); d > 1e-4 {
			t.Errorf("%s: W·V·W differs from W by %g", f, d)
		}
	}
}

func mul(a, b Array) Array {
	out := Array{a.Rows, b.Cols, make([]float32, a.Rows*b.Cols)}
	for i := range a.Rows {
		for j := range b.Cols {
			var s float64
			for k := range a.Cols {
				s += float64(a.Data[i*a.Cols+k]) * float64(b.Data[k*b.Cols+j])
			}
			out.Data[i*out.Cols+j] = float32(s)
		}
	}
	return out
}

func distance(a, b Array) (d float64) {
	for i := range a.Data {
		d = max(d, math.Abs(float64(a.Data[i]-b.Data[i])))
	}
	return d
}

func npyFile(descr, fortran, shape string, body []byte) []byte {
	dict := fmt.Sprintf("{'descr': %s, 'fortran_order': %s, 'shape': %s, }\n", descr, fortran, shape)
	out := append([]byte("\x93NUMPY\x01\x00"), 0, 0)
	binary.LittleEndian.PutUint16(out[8:], uint16(len(dict)))
	return append(append(out, dict...), body...)
}

func npzOf(t testing.TB, method uint16, members ...[]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := zip.NewWriter(&buf)
	for _, m := range members {
		w, err := zw.CreateHeader(&zip.FileHeader{Name: "W.npy", Method: method})
		if err != nil {
			t.Fatal(err)
		}
		w.Write(m)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// bomb is a file whose one member is a gibibyte of zeros, a megabyte when
// deflated, under a directory entry that says it has size bytes.
func bomb(t testing.TB, size uint64) []byte {
	t.Helper()
	var body bytes.Buffer
	deflate, err := flate.NewWriter(&body, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	deflate.Write(npyFile("'<f4'", "False", "(16384, 16384)", nil))
	zeros := make([]byte, 1<<20)
	deflate.Write(zeros)
	deflate.Flush()
	// From here on each mebibyte deflates to the same bytes.
	from := body.Len()
	deflate.Write(zeros)
	deflate.Flush()
	mebibyte := bytes.Clone(body.Bytes()[from:])
	for range 1<<10 - 2 {
		body.Write(mebibyte)
	}
	deflate.Close()
	var out bytes.Buffer
	zw := zip.NewWriter(&out)
	w, err := zw.CreateRaw(&zip.FileHeader{Name: "W.npy", Method: zip.Deflate, CompressedSize64: uint64(body.Len()), UncompressedSize64: size})
	if err != nil {
		t.Fatal(err)
	}
	w.Write(body.Bytes())
	zw.Close()
	return out.Bytes()
}

func TestHostile(t *testing.T) {
	four := make([]byte, 16)
	good := npyFile("'<f4'", "False", "(2, 2)", four)
	outside := npzOf(t, zip.Store, good)
	dir := bytes.Index(outside, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(outside[dir+42:], 1<<30)
	flipped := npzOf(t, zip.Store, good)
	flipped[bytes.Index(flipped, []byte("}\n"))+3] ^= 1
	for _, c := range []struct {
		name string
		data []byte
		want error
	}{
		{"empty", nil, ErrMalformed},
		{"no zip", []byte(strings.Repeat("PK", 50)), ErrMalformed},
		{"10^12 elements", npzOf(t, zip.Store, npyFile("'<f4'", "False", "(1000000, 1000000)", four)), ErrTooLarge},
		{"10^12 rows", npzOf(t, zip.Store, npyFile("'<f4'", "False", "(1000000000000, 1)", four)), ErrTooLarge},
		{"shape overflows", npzOf(t, zip.Store, npyFile("'<f4'", "False", "(99999999999999999999999, 1)", four)), ErrTooLarge},
		{"product overflows", npzOf(t, zip.Store, npyFile("'<f4'", "False", "(4294967296, 4294967296)", four)), ErrTooLarge},
		{"negative shape", npzOf(t, zip.Store, npyFile("'<f4'", "False", "(-2, -2)", four)), ErrMalformed},
		{"empty shape", npzOf(t, zip.Store, npyFile("'<f4'", "False", "(0, 2)", nil)), ErrMalformed},
		{"one dimension", npzOf(t, zip.Store, npyFile("'<f4'", "False", "(4,)", four)), ErrUnsupported},
		{"three dimensions", npzOf(t, zip.Store, npyFile("'<f4'", "False", "(2, 2, 1)", four)), ErrUnsupported},
		{"shape larger than data", npzOf(t, zip.Store, npyFile("'<f4'", "False", "(2, 3)", four)), ErrMalformed},
		{"shape smaller than data", npzOf(t, zip.Store, npyFile("'<f4'", "False", "(1, 2)", four)), ErrMalformed},
		{"truncated newline", npzOf(t, zip.Store, npyFile("'<f4'", "False", "(2, 2)", nil)[:60]), ErrMalformed},
		{"absent newline", npzOf(t, zip.Store, bytes.Replace(good, []byte("\n"), []byte(" "), 1)), ErrMalformed},
		{"object dtype", npzOf(t, zip.Store, npyFile("'|O'", "False", "(2, 2)", four)), ErrUnsupported},
		{"integers", npzOf(t, zip.Store, npyFile("'<i8'", "False", "(2, 1)", four)), ErrUnsupported},
		{"structured", npzOf(t, zip.Store, npyFile("[('a', '<f4')]", "False", "(2, 2)", four)), ErrUnsupported},
		{"npy 3.0", npzOf(t, zip.Store, append([]byte("\x93NUMPY\x03\x00"), good[8:]...)), ErrUnsupported},
		{"header of 4 GiB", npzOf(t, zip.Store, append([]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), good[10:]...)), ErrTooLarge},
		{"deflate bomb", bomb(t, 1<<30), ErrTooLarge},
		{"deflate bomb that claims little", bomb(t, 1<<20), ErrTooLarge},
		{"duplicate member", npzOf(t, zip.Store, good, good), ErrMalformed},
		{"member outside the archive", outside, ErrMalformed},
		{"flipped byte", flipped, ErrMalformed},
		{"many members", bytes.Repeat([]byte("PK\x01\x02"), 1<<20), ErrTooLarge},
		{"large file", make([]byte, MaxFile+1), ErrTooLarge},
		{"array missing", npzOf(t, zip.Store), ErrMissing},
	} {
		t.Run(c.name, func(t *testing.T) {
			var err error
			testenv.FewBytes(t, func() { _, err = Read(c.data, "W") })
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, err := Read(npzOf(t, zip.Deflate, good), "W"); err != nil {
		t.Errorf("the untouched one: %v", err)
	}
}

// Every cut of a good file is refused.
func TestTruncated(t *testing.T) {
	whole := named(t, 3, 2)
	if got, err := Read(whole, "W", "V"); err != nil || got["V"].Rows != 2 || got["V"].Data[5] != 2.5 {
		t.Fatalf("the whole file: %v, %v", got, err)
	}
	for n := range whole {
		if _, err := Read(whole[:n], "W", "V"); !errors.Is(err, ErrMalformed) {
			t.Errorf("first %d of %d bytes: got %v, want %v", n, len(whole), err, ErrMalformed)
		}
	}
}

func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob(testenv.Repo("testdata", "golden", "*", "layer_*.npz"))
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil && len(data) < 5000 {
			f.Add(data)
		}
	}
	f.Add(npzOf(f, zip.Store, npyFile("'>f2'", "True", "(2, 2)", make([]byte, 8))))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Read(data, "W")
		if err != nil {
			return
		}
		if a := got["W"]; a.Rows*a.Cols != len(a.Data) || len(a.Data) == 0 {
			t.Errorf("%d×%d with %d values", a.Rows, a.Cols, len(a.Data))
		}
	})
}

func BenchmarkRead(b *testing.B) {
	data := named(b, 24, 96)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(data, "W", "V"); err != nil {
			b.Fatal(err)
		}
	}
}
