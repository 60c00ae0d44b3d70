package dataset

import (
	"bufio"
	"errors"
	"io"
	"iter"
	"os"

	"github.com/loralink/loralink-go/internal/atomicfile"
)

// Record is what WriteFile writes: a Window or a Sample.
type Record interface {
	// AppendJSON appends the record as a line, its end included.
	AppendJSON(dst []byte) ([]byte, error)
}

// WriteFile replaces path by the records, one a line, and returns how many
// there were: windows make a data set, samples a recording. The file appears
// whole under its name or, on any error, not at all.
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

// Writer appends windows to a dataset_raw.jsonl as they come, each line by one
// write, so that a killed process loses at most the line it was writing. It is
// not safe for concurrent use, and one file takes one Writer at a time.
type Writer struct {
	path string
	f    file
	size int64 // of the whole lines
	next int64 // lowest window_id not used yet
	len  int   // values of a window; 0: the first decides
	line []byte
	err  error // after it, the file's end is unknown
}

// file is what a Writer needs of an *os.File; tests let it fail.
type file interface {
	io.WriteSeeker
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// OpenWriter opens the data set at path, or creates it. It reads what is there: a
// torn last line is cut off, and a last line that only lacks its end gets it. If
// anything else is not a record, OpenWriter fails and leaves the file as it was.
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
		return &Error{File: w.path, Err: errors.New("found something other than a file, want a file to append to")}
	}
	d := newWindowDecoder(f, w.path, WindowSettings{})
	ended := true
	for {
		win, err := d.next()
		if err == io.EOF {
			w.size, ended = d.lines.end, d.lines.ended
			break
		}
		if errors.Is(err, ErrTornLine) {
			// The torn line had an id, which something may have seen.
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

// NextID is the lowest window_id that Write takes: above every one in the file,
// and above that of a torn line that was cut off. A run that goes on with a data
// set starts its Windower's NextID here.
func (w *Writer) NextID() int64 { return w.next }

// Write appends a window. Its ID must not be below NextID, and it must have as
// many values as the others. After an error the file ends with the last window
// written, and further windows may be tried.
func (w *Writer) Write(win Window) error {
	if w.err != nil {
		return w.err
	}
	if win.ID < w.next {
		return &Error{File: w.path, Field: "window_id", Err: faultf(ErrDuplicate, "found %d, want at least %d: lower ones are in use", win.ID, w.next)}
	}
	if w.len > 0 && len(win.Values) != w.len {
		return &Error{File: w.path, Field: "window", Err: faultf(ErrLength, "found %d values, want %d as the others have", len(win.Values), w.len)}
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

// write appends bytes, or none of them.
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

// Close makes sure that what was written is on the disk, and closes the file.
func (w *Writer) Close() error {
	if err := errors.Join(w.f.Sync(), w.f.Close()); err != nil {
		return fileError(w.path, err)
	}
	return nil
}
