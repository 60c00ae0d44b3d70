package radio

import (
	"errors"
	"fmt"
	"time"
)

// ErrStray reports bytes that cannot start a frame, because the first of them, the
// length, is 0 or above 238.
var ErrStray = errors.New("radio: stray bytes")

// StreamSettings say how a byte stream, such as that of a UART, carries frames.
// The zero value is the default.
type StreamSettings struct {
	// RSSIByte says that the modem appends one byte to each packet, the received
	// signal strength: dBm = byte - 256.
	RSSIByte bool
	// Silence is how long no byte arrives before a burst is over. 0: 40 ms. See
	// SilenceAt.
	Silence time.Duration
}

const minSilence = 40 * time.Millisecond

// SilenceForBaud returns the silence that ends a burst on a UART of that baud rate: 20
// characters of 10 bits, but at least 40 ms, because USB adapters deliver bytes in
// chunks some 16 ms apart. A baud rate of 0 or less gives the 40 ms.
func SilenceForBaud(baud int) time.Duration {
	if baud <= 0 {
		return minSilence
	}
	return max(minSilence, 200*time.Second/time.Duration(baud))
}

// StreamParser finds frames in a byte stream that has no sync word. A burst is a
// run of bytes without a silence between them; it may hold several frames. The
// length byte tells where a frame ends, and the frame is returned as soon as its
// last byte is there. Bytes that are not a frame cost the rest of their burst:
// they are reported as one parse failure, and the parser resynchronises at the
// next silence.
//
// The parser has no clock. Callers pass the time at which bytes arrived. A
// StreamParser belongs to one goroutine.
type StreamParser struct {
	settings StreamSettings
	buf      []byte    // the frame being read
	lost     bool      // out of step until the next silence
	last     time.Time // when the last byte arrived
}

// NewStreamParser returns a parser at the start of a burst.
func NewStreamParser(settings StreamSettings) *StreamParser {
	if settings.Silence <= 0 {
		settings.Silence = minSilence
	}
	return &StreamParser{settings: settings, buf: make([]byte, 0, MaxFrameLen)}
}

// Push takes in bytes that arrived at the given time. It appends to dst the frames
// that they complete and the failures that they show, and returns the extended
// slice. Bytes that come after a silence start a new burst, even if Tick was not
// called meanwhile.
func (p *StreamParser) Push(dst []Reception, b []byte, at time.Time) []Reception {
	if len(b) == 0 {
		return p.Tick(dst, at)
	}
	dst = p.Tick(dst, at)
	if at.Before(p.last) {
		at = p.last // a clock that steps back must not make a silence
	}
	for _, c := range b {
		if p.lost {
			break
		}
		switch {
		case p.complete(): // only its RSSI byte is missing
			dst = append(dst, Reception{Frame: p.take(), Time: at, RSSIdBm: int(c) - 256, HasRSSI: true})
		case len(p.buf) == 0 && (c == 0 || c > MaxPayloadLen):
			p.lost = true
			dst = append(dst, Reception{Time: at, Err: fmt.Errorf("%w: length byte %d, want 1..%d", ErrStray, c, MaxPayloadLen)})
		default:
			p.buf = append(p.buf, c)
			if p.complete() && !p.settings.RSSIByte {
				dst = append(dst, Reception{Frame: p.take(), Time: at})
			}
		}
	}
	p.last = at
	return dst
}

// Tick tells the parser the time. If the silence that ends a burst has passed, it
// abandons an incomplete frame and reports one failure; a frame that lacks only
// its RSSI byte it returns without. Results are appended to dst as by Push.
func (p *StreamParser) Tick(dst []Reception, now time.Time) []Reception {
	deadline, ok := p.Deadline()
	if !ok || now.Before(deadline) {
		return dst
	}
	switch {
	case p.lost: // reported when it was found
	case p.complete():
		dst = append(dst, Reception{Frame: p.take(), Time: p.last})
	default:
		have := len(p.buf)
		dst = append(dst, Reception{Time: p.last, Err: &FrameError{Len: int(p.buf[0]), Found: have, Err: ErrTruncated}})
	}
	p.buf, p.lost = p.buf[:0], false
	return dst
}

// Deadline returns when Tick would end the burst being read. If no burst is being
// read, ok is false.
func (p *StreamParser) Deadline() (at time.Time, ok bool) {
	if len(p.buf) == 0 && !p.lost {
		return time.Time{}, false
	}
	return p.last.Add(p.settings.Silence), true
}

// complete reports whether buf holds a whole frame.
func (p *StreamParser) complete() bool {
	return len(p.buf) >= HeaderLen && len(p.buf) == HeaderLen+int(p.buf[0])
}

// take returns the frame in buf and empties it.
func (p *StreamParser) take() []byte {
	frame := append([]byte(nil), p.buf...)
	p.buf = p.buf[:0]
	return frame
}
