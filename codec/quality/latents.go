package quality

import (
	"context"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/table"
)

// Latents has the ranges of a model's latents, before packing, over windows.
type Latents struct {
	Windows   int
	Low, High []float64 // of each latent
	// Saturation counts saturated integers. Its Total is 0 for packings without
	// integers.
	Saturation Saturation

	full float64 // largest latent that an integer holds; 0: no limit
}

// MeasureLatents encodes windows and returns the range of each latent.
func MeasureLatents(ctx context.Context, c *codec.BAM, windows iter.Seq2[dataset.Window, error]) (*Latents, error) {
	man := c.Model().Manifest
	l := &Latents{}
	if man.Packing.Integer() && man.Scale != nil {
		l.full = float64(man.Packing.MaxInt()) / *man.Scale
	}
	for range man.LatentDim {
		l.Low, l.High = append(l.Low, math.Inf(1)), append(l.High, math.Inf(-1))
	}
	var y []float32
	var payload []byte
	for w, err := range until(ctx, windows) {
		if err != nil {
			return nil, err
		}
		if y, err = c.AppendLatent(y[:0], w.Values); err == nil {
			payload, err = c.AppendEncode(payload[:0], w.Values)
		}
		if err != nil {
			return nil, fmt.Errorf("quality: window %d: %w", w.ID, err)
		}
		for k, v := range y {
			l.Low[k], l.High[k] = min(l.Low[k], float64(v)), max(l.High[k], float64(v))
		}
		count, total := c.Saturated(payload)
		l.Windows++
		l.Saturation.Count += count
		l.Saturation.Total += total
	}
	if l.Saturation.Total > 0 {
		l.Saturation.Rate = float64(l.Saturation.Count) / float64(l.Saturation.Total)
	}
	return l, nil
}

// WriteTable writes one line per latent with its range and, for integers, how much of
// the type's range it uses.
func (l *Latents) WriteTable(w io.Writer) {
	head := "\tfrom\tto"
	if l.full > 0 {
		head += "\tof the range"
	}
	rows := []string{head}
	for k := range l.Low {
		row := fmt.Sprintf("latent %d\t%s\t%s", k, table.Digits(l.Low[k]), table.Digits(l.High[k]))
		if l.full > 0 {
			row += fmt.Sprintf("\t%.0f %%", 100*max(-l.Low[k], l.High[k])/l.full)
		}
		rows = append(rows, row)
	}
	table.Write(w, rows...)
	if s := l.Saturation; s.Total > 0 {
		fmt.Fprintf(w, "saturated: %d of %d integers (%.2f %%)\n", s.Count, s.Total, 100*s.Rate)
	}
}
