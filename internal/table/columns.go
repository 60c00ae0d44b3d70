package table

import (
	"fmt"
	"io"
	"math"
)

// Columns is a table with one column for each item of a comparison, and one row for each
// of their figures.
type Columns[T any] struct {
	items []T
	rows  []string
}

// NewColumns returns a table of the items, without rows.
func NewColumns[T any](items ...T) *Columns[T] { return &Columns[T]{items: items} }

// Row adds a row: the name of a figure and, for each item, the text that cell returns.
func (c *Columns[T]) Row(name string, cell func(T) string) {
	for _, t := range c.items {
		name += "\t" + cell(t)
	}
	c.rows = append(c.rows, name)
}

// Write writes the table, like the function Write.
func (c *Columns[T]) Write(w io.Writer) { Write(w, c.rows...) }

// Change returns a change in percent as text, such as "+12.5 %"; "the same" if it is
// below 0.05 %.
func Change(pct float64) string {
	if math.Abs(pct) < 0.05 {
		return "the same"
	}
	return fmt.Sprintf("%+.1f %%", pct)
}
