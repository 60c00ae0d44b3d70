package dataset

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
)

// sampleCSV reads samples from CSV rows, the first of which is the header. A row is a
// line: a quoted cell may contain commas, but no line end.
type sampleCSV struct {
	layout   *layout
	header   []string
	columns  []int // the column of each value
	time     int   // the column of the time
	timeFrom timeColumn
	cells    [][]byte
}

// maxColumns is the largest number of columns in a CSV file.
const maxColumns = 4096

func (d *sampleCSV) decode(line []byte, ended bool, r *row) error {
	if n := bytes.Count(line, []byte(",")) + 1; n > maxColumns {
		return faultf(ErrTooLong, "found a row with %d commas, want at most %d columns", n-1, maxColumns)
	}
	d.cells = splitCSV(d.cells[:0], line)
	if d.header == nil {
		if err := d.readHeader(); err != nil {
			return err
		}
		return errHeader
	}
	err := d.row(r)
	if err != nil && !ended && !errors.Is(err, ErrNotFinite) {
		err = incompleteLine(line)
	}
	return err
}

// readHeader finds the columns.
func (d *sampleCSV) readHeader() error {
	for _, cell := range d.cells {
		d.header = append(d.header, string(cell))
	}
	var missing []string
	find := func(name string) (int, error) {
		i := slices.Index(d.header, name)
		if i >= 0 && slices.Contains(d.header[i+1:], name) {
			return i, fieldError(name, faultf(ErrDuplicate, "found two columns of this name, want one"))
		}
		return i, nil
	}
	for _, name := range d.layout.from {
		column, err := find(name)
		if err != nil {
			return err
		}
		if column < 0 {
			missing = append(missing, name)
		}
		d.columns = append(d.columns, column)
	}
	d.time = -1
	for _, t := range d.layout.times {
		column, err := find(t.from)
		if err != nil {
			return err
		}
		if column >= 0 && d.time < 0 {
			d.time, d.timeFrom = column, t
		}
	}
	if d.time < 0 {
		missing = append(missing, d.layout.times[0].from)
	}
	if missing != nil {
		return fieldError("header", faultf(ErrMissing, "found %s, want also the columns %s",
			excerpt([]byte(strings.Join(d.header, ","))), strings.Join(missing, ", ")))
	}
	return nil
}

// row reads the cells under the header.
func (d *sampleCSV) row(r *row) error {
	if len(d.cells) != len(d.header) {
		return faultf(ErrLength, "found %d columns, want %d, as in the header", len(d.cells), len(d.header))
	}
	for i, column := range d.columns {
		if len(d.cells[column]) == 0 {
			continue
		}
		f, err := parseCell(d.cells[column])
		if err != nil {
			return fieldError(d.layout.from[i], err)
		}
		r.values[i], r.has[i] = f, true
	}
	if cell := d.cells[d.time]; len(cell) > 0 {
		ms, err := d.parseTime(cell)
		if err != nil {
			return fieldError(d.timeFrom.from, err)
		}
		r.setTime(ms)
	}
	return nil
}

func (d *sampleCSV) parseTime(cell []byte) (int64, error) {
	if d.timeFrom.form == "timestamp" {
		return parseISO(string(cell))
	}
	f, err := parseCell(cell)
	if err != nil {
		return 0, err
	}
	return toMs(f, d.timeFrom.form)
}

func parseCell(cell []byte) (float64, error) {
	f, err := strconv.ParseFloat(string(cell), 64)
	if errors.Is(err, strconv.ErrSyntax) {
		return 0, faultf(ErrType, "found %q, want a number", excerpt(cell))
	}
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, faultf(ErrNotFinite, "found %s, want a finite number", excerpt(cell))
	}
	return f, nil
}

// splitCSV appends the cells of a row, without their quotes and the space around
// them. A comma between quotes is part of its cell.
func splitCSV(cells [][]byte, line []byte) [][]byte {
	for {
		end, quoted := 0, false
		for end < len(line) && (quoted || line[end] != ',') {
			if line[end] == '"' {
				quoted = !quoted
			}
			end++
		}
		cell := bytes.TrimSpace(line[:end])
		if n := len(cell); n >= 2 && cell[0] == '"' && cell[n-1] == '"' {
			cell = bytes.TrimSpace(cell[1 : n-1])
		}
		cells = append(cells, cell)
		if end == len(line) {
			return cells
		}
		line = line[end+1:]
	}
}
