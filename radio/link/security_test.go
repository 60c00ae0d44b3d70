package link

import (
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// What docs/security.md says that v1 does not promise.
func TestV1PromisesNothing(t *testing.T) {
	b := newBench(t, func(c *SenderSettings) { c.QueueLen = 2000 })
	for i := range 2000 {
		b.step(Offer(window(i)))
	}
	for b.s.Pending() > 0 {
		b.ack(b.frames[len(b.frames)-1][1]) // forged: there is no receiver
		if b.s.Pending() > 0 {
			b.wait()
		}
	}
	acked := 0
	for _, e := range b.events {
		if strings.HasPrefix(e, string(EventAckReceived)) {
			acked++
		}
	}
	if acked != 2000 {
		t.Errorf("%d of 2000 forged ACKs count", acked)
	}

	r := newReceiver(t, nil)
	for _, c := range []struct {
		name  string
		when  time.Duration
		input radio.Reception
		want  string
	}{
		{"a window", 0, data(9, "ab"), "deliver"},
		{"replayed at once", time.Second, data(9, "ab"), "ack_sent"},
		{"replayed after 30 s", 31 * time.Second, data(9, "ab"), "deliver"},
		{"forged, before the real one", 32 * time.Second, data(10, "xx"), "deliver"},
		{"the real one", 33 * time.Second, data(10, "cd"), "rx_conflict deliver"},
	} {
		if got := kinds(r, c.when, c.input); !strings.Contains(got, c.want) || c.want == "ack_sent" && strings.Contains(got, "deliver") {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
