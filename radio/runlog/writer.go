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

	"github.com/loralink/loralink-go/internal/filelock"
	"github.com/loralink/loralink-go/radio/link"
)

// ErrInUse reports a log that another Writer has open, in this process or another one.
var ErrInUse = filelock.ErrInUse

// Writer appends events to a log, each line by one write, so that a process that is
// killed loses at most the line it was writing. A power loss also loses the lines since
// the last Sync or Close. Except for Sync, its methods must not be called by several
// goroutines at once. A log has one Writer at a time, see [ErrInUse].
type Writer struct {
	f      *os.File
	header Header
	line   []byte
}

// OpenWriter opens the log of a run in the folder dir. It creates the folder and the
// file if they do not exist, and appends to a file that does. It cuts off an incomplete
// last line, which a killed process left. If another Writer has the log open, the error
// wraps [ErrInUse].
func OpenWriter(dir string, header Header) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("runlog: %w", err)
	}
	f, err := filelock.Open(filepath.Join(dir, header.FileName()))
	if err != nil {
		return nil, fmt.Errorf("runlog: %w", err)
	}
	if err := repairEnd(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("runlog: %s: %w", f.Name(), err)
	}
	return &Writer{f: f, header: header}, nil
}

// repairEnd positions the file at its end, after a complete line: it completes a last
// line that lacks only its line end, and cuts off an incomplete one.
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
		return fmt.Errorf("found a last line of more than %d bytes, want a log", maxLine)
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

// Path returns the path of the file.
func (w *Writer) Path() string { return w.f.Name() }

// Start appends the event that a run starts now.
func (w *Writer) Start(now time.Time, s Start) error {
	return w.append(Entry{Event: link.Event{Kind: EventRunStart, Time: now}, Start: &s})
}

// Write appends an event of a state machine of radio/link.
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

// Sync returns when the lines written so far are on disk. It may be called while another
// goroutine writes.
func (w *Writer) Sync() error {
	if err := w.f.Sync(); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	return nil
}

// Close flushes the log to disk and closes the file.
func (w *Writer) Close() error {
	if err := errors.Join(w.f.Sync(), w.f.Close()); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	return nil
}
