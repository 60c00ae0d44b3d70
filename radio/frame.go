package radio

import (
	"errors"
	"fmt"
)

// Sizes of a frame, in bytes. A frame on the air is
//
//	LEN (1) | SEQ (1) | PAYLOAD (LEN bytes)
//
// LEN is 1 for an acknowledgement (ACK) and 2..238 for data. It is at most 238
// because an E22 module carries packets of at most 240 bytes.
const (
	HeaderLen     = 2                         // LEN and SEQ
	MinPayloadLen = 2                         // of a data frame
	MaxPayloadLen = 238                       // of a data frame
	MaxFrameLen   = HeaderLen + MaxPayloadLen // of a data frame, header included
	AckFrameLen   = HeaderLen + 1             // of an ACK, header included
)

// MaxInFlight is the largest number of frames that may be unacknowledged at once.
// SEQ wraps at 256: if more frames were in flight, a receiver could not tell new
// ones from repetitions.
const MaxInFlight = 127

// The faults of a frame's bytes, for errors.Is. They come wrapped in a
// [*FrameError].
var (
	// ErrPayloadLen reports a LEN of 0 or above 238, or a payload that AppendFrame
	// refuses.
	ErrPayloadLen = errors.New("radio: wrong payload length")
	// ErrTruncated reports fewer bytes than LEN says.
	ErrTruncated = errors.New("radio: frame is cut short")
	// ErrTrailing reports more bytes than LEN says.
	ErrTrailing = errors.New("radio: bytes after the frame")
)

// FrameError reports bytes that are not a frame, and their lengths.
type FrameError struct {
	Len   int   // LEN, or the length of the payload that AppendFrame was given
	Found int   // number of bytes, header included
	Err   error // ErrPayloadLen, ErrTruncated or ErrTrailing
}

func (e *FrameError) Error() string {
	switch {
	case e.Err != ErrPayloadLen:
		return fmt.Sprintf("%v: found %d bytes, want %d", e.Err, e.Found, HeaderLen+e.Len)
	case e.Len == 1:
		return fmt.Sprintf("%v: found 1, which makes an ACK, want %d..%d", e.Err, MinPayloadLen, MaxPayloadLen)
	default:
		return fmt.Sprintf("%v: found %d, want %d..%d, or 1 for an ACK", e.Err, e.Len, MinPayloadLen, MaxPayloadLen)
	}
}

// Unwrap returns Err.
func (e *FrameError) Unwrap() error { return e.Err }

// Frame is a parsed frame.
type Frame struct {
	Seq     byte   // sequence number
	Payload []byte // of an ACK 1 byte, of a data frame 2..238 bytes
}

// Acked returns the sequence number that an ACK acknowledges. Ok is false for a
// data frame.
func (f Frame) Acked() (seq byte, ok bool) {
	if len(f.Payload) != 1 {
		return 0, false
	}
	return f.Payload[0], true
}

// AppendFrame appends the data frame with that sequence number and payload to dst
// and returns the extended slice. If the payload does not have 2..238 bytes, it
// returns dst unchanged and a [*FrameError]. A frame with a payload of one byte
// would be an ACK; see [AppendAck].
func AppendFrame(dst []byte, seq byte, payload []byte) ([]byte, error) {
	if len(payload) < MinPayloadLen || len(payload) > MaxPayloadLen {
		return dst, &FrameError{Len: len(payload), Found: HeaderLen + len(payload), Err: ErrPayloadLen}
	}
	dst = append(dst, byte(len(payload)), seq)
	return append(dst, payload...), nil
}

// AppendAck appends to dst the frame that acknowledges the data frame with
// sequence number acked, and returns the extended slice. The ACK's own sequence
// number seq counts the frames that the receiver sends and is unrelated to acked.
func AppendAck(dst []byte, seq, acked byte) []byte {
	return append(dst, 1, seq, acked)
}

// ParseFrame parses b, which must hold exactly one frame, data or ACK. The payload
// aliases b. The error is a [*FrameError].
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
