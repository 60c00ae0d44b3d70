package radio

import (
	"errors"
	"fmt"
)

// Sizes of a frame, in bytes. A frame on the air is
//
//	LEN (1) | SEQ (1) | PAYLOAD (LEN bytes)
//
// and an E22 module carries packets of at most 240 bytes, which bounds LEN.
const (
	HeaderLen     = 2   // LEN and SEQ
	MinPayloadLen = 2   // of a data frame: LEN 1 is an ACK, LEN 0 no frame at all
	MaxPayloadLen = 238 // of a data frame
	MaxFrameLen   = HeaderLen + MaxPayloadLen
	AckFrameLen   = HeaderLen + 1
)

// MaxInFlight is how many frames may be unacknowledged at once: with SEQ
// wrapping at 256, more could not be told from repetitions.
const MaxInFlight = 127

// What can be wrong with the bytes of a frame. Each comes wrapped in a
// [*FrameError] that says which lengths were found.
var (
	ErrPayloadLen = errors.New("payload length outside 1..238")
	ErrTruncated  = errors.New("frame is cut short")
	ErrTrailing   = errors.New("bytes after the frame")
)

// FrameError says which lengths made bytes no frame.
type FrameError struct {
	Len  int   // payload length wanted, as LEN says, or given to AppendFrame
	Have int   // bytes there were, header included
	Err  error // ErrPayloadLen, ErrTruncated or ErrTrailing
}

func (e *FrameError) Error() string {
	switch e.Err {
	case ErrPayloadLen:
		return fmt.Sprintf("radio: %v: %d", e.Err, e.Len)
	default:
		return fmt.Sprintf("radio: %v: %d bytes, want %d", e.Err, e.Have, HeaderLen+e.Len)
	}
}

func (e *FrameError) Unwrap() error { return e.Err }

// Frame is a parsed frame.
type Frame struct {
	Seq     byte
	Payload []byte // 1..238 bytes
}

// Acked returns the sequence number this frame acknowledges; ok is false for
// a data frame.
func (f Frame) Acked() (seq byte, ok bool) {
	if len(f.Payload) != 1 {
		return 0, false
	}
	return f.Payload[0], true
}

// AppendFrame appends the frame of seq and payload to dst. A payload of one
// byte makes an ACK, which [AppendAck] says more clearly. On error dst is
// returned unchanged.
func AppendFrame(dst []byte, seq byte, payload []byte) ([]byte, error) {
	if len(payload) < 1 || len(payload) > MaxPayloadLen {
		return dst, &FrameError{Len: len(payload), Have: HeaderLen + len(payload), Err: ErrPayloadLen}
	}
	dst = append(dst, byte(len(payload)), seq)
	return append(dst, payload...), nil
}

// AppendAck appends the frame that acknowledges acked. Its own sequence number
// seq counts the receiver's frames and is independent of acked.
func AppendAck(dst []byte, seq, acked byte) []byte {
	return append(dst, 1, seq, acked)
}

// ParseFrame reads b as exactly one frame. The payload aliases b.
func ParseFrame(b []byte) (Frame, error) {
	if len(b) < HeaderLen {
		return Frame{}, &FrameError{Have: len(b), Err: ErrTruncated}
	}
	n := int(b[0])
	switch {
	case n < 1 || n > MaxPayloadLen:
		return Frame{}, &FrameError{Len: n, Have: len(b), Err: ErrPayloadLen}
	case len(b) < HeaderLen+n:
		return Frame{}, &FrameError{Len: n, Have: len(b), Err: ErrTruncated}
	case len(b) > HeaderLen+n:
		return Frame{}, &FrameError{Len: n, Have: len(b), Err: ErrTrailing}
	}
	return Frame{Seq: b[1], Payload: b[HeaderLen:]}, nil
}
