package dataset

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/inputfile"
)

// A Window is one record of a data set: W steps of dims values each.
type Window struct {
	TsMs  int64  // sensor time of the last sample, ms since 1970
	RunID string // the run that recorded it
	ID    int64  // window_id
	// Order has the names of the values of a step, Units the unit of each name. Both
	// may be nil. Windows share them: do not modify them.
	Order []string
	Units map[string]string
	// Values has dims·W values, the oldest step first. The window owns it.
	Values []float64
}

// WindowSettings select the shape of windows that OpenWindows accepts. With the zero
// value, all windows must have the length of the first.
type WindowSettings struct {
	// WindowLen is the number of values in a window; 0: as in the first window.
	WindowLen int
	// Dims is the number of values in a step, which is the number of names in order;
	// 0: as in the first order, if that number divides the length of its window. It
	// is ignored for windows without an order.
	Dims int
	// Steps is the number of steps in a window with an order, if Dims is 0; 0: any.
	Steps int
}

// Accept returns an error if the window does not have the lengths in the settings. It
// sets those that are 0 to the lengths of the window, so that all windows that are
// given to it must have the same lengths. Readers of other formats call it for each
// window. The error is an *Error with a field and without a file.
func (s *WindowSettings) Accept(w Window) error {
	if s.WindowLen == 0 && len(w.Values) == 0 {
		return fieldError("window", faultf(ErrLength, "found no values, want at least one"))
	}
	if s.WindowLen == 0 {
		s.WindowLen = len(w.Values)
	}
	if len(w.Values) != s.WindowLen {
		return fieldError("window", faultf(ErrLength, "found %d values, want %d", len(w.Values), s.WindowLen))
	}
	if w.Order == nil {
		return nil
	}
	if s.Dims == 0 {
		if n := len(w.Order); n == 0 || len(w.Values)%n != 0 {
			return fieldError("order", faultf(ErrLength, "found %d names, want a number that divides the window's %d values", n, len(w.Values)))
		}
		if n := len(w.Order); s.Steps > 0 && len(w.Values) != n*s.Steps {
			return fieldError("window", faultf(ErrLength, "found %d values, want %d: %d steps of %d names", len(w.Values), n*s.Steps, s.Steps, n))
		}
		s.Dims = len(w.Order)
	}
	if len(w.Order) != s.Dims {
		return fieldError("order", faultf(ErrLength, "found %d names, want %d", len(w.Order), s.Dims))
	}
	return nil
}

// OpenWindows yields the windows of a dataset_raw.jsonl, in file order. It opens the
// file anew for each pass; a pipe or a device is an error. A window without a window_id gets the number of its line,
// counted from 0 with blank lines. A last line without a line end that does not parse
// gives an error that wraps ErrIncompleteLine. An empty file yields nothing; see
// NotEmpty.
func OpenWindows(path string, settings WindowSettings) iter.Seq2[Window, error] {
	return func(yield func(Window, error) bool) {
		f, size, err := inputfile.Open(path)
		if err != nil {
			yield(Window{}, fileError(path, err))
			return
		}
		defer f.Close()
		if size > 0 {
			newWindowDecoder(f, path, settings).all(yield)
		}
	}
}

// ReadWindows yields the windows of r, as OpenWindows does those of a file, in one pass.
// The name file appears in errors. A window is yielded as soon as r has yielded its line
// end.
func ReadWindows(r io.Reader, file string, settings WindowSettings) iter.Seq2[Window, error] {
	return func(yield func(Window, error) bool) { newWindowDecoder(r, file, settings).all(yield) }
}

// windowDecoder reads records from one stream.
type windowDecoder struct {
	file     string
	lines    *lineReader
	settings WindowSettings
	json     lineDecoder

	// The last values, as text and decoded: most lines repeat them.
	rawRun, rawOrder, rawUnits []byte
	run                        string
	order                      []string
	units                      map[string]string
}

func newWindowDecoder(r io.Reader, file string, settings WindowSettings) *windowDecoder {
	return &windowDecoder{file: file, lines: newLineReader(r), settings: settings}
}

func (d *windowDecoder) all(yield func(Window, error) bool) {
	for {
		w, err := d.next()
		if err == io.EOF || !yield(w, err) || err != nil {
			return
		}
	}
}

