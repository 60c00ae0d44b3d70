package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"unicode/utf8"
)

// maxLine is the largest length of a line on standard error, in bytes.
const maxLine = 2048

// A stream is standard output or standard error. What programs print may come from a
// file, so that it writes control characters other than tab and line end as \u001b, and
// bytes that are not UTF-8 as \xff: they could move the cursor or hide text. In JSON, the
// former stand for the same characters. It may be used by several goroutines.
type stream struct {
	w       io.Writer
	name    string
	maxLine int // in bytes; 0: any

	mutex sync.Mutex
	rest  []byte // the first bytes of a character whose others are to come
	line  int    // length of the line so far
	err   error  // of the first write that failed
}

func newStream(w io.Writer, name string, maxLine int) *stream {
	return &stream{w: w, name: name, maxLine: maxLine}
}

// file returns the file that s writes to; nil if it is none.
func (s *stream) file() *os.File {
	f, _ := s.w.(*os.File)
	return f
}

// Write writes b. It returns the error of the first write that failed, also later.
func (s *stream) Write(b []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	text := b
	if len(s.rest) > 0 {
		text = append(s.rest, b...)
		s.rest = nil
	}
	if end := incomplete(text); end < len(text) {
		s.rest = bytes.Clone(text[end:])
		text = text[:end]
	}
	s.write(s.clean(text))
	return len(b), s.err
}

// Close writes what is left and returns the error of the first write that failed.
func (s *stream) Close() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.write(s.clean(s.rest))
	s.rest = nil
	return s.err
}

func (s *stream) write(b []byte) {
	if s.err != nil || len(b) == 0 {
		return
	}
	if _, err := s.w.Write(b); err != nil {
		s.err = fmt.Errorf("%s: %w", s.name, err)
	}
}

// incomplete returns the length of b without the first bytes of a character whose others
// are missing.
func incomplete(b []byte) int {
	for i := len(b) - 1; i >= max(0, len(b)-utf8.UTFMax+1); i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return i
			}
			break
		}
	}
	return len(b)
}

// clean returns b with control characters escaped and long lines cut.
func (s *stream) clean(b []byte) []byte {
	if s.maxLine == 0 && harmless(b) {
		return b
	}
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		var char []byte
		switch {
		case r == '\n':
			s.line = -1
			char = b[:size]
		case r == utf8.RuneError && size == 1:
			char = fmt.Appendf(nil, `\x%02x`, b[0])
		case r < ' ' && r != '\t', r >= 0x7f && r < 0xa0, isFormat(r):
			char = fmt.Appendf(nil, `\u%04x`, r)
		default:
			char = b[:size]
		}
		b = b[size:]
		s.line += len(char)
		if end := s.maxLine - len("...\n"); s.maxLine > 0 && s.line > end {
			if s.line-len(char) <= end {
				out = append(out, "..."...)
			}
			continue
		}
		out = append(out, char...)
	}
	return out
}

// isFormat reports whether r changes the direction or the order of the text around it, or
// ends a line on some terminals.
func isFormat(r rune) bool {
	return r >= 0x200e && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// harmless reports whether b is printable ASCII, tabs and line ends.
func harmless(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}
