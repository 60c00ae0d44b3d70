package quality

import (
	"fmt"
	"math"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// OverTolerance has errors divided by tolerances: above 1, an error is beyond its
// tolerance. Errors of angles are taken modulo 360.
type OverTolerance struct {
	Tolerances []float64 `json:"tolerances"`
	MAE        float64   `json:"mae"`
	MSE        float64   `json:"mse"`
	// Worst has the largest quotient of each value of a step.
	Worst []float64 `json:"worst"`
	// Within is the share of windows without a quotient above 1.
	Within float64 `json:"within"`
}

// RungShare says how many windows one rung of a ladder encoded.
type RungShare struct {
	ID      string  `json:"id"` // of the codec
	Schema  string  `json:"payload_schema"`
	Bytes   int     `json:"payload_bytes"`
	Windows int     `json:"windows"`
	Share   float64 `json:"share"`
}

// overTally accumulates an OverTolerance. A nil one ignores what it is given.
type overTally struct {
	tolerances, worst []float64
	angles            []bool
	abs, sqr          float64
	windows, within   int
}

// newOverTally returns nil if there are no tolerances.
func newOverTally(tolerances []float64, angles []bool) *overTally {
	if tolerances == nil {
		return nil
	}
	return &overTally{tolerances: tolerances, worst: make([]float64, len(tolerances)), angles: angles}
}

func (t *overTally) add(want, got []float64) {
	if t == nil {
		return
	}
	largest := 0.0
	for i, v := range want {
		d := i % len(t.tolerances)
		e := math.Abs(sensor.Difference(v, got[i], t.angles[d])) / t.tolerances[d]
		t.abs += e
		t.sqr += float64(e * e)
		t.worst[d] = max(t.worst[d], e)
		largest = max(largest, e)
	}
	t.windows++
	if largest <= 1 {
		t.within++
	}
}

func (t *overTally) result(windowLen int) *OverTolerance {
	if t == nil || t.windows == 0 {
		return nil
	}
	n := float64(t.windows) * float64(windowLen)
	return &OverTolerance{t.tolerances, t.abs / n, t.sqr / n, t.worst, float64(t.within) / float64(t.windows)}
}

// unwrap adds full turns to the angles in got, so that they are nearest to want.
func unwrap(want, got []float64, angles []bool) {
	if angles == nil {
		return
	}
	for i, v := range want {
		if angles[i%len(angles)] {
			got[i] = v - math.Remainder(v-got[i], 360)
		}
	}
}

// payloads counts payloads by their length.
type payloads []int

// seen returns the lengths that some payload has, in ascending order.
func (p payloads) seen() []int {
	lengths := []int{}
	for n, count := range p {
		if count > 0 {
			lengths = append(lengths, n)
		}
	}
	return lengths
}

func (p payloads) mean() float64 {
	n, sum := 0, 0
	for length, count := range p {
		n += count
		sum += length * count
	}
	if n == 0 {
		return 0
	}
	return float64(sum) / float64(n)
}

// quantile returns the smallest length that at least the share q of payloads do not
// exceed.
func (p payloads) quantile(q float64) int {
	n := 0
	for _, count := range p {
		n += count
	}
	seen := 0
	for length, count := range p {
		if seen += count; count > 0 && float64(seen) >= float64(q*float64(n))-1e-9 {
			return length
		}
	}
	return 0
}

// rungShares returns nil unless c is a ladder.
func rungShares(c codec.Codec, p payloads) []RungShare {
	b, ok := c.(codec.Laddered)
	if !ok {
		return nil
	}
	var out []RungShare
	total := 0
	for _, r := range b.Rungs() {
		n := p[r.MaxPayloadLen()]
		total += n
		out = append(out, RungShare{ID: r.ID(), Schema: r.Schema(), Bytes: r.MaxPayloadLen(), Windows: n})
	}
	for i := range out {
		if total > 0 {
			out[i].Share = float64(out[i].Windows) / float64(total)
		}
	}
	return out
}

// RungNames returns short names for the rungs of a ladder: their ids, and for models
// the beginning of the model hash.
func RungNames(c codec.Laddered) []string {
	var names []string
	for _, r := range c.Rungs() {
		name := r.ID()
		if m, ok := r.(codec.Modelled); ok && m.ModelHash() != "" {
			name += fmt.Sprintf(" %.8s…", m.ModelHash())
		}
		names = append(names, name)
	}
	return names
}
