package runspec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-playground/validator/v10"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/loralink/loralink-go/internal/errtext"
	"github.com/loralink/loralink-go/radio"
)

// Fault is one fault of a RunSpec.
type Fault struct {
	Path  string // path of the key, such as phy.sf; "": the file as a whole
	Found string // what was found: 13, "sideways", missing
	Want  string // what is allowed; "" if Found says it all
}

// String returns the fault as text, such as "phy.sf: 13, want 5..12".
func (f Fault) String() string {
	s := f.Found
	if f.Path != "" {
		s = f.Path + ": " + s
	}
	if f.Want != "" {
		s += ", want " + f.Want
	}
	return s
}

// Error lists all faults of a RunSpec. It wraps [ErrInvalid].
type Error struct {
	File   string // path of the file; "" if the RunSpec did not come from a file
	Faults []Fault
}

// maxFaults is the largest number of faults in the text of an error.
const maxFaults = 10

// Error returns the first ten faults and the number of the others.
func (e *Error) Error() string {
	var parts []string
	for _, f := range e.Faults[:min(len(e.Faults), maxFaults)] {
		parts = append(parts, f.String())
	}
	if more := len(e.Faults) - maxFaults; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more faults", more))
	}
	prefix := "runspec: "
	if e.File != "" {
		prefix += e.File + ": "
	}
	return prefix + strings.Join(parts, "; ")
}

// Unwrap returns ErrInvalid.
func (e *Error) Unwrap() error { return ErrInvalid }

// Check returns an [*Error] with all faults of the RunSpec, or nil.
func (s *RunSpec) Check() error {
	if faults := s.faults(); len(faults) > 0 {
		return &Error{Faults: faults}
	}
	return nil
}

var validate = newValidator()

func newValidator() *validator.Validate {
	v := validator.New()
	v.RegisterTagNameFunc(key)
	return v
}

// key returns the name that a field has in the file.
func key(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

// faults returns the values that are not allowed.
func (s *RunSpec) faults() []Fault {
	var faults []Fault
	err := validate.Struct(s)
	if all, ok := errors.AsType[validator.ValidationErrors](err); ok {
		for _, e := range all {
			_, path, _ := strings.Cut(e.Namespace(), ".")
			faults = append(faults, Fault{path, show(e.Value()), wantOf(reflect.TypeFor[RunSpec](), path)})
		}
	}
	if s.RunID == "." || s.RunID == ".." || strings.ContainsRune(s.RunID, 0) {
		faults = append(faults, Fault{"run_id", show(s.RunID), "a name without path separators"})
	}
	phyKeys := map[string]string{"SF": "sf", "BandwidthHz": "bw_hz", "CodingRate": "cr", "Preamble": "preamble",
		"LDRO": "ldro", "TxPowerDBm": "tx_power_dbm"}
	for _, f := range s.PHY.Radio().Faults() {
		fault := Fault{"phy." + phyKeys[f.Field], strconv.Itoa(f.Found), f.Want}
		if f.Field == "CodingRate" {
			fault.Found, fault.Want = strconv.Itoa(s.PHY.CodingRate), "1..4 or 5..8"
		}
		faults = append(faults, fault)
	}
	return faults
}

// wantOf returns the want tag of the field with that path.
func wantOf(t reflect.Type, path string) string {
	head, rest, nested := strings.Cut(path, ".")
	for f := range t.Fields() {
		if key(f) == head {
			if nested {
				return wantOf(f.Type, rest)
			}
			return f.Tag.Get("want")
		}
	}
	return ""
}

// show returns the text of a value that was found.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return strconv.Quote(clip(v))
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	}
	return clip(fmt.Sprint(v))
}

// clip shortens a text for an error.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}

// maxBrackets limits how deeply a file can nest, because the time that the YAML
// parser takes grows with the square of that. maxDashes limits the lists in lists that
// begin in one line, as "- - -" does.
const (
	maxBrackets = 1000
	maxDashes   = 100
)

