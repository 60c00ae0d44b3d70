package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/inputfile"
)

// A Sample is one reading of the sensors.
type Sample struct {
	TsMs int64 // ms since 1970
	// Values has the values in the order of Order. The sample owns it.
	Values []float64
	// Order has the names of the values, Units the unit of each name that has one. If
	// Order is nil, twelve values are those of sensor.Motion, and others have no
	// names. Samples share both: do not modify them.
	Order []string
	Units map[string]string
}

// described returns the names and units of the values; nil if they have none.
func (s *Sample) described() ([]string, map[string]string) {
	if s.Order == nil && len(s.Values) == sensor.MotionDims {
		return sampleNames, sampleUnits
	}
	return s.Order, s.Units
}

// AppendJSON appends the sample as a line of a flat JSONL recording, with its line
// end, and returns the extended slice. If a value is not finite, it returns dst and
// an error that wraps ErrNotFinite; if not every value has a name, one that wraps
// ErrLength.
func (s Sample) AppendJSON(dst []byte) ([]byte, error) {
	order, _ := s.described()
	if len(order) != len(s.Values) {
		return dst, fieldError("order", faultf(ErrLength, "found %d names of %d values, want one for each", len(order), len(s.Values)))
	}
	b := append(dst, `{"ts_ms":`...)
	b = strconv.AppendInt(b, s.TsMs, 10)
	for i, v := range s.Values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return dst, fieldError(order[i], faultf(ErrNotFinite, "found %v, want a finite number", v))
		}
		var err error
		if b, err = jsontext.AppendQuote(append(b, ','), order[i]); err != nil {
			return dst, fieldError("order", err)
		}
		b = appendFloat(append(b, ':'), v)
	}
	return append(b, "}\n"...), nil
}

// The names and units of a motion sample.
var (
	sampleNames = sensor.Motion().Names()
	sampleUnits = sensor.Motion().Units()
)

// Fill decides what happens to a sample with a missing value: its key is absent or
// null, or its CSV cell is empty. FillDrop also leaves out a sample without a time,
// which is an error otherwise.
type Fill int

// Values of Fill.
const (
	FillError Fill = iota // return an error
	FillDrop              // leave the sample out
	// FillHold repeats the value of the sample before, however long ago that was: it
	// also holds a value across gaps. If no sample before had the value, it is an
	// error.
	FillHold
)

// ParseFill returns the Fill named error, drop or hold.
func ParseFill(name string) (Fill, error) {
	switch name {
	case "error":
		return FillError, nil
	case "drop":
		return FillDrop, nil
	case "hold":
		return FillHold, nil
	}
	return 0, fmt.Errorf("dataset: fill: found %q, want error, drop or hold", name)
}

// SampleSettings are settings for reading samples. With the zero value, samples are
// those of sensor.Motion, and a missing value is an error.
type SampleSettings struct {
	// Columns are the values to read and their names in the recording. nil: those of
	// sensor.Motion, under the names that OpenSamples lists. If they are invalid, the
	// sequence yields an error that wraps ErrSettings.
	Columns Columns
	Fill    Fill
	// Counts, if not nil, is set to zero at the start of each pass and counts its
	// samples. With Counts set, only one goroutine at a time may range over the
	// sequence.
	Counts *SampleCounts
}

// SampleCounts counts the samples of a pass.
type SampleCounts struct {
	Samples int // yielded
	Dropped int // left out by FillDrop
	Held    int // yielded with at least one value from FillHold
}

// OpenSamples yields the samples of a file, which it opens anew for each pass; a pipe or a
// device is an error. The
// extension of path decides the format: .csv is CSV, anything else is JSONL.
//
// JSONL has one object per line, with the twelve names of sensor.Motion as keys, or
// nested as gps{lat,lon,alt|altitude}, accel{ax,ay,az}, gyro{gx,gy,gz} and
// attitude|angle{roll,pitch,yaw}. CSV has a header row of the twelve names, in any
// order. settings.Columns names other values, and other names of these. Both also have a
// time, under the first of these names that is present: ts_ms (in ms), ts (in s),
// timestamp (ISO 8601; UTC if it has no zone). Other keys, other columns and blank lines
// are ignored.
//
// A last line without a line end that does not parse gives an error that wraps
// ErrIncompleteLine. If only digits of the last cell of a CSV file are missing,
// OpenSamples cannot detect it.
func OpenSamples(path string, settings SampleSettings) iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		f, size, err := inputfile.Open(path)
		if err != nil {
			yield(Sample{}, fileError(path, err))
			return
		}
		defer f.Close()
		var r io.Reader = f
		if size == 0 {
			r = strings.NewReader("")
		}
		ReadSamples(r, path, settings)(yield)
	}
}

