package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// Progress is a status line on a terminal, and nothing elsewhere. The zero
// value prints nothing.
type Progress struct {
	w     io.Writer
	start time.Time
	last  time.Time
}

// NewProgress returns a status line on w if w is a terminal.
func NewProgress(w io.Writer) *Progress {
	p := &Progress{start: time.Now()}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.w = w
	}
	return p
}

// Update shows what is done of total (0: unknown), at most ten times a second.
// It stays silent during the first second.
func (p *Progress) Update(what string, done, total int) {
	now := time.Now()
	if p.w == nil || now.Sub(p.start) < time.Second || now.Sub(p.last) < 100*time.Millisecond {
		return
	}
	p.last = now
	if total <= 0 {
		fmt.Fprintf(p.w, "\r\x1b[K%s %d", what, done)
		return
	}
	left := "?"
	if done > 0 {
		left = (now.Sub(p.start) * time.Duration(total-done) / time.Duration(done)).Round(time.Second).String()
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s %d/%d (%d %%, %s left)", what, done, total, 100*done/total, left)
}

// Clear removes the status line.
func (p *Progress) Clear() {
	if p.w != nil && !p.last.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
