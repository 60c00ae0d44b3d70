// Package numpy carries data sets of windows to and from numpy's .npy and .npz
// files.
//
// # The .npz file
//
// A .npz file holds a data set whole: what [WriteFile] writes, [OpenWindows]
// reads back unchanged. Its arrays, for N windows, are
//
//	windows    (N, values) or (N, steps, dims)   float64, float32     each window's values, oldest step first
//	window_id  (N,)                              int64, int32, uint32 else the row's number from zero
//	ts_ms      (N,)                              int64, int32, uint32 sensor time of the last sample, ms since 1970; else 0
//	order      (dims,)                           unicode strings      names of the values of a step
//	units      (dims,)                           unicode strings      their units, "" where unknown; only beside order
//	run_id     (N,)                              unicode strings      the runs that recorded them; else ""
//
// Only windows is required, and arrays of other names are passed over. All may
// be in either byte order, windows in C or Fortran order, the file compressed
// or not. In Python:
//
//	numpy.savez("walk.npz", windows=a, ts_ms=times, order=["lat", "lon", "alt"])
//	windows = numpy.load("walk.npz")["windows"]
//
// WriteFile writes windows as (N, values) float64 in C order, integers as
// int64, all little-endian, not compressed and without times of its own: equal
// windows make equal bytes. All windows of a file have one order and one set of
// units.
//
// # The .npy file
//
// A .npy file is the array windows alone. The windows' ids, times, names, units
// and runs are not written to it, and read as if the other arrays were absent.
//
// # Limits
//
// An array has at most [MaxValues] values, a string at most 65536 characters, a
// file at most 64 arrays. Windows of more than 8 MiB that are compressed to less
// than a 200th are refused: those of real recordings are not. Windows in C order
// are read one by one; those in Fortran order are all in memory. WriteFile holds
// the values of all windows twice.
//
// # Errors
//
// Everything wrong with a file is a [*dataset.Error] whose Field is the array's
// name. It matches [dataset.ErrSyntax] where the file is damaged or no numpy
// file, [dataset.ErrType] where numpy can save the array and this package does
// not read it (the text says the numpy call that mends it), [dataset.ErrLength]
// where a shape does not fit, [dataset.ErrMissing], [dataset.ErrNotFinite], or
// [dataset.ErrTooLong] above a limit; or it wraps what the file system said.
package numpy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/npz"
)

// MaxValues is the largest number of values of an array: 256 MiB of float64.
const MaxValues = 1 << 25

const (
	maxNames = 1 << 16 // names in order
	maxText  = 1 << 16 // characters of a string
	// maxRatio is how many times its packed size an array may unpack to, where
	// that decides how much memory is taken. Overlapping windows of real
	// recordings reach about 100, zeros 1000.
	maxRatio = 200
)

// Names of the arrays.
const (
	arrayWindows = "windows"
	arrayIDs     = "window_id"
	arrayTimes   = "ts_ms"
	arrayOrder   = "order"
	arrayUnits   = "units"
	arrayRuns    = "run_id"
)

// IsFile reports whether a path's extension is .npy or .npz, in either case.
func IsFile(path string) bool { return isNPY(path) || isNPZ(path) }

func isNPY(path string) bool { return strings.EqualFold(filepath.Ext(path), ".npy") }
func isNPZ(path string) bool { return strings.EqualFold(filepath.Ext(path), ".npz") }

// What the arrays may hold. Integers and runs are read one beside each window,
// so that they may be compressed to any ratio.
var (
	floats = npz.Kind{
		Width:     numberWidth("f4", "f8"),
		Want:      "float32 or float64: save a.astype('<f8')",
		MaxValues: MaxValues,
		MaxRatio:  maxRatio,
	}
	integers = npz.Kind{
		Width:     numberWidth("i4", "u4", "i8"),
		Want:      "int32, uint32 or int64: save a.astype('<i8')",
		MaxValues: MaxValues,
	}
	runs = npz.Kind{
		Width:     textWidth,
		Want:      "unicode strings of at most 65536 characters: save a.astype('U')",
		MaxValues: MaxValues,
	}
	names = npz.Kind{
		Width:     textWidth,
		Want:      runs.Want,
		MaxValues: MaxValues,
		MaxRatio:  maxRatio,
	}
)

// numberWidth knows the dtypes of these names in either byte order.
func numberWidth(names ...string) func(descr string) (int, bool) {
	return func(descr string) (int, bool) {
		if !strings.ContainsAny(descr[:1], "<>") || !slices.Contains(names, descr[1:]) {
			return 0, false
		}
		return int(descr[2] - '0'), true
	}
}

// textWidth is the size of a string of dtype "<U12": 12 code points of 4 bytes.
func textWidth(descr string) (int, bool) {
	if !strings.HasPrefix(descr, "<U") && !strings.HasPrefix(descr, ">U") {
		return 0, false
	}
	n, err := strconv.Atoi(descr[2:])
	return 4 * n, err == nil && 0 <= n && n <= maxText
}

// fault is a text that matches an error.
type fault struct {
	kind error
	text string
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.kind }

func faultf(kind error, format string, args ...any) error {
	return &fault{kind, fmt.Sprintf(format, args...)}
}

// inRow puts a window's row before an error.
func inRow(row int, err error) error { return faultf(err, "row %d: %v", row, err) }

// locate makes an error one of a file and a field. An error of the file system
// is no field's, and goes without the path it repeats.
func locate(file, field string, err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return &dataset.Error{File: file, Err: at.Err}
	}
	if at, ok := errors.AsType[*os.LinkError](err); ok {
		return &dataset.Error{File: file, Err: at.Err}
	}
	for from, to := range map[error]error{
		npz.ErrMalformed:   dataset.ErrSyntax,
		npz.ErrUnsupported: dataset.ErrType,
		npz.ErrTooLarge:    dataset.ErrTooLong,
		npz.ErrMissing:     dataset.ErrMissing,
	} {
		if errors.Is(err, from) {
			err = &fault{to, strings.TrimPrefix(err.Error(), from.Error()+": ")}
			break
		}
	}
	return &dataset.Error{File: file, Field: field, Err: err}
}

// check holds a window to the settings, as the reader of dataset_raw.jsonl
// does. It also returns the array to blame.
func check(settings *dataset.WindowSettings, w dataset.Window) (field string, err error) {
	err = settings.CheckWindow(w)
	at, ok := errors.AsType[*dataset.Error](err)
	if !ok {
		return "", err
	}
	if at.Field == "window" {
		return arrayWindows, at.Err
	}
	return at.Field, at.Err
}
