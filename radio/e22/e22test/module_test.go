package e22test_test

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/e22/e22test"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// station is a module and its host's end, without a driver.
type station struct {
	*e22test.Module
	e22.Port
}

func (s station) Close() { s.Port.Close() }

func join(t *testing.T, medium *e22test.Medium, change func(*e22.Registers)) station {
	t.Helper()
	registers := e22.FactoryRegisters()
	if change != nil {
		change(&registers)
	}
	m, err := e22test.NewModule(medium, registers)
	if err != nil {
		t.Fatal(err)
	}
	port, err := m.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := port.SetReadTimeout(time.Second); err != nil {
		t.Fatal(err)
	}
	return station{m, port}
}

func (s station) write(t *testing.T, b []byte) {
	t.Helper()
	if n, err := s.Write(b); n != len(b) || err != nil {
		t.Fatalf("wrote %d of %d: %v", n, len(b), err)
	}
}

// readAll reads until a second of silence.
func (s station) readAll(t *testing.T) []byte {
	t.Helper()
	var all []byte
	buf := make([]byte, 64)
	for {
		n, err := s.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return all
		}
		all = append(all, buf[:n]...)
	}
}

func count(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func TestPackets(t *testing.T) {
	rssi := func(s *e22.Registers) { s.RSSIByte = true }
	cases := []struct {
		name, reason string
		registers    func(*e22.Registers)
		writes       [][]byte
		pause        time.Duration
		want         []byte
		packets      int
	}{
		{"one", "a write is a packet", nil, [][]byte{{1, 2, 3}}, 0, []byte{1, 2, 3}, 1},
		{"RSSI byte", "-60 dBm is 196", rssi, [][]byte{{1, 2, 3}}, 0, []byte{1, 2, 3, 196}, 1},
		{"240", "the largest", nil, [][]byte{count(240)}, 0, count(240), 1},
		{"241", "one byte too many", nil, [][]byte{count(241)}, 0, count(241), 2},
		{"sub-packets, each with RSSI", "packets of 32", func(s *e22.Registers) { s.PacketSize, s.RSSIByte = 32, true },
			[][]byte{count(40)}, 0, append(append(append(count(32), 196), count(40)[32:]...), 196), 2},
		{"written together", "no silence between them", rssi, [][]byte{{1, 2}, {3, 4}}, 0, []byte{1, 2, 3, 4, 196}, 1},
		{"written apart, air busy", "the second waits, the third joins it", rssi,
			[][]byte{{1, 2}, {3, 4}, {5, 6}}, 10 * time.Millisecond, []byte{1, 2, 196, 3, 4, 5, 6, 196}, 2},
		{"written apart, air free", "three packets", rssi,
			[][]byte{{1}, {2}, {3}}, time.Second, []byte{1, 196, 2, 196, 3, 196}, 3},
		{"too much", "the buffer holds 1000 bytes", nil, [][]byte{make([]byte, 1100)}, 0, make([]byte, 1000), 5},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				medium := e22test.NewMedium(e22test.MediumSettings{})
				a, b := join(t, medium, c.registers), join(t, medium, c.registers)
				for _, w := range c.writes {
					a.write(t, w)
					time.Sleep(c.pause)
				}
				time.Sleep(5 * time.Second)
				if got := b.readAll(t); !bytes.Equal(got, c.want) {
					t.Errorf("got % x, want % x (%s)", got, c.want, c.reason)
				}
				if n := medium.Stats().Packets; n != c.packets {
					t.Errorf("%d packets, want %d (%s)", n, c.packets, c.reason)
				}
			})
		})
	}
}

func TestArrivalTakesUARTAndAir(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		medium := e22test.NewMedium(e22test.MediumSettings{})
		a, b := join(t, medium, nil), join(t, medium, nil)
		char := 10 * time.Second / 9600
		onAir := e22.FactoryRegisters().PHY().TimeOnAir(10)
		want := 10*char + 3*char + onAir + 10*char
		began := time.Now()
		a.write(t, count(10))
		if n, err := b.Read(make([]byte, 20)); n != 10 || err != nil {
			t.Fatal(n, err)
		}
		if took := time.Since(began); took != want {
			t.Errorf("took %v, want %v", took, want)
		}
		if got := medium.Stats().TimeOnAir; got != onAir {
			t.Errorf("air time %v, want %v", got, onAir)
		}
	})
}

