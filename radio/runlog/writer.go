package runlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/loralink/loralink-go/radio/link"
)

// Writer appends events to a log, each line by one write, so that a process that
// is killed loses at most the line it was writing. It belongs to one goroutine,
// and one file takes one Writer at a time.
type Writer struct {
	f      *os.File
	header Header
	line   []byte
}

// OpenWriter opens the log of a run in the folder dir. It creates folder and
// file where they are missing, and otherwise appends. An incomplete last line, which a
// killed process left, is cut off.
func OpenWriter(dir string, header Header) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("runlog: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, header.FileName()), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("runlog: %w", err)
	}
	if err := repairEnd(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("runlog: %s: %w", f.Name(), err)
	}
	return &Writer{f: f, header: header}, nil
}

// repairEnd leaves the file positioned at its end, after a complete line: it
// completes a last line that lacks only its line end, and cuts off an incomplete one.
func repairEnd(f *os.File) error {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	start := max(end-maxLine, 0)
	tail := make([]byte, end-start)
	if _, err := f.ReadAt(tail, start); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	complete := bytes.LastIndexByte(tail, '\n') + 1
	if complete == len(tail) {
		return nil
	}
	if complete == 0 && start > 0 {
		return fmt.Errorf("last line is longer than %d bytes, want a log", maxLine)
	}
	if json.Valid(tail[complete:]) {
		_, err := f.WriteString("\n")
		return err
	}
	if err := f.Truncate(start + int64(complete)); err != nil {
		return err
	}
	_, err = f.Seek(0, io.SeekEnd)
	return err
}

// Path is the path of the file.
func (w *Writer) Path() string { return w.f.Name() }

// Start appends the event that a run starts at the time at.
func (w *Writer) Start(at time.Time, s Start) error {
	return w.append(Entry{Event: link.Event{Kind: EventRunStart, At: at}, Start: &s})
}

// Write appends an event of a state machine.
func (w *Writer) Write(e link.Event) error { return w.append(Entry{Event: e}) }

func (w *Writer) append(e Entry) error {
	e.Header = w.header
	var err error
	if w.line, err = e.AppendJSON(w.line[:0]); err != nil {
		return err
	}
	if _, err := w.f.Write(w.line); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	return nil
}

// Close flushes the log to the disk and closes the file.
func (w *Writer) Close() error {
	if err := errors.Join(w.f.Sync(), w.f.Close()); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	return nil
}
