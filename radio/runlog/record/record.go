// Package record reads and fills in the records of an experiment: YAML files with what
// was set up, by whom and with what result, some of which programs know and some of
// which only a person does.
//
// A template is a record whose values are not known yet: TBD, null, or a text with
// YYYYMMDD or a name in angle brackets, such as <run_id>. [Fill] replaces the values
// that are known, whatever the template has there, and leaves comments, order and all
// other values as they are. What it marks for a person remains TBD; [Open] lists it.
// examples/records has templates for each phase.
//
// [OfRun], [OfSignals], [OfPhase0], [OfSet], [OfModel] and [OfRegisters] return what programs know.
package record

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// Mark is the value of what a person is to fill in.
const Mark = "TBD"

// ErrRecord is wrapped by errors about a file that is no record.
var ErrRecord = errors.New("record: not a record")

// maxRecord is the largest size of a record in bytes.
const maxRecord = 1 << 20

// Values are known values by their keys, joined by points; elements of lists have
// numbers: "results.pdr", "runs.0.run_id". A value is a string, an int, a float64, a
// bool or a list of strings, which replaces the whole list.
type Values map[string]any

// Merge adds the values of more, which replace those with the same key.
func (v Values) Merge(more Values) {
	for key, value := range more {
		v[key] = value
	}
}

