package e22

import (
	"fmt"
	"io"

	"github.com/loralink/loralink-go/internal/table"
)

// WriteTable writes every setting, one a line, and what they mean on the air.
func (r Registers) WriteTable(w io.Writer) {
	rows := []string{"setting\tvalue\tunit"}
	for _, f := range r.Fields() {
		rows = append(rows, f.Name+"\t"+f.Value+"\t"+f.Unit)
	}
	table.Write(w, rows...)
	r.writeAir(w)
}

// WriteChanges writes every setting as it was before a change, as it was wanted,
// and as it was found after it, and says which of them changed and which the
// module refused.
func WriteChanges(w io.Writer, before, wanted, after Registers) {
	rows := []string{"setting\tbefore\twanted\tafter\tunit\t"}
	wants, afters := wanted.Fields(), after.Fields()
	for i, f := range before.Fields() {
		note := ""
		switch {
		case afters[i].Value != wants[i].Value:
			note = "REFUSED"
		case afters[i].Value != f.Value:
			note = "changed"
		}
		rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", f.Name, f.Value, wants[i].Value, afters[i].Value, f.Unit, note))
	}
	table.Write(w, rows...)
	after.writeAir(w)
}

// writeAir writes what the settings mean on the air.
func (r Registers) writeAir(w io.Writer) {
	phy := r.PHY()
	fmt.Fprintf(w, "\nfrequency      %.3f MHz\n", float64(r.FrequencyHz())/1e6)
	fmt.Fprintf(w, "air data rate  about SF%d, %d kHz, 4/%d: %s for 32 bytes (an estimate)\n",
		phy.SF, phy.BandwidthHz/1000, phy.CodingRate+4, table.Millis(phy.TimeOnAir(32)))
}
