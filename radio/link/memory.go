package link

import (
	"fmt"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// Encoder encodes windows with memory of earlier ones. Every codec.Encoder implements
// it, and documents the methods.
type Encoder interface {
	AppendEncode(dst []byte, seq byte, window []float64) ([]byte, error)
	Acked(seq byte)
	GivenUp(seq byte)
	MaxInFlight() int
	AppendBounds(dst []float64) []float64
}

// Decoder decodes payloads with memory of earlier ones. Every codec.Decoder implements
// it, and documents the methods.
type Decoder interface {
	AppendDecode(dst []float64, seq byte, payload []byte) ([]float64, error)
	AppendBounds(dst []float64) []float64
}

// checkEncoder returns an error if more windows may be in flight than the encoder
// remembers.
func (s *SenderSettings) checkEncoder() error {
	if s.Encoder == nil {
		return nil
	}
	if most := s.Encoder.MaxInFlight(); s.MaxInFlight > most {
		return fmt.Errorf("%w: MaxInFlight is %d, want at most %d: the codec builds windows on those acknowledged before", ErrSettings, s.MaxInFlight, most)
	}
	return nil
}

// keep copies a window that is encoded when it is first sent.
func (f *slot) keep(values []float64) { f.values = append(f.values[:0], values...) }

// encodeHead encodes the head of the queue, which is about to be sent for the first
// time. If it cannot be encoded, it is given up, and ok is false.
func (s *Sender) encodeHead(now time.Time, f *slot, actions []Action) (_ []Action, ok bool) {
	err := s.encode(f, f.values)
	if err == nil {
		return actions, true
	}
	s.pop()
	actions = appendEvent(actions, Event{Kind: EventTxFailed, Time: now, WindowID: f.id, Seq: s.seq, Reason: "encode: " + err.Error()})
	s.put(f)
	return actions, false
}

// appendEncode appends the payload of a window that is sent next.
func (s *Sender) appendEncode(f *slot, values []float64) (frame []byte, err error) {
	frame = append(f.frame[:0], 0, 0)
	if s.settings.Encoder == nil {
		return s.settings.Codec.AppendEncode(frame, values)
	}
	frame, err = s.settings.Encoder.AppendEncode(frame, s.seq, values)
	if f.bounds = f.bounds[:0]; s.settings.LogBounds && err == nil {
		f.bounds = s.settings.Encoder.AppendBounds(f.bounds)
	}
	return frame, err
}

// span returns by how much SEQ may advance beyond that of the oldest window in flight.
func (s *Sender) span() byte {
	if s.settings.Encoder != nil {
		return byte(s.settings.Encoder.MaxInFlight() - 1)
	}
	return radio.MaxInFlight
}

// acked and givenUp tell the encoder what became of a window that was sent.
func (s *Sender) acked(f *slot) {
	if s.settings.Encoder != nil {
		s.settings.Encoder.Acked(f.seq)
	}
}

func (s *Sender) givenUp(f *slot) {
	if s.settings.Encoder != nil {
		s.settings.Encoder.GivenUp(f.seq)
	}
}

// appendDecode appends the window of a payload. Ok is false if there is nothing to
// decode it with.
func (r *Receiver) appendDecode(dst []float64, seq byte, payload []byte) (_ []float64, ok bool, err error) {
	switch {
	case r.settings.Decoder != nil:
		dst, err = r.settings.Decoder.AppendDecode(dst, seq, payload)
		r.decoded = r.decoded || err == nil
	case r.settings.Codec != nil:
		dst, err = r.settings.Codec.AppendDecode(dst, payload)
	default:
		return dst, false, nil
	}
	return dst, true, err
}

// relearn decodes the repetition of a window that an earlier run delivered, if this one
// has decoded none yet, so that later windows can build on it.
func (r *Receiver) relearn(seq byte, payload []byte) {
	if r.settings.Decoder != nil && !r.decoded {
		r.window, _, _ = r.appendDecode(r.window[:0], seq, payload)
	}
}

// appendBounds appends the bounds of the window decoded last, if they are to be logged.
func (r *Receiver) appendBounds(dst []float64) []float64 {
	if r.settings.Decoder == nil || !r.settings.LogBounds {
		return nil
	}
	return r.settings.Decoder.AppendBounds(dst)
}
