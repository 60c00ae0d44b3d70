package quality

import (
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

// Comparison is a codec's evaluation beside baselines on the same windows. Its JSON
// is that of the evaluation and of the drift.
type Comparison struct {
	*Evaluation
	Drift *Drift `json:"drift"`
	// Training is what the baselines know of the training windows.
	Training *Training `json:"-"`
	// Baselines are the mean and PCA, at no more bytes than the codec takes on
	// average.
	Baselines []Baseline `json:"-"`
	// Grid is, for a ladder, a uniform grid fitted to the training windows with
	// the ladder's last rung behind it; else nil.
	Grid *Baseline `json:"-"`

	codec codec.Codec
	norm  *bam.Norm
}

// CompareSettings say how errors are weighed.
type CompareSettings struct {
	// Norm is the mean and deviation of every value over the windows that the
	// codec was trained on, for ZScored and Drift; nil: those of the training
	// windows.
	Norm *bam.Norm
	// Tolerances are those of Settings.
	Tolerances []float64
}

// Compare evaluates a codec on test windows, and baselines that are fitted to
// training windows. It ranges over the training windows three or four times, and
// over the test windows once for each codec. Without a test window the figures are
// zero.
func Compare(c codec.Codec, test, training iter.Seq2[dataset.Window, error], settings CompareSettings) (*Comparison, error) {
	schema := codec.SensorSchema(c)
	study, err := NewTraining(training, schema)
	if err != nil {
		return nil, err
	}
	out := &Comparison{Training: study, codec: c, norm: settings.Norm}
	if out.norm == nil {
		out.norm = study.Norm
	}
	if out.Evaluation, err = Evaluate(c, test, Settings{Std: out.norm.Std, Tolerances: settings.Tolerances}); err != nil {
		return nil, err
	}
	if out.Drift, err = MeasureDrift(test, out.norm, schema); err != nil {
		return nil, err
	}
	if out.Baselines, err = study.Baselines(out.bytes(), test, out.norm.Std); err != nil {
		return nil, err
	}
	if out.Grid, err = gridBaseline(c, test, training); err != nil {
		return nil, err
	}
	return out, nil
}

// bytes is what a payload takes, on average where lengths differ.
func (c *Comparison) bytes() int { return int(math.Ceil(c.MeanPayloadBytes)) }

// gridBaseline is nil but for a ladder with an error bound.
func gridBaseline(c codec.Codec, test, training iter.Seq2[dataset.Window, error]) (*Baseline, error) {
	ladder, ok := c.(interface {
		codec.Laddered
		codec.Bounded
		codec.Windowed
	})
	if !ok {
		return nil, nil
	}
	bounds := fit.Bounds{Schema: codec.SensorSchema(c), Tolerances: ladder.Tolerances()}
	fitted, err := fit.Grid(fit.Values(training), &fit.GridSettings{Bounds: bounds})
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
	e, err := Evaluate(grid, test, Settings{Std: ones})
	if err != nil {
		return nil, err
	}
	return &Baseline{"uniform grid", fitted.Codec.MaxPayloadLen(), e}, nil
}

// Latitude is the mean latitude of the test windows, in degrees, by which degrees
// of longitude turn into metres. It has no meaning where a step does not begin with
// a latitude.
func (c *Comparison) Latitude() float64 {
	return c.norm.Mean[0] + c.Drift.BySensor[0].Shift*c.norm.Std[0]
}

// WriteBounds writes what is special to some codecs, if it is one of them: saturated
// latents, what each rung carried, errors over tolerances.
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

// WriteBaselines writes the errors of the codec and of the mean and PCA, one line
// each.
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

// Agrees says whether a norm is that of the training windows, but for how it was
// computed.
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
