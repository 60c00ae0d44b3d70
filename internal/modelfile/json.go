package modelfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// A Fault is an error in one field of a file.
type Fault struct {
	Field string // as in the file; "" for the whole file
	Err   error  // wraps a sentinel of this package
}

// Faults are the errors in a file.
type Faults []Fault

// Add adds a fault.
func (f *Faults) Add(field string, sentinel error, format string, args ...any) {
	*f = append(*f, Fault{field, fmt.Errorf("%w: %s", sentinel, fmt.Sprintf(format, args...))})
}

// Has reports whether a field, or a part of it, has a fault.
func (f Faults) Has(field string) bool {
	for _, x := range f {
		if x.Field == field || field != "" && strings.HasPrefix(x.Field, field+".") {
			return true
		}
	}
	return false
}

// Whole reports whether the whole file has a fault, so that its fields cannot be checked.
func (f Faults) Whole() bool { return f.Has("") }

// maxFaults is the largest number of faults in an error.
const maxFaults = 10

// Join joins the errors that locate returns for the faults; nil if there are none. If
// there are more than ten faults, it joins the first ten and adds the number of the
// others.
func (f Faults) Join(locate func(field string, err error) error) error {
	switch len(f) {
	case 0:
		return nil
	case 1:
		return locate(f[0].Field, f[0].Err)
	}
	var errs []error
	for _, x := range f[:min(len(f), maxFaults)] {
		errs = append(errs, locate(x.Field, x.Err))
	}
	if more := len(f) - maxFaults; more > 0 {
		errs = append(errs, fmt.Errorf("and %d more faults", more))
	}
	return errors.Join(errs...)
}

// maxKeys is the largest number of keys in an object of a file.
const maxKeys = 1000

// Decode sets the fields of the struct that dst points to from a JSON object. It decodes
// each field separately, so that there is a fault for each wrong type. Keys are
// case-sensitive; unknown keys are ignored.
func Decode(data []byte, dst any) Faults {
	var faults Faults
	v := reflect.ValueOf(dst).Elem()
	fields := fieldsByName(v.Type())
	d := json.NewDecoder(bytes.NewReader(data))
	whole := func(format string, args ...any) Faults {
		return Faults{{"", fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))}}
	}
	switch first, err := d.Token(); {
	case err != nil:
		return whole("%s", describe(data, err))
	case first == nil:
		return whole("found null, want a JSON object")
	case first != json.Delim('{'):
		return whole("found %s, want a JSON object", kind(first))
	}
	for n := 0; d.More(); n++ {
		if n == maxKeys {
			return Faults{{"", fmt.Errorf("%w: found over %d keys, want at most that many", ErrTooLarge, maxKeys)}}
		}
		token, err := d.Token()
		if err != nil {
			return whole("%s", describe(data, err))
		}
		name := token.(string)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return whole("%s", describe(data, err))
		}
		i, ok := fields[name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(value, v.Field(i).Addr().Interface()); err != nil {
			field := name
			var wrongType *json.UnmarshalTypeError
			if errors.As(err, &wrongType) && wrongType.Field != "" {
				field += "." + wrongType.Field
			}
			faults.Add(field, ErrMalformed, "%s", describe(value, err))
		}
	}
	if _, err := d.Token(); err != nil {
		return whole("%s", describe(data, err))
	}
	if _, err := d.Token(); err != io.EOF {
		return whole("found more data after the JSON object, want the object only")
	}
	return faults
}

// DecodeStrict is Decode for file formats of this project: a key that is unknown or given
// twice, at any depth, is a fault.
func DecodeStrict(data []byte, dst any) Faults {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var faults Faults
	if err := checkKeys(d, reflect.TypeOf(dst).Elem(), "", 0, &faults); err != nil && err != errEnough {
		return Faults{{"", fmt.Errorf("%w: %s", ErrMalformed, describe(data, err))}}
	}
	if len(faults) > 0 {
		return faults
	}
	return Decode(data, dst)
}

// maxDepth is the largest depth of nested values.
const maxDepth = 16

var (
	errDepth  = fmt.Errorf("found values nested deeper than %d, want at most that many levels", maxDepth)
	errEnough = errors.New("found more faults than an error lists")
)

// checkKeys reads one value of the Go type t and adds the faults of the keys in it.
func checkKeys(d *json.Decoder, t reflect.Type, field string, depth int, faults *Faults) error {
	if depth > maxDepth {
		return errDepth
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if !holdsObjects(t) {
		var skipped json.RawMessage
		return d.Decode(&skipped)
	}
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('['):
		for i := 0; d.More(); i++ {
			elem := t
			if t.Kind() == reflect.Slice {
				elem = t.Elem()
			}
			if err := checkKeys(d, elem, fmt.Sprintf("%s[%d]", field, i), depth+1, faults); err != nil {
				return err
			}
		}
		_, err = d.Token()
	case json.Delim('{'):
		err = checkObject(d, t, field, depth, faults)
	}
	return err
}

// holdsObjects reports whether a value of type t is an object with known keys, or a list
// of such objects.
func holdsObjects(t reflect.Type) bool {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct
}

func checkObject(d *json.Decoder, t reflect.Type, field string, depth int, faults *Faults) error {
	fields := map[string]int{}
	if t.Kind() == reflect.Struct {
		fields = fieldsByName(t)
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name := token.(string)
		path := strings.TrimPrefix(field+"."+name, ".")
		i, known := fields[name]
		switch {
		case seen[name]:
			faults.Add(path, ErrMalformed, "given twice, want it once")
		case !known:
			faults.Add(path, ErrMalformed, "unknown key")
		}
		if len(*faults) > maxFaults {
			return errEnough
		}
		seen[name] = true
		if !known {
			var skipped json.RawMessage
			err = d.Decode(&skipped)
		} else {
			err = checkKeys(d, t.Field(i).Type, path, depth+1, faults)
		}
		if err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// fieldsByName returns the indices of the fields of a struct by their JSON keys.
func fieldsByName(t reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
			fields[name] = i
		}
	}
	return fields
}

// kind returns the name of a token's type.
func kind(token json.Token) string {
	switch token.(type) {
	case json.Delim:
		return "a list"
	case string:
		return "a string"
	case bool:
		return "true or false"
	}
	return "a number"
}

// wants has the name of the JSON type for each kind of field.
var wants = map[reflect.Kind]string{
	reflect.Int: "a whole number", reflect.Int64: "a whole number", reflect.Float64: "a number", reflect.Bool: "true or false",
	reflect.String: "a string", reflect.Struct: "an object", reflect.Map: "an object", reflect.Slice: "a list",
}

// describe returns a short text for an error of encoding/json.
func describe(data []byte, err error) string {
	var wrongType *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrongType):
		want := wants[wrongType.Type.Kind()]
		if want == "" {
			want = wrongType.Type.String()
		}
		article := "a"
		if wrongType.Value == "array" || wrongType.Value == "object" {
			article = "an"
		}
		return fmt.Sprintf("found %s %s, want %s", article, wrongType.Value, want)
	case errors.As(err, &syntax):
		return fmt.Sprintf("%s at byte %d of %d, want JSON", syntax, syntax.Offset, len(data))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("unexpected end of JSON input at byte %d of %d, want JSON", len(data), len(data))
	}
	return err.Error()
}
