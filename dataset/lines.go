package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxLine is the cap of a line in bytes: a million values and more.
const maxLine = 16 << 20

// lineReader splits a stream into lines. It returns a line as soon as the
// stream has given its end, so that it can follow a growing source.
type lineReader struct {
	r    *bufio.Reader
	long []byte // a line that did not fit r's buffer
	n    int    // number of the line returned last, from one
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 64<<10)}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// next returns the next line without its end, valid until the next call, and
// whether it had an end. After the last line it returns io.EOF.
func (l *lineReader) next() (line []byte, ended bool, err error) {
	line, err = l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		l.long = l.long[:0]
		for errors.Is(err, bufio.ErrBufferFull) {
			l.long = append(l.long, line...)
			if len(l.long) > maxLine {
				l.n++
				return nil, false, faultf(ErrTooLong, "found a line of more than %d bytes, want at most that", maxLine)
			}
			line, err = l.r.ReadSlice('\n')
		}
		l.long = append(l.long, line...)
		line = l.long
	}
	if err == io.EOF && len(line) == 0 {
		return nil, false, io.EOF
	}
	l.n++
	if err != nil && err != io.EOF {
		return nil, false, err
	}
	if l.n == 1 {
		line = bytes.TrimPrefix(line, byteOrderMark)
	}
	return bytes.TrimRight(line, "\r\n"), err == nil, nil
}
