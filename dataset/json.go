package dataset

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// lineDecoder reads the JSON object of a line, one JSON token after the other.
type lineDecoder struct {
	dec  jsontext.Decoder
	src  bytes.Buffer
	line []byte
}

// reset sets the text to read.
func (d *lineDecoder) reset(text []byte) {
	d.line = text
	d.src = *bytes.NewBuffer(text)
	d.dec.Reset(&d.src)
}

// maxKeys is the largest number of keys in a line, enough for the units of 4096
// names. The decoder remembers the keys of an object, to find one that is given twice.
const maxKeys = 16 << 10

// begin sets the line to read and reads the start of its object.
func (d *lineDecoder) begin(line []byte) error {
	if n := bytes.Count(line, []byte(":")); n > maxKeys {
		return faultf(ErrTooLong, "found a line with %d colons, want at most %d keys", n, maxKeys)
	}
	if text := bytes.TrimSpace(line); len(text) == 0 || text[0] != '{' {
		return faultf(ErrSyntax, "found %q, want one JSON object per line", excerpt(text))
	}
	d.reset(line)
	return d.expect('{', "an object")
}

// finish reads the object's end, after more returned false, and checks that
// nothing follows.
func (d *lineDecoder) finish() error {
	if err := d.close(); err != nil {
		return err
	}
	if rest := bytes.TrimSpace(d.line[d.dec.InputOffset():]); len(rest) > 0 {
		return faultf(ErrSyntax, "found %q after the object, want one JSON object per line", excerpt(rest))
	}
	return nil
}

// expect reads a token of a kind. The text want describes the kind in errors.
func (d *lineDecoder) expect(kind jsontext.Kind, want string) error {
	start := d.dec.InputOffset()
	if k := d.dec.PeekKind(); k != kind && k > 0 && k != '}' && k != ']' {
		v, err := d.dec.ReadValue()
		if err != nil {
			return d.syntax(start, err)
		}
		return wrongType(v, want)
	}
	_, err := d.dec.ReadToken()
	return d.syntax(start, err)
}

// more reports whether the object or array has another member.
func (d *lineDecoder) more() bool {
	k := d.dec.PeekKind()
	return k != '}' && k != ']'
}

// close reads the end of an object or array, after more returned false.
func (d *lineDecoder) close() error {
	_, err := d.dec.ReadToken()
	return d.syntax(d.dec.InputOffset(), err)
}

// null skips a null and reports whether there was one.
func (d *lineDecoder) null() bool {
	return d.dec.PeekKind() == 'n' && d.dec.SkipValue() == nil
}

// raw reads any value. The result is part of the line's memory.
func (d *lineDecoder) raw() (jsontext.Value, error) {
	start := d.dec.InputOffset()
	v, err := d.dec.ReadValue()
	if err != nil {
		return nil, d.syntax(start, err)
	}
	end := d.dec.InputOffset()
	return jsontext.Value(d.line[int(end)-len(v) : end]), nil
}

// key reads a member's name.
func (d *lineDecoder) key() ([]byte, error) {
	v, err := d.raw()
	if err != nil {
		return nil, err
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return v[1 : len(v)-1], nil
	}
	return jsontext.AppendUnquote(nil, v)
}

// number reads a finite number.
func (d *lineDecoder) number() (float64, error) {
	v, err := d.raw()
	if err != nil {
		return 0, err
	}
	return parseNumber(v)
}

// integer reads a whole number that float64 can represent, because other readers may
// read it as one.
func (d *lineDecoder) integer() (int64, error) {
	const most = 1 << 53
	v, err := d.raw()
	if err != nil {
		return 0, err
	}
	if v.Kind() != '0' {
		return 0, wrongType(v, "a whole number")
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		// Some writers write 7 as 7.0 or 7e0.
		f, err := strconv.ParseFloat(string(v), 64)
		if err != nil || f != math.Trunc(f) || math.Abs(f) > most {
			return 0, faultf(ErrType, "found %s, want a whole number within 2^53", excerpt(v))
		}
		n = int64(f)
	}
	if n < -most || n > most {
		return 0, faultf(ErrType, "found %d, want a whole number within 2^53", n)
	}
	return n, nil
}

// text reads a string.
func (d *lineDecoder) text() (string, error) {
	v, err := d.raw()
	if err != nil {
		return "", err
	}
	return parseText(v)
}

// syntax returns an error of this package for an error of the decoder, which was
// reading from offset start; nil for nil.
func (d *lineDecoder) syntax(start int64, err error) error {
	if err == nil {
		return nil
	}
	rest := bytes.TrimLeft(d.line[min(int(start), len(d.line)):], " \t:,")
	for _, lit := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(rest, []byte(lit)) {
			return faultf(ErrNotFinite, "found %s, want a finite number", lit)
		}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
		return faultf(ErrSyntax, "found the line's end after %d bytes, want the rest of a JSON object", len(d.line))
	}
	var se *jsontext.SyntacticError
	if errors.As(err, &se) {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return faultf(ErrDuplicate, "found the key %q twice, want it once", excerpt([]byte(se.JSONPointer.LastToken())))
		}
		return faultf(ErrSyntax, "found %v (byte %d), want one JSON object per line", se.Err, se.ByteOffset+1)
	}
	return faultf(ErrSyntax, "found %v, want one JSON object per line", err)
}

// incompleteLine returns the error for a last line that has no line end and does not
// parse.
func incompleteLine(line []byte) error {
	return faultf(ErrIncompleteLine, "found an incomplete last line (%d bytes, no line end), want a whole one: its writer was interrupted", len(line))
}

func parseNumber(v jsontext.Value) (float64, error) {
	if v.Kind() != '0' {
		return 0, wrongType(v, "a number")
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil { // out of range: the syntax is valid
		return 0, faultf(ErrNotFinite, "found %s, want a finite number", excerpt(v))
	}
	return f, nil
}

func parseText(v jsontext.Value) (string, error) {
	if v.Kind() != '"' {
		return "", wrongType(v, "a string")
	}
	b, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return "", faultf(ErrSyntax, "found %s, want a string", excerpt(v))
	}
	return string(b), nil
}

func wrongType(v jsontext.Value, want string) error {
	kind := ErrType
	if v.Kind() == 'n' {
		kind = ErrMissing
	}
	return faultf(kind, "found %s, want %s", excerpt(v), want)
}
