package main

import (
	"cmp"
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
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/sweep"
	"github.com/loralink/loralink-go/codec/quality"
)

// Colours that colour-blind readers can tell apart (Okabe and Ito).
var (
	black  = color.RGBA{0, 0, 0, 255}
	gray   = color.RGBA{140, 140, 140, 255}
	orange = color.RGBA{230, 159, 0, 255}
	sky    = color.RGBA{86, 180, 233, 255}
	green  = color.RGBA{0, 158, 115, 255}
	blue   = color.RGBA{0, 114, 178, 255}
	red    = color.RGBA{213, 94, 0, 255}
	purple = color.RGBA{204, 121, 167, 255}
)

var dashed = []vg.Length{vg.Points(5), vg.Points(3)}

// line adds a line to a plot, with marks where shape is not nil, and to the
// legend where name is not "".
func line(p *plot.Plot, legend *plot.Legend, name string, xy plotter.XYs, c color.Color, dashes []vg.Length, shape draw.GlyphDrawer) error {
	if len(xy) == 0 {
		return nil
	}
	l, err := plotter.NewLine(xy)
	if err != nil {
		return err
	}
	l.Color, l.Width, l.Dashes = c, vg.Points(1.3), dashes
	p.Add(l)
	entry := []plot.Thumbnailer{l}
	if shape != nil {
		s, err := dots(p, xy, c, shape, 3)
		if err != nil {
			return err
		}
		entry = append(entry, s)
	}
	if name != "" {
		legend.Add(name, entry...)
	}
	return nil
}

func init() { plot.DefaultFont.Variant = "Sans" }

// dots adds marks to a plot.
func dots(p *plot.Plot, xy plotter.XYs, c color.Color, shape draw.GlyphDrawer, radius float64) (*plotter.Scatter, error) {
	s, err := plotter.NewScatter(xy)
	if err != nil {
		return nil, err
	}
	s.Color, s.Shape, s.Radius = c, shape, vg.Points(radius)
	p.Add(s)
	return s, nil
}

// The axes are logarithmic, but plot has their logarithms on linear axes: it
// misplaces the label of a logarithmic axis and leaves a gap for it.

// logY keeps the points that a logarithmic axis has, as their logarithms.
func logY(xy plotter.XYs) plotter.XYs {
	var out plotter.XYs
	for _, q := range xy {
		if q.Y > 0 && !math.IsInf(q.Y, 0) {
			out = append(out, plotter.XY{X: q.X, Y: math.Log10(q.Y)})
		}
	}
	return out
}

// at is a point at a payload, for an axis of payloads.
func at(payloadBytes int, y float64) plotter.XY {
	return plotter.XY{X: math.Log2(float64(payloadBytes)), Y: y}
}

// byteAxis makes the x-axis one of payloads.
func byteAxis(p *plot.Plot, r *sweep.Report) {
	least, most := 256, 1
	for _, b := range r.Baselines.GaussianBound {
		least, most = min(least, b.PayloadBytes), max(most, b.PayloadBytes)
	}
	var ticks within
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
	p.X.Min, p.X.Max = math.Log2(float64(least))-0.1, math.Log2(float64(most))+0.1
	p.X.Label.Text = "payload, bytes"
}

// errorAxis labels the y-axis, whose range the data has set by now.
func errorAxis(p *plot.Plot) {
	p.Y.Min, p.Y.Max = p.Y.Min-0.08, p.Y.Max+0.08
	labelled := []int{1}
	if p.Y.Max-p.Y.Min < 2.5 {
		labelled = []int{1, 2, 5}
	}
	var ticks within
	for exponent := -15; exponent <= 15; exponent++ {
		for digit := 1; digit <= 9; digit++ {
			v, _ := strconv.ParseFloat(fmt.Sprintf("%de%d", digit, exponent), 64)
			t := plot.Tick{Value: math.Log10(v)}
			if slices.Contains(labelled, digit) {
				t.Label = strconv.FormatFloat(v, 'g', -1, 64)
			}
			ticks = append(ticks, t)
		}
	}
	p.Y.Tick.Marker = ticks
}

// within are ticks, of which an axis shows those that it spans.
type within []plot.Tick

// Ticks makes it a plot.Ticker.
func (w within) Ticks(lo, hi float64) (out []plot.Tick) {
	for _, t := range w {
		if t.Value >= lo && t.Value <= hi {
			out = append(out, t)
		}
	}
	return out
}

// grid draws lines at labelled ticks, beneath what is added later.
func grid(p *plot.Plot) {
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color = color.Gray{225}, color.Gray{225}
	p.Add(g)
}

const margin = 4 * vg.Millimeter

// sheet is a picture with room for a legend at the right.
type sheet struct {
	canvas       vgimg.PngCanvas
	plots, right draw.Canvas
}

