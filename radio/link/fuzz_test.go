package link_test

import (
	"errors"
	"testing"
	"time"

	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
)

// fourBytes takes payloads of four bytes for windows of as many values.
type fourBytes struct{}

func (fourBytes) MaxPayloadLen() int { return 4 }

func (fourBytes) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	return dst, errors.New("not needed here")
}

func (fourBytes) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	if len(payload) != 4 {
		return dst, errors.New("corrupt")
	}
	for _, b := range payload {
		dst = append(dst, float64(b))
	}
	return dst, nil
}

// FuzzReceiver gives a receiver any bytes as a frame, twice. Whatever it makes
// of them can be logged.
func FuzzReceiver(f *testing.F) {
	f.Add([]byte{4, 1, 'a', 'b', 'c', 'd'}, int64(0))
	f.Add([]byte{1, 1, 1}, int64(1))
	f.Add([]byte{0}, int64(-1))
	f.Fuzz(func(t *testing.T, frame []byte, laterNs int64) {
		phy := radio.PHY{SF: 7, BandwidthHz: 125000, CodingRate: 1, Preamble: 8, CRC: true, ExplicitHeader: true, TxPowerDBm: 22}
		r, err := link.NewReceiver(link.ReceiverSettings{Timing: link.Timing{PHY: phy}, Codec: fourBytes{}})
		if err != nil {
			t.Fatal(err)
		}
		start := time.UnixMilli(1_700_000_000_000)
		for _, when := range []time.Time{start, start.Add(time.Duration(laterNs))} {
			actions, _ := r.Step(when, link.Received(radio.Reception{Frame: frame}), nil)
			for _, a := range actions {
				if a.Kind == link.ActionLog {
					if _, err := (runlog.Entry{Event: a.Event}).AppendJSON(nil); err != nil {
						t.Error(err)
					}
				}
			}
		}
	})
}
