package sweep

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/internal/plotutil"
)

// ErrNoPlot reports that a report has no data for a plot.
var ErrNoPlot = errors.New("sweep: no data for this plot")

// marks are the marks of models by packing.
var marks = []struct {
	packing bam.Packing
	color   color.RGBA
	shape   draw.GlyphDrawer
}{
	{bam.BitPack, plotutil.Red, draw.CircleGlyph{}}, {bam.Int8, plotutil.Blue, draw.SquareGlyph{}}, {bam.Int16, plotutil.Sky, draw.TriangleGlyph{}},
	{bam.Float16, plotutil.Green, draw.PyramidGlyph{}}, {bam.Float32, plotutil.Purple, draw.BoxGlyph{}},
}

// PlotErrors writes a PNG image of zscored.mse, the error relative to the standard
// deviation, against the payload length: of the models, the baselines and the Gaussian
// bound.
func (r *Report) PlotErrors(w io.Writer) error {
	p, legend := plotutil.New(fmt.Sprintf("Error by payload: %s, %d windows (%s)", r.Dataset, r.TestWindows, r.Subset), "", "zscored.mse (1: as bad as the mean)"), plotutil.NewLegend()
	r.payloadAxis(p)
	plotutil.AddGrid(p)
	if err := r.addMean(p, legend, r.Baselines.Mean.ZScored.MSE); err != nil {
		return err
	}
	for _, b := range []struct {
		packing bam.Packing
		color   color.Gray
		shape   draw.GlyphDrawer
	}{{bam.Float32, color.Gray{175}, draw.RingGlyph{}}, {bam.Int16, color.Gray{120}, draw.TriangleGlyph{}}, {bam.Int8, color.Gray{60}, draw.SquareGlyph{}}} {
		var xy plotter.XYs
		for _, x := range r.Baselines.PCA.ByBytes[b.packing] {
			xy = append(xy, point(x.PayloadBytes, x.ZScored.MSE))
		}
		if err := plotutil.AddLine(p, legend, "PCA "+string(b.packing), plotutil.LogY(xy), b.color, nil, b.shape); err != nil {
			return err
		}
	}
	var bound plotter.XYs
	for _, x := range r.Baselines.GaussianBound {
		bound = append(bound, point(x.PayloadBytes, x.ZScoredMSE))
	}
	if err := plotutil.AddLine(p, legend, "Gaussian bound", plotutil.LogY(bound), plotutil.Black, plotutil.Dashed, nil); err != nil {
		return err
	}
	if err := r.addModels(p, legend, func(x *Result) float64 { return x.ZScored.MSE }); err != nil {
		return err
	}
	// Limit the axis: the bound can be far below all errors.
	if smallest := r.smallestError(); !math.IsInf(smallest, 1) {
		p.Y.Min = max(p.Y.Min, math.Log10(smallest)-0.5)
	}
	plotutil.LogYAxis(p)
	c := plotutil.NewPicture(20, 14, legend)
	c.Draw(p, legend)
	return c.WritePNG(w)
}

// smallestError returns the smallest error above 0 of models and baselines.
func (r *Report) smallestError() float64 {
	smallest := math.Inf(1)
	for _, x := range r.Results {
		smallest = min(smallest, cmp.Or(x.ZScored.MSE, math.Inf(1)))
	}
	for _, list := range r.Baselines.PCA.ByBytes {
		for _, x := range list {
			smallest = min(smallest, cmp.Or(x.ZScored.MSE, math.Inf(1)))
		}
	}
	return smallest
}

