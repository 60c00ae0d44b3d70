package runlog

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/loralink/loralink-go/radio/link"
)

// Matcher finds the sent window of each decoded window, so that the two can be
// compared. Frames carry no window_id, only a SEQ that wraps at 256. Among the windows
// that were sent with that SEQ and the received payload, the Matcher takes the one
// whose first sending is nearest in time. It needs the entries of both ends, in any
// order. Their clocks may differ by less than the duration of 128 windows.
//
// The zero Matcher is ready to use. Its memory is bounded: it keeps 4,194,304 sent windows
// with 24 bytes each, and decoded windows of 8,388,608 values in all, which are 64 MiB. It
// leaves out what comes after that, see [Matcher.Skipped]. It must not be used by several
// goroutines at once.
type Matcher struct {
	sent     [256][]sending // by SEQ
	received [256]uint64    // the payload received last with each SEQ
	decoded  []decoding
	sentLen  int
	values   int // in decoded
	lastSent int64
	skipped  int
	caps     struct{ sent, values int } // 0: the constants below
}

const (
	maxMatchSent   = 4 << 20
	maxMatchValues = 8 << 20
)

// sending is the first sending of a window.
type sending struct {
	ms, id  int64
	payload uint64 // see payloadKey
}

// decoding is a decoded window.
type decoding struct {
	ms      int64
	seq     byte
	payload uint64
	values  []float64
}

// payloadKey identifies a payload; 0 if there is none.
func payloadKey(payload []byte) uint64 {
	if len(payload) == 0 {
		return 0
	}
	digest := link.DigestOf(payload)
	return max(binary.LittleEndian.Uint64(digest[:]), 1)
}

// Add adds an entry of either end.
func (m *Matcher) Add(e Entry) {
	switch {
	case e.Role == link.RoleTX && e.Kind == link.EventTxSent && e.Attempt <= 1:
		if m.sentLen == cmp.Or(m.caps.sent, maxMatchSent) {
			return
		}
		m.sentLen++
		m.lastSent = max(m.lastSent, e.Time.UnixMilli())
		m.sent[e.Seq] = append(m.sent[e.Seq], sending{e.Time.UnixMilli(), e.WindowID, payloadKey(e.Payload)})
	case e.Role == link.RoleRX && e.Kind == link.EventRxOK:
		m.received[e.Seq] = payloadKey(e.Payload)
	case e.Role == link.RoleRX && e.Kind == link.EventReconDone && len(e.Window) > 0:
		if m.values+len(e.Window) > cmp.Or(m.caps.values, maxMatchValues) {
			m.skipped++
			return
		}
		m.values += len(e.Window)
		m.decoded = append(m.decoded, decoding{e.Time.UnixMilli(), e.Seq, m.received[e.Seq], slices.Clone(e.Window)})
	}
}

// Match returns the values of the decoded windows by window_id, and the number of
// decoded windows that match no sent one.
func (m *Matcher) Match() (windows map[int64][]float64, unmatched int) {
	for _, s := range m.sent {
		slices.SortStableFunc(s, func(a, b sending) int { return cmp.Compare(a.ms, b.ms) })
	}
	full := m.sentLen == cmp.Or(m.caps.sent, maxMatchSent)
	windows = make(map[int64][]float64, len(m.decoded))
	for _, d := range m.decoded {
		if s := m.nearest(d); s != nil {
			windows[s.id] = d.values
		} else if full && d.ms > m.lastSent {
			m.skipped++
		} else {
			unmatched++
		}
	}
	return windows, unmatched
}

// Skipped returns how many decoded windows were left out because the Matcher was full. It
// is complete after Match.
func (m *Matcher) Skipped() int { return m.skipped }

// nearest returns the sending that d most likely belongs to, or nil if none fits.
func (m *Matcher) nearest(d decoding) *sending {
	sent := m.sent[d.seq]
	after, _ := slices.BinarySearchFunc(sent, d.ms, func(s sending, ms int64) int { return cmp.Compare(s.ms, ms) })
	for before := after - 1; before >= 0 || after < len(sent); {
		var s *sending
		if after == len(sent) || before >= 0 && d.ms-sent[before].ms <= sent[after].ms-d.ms {
			s = &sent[before]
			before--
		} else {
			s = &sent[after]
			after++
		}
		if s.payload == 0 || d.payload == 0 || s.payload == d.payload {
			return s
		}
	}
	return nil
}
