package numpy

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/testenv"
)

// npyFile is a .npy file of version 1.0, from the text of its header.
func npyFile(descr, fortran, shape string, body []byte) []byte {
	dict := fmt.Sprintf("{'descr': %s, 'fortran_order': %s, 'shape': %s, }\n", descr, fortran, shape)
	out := append([]byte("\x93NUMPY\x01\x00"), 0, 0)
	binary.LittleEndian.PutUint16(out[8:], uint16(len(dict)))
	return append(append(out, dict...), body...)
}

// array1 is a .npy file of a dtype and a shape that holds numbers, or strings
// of a fixed length.
func array1(descr, shape string, values any) []byte {
	return npyFile("'"+descr+"'", "False", shape, bodyOf(descr, values))
}

func bodyOf(descr string, values any) []byte {
	var order binary.ByteOrder = binary.LittleEndian
	if descr[0] == '>' {
		order = binary.BigEndian
	}
	if list, ok := values.([]string); ok {
		width, _ := textWidth(descr)
		var runes []int32
		for _, s := range list {
			padded := make([]int32, width/4)
			copy(padded, []rune(s))
			runes = append(runes, padded...)
		}
		values = runes
	}
	var b bytes.Buffer
	if err := binary.Write(&b, order, values); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// member is an array of an archive under test.
type member struct {
	name string
	file []byte
}

func npzFile(t testing.TB, method uint16, members ...member) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := zip.NewWriter(&buf)
	for _, m := range members {
		w, err := zw.CreateHeader(&zip.FileHeader{Name: m.name + ".npy", Method: method})
		if err != nil {
			t.Fatal(err)
		}
		w.Write(m.file)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func save(t testing.TB, name string, data []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// list is the windows of a sequence, up to its first error.
func list(windows iter.Seq2[dataset.Window, error]) (out []dataset.Window, err error) {
	for w, err := range windows {
		if err != nil {
			return out, err
		}
		out = append(out, w)
	}
	return out, nil
}

func sequence(windows ...dataset.Window) iter.Seq2[dataset.Window, error] {
	return func(yield func(dataset.Window, error) bool) {
		for _, w := range windows {
			if !yield(w, nil) {
				return
			}
		}
	}
}

func TestIsFile(t *testing.T) {
	for path, want := range map[string]bool{
		"a.npy": true, "a/b.npz": true, "A.NPZ": true, "a.Npy": true, "a.b.npy": true,
		"a.jsonl": false, "npy": false, "a.npy.gz": false, "a.npy/b": false, "": false,
	} {
		if got := IsFile(path); got != want {
			t.Errorf("%q: %v, want %v", path, got, want)
		}
	}
}

// What is written is read back: all of it from a .npz file, values from a .npy.
func TestRoundTrip(t *testing.T) {
	order := []string{"a", "température", "🛰"}
	for _, c := range []struct {
		name    string
		windows []dataset.Window
	}{
		{"everything", []dataset.Window{
			{TsMs: 1700000000123, RunID: "walk", ID: 7, Order: order, Units: map[string]string{"a": "m", "température": "°C"}, Values: []float64{1, 2, 3, 4, 5, 6}},
			{TsMs: -5, RunID: "", ID: 3, Order: order, Units: map[string]string{"a": "m", "température": "°C"}, Values: []float64{-1, 0.1, 1e300, 4, 5, 6}},
			{TsMs: math.MaxInt64, RunID: "a\x00b ü", ID: math.MinInt64, Order: order, Units: map[string]string{"a": "m", "température": "°C"}, Values: []float64{1, 2, 3, 4, 5, 6}},
		}},
		{"values alone", []dataset.Window{{Values: []float64{1}}, {Values: []float64{2}, ID: 1}}},
		{"extreme values", []dataset.Window{{Values: []float64{math.MaxFloat64, math.SmallestNonzeroFloat64, math.Copysign(0, -1), math.Pi}}}},
		{"order without units", []dataset.Window{{Order: []string{"x", ""}, Values: []float64{1, 2}}}},
		{"no unit known", []dataset.Window{{Order: []string{"x", "y"}, Units: map[string]string{}, Values: []float64{1, 2}}}},
		{"units without order", []dataset.Window{{Units: nil, Values: []float64{1, 2}}}},
		{"many", func() (out []dataset.Window) {
			for i := range 5000 {
				out = append(out, dataset.Window{ID: int64(2 * i), TsMs: int64(100 * i), RunID: fmt.Sprint("run", i/1000), Values: []float64{float64(i), 0.5, -1, 1 / float64(i+1)}})
			}
			return out
		}()},
		{"none", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "d.npz")
			var first []byte
			for range 2 {
				if n, err := WriteFile(path, sequence(c.windows...)); err != nil || n != len(c.windows) {
					t.Fatal(n, err)
				}
				data, _ := os.ReadFile(path)
				if first != nil && !bytes.Equal(data, first) {
					t.Error("equal windows made different files")
				}
				first = data
			}
			opened := OpenWindows(path, dataset.WindowSettings{})
			for range 2 {
				got, err := list(opened)
				if err != nil || !reflect.DeepEqual(got, c.windows) {
					t.Fatalf("%v: read\n%v\nwant\n%v", err, got, c.windows)
				}
				for i, w := range got {
					for j, v := range w.Values {
						if math.Signbit(v) != math.Signbit(c.windows[i].Values[j]) {
							t.Errorf("read %v, want %v", v, c.windows[i].Values[j])
						}
					}
				}
			}

			path = filepath.Join(t.TempDir(), "D.NPY")
			if n, err := WriteFile(path, sequence(c.windows...)); err != nil || n != len(c.windows) {
				t.Fatal(n, err)
			}
			var want []dataset.Window
			for i, w := range c.windows {
				want = append(want, dataset.Window{ID: int64(i), Values: w.Values})
			}
			if got, err := list(OpenWindows(path, dataset.WindowSettings{})); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%v: read\n%v\nwant\n%v", err, got, want)
			}
		})
	}
}

