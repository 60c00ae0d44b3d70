package e22

import (
	"fmt"
	"io"

	"github.com/loralink/loralink-go/internal/table"
)

// WriteTable writes all registers, one per line, and the frequency, PHY and time on
// air that follow from them.
func (r Registers) WriteTable(w io.Writer) {
	rows := []string{"register\tvalue\tunit"}
	for _, f := range r.Fields() {
		rows = append(rows, f.Name+"\t"+f.Value+"\t"+f.Unit)
	}
	table.Write(w, rows...)
	r.writeAir(w)
}

// WriteChanges writes a table of all registers: their values before a change, the
// wanted ones, those found after the change, and whether the register changed or
// the module ignored it.
func WriteChanges(w io.Writer, before, want, after Registers) {
	rows := []string{"register\tbefore\twant\tafter\tunit\t"}
	wants, afters := want.Fields(), after.Fields()
	for i, f := range before.Fields() {
		note := ""
		switch {
		case afters[i].Value != wants[i].Value:
			note = "IGNORED"
		case afters[i].Value != f.Value:
			note = "changed"
		}
		rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", f.Name, f.Value, wants[i].Value, afters[i].Value, f.Unit, note))
	}
	table.Write(w, rows...)
	after.writeAir(w)
}

// writeAir writes the frequency, PHY and time on air of the registers.
func (r Registers) writeAir(w io.Writer) {
	phy := r.PHY()
	fmt.Fprintf(w, "\nfrequency      %.3f MHz\n", float64(r.FrequencyHz())/1e6)
	fmt.Fprintf(w, "air data rate  about SF%d, %d kHz, 4/%d: %s for 32 bytes (an estimate)\n",
		phy.SF, phy.BandwidthHz/1000, phy.CodingRate+4, table.Millis(phy.TimeOnAir(32)))
}
