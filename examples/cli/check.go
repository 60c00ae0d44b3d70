package cli

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/codec"
)

// CheckFlags returns the error of a settings' Check as a UsageError, or nil if err is
// nil. If the error has a method FlagText() string, as those of radio/endpoint have, its
// text names flags instead of fields.
func CheckFlags(err error) error {
	var fields interface {
		error
		FlagText() string
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &fields):
		return &UsageError{flagError{fields, fields.FlagText()}}
	}
	return &UsageError{err}
}

// flagError is an error with another text.
type flagError struct {
	error
	text string
}

func (e flagError) Error() string { return e.text }
func (e flagError) Unwrap() error { return e.error }

// LoadCodec opens the file of a codec, like codec.Load. If unverified is set, it prints a
// warning if the files of a model differ from its artifacts.json; otherwise that is an
// error, which names the flag --unverified.
func LoadCodec(path string, unverified bool, stderr io.Writer) (codec.Codec, error) {
	if unverified {
		return codec.LoadUnverified(path, Notice(stderr))
	}
	c, err := codec.Load(path)
	if located, ok := errors.AsType[*artifacts.Error](err); ok && located.File == artifacts.ArtifactsFile && errors.Is(err, artifacts.ErrMismatch) {
		err = fmt.Errorf("%w (--unverified measures it all the same)", err)
	}
	return c, err
}

// ModelHint adds to the error of a model that does not exist how to train it, and the
// flag that names another one. It returns other errors as they are.
func ModelHint(err error, flag string) error {
	located, ok := errors.AsType[*artifacts.Error](err)
	if !ok || !errors.Is(err, artifacts.ErrNotFound) || filepath.Base(located.File) != artifacts.ManifestFile {
		return err
	}
	return fmt.Errorf("%w; train one with examples/train --out-dir %s, or give %s", err, filepath.ToSlash(filepath.Dir(located.File)), flag)
}
