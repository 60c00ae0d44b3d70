// Package radio defines what every radio of this module has in common: the frame
// that goes over the air, the physical layer (PHY) with its time on air, and the
// [Radio] interface that drivers implement.
//
// A frame is a length byte, a sequence number and a payload; see [AppendFrame],
// [AppendAck] and [ParseFrame]. It has neither a sync word nor a checksum: the
// modem's own CRC keeps corrupt frames out. [StreamParser] cuts a byte stream, such as that of a
// UART, into frames, and resynchronises after a silence.
//
// [PHY.TimeOnAir] calculates how long a frame occupies the channel. Waits and
// energy figures are based on it, because the modems that this module drives do
// not report when they have finished sending.
//
// Implementations of Radio are in radio/e22 (a LoRa module on a UART) and
// radio/udp (datagrams on one machine). Package radio/link delivers payloads
// reliably over any Radio, radio/sim simulates a channel in virtual time, and
// radio/endpoint runs a whole sender or receiver.
package radio

import (
	"context"
	"errors"
	"time"
)

// ErrClosed is returned by the methods of a Radio that has been closed.
var ErrClosed = errors.New("radio: closed")

// Radio sends and receives whole frames. One goroutine may call Send while
// another calls Receive.
type Radio interface {
	// Send transmits one frame. It returns once the modem has taken the frame,
	// which may be before the frame is on the air. If ctx ends before, it returns the
	// context's error soon, even if the modem is gone or does not take bytes.
	Send(ctx context.Context, frame []byte) error
	// Receive waits for the next frame. It returns an error if no more frames can be
	// received or if ctx has ended. Bytes that are not a frame are no such error:
	// Receive returns them as a Reception with Err set.
	Receive(ctx context.Context) (Reception, error)
	// Close releases the radio. It unblocks Send and Receive, which then return
	// ErrClosed. Calling it again has no effect.
	Close() error
}

// LatencyRadio is a Radio that knows how long it takes to carry a frame between
// the host and the air. Package radio/link adds that time to its waits; see
// link.Timing.
type LatencyRadio interface {
	Radio
	// Latency returns how long a frame of frameLen bytes, header included, takes
	// from the host to the air, or from the air to the host. It may be called at
	// any time, even after Close.
	Latency(frameLen int) time.Duration
}

// Reception is a frame that was received, or, if Err is not nil, a burst of bytes
// that was not a frame. Receive can be called again in both cases.
type Reception struct {
	Frame   []byte    // header and payload; the caller may keep it. nil if Err is set
	Time    time.Time // when the last byte arrived
	RSSIdBm int       // received signal strength in dBm; valid only if HasRSSI is true
	HasRSSI bool      // whether the modem reported a signal strength
	// Err is the reason why the bytes are not a frame: a [*FrameError], or an error
	// that wraps [ErrStray]. Drivers may add their own, such as e22.ErrOverrun.
	Err error
}