// Every dtype, byte order, memory order and shape that is read.
func TestReads(t *testing.T) {
	const n, steps, dims = 3, 2, 4
	value := func(i, s, d int) float64 { return float64(100*i+10*s+d) + 0.5 }
	var want []dataset.Window
	for i := range n {
		w := dataset.Window{ID: int64(i + 5), TsMs: int64(i), RunID: fmt.Sprint("ø", i), Order: []string{"a", "b", "c", "°"}}
		for s := range steps {
			for d := range dims {
				w.Values = append(w.Values, value(i, s, d))
			}
		}
		want = append(want, w)
	}
	for _, kind := range []string{"f4", "f8"} {
		for _, order := range []string{"<", ">"} {
			for _, fortran := range []string{"False", "True"} {
				for _, shape := range []string{"(3, 8)", "(3, 2, 4)"} {
					for j, integer := range []string{"i4", "u4", "i8"} {
						name := strings.Join([]string{order + kind, fortran, shape, integer}, " ")
						var values []float64
						if fortran == "False" {
							for _, w := range want {
								values = append(values, w.Values...)
							}
						} else if shape == "(3, 8)" {
							for c := range steps * dims {
								for i := range n {
									values = append(values, value(i, c/dims, c%dims))
								}
							}
						} else {
							for d := range dims {
								for s := range steps {
									for i := range n {
										values = append(values, value(i, s, d))
									}
								}
							}
						}
						var numbers any = values
						if kind == "f4" {
							var singles []float32
							for _, v := range values {
								singles = append(singles, float32(v))
							}
							numbers = singles
						}
						ids := []any{[]int32{5, 6, 7}, []uint32{5, 6, 7}, []int64{5, 6, 7}}[j]
						times := []any{[]int32{0, 1, 2}, []uint32{0, 1, 2}, []int64{0, 1, 2}}[j]
						windows := npyFile("'"+order+kind+"'", fortran, shape, bodyOf(order+kind, numbers))
						path := save(t, "d.npz", npzFile(t, []uint16{zip.Store, zip.Deflate}[j%2],
							member{"other", []byte("no array")},
							member{arrayRuns, array1(order+"U5", "(3,)", []string{"ø0", "ø1", "ø2"})},
							member{arrayWindows, windows},
							member{arrayIDs, array1(order+integer, "(3,)", ids)},
							member{arrayTimes, array1(order+integer, "(3,)", times)},
							member{arrayOrder, array1(order+"U1", "(4,)", []string{"a", "b", "c", "°"})}))
						for _, settings := range []dataset.WindowSettings{{}, {WindowLen: 8, Dims: 4, Steps: 2}} {
							if got, err := list(OpenWindows(path, settings)); err != nil || !reflect.DeepEqual(got, want) {
								t.Errorf("%s: %v: read\n%v\nwant\n%v", name, err, got, want)
							}
						}
						got, err := list(OpenWindows(save(t, "d.npy", windows), dataset.WindowSettings{Dims: 4, Steps: 2, WindowLen: 8}))
						if err != nil || len(got) != n || !slices.Equal(got[2].Values, want[2].Values) {
							t.Errorf("%s: .npy: %v: read %v", name, err, got)
						}
					}
				}
			}
		}
	}
}

