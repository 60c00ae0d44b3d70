package endpoint

import (
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/radio/link"
)

// SetEncoder sets what the settings of a sender need for a codec: a new Encoder if it
// is codec.Stateful, whose epochs come from epoch (nil: at random), and none otherwise.
func SetEncoder(s *link.SenderSettings, c link.Codec, epoch func() uint16) {
	s.Encoder, s.LogBounds, s.OneWay = nil, false, false
	if m, ok := c.(codec.Stateful); ok {
		s.Encoder, s.LogBounds, s.OneWay = m.NewEncoder(epoch), boundVaries(c), m.OneWay()
	}
}

// SetDecoder sets what the settings of a receiver need for a codec: a new Decoder if
// it is codec.Stateful, and none otherwise.
func SetDecoder(s *link.ReceiverSettings, c link.Codec) {
	s.Decoder, s.LogBounds, s.OneWay = nil, false, false
	if m, ok := c.(codec.Stateful); ok {
		s.Decoder, s.LogBounds, s.OneWay = m.NewDecoder(), boundVaries(c), m.OneWay()
	}
}

// boundVaries reports whether a codec has no bound that holds for all windows.
func boundVaries(c link.Codec) bool {
	b, ok := c.(codec.Bounded)
	return !ok || b.Tolerances() == nil
}
