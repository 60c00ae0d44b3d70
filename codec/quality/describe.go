package quality

import (
	"fmt"
	"math"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/table"
)

// DescribePayload returns text such as "7 bytes, rung 2 of 3 (grid)" about a payload that
// c decodes: its length, its rung if c is a ladder, the codec, the window that it builds
// on, and saturated latents.
func DescribePayload(c codec.Codec, payload []byte) string {
	text := fmt.Sprintf("%d bytes", len(payload))
	if l, ok := c.(codec.Laddered); ok {
		if i, rungs := l.RungForLength(len(payload)), l.Rungs(); i >= 0 && i < len(rungs) {
			text += fmt.Sprintf(", rung %d of %d", i+1, len(rungs))
			c = rungs[i]
		}
	}
	text += " (" + c.ID() + ")"
	if m, ok := c.(codec.Stateful); ok {
		if n := m.Reference(payload); n == 0 {
			text += ", a key frame"
		} else {
			text += fmt.Sprintf(", builds on the window %d before", n)
		}
	}
	if s, ok := c.(codec.Saturating); ok {
		if count, total := s.Saturated(payload); count > 0 {
			text += fmt.Sprintf(", %d of %d latents saturated", count, total)
		}
	}
	return text
}

// DescribeError names the value of a window with the largest error relative to its
// default tolerance, and that error in its unit. Values without a default tolerance are
// compared by their errors alone, and only if no value has one. Angles are compared
// modulo 360. Schema describes a step; want and got are the window as encoded and as
// decoded.
func DescribeError(schema sensor.Schema, want, got []float64) string {
	if len(schema) == 0 || len(want) == 0 || len(want) != len(got) {
		return "no values to compare"
	}
	worst, largest, bounded := 0, -1.0, false
	for i, v := range want {
		d := schema[i%len(schema)]
		e := math.Abs(sensor.Difference(v, got[i], d.Angle))
		if d.Tolerance > 0 {
			e /= d.Tolerance
		} else if bounded {
			continue
		}
		if d.Tolerance > 0 && !bounded || !(e <= largest) { // NaN is the largest
			worst, largest, bounded = i, e, d.Tolerance > 0
		}
	}
	d := worst % len(schema)
	e := math.Abs(sensor.Difference(want[worst], got[worst], schema[d].Angle))
	unit := ""
	if schema[d].Unit != "" {
		unit = " " + schema[d].Unit
	}
	return fmt.Sprintf("largest error %s%s (%s)", table.Digits(e), unit, schema.Label(d))
}
