package link

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/radio"
)

func newReceiver(t *testing.T, c Codec) *Receiver {
	t.Helper()
	r, err := NewReceiver(ReceiverSettings{Timing: Timing{PHY: sf7}, Codec: c})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// kinds runs a receiver over one reception and returns what it does, as words.
func kinds(r *Receiver, when time.Duration, reception radio.Reception) string {
	actions, _ := r.Step(start.Add(when), Received(reception), nil)
	var words []string
	for _, a := range actions {
		switch a.Kind {
		case ActionLog:
			words = append(words, string(a.Event.Kind))
		case ActionSend:
			words = append(words, fmt.Sprintf("send:%x", a.Frame))
		case ActionDeliver:
			words = append(words, fmt.Sprintf("deliver:%x", a.Delivery.Payload))
		}
	}
	return strings.Join(words, " ")
}

func data(seq byte, payload string) radio.Reception {
	frame, _ := radio.AppendFrame(nil, seq, []byte(payload))
	return radio.Reception{Frame: frame}
}

func TestReceiver(t *testing.T) {
	r := newReceiver(t, nil)
	for _, c := range []struct {
		name  string
		when  time.Duration
		input radio.Reception
		want  string
	}{
		{"first", 0, data(200, "ab"), "rx_ok deliver:6162 ack_sent send:0100c8"},
		{"repeated", time.Second, data(200, "ab"), "rx_ok ack_sent send:0101c8"},
		{"next", time.Second, data(201, "cd"), "rx_ok deliver:6364 ack_sent send:0102c9"},
		{"late, not heard before", time.Second, data(199, "xx"), "rx_ok deliver:7878 ack_sent send:0103c7"},
		{"repeated still", 10 * time.Second, data(200, "ab"), "rx_ok ack_sent send:0104c8"},
		{"forgotten", 11 * time.Second, data(200, "ef"), "rx_ok deliver:6566 ack_sent send:0105c8"},
		{"far ahead", 11 * time.Second, data(73, "gh"), "rx_ok deliver:6768 ack_sent send:010649"},
		{"behind by 127", 11 * time.Second, data(202, "ij"), "rx_ok deliver:696a ack_sent send:0107ca"},
		{"behind by 128 is ahead, so new", 11 * time.Second, data(201, "kl"), "rx_ok deliver:6b6c ack_sent send:0108c9"},
		{"an ACK of somebody else", 11 * time.Second, radio.Reception{Frame: radio.AppendAck(nil, 1, 9)}, ""},
		{"no frame", 11 * time.Second, radio.Reception{Err: radio.ErrStray}, "rx_parse_fail"},
		{"a frame cut short", 11 * time.Second, radio.Reception{Frame: []byte{5, 1, 2}}, "rx_parse_fail"},
		{"nothing at all", 11 * time.Second, radio.Reception{}, "rx_parse_fail"},
	} {
		if got := kinds(r, c.when, c.input); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestReceiverDecodes(t *testing.T) {
	r := newReceiver(t, bytesCodec{n: 4})
	for _, c := range []struct {
		name, payload, want string
	}{
		{"fits", "abcd", "rx_ok recon_done deliver:61626364 ack_sent send:010000"},
		{"longer than the codec's", "abcde", "rx_parse_fail"},
		{"refused by the codec, so not acknowledged", "abc", "rx_ok recon_failed"},
	} {
		if got := kinds(r, 0, data(byte(len(c.payload)-4), c.payload)); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestReceiverKeepsItsDutyCycle(t *testing.T) {
	r, err := NewReceiver(ReceiverSettings{Timing: Timing{PHY: sf7}, DutyCycle: 0.001})
	if err != nil {
		t.Fatal(err)
	}
	acks := 0
	for i := range 600 {
		if strings.Contains(kinds(r, time.Duration(i)*100*time.Millisecond, data(byte(i), "ab")), "send") {
			acks++
		}
	}
	if want := int(3600 * time.Millisecond / sf7.TimeOnAir(3)); acks != want {
		t.Errorf("%d ACKs in a minute, want %d", acks, want)
	}
}

// A restarted sender whose first numbers the receiver just heard would lose
// them; one that goes on where it left off loses none.
func TestWrapIsSeamless(t *testing.T) {
	r := newReceiver(t, nil)
	for i := range 5000 {
		got := kinds(r, time.Duration(i)*20*time.Millisecond, data(byte(i), "ab"))
		if !strings.Contains(got, "deliver") {
			t.Fatalf("window %d: %s", i, got)
		}
	}
}
