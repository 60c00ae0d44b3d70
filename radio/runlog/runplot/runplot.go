// Package runplot plots a run over time, from its sender's log: the numbers of windows
// sent, acknowledged and given up, and the time from offering each window to its ACK.
// It is separate from package runlog because it needs gonum/plot.
package runplot

import (
	"errors"
	"fmt"
	"image/color"
	"iter"
	"os"
	"path/filepath"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

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

// Delivery returns a plot of the numbers of windows that were sent, acknowledged, and
// given up or dropped by the queue, over minutes since the first event. The error is
// [ErrNoEvents] if there were no events of a sender.
func (s *Series) Delivery() (*plot.Plot, error) {
	if s.start.IsZero() {
		return nil, ErrNoEvents
	}
	p := s.plot("windows")
	for _, l := range []struct {
		name   string
		points *points
		color  color.RGBA
	}{
		{"sent", &s.sent, color.RGBA{120, 120, 120, 255}},
		{"acknowledged", &s.acked, blue},
		{"given up or dropped", &s.dropped, color.RGBA{200, 60, 0, 255}},
	} {
		if len(l.points.xy) == 0 {
			continue
		}
		line, err := plotter.NewLine(l.points.xy)
		if err != nil {
			return nil, fmt.Errorf("runplot: %w", err)
		}
		line.Color, line.Width = l.color, vg.Points(1.5)
		p.Add(line)
		p.Legend.Add(l.name, line)
	}
	p.Legend.Top, p.Legend.Left = true, true
	return p, nil
}

// Latency returns a plot of the time from offering each window to its ACK, in ms, over
// minutes since the first event. The error is [ErrNoEvents] if there were no events of
// a sender.
func (s *Series) Latency() (*plot.Plot, error) {
	if s.start.IsZero() {
		return nil, ErrNoEvents
	}
	p := s.plot("from offering to ACK, ms")
	if len(s.latency.xy) > 0 {
		dots, err := plotter.NewScatter(s.latency.xy)
		if err != nil {
			return nil, fmt.Errorf("runplot: %w", err)
		}
		dots.Radius, dots.Color = vg.Points(1), blue
		p.Add(dots)
	}
	p.Y.Min = 0
	return p, nil
}

// Save writes both plots into the folder dir, as [DeliveryFile] and [LatencyFile]. It
// creates the folder if it does not exist. The error is [ErrNoEvents] if there were no
// events of a sender.
func (s *Series) Save(dir string) error {
	delivery, err := s.Delivery()
	if err != nil {
		return err
	}
	latency, err := s.Latency()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("runplot: %w", err)
	}
	for _, f := range []struct {
		name string
		plot *plot.Plot
	}{{DeliveryFile, delivery}, {LatencyFile, latency}} {
		if err := f.plot.Save(16*vg.Centimeter, 10*vg.Centimeter, filepath.Join(dir, f.name)); err != nil {
			return fmt.Errorf("runplot: %s: %w", f.name, err)
		}
	}
	return nil
}

var blue = color.RGBA{0, 110, 180, 255}

func (s *Series) plot(y string) *plot.Plot {
	p := plot.New()
	p.Title.Text = s.header.RunID + ", " + s.header.PHYID
	p.X.Label.Text, p.Y.Label.Text = "minutes since the start", y
	p.Add(plotter.NewGrid())
	return p
}

// maxPoints is how many points of one kind are kept.
const maxPoints = 20_000

// points is a thinned out sequence of points.
type points struct {
	xy    plotter.XYs
	n     int // number of points added
	every int // one point of every so many is kept; 0: none was added
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
