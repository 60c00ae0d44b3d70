package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"unicode/utf8"
)

// The errors of a file, for errors.Is. Each comes wrapped in an *Error, whose text
// says what was found.
var (
	// ErrSyntax reports a line that is not a JSON object or not a CSV row, or a
	// damaged numpy file.
	ErrSyntax = errors.New("dataset: invalid syntax")
	// ErrType reports a value of the wrong type, such as a string instead of a number.
	ErrType = errors.New("dataset: wrong type")
	// ErrLength reports a window, an order or a CSV row of the wrong length.
	ErrLength = errors.New("dataset: wrong length")
	// ErrMissing reports a value that is absent, null or an empty CSV cell.
	ErrMissing = errors.New("dataset: missing value")
	// ErrDuplicate reports a value that is given twice, or a window_id in use.
	ErrDuplicate = errors.New("dataset: duplicate value")
	// ErrNotFinite reports NaN, an infinity or a number beyond float64.
	ErrNotFinite = errors.New("dataset: not a finite number")
	// ErrTooLong reports a line or an array above its size limit.
	ErrTooLong = errors.New("dataset: too long")
	// ErrIncompleteLine reports a last line without a line end that does not parse,
	// as an interrupted writer leaves it.
	ErrIncompleteLine = errors.New("dataset: incomplete last line")
	// ErrEmpty reports a sequence without elements; see NotEmpty.
	ErrEmpty = errors.New("dataset: no records")
)

// Error is an error in a file, with its location.
type Error struct {
	File  string // "": unknown
	Line  int    // from 1; 0: not a line's fault, or in a numpy file, whose Err names the row
	Field string // JSON key, CSV column or array, as written in the file; "": not a field's fault
	Err   error  // wraps a sentinel of this package or an error of the file system
}

func (e *Error) Error() string {
	location := e.File
	if e.Line > 0 {
		location += ":" + strconv.Itoa(e.Line)
	}
	text := "dataset: "
	for _, part := range []string{location, e.Field} {
		if part != "" {
			text += part + ": "
		}
	}
	return text + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

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

// fieldError returns an *Error for a field. Its file and line are added by locate.
func fieldError(field string, err error) error {
	return &Error{Field: excerpt([]byte(field)), Err: err}
}

// inField returns fieldError(field, err), but nil if err is nil, and err itself if it
// has a field already.
func inField(field string, err error) error {
	if _, ok := err.(*Error); ok || err == nil {
		return err
	}
	return fieldError(field, err)
}

func isSyntax(err error) bool { return errors.Is(err, ErrSyntax) }

// locate adds file and line to an error that may have a field already. An error of
// the file system gets no line.
func locate(file string, line int, err error) error {
	if e, ok := err.(*Error); ok {
		e.File, e.Line = file, line
		return e
	}
	if _, ok := err.(*fault); !ok {
		return fileError(file, err)
	}
	return &Error{File: file, Line: line, Err: err}
}

// fileError returns an *Error for an error of the file system, without the path that
// the latter repeats.
func fileError(path string, err error) error {
	var pe *fs.PathError
	var le *os.LinkError
	if errors.As(err, &pe) {
		err = pe.Err
	} else if errors.As(err, &le) {
		err = le.Err
	}
	return &Error{File: path, Err: err}
}

// excerpt returns the beginning of raw, at most 40 bytes, for an error message.
func excerpt(raw []byte) string {
	const most = 40
	if len(raw) <= most {
		return string(raw)
	}
	raw = raw[:most]
	for len(raw) > 0 && !utf8.Valid(raw) {
		raw = raw[:len(raw)-1]
	}
	return string(raw) + "..."
}
