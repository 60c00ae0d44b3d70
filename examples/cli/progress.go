package cli

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// quiet is how long a program works before it shows progress.
const quiet = time.Second

// Progress shows on a terminal how far a program is, and nothing elsewhere. The
// zero value shows nothing.
type Progress struct {
	w     io.Writer // nil: shows nothing
	start time.Time
	bar   *progressbar.ProgressBar // nil before the first second is over
	total int
}

// NewProgress returns progress on w if w is a terminal.
func NewProgress(w io.Writer) *Progress {
	p := &Progress{start: time.Now()}
	f, _ := w.(*os.File)
	if s, ok := w.(*stream); ok {
		f = s.file()
	}
	if f != nil && term.IsTerminal(int(f.Fd())) {
		p.w = f
	}
	return p
}

// Update shows what is done of total (0: unknown). It stays silent during the
// first second.
func (p *Progress) Update(what string, done, total int) {
	if p.w == nil || time.Since(p.start) < quiet {
		return
	}
	if total <= 0 {
		total = -1
	}
	if p.bar == nil || p.total != total {
		p.total = total
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(p.w),
			progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(),
			progressbar.OptionSetWidth(20),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetSpinnerChangeInterval(0), // no goroutine
			progressbar.OptionClearOnFinish(),
			progressbar.OptionUseANSICodes(true),
		)
	}
	p.bar.Describe(what)
	_ = p.bar.Set(done) // an error of the terminal is no fault of the work
}

// Clear removes what Update showed.
func (p *Progress) Clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}
