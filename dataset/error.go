package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"unicode/utf8"
)

// What can be wrong with a file, for errors.Is. They come wrapped in an *Error,
// whose text says what was found.
var (
	ErrSyntax    = errors.New("dataset: not the format")      // no JSON object, no CSV row
	ErrType      = errors.New("dataset: wrong type")          // a string where a number belongs
	ErrLength    = errors.New("dataset: wrong length")        // of a window, of order, of a CSV row
	ErrMissing   = errors.New("dataset: missing value")       // absent, null, an empty CSV cell
	ErrDuplicate = errors.New("dataset: given twice")         // one value under two names
	ErrNotFinite = errors.New("dataset: not a finite number") // NaN, Infinity, 1e999
	ErrTooLong   = errors.New("dataset: line too long")       // above the cap
	ErrTornLine  = errors.New("dataset: torn last line")      // its writer was stopped
	ErrEmpty     = errors.New("dataset: nothing in the file") // from NotEmpty
)

// Error is a fault of a file and where it is.
type Error struct {
	File  string // "" where there is none yet
	Line  int    // from one; 0 where no line is to blame
	Field string // as written in the file; "" where no field is to blame
	Err   error
}

func (e *Error) Error() string {
	at := e.File
	if e.Line > 0 {
		at += ":" + strconv.Itoa(e.Line)
	}
	text := "dataset: "
	for _, part := range []string{at, e.Field} {
		if part != "" {
			text += part + ": "
		}
	}
	return text + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// fault is a text that matches a sentinel.
type fault struct {
	kind error
	text string
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.kind }

func faultf(kind error, format string, args ...any) error {
	return &fault{kind, fmt.Sprintf(format, args...)}
}

// fieldError puts a field's name before an error on its way to an *Error.
func fieldError(field string, err error) error { return &Error{Field: field, Err: err} }

// inField is fieldError that keeps nil, and a field that is there already.
func inField(field string, err error) error {
	if _, ok := err.(*Error); ok || err == nil {
		return err
	}
	return fieldError(field, err)
}

func isSyntax(err error) bool { return errors.Is(err, ErrSyntax) }

// locate puts file and line to an error that may have a field already. An
// error of the file system is no line's.
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

// fileError is an error of the file system, without the path it repeats.
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

// excerpt is raw text for an error message, not longer than a few words.
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
