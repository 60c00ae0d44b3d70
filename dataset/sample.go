package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/inputfile"
)

// A Sample is one reading of the sensors: the values of sensor.Motion, in that order
// and in those units.
type Sample struct {
	TsMs   int64 // ms since 1970
	Values [sensor.MotionDims]float64
}

// AppendJSON appends the sample as a line of a flat JSONL recording, with its line
// end, and returns the extended slice. If a value is not finite, it returns dst and
// an error that wraps ErrNotFinite.
func (s Sample) AppendJSON(dst []byte) ([]byte, error) {
	b := append(dst, `{"ts_ms":`...)
	b = strconv.AppendInt(b, s.TsMs, 10)
	for i, v := range s.Values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return dst, fieldError(sampleNames[i], faultf(ErrNotFinite, "found %v, want a finite number", v))
		}
		b = append(b, `,"`...)
		b = append(b, sampleNames[i]...)
		b = append(b, `":`...)
		b = appendFloat(b, v)
	}
	return append(b, "}\n"...), nil
}

// The names and units of every sample.
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

// SampleSettings are settings for reading samples. With the zero value, a missing
// value is an error.
type SampleSettings struct {
	Fill Fill
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
// JSONL has one object per line, with the twelve names as keys, or nested as
// gps{lat,lon,alt|altitude}, accel{ax,ay,az}, gyro{gx,gy,gz} and
// attitude|angle{roll,pitch,yaw}. CSV has a header row of the twelve names, in any
// order. Both also have a time, under the first of these names that is present:
// ts_ms (in ms), ts (in s), timestamp (ISO 8601; UTC if it has no zone). Other keys,
// other columns and blank lines are ignored.
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
		d := sampleDecoder{file: file, lines: newLineReader(r), fill: settings.Fill, counts: settings.Counts}
		if d.counts == nil {
			d.counts = new(SampleCounts)
		}
		*d.counts = SampleCounts{}
		d.decode = new(sampleJSON).decode
		if strings.EqualFold(filepath.Ext(file), ".csv") {
			d.decode = new(sampleCSV).decode
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
	Sample
	has uint16 // bit i: Values[i] is present; bit timeBit: TsMs is present
}

const (
	timeBit = sensor.MotionDims
	hasAll  = 1<<(sensor.MotionDims+1) - 1
)

// set sets value i.
func (r *row) set(i int, v float64) error {
	if r.has&(1<<i) != 0 {
		return faultf(ErrDuplicate, "found %s a second time, want it once", sampleNames[i])
	}
	r.Values[i] = v
	r.has |= 1 << i
	return nil
}

// errHeader reports a valid line without a sample: the header of a CSV file.
var errHeader = errors.New("dataset: header")

type sampleDecoder struct {
	file   string
	lines  *lineReader
	decode func(line []byte, ended bool) (row, error)
	fill   Fill
	counts *SampleCounts
	last   row // the values for FillHold
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
		r, err := d.decode(line, d.lines.ended)
		if err == errHeader {
			continue
		}
		var keep bool
		if err == nil {
			keep, err = d.complete(&r)
		}
		if err != nil {
			return Sample{}, locate(d.file, d.lines.n, err)
		}
		if keep {
			d.counts.Samples++
			return r.Sample, nil
		}
		d.counts.Dropped++
	}
}

// complete applies the fill policy and reports whether the sample is kept.
func (d *sampleDecoder) complete(r *row) (bool, error) {
	missing := hasAll &^ r.has
	if missing != 0 && d.fill == FillDrop {
		return false, nil
	}
	if missing&(1<<timeBit) != 0 {
		return false, fieldError("ts_ms", faultf(ErrMissing, "found no time, want ts_ms, ts or timestamp"))
	}
	for i := range sensor.MotionDims {
		if missing&(1<<i) == 0 {
			continue
		}
		if d.fill != FillHold {
			return false, fieldError(sampleNames[i], faultf(ErrMissing, "found no value, want a number"))
		}
		if d.last.has&(1<<i) == 0 {
			return false, fieldError(sampleNames[i], faultf(ErrMissing, "found no value, and none in the samples before, want a number"))
		}
		r.Values[i] = d.last.Values[i]
	}
	if missing != 0 {
		d.counts.Held++
	}
	d.last.Values, d.last.has = r.Values, hasAll
	return true, nil
}

// timeNames are the keys that a time may have, in descending priority.
var timeNames = []string{"ts_ms", "ts", "timestamp"}

// maxTsMs is the largest time for which float64 can represent every millisecond.
const maxTsMs = 1 << 53

// toMs returns the time t under the key timeNames[i], rounded to milliseconds.
func toMs(t float64, i int) (int64, error) {
	ms := t
	if timeNames[i] == "ts" {
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
