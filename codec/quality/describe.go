package quality

import (
	"fmt"
	"math"
	"slices"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/table"
)

// DescribePayload says in a few words what made a payload that c decodes: its
// length, the rung of a ladder, the codec, and saturated latents.
func DescribePayload(c codec.Codec, payload []byte) string {
	text := fmt.Sprintf("%d bytes", len(payload))
	if l, ok := c.(codec.Laddered); ok {
		if i, rungs := l.RungForLength(len(payload)), l.Rungs(); i >= 0 && i < len(rungs) {
			text += fmt.Sprintf(", rung %d of %d", i+1, len(rungs))
			c = rungs[i]
		}
	}
	text += " (" + c.ID() + ")"
	if s, ok := c.(codec.Saturating); ok {
		if count, total := s.Saturated(payload); count > 0 {
			text += fmt.Sprintf(", %d of %d latents saturated", count, total)
		}
	}
	return text
}

// DescribeError names the largest error of a window that came back as got, which
// has as many values, and the value that has it. The schema describes a step.
func DescribeError(schema sensor.Schema, window, got []float64) string {
	errors := make([]float64, len(window))
	for i, v := range window {
		errors[i] = math.Abs(v - got[i])
	}
	if len(errors) == 0 || len(schema) == 0 {
		return "no values"
	}
	largest := slices.Max(errors)
	at := max(0, slices.Index(errors, largest)) // not found where it is NaN
	return fmt.Sprintf("largest error %s in %s", table.Digits(largest), schema.Label(at%len(schema)))
}
