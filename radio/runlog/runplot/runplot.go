// Package runplot plots a run over time, from its sender's log: the numbers of windows
// sent, acknowledged and given up, and the time from offering each window to its ACK.
// It is separate from package runlog because it needs gonum/plot.
package runplot

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/loralink/loralink-go/internal/atomicfile"
	"github.com/loralink/loralink-go/internal/plotutil"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
)

// The files that [Series.Save] writes.
const (
	DeliveryFile = "delivery.png"
	LatencyFile  = "latency.png"
)

// ErrNoEvents reports a series without events of a sender, of which there is nothing to
// plot.
var ErrNoEvents = errors.New("runplot: no events of a sender")

// Series collects the points of the plots. Its memory is bounded: if there are more
// than 20,000 points it keeps every second one, if there are more than 40,000 every
// fourth, and so on. The zero Series is ready to use. It must not be used by several
// goroutines at once.
type Series struct {
	header                        runlog.Header
	start                         time.Time
	minutes                       float64 // from the first event to the last
	latency, sent, acked, dropped points
}

// Read returns the series of a log, which it iterates over once. It skips lines that are
// not an event.
func Read(entries iter.Seq2[runlog.Entry, error]) (*Series, error) {
	s := new(Series)
	for e, err := range entries {
		switch {
		case err == nil:
			s.Add(e)
		case !errors.Is(err, runlog.ErrNotEvent) && !errors.Is(err, runlog.ErrIncompleteLine):
			return nil, err
		}
	}
	return s, nil
}

// Add adds an entry of a sender's log. It ignores entries of a receiver's log.
func (s *Series) Add(e runlog.Entry) {
	if e.Role != link.RoleTX {
		return
	}
	if s.start.IsZero() {
		s.header, s.start = e.Header, e.Time
	}
	minutes := e.Time.Sub(s.start).Minutes()
	s.minutes = max(s.minutes, minutes)
	switch e.Kind {
	case link.EventTxSent:
		if e.Attempt <= 1 {
			s.sent.count(minutes)
		}
	case link.EventAckReceived:
		s.acked.count(minutes)
		s.latency.add(minutes, float64(e.EndToEnd.Milliseconds()))
	case link.EventTxFailed, link.EventTxDropped:
		s.dropped.count(minutes)
	}
}

// PlotDelivery writes a PNG image of the numbers of windows that were sent, acknowledged,
// and given up or dropped by the queue, over the time since the first event. The error is
// [ErrNoEvents] if there were no events of a sender.
func (s *Series) PlotDelivery(w io.Writer) error {
	return s.draw(w, "windows", func(p *plot.Plot, legend *plot.Legend, scale float64) error {
		for _, l := range []struct {
			name   string
			points *points
			color  color.RGBA
			dashes []vg.Length
		}{
			{"acknowledged", &s.acked, plotutil.Blue, nil},
			{"sent", &s.sent, plotutil.Black, plotutil.Dashed}, // on top: the lines may coincide
			{"given up or dropped", &s.dropped, plotutil.Red, nil},
		} {
			if err := plotutil.AddLine(p, legend, l.name, l.points.scaled(scale), l.color, l.dashes, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// PlotLatency writes a PNG image of the time from offering each window to its ACK, over
// the time since the first event. The error is [ErrNoEvents] if there were no events of a
// sender.
func (s *Series) PlotLatency(w io.Writer) error {
	return s.draw(w, "from offering to ACK, ms", func(p *plot.Plot, legend *plot.Legend, scale float64) error {
		if len(s.latency.xy) == 0 {
			return nil
		}
		marks, err := plotutil.AddMarks(p, s.latency.scaled(scale), plotutil.Blue, draw.CircleGlyph{}, 1)
		if err != nil {
			return err
		}
		legend.Add("window", marks)
		return nil
	})
}

// Save writes both plots into the folder dir, as [DeliveryFile] and [LatencyFile]. It
// creates the folder if it does not exist. The error is [ErrNoEvents] if there were no
// events of a sender.
func (s *Series) Save(dir string) error {
	if s.start.IsZero() {
		return ErrNoEvents
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("runplot: %w", err)
	}
	for _, f := range []struct {
		name string
		plot func(io.Writer) error
	}{{DeliveryFile, s.PlotDelivery}, {LatencyFile, s.PlotLatency}} {
		if err := atomicfile.Write(filepath.Join(dir, f.name), f.plot); err != nil {
			return fmt.Errorf("runplot: %s: %w", f.name, err)
		}
	}
	return nil
}

// draw writes a plot that add fills, with a y-axis from 0. Add multiplies minutes by scale.
func (s *Series) draw(w io.Writer, y string, add func(p *plot.Plot, legend *plot.Legend, scale float64) error) error {
	if s.start.IsZero() {
		return ErrNoEvents
	}
	unit, scale := "minutes", 1.0
	if s.minutes < 3 {
		unit, scale = "seconds", 60
	}
	p, legend := plotutil.New(s.header.RunID+", "+s.header.PHYID, unit+" since the start", y), plotutil.NewLegend()
	plotutil.AddGrid(p)
	if err := add(p, legend, scale); err != nil {
		return fmt.Errorf("runplot: %w", err)
	}
	p.Y.Min = 0
	c := plotutil.NewPicture(20, 14, legend)
	c.Draw(p, legend)
	return c.WritePNG(w)
}

// maxPoints is how many points of one kind are kept.
const maxPoints = 20_000

// points is a thinned out sequence of points.
type points struct {
	xy    plotter.XYs
	n     int // number of points added
	every int // one point of every so many is kept; 0: none was added
}

// scaled returns the points with x multiplied by scale.
func (p *points) scaled(scale float64) plotter.XYs {
	xy := slices.Clone(p.xy)
	for i := range xy {
		xy[i].X *= scale
	}
	return xy
}

// count adds the point of one more event.
func (p *points) count(x float64) { p.add(x, float64(p.n+1)) }

func (p *points) add(x, y float64) {
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
	p.xy = append(p.xy, plotter.XY{X: x, Y: y})
}
