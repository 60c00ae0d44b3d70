package dataset

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// sampleJSON reads a sample from a JSON object, flat or nested.
type sampleJSON struct {
	layout *layout
	json   lineDecoder
	times  []jsontext.Value // in the order of layout.times
}

func (d *sampleJSON) decode(line []byte, ended bool, r *row) error {
	err := d.read(line, r)
	if err != nil && !ended && isSyntax(err) {
		err = incompleteLine(line)
	}
	return err
}

func (d *sampleJSON) read(line []byte, r *row) error {
	clear(d.times)
	if err := d.json.begin(line); err != nil {
		return err
	}
	if err := d.members(r, d.layout.keys); err != nil {
		return err
	}
	if err := d.json.finish(); err != nil {
		return err
	}
	return d.setTime(r)
}

// members reads the members of the object at a node.
func (d *sampleJSON) members(r *row, at *keyNode) error {
	for d.json.more() {
		key, err := d.json.key()
		if err != nil {
			if at.path != "" {
				err = inField(at.path, err)
			}
			return err
		}
		child := at.next[string(key)]
		if child != nil {
			err = inField(child.path, d.member(r, child))
		} else if _, err = d.json.raw(); err != nil {
			path := string(key)
			if at.path != "" {
				path = at.path + "." + path
			}
			err = inField(path, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// member reads the value at a node. A null leaves it missing.
func (d *sampleJSON) member(r *row, at *keyNode) error {
	isLeaf := at.value >= 0 || at.time >= 0
	if len(at.next) > 0 && (!isLeaf || d.json.dec.PeekKind() == '{') {
		if d.json.null() {
			return nil
		}
		if err := d.json.expect('{', "an object"); err != nil {
			return err
		}
		if err := d.members(r, at); err != nil {
			return err
		}
		return d.json.close()
	}
	v, err := d.json.raw()
	if err != nil || v.Kind() == 'n' {
		return err
	}
	if at.time >= 0 {
		d.times[at.time] = v
	}
	if at.value < 0 {
		return nil
	}
	f, err := parseNumber(v)
	if err != nil {
		return err
	}
	return r.set(at.value, f)
}

// setTime sets the time of the row to the first one that is present.
func (d *sampleJSON) setTime(r *row) error {
	for i, v := range d.times {
		if v == nil {
			continue
		}
		t := d.layout.times[i]
		ms, err := jsonTime(t.form, v)
		if err != nil {
			return inField(t.from, err)
		}
		r.setTime(ms)
		return nil
	}
	return nil
}

// jsonTime returns the time v, whose form is one of timeNames, in ms.
func jsonTime(form string, v jsontext.Value) (int64, error) {
	if form == "timestamp" {
		s, err := parseText(v)
		if err != nil {
			return 0, err
		}
		return parseISO(s)
	}
	f, err := parseNumber(v)
	if err != nil {
		return 0, err
	}
	return toMs(f, form)
}

// topKeys returns the keys of a JSON object, in part if they are many.
func topKeys(line []byte) string {
	var json lineDecoder
	var keys []string
	size := 0
	err := json.begin(line)
	for err == nil && json.more() && size < 200 {
		var key []byte
		if key, err = json.key(); err == nil {
			keys = append(keys, excerpt(key))
			size += len(keys[len(keys)-1])
			_, err = json.raw()
		}
	}
	if err == nil && json.more() {
		keys = append(keys, "...")
	}
	return strings.Join(keys, ", ")
}