// newSheet makes room of width×height cm for plots, and for the legend besides
// where it is not nil.
func newSheet(width, height vg.Length, legend *plot.Legend) *sheet {
	width, height = width*vg.Centimeter, height*vg.Centimeter
	room := vg.Length(0)
	if legend != nil {
		room = legend.Rectangle(draw.NewCanvas(vgimg.New(1, 1), width, height)).Size().X + 2*margin
	}
	c := vgimg.NewWith(vgimg.UseWH(width+room, height), vgimg.UseDPI(130))
	all := draw.New(c)
	return &sheet{
		canvas: vgimg.PngCanvas{Canvas: c},
		plots:  draw.Crop(all, margin, -room-margin, margin, -margin),
		right:  draw.Crop(all, width, 0, margin, -14*vg.Millimeter),
	}
}

func newLegend() *plot.Legend {
	l := plot.NewLegend() // the styles of plot.DefaultFont
	l.Top, l.Left = true, true
	l.Padding, l.ThumbnailWidth = vg.Millimeter, 8*vg.Millimeter
	l.TextStyle.Font.Size = vg.Points(10)
	return &l
}

// packings are the models' marks.
var packings = []struct {
	packing bam.Packing
	color   color.RGBA
	shape   draw.GlyphDrawer
}{
	{bam.BitPack, red, draw.CircleGlyph{}}, {bam.Int8, blue, draw.SquareGlyph{}}, {bam.Int16, sky, draw.TriangleGlyph{}},
	{bam.Float16, green, draw.PyramidGlyph{}}, {bam.Float32, purple, draw.BoxGlyph{}},
}

// plotErrors draws the error against the payload.
func plotErrors(r *sweep.Report) (io.WriterTo, error) {
	p, legend := plot.New(), newLegend()
	p.Title.Text = fmt.Sprintf("Error by payload: %s, %d windows (%s)", r.Dataset, r.TestN, r.Subset)
	p.Y.Label.Text = "zscored.mse (1: as bad as the mean)"
	byteAxis(p, r)
	grid(p)
	mean := r.Baselines.Mean.ZScored.MSE
	if err := line(p, legend, "mean", logY(plotter.XYs{{X: p.X.Min, Y: mean}, {X: p.X.Max, Y: mean}}), gray, dashed, nil); err != nil {
		return nil, err
	}
	for _, b := range []struct {
		packing bam.Packing
		color   color.Gray
		shape   draw.GlyphDrawer
	}{{bam.Float32, color.Gray{175}, draw.RingGlyph{}}, {bam.Int16, color.Gray{120}, draw.TriangleGlyph{}}, {bam.Int8, color.Gray{60}, draw.SquareGlyph{}}} {
		var xy plotter.XYs
		for _, x := range r.Baselines.PCA.ByBytes[b.packing] {
			xy = append(xy, at(x.PayloadBytes, x.ZScored.MSE))
		}
		if err := line(p, legend, "PCA "+string(b.packing), logY(xy), b.color, nil, b.shape); err != nil {
			return nil, err
		}
	}
	var bound plotter.XYs
	for _, x := range r.Baselines.GaussianBound {
		bound = append(bound, at(x.PayloadBytes, x.ZScoredMSE))
	}
	if err := line(p, legend, "Gaussian bound", logY(bound), black, dashed, nil); err != nil {
		return nil, err
	}
	if err := addModels(p, legend, r, func(x *sweep.Result) float64 { return x.ZScored.MSE }); err != nil {
		return nil, err
	}
	// The bound falls far below what anything reaches.
	least := math.Inf(1)
	for _, x := range r.Results {
		least = min(least, cmp.Or(x.ZScored.MSE, math.Inf(1)))
	}
	for _, list := range r.Baselines.PCA.ByBytes {
		for _, x := range list {
			least = min(least, cmp.Or(x.ZScored.MSE, math.Inf(1)))
		}
	}
	if !math.IsInf(least, 1) {
		p.Y.Min = max(p.Y.Min, math.Log10(least)-0.5)
	}
	errorAxis(p)
	s := newSheet(20, 14, legend)
	p.Draw(s.plots)
	legend.Draw(s.right)
	return s.canvas, nil
}

// addModels marks every model, and joins those of the front.
func addModels(p *plot.Plot, legend *plot.Legend, r *sweep.Report, err func(*sweep.Result) float64) error {
	for _, k := range packings {
		var xy plotter.XYs
		for _, x := range r.Results {
			if x.Packing == k.packing {
				xy = append(xy, at(x.ExpectedPayloadBytes, err(x)))
			}
		}
		if xy = logY(xy); len(xy) == 0 {
			continue
		}
		s, err := dots(p, xy, k.color, k.shape, 3)
		if err != nil {
			return err
		}
		if legend != nil {
			legend.Add("model "+string(k.packing), s)
		}
	}
	var front plotter.XYs
	for _, f := range r.ParetoZScored {
		front = append(front, at(f.PayloadBytes, err(r.Result(f.ModelID))))
	}
	if front = logY(front); len(front) == 0 {
		return nil
	}
	l, lineErr := plotter.NewLine(front)
	if lineErr != nil {
		return lineErr
	}
	l.Color, l.Width = orange, vg.Points(1.5)
	p.Add(l)
	ring, ringErr := dots(p, front, orange, draw.RingGlyph{}, 5.5)
	if ringErr != nil {
		return ringErr
	}
	if legend != nil {
		legend.Add("Pareto front", l, ring)
	}
	return nil
}

