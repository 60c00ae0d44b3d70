// Package capture records the samples that a sensor sends as lines of JSON, such as a
// microcontroller on a serial port. It checks every line: what is no sample of
// package dataset is counted and left out, so that the recording can be read later.
package capture

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/errtext"
)

// maxLine is the longest line in bytes, without its line end. Longer ones are no
// samples.
const maxLine = 64 << 10

// Settings are the settings of [Lines]. The zero value is the default.
type Settings struct {
	// MaxLines is the number of samples after which Lines returns. 0: no limit.
	MaxLines int
	// Columns are the values that a sample must have. nil: those of sensor.Motion.
	Columns dataset.Columns
	// Now returns the time of a sample that has none. nil: time.Now.
	Now func() time.Time
	// Warn is called with an error for each line that is no sample. The error is that
	// of package dataset. It may be nil.
	Warn func(error)
	// Progress is called with the number of samples written so far, and with MaxLines.
	// It may be nil.
	Progress func(done, total int)
}

// Counts count the lines of a capture.
type Counts struct {
	Samples int // lines written
	Stamped int // samples among them that had no time
	Bad     int // lines left out, because they are no samples
	Blank   int // lines without a character but spaces
}

// ErrSettings is wrapped by errors about settings that are out of range.
var ErrSettings = errors.New("capture: invalid settings")

// Lines copies the samples that r yields as JSON, one per line, to w, until r ends, ctx
// ends or there are MaxLines. A line is written as it came, but with a line end of LF
// and, if it has no ts_ms, ts or timestamp, with the time of its arrival as ts_ms; other
// keys are kept. If Columns has the time, a line without it is no sample. Each line is one Write. The name is that of the source, for errors.
//
// If ctx ends, Lines returns an error that wraps the context's. It notices that only
// when a Read of r returns: r should return after some time without a byte, as a
// serial port with a read timeout does. The counts are valid with any error.
func Lines(ctx context.Context, w io.Writer, r io.Reader, name string, settings *Settings) (Counts, error) {
	if settings == nil {
		settings = &Settings{}
	}
	c := &capture{w: w, name: name, s: *settings}
	if c.s.MaxLines < 0 {
		return c.counts, fmt.Errorf("%w: MaxLines is %d, want 0 or more", ErrSettings, c.s.MaxLines)
	}
	if err := c.s.Columns.Check(); err != nil {
		return c.counts, fmt.Errorf("%w: Columns: %w", ErrSettings, errtext.TrimPrefix(err, dataset.ErrSettings.Error()+": "))
	}
	if c.s.Now == nil {
		c.s.Now = time.Now
	}
	buf := make([]byte, 4096)
	for {
		if err := ctx.Err(); err != nil {
			return c.counts, fmt.Errorf("capture: %w", err)
		}
		n, err := r.Read(buf)
		full, werr := c.add(buf[:n])
		switch {
		case werr != nil || full:
			return c.counts, werr
		case errors.Is(err, io.EOF):
			if len(c.line) > 0 {
				_, err := c.add([]byte{'\n'}) // the last line has no end
				return c.counts, err
			}
			return c.counts, nil
		case err != nil:
			return c.counts, fmt.Errorf("capture: %s: %w", name, err)
		}
	}
}

// capture is a run of Lines.
type capture struct {
	w       io.Writer
	name    string
	s       Settings
	counts  Counts
	number  int    // of the line, from 1
	line    []byte // that has not ended yet
	tooLong bool
}

// add adds bytes, and writes the lines that end in them. Full reports whether there are
// as many samples as wanted.
func (c *capture) add(b []byte) (full bool, err error) {
	for len(b) > 0 {
		part, rest, ended := bytes.Cut(b, []byte{'\n'})
		b = rest
		if len(c.line)+len(part) > maxLine {
			c.tooLong, part = true, nil
		}
		c.line = append(c.line, part...)
		if !ended {
			return false, nil
		}
		c.number++
		err := c.end()
		c.line, c.tooLong = c.line[:0], false
		if err != nil || c.s.MaxLines > 0 && c.counts.Samples >= c.s.MaxLines {
			return true, err
		}
	}
	return false, nil
}

// end writes the line if it is a sample.
func (c *capture) end() error {
	line := bytes.TrimSpace(c.line)
	if len(line) == 0 && !c.tooLong {
		c.counts.Blank++
		return nil
	}
	stamped, err := c.check(&line)
	if err != nil {
		c.counts.Bad++
		if c.s.Warn != nil {
			c.s.Warn(err)
		}
		return nil
	}
	if _, err := c.w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	c.counts.Samples++
	if stamped {
		c.counts.Stamped++
	}
	if c.s.Progress != nil {
		c.s.Progress(c.counts.Samples, c.s.MaxLines)
	}
	return nil
}

// check adds a time to a line that has none, and returns an error if the line is no
// sample.
func (c *capture) check(line *[]byte) (stamped bool, err error) {
	fault := func(err error) error {
		located := &dataset.Error{Err: err}
		errors.As(err, &located)
		return &dataset.Error{File: c.name, Line: c.number, Field: located.Field, Err: located.Err}
	}
	if c.tooLong {
		return false, fault(fmt.Errorf("found more than %d bytes, want a sample", maxLine))
	}
	var keys struct {
		TsMs      json.RawMessage `json:"ts_ms"`
		Ts        json.RawMessage `json:"ts"`
		Timestamp json.RawMessage `json:"timestamp"`
	}
	ownTime := len(c.s.Columns) > len(c.s.Columns.Schema()) // a column is no value
	if !ownTime && json.Unmarshal(*line, &keys) == nil && keys.TsMs == nil && keys.Ts == nil && keys.Timestamp == nil && len(*line) > 0 && (*line)[0] == '{' {
		b := strconv.AppendInt([]byte(`{"ts_ms":`), c.s.Now().UnixMilli(), 10)
		if rest := bytes.TrimSpace((*line)[1:]); rest[0] != '}' {
			b = append(b, ',')
		}
		*line, stamped = append(b, (*line)[1:]...), true
	}
	n := 0
	for _, err := range dataset.ReadSamples(bytes.NewReader(append(bytes.Clone(*line), '\n')), "line.jsonl", dataset.SampleSettings{Columns: c.s.Columns}) {
		if err != nil {
			return false, fault(err)
		}
		n++
	}
	if n != 1 {
		return false, fault(dataset.ErrEmpty)
	}
	return stamped, nil
}

// OpenFile opens a recording to append to, or creates it. If its last line has no end,
// OpenFile adds one, so that the next sample is on a line of its own.
func OpenFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err == nil && end > 0 {
		last := make([]byte, 1)
		if _, err = f.ReadAt(last, end-1); err == nil && last[0] != '\n' {
			_, err = f.WriteString("\n")
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("capture: %w", err), f.Close())
	}
	return f, nil
}
