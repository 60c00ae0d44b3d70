package codec

import "fmt"

// Stateful is implemented by a codec whose payloads can build on earlier windows. The
// codec itself stays immutable: memory is in an Encoder and a Decoder. Package
// radio/link uses them; a program that does not must tell them what the link would.
type Stateful interface {
	// NewEncoder returns the memory of a sender that has sent nothing. Epoch returns a
	// number for each new series of windows, which should be random; nil means one
	// that is.
	NewEncoder(epoch func() uint16) Encoder
	// NewDecoder returns the memory of a receiver that has received nothing.
	NewDecoder() Decoder
	// OneWay reports whether the receiver is to send no acknowledgements. Then Encoders
	// ignore Acked and GivenUp.
	OneWay() bool
	// Reference returns by how much SEQ has advanced since the window on which the
	// payload builds, or 0 if the payload is a key frame, which builds on none.
	Reference(payload []byte) int
}

// Encoder encodes windows for one receiver, and remembers earlier ones. It is not safe
// for concurrent use.
type Encoder interface {
	// AppendEncode appends the payload of the window that is to be sent with the
	// sequence number seq, as Codec.AppendEncode does. Call it just before the window is
	// sent for the first time: the payload builds on what was acknowledged by then. A
	// repetition must have the same bytes. If the payload was never sent, the next one
	// may have the same seq and replaces it. Seq counts windows; a window that is refused
	// takes no number.
	AppendEncode(dst []byte, seq byte, window []float64) ([]byte, error)
	// Acked tells that the receiver has decoded the window with that seq.
	Acked(seq byte)
	// GivenUp tells that the window with that seq will not be sent again, though no
	// acknowledgement came.
	GivenUp(seq byte)
	// MaxInFlight returns how many consecutive sequence numbers may await their
	// acknowledgement at once.
	MaxInFlight() int
	// AppendBounds appends the largest error of each value of a step in the window
	// encoded last.
	AppendBounds(dst []float64) []float64
}

// Decoder decodes the payloads of one sender, and remembers earlier windows. It is not
// safe for concurrent use.
type Decoder interface {
	// AppendDecode appends the window of a payload that came with the sequence number
	// seq, as Codec.AppendDecode does. If the error wraps ErrReference, the payload
	// builds on a window that is not known. A payload that cannot be decoded must not be
	// acknowledged. A payload must not be decoded a second time.
	AppendDecode(dst []float64, seq byte, payload []byte) ([]float64, error)
	// AppendBounds appends the largest error of each value of a step in the window
	// decoded last.
	AppendBounds(dst []float64) []float64
}

// ErrReference reports a payload that builds on a window which the Decoder does not
// know. It wraps ErrCorrupt.
var ErrReference = fmt.Errorf("%w: the window on which it builds is not known", ErrCorrupt)
