package runlog

import (
	"bytes"
	"slices"
	"time"

	"github.com/loralink/loralink-go/radio/link"
)

// Matcher finds out which sent window each reconstructed window is, so that the two
// can be compared. Frames do not carry a window_id, only a SEQ that wraps at 256. Of
// the windows that were sent with that SEQ and the payload that was received, the
// Matcher takes the one whose first sending is nearest in time. It needs the
// entries of both ends, in any order. Their clocks may differ by less than the time
// of 128 windows.
//
// The zero Matcher is ready to use. It keeps the payloads of all sent windows and the
// values of all reconstructed windows in memory. It belongs to one goroutine.
type Matcher struct {
	sent     [256][]sending // by SEQ
	received [256][]byte    // the payload received last under each SEQ
	rebuilt  []rebuilt
}

// sending is the first sending of a window.
type sending struct {
	at      time.Time
	id      int64
	payload []byte
}

// rebuilt is a reconstructed window.
type rebuilt struct {
	at      time.Time
	seq     byte
	payload []byte
	values  []float64
}

// Add takes in an entry of either end.
func (m *Matcher) Add(e Entry) {
	switch {
	case e.Role == link.RoleTX && e.Kind == link.EventTxSent && e.Attempt <= 1:
		m.sent[e.Seq] = append(m.sent[e.Seq], sending{e.Time, e.WindowID, bytes.Clone(e.Payload)})
	case e.Role == link.RoleRX && e.Kind == link.EventRxOK:
		m.received[e.Seq] = bytes.Clone(e.Payload)
	case e.Role == link.RoleRX && e.Kind == link.EventReconDone && len(e.Window) > 0:
		m.rebuilt = append(m.rebuilt, rebuilt{e.Time, e.Seq, m.received[e.Seq], slices.Clone(e.Window)})
	}
}

// Match returns the values of the reconstructed windows by window_id, and the number
// of reconstructed windows that match no sent one.
func (m *Matcher) Match() (windows map[int64][]float64, unmatched int) {
	windows = make(map[int64][]float64, len(m.rebuilt))
	for _, r := range m.rebuilt {
		if s := m.nearest(r); s != nil {
			windows[s.id] = r.values
		} else {
			unmatched++
		}
	}
	return windows, unmatched
}

// nearest returns the sending that r most likely belongs to, or nil if none fits.
func (m *Matcher) nearest(r rebuilt) *sending {
	var best *sending
	distance := func(s *sending) time.Duration { return s.at.Sub(r.at).Abs() }
	for i := range m.sent[r.seq] {
		s := &m.sent[r.seq][i]
		if len(s.payload) > 0 && len(r.payload) > 0 && !bytes.Equal(s.payload, r.payload) {
			continue
		}
		if best == nil || distance(s) < distance(best) {
			best = s
		}
	}
	return best
}