// PlotGroups writes a PNG image of the errors of each sensor group, in its unit, against
// the payload length. It returns ErrNoPlot if the windows are not of motion samples, or
// if the report was read from JSON, which lacks the necessary fields.
func (r *Report) PlotGroups(w io.Writer) error {
	if r.Baselines.Mean.ByGroup == nil || r.Baselines.Mean.Evaluation == nil || len(r.MeanWindow) == 0 {
		return ErrNoPlot
	}
	legend := plotutil.NewLegend()
	c := plotutil.NewPicture(30, 19, nil)
	tiles := draw.Tiles{Rows: 2, Cols: 3, PadX: 6 * vg.Millimeter, PadY: 6 * vg.Millimeter}
	plots := [][]*plot.Plot{{nil, nil, nil}, {nil, nil, nil}}
	figures := quality.Figures()
	for i, f := range figures {
		entries := legend
		if i > 0 {
			entries = plotutil.NewLegend() // all plots share the first one's legend
		}
		p, err := r.groupPlot(f, entries)
		if err != nil {
			return err
		}
		plots[i/3][i%3] = p
	}
	canvases := plot.Align(plots, tiles, c.Plots)
	for i := range figures {
		plots[i/3][i%3].Draw(canvases[i/3][i%3])
	}
	corner := canvases[1][2]
	legend.Draw(draw.Crop(corner, 12*vg.Millimeter, 0, 0, -12*vg.Millimeter))
	style := legend.TextStyle
	style.YAlign = draw.YBottom
	corner.FillText(style, vg.Point{X: corner.Min.X + 12*vg.Millimeter, Y: corner.Min.Y + 4*vg.Millimeter},
		fmt.Sprintf("%s, %d windows (%s)\nfront by zscored.mse", r.Dataset, r.TestWindows, r.Subset))
	return c.WritePNG(w)
}

// groupPlot returns the plot of one sensor group.
func (r *Report) groupPlot(f quality.Figure, legend *plot.Legend) (*plot.Plot, error) {
	latitude := r.MeanWindow[0]
	p := plotutil.New(f.Name, "", "root mean square error, "+f.Unit)
	r.payloadAxis(p)
	plotutil.AddGrid(p)
	if err := r.addMean(p, legend, f.RMS(r.Baselines.Mean.Evaluation.Dims, latitude)); err != nil {
		return nil, err
	}
	var pca plotter.XYs
	for _, b := range r.Baselines.PCA.ByBytes[bam.Int8] {
		pca = append(pca, point(b.PayloadBytes, f.RMS(b.Evaluation.Dims, latitude)))
	}
	if err := plotutil.AddLine(p, legend, "PCA int8", plotutil.LogY(pca), color.Gray{60}, nil, draw.SquareGlyph{}); err != nil {
		return nil, err
	}
	if err := r.addModels(p, legend, func(x *Result) float64 { return f.RMS(x.Evaluation.Dims, latitude) }); err != nil {
		return nil, err
	}
	plotutil.LogYAxis(p)
	return p, nil
}

// point returns the point of an error at a payload length, for a payloadAxis.
func point(payloadBytes int, y float64) plotter.XY {
	return plotter.XY{X: math.Log2(float64(payloadBytes)), Y: y}
}

// payloadAxis makes the x-axis a logarithmic axis of payload lengths.
func (r *Report) payloadAxis(p *plot.Plot) {
	shortest, longest := 256, 1
	for _, b := range r.Baselines.GaussianBound {
		shortest, longest = min(shortest, b.PayloadBytes), max(longest, b.PayloadBytes)
	}
	var ticks plotutil.Ticks
	for n := 1; n <= 256; n++ {
		t := plot.Tick{Value: math.Log2(float64(n))}
		if n&(n-1) == 0 {
			t.Label = strconv.Itoa(n)
		}
		if n <= 16 || t.Label != "" {
			ticks = append(ticks, t)
		}
	}
	p.X.Tick.Marker = ticks
	p.X.Min, p.X.Max = math.Log2(float64(shortest))-0.1, math.Log2(float64(longest))+0.1
	p.X.Label.Text = "payload, bytes"
}

// addMean adds a line for the error of the mean.
func (r *Report) addMean(p *plot.Plot, legend *plot.Legend, err float64) error {
	xy := plotter.XYs{{X: p.X.Min, Y: err}, {X: p.X.Max, Y: err}}
	return plotutil.AddLine(p, legend, "mean", plotutil.LogY(xy), plotutil.Gray, plotutil.Dashed, nil)
}

