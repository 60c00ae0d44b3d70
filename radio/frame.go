package radio

import (
	"errors"
	"fmt"
)

// Sizes of a frame, in bytes. A frame on the air is
//
//	LEN (1) | SEQ (1) | PAYLOAD (LEN bytes)
//
// LEN is at most 238, because an E22 module carries packets of at most 240 bytes.
const (
	HeaderLen     = 2   // LEN and SEQ
	MinPayloadLen = 2   // of a data frame: LEN 1 is an ACK, and no frame has LEN 0
	MaxPayloadLen = 238 // of a data frame
	MaxFrameLen   = HeaderLen + MaxPayloadLen
	AckFrameLen   = HeaderLen + 1
)

// MaxInFlight is how many frames may be unacknowledged at once. SEQ wraps at 256,
// so of more frames a receiver could not tell new ones from repetitions.
const MaxInFlight = 127

// What can be wrong with the bytes of a frame, for errors.Is. They come wrapped in
// a [*FrameError].
var (
	ErrPayloadLen = errors.New("payload length outside 1..238")
	ErrTruncated  = errors.New("frame is cut short")
	ErrTrailing   = errors.New("bytes after the frame")
)

// FrameError reports bytes that are not a frame, and their lengths.
type FrameError struct {
	Len   int   // the payload length that LEN gives, or that AppendFrame was given
	Found int   // the bytes there were, header included
	Err   error // ErrPayloadLen, ErrTruncated or ErrTrailing
}

func (e *FrameError) Error() string {
	switch e.Err {
	case ErrPayloadLen:
		return fmt.Sprintf("radio: %v: %d", e.Err, e.Len)
	default:
		return fmt.Sprintf("radio: %v: %d bytes, want %d", e.Err, e.Found, HeaderLen+e.Len)
	}
}

// Unwrap returns Err.
func (e *FrameError) Unwrap() error { return e.Err }

// Frame is a parsed frame.
type Frame struct {
	Seq     byte   // sequence number
	Payload []byte // 1..238 bytes
}

// Acked returns the sequence number that an ACK acknowledges. For a data frame ok
// is false.
func (f Frame) Acked() (seq byte, ok bool) {
	if len(f.Payload) != 1 {
		return 0, false
	}
	return f.Payload[0], true
}

// AppendFrame appends the frame with that sequence number and payload to dst and
// returns the extended slice. A payload of one byte makes an ACK; use [AppendAck]
// for one. On error, a [*FrameError], it returns dst unchanged.
func AppendFrame(dst []byte, seq byte, payload []byte) ([]byte, error) {
	if len(payload) < 1 || len(payload) > MaxPayloadLen {
		return dst, &FrameError{Len: len(payload), Found: HeaderLen + len(payload), Err: ErrPayloadLen}
	}
	dst = append(dst, byte(len(payload)), seq)
	return append(dst, payload...), nil
}

// AppendAck appends the frame that acknowledges the data frame with sequence
// number acked. The ACK's own sequence number seq counts the frames that the
// receiver sends, and has nothing to do with acked.
func AppendAck(dst []byte, seq, acked byte) []byte {
	return append(dst, 1, seq, acked)
}

// ParseFrame parses b, which must hold exactly one frame. The payload aliases b.
// An error is a [*FrameError].
func ParseFrame(b []byte) (Frame, error) {
	if len(b) < HeaderLen {
		return Frame{}, &FrameError{Found: len(b), Err: ErrTruncated}
	}
	n := int(b[0])
	switch {
	case n < 1 || n > MaxPayloadLen:
		return Frame{}, &FrameError{Len: n, Found: len(b), Err: ErrPayloadLen}
	case len(b) < HeaderLen+n:
		return Frame{}, &FrameError{Len: n, Found: len(b), Err: ErrTruncated}
	case len(b) > HeaderLen+n:
		return Frame{}, &FrameError{Len: n, Found: len(b), Err: ErrTrailing}
	}
	return Frame{Seq: b[1], Payload: b[HeaderLen:]}, nil
}
