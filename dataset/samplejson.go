package dataset

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/loralink/loralink-go/dataset/sensor"
)

// sampleJSON reads a sample from a JSON object, flat or nested.
type sampleJSON struct {
	json lineDecoder
}

// sampleIndex maps the name of each value to its index.
var sampleIndex = func() map[string]int {
	index := map[string]int{}
	for i, name := range sampleNames {
		index[name] = i
	}
	return index
}()

// sampleGroups maps the keys of the nested objects of a sample to the values that
// each may have.
var sampleGroups = func() map[string]sensor.Group {
	groups := map[string]sensor.Group{}
	for _, g := range sensor.Motion().Groups() {
		if g.Name != "rpy" {
			groups[g.Name] = g
			continue
		}
		groups["attitude"], groups["angle"] = g, g
	}
	return groups
}()

func (d *sampleJSON) decode(line []byte, ended bool) (row, error) {
	r, err := d.object(line)
	if err != nil && !ended && isSyntax(err) {
		err = incompleteLine(line)
	}
	return r, err
}

func (d *sampleJSON) object(line []byte) (row, error) {
	var r row
	var times [3]jsontext.Value // in the order of timeNames
	if err := d.json.begin(line); err != nil {
		return r, err
	}
	for d.json.more() {
		key, err := d.json.key()
		if err != nil {
			return r, err
		}
		if i, ok := sampleIndex[string(key)]; ok {
			err = inField(sampleNames[i], d.value(&r, i))
		} else if g, ok := sampleGroups[string(key)]; ok {
			err = d.group(&r, string(key), g)
		} else {
			var v jsontext.Value
			if v, err = d.json.raw(); err != nil {
				err = inField(string(key), err)
			} else if i := slices.Index(timeNames, string(key)); i >= 0 && v.Kind() != 'n' {
				times[i] = v
			}
		}
		if err != nil {
			return r, err
		}
	}
	if err := d.json.finish(); err != nil {
		return r, err
	}
	return r, d.setTime(&r, times)
}

// value reads value i. A null leaves it missing.
func (d *sampleJSON) value(r *row, i int) error {
	v, err := d.json.raw()
	if err != nil || v.Kind() == 'n' {
		return err
	}
	f, err := parseNumber(v)
	if err != nil {
		return err
	}
	return r.set(i, f)
}

// group reads a nested object of the values of g.
func (d *sampleJSON) group(r *row, group string, g sensor.Group) error {
	if d.json.null() {
		return nil
	}
	if err := d.json.expect('{', "an object"); err != nil {
		return inField(group, err)
	}
	for d.json.more() {
		key, err := d.json.key()
		if err != nil {
			return inField(group, err)
		}
		i, ok := sampleIndex[string(key)]
		if group == "gps" && string(key) == "altitude" {
			i, ok = sampleIndex["alt"]
		}
		if ok && g.From <= i && i < g.To {
			err = d.value(r, i)
		} else {
			_, err = d.json.raw()
		}
		if err != nil {
			return inField(group+"."+string(key), err)
		}
	}
	return inField(group, d.json.close())
}

// setTime sets the time of the row to the first one that is present.
func (d *sampleJSON) setTime(r *row, times [3]jsontext.Value) error {
	for i, v := range times {
		if v == nil {
			continue
		}
		var err error
		if r.TsMs, err = jsonTime(i, v); err != nil {
			return inField(timeNames[i], err)
		}
		r.has |= 1 << timeBit
		return nil
	}
	return nil
}

// jsonTime returns the time v under the key timeNames[i], in ms.
func jsonTime(i int, v jsontext.Value) (int64, error) {
	if timeNames[i] == "timestamp" {
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
	return toMs(f, i)
}
