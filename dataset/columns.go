package dataset

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/inputfile"
)

// A Column is a value of each sample, and says where a recording has it.
//
// A column named ts_ms, ts or timestamp is no value, but the time under another name: in
// ms, in s or as ISO 8601. Without one, the time has one of those three names.
type Column struct {
	Name string // of the value
	Unit string // "": that of sensor.Motion, if it has a value of this name, or else unknown
	// From is the name of the column in the header of a CSV file, or the key in a JSON
	// object. A key with dots is also the path of a nested one: gps.lat is the key lat
	// of the object under gps. "": Name.
	From string
}

// from returns From or its default.
func (c Column) from() string {
	if c.From != "" {
		return c.From
	}
	return c.Name
}

// String returns the column as Set reads it.
func (c Column) String() string {
	text := c.Name
	if c.Unit != "" {
		text += ":" + c.Unit
	}
	if c.From != "" {
		text += "=" + c.From
	}
	return text
}

// Columns are the values of a recording's samples in their order. Nil stands for those
// of sensor.Motion. *Columns is a flag.Value, see Set.
type Columns []Column

// ColumnsUsage is a help text for a flag of type *Columns.
const ColumnsUsage = "values of the recording that are not lat, lon, … yaw, or have other names there: name:unit=source, with unit and source optional, separated by commas, as temp:degC=Temperature,hum:%=RH; or @FILE with one on each line"

// The largest number of values of a sample, as in a RunSpec, and the largest length of a
// name, a unit and a source, in bytes.
const (
	maxSampleDims = 4096
	maxNameLen    = 256
	maxColumnFile = 4 << 20 // bytes
)

// Set sets the columns to those in text: name, name:unit, name=source or
// name:unit=source, separated by commas. If text is @ and the path of a file, Set reads
// one column from each line instead; it ignores blank lines and those that begin with #.
// There, a source may contain commas. Spaces around names, units and sources are ignored.
// Errors wrap ErrSettings or one of the file system.
func (c *Columns) Set(text string) error {
	columns, err := parseColumns(text)
	if err != nil {
		return err
	}
	if err := columns.Check(); err != nil {
		return err
	}
	*c = columns
	return nil
}

func parseColumns(text string) (Columns, error) {
	var columns Columns
	path, isFile := strings.CutPrefix(text, "@")
	if !isFile {
		for entry := range strings.SplitSeq(text, ",") {
			column, err := parseColumn(entry)
			if err != nil {
				return nil, fmt.Errorf("dataset: columns: %w", err)
			}
			columns = append(columns, column)
		}
		return columns, nil
	}
	content, err := readColumnFile(path)
	if err != nil {
		return nil, err
	}
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(content, string(byteOrderMark))) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		column, err := parseColumn(line)
		if err != nil {
			return nil, &Error{File: path, Line: n, Err: err}
		}
		columns = append(columns, column)
	}
	return columns, nil
}

// readColumnFile returns the content of a file of columns.
func readColumnFile(path string) (string, error) {
	f, size, err := inputfile.Open(path)
	if err != nil {
		return "", fileError(path, err)
	}
	defer f.Close()
	if size > maxColumnFile {
		return "", &Error{File: path, Err: faultf(ErrTooLong, "found %d bytes, want a file of columns of at most %d", size, maxColumnFile)}
	}
	content, err := io.ReadAll(io.LimitReader(f, size))
	if err != nil {
		return "", fileError(path, err)
	}
	return string(content), nil
}

// parseColumn reads name:unit=source.
func parseColumn(entry string) (Column, error) {
	const want = "want name, name:unit, name=source or name:unit=source"
	left, from, hasFrom := strings.Cut(entry, "=")
	name, unit, hasUnit := strings.Cut(left, ":")
	c := Column{Name: strings.TrimSpace(name), Unit: strings.TrimSpace(unit), From: strings.TrimSpace(from)}
	switch {
	case strings.HasPrefix(c.Name, "@"):
		return c, faultf(ErrSettings, "found %q, want no @ before a name, and a file alone", excerpt([]byte(entry)))
	case c.Name == "":
		return c, faultf(ErrSettings, "found %q, without a name, %s", excerpt([]byte(entry)), want)
	case hasUnit && c.Unit == "":
		return c, faultf(ErrSettings, "found %q, with a colon but no unit, %s", excerpt([]byte(entry)), want)
	case hasFrom && c.From == "":
		return c, faultf(ErrSettings, "found %q, with = but no source, %s", excerpt([]byte(entry)), want)
	}
	return c, nil
}

// String returns the columns as Set reads them, separated by commas.
func (c *Columns) String() string {
	if c == nil {
		return ""
	}
	texts := make([]string, len(*c))
	for i, column := range *c {
		texts[i] = column.String()
	}
	return strings.Join(texts, ",")
}