// The settings hold a file to what they hold a dataset_raw.jsonl to, in the same
// words.
func TestSettings(t *testing.T) {
	window := func(values, names int) dataset.Window {
		w := dataset.Window{Values: make([]float64, values)}
		for i := range names {
			w.Order = append(w.Order, fmt.Sprint("v", i))
		}
		return w
	}
	for _, c := range []struct {
		name     string
		window   dataset.Window
		settings dataset.WindowSettings
		fails    bool
	}{
		{"none", window(6, 3), dataset.WindowSettings{}, false},
		{"all", window(6, 3), dataset.WindowSettings{WindowLen: 6, Dims: 3, Steps: 2}, false},
		{"no order", window(6, 0), dataset.WindowSettings{WindowLen: 6, Dims: 4, Steps: 7}, false},
		{"length", window(6, 3), dataset.WindowSettings{WindowLen: 5}, true},
		{"dims", window(6, 3), dataset.WindowSettings{Dims: 2}, true},
		{"steps", window(6, 3), dataset.WindowSettings{Steps: 3}, true},
	} {
		dir := t.TempDir()
		lines, arrays := filepath.Join(dir, "d.jsonl"), filepath.Join(dir, "d.npz")
		if _, err := dataset.WriteFile(lines, sequence(c.window)); err != nil {
			t.Fatal(err)
		}
		if _, err := WriteFile(arrays, sequence(c.window)); err != nil {
			t.Fatal(err)
		}
		_, want := list(dataset.OpenWindows(lines, c.settings))
		_, got := list(OpenWindows(arrays, c.settings))
		if (want != nil) != c.fails || (got != nil) != c.fails {
			t.Errorf("%s: %v, and from .jsonl %v", c.name, got, want)
			continue
		}
		if !c.fails {
			continue
		}
		text := strings.NewReplacer("d.jsonl:1", "d.npz", "window:", "windows:").Replace(want.Error())
		if got.Error() != text || !errors.Is(got, dataset.ErrLength) {
			t.Errorf("%s: %v, want %s", c.name, got, text)
		}
	}
}

// zeros is a deflated .npy file of so many bytes of zeros after a header, and
// short of it by so many.
func zeros(t testing.TB, header []byte, size, missing int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(header)
	for left := size - missing; left > 0; left -= 1 << 20 {
		w.Write(make([]byte, min(left, 1<<20)))
	}
	w.Close()
	return b.Bytes()
}

// packed is an archive of one deflated member, whose directory says that it
// unpacks to size bytes.
func packed(t testing.TB, name string, body []byte, size uint64) []byte {
	t.Helper()
	var out bytes.Buffer
	zw := zip.NewWriter(&out)
	w, err := zw.CreateRaw(&zip.FileHeader{Name: name + ".npy", Method: zip.Deflate, CompressedSize64: uint64(len(body)), UncompressedSize64: size})
	if err != nil {
		t.Fatal(err)
	}
	w.Write(body)
	zw.Close()
	return out.Bytes()
}

// windows2 is a good array of two windows of two values.
var windows2 = member{arrayWindows, array1("<f8", "(2, 2)", []float64{1, 2, 3, 4})}

