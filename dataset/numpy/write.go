package numpy

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sbinet/npyio/npy"
	"gonum.org/v1/gonum/mat"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/atomicfile"
)

// WriteFile writes the windows to the .npy or .npz file at path and returns their
// number. All must have the length, the order and the units of the first. WriteFile
// replaces an existing file only after it has written everything; after an error, path
// is as before.
func WriteFile(path string, windows iter.Seq2[dataset.Window, error]) (int, error) {
	if !IsFile(path) {
		return 0, locate(path, "", faultf(dataset.ErrSyntax, "found another extension, want .npy or .npz"))
	}
	var c columns
	var failed error // from the windows, not from the file
	err := atomicfile.Write(path, func(f io.Writer) error {
		for w, err := range windows {
			if err == nil {
				var field string
				if field, err = c.add(w); err != nil {
					err = locate(path, field, inRow(len(c.rows), err))
				}
			}
			if err != nil {
				failed = err
				return err
			}
		}
		if isNPY(path) {
			return writeArray(f, c.matrix())
		}
		field, err := c.writeArchive(f)
		if field != "" {
			failed = locate(path, field, err)
		}
		return err
	})
	if failed != nil {
		return 0, failed
	}
	if err != nil {
		return 0, locate(path, "", err)
	}
	return len(c.rows), nil
}

// columns are the arrays of a file.
type columns struct {
	settings   dataset.WindowSettings // the lengths of the first window
	rows       [][]float64
	ids, times []int64
	runs       []string
	order      []string
	units      map[string]string
}

// add appends a window. With an error, field is the name of the array at fault.
func (c *columns) add(w dataset.Window) (field string, err error) {
	if field, err := check(&c.settings, w); err != nil {
		return field, err
	}
	if len(c.rows) == 0 {
		c.order, c.units = w.Order, w.Units
		if field, err := c.checkNames(); err != nil {
			return field, err
		}
	}
	switch {
	case !slices.Equal(w.Order, c.order) || (w.Order == nil) != (c.order == nil):
		return arrayOrder, faultf(dataset.ErrType, "found %q, want %q, as in row 0: a file has one order", w.Order, c.order)
	case !maps.Equal(w.Units, c.units) || (w.Units == nil) != (c.units == nil):
		return arrayUnits, faultf(dataset.ErrType, "found %q, want %q, as in row 0: a file has one set of units", w.Units, c.units)
	case (len(c.rows)+1)*len(w.Values) > MaxValues:
		return arrayWindows, faultf(dataset.ErrTooLong, "found over %d values, want at most that many in a file", MaxValues)
	}
	if err := finite(w.Values); err != nil {
		return arrayWindows, err
	}
	if err := checkText(w.RunID); err != nil {
		return arrayRuns, err
	}
	c.rows = append(c.rows, w.Values)
	c.ids = append(c.ids, w.ID)
	c.times = append(c.times, w.TsMs)
	c.runs = append(c.runs, w.RunID)
	return "", nil
}

// checkNames returns an error if a file cannot store order and units. The field is the
// name of the array at fault.
func (c *columns) checkNames() (field string, err error) {
	if len(c.order) > maxNames {
		return arrayOrder, faultf(dataset.ErrTooLong, "found %d names, want at most %d", len(c.order), maxNames)
	}
	for _, name := range c.order {
		if err := checkText(name); err != nil {
			return arrayOrder, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.units)) {
		if !slices.Contains(c.order, name) {
			return arrayUnits, faultf(dataset.ErrMissing, "found a unit of %q, want units of the names in order only", name)
		}
		if err := checkText(c.units[name]); err != nil {
			return arrayUnits, err
		}
	}
	return "", nil
}

// checkText returns an error if numpy would change the text.
func checkText(s string) error {
	if !utf8.ValidString(s) {
		return faultf(dataset.ErrSyntax, "found %q, want UTF-8", s)
	}
	if len(s) > maxText {
		return faultf(dataset.ErrTooLong, "found %d bytes, want at most %d", len(s), maxText)
	}
	if strings.HasSuffix(s, "\x00") {
		return faultf(dataset.ErrSyntax, "found %q, want text that does not end in NUL: numpy pads with NUL", s)
	}
	return nil
}

// matrix returns the array windows. Without windows its shape is (0, 0).
func (c *columns) matrix() *mat.Dense {
	if len(c.rows) == 0 {
		return &mat.Dense{}
	}
	m := mat.NewDense(len(c.rows), c.settings.WindowLen, nil)
	for i, row := range c.rows {
		m.SetRow(i, row)
	}
	return m
}

// writeArchive writes the .npz file. If an array is too large for one, field is its
// name.
func (c *columns) writeArchive(w io.Writer) (field string, err error) {
	type member struct {
		name  string
		value any
	}
	members := []member{{arrayWindows, c.matrix()}, {arrayIDs, c.ids}, {arrayTimes, c.times}}
	if c.order != nil {
		members = append(members, member{arrayOrder, c.order})
	}
	if c.units != nil {
		units := make([]string, len(c.order))
		for i, name := range c.order {
			units[i] = c.units[name]
		}
		members = append(members, member{arrayUnits, units})
	}
	if slices.ContainsFunc(c.runs, func(run string) bool { return run != "" }) {
		members = append(members, member{arrayRuns, c.runs})
	}
	zw := zip.NewWriter(w)
	for _, m := range members {
		if texts, ok := m.value.([]string); ok {
			if err := checkSize(texts); err != nil {
				return m.name, err
			}
		}
		out, err := zw.CreateHeader(&zip.FileHeader{Name: m.name + ".npy", Method: zip.Store})
		if err != nil {
			return "", err
		}
		if err := writeArray(out, m.value); err != nil {
			return "", fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return "", zw.Close()
}

// checkSize returns an error if an array of texts would be too large to read.
func checkSize(texts []string) error {
	longest := 0
	for _, s := range texts {
		longest = max(longest, len(s)) // npyio counts bytes as well
	}
	if 4*int64(longest)*int64(len(texts)) > 8*MaxValues {
		return faultf(dataset.ErrTooLong, "found %d strings, the longest of %d bytes, want at most %d bytes in all: numpy stores all strings with the length of the longest, 4 bytes per character", len(texts), longest, 8*MaxValues)
	}
	return nil
}

// writeArray writes a value as a .npy file. The writer is buffered because npyio writes
// each number on its own.
func writeArray(w io.Writer, value any) error {
	out := bufio.NewWriterSize(w, 64<<10)
	if err := npy.Write(out, value); err != nil {
		return err
	}
	return out.Flush()
}
