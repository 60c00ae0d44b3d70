package udp

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loralink/loralink-go/radio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ends returns two radios that hear each other.
func ends(t testing.TB, loss float64) (a, b *Radio) {
	t.Helper()
	// b's port must be known to a before b knows a's: reserve it.
	probe, err := Open(Settings{Local: "127.0.0.1:0", Remote: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	address := probe.LocalAddr()
	probe.Close()
	if a, err = Open(Settings{Local: "127.0.0.1:0", Remote: address, Loss: loss, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	if b, err = Open(Settings{Local: address, Remote: a.LocalAddr()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func Example() {
	rx, err := Open(Settings{Local: "127.0.0.1:17302", Remote: "127.0.0.1:17301"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rx.Close()
	tx, err := Open(Settings{Local: "127.0.0.1:17301", Remote: "127.0.0.1:17302"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tx.Close()
	frame, _ := radio.AppendFrame(nil, 7, []byte("hello"))
	if err := tx.Send(context.Background(), frame); err != nil {
		fmt.Println(err)
		return
	}
	got, err := rx.Receive(context.Background())
	fmt.Printf("%q %v\n", got.Frame, err)
	// Output: "\x05\ahello" <nil>
}

func TestBothWays(t *testing.T) {
	a, b := ends(t, 0)
	ctx := t.Context()
	for i, pair := range [][2]*Radio{{a, b}, {b, a}, {a, b}} {
		frame, _ := radio.AppendFrame(nil, byte(i), []byte{1, 2, 3})
		if err := pair[0].Send(ctx, frame); err != nil {
			t.Fatal(err)
		}
		got, err := pair[1].Receive(ctx)
		if err != nil || string(got.Frame) != string(frame) || got.Time.IsZero() {
			t.Errorf("frame %d: %v, %v", i, got, err)
		}
	}
}

func TestWhatIsNoFrame(t *testing.T) {
	a, b := ends(t, 0)
	for _, datagram := range []string{"", "\x05", "\x02\x00abc", string(make([]byte, 500))} {
		if err := a.Send(t.Context(), []byte(datagram)); err != nil {
			t.Fatal(err)
		}
		got, err := b.Receive(t.Context())
		if err != nil || got.Err == nil || got.Frame != nil {
			t.Errorf("%q: %v, %v", datagram, got, err)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	a, b := ends(t, 0)
	b.Close()
	frame, _ := radio.AppendFrame(nil, 1, []byte("hello"))
	for range 3 {
		if err := a.Send(t.Context(), frame); err != nil {
			t.Error(err)
		}
	}
}

func TestStrangersAreNotHeard(t *testing.T) {
	a, b := ends(t, 0)
	stranger, err := Open(Settings{Local: "127.0.0.1:0", Remote: b.LocalAddr()})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	for i, source := range []*Radio{stranger, a} {
		frame, _ := radio.AppendFrame(nil, byte(i), []byte("hello"))
		if err := source.Send(t.Context(), frame); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := b.Receive(t.Context()); err != nil || got.Frame[1] != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestCloseAndContextUnblockReceive(t *testing.T) {
	a, b := ends(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { _, err := a.Receive(ctx); done <- err }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("context: %v", err)
	}
	// It receives again after that.
	frame, _ := radio.AppendFrame(nil, 1, []byte("hello"))
	if err := b.Send(t.Context(), frame); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Receive(t.Context()); err != nil {
		t.Error(err)
	}
	go func() { _, err := a.Receive(t.Context()); done <- err }()
	if err := errors.Join(a.Close(), a.Close()); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, radio.ErrClosed) {
		t.Errorf("receive after close: %v", err)
	}
	if err := a.Send(t.Context(), frame); !errors.Is(err, radio.ErrClosed) {
		t.Errorf("send after close: %v", err)
	}
}

func TestLossIsDrawnBySeed(t *testing.T) {
	a, b := ends(t, 0.5)
	sent := 200
	go func() {
		for i := range sent {
			frame, _ := radio.AppendFrame(nil, byte(i), []byte("hello"))
			a.Send(t.Context(), frame)
		}
		a.loss = 0
		frame, _ := radio.AppendFrame(nil, 0, []byte("end"))
		a.Send(t.Context(), frame)
	}()
	n := 0
	for {
		got, err := b.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.Frame[0] == 3 {
			break
		}
		n++
	}
	if n < 70 || n > 130 {
		t.Errorf("%d of %d frames arrived at loss 0.5", n, sent)
	}
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings Settings
	}{
		{"no port", Settings{Local: "127.0.0.1", Remote: "127.0.0.1:1"}},
		{"a network", Settings{Local: "127.0.0.1:0", Remote: "192.168.1.2:7000"}},
		{"all interfaces", Settings{Local: "0.0.0.0:7000", Remote: "127.0.0.1:1"}},
		{"a name", Settings{Local: "localhost:7000", Remote: "127.0.0.1:1"}},
		{"loss", Settings{Local: "127.0.0.1:0", Remote: "127.0.0.1:1", Loss: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r, err := Open(c.settings); !errors.Is(err, ErrSettings) {
				t.Errorf("%v, %v", r, err)
			}
			if err := c.settings.Check(); !errors.Is(err, ErrSettings) {
				t.Errorf("they pass: %v", err)
			}
		})
	}
}

// A frame that comes after a flood is not lost.
func TestFloodIsTold(t *testing.T) {
	a, b := ends(t, 0)
	b.dropped = 7
	frame, _ := radio.AppendFrame(nil, 1, []byte{1, 2, 3})
	if err := a.Send(t.Context(), frame); err != nil {
		t.Fatal(err)
	}
	told, err := b.Receive(t.Context())
	if err != nil || !errors.Is(told.Err, ErrFlood) {
		t.Errorf("%+v, %v", told, err)
	}
	got, err := b.Receive(t.Context())
	if err != nil || string(got.Frame) != string(frame) {
		t.Errorf("%+v, %v", got, err)
	}
}

// A flood is limited in rate, and what is dropped is told.
func TestFloodIsLimited(t *testing.T) {
	r := &Radio{}
	now := time.Now()
	admitted := 0
	for range 100_000 {
		now = now.Add(10 * time.Microsecond)
		if r.admit(now) {
			admitted++
			r.dropped = 0
		}
	}
	if admitted < 2000 || admitted > 3100 {
		t.Errorf("%d datagrams admitted in a second, want 2000 and 1000 more", admitted)
	}
}