func TestRefuses(t *testing.T) {
	with := func(name, descr, shape string, values any) []byte {
		return npzFile(t, zip.Store, windows2, member{name, array1(descr, shape, values)})
	}
	alone := func(descr, shape string, values any) []byte {
		return npzFile(t, zip.Store, member{arrayWindows, array1(descr, shape, values)})
	}
	raw := func(file []byte) []byte { return npzFile(t, zip.Store, member{arrayWindows, file}) }
	four := []float64{1, 2, 3, 4}
	encrypted := bytes.Clone(raw(windows2.file))
	encrypted[bytes.Index(encrypted, []byte("PK\x01\x02"))+8] |= 1
	flipped := bytes.Clone(raw(windows2.file))
	flipped[bytes.Index(flipped, []byte("}\n"))+9] ^= 1
	liar := npyFile("'<f4'", "True", "(1024, 1024)", nil)
	for _, c := range []struct {
		name  string
		data  []byte
		want  error
		field string
		text  string
	}{
		{"empty", nil, dataset.ErrSyntax, "", "zip"},
		{"not a zip file", []byte("window_id,lat\n1,2\n"), dataset.ErrSyntax, "", "found no valid zip archive (zip: not a valid zip file), want an .npz file"},
		{"a .npy file", windows2.file, dataset.ErrSyntax, "", "zip"},
		{"no member", npzFile(t, zip.Store), dataset.ErrMissing, "windows", "found no such array, want numpy.savez(path, windows=a)"},
		{"other members", npzFile(t, zip.Store, member{"arr_0", windows2.file}), dataset.ErrMissing, "windows", "numpy.savez"},
		{"no array", raw([]byte("hello")), dataset.ErrSyntax, "windows", "no complete npy header"},
		{"npy 3.0", raw(append([]byte("\x93NUMPY\x03\x00"), windows2.file[8:]...)), dataset.ErrType, "windows", "npy version 3.0"},
		{"integers", alone("<i8", "(2, 2)", []int64{1, 2, 3, 4}), dataset.ErrType, "windows", `dtype "<i8", want float32 or float64: save a.astype('<f8')`},
		{"half precision", alone("<f2", "(2, 2)", []int16{1, 2, 3, 4}), dataset.ErrType, "windows", "save a.astype('<f8')"},
		{"complex", alone("<c16", "(1, 2)", four), dataset.ErrType, "windows", "save a.astype('<f8')"},
		{"strings for values", alone("<U1", "(2, 2)", []string{"a", "b", "c", "d"}), dataset.ErrType, "windows", "save a.astype('<f8')"},
		{"pickled objects", raw(npyFile("'|O'", "False", "(2, 2)", []byte("\x80\x04pickle"))), dataset.ErrType, "windows", `dtype "|O" (pickled Python objects), want float32 or float64`},
		{"structured", raw(npyFile("[('lat', '<f8')]", "False", "(2,)", nil)), dataset.ErrType, "windows", "structured array"},
		{"scalar", alone("<f8", "()", []float64{1}), dataset.ErrLength, "windows", "found shape ()"},
		{"one dimension", alone("<f8", "(4,)", four), dataset.ErrLength, "windows", "found shape (4,), want (windows, values): save a.reshape(windows, values)"},
		{"four dimensions", alone("<f8", "(2, 2, 1, 1)", four), dataset.ErrLength, "windows", "found shape (2, 2, 1, 1)"},
		{"windows without values", alone("<f8", "(2, 0)", []float64{}), dataset.ErrLength, "windows", "found no values"},
		{"steps without values", alone("<f8", "(2, 3, 0)", []float64{}), dataset.ErrLength, "windows", "found no values"},
		{"NaN", alone("<f8", "(2, 2)", []float64{1, 2, 3, math.NaN()}), dataset.ErrNotFinite, "windows", "row 1: found NaN as value 1, want a finite number"},
		{"infinite, single", alone(">f4", "(1, 2)", []float32{1, float32(math.Inf(-1))}), dataset.ErrNotFinite, "windows", "row 0: found -Inf as value 1"},
		{"shape larger than data", alone("<f8", "(3, 2)", four), dataset.ErrSyntax, "windows", "32 bytes for shape (3, 2) of dtype <f8, want 48"},
		{"shape smaller than data", alone("<f8", "(1, 2)", four), dataset.ErrSyntax, "windows", "want 16"},
		{"negative shape", alone("<f8", "(-2, -2)", four), dataset.ErrSyntax, "windows", "npy header"},
		{"10^12 values", alone("<f8", "(1000000, 1000000)", four), dataset.ErrTooLong, "windows", "want at most 33554432 values"},
		{"shape overflows", alone("<f8", "(4294967296, 4294967296)", four), dataset.ErrTooLong, "windows", "want at most 33554432 values"},
		{"header of 4 GiB", raw(append([]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), windows2.file[10:]...)), dataset.ErrTooLong, "windows", "npy header over"},
		{"no windows of 2^25 values", alone("<f8", "(0, 33554432)", []float64{}), nil, "", ""},
		{"no windows of 2^50 values", alone("<f8", "(0, 33554432, 33554432)", []float64{}), nil, "", ""},
		{"no windows, long run_id", npzFile(t, zip.Store, member{arrayWindows, array1("<f8", "(0, 2)", []float64{})}, member{arrayRuns, array1("<U65536", "(0,)", []int32{})}), nil, "", ""},
		{"duplicate member", npzFile(t, zip.Store, windows2, windows2), dataset.ErrSyntax, "", `found member "windows.npy" twice, want it once`},
		{"encrypted", encrypted, dataset.ErrType, "windows", "encrypted, want numpy.savez"},
		{"flipped bit", flipped, dataset.ErrSyntax, "windows", "checksum"},
		{"many members", bytes.Repeat([]byte("PK\x01\x02"), 1<<20), dataset.ErrTooLong, "", "over 64 members"},
		{"zip bomb", packed(t, arrayWindows, zeros(t, npyFile("'<f8'", "False", "(8192, 512)", nil), 32<<20, 0), 32<<20+100), dataset.ErrTooLong, "windows", "save it with numpy.savez, which does not compress"},
		{"zip bomb above the cap", packed(t, arrayWindows, zeros(t, liar, 16<<20, 0), 1<<40), dataset.ErrTooLong, "windows", "bytes unpacked"},
		{"zip bomb that claims little", packed(t, arrayWindows, zeros(t, npyFile("'<f8'", "True", "(1000, 1000)", nil), 32<<20, 0), 8000000+uint64(len(npyFile("'<f8'", "True", "(1000, 1000)", nil)))), dataset.ErrSyntax, "windows", ""},
		{"directory and header lie alike", packed(t, arrayWindows, zeros(t, liar, 4<<20, 4<<20-5), uint64(len(liar))+4<<20), dataset.ErrSyntax, "windows", "incomplete array"},
		{"directory says 2^30 packed bytes", packedLie(t), dataset.ErrTooLong, "windows", "unpack"},

		{"ids of another number", with(arrayIDs, "<i8", "(3,)", []int64{1, 2, 3}), dataset.ErrLength, "window_id", "found shape (3,), want (2,), one for each window"},
		{"ids in a column", with(arrayIDs, "<i8", "(2, 1)", []int64{1, 2}), dataset.ErrLength, "window_id", "found shape (2, 1), want (2,)"},
		{"ids of floats", with(arrayIDs, "<f8", "(2,)", []float64{1, 2}), dataset.ErrType, "window_id", "int32, uint32 or int64: save a.astype('<i8')"},
		{"ids of uint64", with(arrayIDs, "<u8", "(2,)", []int64{1, 2}), dataset.ErrType, "window_id", "save a.astype('<i8')"},
		{"times of datetime64", with(arrayTimes, "<M8[ms]", "(2,)", []int64{1, 2}), dataset.ErrType, "ts_ms", "save a.astype('<i8')"},
		{"one time", with(arrayTimes, "<i8", "()", []int64{1}), dataset.ErrLength, "ts_ms", "found shape (), want (2,)"},
		{"one run", with(arrayRuns, "<U1", "()", []string{"a"}), dataset.ErrLength, "run_id", "found shape (), want (2,)"},
		{"runs of bytes", with(arrayRuns, "|S4", "(2,)", []int32{1, 2}), dataset.ErrType, "run_id", "unicode strings of at most 65536 characters: save a.astype('U')"},
		{"runs of objects", with(arrayRuns, "|O", "(2,)", []int32{1, 2}), dataset.ErrType, "run_id", "pickled Python objects"},
		{"runs out of unicode", with(arrayRuns, "<U1", "(2,)", []int32{65, 0x110000}), dataset.ErrSyntax, "run_id", "row 1: found code point 0x110000"},
		{"runs of a surrogate", with(arrayRuns, "<U1", "(2,)", []int32{0xd800, 65}), dataset.ErrSyntax, "run_id", "row 0: found code point 0xd800"},
		{"runs of negative code points", with(arrayRuns, "<U1", "(2,)", []int32{-1, 65}), dataset.ErrSyntax, "run_id", "0xffffffff"},
		{"runs of 65537 characters", with(arrayRuns, "<U65537", "(2,)", []int32{1, 2}), dataset.ErrType, "run_id", `dtype "<U65537", want unicode strings of at most 65536 characters`},
		{"runs of a negative length", with(arrayRuns, "<U-1", "(2,)", []int32{1, 2}), dataset.ErrType, "run_id", "dtype"},
		{"runs of 2^60 bytes", with(arrayRuns, "<U999999999999", "(2,)", []int32{1, 2}), dataset.ErrType, "run_id", "dtype"},
		{"order that does not divide", with(arrayOrder, "<U1", "(3,)", []string{"a", "b", "c"}), dataset.ErrLength, "order", "found 3 names, want a number that divides the window's 2 values"},
		{"order without names", with(arrayOrder, "<U1", "(0,)", []string{}), dataset.ErrLength, "order", "found 0 names"},
		{"order of lists", with(arrayOrder, "<U1", "(1, 1)", []string{"a"}), dataset.ErrLength, "order", "found shape (1, 1), want one dimension"},
		{"too many names", with(arrayOrder, "<U1", "(65537,)", make([]string, 65537)), dataset.ErrTooLong, "order", "found 65537 names, want at most 65536"},
		{"units without order", with(arrayUnits, "<U1", "(2,)", []string{"m", "m"}), dataset.ErrMissing, "units", "found no array order"},
		{"units of another number", npzFile(t, zip.Store, windows2, member{arrayOrder, array1("<U1", "(2,)", []string{"a", "b"})}, member{arrayUnits, array1("<U1", "(1,)", []string{"m"})}), dataset.ErrLength, "units", "found 1 units, want 2"},
		{"order not of the shape", npzFile(t, zip.Store, member{arrayWindows, array1("<f8", "(1, 2, 2)", four)}, member{arrayOrder, array1("<U1", "(4,)", []string{"a", "b", "c", "d"})}), dataset.ErrLength, "order", "found 4 names, want 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := save(t, "d.npz", c.data)
			var err error
			testenv.FewBytes(t, func() { _, err = list(OpenWindows(path, dataset.WindowSettings{})) })
			checkError(t, err, c.want, path, c.field, c.text)
		})
	}
}

