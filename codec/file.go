package codec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"sync"

	"github.com/go-playground/validator/v10"

	"github.com/loralink/loralink-go/artifacts"
)

// maxFile bounds grid.json, lattice.json and ladder.json, in bytes.
const maxFile = 1 << 20

// Error is a fault in a grid.json, lattice.json or ladder.json. It wraps a sentinel of
// package artifacts (ErrNotFound, ErrMalformed, ErrMismatch, ErrTooLarge,
// ErrUnsupported), or what building a rung's codec said. Several faults of one
// file are joined, each an Error of its own.
type Error struct {
	File  string // path as given
	Field string // JSON field; empty where the whole file is meant
	Err   error
}

func (e *Error) Error() string {
	text := "codec: " + e.File + ": "
	if e.Field != "" {
		text += e.Field + ": "
	}
	return text + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// place is where the paths of a specification lead: into a file system, or to
// disk where that is nil, from a folder.
type place struct {
	fsys fs.FS
	dir  string
}

// path is the place of rel. On disk it may be absolute.
func (p place) path(rel string) (string, error) {
	if p.fsys == nil {
		if rel = filepath.FromSlash(rel); p.dir == "" || filepath.IsAbs(rel) {
			return rel, nil
		}
		return filepath.Join(p.dir, rel), nil
	}
	full := path.Join(p.dir, rel)
	if path.IsAbs(rel) || !fs.ValidPath(full) {
		return "", fmt.Errorf("%w: path %q leaves the file system", artifacts.ErrUnsupported, rel)
	}
	return full, nil
}

// in is the place of what a file at name mentions.
func (p place) in(name string) place {
	if p.fsys == nil {
		return place{nil, filepath.Dir(name)}
	}
	return place{p.fsys, path.Dir(name)}
}

// read reads a file of at most maxFile bytes. A pipe or a device, whose reading
// might never end, is refused before it is opened.
func (p place) read(name string) ([]byte, error) {
	stat, open := os.Stat, func(name string) (fs.File, error) { return os.Open(name) }
	if p.fsys != nil {
		stat, open = func(name string) (fs.FileInfo, error) { return fs.Stat(p.fsys, name) }, p.fsys.Open
	}
	info, err := stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = artifacts.ErrNotFound
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w: %s, want a regular file", artifacts.ErrMalformed, info.Mode())
	}
	if err != nil {
		return nil, &Error{File: name, Err: err}
	}
	f, err := open(name)
	if err != nil {
		return nil, &Error{File: name, Err: err}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%w: over %d bytes", artifacts.ErrTooLarge, maxFile)
	}
	if err != nil {
		return nil, &Error{File: name, Err: err}
	}
	return data, nil
}

var fileValidator = sync.OnceValue(func() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name
	})
	return v
})

// parseFile fills dst, a pointer to a struct, from JSON. A key that nothing
// reads is a fault, since it may be a misspelt one.
func parseFile(name string, data []byte, dst any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(dst); err != nil {
		field := ""
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			field = wrong.Field
			err = fmt.Errorf("found a %s at byte %d, want a %s", wrong.Value, wrong.Offset, wrong.Type.Kind())
		}
		return &Error{name, field, fmt.Errorf("%w: %s", artifacts.ErrMalformed, strings.TrimPrefix(err.Error(), "json: "))}
	}
	if _, err := d.Token(); err != io.EOF {
		return &Error{name, "", fmt.Errorf("%w: found more after the JSON object, want one alone", artifacts.ErrMalformed)}
	}
	return nil
}

// checkTags reports all that the validate tags of s find.
func checkTags(name string, s any) error {
	var found validator.ValidationErrors
	if err := fileValidator().Struct(s); !errors.As(err, &found) {
		return err
	}
	errs := make([]error, len(found))
	for i, e := range found {
		_, field, _ := strings.Cut(e.Namespace(), ".")
		sentinel := artifacts.ErrMalformed
		want := map[string]string{"required": "a value", "min": "at least", "max": "at most", "gt": "more than"}[e.Tag()]
		if e.Tag() == "max" {
			sentinel = artifacts.ErrTooLarge
		}
		got := fmt.Sprint(e.Value())
		if k := e.Kind(); k == reflect.Slice || k == reflect.String {
			got = fmt.Sprintf("length %d", reflect.ValueOf(e.Value()).Len())
		}
		errs[i] = &Error{name, field, fmt.Errorf("%w: %s, want %s", sentinel, got, strings.TrimSpace(want+" "+e.Param()))}
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// encodeFile is the text of a file.
func encodeFile(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("codec: %w", err)
	}
	return append(b, '\n'), nil
}

func sha256Hex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