func TestWhoHears(t *testing.T) {
	cases := []struct {
		name    string
		a, b    func(*e22.Registers)
		packets []byte
		heard   bool
	}{
		{"same registers", nil, nil, []byte{9}, true},
		{"other channel", nil, func(s *e22.Registers) { s.Channel++ }, []byte{9}, false},
		{"other air data rate", nil, func(s *e22.Registers) { s.AirDataRate = 9600 }, []byte{9}, false},
		{"other network", nil, func(s *e22.Registers) { s.NetID++ }, []byte{9}, false},
		{"other address", nil, func(s *e22.Registers) { s.Address++ }, []byte{9}, false},
		{"monitor", nil, func(s *e22.Registers) { s.Address = e22.Broadcast }, []byte{9}, true},
		{"other speed on the UART", nil, func(s *e22.Registers) { s.BaudRate = 19200 }, []byte{9}, true},
		{"addressed", func(s *e22.Registers) { s.FixedPoint = true },
			func(s *e22.Registers) { s.Address, s.Channel = 0x1234, 3 }, []byte{0x12, 0x34, 3, 9}, true},
		{"addressed to another", func(s *e22.Registers) { s.FixedPoint = true },
			func(s *e22.Registers) { s.Address, s.Channel = 0x1235, 3 }, []byte{0x12, 0x34, 3, 9}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				medium := e22test.NewMedium(e22test.MediumSettings{})
				a, b := join(t, medium, c.a), join(t, medium, c.b)
				a.write(t, c.packets)
				if got := b.readAll(t); bytes.Equal(got, []byte{9}) != c.heard {
					t.Errorf("heard % x", got)
				}
				if got := a.readAll(t); len(got) > 0 {
					t.Errorf("the sender heard itself: % x", got)
				}
			})
		})
	}
}

func TestSpeedMismatchIsNonsense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		medium := e22test.NewMedium(e22test.MediumSettings{})
		a, b := join(t, medium, nil), join(t, medium, nil)
		speed := b.Port.(e22.SpeedSetter)
		for _, c := range []struct {
			baud   int
			parity e22.Parity
			right  bool
		}{{9600, e22.Parity8N1, true}, {19200, e22.Parity8N1, false}, {9600, e22.Parity8E1, false}} {
			if err := speed.SetSpeed(c.baud, c.parity); err != nil {
				t.Fatal(err)
			}
			a.write(t, []byte{7})
			if got := b.readAll(t); bytes.Equal(got, []byte{7}) != c.right {
				t.Errorf("%d %v: % x", c.baud, c.parity, got)
			}
		}
	})
}

func TestCollisions(t *testing.T) {
	cases := []struct {
		name  string
		lbt   bool
		heard int
	}{
		{"at once", false, 0},
		{"listening before talking", true, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				medium := e22test.NewMedium(e22test.MediumSettings{})
				lbt := func(s *e22.Registers) { s.LBT = c.lbt }
				a, b, hearer := join(t, medium, lbt), join(t, medium, lbt), join(t, medium, nil)
				a.write(t, []byte{1})
				time.Sleep(10 * time.Millisecond)
				b.write(t, []byte{2})
				if got := hearer.readAll(t); len(got) != c.heard {
					t.Errorf("heard % x, want %d bytes", got, c.heard)
				}
				if n := medium.Stats().Collided; n != 2-c.heard {
					t.Errorf("%d collided", n)
				}
			})
		})
	}
}

// A module that sends hears nothing, on whatever channel it sends.
func TestHalfDuplex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		medium := e22test.NewMedium(e22test.MediumSettings{})
		a := join(t, medium, nil)
		b := join(t, medium, func(s *e22.Registers) { s.FixedPoint = true })
		a.write(t, []byte{1})
		b.write(t, []byte{0, 0, 50, 2})
		if got := b.readAll(t); len(got) > 0 {
			t.Errorf("heard % x while it sent", got)
		}
	})
}

