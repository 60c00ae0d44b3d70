package numpy

import (
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"math"
	"unicode/utf8"

	"github.com/sbinet/npyio/npy"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/inputfile"
	"github.com/loralink/loralink-go/internal/npz"
)

// OpenWindows yields the windows of a .npy or .npz file in file order, as
// dataset.OpenWindows does those of a dataset_raw.jsonl. It opens the file anew for
// each pass. Windows whose lengths differ from the settings are an error, and so is a
// three-dimensional array whose dims or steps do. A file without windows yields nothing.
func OpenWindows(path string, settings dataset.WindowSettings) iter.Seq2[dataset.Window, error] {
	return func(yield func(dataset.Window, error) bool) {
		if !IsFile(path) {
			yield(dataset.Window{}, locate(path, "", faultf(dataset.ErrSyntax, "found another extension, want .npy or .npz")))
			return
		}
		f, size, err := inputfile.Open(path)
		if err != nil {
			yield(dataset.Window{}, locate(path, "", err))
			return
		}
		defer f.Close()
		r := &reader{path: path, file: f, size: size, settings: settings}
		r.all(yield)
	}
}

// reader reads the arrays of a file in parallel, one window at a time.
type reader struct {
	path     string
	file     io.ReaderAt
	size     int64
	settings dataset.WindowSettings

	archive *npz.Archive // nil if the file is a .npy
	arrays  []*array     // all open arrays

	count       int                                // number of windows
	steps, dims int                                // of a window; 1 and all its values if the array has two dimensions
	values      func(row int, dst []float64) error // called for each row in order
	id, ts      func() (int64, error)              // nil if absent
	run         func() (string, error)             // nil if absent
	order       []string
	units       map[string]string
}

// array is an open array of the file.
type array struct {
	*npz.Stream
	name    string
	numbers *npy.Reader // reads values of the stream
}

func (r *reader) all(yield func(dataset.Window, error) bool) {
	defer func() {
		for _, a := range r.arrays {
			a.Close()
		}
	}()
	field, err := r.begin()
	for row := 0; err == nil && row < r.count; row++ {
		var w dataset.Window
		if w, field, err = r.window(row); err == nil && !yield(w, nil) {
			return
		}
	}
	for _, a := range r.arrays {
		if err == nil {
			field, err = a.name, a.End()
		}
	}
	if err != nil {
		if r.archive == nil {
			field = ""
		}
		yield(dataset.Window{}, locate(r.path, field, err))
	}
}