// packedLie is a small archive whose directory says it has a gibibyte.
func packedLie(t testing.TB) []byte {
	header := npyFile("'<f8'", "True", "(8192, 2048)", nil)
	data := packed(t, arrayWindows, zeros(t, header, 100, 0), uint64(len(header))+128<<20)
	binary.LittleEndian.PutUint32(data[bytes.Index(data, []byte("PK\x01\x02"))+20:], 1<<30)
	return data
}

func checkError(t *testing.T, err, want error, path, field, text string) {
	t.Helper()
	if want == nil {
		if err != nil {
			t.Errorf("got %v", err)
		}
		return
	}
	var at *dataset.Error
	if !errors.As(err, &at) || !errors.Is(err, want) || at.File != path || at.Field != field || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v\nwant %q at %q with %q", err, want, field, text)
	}
	if err != nil && (!strings.HasPrefix(err.Error(), "dataset: "+path+": ") || strings.Contains(err.Error(), " npz:") || strings.Count(err.Error(), "dataset: ") != 1) {
		t.Errorf("got %v, want each prefix once", err)
	}
}

func TestRefusesNPY(t *testing.T) {
	good := windows2.file
	for _, c := range []struct {
		name string
		data []byte
		want error
		text string
	}{
		{"empty", nil, dataset.ErrSyntax, "no complete npy header"},
		{"a .npz file", npzFile(t, zip.Store, windows2), dataset.ErrSyntax, "want the npy magic"},
		{"cut short", good[:len(good)-1], dataset.ErrSyntax, "31 bytes for shape (2, 2) of dtype <f8, want 32"},
		{"too long", append(bytes.Clone(good), 0), dataset.ErrSyntax, "33 bytes"},
		{"2^25 values that are not there", npyFile("'<f8'", "True", "(16384, 2048)", nil), dataset.ErrSyntax, "0 bytes for shape (16384, 2048)"},
		{"integers", array1("<i4", "(1, 2)", []int32{1, 2}), dataset.ErrType, "save a.astype('<f8')"},
		{"NaN", array1("<f8", "(1, 2)", []float64{math.NaN(), 2}), dataset.ErrNotFinite, "row 0: found NaN as value 0"},
		{"one dimension", array1("<f8", "(2,)", []float64{1, 2}), dataset.ErrLength, "save a.reshape(windows, values)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := save(t, "d.npy", c.data)
			var err error
			testenv.FewBytes(t, func() { _, err = list(OpenWindows(path, dataset.WindowSettings{})) })
			checkError(t, err, c.want, path, "", c.text)
		})
	}
}

