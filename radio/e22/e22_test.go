package e22_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/e22/e22test"
)

func TestSendAndReceive(t *testing.T) {
	with := func(change func(*e22.Registers)) e22.Registers {
		s := fast()
		change(&s)
		return s
	}
	cases := []struct {
		name      string
		registers e22.Registers
		faults    e22test.Faults
	}{
		{"plain", fast(), e22test.Faults{}},
		{"RSSI byte", with(func(s *e22.Registers) { s.RSSIByte = true }), e22test.Faults{}},
		{"one byte a read", fast(), e22test.Faults{ReadLen: 1}},
		{"RSSI byte, one byte a read", with(func(s *e22.Registers) { s.RSSIByte = true }), e22test.Faults{ReadLen: 1}},
		{"three bytes a write", fast(), e22test.Faults{WriteLen: 3}},
		{"9600 baud, even parity", with(func(s *e22.Registers) { s.BaudRate, s.Parity = 9600, e22.Parity8E1 }), e22test.Faults{}},
		{"1200 baud", with(func(s *e22.Registers) { s.BaudRate = 1200 }), e22test.Faults{}},
		{"slow air", with(func(s *e22.Registers) { s.AirDataRate = 300 }), e22test.Faults{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				medium := e22test.NewMedium(e22test.MediumSettings{RSSIDBm: -71})
				ma, mb := module(t, medium, c.registers), module(t, medium, c.registers)
				ma.SetFaults(c.faults)
				mb.SetFaults(c.faults)
				settings := settingsFor(c.registers)
				settings.TimeOnAir = c.registers.PHY().TimeOnAir
				a, b := drive(t, ma, settings), drive(t, mb, settings)
				sizes := []int{1, 2, 17, 120, 237, 238}
				for i, n := range sizes {
					if err := a.Send(t.Context(), frame(t, i, n)); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(20 * time.Second)
				frames, failures := drain(t, b)
				if len(frames) != len(sizes) || len(failures) > 0 {
					t.Fatalf("%d frames and %d failures, want %d and none", len(frames), len(failures), len(sizes))
				}
				for i, got := range frames {
					if want := frame(t, i, sizes[i]); !bytes.Equal(got.Frame, want) {
						t.Errorf("frame %d: % x, want % x", i, got.Frame, want)
					}
					if got.HasRSSI != c.registers.RSSIByte || got.HasRSSI && got.RSSIdBm != -71 {
						t.Errorf("frame %d: RSSI %d, %v", i, got.RSSIdBm, got.HasRSSI)
					}
				}
			})
		})
	}
}

// The time between two arrivals is what the UART, the gap and the air need.
func TestPacing(t *testing.T) {
	const frames = 5
	cases := []struct {
		name    string
		change  func(*e22.Settings, *e22test.Module)
		packets int
	}{
		{"air time", func(c *e22.Settings, m *e22test.Module) { c.TimeOnAir = m.Registers().PHY().TimeOnAir }, frames},
		{"AUX", func(c *e22.Settings, m *e22test.Module) { c.AUX = m }, frames},
		// Without either the module merges what it could not send: the first
		// frame is on the air while the others gather into one packet.
		{"neither", func(*e22.Settings, *e22test.Module) {}, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				medium := e22test.NewMedium(e22test.MediumSettings{})
				registers := fast()
				registers.AirDataRate = 2400
				ma, mb := module(t, medium, registers), module(t, medium, registers)
				settings := settingsFor(registers)
				c.change(&settings, ma)
				a, b := drive(t, ma, settings), drive(t, mb, settingsFor(registers))
				for i := range frames {
					if err := a.Send(t.Context(), frame(t, i, 20)); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(10 * time.Second)
				got, failures := drain(t, b)
				if len(got) != frames || len(failures) > 0 {
					t.Errorf("%d frames and %d failures, want %d and none", len(got), len(failures), frames)
				}
				if n := medium.Stats().Packets; n != c.packets {
					t.Errorf("%d packets on the air, want %d", n, c.packets)
				}
			})
		})
	}
}

func TestSendWaitsForTheUART(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := drive(t, module(t, nil, e22.FactoryRegisters()), e22.Settings{})
		began := time.Now()
		if err := r.Send(t.Context(), frame(t, 0, 238)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 240*(10*time.Second/9600) {
			t.Errorf("240 bytes at 9600 baud took %v, want 250 ms", took)
		}
	})
}

func TestSendRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registers := fast()
		registers.PacketSize = 64
		r := drive(t, module(t, nil, registers), settingsFor(registers))
		var located *radio.FrameError
		if err := r.Send(t.Context(), []byte{5, 0, 1}); !errors.As(err, &located) {
			t.Errorf("half a frame: %v", err)
		}
		if err := r.Send(t.Context(), frame(t, 0, 62)); err != nil {
			t.Errorf("64 bytes in packets of 64: %v", err)
		}
		if err := r.Send(t.Context(), frame(t, 0, 63)); !errors.Is(err, e22.ErrPacketSize) {
			t.Errorf("65 bytes in packets of 64: %v", err)
		}
		if err := r.SendTo(t.Context(), e22.Destination{}, frame(t, 0, 60)); !errors.Is(err, e22.ErrPacketSize) {
			t.Errorf("62 bytes and an address in packets of 64: %v", err)
		}
		if err := r.SendTo(t.Context(), e22.Destination{Channel: 81}, frame(t, 0, 2)); !errors.Is(err, e22.ErrRegister) {
			t.Errorf("channel 81: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Send(ctx, frame(t, 0, 2)); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	cases := []struct {
		name     string
		settings e22.Settings
	}{
		{"baud rate", e22.Settings{BaudRate: 9601}},
		{"parity", e22.Settings{Parity: 3}},
		{"packet size", e22.Settings{PacketSize: 200}},
		{"channel", e22.Settings{Destination: &e22.Destination{Channel: 81}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := module(t, nil, fast())
			port, err := m.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e22.New(port, c.settings); !errors.Is(err, e22.ErrRegister) {
				t.Errorf("error %v", err)
			}
			if _, err := m.Open(t.Context()); err != nil {
				t.Errorf("the port was not closed: %v", err)
			}
		})
	}
	if _, err := e22.Open(t.Context(), "/dev/no-such-port", e22.Settings{}); !errors.Is(err, e22.ErrDisconnected) {
		t.Errorf("a port that is not there: %v", err)
	}
}

func TestFixedPointAddressing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		medium := e22test.NewMedium(e22test.MediumSettings{})
		station := func(address uint16, channel int) (*e22test.Module, e22.Registers) {
			s := fast()
			s.FixedPoint, s.Address, s.Channel = true, address, channel
			return module(t, medium, s), s
		}
		ma, sa := station(1, 18)
		mb, sb := station(2, 40)
		mc, sc := station(3, 40)
		settings := settingsFor(sa)
		settings.Destination = &e22.Destination{Address: 2, Channel: 40}
		settings.TimeOnAir = sa.PHY().TimeOnAir
		a, b, c := drive(t, ma, settings), drive(t, mb, settingsFor(sb)), drive(t, mc, settingsFor(sc))
		ctx := t.Context()
		if err := errors.Join(
			a.Send(ctx, frame(t, 1, 5)),
			a.SendTo(ctx, e22.Destination{Address: 3, Channel: 40}, frame(t, 2, 5)),
			a.SendTo(ctx, e22.Destination{Address: e22.Broadcast, Channel: 40}, frame(t, 3, 5)),
			a.SendTo(ctx, e22.Destination{Address: e22.Broadcast, Channel: 41}, frame(t, 4, 5)),
		); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		for _, want := range []struct {
			name string
			r    *e22.Radio
			seqs []byte
		}{{"b", b, []byte{1, 3}}, {"c", c, []byte{2, 3}}} {
			frames, _ := drain(t, want.r)
			var seqs []byte
			for _, f := range frames {
				seqs = append(seqs, f.Frame[1])
			}
			if !bytes.Equal(seqs, want.seqs) {
				t.Errorf("%s heard %v, want %v", want.name, seqs, want.seqs)
			}
		}
	})
}

// Bytes lost or strayed on the UART cost the frames they hit and no other.
func TestResynchronises(t *testing.T) {
	for _, rssi := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			medium := e22test.NewMedium(e22test.MediumSettings{Seed: 4})
			registers := fast()
			registers.RSSIByte = rssi
			ma, mb := module(t, medium, registers), module(t, medium, registers)
			a, b := drive(t, ma, settingsFor(registers)), drive(t, mb, settingsFor(registers))
			send := func(seq int) {
				if err := a.Send(t.Context(), frame(t, seq, 30)); err != nil {
					t.Error(err)
				}
				time.Sleep(200 * time.Millisecond)
			}
			for i := range 200 {
				faults := e22test.Faults{}
				if i%2 == 0 {
					faults.DropRate = 0.05
					faults.Trailing = []byte{0xAA}
				}
				mb.SetFaults(faults)
				send(i)
			}
			whole := map[byte]int{}
			frames, failures := drain(t, b)
			for _, f := range frames {
				if bytes.Equal(f.Frame, frame(t, int(f.Frame[1]), 30)) {
					whole[f.Frame[1]]++
				}
			}
			for seq := 1; seq < 200; seq += 2 {
				if whole[byte(seq)] != 1 {
					t.Errorf("rssi %v: frame %d, sent without faults, was received %d times", rssi, seq, whole[byte(seq)])
				}
			}
			if len(failures) == 0 {
				t.Error("no failure reported")
			}
		})
	}
}

