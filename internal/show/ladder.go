package show

import (
	"fmt"
	"io"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/radio"
)

// Ladder writes what each rung of a ladder carried, and how far the errors are
// from the tolerances. Names are the rungs', as a person wants to see them.
func Ladder(w io.Writer, e *quality.Evaluation, names []string) {
	rows := []string{"rung\tpayload\tSF7\tSF12\twindows\tshare"}
	for i, r := range e.Rungs {
		rows = append(rows, fmt.Sprintf("%s\t%d B\t%s\t%s\t%d\t%.1f %%", names[i], r.Bytes, airtime(7, r.Bytes), airtime(12, r.Bytes), r.Windows, 100*r.Share))
	}
	Table(w, rows...)
	fmt.Fprintf(w, "%s bytes a window on average, 99 %% take at most %d\n", Digits(e.MeanPayloadBytes), e.P99PayloadBytes)
	if e.Refused > 0 {
		fmt.Fprintf(w, "%d windows were refused: no rung brings them within the tolerances\n", e.Refused)
	}
	Tolerance(w, e)
}

// RungNames are short names of a ladder's rungs.
func RungNames(b *codec.Bounded) []string {
	var names []string
	for _, c := range b.Rungs() {
		name := c.ID()
		if m, ok := c.(*codec.BAM); ok {
			name = fmt.Sprintf("%s %.8s…", name, m.Model().Hash())
		}
		names = append(names, name)
	}
	return names
}

// Tolerance writes the worst error of each value of a step over its tolerance.
func Tolerance(w io.Writer, e *quality.Evaluation) {
	over := e.OverTolerance
	if over == nil {
		return
	}
	fmt.Fprintf(w, "\nErrors over tolerance: mean %s, mean square %s; %.4g %% of the windows within\n", Digits(over.MAE), Digits(over.MSE), 100*over.Within)
	rows := []string{"\ttolerance\tworst error\tover tolerance"}
	for i, tol := range over.Tolerances {
		s := e.BySensor[i]
		unit := ""
		if s.Unit != "" {
			unit = " " + s.Unit
		}
		rows = append(rows, fmt.Sprintf("%s\t%g%s\t%s%s\t%s", s.Sensor, tol, unit, Digits(over.Worst[i]*tol), unit, Digits(over.Worst[i])))
	}
	Table(w, rows...)
}

// airtime is the time on air of a payload of n bytes at 125 kHz, 4/5.
func airtime(sf, n int) string {
	if n > codec.MaxPayloadBytes {
		return "no frame"
	}
	phy := radio.PHY{SF: sf, BandwidthHz: 125000, CodingRate: 1, Preamble: 8, ExplicitHeader: true}
	return Millis(phy.TimeOnAir(radio.HeaderLen + n))
}
