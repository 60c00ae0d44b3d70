package quality

import (
	"context"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/table"
)

// Comparison has the evaluation of a codec and of baselines on the same windows. Its
// JSON has the Evaluation and the Drift.
type Comparison struct {
	*Evaluation
	Drift *Drift `json:"drift"`
	// Training has the statistics of the training windows.
	Training *Training `json:"-"`
	// Baselines are the mean and PCA, with no more bytes than the codec's mean
	// payload, rounded up.
	Baselines []Baseline `json:"-"`
	// Grid is a ladder of a uniform grid fitted to the training windows, and of the
	// codec's last rung for windows out of its range. It is nil unless the codec is
	// a ladder.
	Grid *Baseline `json:"-"`

	codec codec.Codec
	norm  *bam.Norm
}

// CompareSettings are the settings of Compare. The zero value is the default.
type CompareSettings struct {
	// Norm has the mean and deviation of every value of a window over the windows
	// that the codec was trained on, for ZScored and Drift. Nil means those of the
	// training windows given to Compare.
	Norm *bam.Norm
	// Tolerances is Settings.Tolerances.
	Tolerances []float64
}

// Compare evaluates a codec on test windows, next to baselines that are fitted to
// training windows. It ranges over both several times, so they must be re-iterable.
// The codec must tell its codec.SensorSchema. Without test windows all figures are
// zero.
func Compare(ctx context.Context, c codec.Codec, test, training iter.Seq2[dataset.Window, error], settings CompareSettings) (*Comparison, error) {
	schema := codec.SensorSchema(c)
	study, err := NewTraining(ctx, training, schema)
	if err != nil {
		return nil, err
	}
	out := &Comparison{Training: study, codec: c, norm: settings.Norm}
	if out.norm == nil {
		out.norm = study.Norm
	}
	if out.Evaluation, err = Evaluate(ctx, c, test, Settings{Std: out.norm.Std, Tolerances: settings.Tolerances}); err != nil {
		return nil, err
	}
	if out.Drift, err = MeasureDrift(ctx, test, out.norm, schema); err != nil {
		return nil, err
	}
	if out.Baselines, err = study.Baselines(ctx, out.bytes(), test, out.norm.Std); err != nil {
		return nil, err
	}
	if out.Grid, err = gridBaseline(ctx, c, test, training); err != nil {
		return nil, err
	}
	return out, nil
}

// bytes returns the mean payload, rounded up.
func (c *Comparison) bytes() int { return int(math.Ceil(c.MeanPayloadBytes)) }

// gridBaseline returns nil unless c is a ladder with an error bound.
func gridBaseline(ctx context.Context, c codec.Codec, test, training iter.Seq2[dataset.Window, error]) (*Baseline, error) {
	ladder, ok := c.(interface {
		codec.Laddered
		codec.Bounded
		codec.Windowed
	})
	if !ok {
		return nil, nil
	}
	bounds := fit.Bounds{Schema: codec.SensorSchema(c), Tolerances: ladder.Tolerances()}
	fitted, err := fit.Grid(ctx, fit.Values(training), &fit.GridSettings{Bounds: bounds})
	if err != nil {
		return nil, err
	}
	rungs := ladder.Rungs()
	behind := rungs[len(rungs)-1:]
	if fitted.Codec.MaxPayloadLen() < behind[0].MaxPayloadLen() {
		behind = []codec.Codec{fitted.Codec, behind[0]}
	}
	grid, err := codec.NewLadder(ladder.Window(), bounds.Schema, bounds.Tolerances, behind...)
	if err != nil {
		return nil, err
	}
	ones := make([]float64, c.WindowLen()) // only the lengths count
	for i := range ones {
		ones[i] = 1
	}
	e, err := Evaluate(ctx, grid, test, Settings{Std: ones})
	if err != nil {
		return nil, err
	}
	return &Baseline{"uniform grid", fitted.Codec.MaxPayloadLen(), e}, nil
}

// Latitude returns the mean latitude of the test windows in degrees, which converts
// degrees of longitude to metres. It has no meaning unless a step begins with a
// latitude.
func (c *Comparison) Latitude() float64 {
	return c.norm.Mean[0] + float64(c.Drift.BySensor[0].Shift*c.norm.Std[0])
}

// WriteBounds writes what only some codecs have: saturated latents, the windows of each
// rung, errors over tolerances.
func (c *Comparison) WriteBounds(w io.Writer) {
	if s := c.Saturation; s.Total > 0 {
		fmt.Fprintf(w, "saturated: %d of %d integers (%.2f %%)\n", s.Count, s.Total, 100*s.Rate)
	}
	fmt.Fprintln(w)
	if ladder, ok := c.codec.(codec.Laddered); ok {
		c.WriteRungs(w, RungNames(ladder))
	} else if c.OverTolerance != nil {
		c.WriteTolerances(w)
		fmt.Fprintln(w)
	}
	if c.Grid != nil {
		fmt.Fprintf(w, "\nA uniform grid fitted to the training windows (%d bytes), with the last rung behind it, takes %s bytes on average.\n\n",
			c.Grid.Bytes, table.Digits(c.Grid.Evaluation.MeanPayloadBytes))
	}
}

// WriteBaselines writes one line with the errors of the codec and one per baseline.
func (c *Comparison) WriteBaselines(w io.Writer) {
	name := "this model"
	if c.Rungs != nil {
		name = "this ladder, on average"
	}
	lines := []Line{{name, c.bytes(), c.Evaluation}}
	for _, b := range c.Baselines {
		lines = append(lines, Line(b))
	}
	WriteErrors(w, c.Latitude(), lines...)
}

// Agrees reports whether norm has the mean and deviation of the training windows, to
// about 0.1 %.
func (t *Training) Agrees(norm *bam.Norm) bool {
	if len(norm.Mean) != len(t.Norm.Mean) || len(norm.Std) != len(t.Norm.Std) {
		return false
	}
	for i, std := range t.Norm.Std {
		if math.Abs(norm.Mean[i]-t.Norm.Mean[i]) > 1e-3*std || math.Abs(norm.Std[i]-std) > 1e-3*std {
			return false
		}
	}
	return true
}
