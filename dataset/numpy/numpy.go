// Package numpy reads and writes data sets of windows in numpy's .npy and .npz files.
//
// # The .npz file
//
// A .npz file holds a complete data set: [OpenWindows] reads back unchanged what
// [WriteFile] writes. Its arrays, for N windows, are
//
//	name       shape                            dtype                 default            meaning
//	windows    (N, values) or (N, steps, dims)  float64, float32      required           values of each window, oldest step first
//	window_id  (N,)                             int64, int32, uint32  the row, from 0    unique in the file
//	ts_ms      (N,)                             int64, int32, uint32  0                  sensor time of the last sample, ms since 1970
//	order      (dims,)                          unicode strings       none               names of the values of a step
//	units      (dims,)                          unicode strings       none               unit of each name, "" if unknown; requires order
//	run_id     (N,)                             unicode strings       ""                 the runs that recorded the windows
//
// Arrays of other names are ignored. All arrays may be in either byte order, windows
// in C or Fortran order, the file compressed or not. In Python:
//
//	numpy.savez("walk.npz", windows=a, ts_ms=times, order=["lat", "lon", "alt"])
//	windows = numpy.load("walk.npz")["windows"]
//
// WriteFile writes windows as (N, values) float64 in C order, integers as int64, all
// little-endian, not compressed and without file times, so that equal windows make
// equal bytes. All windows of a file must have the same order and units.
//
// # The .npy file
//
// A .npy file has the array windows only. IDs, times, names, units and runs are not
// written to it. They are read as if the other arrays were absent.
//
// # Limits
//
// An array has at most [MaxValues] values, a string at most 65536 characters, a file at
// most 64 arrays. As a protection against zip bombs, OpenWindows refuses an array
// windows of more than 8 MiB with a compression ratio above 200; overlapping windows of
// real recordings reach about 100. It reads windows in C order one by one, and holds those
// in Fortran order in memory. WriteFile holds the values of all windows in memory twice.
//
// # Errors
//
// An error in a file is a [*dataset.Error] whose Field is the name of the array. An
// error about one window names its row, from 0. The error wraps
//
//   - [dataset.ErrSyntax] if the file is damaged or not a numpy file,
//   - [dataset.ErrType] if numpy can save the array, but this package does not read it;
//     the message names the numpy call that fixes it,
//   - [dataset.ErrLength] if a shape is wrong,
//   - [dataset.ErrMissing], [dataset.ErrNotFinite],
//   - [dataset.ErrTooLong] above a limit,
//   - or an error of the file system.
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
	// maxRatio is the largest compression ratio of an array that is held in memory.
	// Overlapping windows of real recordings have about 100, zeros 1000.
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

// IsFile reports whether the extension of path is .npy or .npz, in upper or lower case.
func IsFile(path string) bool { return isNPY(path) || isNPZ(path) }

func isNPY(path string) bool { return strings.EqualFold(filepath.Ext(path), ".npy") }
func isNPZ(path string) bool { return strings.EqualFold(filepath.Ext(path), ".npz") }

// The kinds of arrays. Integers and runs are read one per window, so that their
// compression ratio does not matter.
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

// numberWidth returns a Kind.Width that accepts the named dtypes in both byte orders.
func numberWidth(names ...string) func(descr string) (int, bool) {
	return func(descr string) (int, bool) {
		if !strings.ContainsAny(descr[:1], "<>") || !slices.Contains(names, descr[1:]) {
			return 0, false
		}
		return int(descr[2] - '0'), true
	}
}

// textWidth is the Kind.Width of strings. One of dtype "<U12" has 12 code points of 4
// bytes.
func textWidth(descr string) (int, bool) {
	if !strings.HasPrefix(descr, "<U") && !strings.HasPrefix(descr, ">U") {
		return 0, false
	}
	n, err := strconv.Atoi(descr[2:])
	return 4 * n, err == nil && 0 <= n && n <= maxText
}

// fault is an error with its own text that wraps a sentinel.
type fault struct {
	kind error
	text string
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.kind }

func faultf(kind error, format string, args ...any) error {
	return &fault{kind, fmt.Sprintf(format, args...)}
}

// inRow adds the row of a window to an error.
func inRow(row int, err error) error { return faultf(err, "row %d: %v", row, err) }

// locate returns a *dataset.Error for an error in a field of a file. An error of the
// file system gets no field, and loses its path.
func locate(file, field string, err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return &dataset.Error{File: file, Err: pathError.Err}
	}
	if linkError, ok := errors.AsType[*os.LinkError](err); ok {
		return &dataset.Error{File: file, Err: linkError.Err}
	}
	if e, ok := errors.AsType[*npz.Error](err); ok {
		sentinel := map[error]error{
			npz.ErrMalformed:   dataset.ErrSyntax,
			npz.ErrUnsupported: dataset.ErrType,
			npz.ErrTooLarge:    dataset.ErrTooLong,
			npz.ErrMissing:     dataset.ErrMissing,
		}[e.Kind]
		err = &fault{sentinel, e.Err.Error()}
	}
	return &dataset.Error{File: file, Field: field, Err: err}
}

// check returns an error if the settings do not accept the window. The field is the
// name of the array at fault.
func check(settings *dataset.WindowSettings, w dataset.Window) (field string, err error) {
	err = settings.Accept(w)
	located, ok := errors.AsType[*dataset.Error](err)
	if !ok {
		return "", err
	}
	if located.Field == "window" {
		return arrayWindows, located.Err
	}
	return located.Field, located.Err
}
