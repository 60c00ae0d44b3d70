// Package plotutil has helpers for the plots of several packages: fonts, colours, lines
// with marks, logarithmic axes, and pictures with a legend at the side.
package plotutil

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Colours that colour-blind readers can distinguish (Okabe and Ito).
var (
	Black  = color.RGBA{0, 0, 0, 255}
	Gray   = color.RGBA{140, 140, 140, 255}
	Orange = color.RGBA{230, 159, 0, 255}
	Sky    = color.RGBA{86, 180, 233, 255}
	Green  = color.RGBA{0, 158, 115, 255}
	Blue   = color.RGBA{0, 114, 178, 255}
	Red    = color.RGBA{213, 94, 0, 255}
	Purple = color.RGBA{204, 121, 167, 255}
)

// Dashed and Dotted are patterns of lines.
var (
	Dashed = []vg.Length{vg.Points(5), vg.Points(3)}
	Dotted = []vg.Length{vg.Points(1), vg.Points(3)}
)

// New returns a plot with sans-serif text and these labels.
func New(title, x, y string) *plot.Plot {
	p := plot.New()
	for _, style := range []*text.Style{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle} {
		style.Font.Variant = "Sans"
	}
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	return p
}

// NewLegend returns a legend for the side of a Picture.
func NewLegend() *plot.Legend {
	l := plot.NewLegend()
	l.Top, l.Left = true, true
	l.Padding, l.ThumbnailWidth = vg.Millimeter, 8*vg.Millimeter
	l.TextStyle.Font.Variant, l.TextStyle.Font.Size = "Sans", vg.Points(10)
	return &l
}

// AddGrid adds lines at the labelled ticks, behind everything that is added later.
func AddGrid(p *plot.Plot) {
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color = color.Gray{225}, color.Gray{225}
	p.Add(g)
}

// AddLine adds a line to a plot, with marks unless shape is nil, and to the legend
// unless name is "". Without points it does nothing.
func AddLine(p *plot.Plot, legend *plot.Legend, name string, xy plotter.XYs, c color.Color, dashes []vg.Length, shape draw.GlyphDrawer) error {
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
		s, err := AddMarks(p, xy, c, shape, 3)
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

// AddMarks adds marks to a plot, with a radius in points (1/72 inch).
func AddMarks(p *plot.Plot, xy plotter.XYs, c color.Color, shape draw.GlyphDrawer, radius float64) (*plotter.Scatter, error) {
	s, err := plotter.NewScatter(xy)
	if err != nil {
		return nil, err
	}
	s.Color, s.Shape, s.Radius = c, shape, vg.Points(radius)
	p.Add(s)
	return s, nil
}

// LogY returns points with the decimal logarithm of y. It drops points whose y is not
// finite and above 0. Logarithmic axes are linear axes of such points, because package
// plot draws the label of its own logarithmic axis in a wrong position.
func LogY(xy plotter.XYs) plotter.XYs {
	var out plotter.XYs
	for _, q := range xy {
		if q.Y > 0 && !math.IsInf(q.Y, 0) {
			out = append(out, plotter.XY{X: q.X, Y: math.Log10(q.Y)})
		}
	}
	return out
}

// LogYAxis labels the y-axis of a plot of LogY points. Call it after they are added.
func LogYAxis(p *plot.Plot) {
	p.Y.Min, p.Y.Max = p.Y.Min-0.08, p.Y.Max+0.08
	labelled := []int{1}
	if p.Y.Max-p.Y.Min < 2.5 {
		labelled = []int{1, 2, 5}
	}
	var ticks Ticks
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

// Ticks is a plot.Ticker with a list of ticks, for axes of any range.
type Ticks []plot.Tick

// Ticks returns the ticks from lo to hi.
func (ticks Ticks) Ticks(lo, hi float64) (out []plot.Tick) {
	for _, t := range ticks {
		if t.Value >= lo && t.Value <= hi {
			out = append(out, t)
		}
	}
	return out
}

const margin = 4 * vg.Millimeter

// A Picture is an image with an area for plots and, to the right of it, a legend.
type Picture struct {
	Plots  draw.Canvas // the area for plots
	canvas vgimg.PngCanvas
	side   draw.Canvas // the area for the legend
}

// NewPicture returns a picture with an area of width×height cm for plots and, unless
// legend is nil, an area of the legend's width to the right of it.
func NewPicture(width, height vg.Length, legend *plot.Legend) *Picture {
	width, height = width*vg.Centimeter, height*vg.Centimeter
	side := vg.Length(0)
	if legend != nil {
		side = legend.Rectangle(draw.NewCanvas(vgimg.New(1, 1), width, height)).Size().X + 2*margin
	}
	c := vgimg.NewWith(vgimg.UseWH(width+side, height), vgimg.UseDPI(130))
	all := draw.New(c)
	return &Picture{
		canvas: vgimg.PngCanvas{Canvas: c},
		Plots:  draw.Crop(all, margin, -side-margin, margin, -margin),
		side:   draw.Crop(all, width, 0, margin, -14*vg.Millimeter),
	}
}

// Draw draws one plot in the area for plots, and its legend.
func (c *Picture) Draw(p *plot.Plot, legend *plot.Legend) {
	p.Draw(c.Plots)
	legend.Draw(c.side)
}

// WritePNG writes the picture as a PNG image.
func (c *Picture) WritePNG(w io.Writer) error {
	_, err := c.canvas.WriteTo(w)
	return err
}
