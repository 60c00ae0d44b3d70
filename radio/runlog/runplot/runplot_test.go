package runplot

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/runlog/runreport"
)

const walkLog = `{"ts_ms":0,"event":"run_start","role":"tx","run_id":"walk","phy_id":"sf7"}
{"ts_ms":1000,"event":"tx_sent","role":"tx","run_id":"walk","window_id":1,"seq":9,"attempt":1}
{"ts_ms":1200,"event":"ack_received","role":"tx","run_id":"walk","window_id":1,"ack_seq":9,"e2e_ms":200}
{"ts_ms":2000,"event":"tx_sent","role":"tx","run_id":"walk","window_id":2,"seq":10,"attempt":1}
{"ts_ms":3000,"event":"tx_failed","role":"tx","run_id":"walk","window_id":2,"seq":10}
`

func Example() {
	series, err := Read(runlog.ReadEntries(strings.NewReader(walkLog), "walk_tx.jsonl"))
	if err != nil {
		fmt.Println(err)
		return
	}
	dir, err := os.MkdirTemp("", "plots")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if err := series.Save(dir); err != nil {
		fmt.Println(err)
		return
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.png"))
	fmt.Println(len(files), "plots", err)
	// Output: 2 plots <nil>
}

func TestSeries(t *testing.T) {
	s, err := Read(runlog.ReadEntries(strings.NewReader(walkLog+"incomplete"), "walk_tx.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.sent.xy) != 2 || len(s.acked.xy) != 1 || len(s.dropped.xy) != 1 || len(s.latency.xy) != 1 {
		t.Errorf("%+v", s)
	}
	if point := s.sent.xy[1]; point.X != 2.0/60 || point.Y != 2 {
		t.Errorf("second sending at %v", point)
	}
}

func TestReceiverHasNoPlots(t *testing.T) {
	s, err := Read(runlog.ReadEntries(strings.NewReader(`{"ts_ms":1,"event":"rx_ok","role":"rx"}`), "walk_rx.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{s.Save(t.TempDir()), s.PlotDelivery(io.Discard), s.PlotLatency(io.Discard)} {
		if !errors.Is(err, ErrNoEvents) {
			t.Errorf("got %v, want %v", err, ErrNoEvents)
		}
	}
}

func TestPointsStayFew(t *testing.T) {
	var p points
	for i := range 10 * maxPoints {
		p.add(float64(i), float64(i))
	}
	if len(p.xy) > maxPoints || len(p.xy) < maxPoints/2 {
		t.Fatalf("%d points", len(p.xy))
	}
	for i, q := range p.xy {
		if want := float64(i * p.every); q.X != want {
			t.Fatalf("point %d is %v, want %v", i, q.X, want)
		}
	}
}

func TestRuns(t *testing.T) {
	read := func(text string) *runreport.Set {
		set, err := runreport.ReadSet(strings.NewReader(text), "metrics.json")
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	set := read(`{"a":{"sent_count":2,"acked_count":1,"pdr":0.5,"etx":2},"b":{"sent_count":2,"acked_count":0},"rx":{"sent_count":0}}`)
	energy, err := runreport.ReadEnergy(strings.NewReader("runs: [{run_id: a, avg_power_w: 1, duration_s: 1}]"), "e.yaml", set)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		energy *runreport.EnergyReport
		want   string
	}{{"without energies", nil, "[pdr.png etx.png toa.png]"}, {"with energies", energy, "[pdr.png etx.png toa.png energy.png]"}} {
		plots, err := Runs(set, c.energy)
		var names []string
		for _, p := range plots {
			names = append(names, p.File)
		}
		if err != nil || fmt.Sprint(names) != c.want {
			t.Errorf("%s: %v, %v", c.name, names, err)
		}
	}
	if _, err := Runs(read(`{"rx":{"sent_count":0}}`), nil); !errors.Is(err, ErrNoRuns) {
		t.Errorf("got %v", err)
	}
}