// Load reads a record or a template from a file and checks that it is one. Errors about
// its content wrap [ErrRecord].
func Load(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if info.Size() > maxRecord {
		return nil, fmt.Errorf("%w: %s: found %d bytes, want at most %d", ErrRecord, path, info.Size(), maxRecord)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if err := Check(text); err != nil {
		return nil, fmt.Errorf("%w (%s)", err, path)
	}
	return text, nil
}

// Check returns an error that wraps [ErrRecord] unless the text is a record: YAML with a
// mapping that has the key phase or record_id.
func Check(text []byte) error {
	if len(text) > maxRecord {
		return fmt.Errorf("%w: found %d bytes, want at most %d", ErrRecord, len(text), maxRecord)
	}
	// YAML aliases can make a small file large.
	if bytes.ContainsRune(text, '&') && bytes.ContainsRune(text, '*') {
		return fmt.Errorf("%w: found an alias, want none", ErrRecord)
	}
	var node map[string]any
	if err := yaml.Unmarshal(text, &node); err != nil {
		return fmt.Errorf("%w: want a YAML mapping: %s", ErrRecord, yaml.FormatError(err, false, false))
	}
	for _, key := range []string{"phase", "record_id"} {
		if _, ok := node[key]; ok {
			return nil
		}
	}
	return fmt.Errorf("%w: found no phase or record_id, want a record such as examples/records/phase1.yaml", ErrRecord)
}

// line is a line of a record with a key, an element of a list, or both.
type line struct {
	indent string // what is before the key, with the dash of an element
	path   string // "" if the line has no key and is no element
	key    string // "" for an element without keys
	value  string // as written, without the comment; "" if there is none
	rest   string // blanks and comment after the value
	deep   int    // column of the key, or of an element's value
	dash   bool   // the line begins an element
}

var (
	linePattern = regexp.MustCompile(`^(\s*(?:- +)?)([A-Za-z_][\w.-]*):( +|$)(.*)$`)
	itemPattern = regexp.MustCompile(`^(\s*- +)(.*)$`)
	valueEnd    = regexp.MustCompile(`\s+#.*$`)
)

// scan finds the keys of the lines of a record in block style.
func scan(text []byte) (raw []string, lines []line) {
	raw = strings.Split(string(text), "\n")
	type level struct {
		deep int // column
		path string
	}
	var stack []level
	items := map[string]int{} // elements seen, by the list's path
	block := -1               // column of the key whose value is a block of text
	for _, r := range raw {
		var l line
		trimmed := strings.TrimSpace(r)
		column := len(r) - len(strings.TrimLeft(r, " "))
		if block >= 0 && (trimmed == "" || column > block) {
			lines = append(lines, l)
			continue
		}
		block = -1
		if trimmed == "" || trimmed[0] == '#' {
			lines = append(lines, l)
			continue
		}
		m := linePattern.FindStringSubmatch(r)
		i := itemPattern.FindStringSubmatch(r)
		if m == nil && i == nil {
			lines = append(lines, l)
			continue
		}
		if m != nil {
			l.indent, l.key, l.value = m[1], m[2], m[4]
		} else {
			l.indent, l.value = i[1], i[2]
		}
		l.dash, l.deep = i != nil, len(l.indent)
		if end := valueEnd.FindStringIndex(l.value); end != nil && !strings.HasPrefix(l.value, `"`) && !strings.HasPrefix(l.value, "'") {
			l.value, l.rest = l.value[:end[0]], l.value[end[0]:]
		} else if strings.HasPrefix(l.value, "#") {
			l.value, l.rest = "", " "+l.value
		}
		if l.dash {
			// An element may stand at the column of its list's key.
			for len(stack) > 0 && stack[len(stack)-1].deep > column {
				stack = stack[:len(stack)-1]
			}
			list := ""
			if len(stack) > 0 {
				list = stack[len(stack)-1].path
			}
			l.path = join(list, strconv.Itoa(items[list]))
			items[list]++
			stack = append(stack, level{column + 1, l.path})
		}
		for len(stack) > 0 && stack[len(stack)-1].deep >= l.deep && !(l.dash && stack[len(stack)-1].path == l.path) {
			stack = stack[:len(stack)-1]
		}
		if l.key != "" {
			parent := ""
			if len(stack) > 0 {
				parent = stack[len(stack)-1].path
			}
			l.path = join(parent, l.key)
			stack = append(stack, level{l.deep, l.path})
			if l.value == "|" || l.value == ">" || l.value == "|-" || l.value == ">-" {
				block = l.deep
			}
		}
		lines = append(lines, l)
	}
	return raw, lines
}

func join(parent, key string) string {
	if parent == "" {
		return key
	}
	return parent + "." + key
}

// isOpen reports whether a value as it is written is not known yet.
func isOpen(value string) bool {
	v := strings.Trim(value, `"'`)
	return v == Mark || v == "null" || v == "~" || strings.Contains(v, "YYYYMMDD") || placeholder.MatchString(v)
}

var placeholder = regexp.MustCompile(`<[a-z_]+>`)

// Fill returns the record with the known values in place of those of the template, and
// the keys of what is left for a person, in their order. Values whose key the template
// does not have are ignored. In what is not known, such as out/<run_id>_tx.jsonl, Fill
// replaces <run_id>, <model_id> and YYYYMMDD where these are known. The errors wrap
// [ErrRecord].
func Fill(template []byte, values Values) (filled []byte, open []string, err error) {
	if err := Check(template); err != nil {
		return nil, nil, err
	}
	raw, lines := scan(template)
	var out []string
	for i := 0; i < len(lines); i++ {
		l := &lines[i]
		value, known := values[l.path]
		known = known && l.path != ""
		if list, ok := value.([]string); ok && known && l.value == "" {
			out = append(out, raw[i])
			out = append(out, listLines(l, list)...)
			for i+1 < len(lines) && strings.HasPrefix(lines[i+1].path, l.path+".") {
				i++
			}
			continue
		}
		if l.path == "" || l.value == "" {
			out = append(out, raw[i])
			continue
		}
		text := l.value
		if known {
			if text, err = scalar(value); err != nil {
				return nil, nil, fmt.Errorf("%w: %s: %w", ErrRecord, l.path, err)
			}
		} else {
			text = expand(text, values)
		}
		out = append(out, l.text(text))
	}
	filled = []byte(strings.Join(out, "\n"))
	if err := Check(filled); err != nil {
		return nil, nil, err
	}
	return filled, Open(filled), nil
}

// text returns the line with another value.
func (l *line) text(value string) string {
	if l.key == "" {
		return l.indent + value + l.rest
	}
	return l.indent + l.key + ": " + value + l.rest
}

// listLines returns the lines of a list under a key.
func listLines(l *line, list []string) (lines []string) {
	for _, s := range list {
		lines = append(lines, strings.Repeat(" ", l.deep+2)+"- "+quote(s))
	}
	return lines
}

// expand replaces names in angle brackets that are known, and the date.
func expand(text string, values Values) string {
	expanded := strings.Trim(text, `"'`)
	for _, name := range []string{"run_id", "model_id"} {
		for _, key := range []string{name, "model." + name} {
			if v, ok := values[key].(string); ok {
				expanded = strings.ReplaceAll(expanded, "<"+name+">", v)
			}
		}
	}
	if date, ok := values[dateKey].(string); ok {
		expanded = strings.ReplaceAll(expanded, "YYYYMMDD", date)
	}
	if expanded == strings.Trim(text, `"'`) {
		return text
	}
	return quote(expanded)
}

// dateKey is the key of the date that replaces YYYYMMDD.
const dateKey = "_date"

// scalar returns a value as YAML.
func scalar(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return quote(v), nil
	case int:
		return strconv.Itoa(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", fmt.Errorf("found %v, want a finite number", v)
		}
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case []string:
		texts := make([]string, len(v))
		for i, s := range v {
			texts[i] = quote(s)
		}
		return "[" + strings.Join(texts, ", ") + "]", nil
	}
	return "", fmt.Errorf("found a value of type %T, want a string, a number, a bool or a list of strings", value)
}

var plain = regexp.MustCompile(`^[A-Za-z_./][\w./ -]*$`)

// quote returns a string as YAML, in quotes if YAML could read it as something else.
func quote(s string) string {
	if plain.MatchString(s) && !strings.HasSuffix(s, " ") &&
		!slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"}, strings.ToLower(strings.TrimPrefix(s, "."))) {
		return s
	}
	return strconv.Quote(s)
}

// Open returns the keys of a record whose values are not known yet, in their order.
func Open(text []byte) (keys []string) {
	_, lines := scan(text)
	for _, l := range lines {
		if l.path != "" && isOpen(l.value) {
			keys = append(keys, l.path)
		}
	}
	return keys
}
