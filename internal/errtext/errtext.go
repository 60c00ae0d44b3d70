// Package errtext has helpers for the texts of errors: prefixes that appear once where a
// package wraps an error of another, and suggestions for misspelt names.
package errtext

import "strings"

// trimmed is an error with another text.
type trimmed struct {
	text string
	err  error
}

func (e *trimmed) Error() string { return e.text }
func (e *trimmed) Unwrap() error { return e.err }

// TrimPrefix returns an error that wraps err and has its text without prefix. If the text
// has no such prefix, it returns err.
func TrimPrefix(err error, prefix string) error {
	text, ok := strings.CutPrefix(err.Error(), prefix)
	if !ok {
		return err
	}
	return &trimmed{text, err}
}
