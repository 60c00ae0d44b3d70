package link

import (
	"fmt"
	"math"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// Timing is what sender and receiver must agree on. From it follow the waits of
// the sender and the memory of the receiver. The PHY must be set; other fields
// may be zero.
type Timing struct {
	PHY   radio.PHY
	Guard time.Duration // from the end of a frame on the air to the next one
	// AckTimeout is how long to wait for an ACK, without the radio's latency.
	// 0: calculated, see AckTimeoutFor.
	AckTimeout time.Duration
	MaxRetries int // repetitions of a frame that is not acknowledged
	// MaxInFlight is how many windows may await their ACK at once, 1..127. 0: 1.
	MaxInFlight int
	// MaxPayloadLen is the longest payload, in bytes. 0: 238, which is what a frame
	// holds.
	MaxPayloadLen int
	// Latency is how long one end takes to carry a frame of frameLen bytes between
	// host and modem; see radio.LatencyRadio and UARTLatency. nil: no time.
	Latency func(frameLen int) time.Duration
}

// UARTLatency returns the Latency of a modem on a UART, with 10 bits a byte.
func UARTLatency(baud int) func(frameLen int) time.Duration {
	return func(frameLen int) time.Duration {
		return time.Duration(frameLen) * 10 * time.Second / time.Duration(max(baud, 1))
	}
}

// memoryMin is how long a receiver remembers a SEQ at least.
const memoryMin = 10 * time.Second

// resolve checks t and replaces its zeros. The codec may be nil.
func (t Timing) resolve(c Codec) (Timing, error) {
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
	}
	if c == nil {
		return t, nil
	}
	switch n := c.MaxPayloadLen(); {
	case n < radio.MinPayloadLen:
		return t, fmt.Errorf("%w: the codec's payloads have %d byte, which a receiver would take for an ACK, want at least %d",
			ErrSettings, n, radio.MinPayloadLen)
	case n > t.MaxPayloadLen:
		return t, fmt.Errorf("%w: the codec's payloads have up to %d bytes, want at most %d", ErrSettings, n, t.MaxPayloadLen)
	default:
		t.MaxPayloadLen = n
	}
	return t, nil
}

// AckTimeoutFor returns AckTimeout or, if that is 0, the time on air of a frame of
// frameLen bytes and of its ACK, plus 40 ms, rounded up to a millisecond.
func (t Timing) AckTimeoutFor(frameLen int) time.Duration {
	if t.AckTimeout > 0 {
		return t.AckTimeout
	}
	auto := t.PHY.TimeOnAir(frameLen) + t.PHY.TimeOnAir(radio.AckFrameLen) + 40*time.Millisecond
	return (auto + time.Millisecond - 1).Truncate(time.Millisecond)
}

// Wait returns how long a sender waits for the ACK of a frame of frameLen bytes:
// AckTimeoutFor, plus the latency of both ends for the frame and for its ACK.
func (t Timing) Wait(frameLen int) time.Duration {
	wait := t.AckTimeoutFor(frameLen)
	if t.Latency != nil {
		wait += 2*t.Latency(frameLen) + 2*t.Latency(radio.AckFrameLen)
	}
	return wait
}

// Pace returns the least time from the start of a frame of frameLen bytes to the
// next frame of the same sender: the time on air, or the latency if that is
// longer, plus the guard.
func (t Timing) Pace(frameLen int) time.Duration {
	pace := t.PHY.TimeOnAir(frameLen)
	if t.Latency != nil {
		pace = max(pace, t.Latency(frameLen))
	}
	return pace + t.Guard
}

// Memory returns how long after its first sending a frame may be repeated, which
// is how long a receiver remembers its SEQ:
//
//	max(10 s, (MaxRetries+1) · MaxInFlight · wait)
//
// The wait is that of the longest frame, or its pace if that is longer.
func (t Timing) Memory() time.Duration {
	n := radio.HeaderLen + t.MaxPayloadLen
	product := float64(t.MaxRetries+1) * float64(max(t.MaxInFlight, 1)) * float64(max(t.Wait(n), t.Pace(n)))
	if product > math.MaxInt64/2 {
		return math.MaxInt64 / 2
	}
	return max(memoryMin, time.Duration(product))
}
