package table

import (
	"fmt"
	"io"
	"math"
)

// Columns is a table with one column for each of several things that are set
// side by side, and one row for each of their figures.
type Columns[T any] struct {
	things []T
	rows   []string
}

// NewColumns returns an empty table of things.
func NewColumns[T any](things ...T) *Columns[T] { return &Columns[T]{things: things} }

// Row adds the row of a figure.
func (c *Columns[T]) Row(name string, cell func(T) string) {
	for _, t := range c.things {
		name += "\t" + cell(t)
	}
	c.rows = append(c.rows, name)
}

// Write writes the table.
func (c *Columns[T]) Write(w io.Writer) { Write(w, c.rows...) }

// Change writes a change in percent: "+12.5 %", or "the same" below 0.05 %.
func Change(pct float64) string {
	if math.Abs(pct) < 0.05 {
		return "the same"
	}
	return fmt.Sprintf("%+.1f %%", pct)
}