// A shape of three dimensions is held to the settings without an order as well.
func TestSettingsOfThreeDimensions(t *testing.T) {
	path := save(t, "d.npy", array1("<f8", "(1, 2, 3)", make([]float64, 6)))
	for _, c := range []struct {
		name     string
		settings dataset.WindowSettings
		text     string
	}{
		{"steps", dataset.WindowSettings{Steps: 3}, "found shape (1, 2, 3), want 3 steps per window"},
		{"dims", dataset.WindowSettings{Dims: 2}, "found shape (1, 2, 3), want 2 values per step"},
		{"length", dataset.WindowSettings{WindowLen: 5}, "found 6 values, want 5"},
	} {
		_, err := list(OpenWindows(path, c.settings))
		checkError(t, err, dataset.ErrLength, path, "", c.text)
	}
}

// Every cut of a good file is refused.
func TestTruncated(t *testing.T) {
	w := dataset.Window{RunID: "walk", Order: []string{"a"}, Units: map[string]string{"a": "m"}, Values: []float64{1, 2}}
	for _, name := range []string{"d.npz", "d.npy"} {
		path := filepath.Join(t.TempDir(), name)
		if _, err := WriteFile(path, sequence(w, w)); err != nil {
			t.Fatal(err)
		}
		whole, _ := os.ReadFile(path)
		for n := range whole {
			if err := os.WriteFile(path, whole[:n], 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := list(OpenWindows(path, dataset.WindowSettings{})); !errors.Is(err, dataset.ErrSyntax) {
				t.Errorf("%s: first %d of %d bytes: got %v, want %v", name, n, len(whole), err, dataset.ErrSyntax)
			}
		}
	}
}

// Ids, times and runs may be compressed to any ratio, as numpy.savez_compressed
// does with the same run_id for each window.
func TestCompressedRuns(t *testing.T) {
	const n = 50_000
	var values []float64
	runs := make([]string, n)
	for i := range n {
		values = append(values, math.Sqrt(float64(i)))
		runs[i] = "the same walk"
	}
	shape := fmt.Sprintf("(%d,)", n)
	path := save(t, "d.npz", npzFile(t, zip.Deflate,
		member{arrayWindows, array1("<f8", fmt.Sprintf("(%d, 1)", n), values)},
		member{arrayRuns, array1("<U60", shape, runs)},
		member{arrayIDs, array1("<i8", shape, make([]int64, n))}))
	testenv.FewBytes(t, func() {
		got := 0
		for w, err := range OpenWindows(path, dataset.WindowSettings{}) {
			if err != nil || w.RunID != runs[got] || w.Values[0] != values[got] {
				t.Fatalf("row %d: %v, %v", got, w, err)
			}
			got++
		}
		if got != n {
			t.Errorf("%d windows, want %d", got, n)
		}
	})
}

func TestFileSystem(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "no.npz")
	_, err := list(OpenWindows(missing, dataset.WindowSettings{}))
	checkError(t, err, fs.ErrNotExist, missing, "", "no such file")
	for _, name := range []string{"folder.npz", "folder.npy"} {
		folder := filepath.Join(dir, name)
		if err := os.Mkdir(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		if _, err := list(OpenWindows(folder, dataset.WindowSettings{})); err == nil || !strings.HasPrefix(err.Error(), "dataset: "+folder+": ") {
			t.Errorf("a folder: %v", err)
		}
	}
	other := filepath.Join(dir, "d.jsonl")
	_, err = list(OpenWindows(other, dataset.WindowSettings{}))
	checkError(t, err, dataset.ErrSyntax, other, "", "want .npy or .npz")
	_, err = WriteFile(other, sequence())
	checkError(t, err, dataset.ErrSyntax, other, "", "want .npy or .npz")
	below := filepath.Join(dir, "no", "d.npy")
	_, err = WriteFile(below, sequence())
	checkError(t, err, fs.ErrNotExist, below, "", "no such file")
}

// A range that ends early, and one after it.
func TestBreak(t *testing.T) {
	windows := OpenWindows(save(t, "d.npz", npzFile(t, zip.Store, windows2)), dataset.WindowSettings{})
	for range 2 {
		for w, err := range windows {
			if err != nil || !slices.Equal(w.Values, []float64{1, 2}) {
				t.Errorf("%v, %v", w, err)
			}
			break
		}
	}
}

// What a file cannot hold is not written, and the old file stays.
func TestWriteRefuses(t *testing.T) {
	good := dataset.Window{Order: []string{"a", "b"}, Units: map[string]string{"a": "m"}, Values: []float64{1, 2}}
	change := func(f func(*dataset.Window)) dataset.Window {
		w := good
		f(&w)
		return w
	}
	stop := errors.New("stop")
	for _, c := range []struct {
		name    string
		windows iter.Seq2[dataset.Window, error]
		want    error
		field   string
		text    string
	}{
		{"another length", sequence(good, change(func(w *dataset.Window) { w.Values = []float64{1, 2, 3, 4} })), dataset.ErrLength, "windows", "row 1: found 4 values, want 2"},
		{"no values", sequence(dataset.Window{}), dataset.ErrLength, "windows", "row 0: found no values"},
		{"order that does not divide", sequence(change(func(w *dataset.Window) { w.Order = []string{"a", "b", "c"} })), dataset.ErrLength, "order", "row 0: found 3 names"},
		{"another order", sequence(good, change(func(w *dataset.Window) { w.Order = []string{"a", "c"} })), dataset.ErrType, "order", "row 1: found [\"a\" \"c\"], want [\"a\" \"b\"], as in row 0"},
		{"an order later", sequence(dataset.Window{Values: good.Values}, good), dataset.ErrType, "order", "row 1: found [\"a\" \"b\"], want []"},
		{"no order later", sequence(good, dataset.Window{Values: good.Values}), dataset.ErrType, "order", "row 1: found [], want"},
		{"other units", sequence(good, change(func(w *dataset.Window) { w.Units = map[string]string{"a": "km"} })), dataset.ErrType, "units", "row 1: found map[\"a\":\"km\"], want map[\"a\":\"m\"]"},
		{"a unit of no name", sequence(change(func(w *dataset.Window) { w.Units = map[string]string{"z": "m"} })), dataset.ErrMissing, "units", `row 0: found a unit of "z"`},
		{"units without order", sequence(change(func(w *dataset.Window) { w.Order = nil })), dataset.ErrMissing, "units", `row 0: found a unit of "a"`},
		{"NaN", sequence(good, change(func(w *dataset.Window) { w.Values = []float64{1, math.NaN()} })), dataset.ErrNotFinite, "windows", "row 1: found NaN as value 1"},
		{"run that is not UTF-8", sequence(change(func(w *dataset.Window) { w.RunID = "\xff" })), dataset.ErrSyntax, "run_id", "want UTF-8"},
		{"run that ends in NUL", sequence(change(func(w *dataset.Window) { w.RunID = "a\x00" })), dataset.ErrSyntax, "run_id", "want text that does not end in NUL"},
		{"name that ends in NUL", sequence(change(func(w *dataset.Window) { w.Order = []string{"a", "b\x00"} })), dataset.ErrSyntax, "order", "NUL"},
		{"unit that is not UTF-8", sequence(change(func(w *dataset.Window) { w.Units = map[string]string{"b": "\xff"} })), dataset.ErrSyntax, "units", "UTF-8"},
		{"long run", sequence(change(func(w *dataset.Window) { w.RunID = strings.Repeat("a", 65537) })), dataset.ErrTooLong, "run_id", "found 65537 bytes, want at most 65536"},
		{"too many names", sequence(dataset.Window{Values: make([]float64, 65537), Order: make([]string, 65537)}), dataset.ErrTooLong, "order", "want at most 65536"},
		{"too many values", func(yield func(dataset.Window, error) bool) {
			w := dataset.Window{Values: make([]float64, MaxValues/4+1)}
			for yield(w, nil) {
			}
		}, dataset.ErrTooLong, "windows", "row 3: found over 33554432 values"},
		{"long runs", func(yield func(dataset.Window, error) bool) {
			for i := range 1100 {
				w := dataset.Window{Values: []float64{1}}
				if i == 0 {
					w.RunID = strings.Repeat("a", 1<<16)
				}
				if !yield(w, nil) {
					return
				}
			}
		}, dataset.ErrTooLong, "run_id", "found 1100 strings, the longest of 65536 bytes"},
		{"an error of the windows", func(yield func(dataset.Window, error) bool) {
			if yield(good, nil) {
				yield(dataset.Window{}, stop)
			}
		}, stop, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := save(t, "d.npz", []byte("old"))
			n, err := WriteFile(path, c.windows)
			if c.want == stop {
				if err != stop {
					t.Errorf("got %v, want %v", err, stop)
				}
			} else {
				checkError(t, err, c.want, path, c.field, c.text)
			}
			entries, _ := os.ReadDir(filepath.Dir(path))
			if data, _ := os.ReadFile(path); n != 0 || string(data) != "old" || len(entries) != 1 {
				t.Errorf("%d windows; left %q and %v", n, data, entries)
			}
		})
	}
}

