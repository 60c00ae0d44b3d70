// Package radio is what every radio of this project shares: the frame on the
// air, the physical layer with its time on air, and the Radio interface that
// drivers implement and the link uses.
//
// A frame is LEN, SEQ and a payload of LEN bytes, with no sync word and no
// checksum: the modem's CRC is what keeps corrupt frames out, and a byte stream
// is cut into frames by [StreamParser], which finds its way back after a
// silence. [PHY.TimeOnAir] is what every wait and every energy figure rests on,
// because the modules this project drives do not say when they are done sending.
//
// The rooms behind: radio/e22 drives a module over a UART, radio/udp is a radio
// on loopback, radio/link delivers payloads reliably over any of them and
// radio/sim does so in virtual time.
package radio

import (
	"context"
	"errors"
	"time"
)

// ErrClosed is returned by a Radio's methods once it is closed.
var ErrClosed = errors.New("radio: closed")

// Radio sends and receives whole frames. Send and Receive may be called from
// two goroutines at once.
type Radio interface {
	// Send puts one frame on the air, or returns an error. It waits until the
	// radio has taken the frame, not until the air has.
	Send(ctx context.Context, frame []byte) error
	// Receive waits for the next frame.
	Receive(ctx context.Context) (Reception, error)
	// Close is idempotent and unblocks Send and Receive, which then return
	// ErrClosed.
	Close() error
}

// LatencyRadio is a Radio that knows how long it takes to carry a frame between
// host and air. A link adds that to its waits; see link.Timing.
type LatencyRadio interface {
	Radio
	// Latency is how long a frame of frameLen bytes, header included, takes from
	// the host to the air, or from the air to the host. It may be called at any
	// time, also after Close.
	Latency(frameLen int) time.Duration
}

// Reception is a received frame, or, where Err is set, a burst of bytes that
// was no frame: a parse failure to be counted, after which Receive goes on.
type Reception struct {
	Frame   []byte    // LEN SEQ PAYLOAD; the caller's to keep
	At      time.Time // when its last byte arrived
	RSSIdBm int       // meaningful where HasRSSI
	HasRSSI bool
	Err     error
}