// open opens the named array; it returns nil if the file has none.
func (r *reader) open(name string, kind npz.Kind) (*array, error) {
	var s *npz.Stream
	var err error
	switch {
	case r.archive != nil:
		s, err = r.archive.Open(name, kind)
	case name == arrayWindows:
		s, err = npz.NewStream(io.NewSectionReader(r.file, 0, r.size), uint64(r.size), kind)
	default:
		return nil, nil
	}
	if errors.Is(err, npz.ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a := &array{Stream: s, name: name}
	r.arrays = append(r.arrays, a)
	a.numbers, err = npy.NewReader(s)
	return a, err
}

// begin opens the arrays and reads names and units. With an error, field is the name of
// the array at fault.
func (r *reader) begin() (field string, err error) {
	if isNPZ(r.path) {
		if r.archive, err = npz.NewArchive(r.file, r.size); err != nil {
			return "", err
		}
	}
	if err := r.openWindows(); err != nil {
		return arrayWindows, err
	}
	if r.id, err = r.openIntegers(arrayIDs); err != nil {
		return arrayIDs, err
	}
	if r.ts, err = r.openIntegers(arrayTimes); err != nil {
		return arrayTimes, err
	}
	column, err := r.openColumn(arrayRuns, runs)
	if err != nil {
		return arrayRuns, err
	}
	if column != nil {
		r.run = textReader(column)
	}
	if r.order, err = r.names(arrayOrder); err != nil {
		return arrayOrder, err
	}
	units, err := r.names(arrayUnits)
	switch {
	case err != nil || units == nil:
		return arrayUnits, err
	case r.order == nil:
		return arrayUnits, faultf(dataset.ErrMissing, "found no array order, want the names that have these units")
	case len(units) != len(r.order):
		return arrayUnits, faultf(dataset.ErrLength, "found %d units, want %d, one for each name in order", len(units), len(r.order))
	}
	r.units = map[string]string{}
	for i, unit := range units {
		if unit != "" {
			r.units[r.order[i]] = unit
		}
	}
	return "", nil
}

// openWindows opens the values and sets count, steps and dims from their shape.
func (r *reader) openWindows() error {
	a, err := r.open(arrayWindows, floats)
	if err != nil {
		return err
	}
	if a == nil {
		return faultf(dataset.ErrMissing, "found no such array, want numpy.savez(path, windows=a)")
	}
	switch s := a.Shape; len(s) {
	case 2:
		r.count, r.steps, r.dims = s[0], 1, s[1]
	case 3:
		r.count, r.steps, r.dims = s[0], s[1], s[2]
		if want := r.settings.Steps; want > 0 && r.steps != want {
			return faultf(dataset.ErrLength, "found shape %s, want %d steps per window", a.ShapeText(), want)
		}
		if want := r.settings.Dims; want > 0 && r.dims != want {
			return faultf(dataset.ErrLength, "found shape %s, want %d values per step", a.ShapeText(), want)
		}
		r.settings.Dims = r.dims
	default:
		return faultf(dataset.ErrLength, "found shape %s, want (windows, values): save a.reshape(windows, values)", a.ShapeText())
	}
	if a.Width == 4 {
		r.values = valueReader[float32](r, a)
	} else {
		r.values = valueReader[float64](r, a)
	}
	return nil
}

// numberReader returns a function that reads the next n values of an array. The slice
// is valid until its next call.
func numberReader[T any](a *array, n int) func() ([]T, error) {
	// npyio matches regular expressions in every call, so it reads thousands of
	// values at once. The buffer is allocated in the first call, because n may have
	// any size in an array of no windows.
	var buf, unread []T
	left := a.Len()
	return func() ([]T, error) {
		if len(unread) == 0 {
			if buf == nil {
				buf = make([]T, min(left, max(n, 4096/n*n)))
			}
			unread = buf[:min(left, len(buf))]
			if err := a.numbers.Read(&unread); err != nil {
				return nil, err
			}
			left -= len(unread)
		}
		values := unread[:n]
		unread = unread[n:]
		return values, nil
	}
}

// valueReader returns a function that reads the values of the next row.
func valueReader[T float32 | float64](r *reader, a *array) func(row int, dst []float64) error {
	if !a.Fortran {
		next := numberReader[T](a, r.steps*r.dims)
		return func(_ int, dst []float64) error {
			values, err := next()
			for i, v := range values {
				dst[i] = float64(v)
			}
			return err
		}
	}
	var all []T
	return func(row int, dst []float64) (err error) {
		if all == nil {
			if all, err = numberReader[T](a, a.Len())(); err != nil {
				return err
			}
		}
		for step := range r.steps {
			for d := range r.dims {
				dst[step*r.dims+d] = float64(all[row+r.count*(step+r.steps*d)])
			}
		}
		return nil
	}
}

// openColumn opens an array of one value per window; it returns nil if the file has
// none.
func (r *reader) openColumn(name string, kind npz.Kind) (*array, error) {
	a, err := r.open(name, kind)
	if a == nil || err != nil {
		return nil, err
	}
	if len(a.Shape) != 1 || a.Shape[0] != r.count {
		return nil, faultf(dataset.ErrLength, "found shape %s, want (%d,), one for each window", a.ShapeText(), r.count)
	}
	return a, nil
}

// openIntegers returns a function that reads the next integer of an array; nil if the
// file has none.
func (r *reader) openIntegers(name string) (func() (int64, error), error) {
	a, err := r.openColumn(name, integers)
	if a == nil || err != nil {
		return nil, err
	}
	switch a.Descr[1:] {
	case "i4":
		return integerReader[int32](a), nil
	case "u4":
		return integerReader[uint32](a), nil
	}
	return integerReader[int64](a), nil
}

func integerReader[T int32 | uint32 | int64](a *array) func() (int64, error) {
	next := numberReader[T](a, 1)
	return func() (int64, error) {
		values, err := next()
		if err != nil {
			return 0, err
		}
		return int64(values[0]), nil
	}
}

// textReader returns a function that reads the next string of an array.
func textReader(a *array) func() (string, error) {
	var order binary.ByteOrder = binary.LittleEndian
	if a.Descr[0] == '>' {
		order = binary.BigEndian
	}
	var raw []byte
	last := ""
	return func() (string, error) {
		if raw == nil {
			raw = make([]byte, a.Width)
		}
		if _, err := a.Read(raw); err != nil {
			return "", err
		}
		end := len(raw)
		for end > 0 && order.Uint32(raw[end-4:]) == 0 {
			end -= 4 // numpy pads with zeros
		}
		// The UTF-8 text is never longer than its source, so it can overwrite it.
		text := raw[:0]
		for i := 0; i < end; i += 4 {
			c := order.Uint32(raw[i:])
			if c > math.MaxInt32 || !utf8.ValidRune(rune(c)) {
				return "", faultf(dataset.ErrSyntax, "found code point %#x, want a Unicode scalar value", c)
			}
			text = utf8.AppendRune(text, rune(c))
		}
		if string(text) != last {
			last = string(text)
		}
		return last, nil
	}
}

// names reads an array of names or units; it returns nil if the file has none.
func (r *reader) names(name string) ([]string, error) {
	a, err := r.open(name, names)
	if a == nil || err != nil {
		return nil, err
	}
	if len(a.Shape) != 1 {
		return nil, faultf(dataset.ErrLength, "found shape %s, want one dimension", a.ShapeText())
	}
	if a.Len() > maxNames {
		return nil, faultf(dataset.ErrTooLong, "found %d names, want at most %d", a.Len(), maxNames)
	}
	list := make([]string, a.Len())
	next := textReader(a)
	for i := range list {
		if list[i], err = next(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// window reads the next row. With an error, field is the name of the array at fault.
func (r *reader) window(row int) (w dataset.Window, field string, err error) {
	w = dataset.Window{ID: int64(row), Order: r.order, Units: r.units, Values: make([]float64, r.steps*r.dims)}
	if field, err = check(&r.settings, w); err != nil {
		return w, field, err
	}
	if err := r.values(row, w.Values); err != nil {
		return w, arrayWindows, err
	}
	if err := finite(w.Values); err != nil {
		return w, arrayWindows, inRow(row, err)
	}
	if r.id != nil {
		if w.ID, err = r.id(); err != nil {
			return w, arrayIDs, err
		}
	}
	if r.ts != nil {
		if w.TsMs, err = r.ts(); err != nil {
			return w, arrayTimes, err
		}
	}
	if r.run != nil {
		if w.RunID, err = r.run(); err != nil {
			return w, arrayRuns, inRow(row, err)
		}
	}
	return w, "", nil
}

// finite returns an error if a value is NaN or infinite.
func finite(values []float64) error {
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return faultf(dataset.ErrNotFinite, "found %v as value %d, want a finite number", v, i)
		}
	}
	return nil
}
