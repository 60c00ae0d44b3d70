package e22_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/e22/e22test"
	"github.com/loralink/loralink-go/radio/link"
)

// byteCodec takes a window for its payload.
type byteCodec int

func (c byteCodec) MaxPayloadLen() int { return int(c) }

func (c byteCodec) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	for _, v := range window {
		dst = append(dst, byte(v))
	}
	return dst, nil
}

func (c byteCodec) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	for _, b := range payload {
		dst = append(dst, float64(b))
	}
	return dst, nil
}

// linked is what came of windows sent over the link.
type linked struct {
	attempts  int
	acked     map[int64]bool
	failed    int
	delivered map[string]int
}

// overLink sends count windows of size bytes from one module to another. It
// calls during once the transfer has begun.
func overLink(t *testing.T, a, b *e22.Radio, timing link.Timing, count, size int, during func()) linked {
	t.Helper()
	tx, err := link.NewSender(link.SenderSettings{Timing: timing, Codec: byteCodec(size)})
	if err != nil {
		t.Fatal(err)
	}
	rx, err := link.NewReceiver(link.ReceiverSettings{Timing: timing, Codec: byteCodec(size)})
	if err != nil {
		t.Fatal(err)
	}
	got := linked{acked: map[int64]bool{}, delivered: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		runner := link.Runner{Radio: b}
		err := runner.Receive(ctx, rx, func(d link.Delivery) error {
			got.delivered[string(d.Payload)]++
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("receiver: %v", err)
		}
	})
	wg.Go(during)
	runner := link.Runner{Radio: a, Log: func(e link.Event) error {
		switch e.Kind {
		case link.EventTxSent:
			got.attempts++
		case link.EventAckReceived:
			got.acked[e.WindowID] = true
		case link.EventTxFailed:
			got.failed++
		}
		return nil
	}}
	next := 0
	err = runner.Send(ctx, tx, func(context.Context) (link.Outbound, error) {
		if next == count {
			return link.Outbound{}, io.EOF
		}
		next++
		return link.Outbound{ID: int64(next - 1), Values: window(next-1, size)}, nil
	})
	if err != nil {
		t.Errorf("sender: %v", err)
	}
	time.Sleep(time.Second)
	cancel()
	wg.Wait()
	return got
}

// window returns size bytes that tell n.
func window(n, size int) []float64 {
	w := make([]float64, size)
	w[0], w[1] = float64(n>>8), float64(n&0xFF)
	for i := 2; i < size; i++ {
		w[i] = float64((n + i) & 0xFF)
	}
	return w
}

func (l linked) check(t *testing.T, count, size int) {
	t.Helper()
	if len(l.acked) != count || l.failed > 0 {
		t.Errorf("%d of %d acknowledged, %d failed", len(l.acked), count, l.failed)
	}
	for id := range l.acked {
		payload, _ := byteCodec(size).AppendEncode(nil, window(int(id), size))
		if n := l.delivered[string(payload)]; n != 1 {
			t.Errorf("window %d was acknowledged and delivered %d times", id, n)
		}
	}
	if len(l.delivered) != count {
		t.Errorf("%d different payloads delivered, want %d", len(l.delivered), count)
	}
}

// Each adapter is out for five seconds in the middle of a transfer over a lossy
// air: it resumes, and nothing acknowledged is lost.
func TestLinkUnplugged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		medium := e22test.NewMedium(e22test.MediumSettings{Loss: 0.1, Seed: 1})
		registers := fast()
		registers.RSSIByte = true
		ma, mb := module(t, medium, registers), module(t, medium, registers)
		settings := settingsFor(registers)
		settings.Open = ma.Open
		a := drive(t, ma, settings)
		settings.Open = mb.Open
		b := drive(t, mb, settings)
		timing := link.Timing{PHY: registers.PHY(), Guard: 20 * time.Millisecond, MaxRetries: 500, Latency: a.Latency}
		const count, size = 300, 20
		got := overLink(t, a, b, timing, count, size, func() {
			for _, m := range []*e22test.Module{ma, mb} {
				time.Sleep(2 * time.Second)
				m.Unplug()
				time.Sleep(5 * time.Second)
				m.Plug()
			}
		})
		got.check(t, count, size)
	})
}

// Without loss no frame is repeated, however slow the UART.
func TestLinkOnSlowUART(t *testing.T) {
	for _, baud := range []int{1200, 9600, 115200} {
		for _, size := range []int{4, 30, 238} {
			t.Run(fmt.Sprintf("%d baud, %d bytes", baud, size), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					medium := e22test.NewMedium(e22test.MediumSettings{})
					registers := fast()
					registers.BaudRate, registers.RSSIByte = baud, true
					ma, mb := module(t, medium, registers), module(t, medium, registers)
					settings := settingsFor(registers)
					a, b := drive(t, ma, settings), drive(t, mb, settings)
					timing := link.Timing{PHY: registers.PHY(), Guard: 20 * time.Millisecond, MaxRetries: 3, Latency: a.Latency}
					const count = 100
					got := overLink(t, a, b, timing, count, size, func() {})
					got.check(t, count, size)
					if got.attempts != count {
						t.Errorf("%d attempts for %d windows", got.attempts, count)
					}
				})
			})
		}
	}
}