// next returns the next window, an *Error, or io.EOF.
func (d *windowDecoder) next() (Window, error) {
	for {
		line, err := d.lines.next()
		if err == io.EOF {
			return Window{}, io.EOF
		}
		if err != nil {
			return Window{}, locate(d.file, d.lines.n, err)
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		w, err := d.decode(line)
		if err != nil && !d.lines.ended && isSyntax(err) {
			err = incompleteLine(line)
		}
		if err != nil {
			return Window{}, locate(d.file, d.lines.n, err)
		}
		return w, nil
	}
}

// decode reads a record and checks it.
func (d *windowDecoder) decode(line []byte) (Window, error) {
	w := Window{ID: int64(d.lines.n - 1)}
	isSample := false
	if err := d.json.begin(line); err != nil {
		return w, err
	}
	for d.json.more() {
		key, err := d.json.key()
		if err != nil {
			return w, err
		}
		switch string(key) {
		case "window":
			w.Values, err = d.values()
		case "ts_ms":
			if !d.json.null() {
				w.TsMs, err = d.json.integer()
				err = inField("ts_ms", err)
			}
		case "window_id":
			if !d.json.null() {
				w.ID, err = d.json.integer()
				err = inField("window_id", err)
			}
		case "run_id":
			if !d.json.null() {
				w.RunID, err = d.runID()
				err = inField("run_id", err)
			}
		case "order":
			if !d.json.null() {
				w.Order, err = d.names()
				err = inField("order", err)
			}
		case "units":
			if !d.json.null() {
				w.Units, err = d.unitMap()
				err = inField("units", err)
			}
		default:
			isSample = isSample || string(key) == "lat" || string(key) == "gps"
			_, err = d.json.raw()
			if err != nil {
				err = inField(string(key), err)
			}
		}
		if err != nil {
			return w, err
		}
	}
	if err := d.json.finish(); err != nil {
		return w, err
	}
	if w.Values == nil {
		if isSample {
			return w, faultf(ErrMissing, "found a sample of a recording, want a window: cut the recording into windows first (examples/samples --in)")
		}
		return w, fieldError("window", faultf(ErrMissing, "found no such key, want a list of numbers"))
	}
	return w, d.settings.Accept(w)
}

func (d *windowDecoder) values() ([]float64, error) {
	if err := d.json.expect('[', "a list of numbers"); err != nil {
		return nil, inField("window", err)
	}
	values := make([]float64, 0, min(max(0, d.settings.WindowLen), sensor.MaxWindowLen))
	for d.json.more() {
		if len(values) == sensor.MaxWindowLen {
			return nil, fieldError("window", faultf(ErrTooLong, "found over %d values, want at most that many", sensor.MaxWindowLen))
		}
		f, err := d.json.number()
		if err != nil {
			return nil, inField(fmt.Sprintf("window[%d]", len(values)), err)
		}
		values = append(values, f)
	}
	return values, inField("window", d.json.close())
}

// runID, names and unitMap return the value of the last line if the text is the same.
func (d *windowDecoder) runID() (string, error) {
	v, err := d.json.raw()
	if err != nil || bytes.Equal(v, d.rawRun) {
		return d.run, err
	}
	d.run, err = parseText(v)
	d.rawRun = append(d.rawRun[:0], v...)
	return d.run, err
}

func (d *windowDecoder) names() ([]string, error) {
	v, err := d.json.raw()
	if err != nil || (d.order != nil && bytes.Equal(v, d.rawOrder)) {
		return d.order, err
	}
	if v.Kind() != '[' {
		return nil, wrongType(v, "a list of names")
	}
	var sub lineDecoder
	sub.reset(v)
	names := []string{}
	if err := sub.expect('[', "a list of names"); err != nil {
		return nil, err
	}
	for sub.more() {
		if len(names) == sensor.MaxWindowLen {
			return nil, faultf(ErrTooLong, "found over %d names, want at most that many", sensor.MaxWindowLen)
		}
		s, err := sub.text()
		if err != nil {
			return nil, err
		}
		names = append(names, s)
	}
	d.order, d.rawOrder = names, append(d.rawOrder[:0], v...)
	return names, nil
}

func (d *windowDecoder) unitMap() (map[string]string, error) {
	v, err := d.json.raw()
	if err != nil || (d.units != nil && bytes.Equal(v, d.rawUnits)) {
		return d.units, err
	}
	if v.Kind() != '{' {
		return nil, wrongType(v, "an object of names and units")
	}
	var sub lineDecoder
	if err := sub.begin(v); err != nil {
		return nil, err
	}
	units := map[string]string{}
	for sub.more() {
		name, err := sub.key()
		if err != nil {
			return nil, err
		}
		if units[string(name)], err = sub.text(); err != nil {
			return nil, err
		}
	}
	d.units, d.rawUnits = units, append(d.rawUnits[:0], v...)
	return units, nil
}

// AppendJSON appends the window as a line of dataset_raw.jsonl, with its line end, and
// returns the extended slice. Each number is the shortest text that reads back as the
// same float64; units are sorted by name. If a value is not finite or a string is not
// UTF-8, AppendJSON returns dst and an error.
func (w Window) AppendJSON(dst []byte) ([]byte, error) {
	b := append(dst, `{"ts_ms":`...)
	b = strconv.AppendInt(b, w.TsMs, 10)
	b = append(b, `,"run_id":`...)
	b, err := jsontext.AppendQuote(b, w.RunID)
	if err != nil {
		return dst, fieldError("run_id", err)
	}
	b = append(b, `,"window_id":`...)
	b = strconv.AppendInt(b, w.ID, 10)
	if w.Order != nil {
		b = append(b, `,"order":[`...)
		for i, name := range w.Order {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = jsontext.AppendQuote(b, name); err != nil {
				return dst, fieldError("order", err)
			}
		}
		b = append(b, ']')
	}
	if w.Units != nil {
		b = append(b, `,"units":{`...)
		for i, name := range slices.Sorted(maps.Keys(w.Units)) {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = jsontext.AppendQuote(b, name); err == nil {
				b, err = jsontext.AppendQuote(append(b, ':'), w.Units[name])
			}
			if err != nil {
				return dst, fieldError("units", err)
			}
		}
		b = append(b, '}')
	}
	b = append(b, `,"window":[`...)
	for i, v := range w.Values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return dst, fieldError(fmt.Sprintf("window[%d]", i), faultf(ErrNotFinite, "found %v, want a finite number", v))
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = appendFloat(b, v)
	}
	return append(b, "]}\n"...), nil
}

// appendFloat appends a finite number as JSON. Only numbers below 1e-6 or of 1e21 and
// above have an exponent.
func appendFloat(dst []byte, v float64) []byte {
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, v, format, -1, 64)
}
