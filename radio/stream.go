package radio

import (
	"errors"
	"fmt"
	"time"
)

// ErrStray is behind a burst's bytes that cannot start a frame: their length
// byte is 0 or above 238.
var ErrStray = errors.New("radio: stray bytes")

// StreamSettings says how a byte stream (a UART) carries frames.
type StreamSettings struct {
	// RSSIByte is set where the module appends one byte per packet, its
	// received signal strength: dBm = byte - 256.
	RSSIByte bool
	// Silence ends a burst. Zero means 40 ms; see SilenceAt.
	Silence time.Duration
}

const minSilence = 40 * time.Millisecond

// SilenceAt is the silence that ends a burst on a UART: 20 characters of 10
// bits, and at least 40 ms because USB adapters deliver in chunks some 16 ms
// apart.
func SilenceAt(baud int) time.Duration {
	if baud <= 0 {
		return minSilence
	}
	return max(minSilence, 200*time.Second/time.Duration(baud))
}

// StreamParser finds frames in a byte stream that has no sync word. LEN ends a
// frame, which is then returned at once; several may follow each other in one
// burst. Bytes that are no frame cost their burst and nothing more: they are
// reported as one parse failure, and after a silence the parser starts clean.
//
// Time is what the caller says: the arrival time of the bytes, not the time of
// parsing. A StreamParser belongs to one goroutine.
type StreamParser struct {
	cfg  StreamSettings
	buf  []byte // the frame being read
	lost bool   // out of step until the next silence
	last time.Time
}

// NewStreamParser returns a parser that expects a frame's first byte.
func NewStreamParser(cfg StreamSettings) *StreamParser {
	if cfg.Silence <= 0 {
		cfg.Silence = minSilence
	}
	return &StreamParser{cfg: cfg, buf: make([]byte, 0, MaxFrameLen)}
}

// Push takes bytes that arrived at the given time and appends to dst the
// frames they complete and the failures they show. Bytes after a silence start
// a new burst, whether or not Tick noticed the silence.
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
		case p.whole(): // waits for its RSSI byte alone
			dst = append(dst, Reception{Frame: p.take(), At: at, RSSIdBm: int(c) - 256, HasRSSI: true})
		case len(p.buf) == 0 && (c == 0 || c > MaxPayloadLen):
			p.lost = true
			dst = append(dst, Reception{At: at, Err: fmt.Errorf("%w: length byte %d, want 1..%d", ErrStray, c, MaxPayloadLen)})
		default:
			p.buf = append(p.buf, c)
			if p.whole() && !p.cfg.RSSIByte {
				dst = append(dst, Reception{Frame: p.take(), At: at})
			}
		}
	}
	p.last = at
	return dst
}

// Tick tells the parser the time. Once a burst has been silent for long enough
// it abandons a half-read frame, reporting one failure, and hands out a whole
// one that lacks its RSSI byte.
func (p *StreamParser) Tick(dst []Reception, now time.Time) []Reception {
	deadline, ok := p.Deadline()
	if !ok || now.Before(deadline) {
		return dst
	}
	switch {
	case p.lost: // reported when it was found
	case p.whole():
		dst = append(dst, Reception{Frame: p.take(), At: p.last})
	default:
		have := len(p.buf)
		dst = append(dst, Reception{At: p.last, Err: &FrameError{Len: int(p.buf[0]), Have: have, Err: ErrTruncated}})
	}
	p.buf, p.lost = p.buf[:0], false
	return dst
}

// Deadline is when Tick would end the burst being read; ok is false where
// there is none.
func (p *StreamParser) Deadline() (at time.Time, ok bool) {
	if len(p.buf) == 0 && !p.lost {
		return time.Time{}, false
	}
	return p.last.Add(p.cfg.Silence), true
}

func (p *StreamParser) whole() bool {
	return len(p.buf) >= HeaderLen && len(p.buf) == HeaderLen+int(p.buf[0])
}

func (p *StreamParser) take() []byte {
	frame := append([]byte(nil), p.buf...)
	p.buf = p.buf[:0]
	return frame
}
