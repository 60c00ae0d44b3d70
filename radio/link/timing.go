package link

import (
	"fmt"
	"math"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// Timing is what sender and receiver must agree on: from it follow the waits
// of the one and the memory of the other.
type Timing struct {
	PHY   radio.PHY
	Guard time.Duration // between the end of a frame on the air and the next one
	// AckTimeout is the air's part of the wait for an ACK. 0 is auto, see
	// AckTimeoutFor.
	AckTimeout time.Duration
	MaxRetries int // repetitions of a frame that is not acknowledged
	// MaxInFlight is how many windows may await their ACK at once, 1..127. 0 is 1.
	MaxInFlight int
	// MaxPayloadLen caps payloads, in bytes. 0 is 238, what a frame holds.
	MaxPayloadLen int
	// Latency is how long one end takes to carry a frame of so many bytes
	// between host and modem, see UARTLatency. Nil is none.
	Latency func(frameLen int) time.Duration
}

// UARTLatency is the Latency of a modem on a UART with 10 bits a byte.
func UARTLatency(baud int) func(frameLen int) time.Duration {
	return func(frameLen int) time.Duration {
		return time.Duration(frameLen) * 10 * time.Second / time.Duration(max(baud, 1))
	}
}

// memoryMin is how long a receiver remembers a SEQ at least.
const memoryMin = 10 * time.Second

// withDefaults checks t and resolves its zeros.
func (t Timing) withDefaults(c Codec) (Timing, error) {
	if t.MaxInFlight == 0 {
		t.MaxInFlight = 1
	}
	if t.MaxPayloadLen == 0 {
		t.MaxPayloadLen = radio.MaxPayloadLen
	}
	t.MaxPayloadLen = min(t.MaxPayloadLen, radio.MaxPayloadLen)
	if t.Latency == nil {
		t.Latency = func(int) time.Duration { return 0 }
	}
	if err := t.PHY.Check(); err != nil {
		return t, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	switch {
	case t.Guard < 0 || t.AckTimeout < 0:
		return t, fmt.Errorf("%w: guard %v, ack timeout %v, want 0 or more", ErrSettings, t.Guard, t.AckTimeout)
	case t.MaxRetries < 0:
		return t, fmt.Errorf("%w: %d retries, want 0 or more", ErrSettings, t.MaxRetries)
	case t.MaxInFlight < 1 || t.MaxInFlight > radio.MaxInFlight:
		return t, fmt.Errorf("%w: %d in flight, want 1..%d", ErrSettings, t.MaxInFlight, radio.MaxInFlight)
	case c != nil && c.MaxPayloadLen() < radio.MinPayloadLen:
		return t, fmt.Errorf("%w: codec has payloads of %d byte, which a receiver would take for an ACK, want at least %d",
			ErrSettings, c.MaxPayloadLen(), radio.MinPayloadLen)
	case c != nil && c.MaxPayloadLen() > t.MaxPayloadLen:
		return t, fmt.Errorf("%w: codec has payloads of up to %d bytes, want at most %d", ErrSettings, c.MaxPayloadLen(), t.MaxPayloadLen)
	}
	if c != nil {
		t.MaxPayloadLen = c.MaxPayloadLen()
	}
	return t, nil
}

// AckTimeoutFor is AckTimeout or, where that is auto, the time on air of the
// frame and of its ACK and 40 ms, rounded up to a millisecond.
func (t Timing) AckTimeoutFor(frameLen int) time.Duration {
	if t.AckTimeout > 0 {
		return t.AckTimeout
	}
	auto := t.PHY.TimeOnAir(frameLen) + t.PHY.TimeOnAir(radio.AckFrameLen) + 40*time.Millisecond
	return (auto + time.Millisecond - 1).Truncate(time.Millisecond)
}

// Wait is how long a sender waits for an ACK: AckTimeoutFor and the latency of
// both ends, for the frame and for its ACK.
func (t Timing) Wait(frameLen int) time.Duration {
	wait := t.AckTimeoutFor(frameLen)
	if t.Latency != nil {
		wait += 2*t.Latency(frameLen) + 2*t.Latency(radio.AckFrameLen)
	}
	return wait
}

// Pace is the least time between two frames of one sender: the time on air,
// or on the way to the modem where that is longer, and the guard.
func (t Timing) Pace(frameLen int) time.Duration {
	pace := t.PHY.TimeOnAir(frameLen)
	if t.Latency != nil {
		pace = max(pace, t.Latency(frameLen))
	}
	return pace + t.Guard
}

// Memory is how long after its first sending a frame may be repeated, and how
// long a receiver therefore remembers its SEQ:
// max(10 s, (MaxRetries+1)·MaxInFlight·wait), the wait being that of the
// longest frame.
func (t Timing) Memory() time.Duration {
	n := radio.HeaderLen + t.MaxPayloadLen
	product := float64(t.MaxRetries+1) * float64(max(t.MaxInFlight, 1)) * float64(max(t.Wait(n), t.Pace(n)))
	if product > math.MaxInt64/2 {
		return math.MaxInt64 / 2
	}
	return max(memoryMin, time.Duration(product))
}
