package sim

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
)

// numbers is a codec of n bytes whose payload holds the window's only value.
type numbers int

func (n numbers) MaxPayloadLen() int { return int(n) }

func (n numbers) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	b := make([]byte, max(int(n), 8))
	binary.LittleEndian.PutUint64(b, uint64(window[0]))
	return append(dst, b[:n]...), nil
}

var errLength = errors.New("numbers: wrong length")

func (n numbers) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	if len(payload) != int(n) {
		return dst, errLength
	}
	var b [8]byte
	copy(b[:], payload)
	return append(dst, float64(binary.LittleEndian.Uint64(b[:]))), nil
}

func phy(sf int) radio.PHY {
	return radio.PHY{SF: sf, BandwidthHz: 125000, CodingRate: 1, Preamble: 8, CRC: true, ExplicitHeader: true, TxPowerDBm: 22}
}

// pair returns a sender and a receiver for windows of n bytes.
func pair(t testing.TB, n int, timing link.Timing, windows int, change func(*link.SenderConfig)) Pair {
	t.Helper()
	cfg := link.SenderConfig{Timing: timing, Codec: numbers(n), FirstSeq: 250}
	if change != nil {
		change(&cfg)
	}
	sender, err := link.NewSender(cfg)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := link.NewReceiver(link.ReceiverConfig{Timing: timing, Codec: numbers(n)})
	if err != nil {
		t.Fatal(err)
	}
	return Pair{Sender: sender, Receiver: receiver, Source: count(windows)}
}

func count(windows int) func() (link.Window, time.Duration, bool) {
	i := 0
	value := make([]float64, 1)
	return func() (link.Window, time.Duration, bool) {
		if i == windows {
			return link.Window{}, 0, false
		}
		i++
		value[0] = float64(i - 1)
		return link.Window{ID: int64(i - 1), Values: value}, 0, true
	}
}

func ExampleRun() {
	timing := link.Timing{PHY: radio.AirSpeeds()[2].PHY, Guard: 20 * time.Millisecond, MaxRetries: 5}
	sender, err := link.NewSender(link.SenderConfig{Timing: timing, Codec: numbers(8)})
	if err != nil {
		fmt.Println(err)
		return
	}
	receiver, err := link.NewReceiver(link.ReceiverConfig{Timing: timing, Codec: numbers(8)})
	if err != nil {
		fmt.Println(err)
		return
	}
	var meter link.Meter
	result, err := Run(context.Background(), Channel{PHY: timing.PHY, Loss: 0.2, Seed: 1}, 0,
		Pair{Sender: sender, Receiver: receiver, Source: count(1000), OnEvent: meter.Add})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := meter.Metrics()
	fmt.Println("delivered", result.Pairs[0].Delivered, "failed", m.Failed, "in", result.Elapsed.Round(time.Second))
	fmt.Printf("PDR %.2f ETX %.2f\n", m.PDR, m.ETX)
	// Output:
	// delivered 999 failed 4 in 3m53s
	// PDR 0.79 ETX 1.59
}

// The acceptance run: much goes wrong on the air, nothing at the ends.
func TestBadAirWithCRC(t *testing.T) {
	for _, c := range []struct {
		name     string
		inFlight int
		burst    float64
	}{
		{"stop and wait", 1, 0},
		{"stop and wait, losses in bursts", 1, 5},
		{"eight in flight", 8, 0},
		{"as many as can be in flight", 127, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			timing := link.Timing{PHY: phy(7), Guard: 20 * time.Millisecond, MaxRetries: 4, MaxInFlight: c.inFlight}
			const windows = 60_000 // some 100,000 data frames
			p := pair(t, 8, timing, windows, nil)
			var meter link.Meter
			p.OnEvent = meter.Add
			r, err := Run(context.Background(), Channel{PHY: phy(7), Seed: 3, Loss: 0.2, MeanBurst: c.burst, Duplicate: 0.05,
				Reorder: 0.05, BitError: 0.01}, 0, p)
			if err != nil {
				t.Fatal(err)
			}
			o, m := r.Pairs[0], meter.Metrics()
			t.Logf("%+v %+v\n%+v", o, r.Air, m)
			if o.Offered != windows || m.Sent < 85_000 {
				t.Errorf("%d windows, %d frames", o.Offered, m.Sent)
			}
			if o.DeliveredTwice+o.Corrupt+o.FalselyAcked+o.Unreported != 0 {
				t.Errorf("outcome %+v", o)
			}
			if o.Acked+o.Failed+o.Dropped != windows {
				t.Errorf("%d acked, %d failed, %d dropped of %d", o.Acked, o.Failed, o.Dropped, windows)
			}
			if m.Delivered != o.Delivered || m.Acked != o.Acked {
				t.Errorf("events say %d delivered, %d acked; the observer %d, %d", m.Delivered, m.Acked, o.Delivered, o.Acked)
			}
		})
	}
}
