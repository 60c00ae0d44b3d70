package dataset

import (
	"bufio"
	"errors"
	"io"
	"iter"
	"os"

	"github.com/loralink/loralink-go/internal/atomicfile"
)

// A Record is a Window or a Sample.
type Record interface {
	// AppendJSON appends the record as a line, with its line end, to dst and returns
	// the extended slice.
	AppendJSON(dst []byte) ([]byte, error)
}

// WriteFile writes the records to the file at path, one per line, and returns their
// number. Windows make a data set, samples a recording. WriteFile replaces an existing
// file only after it has written everything; after an error, path is as before.
func WriteFile[T Record](path string, records iter.Seq2[T, error]) (int, error) {
	n := 0
	var failed error // from the records, not from the file
	err := atomicfile.Write(path, func(f io.Writer) error {
		out := bufio.NewWriterSize(f, 64<<10)
		var line []byte
		for r, err := range records {
			if err == nil {
				if line, err = r.AppendJSON(line[:0]); err != nil {
					err = locate(path, n+1, err)
				}
			}
			if err != nil {
				failed = err
				return err
			}
			if _, err := out.Write(line); err != nil {
				return err
			}
			n++
		}
		return out.Flush()
	})
	if failed != nil {
		return 0, failed
	}
	if err != nil {
		return 0, fileError(path, err)
	}
	return n, nil
}

// A Writer appends windows to a dataset_raw.jsonl one by one. It writes each line with
// one system call, so that a killed process loses at most the line it was writing. A
// Writer is not safe for concurrent use. A file must have one Writer at a time, also
// among processes: OpenWriter does not lock it, and two Writers corrupt it.
type Writer struct {
	path string
	f    file
	size int64 // length of the complete lines
	next int64 // lowest window_id that is not in use
	len  int   // values per window; 0: as in the first window
	line []byte
	err  error // if not nil, the end of the file is unknown
}

// file has the methods of *os.File that a Writer uses, so that tests can make them fail.
type file interface {
	io.WriteSeeker
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// OpenWriter opens the data set at path, or creates it. It reads an existing file: it
// cuts off an incomplete last line, and adds a missing line end to a complete one. If
// any other line is not a record, OpenWriter returns an error and leaves the file
// unchanged.
func OpenWriter(path string) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fileError(path, err)
	}
	w := &Writer{path: path, f: f}
	if err := w.resume(f); err != nil {
		f.Close()
		return nil, err
	}
	return w, nil
}

// resume finds where to append and repairs the last line.
func (w *Writer) resume(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return fileError(w.path, err)
	}
	if !info.Mode().IsRegular() {
		return &Error{File: w.path, Err: errors.New("found something other than a regular file, want a file to append to")}
	}
	d := newWindowDecoder(f, w.path, WindowSettings{})
	ended := true
	for {
		win, err := d.next()
		if err == io.EOF {
			w.size, ended = d.lines.end, d.lines.ended
			break
		}
		if errors.Is(err, ErrIncompleteLine) {
			// The incomplete line had an ID, which another program may have seen.
			w.size = d.lines.start
			w.next++
			break
		}
		if err != nil {
			return err
		}
		w.next = max(w.next, win.ID+1)
		w.len = len(win.Values)
	}
	if err := w.f.Truncate(w.size); err != nil {
		return fileError(w.path, err)
	}
	if _, err := w.f.Seek(w.size, io.SeekStart); err != nil {
		return fileError(w.path, err)
	}
	if !ended {
		return w.write([]byte("\n"))
	}
	return nil
}

// NextID returns the lowest window_id that Write accepts: above all in the file, and
// above that of an incomplete line that was cut off. Use it as
// WindowerSettings.FirstID to continue a data set.
func (w *Writer) NextID() int64 { return w.next }

// Write appends a window. Its ID must be at least NextID, and it must have as many
// values as the windows before. After an error the file ends with the last window
// written, and Write can be called with further windows.
func (w *Writer) Write(win Window) error {
	if w.err != nil {
		return w.err
	}
	if win.ID < w.next {
		return &Error{File: w.path, Field: "window_id", Err: faultf(ErrDuplicate, "found %d, want at least %d: lower ones may be in use", win.ID, w.next)}
	}
	if w.len > 0 && len(win.Values) != w.len {
		return &Error{File: w.path, Field: "window", Err: faultf(ErrLength, "found %d values, want %d, as in the windows before", len(win.Values), w.len)}
	}
	var err error
	if w.line, err = win.AppendJSON(w.line[:0]); err != nil {
		return locate(w.path, 0, err)
	}
	if err := w.write(w.line); err != nil {
		return err
	}
	w.next = win.ID + 1
	w.len = len(win.Values)
	return nil
}

// write appends b. If it fails, it removes the part that was written.
func (w *Writer) write(b []byte) error {
	n, err := w.f.Write(b)
	if err == nil {
		w.size += int64(n)
		return nil
	}
	err = fileError(w.path, err)
	if n > 0 {
		_, seek := w.f.Seek(w.size, io.SeekStart)
		if errors.Join(w.f.Truncate(w.size), seek) != nil {
			w.err = err
		}
	}
	return err
}

// Close flushes the file to the disk and closes it.
func (w *Writer) Close() error {
	if err := errors.Join(w.f.Sync(), w.f.Close()); err != nil {
		return fileError(w.path, err)
	}
	return nil
}
