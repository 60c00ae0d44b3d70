// Package table writes aligned tables and formats the numbers in them.
package table

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"
)

// Write writes rows whose cells are separated by tabs. It aligns the first cell of each
// row left, the others right. It ignores errors of w.
func Write(w io.Writer, rows ...string) {
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	width := 0
	for _, r := range rows {
		first, _, _ := strings.Cut(r, "\t")
		width = max(width, len([]rune(first)))
	}
	for _, r := range rows {
		first, rest, _ := strings.Cut(r, "\t")
		// AlignRight pads every cell on the left, so pad the first one on the right.
		first += strings.Repeat(" ", width-len([]rune(first)))
		fmt.Fprintf(tw, "%s\t%s\t\n", first, rest)
	}
	tw.Flush()
	for _, line := range strings.SplitAfter(b.String(), "\n") {
		fmt.Fprint(w, strings.TrimRight(line, " \n"))
		if strings.HasSuffix(line, "\n") {
			fmt.Fprintln(w)
		}
	}
}

// Millis returns a duration in ms as text, with one digit after the point if it is below
// 100 ms.
func Millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 100 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// Digits returns v as text with three significant digits, with an exponent only if its
// magnitude is above 0 and below 1e-4, or 1e7 or more.
func Digits(v float64) string {
	a := math.Abs(v)
	switch {
	case v == 0:
		return "0"
	case a >= 1e7:
		return fmt.Sprintf("%.2e", v)
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1:
		return fmt.Sprintf("%.2f", v)
	case a >= 1e-4:
		return fmt.Sprintf("%.*f", 2-int(math.Floor(math.Log10(a))), v)
	}
	return fmt.Sprintf("%.2e", v)
}
