// Package fielderr makes errors about the fields of settings structs. The text of
// such an error names fields. A program whose flags set the fields can ask for the
// same text with the names of flags.
package fielderr

import "fmt"

// Name is the name of a field and of the flag that sets it, without dashes. If no
// flag sets the field, Flag is "".
type Name struct{ Field, Flag string }

// Error is an error about fields. It wraps a sentinel of the package that has the
// settings.
type Error struct {
	sentinel error
	format   string
	args     []any
}

// New returns an error whose text is that of sentinel, a colon, and format with
// args. The verb %v of a Name writes the field; of an *Error, its text without the
// sentinel.
func New(sentinel error, format string, args ...any) *Error {
	return &Error{sentinel: sentinel, format: format, args: args}
}

func (e *Error) Error() string { return e.sentinel.Error() + ": " + e.text(false) }

// FlagText returns the text of the error without that of the sentinel, and with
// flags, such as --out-dir, instead of fields.
func (e *Error) FlagText() string { return e.text(true) }

// Unwrap returns the sentinel, and the errors among the arguments of New.
func (e *Error) Unwrap() []error {
	errs := []error{e.sentinel}
	for _, arg := range e.args {
		if err, ok := arg.(error); ok {
			errs = append(errs, err)
		}
	}
	return errs
}

func (e *Error) text(flags bool) string {
	args := make([]any, len(e.args))
	for i, arg := range e.args {
		switch arg := arg.(type) {
		case Name:
			args[i] = arg.Field
			if flags && arg.Flag != "" {
				args[i] = "--" + arg.Flag
			}
		case *Error:
			args[i] = arg.text(flags)
		default:
			args[i] = arg
		}
	}
	return fmt.Sprintf(e.format, args...)
}
