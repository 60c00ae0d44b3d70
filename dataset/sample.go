package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/loralink/loralink-go/dataset/sensor"
)

// Sample is what the sensors read at one time: the values of sensor.Motion, in
// that order and those units.
type Sample struct {
	TsMs   int64 // ms since 1970
	Values [sensor.MotionDims]float64
}

// AppendJSON appends the sample as a line of a flat JSONL recording, its end
// included, and returns the extended slice; dst and an error where a value is
// not finite.
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

// What every sample shares.
var (
	sampleNames = sensor.Motion().Names()
	sampleUnits = sensor.Motion().Units()
)

// Fill is what to do with a sample that lacks a value: its key is absent or
// null, its CSV cell empty. A time is never filled in.
type Fill int

// What to do with a missing value.
const (
	FillError Fill = iota // fail
	FillDrop              // leave the sample out
	FillHold              // take the last value; fail where there is none yet
)

// ParseFill reads the names error, drop and hold.
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

// SampleSettings says how samples are read. The zero value is strict.
type SampleSettings struct {
	Fill Fill
	// Counts, where not nil, is set to zero when a pass starts and counts as it
	// goes. With it, one goroutine at a time may range over the sequence.
	Counts *SampleCounts
}

// SampleCounts is what became of the samples of a pass.
type SampleCounts struct {
	Samples int // yielded
	Dropped int // left out by FillDrop
	Held    int // yielded with a value that FillHold put in
}

// OpenSamples yields the samples of a file, which each range opens anew. The
// name's extension tells the format: .csv is CSV, anything else JSONL.
//
// JSONL is one object a line with the twelve names as keys, or nested as
// gps{lat,lon,alt|altitude}, accel{ax,ay,az}, gyro{gx,gy,gz} and
// attitude|angle{roll,pitch,yaw}. CSV has a header row of the twelve names, in
// any order. Either has a time besides, the first of these that is there:
// ts_ms (ms), ts (s), timestamp (ISO 8601; UTC where it names no zone). Other
// keys and columns are skipped, and so are blank lines.
//
// A last line that has no end and does not parse gives an error that matches
// ErrTornLine. A CSV row that lost only digits of its last cell cannot be told
// from a whole one without a line end, and is taken as it stands.
func OpenSamples(path string, opts SampleSettings) iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(Sample{}, fileError(path, err))
			return
		}
		defer f.Close()
		ReadSamples(f, path, opts)(yield)
	}
}

// ReadSamples is OpenSamples on a stream, for one pass. File names it in errors
// and by its extension tells the format. A sample is yielded as soon as the
// stream has given its line's end, so r may be a source that grows.
func ReadSamples(r io.Reader, file string, opts SampleSettings) iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		d := sampleDecoder{file: file, lines: newLineReader(r), fill: opts.Fill, counts: opts.Counts}
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

// row is a line's sample before missing values are seen to.
type row struct {
	Sample
	has uint16 // bit i: Values[i] is there; bit timeBit: TsMs is
}

const (
	timeBit = sensor.MotionDims
	hasAll  = 1<<(sensor.MotionDims+1) - 1
)

// set puts a value in its place.
func (r *row) set(i int, v float64) error {
	if r.has&(1<<i) != 0 {
		return faultf(ErrDuplicate, "found %s a second time, want it once", sampleNames[i])
	}
	r.Values[i] = v
	r.has |= 1 << i
	return nil
}

// errHeader is a line that holds no sample and is as it should be.
var errHeader = errors.New("dataset: a header")

type sampleDecoder struct {
	file   string
	lines  *lineReader
	decode func(line []byte, ended bool) (row, error)
	fill   Fill
	counts *SampleCounts
	last   row // what FillHold holds
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

// complete applies the fill policy and says whether the sample is kept.
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
			return false, fieldError(sampleNames[i], faultf(ErrMissing, "found no value and none before it to hold, want a number"))
		}
		r.Values[i] = d.last.Values[i]
	}
	if missing != 0 {
		d.counts.Held++
	}
	d.last.Values, d.last.has = r.Values, hasAll
	return true, nil
}

// timeNames are the keys a time may have, the one that counts first.
var timeNames = []string{"ts_ms", "ts", "timestamp"}

// maxTsMs keeps times where float64 holds every millisecond.
const maxTsMs = 1 << 53

// toMs rounds a time of timeNames[i] to whole milliseconds.
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

// isoLayouts are the forms of ISO 8601 that are read, all with or without a
// fraction of a second.
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
	return 0, faultf(ErrType, "found %q, want ISO 8601 as 2026-01-02T03:04:05.678Z", excerpt([]byte(s)))
}
