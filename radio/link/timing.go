package link

import (
	"fmt"
	"math"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// Timing holds what sender and receiver must agree on. PHY must be set; the other
// fields may be zero.
//
// All waits of the sender follow from it. A receiver uses it for three things: the
// time on air of its ACKs, the longest payload, which limits what is a frame, and
// [Timing.Memory], which depends on all fields. If the receiver's memory is shorter
// than the sender's, a window that is repeated late may be delivered twice. If it is
// longer, windows of a sender that restarted with an older SEQ may be taken for
// repetitions.
type Timing struct {
	PHY   radio.PHY
	Guard time.Duration // from the end of a frame on the air to the next one
	// AckTimeout is the wait for an ACK, without the radio's latency. 0: calculated,
	// see AckTimeoutFor.
	AckTimeout time.Duration
	MaxRetries int // repetitions of a frame that is not acknowledged
	// MaxInFlight is the number of windows that may await their ACK at once, 1..127.
	// 0: 1.
	MaxInFlight int
	// MaxPayloadLen is the length of the longest payload in bytes, at least 2. 0 and
	// values above 238: 238, which is what a frame holds. If the codec's payloads are
	// shorter, their length is used.
	MaxPayloadLen int
	// Latency returns how long one end takes to carry a frame of frameLen bytes
	// between host and modem; see radio.LatencyRadio and UARTLatency. nil: no time.
	Latency func(frameLen int) time.Duration
}

// UARTLatency returns the Latency of a modem on a UART of that baud rate, in bit/s,
// with 10 bits per byte. If the baud rate is 0 or less, it returns nil: no latency.
func UARTLatency(baud int) func(frameLen int) time.Duration {
	if baud <= 0 {
		return nil
	}
	return func(frameLen int) time.Duration {
		return time.Duration(frameLen) * 10 * time.Second / time.Duration(baud)
	}
}

// memoryMin is the least time for which a receiver remembers a SEQ.
const memoryMin = 10 * time.Second

// resolve checks t and replaces its zeros. The codec may be nil.
func (t Timing) resolve(c Codec) (Timing, error) {
	if t.MaxInFlight == 0 {
		t.MaxInFlight = 1
	}
	t.MaxPayloadLen = t.maxPayloadLen()
	if t.Latency == nil {
		t.Latency = func(int) time.Duration { return 0 }
	}
	if err := t.PHY.Check(); err != nil {
		return t, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	switch {
	case t.Guard < 0:
		return t, fmt.Errorf("%w: Guard is %v, want 0 or more", ErrSettings, t.Guard)
	case t.AckTimeout < 0:
		return t, fmt.Errorf("%w: AckTimeout is %v, want 0 or more", ErrSettings, t.AckTimeout)
	case t.MaxRetries < 0:
		return t, fmt.Errorf("%w: MaxRetries is %d, want 0 or more", ErrSettings, t.MaxRetries)
	case t.MaxInFlight < 1 || t.MaxInFlight > radio.MaxInFlight:
		return t, fmt.Errorf("%w: MaxInFlight is %d, want 1..%d, or 0 for 1", ErrSettings, t.MaxInFlight, radio.MaxInFlight)
	case t.MaxPayloadLen < radio.MinPayloadLen:
		return t, fmt.Errorf("%w: MaxPayloadLen is %d, want %d..%d, or 0 for %d", ErrSettings, t.MaxPayloadLen,
			radio.MinPayloadLen, radio.MaxPayloadLen, radio.MaxPayloadLen)
	}
	if c == nil {
		return t, nil
	}
	switch n := c.MaxPayloadLen(); {
	case n < radio.MinPayloadLen:
		return t, fmt.Errorf("%w: Codec makes payloads of %d byte, which a receiver would take for an ACK, want at least %d bytes",
			ErrSettings, n, radio.MinPayloadLen)
	case n > t.MaxPayloadLen:
		return t, fmt.Errorf("%w: Codec makes payloads of up to %d bytes, want at most %d, as MaxPayloadLen", ErrSettings, n, t.MaxPayloadLen)
	default:
		t.MaxPayloadLen = n
	}
	return t, nil
}

// maxPayloadLen returns MaxPayloadLen with 0 and too large values replaced.
func (t Timing) maxPayloadLen() int {
	if t.MaxPayloadLen == 0 {
		return radio.MaxPayloadLen
	}
	return min(t.MaxPayloadLen, radio.MaxPayloadLen)
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

// Wait returns how long a sender waits for the ACK of a frame of frameLen bytes if
// no other frame is in flight and its RetryJitter is 0: AckTimeoutFor, plus the
// latency of both ends for the frame and for its ACK. A sender adds to it the time on
// air of the other frames in flight and its jitter.
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

// Memory returns how long a receiver remembers the SEQ of a frame. A sender does not
// repeat a frame later than that after its first sending. It is
//
//	max(10 s, (MaxRetries+1) · MaxInFlight · max(Wait, Pace))
//
// with Wait and Pace of the longest frame.
func (t Timing) Memory() time.Duration {
	n := radio.HeaderLen + t.maxPayloadLen()
	product := float64(t.MaxRetries+1) * float64(max(t.MaxInFlight, 1)) * float64(max(t.Wait(n), t.Pace(n)))
	if product > math.MaxInt64/2 {
		return math.MaxInt64 / 2
	}
	return max(memoryMin, time.Duration(product))
}
