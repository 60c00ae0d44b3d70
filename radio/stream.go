package radio

import (
	"errors"
	"fmt"
	"time"
)

// ErrStray reports bytes that cannot start a frame: LEN is 0 or above 238.
var ErrStray = errors.New("radio: stray bytes")

// StreamSettings describe how a byte stream, such as that of a UART, carries
// frames. The zero value is the default.
type StreamSettings struct {
	// RSSIByte reports whether the modem appends one byte to each packet, the
	// received signal strength: dBm = byte - 256.
	RSSIByte bool
	// Silence is the time without a byte that ends a burst; see SilenceForBaud. 0 or
	// negative: 40 ms.
	Silence time.Duration
}

const minSilence = 40 * time.Millisecond

// SilenceForBaud returns the silence that ends a burst on a UART of that baud rate,
// in bit/s: 20 characters of 10 bits, but at least 40 ms, because USB adapters
// deliver bytes in chunks some 16 ms apart. It returns 40 ms for a baud rate of 0
// or less.
func SilenceForBaud(baud int) time.Duration {
	if baud <= 0 {
		return minSilence
	}
	return max(minSilence, 200*time.Second/time.Duration(baud))
}

// StreamParser finds frames in a byte stream that has no sync word. A burst is a
// run of bytes without a silence between them; it may hold several frames. LEN
// tells where a frame ends, and the frame is returned as soon as its last byte
// has arrived. If bytes are not a frame, the rest of their burst is lost: the
// parser reports one failure and resynchronises at the next silence.
//
// The parser has no clock. Callers pass the time at which bytes arrived. A
// StreamParser must not be used by several goroutines at once.
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

// Push adds bytes that arrived at the time now. It appends to dst the frames that
// they complete and the failures that they cause, and returns the extended slice.
// Bytes that arrive after a silence start a new burst, even if Tick was not called
// in between. With no bytes, Push does the same as Tick.
func (p *StreamParser) Push(dst []Reception, b []byte, now time.Time) []Reception {
	dst = p.Tick(dst, now)
	if len(b) == 0 {
		return dst
	}
	if now.Before(p.last) {
		now = p.last // a clock that steps back must not make a silence
	}
	for _, c := range b {
		if p.lost {
			break
		}
		switch {
		case p.complete(): // only its RSSI byte is missing
			dst = append(dst, Reception{Frame: p.take(), Time: now, RSSIdBm: int(c) - 256, HasRSSI: true})
		case len(p.buf) == 0 && (c == 0 || c > MaxPayloadLen):
			p.lost = true
			dst = append(dst, Reception{Time: now, Err: fmt.Errorf("%w: length byte %d, want 1 for an ACK or %d..%d", ErrStray, c, MinPayloadLen, MaxPayloadLen)})
		default:
			p.buf = append(p.buf, c)
			if p.complete() && !p.settings.RSSIByte {
				dst = append(dst, Reception{Frame: p.take(), Time: now})
			}
		}
	}
	p.last = now
	return dst
}

// Tick tells the parser the time. If the silence that ends a burst has passed, the
// parser abandons an incomplete frame and reports one failure; it returns a frame
// that lacks only its RSSI byte without a signal strength. Tick appends to dst as
// Push does.
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
		dst = append(dst, Reception{Time: p.last, Err: &FrameError{Len: int(p.buf[0]), Found: len(p.buf), Err: ErrTruncated}})
	}
	p.buf, p.lost = p.buf[:0], false
	return dst
}

// Deadline returns the time from which Tick ends the burst being read. Ok is false
// if no burst is being read.
func (p *StreamParser) Deadline() (deadline time.Time, ok bool) {
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
