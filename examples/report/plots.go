package main

import (
	"fmt"
	"image/color"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/loralink/loralink-go/radio/link"
)

// series keeps points for plots, at most maxPoints of each: when there are more
// it keeps every second one, then every fourth, and so on.
type series struct {
	latency, sent, acked, failed points
}

const maxPoints = 20_000

type points struct {
	xy    plotter.XYs // ms since 1970, value
	n     int         // seen
	every int
}

func (p *points) add(ms, y float64) {
	p.every = max(p.every, 1)
	if p.n++; (p.n-1)%p.every != 0 {
		return
	}
	if len(p.xy) == maxPoints {
		for i := range p.xy[:maxPoints/2] {
			p.xy[i] = p.xy[2*i]
		}
		p.xy, p.every = p.xy[:maxPoints/2], 2*p.every
		if (p.n-1)%p.every != 0 {
			return
		}
	}
	p.xy = append(p.xy, plotter.XY{X: ms, Y: y})
}

func (s *series) add(e link.Event) {
	at := float64(e.At.UnixMilli())
	count := func(p *points) { p.add(at, float64(p.n+1)) }
	switch e.Kind {
	case link.EventTxSent:
		if e.Attempt <= 1 {
			count(&s.sent)
		}
	case link.EventAckReceived:
		count(&s.acked)
		s.latency.add(at, float64(e.EndToEnd.Milliseconds()))
	case link.EventTxFailed, link.EventTxDropped:
		count(&s.failed)
	}
}

// since turns times into minutes since a start.
func (p *points) since(startMs int64) plotter.XYs {
	out := make(plotter.XYs, len(p.xy))
	for i, q := range p.xy {
		out[i] = plotter.XY{X: (q.X - float64(startMs)) / 60000, Y: q.Y}
	}
	return out
}

// plot draws delivery and latency over the run.
func (r *report) plot(dir string) error {
	if r.Run.TX == "" {
		return fmt.Errorf("--plots shows the sender's log, want --tx")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	s, start := &r.Run.series, r.Run.firstMs
	delivery := newPlot(r.Run, "windows")
	for _, l := range []struct {
		name   string
		points *points
		color  color.RGBA
	}{{"sent", &s.sent, color.RGBA{120, 120, 120, 255}}, {"acknowledged", &s.acked, color.RGBA{0, 110, 180, 255}},
		{"given up or dropped", &s.failed, color.RGBA{200, 60, 0, 255}}} {
		if len(l.points.xy) == 0 {
			continue
		}
		line, err := plotter.NewLine(l.points.since(start))
		if err != nil {
			return err
		}
		line.Color, line.Width = l.color, vg.Points(1.5)
		delivery.Add(line)
		delivery.Legend.Add(l.name, line)
	}
	delivery.Legend.Top, delivery.Legend.Left = true, true
	if err := delivery.Save(16*vg.Centimeter, 10*vg.Centimeter, filepath.Join(dir, "delivery.png")); err != nil {
		return err
	}
	if len(s.latency.xy) == 0 {
		return nil
	}
	latency := newPlot(r.Run, "from offering to ACK, ms")
	dots, err := plotter.NewScatter(s.latency.since(start))
	if err != nil {
		return err
	}
	dots.Radius, dots.Color = vg.Points(1), color.RGBA{0, 110, 180, 255}
	latency.Add(dots)
	latency.Y.Min = 0
	return latency.Save(16*vg.Centimeter, 10*vg.Centimeter, filepath.Join(dir, "latency.png"))
}

func newPlot(r *runReport, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text = r.RunID + ", " + r.PHYID
	p.X.Label.Text, p.Y.Label.Text = "minutes since the start", y
	p.Add(plotter.NewGrid())
	return p
}
