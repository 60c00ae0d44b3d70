package runlog

import (
	"testing"
	"time"

	"github.com/loralink/loralink-go/radio/link"
)

// A Matcher that is full leaves out what comes later, and says how much.
func TestReportJoinIsBounded(t *testing.T) {
	for _, c := range []struct {
		name         string
		sent, values int
		matched      int
	}{
		{"large enough", 1000, 2000, 1000},
		{"too many values", 1000, 200, 100},
		{"too many sent", 300, 2000, 300},
	} {
		var m Matcher
		m.caps.sent, m.caps.values = c.sent, c.values
		at := func(i int) time.Time { return time.UnixMilli(int64(1000 * i)) }
		for i := range 1000 {
			m.Add(Entry{Header: Header{Role: link.RoleTX}, Event: link.Event{Kind: link.EventTxSent, Time: at(i), Seq: byte(i), WindowID: int64(i), Attempt: 1, Payload: []byte{byte(i), byte(i >> 8)}}})
		}
		for i := range 1000 {
			m.Add(Entry{Header: Header{Role: link.RoleRX}, Event: link.Event{Kind: link.EventRxOK, Time: at(i), Seq: byte(i), Payload: []byte{byte(i), byte(i >> 8)}}})
			m.Add(Entry{Header: Header{Role: link.RoleRX}, Event: link.Event{Kind: link.EventReconDone, Time: at(i), Seq: byte(i), Window: []float64{1, 2}}})
		}
		windows, unmatched := m.Match()
		if len(windows) != c.matched || unmatched != 0 || m.Skipped() != 1000-c.matched {
			t.Errorf("%s: %d matched, %d not, %d skipped", c.name, len(windows), unmatched, m.Skipped())
		}
	}
}