// A receiver nobody listens to keeps the newest and says so.
func TestOverrun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		medium := e22test.NewMedium(e22test.MediumSettings{})
		a := drive(t, module(t, medium, fast()), settingsFor(fast()))
		b := drive(t, module(t, medium, fast()), settingsFor(fast()))
		const sent = 300
		for i := range sent {
			if err := a.Send(t.Context(), frame(t, i, 4)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond)
		}
		frames, failures := drain(t, b)
		if len(frames) != 256 || len(failures) != 1 || !errors.Is(failures[0].Err, e22.ErrOverrun) {
			t.Fatalf("%d frames, failures %v", len(frames), failures)
		}
		if newest := frames[255].Frame[1]; newest != byte(sent-1-256) {
			t.Errorf("newest is %d", newest)
		}
	})
}

func TestCloseUnblocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := module(t, nil, e22.FactoryRegisters())
		r := drive(t, m, e22.Settings{})
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := r.Receive(t.Context()); !errors.Is(err, radio.ErrClosed) {
				t.Errorf("receive: %v", err)
			}
		})
		wg.Go(func() {
			for {
				if err := r.Send(t.Context(), frame(t, 1, 238)); err != nil {
					if !errors.Is(err, radio.ErrClosed) {
						t.Errorf("send: %v", err)
					}
					return
				}
			}
		})
		wg.Go(func() {
			if _, err := r.RSSI(t.Context()); !errors.Is(err, radio.ErrClosed) {
				t.Errorf("rssi: %v", err)
			}
		})
		wg.Go(func() {
			if _, err := r.ReadRegisters(t.Context()); !errors.Is(err, radio.ErrClosed) {
				t.Errorf("read config: %v", err)
			}
		})
		time.Sleep(100 * time.Millisecond)
		for range 3 {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
		wg.Wait()
		if _, err := r.ReadRegisters(t.Context()); !errors.Is(err, radio.ErrClosed) {
			t.Errorf("read config afterwards: %v", err)
		}
		if err := r.Send(t.Context(), frame(t, 1, 3)); !errors.Is(err, radio.ErrClosed) {
			t.Errorf("send afterwards: %v", err)
		}
	})
}

func TestContextsEndWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := module(t, nil, e22.FactoryRegisters())
		settings := e22.Settings{AUX: never{}}
		r := drive(t, m, settings)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for name, wait := range map[string]func() error{
			"receive":     func() error { _, err := r.Receive(ctx); return err },
			"send":        func() error { return r.Send(ctx, frame(t, 1, 3)) },
			"rssi":        func() error { _, err := r.RSSI(ctx); return err },
			"read config": func() error { _, err := r.ReadRegisters(ctx); return err },
		} {
			wg.Go(func() {
				if err := wait(); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		wg.Wait()
	})
}

// never is an AUX pin that is stuck.
type never struct{}

func (never) Ready() (bool, error) { return false, nil }

// awkward is a port that does everything a port may and nobody expects.
type awkward struct {
	mu      sync.Mutex
	written []byte
	calls   int
	replies []byte
	failAt  int // the write call that fails; 0 is none
	done    chan struct{}
	once    sync.Once
}

func (p *awkward) Read(b []byte) (int, error) {
	select {
	case <-p.done:
		return 0, io.EOF
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := copy(b, p.replies[:min(1, len(p.replies))])
	p.replies = p.replies[n:]
	return n, nil // at once, whatever the timeout
}

func (p *awkward) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	switch {
	case p.calls == p.failAt:
		return 1, io.ErrClosedPipe
	case p.calls%3 == 0:
		return 0, nil
	case p.calls%3 == 1:
		return 0, syscall.EINTR
	}
	p.written = append(p.written, b[0])
	return 1, nil
}

func (p *awkward) SetReadTimeout(time.Duration) error { return nil }

func (p *awkward) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func TestAwkwardPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &awkward{done: make(chan struct{}), replies: frame(t, 9, 40)}
		r, err := e22.New(p, e22.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if got, err := r.Receive(t.Context()); err != nil || !bytes.Equal(got.Frame, frame(t, 9, 40)) {
			t.Errorf("received %+v, %v", got, err)
		}
		if err := r.Send(t.Context(), frame(t, 1, 10)); err != nil || !bytes.Equal(p.written, frame(t, 1, 10)) {
			t.Errorf("wrote % x, %v", p.written, err)
		}
		p.mu.Lock()
		p.failAt = p.calls + 5
		p.mu.Unlock()
		var located *e22.PortError
		err = r.Send(t.Context(), frame(t, 2, 10))
		if !errors.Is(err, e22.ErrDisconnected) || !errors.Is(err, io.ErrClosedPipe) || !errors.As(err, &located) || located.Op != "write" {
			t.Errorf("send over a port that fails: %v", err)
		}
		if _, err := r.Receive(t.Context()); !errors.Is(err, e22.ErrDisconnected) {
			t.Errorf("receive over a port that failed: %v", err)
		}
	})
}
