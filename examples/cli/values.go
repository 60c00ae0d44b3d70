package cli

import (
	"flag"
	"io"
	"time"

	"github.com/loralink/loralink-go/internal/flagvalue"
	"github.com/loralink/loralink-go/internal/table"
)

// Ints is a flag of comma-separated integers, as 24,16, that sets dst.
func Ints(dst *[]int) flag.Value { return (*flagvalue.Ints)(dst) }

// Floats is a flag of comma-separated finite numbers, as 0.5,3, that sets dst.
func Floats(dst *[]float64) flag.Value { return (*flagvalue.Floats)(dst) }

// Strings is a flag of comma-separated words that may be given several times,
// each time adding to dst.
func Strings(dst *[]string) flag.Value { return (*flagvalue.Strings)(dst) }

// Table writes rows whose cells are separated by tabs, aligned: the first column
// left, the others right.
func Table(w io.Writer, rows ...string) { table.Write(w, rows...) }

// Digits writes v with three significant digits.
func Digits(v float64) string { return table.Digits(v) }

// Millis writes a duration in ms, with one digit after the point below 100 ms.
func Millis(d time.Duration) string { return table.Millis(d) }