// decode sets spec from data and returns faults for what it could not read.
func decode(data []byte, spec *RunSpec) []Fault {
	if len(data) > MaxFileBytes {
		return []Fault{{"", fmt.Sprintf("more than %d bytes", MaxFileBytes), "a RunSpec"}}
	}
	if brackets := bytes.Count(data, []byte("[")) + bytes.Count(data, []byte("{")); brackets > maxBrackets {
		return []Fault{{"", fmt.Sprintf("%d opening brackets", brackets), fmt.Sprintf("at most %d", maxBrackets)}}
	}
	if line, dashes := mostDashes(data); dashes > maxDashes {
		return []Fault{{"", fmt.Sprintf("%d dashes in line %d", dashes, line), fmt.Sprintf("at most %d", maxDashes)}}
	}
	root, fault := parse(data)
	if fault != nil {
		return []Fault{*fault}
	}
	top, ok := root.(map[string]any)
	if !ok {
		return []Fault{{"", show(root), "a mapping with run_id, role, ..."}}
	}
	if what := otherKind(top); what != "" {
		return []Fault{{"", "this is " + what, "a RunSpec, with role, phy and codec"}}
	}
	d := decoder{tx: top["role"] == RoleTX}
	if phy, ok := top["phy"].(map[string]any); ok && phy["profile"] != nil {
		d.profile(&spec.PHY, phy["profile"])
	}
	d.fill(reflect.ValueOf(spec).Elem(), top, "")
	return d.faults
}

// otherKind says what a file is that people take for a RunSpec; "" for other files.
func otherKind(top map[string]any) string {
	has := func(keys ...string) bool {
		return !slices.ContainsFunc(keys, func(k string) bool { _, ok := top[k]; return !ok })
	}
	switch {
	case has("role") || has("phy", "codec"):
		return ""
	case has("base_runspec"):
		return "a list of profiles (examples/experiment phase0 reads it)"
	case has("rungs", "tolerances"):
		return "a ladder.json (a RunSpec names it in codec.params.ladder_path)"
	case has("model_format"), has("manifest_version"):
		return "a model's manifest (a RunSpec names it in codec.params.manifest_path)"
	case has("codec_id", "payload_schema_hash"):
		return "a file of hashes (a RunSpec names it in artifacts_manifest)"
	case has("phase"), has("c50_record"), has("uart_record"), has("runspecs"), has("run_id", "results"):
		return "a record of an experiment"
	case has("event", "ts_ms"):
		return "an event log (examples/report reads it)"
	case has("window"):
		return "a data set or a part of one"
	}
	return ""
}

// mostDashes returns the line that has the most dashes before a blank, and their number.
func mostDashes(data []byte) (line, dashes int) {
	n := 0
	for text := range bytes.Lines(data) {
		n++
		if bytes.HasPrefix(bytes.TrimSpace(text), []byte("#")) {
			continue // a comment
		}
		if found := bytes.Count(text, []byte("- ")) + bytes.Count(text, []byte("-\t")); found > dashes {
			line, dashes = n, found
		}
	}
	return line, dashes
}

// parse returns the maps, lists and scalars of one YAML document. It refuses
// aliases, because a few lines of them can stand for gigabytes.
func parse(data []byte) (any, *Fault) {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, syntaxFault(err)
	}
	var docs []*ast.DocumentNode
	for _, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.CommentType {
			docs = append(docs, doc)
		}
	}
	switch len(docs) {
	case 0:
		found := "the file is empty"
		if len(bytes.TrimSpace(data)) > 0 {
			found = "the file has only comments"
		}
		return nil, &Fault{"", found, "a mapping with run_id, role, ..."}
	case 1:
	default:
		return nil, &Fault{"", fmt.Sprintf("%d YAML documents", len(docs)), "one"}
	}
	var finder aliasFinder
	ast.Walk(&finder, docs[0].Body)
	if finder.line > 0 {
		return nil, &Fault{"", fmt.Sprintf("an anchor or alias in line %d", finder.line), "values written out"}
	}
	var root any
	if err := yaml.NodeToValue(docs[0].Body, &root); err != nil && !errors.Is(err, io.EOF) {
		return nil, syntaxFault(err)
	}
	return root, nil
}

