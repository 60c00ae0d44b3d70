package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxLine is the largest length of a line in bytes, enough for over a million values.
const maxLine = 16 << 20

// lineReader splits a stream into lines. It returns a line as soon as the stream has
// yielded its line end, so that it can follow a growing source.
type lineReader struct {
	r    *bufio.Reader
	long []byte // a line that is longer than r's buffer

	// About the line that next returned last:
	n          int   // its number, from 1
	start, end int64 // its offsets in the stream, in bytes, with its line end
	ended      bool  // whether it has a line end
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 64<<10), ended: true}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// next returns the next line without its line end, valid until the next call. After
// the last line it returns io.EOF.
func (l *lineReader) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		l.long = l.long[:0]
		for errors.Is(err, bufio.ErrBufferFull) && len(l.long) <= maxLine {
			l.long = append(l.long, line...)
			line, err = l.r.ReadSlice('\n')
		}
		l.long = append(l.long, line...)
		line = l.long
	}
	if err == io.EOF && len(line) == 0 {
		return nil, io.EOF
	}
	l.n++
	if len(line) > maxLine {
		return nil, faultf(ErrTooLong, "found a line of more than %d bytes, want at most that many", maxLine)
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	l.start, l.end = l.end, l.end+int64(len(line))
	l.ended = err == nil
	if l.n == 1 {
		line = bytes.TrimPrefix(line, byteOrderMark)
	}
	return bytes.TrimRight(line, "\r\n"), nil
}