// plotGroups draws the error of each sensor group in its unit; nothing where a
// step is not a 12-D sample.
func plotGroups(r *sweep.Report) (io.WriterTo, error) {
	if r.Baselines.Mean.ByGroup == nil {
		return nil, nil
	}
	latitude := r.MeanWindow[0]
	legend := newLegend()
	s := newSheet(30, 19, nil)
	tiles := draw.Tiles{Rows: 2, Cols: 3, PadX: 6 * vg.Millimeter, PadY: 6 * vg.Millimeter}
	plots := [][]*plot.Plot{{nil, nil, nil}, {nil, nil, nil}}
	figures := quality.Figures()
	for i, f := range figures {
		p := plot.New()
		p.Title.Text = f.Name
		p.Y.Label.Text = "root mean square error, " + f.Unit
		byteAxis(p, r)
		grid(p)
		entries := legend
		if i > 0 {
			entries = newLegend() // one legend serves all
		}
		mean := f.RMS(r.Baselines.Mean.Evaluation.Dims, latitude)
		if err := line(p, entries, "mean", logY(plotter.XYs{{X: p.X.Min, Y: mean}, {X: p.X.Max, Y: mean}}), gray, dashed, nil); err != nil {
			return nil, err
		}
		var pca plotter.XYs
		for _, b := range r.Baselines.PCA.ByBytes[bam.Int8] {
			pca = append(pca, at(b.PayloadBytes, f.RMS(b.Evaluation.Dims, latitude)))
		}
		if err := line(p, entries, "PCA int8", logY(pca), color.Gray{60}, nil, draw.SquareGlyph{}); err != nil {
			return nil, err
		}
		if err := addModels(p, entries, r, func(x *sweep.Result) float64 { return f.RMS(x.Evaluation.Dims, latitude) }); err != nil {
			return nil, err
		}
		errorAxis(p)
		plots[i/3][i%3] = p
	}
	canvases := plot.Align(plots, tiles, s.plots)
	for i := range figures {
		plots[i/3][i%3].Draw(canvases[i/3][i%3])
	}
	corner := canvases[1][2]
	legend.Draw(draw.Crop(corner, 12*vg.Millimeter, 0, 0, -12*vg.Millimeter))
	text := corner
	style := legend.TextStyle
	style.YAlign = draw.YBottom
	text.FillText(style, vg.Point{X: corner.Min.X + 12*vg.Millimeter, Y: corner.Min.Y + 4*vg.Millimeter},
		fmt.Sprintf("%s, %d windows (%s)\nfront by zscored.mse", r.Dataset, r.TestN, r.Subset))
	return s.canvas, nil
}

// byError sorts results, the best first.
func byError(results []*sweep.Result) []*sweep.Result {
	sorted := slices.Clone(results)
	slices.SortStableFunc(sorted, func(a, b *sweep.Result) int { return cmp.Compare(a.ZScored.MSE, b.ZScored.MSE) })
	return sorted
}

// maxCurves is how many models' curves a plot can hold and stay readable.
const maxCurves = 8

// plotCurves draws mse_x by epoch of the best models that have such curves;
// nothing where none has.
func plotCurves(r *sweep.Report) (io.WriterTo, error) {
	var models []*sweep.Result
	drawn := map[string]bool{}
	for _, x := range byError(r.Results) {
		// Trainings that differ in the payload alone have one curve.
		curves, epochs := "", 0
		for _, l := range x.Layers {
			curves += fmt.Sprintln(l.Curve)
			epochs = max(epochs, len(l.Curve))
		}
		if epochs > 1 && !drawn[curves] {
			drawn[curves] = true
			models = append(models, x)
		}
	}
	if len(models) == 0 {
		return nil, nil
	}
	trained := len(models)
	models = models[:min(len(models), maxCurves)]

	p, legend := plot.New(), newLegend()
	p.Title.Text = "Learning curves: " + r.Dataset
	if trained > len(models) {
		p.Title.Text += fmt.Sprintf(", the best %d of %d", len(models), trained)
	}
	p.X.Label.Text, p.Y.Label.Text = "epoch", "mse_x of the training windows, normalised"
	grid(p)
	styles := [][]vg.Length{nil, dashed, {vg.Points(1), vg.Points(3)}}
	colors := []color.Color{blue, red, green, purple, orange, sky, black, gray}
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
			if err := line(p, legend, name, logY(xy), colors[i], styles[min(l, len(styles)-1)], nil); err != nil {
				return nil, err
			}
		}
	}
	if math.IsInf(p.Y.Min, 0) {
		return nil, nil
	}
	errorAxis(p)
	s := newSheet(20, 13, legend)
	p.Draw(s.plots)
	legend.Draw(s.right)
	return s.canvas, nil
}