// syntaxFault returns the fault for an error of the YAML parser.
func syntaxFault(err error) *Fault {
	if located, ok := errors.AsType[yaml.Error](err); ok {
		if tok := located.GetToken(); tok != nil && tok.Position != nil {
			return &Fault{"", fmt.Sprintf("line %d: not valid YAML: %s", tok.Position.Line, clip(located.GetMessage())), ""}
		}
		return &Fault{"", "not valid YAML: " + clip(located.GetMessage()), ""}
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return &Fault{"", "not valid YAML: " + clip(first), ""}
}

// aliasFinder finds the line of an anchor or an alias.
type aliasFinder struct{ line int }

func (a *aliasFinder) Visit(n ast.Node) ast.Visitor {
	switch n.Type() {
	case ast.AliasType, ast.AnchorType, ast.MergeKeyType:
		a.line = n.GetToken().Position.Line
		return nil
	}
	return a
}

// decoder sets structs from parsed YAML and collects faults.
type decoder struct {
	tx     bool // the file has role: tx
	phySet bool // a profile has set phy
	faults []Fault
}

func (d *decoder) fault(path, found, want string) {
	d.faults = append(d.faults, Fault{path, found, want})
}

// profile sets p to the profile of that name.
func (d *decoder) profile(p *PHY, name any) {
	var names []string
	for _, profile := range Profiles() {
		if profile.Name == name {
			*p = FromRadio(profile.PHY)
			d.phySet = true
			return
		}
		names = append(names, profile.Name)
	}
	// Do not report the keys that the profile would have set as missing.
	*p, d.phySet = FromRadio(Profiles()[0].PHY), true
	d.fault("phy.profile", show(name), "one of "+strings.Join(names, " "))
}

// needed reports whether a field's key must be given, by its need tag.
func (d *decoder) needed(f reflect.StructField) bool {
	switch f.Tag.Get("need") {
	case "always":
		return true
	case "tx":
		return d.tx
	case "phy":
		return !d.phySet
	}
	return false
}

// fill sets the fields of a struct from a mapping.
func (d *decoder) fill(v reflect.Value, node map[string]any, path string) {
	known := make([]string, 0, v.NumField())
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := key(f)
		known = append(known, name)
		value, ok := node[name]
		switch {
		case ok && value != nil:
			d.set(v.Field(i), value, path+name, f.Tag.Get("want"))
		case d.needed(f):
			d.fault(path+name, "missing", f.Tag.Get("want"))
		}
	}
	unknown := make([]string, 0)
	for name := range node {
		if !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		if near := errtext.Nearest(name, known); near != "" {
			d.fault(path+clip(name), "unknown key: did you mean "+near+"?", "")
			continue
		}
		d.fault(path+clip(name), "unknown key", "one of "+strings.Join(known, " "))
	}
}

// set sets a field from a value, or reports a fault with the field's want tag.
func (d *decoder) set(v reflect.Value, value any, path, want string) {
	if m, isMap := value.(map[string]any); isMap && v.Kind() == reflect.Struct {
		d.fill(v, m, path+".")
		return
	}
	if !setScalar(v, value, path) {
		d.fault(path, show(value), want)
	}
}

// setLDRO sets an LDRO from true, false or auto. Ok is false for other values.
func setLDRO(v reflect.Value, value any) (ok bool) {
	switch value {
	case true:
		v.SetInt(int64(radio.LDROOn))
	case false:
		v.SetInt(int64(radio.LDROOff))
	case "auto":
		v.SetInt(int64(radio.LDROAuto))
	default:
		return false
	}
	return true
}

// setScalar sets a field that is not a section. Ok is false for a value that the
// field cannot hold.
func setScalar(v reflect.Value, value any, path string) (ok bool) {
	switch {
	case v.Type() == reflect.TypeFor[LDRO]():
		return setLDRO(v, value)
	case v.Type() == reflect.TypeFor[AckTimeout]() && value == "auto":
		v.SetInt(0)
		return true
	}
	switch v.Kind() {
	case reflect.Map:
		var m map[string]any
		if m, ok = value.(map[string]any); ok {
			v.Set(reflect.ValueOf(m))
		}
	case reflect.String:
		var s string
		if s, ok = value.(string); ok {
			v.SetString(s)
		}
	case reflect.Bool:
		var b bool
		if b, ok = value.(bool); ok {
			v.SetBool(b)
		}
	case reflect.Float64:
		var x float64
		if x, ok = number(value); ok {
			v.SetFloat(x)
		}
	case reflect.Int:
		x, isNumber := number(value)
		if !isNumber || x != math.Trunc(x) || math.Abs(x) > math.MaxInt32 {
			return false
		}
		v.SetInt(int64(x))
		// Zero stands for a key that is not given, so it must not be given.
		zeroMeansNone := v.Type() == reflect.TypeFor[AckTimeout]() || strings.HasSuffix(path, ".max_windows")
		return x != 0 || !zeroMeansNone
	}
	return ok
}

// number returns a finite number of any type that the YAML parser uses.
func number(v any) (float64, bool) {
	switch x := v.(type) {
	case uint64:
		return float64(x), true
	case int64:
		return float64(x), true
	case int:
		return float64(x), true
	case float64:
		return x, !math.IsNaN(x) && !math.IsInf(x, 0)
	}
	return 0, false
}
