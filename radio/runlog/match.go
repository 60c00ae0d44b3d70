package runlog

import (
	"bytes"
	"slices"
	"time"

	"github.com/loralink/loralink-go/radio/link"
)

// Matcher finds the sent window of each decoded window, so that the two can be
// compared. Frames carry no window_id, only a SEQ that wraps at 256. Among the windows
// that were sent with that SEQ and the received payload, the Matcher takes the one
// whose first sending is nearest in time. It needs the entries of both ends, in any
// order. Their clocks may differ by less than the duration of 128 windows.
//
// The zero Matcher is ready to use. It keeps the payloads of all sent windows and the
// values of all decoded windows in memory. It must not be used by several goroutines
// at once.
type Matcher struct {
	sent     [256][]sending // by SEQ
	received [256][]byte    // the payload received last with each SEQ
	decoded  []decoding
}

// sending is the first sending of a window.
type sending struct {
	time    time.Time
	id      int64
	payload []byte
}

// decoding is a decoded window.
type decoding struct {
	time    time.Time
	seq     byte
	payload []byte
	values  []float64
}

// Add adds an entry of either end.
func (m *Matcher) Add(e Entry) {
	switch {
	case e.Role == link.RoleTX && e.Kind == link.EventTxSent && e.Attempt <= 1:
		m.sent[e.Seq] = append(m.sent[e.Seq], sending{e.Time, e.WindowID, bytes.Clone(e.Payload)})
	case e.Role == link.RoleRX && e.Kind == link.EventRxOK:
		m.received[e.Seq] = bytes.Clone(e.Payload)
	case e.Role == link.RoleRX && e.Kind == link.EventReconDone && len(e.Window) > 0:
		m.decoded = append(m.decoded, decoding{e.Time, e.Seq, m.received[e.Seq], slices.Clone(e.Window)})
	}
}

// Match returns the values of the decoded windows by window_id, and the number of
// decoded windows that match no sent one.
func (m *Matcher) Match() (windows map[int64][]float64, unmatched int) {
	windows = make(map[int64][]float64, len(m.decoded))
	for _, d := range m.decoded {
		if s := m.nearest(d); s != nil {
			windows[s.id] = d.values
		} else {
			unmatched++
		}
	}
	return windows, unmatched
}

// nearest returns the sending that d most likely belongs to, or nil if none fits.
func (m *Matcher) nearest(d decoding) *sending {
	var nearest *sending
	distance := func(s *sending) time.Duration { return s.time.Sub(d.time).Abs() }
	for i := range m.sent[d.seq] {
		s := &m.sent[d.seq][i]
		if len(s.payload) > 0 && len(d.payload) > 0 && !bytes.Equal(s.payload, d.payload) {
			continue
		}
		if nearest == nil || distance(s) < distance(nearest) {
			nearest = s
		}
	}
	return nearest
}
