package train

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/loralink/loralink-go/internal/innersplit"
	"github.com/loralink/loralink-go/internal/table"
)

// WriteChoices writes tables of what inner validation compared, and which choice
// it picked: the methods that Auto compared, and the numbers of mixture components
// of packing bitpack. It writes nothing if there was nothing to compare.
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
	fmt.Fprintf(w, "Errors are mean squares of normalised values. A fold is every fifth block of %d windows. A method that does worse than\n%s on the last 40 %% or in one fold is not picked, and not tried further.\n",
		innersplit.Block, r.Choices[0].Method)
}

func (r *Report) writeComponents(w io.Writer) {
	picked := 0
	for i, c := range r.BitPack {
		if c.Score < r.BitPack[picked].Score {
			picked = i
		}
	}
	rows := []string{"components\tlast 40 % left out\tone fold left out"}
	for i, c := range r.BitPack {
		rows = append(rows, fmt.Sprintf("%s\t%s\t%s", mark(strconv.Itoa(1<<c.ComponentBits), i == picked), table.Digits(c.Temporal), table.Digits(c.Blocked)))
	}
	fmt.Fprintln(w, "Bitpack mixtures compared by their errors on training windows that were left out of the fit")
	table.Write(w, rows...)
	fmt.Fprintf(w, "Errors are mean squares of latents. The fold is every fifth block of %d windows.\n", innersplit.Block)
}

func mark(name string, picked bool) string {
	if picked {
		return name + " (picked)"
	}
	return name
}

// blocked returns the error in blocked cross-validation, or why it is not known.
func (c *MethodChoice) blocked(first *MethodChoice) string {
	switch {
	case c.Temporal > first.Temporal:
		return "not tried: lost on the last 40 %"
	case c.LostFold > 0:
		return fmt.Sprintf("lost fold %d", c.LostFold)
	case !c.Picked && c.Blocked == 0 && first.Blocked > 0:
		return "lost a fold"
	}
	return table.Digits(c.Blocked)
}

// layerSizes returns layer sizes as text, such as 24-16.
func layerSizes(dims []int) string {
	if len(dims) == 0 {
		return "none"
	}
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(dims), "[]"), " ", "-")
}