// Check returns an error that wraps ErrSettings unless there are 1 to 4096 values and at
// most one time, names and sources are unique, and names, units and sources are printable
// text of at most 256 bytes. Nil columns are valid.
func (c Columns) Check() error {
	if c == nil {
		return nil
	}
	names, sources := map[string]bool{}, map[string]string{}
	values := 0
	for i, column := range c {
		for _, text := range []string{column.Name, column.Unit, column.From} {
			if len(text) > maxNameLen || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
				return fmt.Errorf("%w: column %d has %q, want printable text of at most %d bytes", ErrSettings, i+1, excerpt([]byte(text)), maxNameLen)
			}
		}
		switch {
		case column.Name == "":
			return fmt.Errorf("%w: column %d has no name", ErrSettings, i+1)
		case names[column.Name]:
			return fmt.Errorf("%w: two columns have the name %q, want unique names", ErrSettings, column.Name)
		}
		names[column.Name] = true
		if slices.Contains(timeNames, column.Name) {
			if column.Unit != "" {
				return fmt.Errorf("%w: the time %s has the unit %q, want none: ts_ms is in ms, ts in s, timestamp ISO 8601", ErrSettings, column.Name, column.Unit)
			}
			continue
		}
		if other, ok := sources[column.from()]; ok {
			return fmt.Errorf("%w: columns %q and %q have the source %q, want unique sources", ErrSettings, other, column.Name, column.from())
		}
		sources[column.from()] = column.Name
		values++
	}
	switch {
	case values == 0 || values > maxSampleDims:
		return fmt.Errorf("%w: found %d columns with values, want 1..%d", ErrSettings, values, maxSampleDims)
	case len(c)-values > 1:
		return fmt.Errorf("%w: found %d columns with the time, want one of ts_ms, ts and timestamp", ErrSettings, len(c)-values)
	}
	return nil
}

// Schema returns the schema of a sample's values: names and units in their order. Names
// of sensor.Motion are described as there, unless they have another unit.
func (c Columns) Schema() sensor.Schema {
	if c == nil {
		return sensor.Motion()
	}
	var names []string
	units := map[string]string{}
	for _, column := range c {
		if !slices.Contains(timeNames, column.Name) {
			names = append(names, column.Name)
			units[column.Name] = column.Unit
		}
	}
	return sensor.Named(names, units)
}

// layout says where a recording has the values and the time of a sample.
type layout struct {
	order []string // names of the values
	units map[string]string
	from  []string     // their names in the file
	times []timeColumn // in descending priority
	keys  *keyNode     // of a JSON object
	named bool         // by Columns
}

// timeColumn is a time in a file.
type timeColumn struct {
	from string
	form string // one of timeNames
}

// keyNode is what a JSON object, or the value under a key, may hold.
type keyNode struct {
	path  string // the keys to here, with dots; "": the whole object
	value int    // index of the value here; -1: none
	time  int    // index of the time here; -1: none
	next  map[string]*keyNode
}

func newKeyNode(path string) *keyNode {
	return &keyNode{path: path, value: -1, time: -1, next: map[string]*keyNode{}}
}

// at returns the node under the keys, and adds it if there is none.
func (n *keyNode) at(keys ...string) *keyNode {
	for _, key := range keys {
		child := n.next[key]
		if child == nil {
			path := key
			if n.path != "" {
				path = n.path + "." + key
			}
			child = newKeyNode(path)
			n.next[key] = child
		}
		n = child
	}
	return n
}

// each calls f with each node of a name in a file: that of the key, and of the path if it
// has dots.
func (n *keyNode) each(from string, f func(*keyNode)) {
	f(n.at(from))
	if path := strings.Split(from, "."); len(path) > 1 {
		f(n.at(path...))
	}
}

// motionLayout is the layout of motion samples.
var motionLayout = func() *layout {
	l := &layout{order: sampleNames, units: sampleUnits, from: sampleNames, keys: newKeyNode("")}
	for i, name := range timeNames {
		l.times = append(l.times, timeColumn{name, name})
		l.keys.at(name).time = i
	}
	for _, g := range sensor.Motion().Groups() {
		objects := []string{g.Name}
		if g.Name == "rpy" {
			objects = []string{"attitude", "angle"}
		}
		for i := g.From; i < g.To; i++ {
			l.keys.at(sampleNames[i]).value = i
			for _, object := range objects {
				l.keys.at(object, sampleNames[i]).value = i
				if sampleNames[i] == "alt" {
					l.keys.at(object, "altitude").value = i
				}
			}
		}
	}
	return l
}()

// layout returns where a recording has these columns, which must be valid.
func (c Columns) layout() *layout {
	if c == nil {
		return motionLayout
	}
	schema := c.Schema()
	l := &layout{order: schema.Names(), units: schema.Units(), keys: newKeyNode(""), named: true}
	for _, column := range c {
		if slices.Contains(timeNames, column.Name) {
			l.times = []timeColumn{{column.from(), column.Name}}
			continue
		}
		l.keys.each(column.from(), func(n *keyNode) { n.value = len(l.from) })
		l.from = append(l.from, column.from())
	}
	if l.times == nil {
		l.times = motionLayout.times
	}
	for i, t := range l.times {
		l.keys.each(t.from, func(n *keyNode) { n.time = i })
	}
	return l
}

// timeText returns the names of the time, for errors.
func (l *layout) timeText() string {
	if len(l.times) == 1 {
		return l.times[0].from
	}
	return "ts_ms, ts or timestamp"
}