// addModels adds a mark for each model, and a line through those on the Pareto front. The
// function err returns the error to plot.
func (r *Report) addModels(p *plot.Plot, legend *plot.Legend, err func(*Result) float64) error {
	for _, m := range marks {
		var xy plotter.XYs
		for _, x := range r.Results {
			if x.Packing == m.packing {
				xy = append(xy, point(x.ExpectedPayloadBytes, err(x)))
			}
		}
		if xy = plotutil.LogY(xy); len(xy) == 0 {
			continue
		}
		s, err := plotutil.AddMarks(p, xy, m.color, m.shape, 3)
		if err != nil {
			return err
		}
		legend.Add("model "+string(m.packing), s)
	}
	var front plotter.XYs
	for _, f := range r.ParetoZScored {
		front = append(front, point(f.PayloadBytes, err(r.Result(f.ModelID))))
	}
	if front = plotutil.LogY(front); len(front) == 0 {
		return nil
	}
	line, lineErr := plotter.NewLine(front)
	if lineErr != nil {
		return lineErr
	}
	line.Color, line.Width = plotutil.Orange, vg.Points(1.5)
	p.Add(line)
	rings, ringErr := plotutil.AddMarks(p, front, plotutil.Orange, draw.RingGlyph{}, 5.5)
	if ringErr != nil {
		return ringErr
	}
	legend.Add("Pareto front", line, rings)
	return nil
}

// maxCurves is the largest number of models in a plot of learning curves.
const maxCurves = 8

// PlotCurves writes a PNG image of mse_x against the epoch, for the best models that were
// trained in several epochs. If there is none, or the report was read from JSON, which
// lacks the curves, it returns ErrNoPlot.
func (r *Report) PlotCurves(w io.Writer) error {
	models := r.withCurves()
	if len(models) == 0 {
		return ErrNoPlot
	}
	title := "Learning curves: " + r.Dataset
	if n := len(models); n > maxCurves {
		models = models[:maxCurves]
		title += fmt.Sprintf(", the best %d of %d", maxCurves, n)
	}
	p, legend := plotutil.New(title, "epoch", "mse_x of the training windows, normalised"), plotutil.NewLegend()
	plotutil.AddGrid(p)
	patterns := [][]vg.Length{nil, plotutil.Dashed, plotutil.Dotted} // by layer
	colors := []color.Color{plotutil.Blue, plotutil.Red, plotutil.Green, plotutil.Purple, plotutil.Orange, plotutil.Sky, plotutil.Black, plotutil.Gray}
	for i, x := range models {
		for l, layer := range x.Layers {
			var xy plotter.XYs
			for epoch, e := range layer.Curve {
				xy = append(xy, plotter.XY{X: float64(epoch + 1), Y: e[0]})
			}
			name := ""
			if l == 0 {
				name = x.ModelID
			}
			if err := plotutil.AddLine(p, legend, name, plotutil.LogY(xy), colors[i], patterns[min(l, len(patterns)-1)], nil); err != nil {
				return err
			}
		}
	}
	if math.IsInf(p.Y.Min, 0) {
		return ErrNoPlot // all errors are 0
	}
	plotutil.LogYAxis(p)
	c := plotutil.NewPicture(20, 13, legend)
	c.Draw(p, legend)
	return c.WritePNG(w)
}

// withCurves returns the models that have learning curves, the best first. Of models with
// equal curves, which differ in their payloads only, it returns one.
func (r *Report) withCurves() []*Result {
	sorted := slices.Clone(r.Results)
	slices.SortStableFunc(sorted, func(a, b *Result) int { return cmp.Compare(a.ZScored.MSE, b.ZScored.MSE) })
	var models []*Result
	seen := map[string]bool{}
	for _, x := range sorted {
		curves, epochs := "", 0
		for _, l := range x.Layers {
			curves += fmt.Sprintln(l.Curve)
			epochs = max(epochs, len(l.Curve))
		}
		if epochs > 1 && !seen[curves] {
			seen[curves] = true
			models = append(models, x)
		}
	}
	return models
}
