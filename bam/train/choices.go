package train

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/loralink/loralink-go/internal/innersplit"
	"github.com/loralink/loralink-go/internal/table"
)

// WriteChoices writes tables of the alternatives that inner validation compared, with
// their errors and the picked one: the methods that Auto compared, and the numbers of
// mixture components of packing bitpack. If there was one alternative only, it writes
// nothing.
func (r *Report) WriteChoices(w io.Writer) error {
	var b strings.Builder
	if len(r.Choices) > 1 {
		r.writeMethods(&b)
	}
	if len(r.BitPack) > 1 {
		r.writeComponents(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) writeMethods(w io.Writer) {
	rows := []string{"\thidden\tdelta\tlast 40 % left out\tmean of five folds left out"}
	for _, c := range r.Choices {
		rows = append(rows, fmt.Sprintf("%s\t%s\t%g\t%s\t%s", mark(c.Method, c.Picked), layerSizes(c.HiddenDims), c.Delta, table.Digits(c.Temporal), c.blocked(&r.Choices[0])))
	}
	fmt.Fprintln(w, "Methods compared by their errors on training windows that were left out of the fit")
	table.Write(w, rows...)
	fmt.Fprintf(w, "Errors are mean squares of normalised values. A fold is every fifth block of %d windows. A method with a larger error than\n%s on the last 40 %% or in one fold is discarded.\n",
		innersplit.Block, r.Choices[0].Method)
}

func (r *Report) writeComponents(w io.Writer) {
	picked := 0
	for i, c := range r.BitPack {
		if c.Score < r.BitPack[picked].Score {
			picked = i
		}
	}
	rows := []string{"mixture components\tlast 40 % left out\tone fold left out"}
	for i, c := range r.BitPack {
		rows = append(rows, fmt.Sprintf("%s\t%s\t%s", mark(strconv.Itoa(1<<c.ComponentBits), i == picked), table.Digits(c.Temporal), table.Digits(c.Blocked)))
	}
	fmt.Fprintln(w, "Numbers of mixture components compared by their errors on training windows that were left out of the fit")
	table.Write(w, rows...)
	fmt.Fprintf(w, "Errors are mean squares of latents. The fold is every fifth block of %d windows.\n", innersplit.Block)
}

func mark(name string, picked bool) string {
	if picked {
		return name + " (picked)"
	}
	return name
}

// blocked returns the error in blocked cross-validation, or why it is unknown.
func (c *MethodChoice) blocked(first *MethodChoice) string {
	switch {
	case c.Temporal > first.Temporal:
		return "skipped: worse than " + first.Method + " on the last 40 %"
	case c.LostFold > 0:
		return fmt.Sprintf("worse than %s in fold %d", first.Method, c.LostFold)
	case !c.Picked && c.Blocked == 0 && first.Blocked > 0:
		return "worse than " + first.Method + " in a fold"
	}
	return table.Digits(c.Blocked)
}

// layerSizes returns layer sizes as text, such as "24-16".
func layerSizes(dims []int) string {
	if len(dims) == 0 {
		return "none"
	}
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(dims), "[]"), " ", "-")
}