func TestLossFollowsTheSeed(t *testing.T) {
	run := func(seed uint64) (got []byte) {
		synctest.Test(t, func(t *testing.T) {
			medium := e22test.NewMedium(e22test.MediumSettings{Loss: 0.3, Seed: seed})
			a, b := join(t, medium, nil), join(t, medium, nil)
			for i := range 200 {
				a.write(t, []byte{byte(i)})
				time.Sleep(time.Second)
			}
			got = b.readAll(t)
			if n := medium.Stats().Lost; n+len(got) != 200 || n < 40 || n > 80 {
				t.Errorf("%d lost and %d heard, want 200 in all and about 60 lost", n, len(got))
			}
		})
		return got
	}
	if !bytes.Equal(run(1), run(1)) {
		t.Error("the same seed lost others")
	}
	if bytes.Equal(run(1), run(2)) {
		t.Error("another seed lost the same")
	}
}

func TestCommands(t *testing.T) {
	cases := []struct {
		name          string
		command, want []byte
	}{
		{"read", []byte{0xC1, 4, 2}, []byte{0xC1, 4, 2, 0x00, 0x12}},
		{"write", []byte{0xC0, 5, 1, 7}, []byte{0xC1, 5, 1, 7}},
		{"write for now", []byte{0xC2, 0, 2, 1, 2}, []byte{0xC1, 0, 2, 1, 2}},
		{"key reads as zero", []byte{0xC1, 7, 2}, []byte{0xC1, 7, 2, 0, 0}},
		{"product id", []byte{0xC1, 0x80, 1}, []byte{0xC1, 0x80, 1, 0x00}},
		{"unknown", []byte{0xC7, 0, 1}, []byte{0xFF, 0xFF, 0xFF}},
		{"too short", []byte{0xC1}, []byte{0xFF, 0xFF, 0xFF}},
		{"of nothing", []byte{0xC1, 0, 0}, []byte{0xFF, 0xFF, 0xFF}},
		{"beyond the registers", []byte{0xC1, 8, 2}, []byte{0xFF, 0xFF, 0xFF}},
		{"write of fewer than announced", []byte{0xC0, 0, 3, 1}, []byte{0xFF, 0xFF, 0xFF}},
		{"write of the product id", []byte{0xC0, 0x80, 1, 1}, []byte{0xFF, 0xFF, 0xFF}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := join(t, nil, nil)
				if err := s.SetPins(false, true); err != nil {
					t.Fatal(err)
				}
				s.write(t, c.command)
				if got := s.readAll(t); !bytes.Equal(got, c.want) {
					t.Errorf("got % x, want % x", got, c.want)
				}
			})
		})
	}
}

func TestPortsAndPlug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := join(t, nil, nil)
		if _, err := s.Open(t.Context()); !errors.Is(err, e22test.ErrBusy) {
			t.Errorf("opened twice: %v", err)
		}
		go func() {
			time.Sleep(time.Millisecond)
			s.Unplug()
		}()
		if _, err := s.Read(make([]byte, 1)); !errors.Is(err, e22test.ErrUnplugged) {
			t.Errorf("read: %v", err)
		}
		if _, err := s.Write([]byte{1}); !errors.Is(err, e22test.ErrUnplugged) {
			t.Errorf("write: %v", err)
		}
		if _, err := s.Ready(); !errors.Is(err, e22test.ErrUnplugged) {
			t.Errorf("aux: %v", err)
		}
		if _, err := s.Open(t.Context()); !errors.Is(err, e22test.ErrUnplugged) {
			t.Errorf("open: %v", err)
		}
		s.Unplug()
		s.Plug()
		s.Plug()
		port, err := s.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if _, err := port.Write([]byte{1}); err != nil {
			t.Errorf("the old port's Close hurt the new one: %v", err)
		}
		port.Close()
		port.Close()
		if _, err := port.Read(make([]byte, 1)); !errors.Is(err, e22test.ErrClosed) {
			t.Errorf("read after close: %v", err)
		}
	})
}

func TestModuleSettingsAreChecked(t *testing.T) {
	if _, err := e22test.NewModule(nil, e22.Registers{}); !errors.Is(err, e22.ErrRegister) {
		t.Errorf("zero registers: %v", err)
	}
}