// ReadSamples yields the samples of r, as OpenSamples does those of a file, in one
// pass. The name file appears in errors, and its extension decides the format. A
// sample is yielded as soon as r has yielded its line end, so that r may be a growing
// source.
func ReadSamples(r io.Reader, file string, settings SampleSettings) iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		if err := settings.Columns.Check(); err != nil {
			yield(Sample{}, err)
			return
		}
		l := settings.Columns.layout()
		n := len(l.order)
		d := sampleDecoder{file: file, lines: newLineReader(r), layout: l, fill: settings.Fill, counts: settings.Counts,
			row: row{layout: l, values: make([]float64, n), has: make([]bool, n)}}
		if d.counts == nil {
			d.counts = new(SampleCounts)
		}
		*d.counts = SampleCounts{}
		if d.isCSV = strings.EqualFold(filepath.Ext(file), ".csv"); d.isCSV {
			d.decode = (&sampleCSV{layout: l}).decode
		} else {
			d.decode = (&sampleJSON{layout: l, times: make([]jsontext.Value, len(l.times))}).decode
		}
		for {
			s, err := d.next()
			if err == io.EOF || !yield(s, err) || err != nil {
				return
			}
		}
	}
}

// row is the sample of a line before missing values are filled.
type row struct {
	layout  *layout
	tsMs    int64
	hasTime bool
	values  []float64
	has     []bool // whether each value is present
}

// reset makes all values missing.
func (r *row) reset() {
	r.hasTime = false
	clear(r.has)
}

// setTime sets the time.
func (r *row) setTime(ms int64) { r.tsMs, r.hasTime = ms, true }

// set sets value i.
func (r *row) set(i int, v float64) error {
	if r.has[i] {
		return faultf(ErrDuplicate, "found %s a second time, want it once", r.layout.order[i])
	}
	r.values[i], r.has[i] = v, true
	return nil
}

// errHeader reports a valid line without a sample: the header of a CSV file.
var errHeader = errors.New("dataset: header")

type sampleDecoder struct {
	file   string
	lines  *lineReader
	layout *layout
	isCSV  bool
	decode func(line []byte, ended bool, r *row) error
	row    row
	fill   Fill
	counts *SampleCounts
	last   []float64 // the values for FillHold; nil before the first sample
}

// next returns the next sample, an *Error, or io.EOF.
func (d *sampleDecoder) next() (Sample, error) {
	for {
		line, err := d.lines.next()
		if err == io.EOF {
			return Sample{}, io.EOF
		}
		if err != nil {
			return Sample{}, locate(d.file, d.lines.n, err)
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		d.row.reset()
		err = d.decode(line, d.lines.ended, &d.row)
		if err == errHeader {
			continue
		}
		var keep bool
		if err == nil {
			keep, err = d.complete(line)
		}
		if err != nil {
			return Sample{}, locate(d.file, d.lines.n, err)
		}
		if keep {
			d.counts.Samples++
			return Sample{TsMs: d.row.tsMs, Values: slices.Clone(d.row.values), Order: d.layout.order, Units: d.layout.units}, nil
		}
		d.counts.Dropped++
	}
}

// complete applies the fill policy and reports whether the sample is kept.
func (d *sampleDecoder) complete(line []byte) (bool, error) {
	r := &d.row
	missing := slices.Contains(r.has, false)
	if d.fill == FillDrop && (missing || !r.hasTime) {
		return false, nil
	}
	if !r.hasTime {
		return false, d.missing(line, d.layout.times[0].from, "found no time, want "+d.layout.timeText())
	}
	for i, has := range r.has {
		switch {
		case has:
		case d.fill != FillHold:
			return false, d.missing(line, d.layout.from[i], "found no value, want a number")
		case d.last == nil:
			return false, d.missing(line, d.layout.from[i], "found no value, and none in the samples before, want a number")
		default:
			r.values[i] = d.last[i]
		}
	}
	if missing {
		d.counts.Held++
	}
	d.last = append(d.last[:0], r.values...)
	return true, nil
}

// missing returns the error for a value that a line lacks. If a JSON object lacks the key
// of a column, it lists the keys that there are.
func (d *sampleDecoder) missing(line []byte, field, text string) error {
	if d.layout.named && !d.isCSV {
		text += "; the line has the keys " + topKeys(line)
	}
	return fieldError(field, faultf(ErrMissing, "%s", text))
}

// timeNames are the keys that a time may have, in descending priority.
var timeNames = []string{"ts_ms", "ts", "timestamp"}

// maxTsMs is the largest time for which float64 can represent every millisecond.
const maxTsMs = 1 << 53

// toMs returns the time t, whose form is one of timeNames, rounded to milliseconds.
func toMs(t float64, form string) (int64, error) {
	ms := t
	if form == "ts" {
		ms *= 1000
	}
	if !(math.Abs(ms) <= maxTsMs) {
		return 0, faultf(ErrType, "found %g, want a time within 2^53 ms of 1970", t)
	}
	return int64(math.Round(ms)), nil
}

// isoLayouts are the supported forms of ISO 8601, each with or without a fraction of
// a second.
var isoLayouts = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04:05",
	"20060102T150405Z0700", "20060102T150405Z07:00", "20060102T150405Z07", "20060102T150405",
}

func parseISO(s string) (int64, error) {
	text := strings.Replace(s, " ", "T", 1)
	for _, layout := range isoLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Round(time.Millisecond).UnixMilli(), nil
		}
	}
	return 0, faultf(ErrType, "found %q, want ISO 8601, such as 2026-01-02T03:04:05.678Z", excerpt([]byte(s)))
}
