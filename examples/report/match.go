package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
)

func isLogError(err error) bool {
	_, ok := errors.AsType[*runlog.Error](err)
	return ok
}

// matcher finds which sent window each rebuilt one is. Frames carry a SEQ that
// wraps at 256, and no window_id: of the windows sent under a SEQ, with the
// payload that was received, it takes the one sent nearest in time.
type matcher struct {
	sent    [256][]sending
	payload [256][]byte // received last under each SEQ
	rebuilt map[int64][]float64
	lost    int // rebuilt, and sent by nobody
}

type sending struct {
	ms      int64
	id      int64
	payload []byte
}

func (m *matcher) add(role link.Role, e link.Event) {
	switch {
	case role == link.RoleTX && e.Kind == link.EventTxSent && e.Attempt <= 1:
		m.sent[e.Seq] = append(m.sent[e.Seq], sending{e.At.UnixMilli(), e.WindowID, e.Payload})
	case role == link.RoleRX && e.Kind == link.EventRxOK:
		m.payload[e.Seq] = e.Payload
	case role == link.RoleRX && e.Kind == link.EventReconDone && len(e.Window) > 0:
		m.match(e)
	}
}

func (m *matcher) match(e link.Event) {
	best := -1
	at, candidates := e.At.UnixMilli(), m.sent[e.Seq]
	for i, s := range candidates {
		if len(s.payload) > 0 && len(m.payload[e.Seq]) > 0 && !bytes.Equal(s.payload, m.payload[e.Seq]) {
			continue
		}
		if best < 0 || distance(s.ms, at) < distance(candidates[best].ms, at) {
			best = i
		}
	}
	if best < 0 {
		m.lost++
		return
	}
	if m.rebuilt == nil {
		m.rebuilt = map[int64][]float64{}
	}
	m.rebuilt[candidates[best].id] = e.Window
}

func distance(a, b int64) int64 {
	if a < b {
		return b - a
	}
	return a - b
}

// errors compares what was rebuilt with the data set, in deviations std or,
// where that is nil, in the data set's. It returns nil where the receiver rebuilt
// nothing (mode RAW).
func (m *matcher) errors(path string, std []float64, stderr io.Writer) (*reconstruction, error) {
	if len(m.rebuilt) == 0 {
		return nil, nil
	}
	var stats dataset.Stats
	var tally *quality.Tally
	dims, n := 0, 0
	for w, err := range cli.OpenWindows(path, 0, 0, stderr) {
		if err != nil {
			return nil, err
		}
		if err := stats.Add(w.Values); err != nil {
			return nil, err
		}
		if tally == nil {
			tally, dims, n = quality.NewTally(len(w.Values)), len(w.Order), len(w.Values)
			if std != nil && len(std) != n {
				return nil, fmt.Errorf("%s: windows of %d values, want %d as the model's", path, n, len(std))
			}
		}
		got, ok := m.rebuilt[w.ID]
		if !ok {
			continue
		}
		if len(got) != n {
			return nil, fmt.Errorf("%s: windows of %d values, want %d as the receiver rebuilt", path, n, len(got))
		}
		tally.Add(w.Values, got)
		delete(m.rebuilt, w.ID)
	}
	r := &reconstruction{Windows: tally.Windows(), Unmatched: m.lost + len(m.rebuilt), ZScoredBy: "model"}
	if std == nil {
		std, r.ZScoredBy = stats.Std(), "dataset"
	}
	if tally.Windows() == 0 {
		return r, nil
	}
	r.Overall, r.ZScored = tally.Overall(), tally.Scaled(std)
	if dims == sensor.MotionDims {
		r.ByGroup = map[string]quality.Errors{}
		for _, g := range sensor.Motion().Groups() {
			r.ByGroup[g.Name] = tally.Dims(dims, g.From, g.To)
		}
	}
	return r, nil
}
