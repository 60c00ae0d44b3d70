package e22_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/e22/e22test"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fast are settings that make tests quick and that differ from the factory's.
func fast() e22.Registers {
	s := e22.FactoryRegisters()
	s.BaudRate, s.AirDataRate, s.AmbientRSSI = 115200, 62500, true
	return s
}

// settingsFor is the Settings of a driver for a module with those settings.
func settingsFor(s e22.Registers) e22.Settings {
	return e22.Settings{BaudRate: s.BaudRate, Parity: s.Parity, PacketSize: s.PacketSize, RSSIByte: s.RSSIByte}
}

// module returns a simulated module in that air.
func module(t testing.TB, medium *e22test.Medium, s e22.Registers) *e22test.Module {
	t.Helper()
	m, err := e22test.NewModule(medium, s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// drive returns a driver over the module's memory port. It is closed with the
// test.
func drive(t testing.TB, m *e22test.Module, settings e22.Settings) *e22.Radio {
	t.Helper()
	port, err := m.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := e22.New(port, settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// frame returns a frame of n payload bytes that tells its number.
func frame(t testing.TB, seq, n int) []byte {
	t.Helper()
	payload := make([]byte, n)
	for i := range payload {
		payload[i] = byte(seq*7 + i)
	}
	if n == 1 {
		return radio.AppendAck(nil, byte(seq), payload[0])
	}
	f, err := radio.AppendFrame(nil, byte(seq), payload)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// drain receives until nothing came for a second, in virtual time.
func drain(t testing.TB, r *e22.Radio) (frames, failures []radio.Reception) {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		got, err := r.Receive(ctx)
		cancel()
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return frames, failures
		case err != nil:
			t.Fatal(err)
		case got.Err != nil:
			failures = append(failures, got)
		default:
			frames = append(frames, got)
		}
	}
}
