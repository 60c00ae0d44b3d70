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

// Fault is what is wrong with one field of a file.
type Fault struct {
	Field string // as in the file; "" where the file as a whole is meant
	Err   error  // wraps a sentinel of this package
}

// Faults are all that is wrong with a file.
type Faults []Fault

// Add adds a fault.
func (f *Faults) Add(field string, sentinel error, format string, args ...any) {
	*f = append(*f, Fault{field, fmt.Errorf("%w: %s", sentinel, fmt.Sprintf(format, args...))})
}

// Has says whether a field, or a part of it, has a fault.
func (f Faults) Has(field string) bool {
	for _, x := range f {
		if x.Field == field || field != "" && strings.HasPrefix(x.Field, field+".") {
			return true
		}
	}
	return false
}

// Whole says whether the file as a whole is at fault, so that no field of it can
// be judged.
func (f Faults) Whole() bool { return f.Has("") }

// maxFaults is how many faults of a file an error names.
const maxFaults = 10

// Join is one error for all faults, each made by at; nil where there is none. Of
// very many it names the first ten and counts the others.
func (f Faults) Join(at func(field string, err error) error) error {
	switch len(f) {
	case 0:
		return nil
	case 1:
		return at(f[0].Field, f[0].Err)
	}
	var errs []error
	for _, x := range f[:min(len(f), maxFaults)] {
		errs = append(errs, at(x.Field, x.Err))
	}
	if more := len(f) - maxFaults; more > 0 {
		errs = append(errs, fmt.Errorf("and %d faults more", more))
	}
	return errors.Join(errs...)
}

// maxKeys is how many keys an object of a model's file may have.
const maxKeys = 1000

// Decode fills the fields of the struct that dst points to from a JSON object,
// each on its own, so that every wrong type is named. Keys match to the letter;
// unknown keys are passed over.
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
		return whole("null, want a JSON object")
	case first != json.Delim('{'):
		return whole("%s, want a JSON object", kind(first))
	}
	for n := 0; d.More(); n++ {
		if n == maxKeys {
			return Faults{{"", fmt.Errorf("%w: over %d keys", ErrTooLarge, maxKeys)}}
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
			at := name
			var wrongType *json.UnmarshalTypeError
			if errors.As(err, &wrongType) && wrongType.Field != "" {
				at += "." + wrongType.Field
			}
			faults.Add(at, ErrMalformed, "%s", describe(value, err))
		}
	}
	if _, err := d.Token(); err != nil {
		return whole("%s", describe(data, err))
	}
	if _, err := d.Token(); err != io.EOF {
		return whole("found more after the JSON object, want it alone")
	}
	return faults
}

// DecodeStrict is Decode for files of this project alone: a key that is unknown,
// of other letters, or given twice, at any depth, is a fault.
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

// maxDepth is how deep a file may nest.
const maxDepth = 16

var (
	errDepth  = fmt.Errorf("nested deeper than %d", maxDepth)
	errEnough = errors.New("more faults than an error names")
)

// checkKeys reads one value, which is to go to a t, and adds what is wrong with
// the keys of its objects.
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

// holdsObjects says whether a value of type t is an object of known keys, or a
// list of such.
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
		at := strings.TrimPrefix(field+"."+name, ".")
		i, known := fields[name]
		switch {
		case seen[name]:
			faults.Add(at, ErrMalformed, "given twice, want it once")
		case !known:
			faults.Add(at, ErrMalformed, "unknown key")
		}
		if len(*faults) > maxFaults {
			return errEnough
		}
		seen[name] = true
		if !known {
			var skipped json.RawMessage
			err = d.Decode(&skipped)
		} else {
			err = checkKeys(d, t.Field(i).Type, at, depth+1, faults)
		}
		if err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// fieldsByName maps JSON names to the fields of a struct.
func fieldsByName(t reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
			fields[name] = i
		}
	}
	return fields
}

// kind names a token's type.
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

// wants name what a field of a kind takes.
var wants = map[reflect.Kind]string{
	reflect.Int: "a whole number", reflect.Int64: "a whole number", reflect.Float64: "a number", reflect.Bool: "true or false",
	reflect.String: "a string", reflect.Struct: "an object", reflect.Map: "an object", reflect.Slice: "a list",
}

// describe says in a few words what encoding/json found.
func describe(data []byte, err error) string {
	var wrongType *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrongType):
		want := wants[wrongType.Type.Kind()]
		if want == "" {
			want = wrongType.Type.String()
		}
		return fmt.Sprintf("%s, want %s", wrongType.Value, want)
	case errors.As(err, &syntax):
		return fmt.Sprintf("%s at byte %d of %d, want JSON", syntax, syntax.Offset, len(data))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("unexpected end of JSON input at byte %d of %d, want JSON", len(data), len(data))
	}
	return err.Error()
}