// fuzzed reads a file and holds what comes of it to what the package promises.
func fuzzed(t *testing.T, path string, data []byte) {
	r := &reader{path: path, file: bytes.NewReader(data), size: int64(len(data))}
	n := 0
	r.all(func(w dataset.Window, err error) bool {
		if err != nil {
			var at *dataset.Error
			if !errors.As(err, &at) || at.File != path || !strings.HasPrefix(err.Error(), "dataset: "+path+": ") {
				t.Errorf("got %v, want a located error", err)
			}
			return false
		}
		if n == 0 {
			n = len(w.Values)
		}
		if len(w.Values) != n || n == 0 || finite(w.Values) != nil || checkText(w.RunID) != nil {
			t.Errorf("read %v after windows of %d values", w, n)
		}
		return true
	})
}

// The bytes of a whole file.
func FuzzFile(f *testing.F) {
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		f.Add(true, npzFile(f, method, windows2, member{arrayIDs, array1(">i4", "(2,)", []int32{1, 2})}))
	}
	f.Add(false, windows2.file)
	f.Add(false, array1(">f4", "(1, 1, 1)", []float32{1}))
	f.Add(false, array1("<f8", "()", []float64{1}))
	f.Fuzz(func(t *testing.T, archive bool, data []byte) {
		fuzzed(t, map[bool]string{true: "d.npz", false: "d.npy"}[archive], data)
	})
}

// The arrays of an archive that is a whole one: each has its right checksum.
func FuzzArrays(f *testing.F) {
	f.Add(windows2.file,
		array1(">i4", "(2,)", []int32{1, 2}),
		array1("<u4", "(2,)", []int32{1, 2}),
		array1(">U2", "(2,)", []string{"ø", "ab"}),
		array1("<U1", "(1,)", []string{"a"}),
		array1("<U3", "(1,)", []string{"m/s"}))
	f.Add(npyFile("'>f4'", "True", "(1, 2, 1)", make([]byte, 8)),
		array1("<i8", "(1,)", []int64{1}),
		array1("<i8", "(1,)", []int64{1}),
		array1("<U0", "(1,)", []int32{}),
		array1("|O", "(1,)", []int32{1}),
		[]byte("\x93NUMPY\x02\x00"))
	f.Fuzz(func(t *testing.T, windows, ids, times, runs, order, units []byte) {
		fuzzed(t, "d.npz", npzFile(t, zip.Store, member{arrayWindows, windows}, member{arrayIDs, ids}, member{arrayTimes, times},
			member{arrayRuns, runs}, member{arrayOrder, order}, member{arrayUnits, units}))
	})
}
