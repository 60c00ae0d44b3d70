package train

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/loralink/loralink-go/bam"
)

// Auto picks the method, and where the settings ask for no hidden layers and no
// transmission also whether to have them, by validation inside the training
// windows. Each candidate is trained without the last 40 %, which stand for a new
// recording, and, five times, without every fifth block of 16, which stands for
// more of the same one. The least geometric mean of the error on the later part
// and the mean error on the fifths wins, but nothing wins that does worse than
// principal components on any of the six: what is sent must hold on a day nobody
// trained on, and one fifth may lack the few windows that make most of the error.
// The first part that is lost decides, and the others are not tried. Training by
// gradient is no candidate where it would take very long, or where the windows
// are too few to be parted so; ask for it by name.
type Auto struct {
	Gradient Gradient `json:"gradient"` // how the gradient candidate trains
}

// Name is "auto".
func (a *Auto) Name() string { return "auto" }

// MethodChoice is one candidate and what inner validation says of it.
type MethodChoice struct {
	Method     string  `json:"method"`
	HiddenDims []int   `json:"hidden_dims"`
	Delta      float64 `json:"delta"`
	Later      float64 `json:"mse_later"`           // the last 40 % left out
	Mixed      float64 `json:"mse_mixed,omitempty"` // every fifth block left out, the mean of five; 0: not tried, or lost one
	Score      float64 `json:"score,omitempty"`     // geometric mean of the two; 0: the same
	Picked     bool    `json:"picked"`
}

// The hidden layer and transmission tried where the settings ask for none. The
// layer has as many units as this, or as the window has values where that is
// more.
const (
	autoHidden = 64
	autoDelta  = 0.4
	// Every autoFolds-th block of autoBlock windows is left out at once.
	autoFolds, autoBlock = 5, 16
	// maxAutoWork bounds the multiplications of one training by gradient that
	// is only a try; some ten seconds of one core.
	maxAutoWork = 1e10
)

type candidate struct {
	settings Settings
	method   Method
}

func (a *Auto) candidates(p *problem) []candidate {
	s := p.settings
	list := []candidate{{s, PCA{}}}
	if s.Packing == bam.BitPack || p.data.cached == nil || p.data.n < autoFolds*autoBlock {
		return list // its tables make their own choice, or the windows are too many to train on often, or too few
	}
	switch {
	case s.Delta != 0:
	case len(s.HiddenDims) == 0 && s.EncodeCycles+s.DecodeCycles == 0 && s.Start == nil:
		s.HiddenDims, s.Delta = []int{max(autoHidden, p.data.dim)}, autoDelta
	default:
		return list // linear: closed form finds the best there is
	}
	g, err := a.Gradient.check()
	c := candidate{s, &a.Gradient}
	if dims := c.problem(p, p.data).dims; err == nil {
		products := 0.0 // forward, and twice as many back
		for i, in := range dims[:len(dims)-1] {
			products += 3 * float64(in) * float64(dims[i+1]) * float64(2+s.EncodeCycles*2+s.DecodeCycles*2)
		}
		if products*float64(p.data.n)*float64(g.Epochs) > maxAutoWork {
			return list
		}
	}
	return append(list, c)
}

func (a *Auto) fit(ctx context.Context, p *problem) (*fitted, error) {
	list := a.candidates(p)
	choices := make([]MethodChoice, len(list))
	picked := 0
	var first [autoFolds]float64 // errors of the principal components
	for i, c := range list {
		choices[i] = MethodChoice{Method: c.method.Name(), HiddenDims: append([]int{}, c.settings.HiddenDims...), Delta: c.settings.Delta}
		if len(list) == 1 {
			break
		}
		var err error
		if choices[i].Later, err = c.validate(ctx, p, func(w int) bool { return w < p.data.n*6/10 }); err != nil {
			return nil, err
		}
		if choices[i].Later > choices[0].Later {
			continue
		}
		sum, lost := 0.0, false
		for k := 0; k < autoFolds && !lost; k++ {
			mse, err := c.validate(ctx, p, func(w int) bool { return w/autoBlock%autoFolds != k })
			if err != nil {
				return nil, err
			}
			if i == 0 {
				first[k] = mse
			}
			sum += mse
			lost = mse > first[k]
		}
		if lost {
			continue
		}
		choices[i].Mixed = sum / autoFolds
		choices[i].Score = math.Sqrt(choices[i].Mixed * choices[i].Later)
		if choices[i].Score < choices[picked].Score {
			picked = i
		}
	}
	choices[picked].Picked = true
	c := list[picked]
	out, err := c.method.fit(ctx, c.problem(p, p.data))
	if err != nil {
		return nil, err
	}
	out.settings, out.choices = &c.settings, choices
	return out, nil
}

func (c candidate) problem(p *problem, d *data) *problem {
	s := c.settings
	return &problem{settings: s, data: d, dims: append(append([]int{d.dim}, s.HiddenDims...), s.LatentDim)}
}

// validate trains on the windows that train says and returns the error on the
// others.
func (c candidate) validate(ctx context.Context, p *problem, train func(int) bool) (float64, error) {
	in, out := p.data.part(train), p.data.part(func(i int) bool { return !train(i) })
	if in.n == 0 || out.n == 0 {
		return 0, nil
	}
	c.settings.Recorder = nil
	f, err := c.method.fit(ctx, c.problem(p, in))
	if err != nil {
		return 0, err
	}
	if f.status == Cancelled {
		return 0, ctx.Err()
	}
	var rows [][]float32
	for i := range out.n {
		row := slices.Clone(out.cached[i*out.dim : (i+1)*out.dim])
		for j, w := range f.data.widened {
			row[j] = float32(float64(row[j]) / w)
		}
		rows = append(rows, row)
	}
	mse := newNetwork(c.settings, f).loss(rows)
	if math.IsNaN(mse) {
		return 0, fmt.Errorf("%w: %s in validation", ErrDiverged, c.method.Name())
	}
	return mse, nil
}

// part is the data of the windows that in says, by their place.
func (d *data) part(in func(int) bool) *data {
	p := *d
	p.n, p.cached, p.peaks = 0, []float32{}, make([]float64, d.dim)
	for i := range d.n {
		if !in(i) {
			continue
		}
		row := d.cached[i*d.dim : (i+1)*d.dim]
		for j, v := range row {
			p.peaks[j] = max(p.peaks[j], math.Abs(float64(v)))
		}
		p.cached = append(p.cached, row...)
		p.n++
	}
	return &p
}
