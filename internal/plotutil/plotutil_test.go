package plotutil

import (
	"bytes"
	"image/png"
	"math"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"
)

func TestLogY(t *testing.T) {
	got := LogY(plotter.XYs{{X: 1, Y: 100}, {X: 2, Y: 0}, {X: 3, Y: -1}, {X: 4, Y: math.Inf(1)}, {X: 5, Y: math.NaN()}, {X: 6, Y: 0.1}})
	if len(got) != 2 || got[0].X != 1 || math.Abs(got[0].Y-2) > 1e-12 || got[1].X != 6 || math.Abs(got[1].Y+1) > 1e-12 {
		t.Errorf("got %v", got)
	}
}

func TestTicks(t *testing.T) {
	ticks := Ticks{{Value: 1}, {Value: 2, Label: "2"}, {Value: 3}}
	if got := ticks.Ticks(1.5, 3); len(got) != 2 || got[0].Label != "2" {
		t.Errorf("got %v", got)
	}
}

func TestPicture(t *testing.T) {
	font := plot.DefaultFont
	p, legend := New("title", "x", "y"), NewLegend()
	AddGrid(p)
	if err := AddLine(p, legend, "line", LogY(plotter.XYs{{X: 1, Y: 1}, {X: 2, Y: 1000}}), Blue, Dashed, draw.CircleGlyph{}); err != nil {
		t.Fatal(err)
	}
	if err := AddLine(p, legend, "no points", nil, Red, nil, nil); err != nil {
		t.Fatal(err)
	}
	LogYAxis(p)
	c := NewPicture(10, 8, legend)
	c.Draw(p, legend)
	var b bytes.Buffer
	if err := c.WritePNG(&b); err != nil {
		t.Fatal(err)
	}
	if img, err := png.Decode(&b); err != nil || img.Bounds().Dx() <= 10*130*10/254 || img.Bounds().Dx() < img.Bounds().Dy() {
		t.Errorf("%v", err)
	}
	if plot.DefaultFont != font {
		t.Error("the default font of package plot has changed")
	}
}
