package e22_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/e22/e22test"
)

// configMode puts the module's jumpers in configuration mode.
func configMode(t testing.TB, m *e22test.Module) {
	t.Helper()
	if err := m.SetPins(false, true); err != nil {
		t.Fatal(err)
	}
}

func TestConfigSurvivesFaults(t *testing.T) {
	cases := []struct {
		name, reason string
		faults       e22test.Faults
	}{
		{"none", "the usual", e22test.Faults{}},
		{"stray bytes before C1", "noise of the mode switch", e22test.Faults{Stray: []byte{0x00, 0xFF, 0xFF, 0xFF, 0x12}}},
		{"stray C1 before C1", "it looks like the beginning", e22test.Faults{Stray: []byte{0xC1, 0xC1, 0x00}}},
		{"bytes after the answer", "they belong to no next answer", e22test.Faults{Trailing: []byte{0xC1, 0x00, 0x07, 0x00}}},
		{"short reads", "the system hands over what it has", e22test.Faults{ReadLen: 1}},
		{"short writes", "the system takes what it can", e22test.Faults{WriteLen: 1}},
		{"short answer", "once, then asked again", e22test.Faults{ShortAnswers: 1}},
		{"two short answers", "asked a third time", e22test.Faults{ShortAnswers: 2}},
		{"no answer", "twice", e22test.Faults{MuteAnswers: 2}},
		{"all at once", "a bad day", e22test.Faults{
			Stray: []byte{0xC1, 0xFF}, Trailing: []byte{0x00}, ReadLen: 2, WriteLen: 2, MuteAnswers: 1, ShortAnswers: 1,
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := module(t, nil, e22.FactoryRegisters())
				configMode(t, m)
				r := drive(t, m, e22.Settings{})
				m.SetFaults(c.faults)
				before, err := r.ReadRegisters(t.Context())
				if err != nil || before != e22.FactoryRegisters() {
					t.Fatalf("read %+v, %v (%s)", before, err, c.reason)
				}
				want := before
				want.Channel, want.PowerDBm, want.RSSIByte, want.Address = 40, 17, true, 0xC100
				m.SetFaults(c.faults)
				after, err := r.WriteRegisters(t.Context(), want, e22.Persistent)
				if err != nil || after != want || m.Registers() != want {
					t.Fatalf("wrote, found %+v, %v (%s)", after, err, c.reason)
				}
			})
		})
	}
}

func TestConfigNamesWhatWasIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := module(t, nil, e22.FactoryRegisters())
		m.SetFaults(e22test.Faults{IgnoreRegisters: []string{"airrate", "lbt"}})
		r := drive(t, m, e22.Settings{Pins: m})
		want := e22.FactoryRegisters()
		want.AirDataRate, want.LBT, want.Channel = 300, true, 7
		found, err := r.WriteRegisters(t.Context(), want, e22.Persistent)
		var ignored *e22.IgnoredError
		if !errors.Is(err, e22.ErrIgnored) || !errors.As(err, &ignored) || len(ignored.Diffs) != 2 {
			t.Fatalf("error %v", err)
		}
		if ignored.Diffs[0] != (e22.Diff{Field: "airrate", Want: "300", Found: "2400"}) {
			t.Errorf("first diff %+v", ignored.Diffs[0])
		}
		if found != m.Registers() || found.Channel != 7 || found.AirDataRate != 2400 {
			t.Errorf("found %+v", found)
		}
	})
}

func TestConfigurationFailures(t *testing.T) {
	cases := []struct {
		name   string
		module func(*e22test.Module)
		want   error
		text   string
	}{
		{"normal mode", func(*e22test.Module) {}, e22.ErrNoAnswer, "bytes that begin with c1 (is the module in configuration mode"},
		{"mute", func(m *e22test.Module) {
			m.SetPins(false, true)
			m.SetFaults(e22test.Faults{MuteAnswers: 3})
		}, e22.ErrNoAnswer, "no answer to c1 00 07: found nothing, want 10 bytes"},
		{"always short", func(m *e22test.Module) {
			m.SetPins(false, true)
			m.SetFaults(e22test.Faults{ShortAnswers: 3})
		}, e22.ErrNoAnswer, "found c1 00 07 00 00"},
		{"commands garbled", func(m *e22test.Module) {
			m.SetPins(false, true)
			m.SetFaults(e22test.Faults{WriteLen: 1, Stray: []byte{1}, ReadLen: 1, DropRate: 1})
		}, e22.ErrNoAnswer, "found nothing"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := module(t, nil, e22.FactoryRegisters())
				c.module(m)
				_, err := drive(t, m, e22.Settings{}).ReadRegisters(t.Context())
				var located *e22.AnswerError
				if !errors.Is(err, c.want) || !errors.As(err, &located) || !strings.Contains(err.Error(), c.text) {
					t.Errorf("error %v, want %q", err, c.text)
				}
			})
		})
	}
	t.Run("rejected", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := module(t, nil, e22.FactoryRegisters())
			configMode(t, m)
			m.SetFaults(e22test.Faults{Reject: 3})
			r := drive(t, m, e22.Settings{})
			if _, err := r.ReadRegisters(t.Context()); !errors.Is(err, e22.ErrRejected) {
				t.Errorf("three rejections: %v", err)
			}
			m.SetFaults(e22test.Faults{Reject: 1})
			if _, err := r.ReadRegisters(t.Context()); err != nil {
				t.Errorf("one rejection: %v", err)
			}
		})
	})
	t.Run("registers out of range", func(t *testing.T) {
		m := module(t, nil, e22.FactoryRegisters())
		if _, err := drive(t, m, e22.Settings{}).WriteRegisters(t.Context(), e22.Registers{}, e22.Persistent); !errors.Is(err, e22.ErrRegister) {
			t.Errorf("error %v", err)
		}
	})
}

func TestPersistence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := module(t, nil, e22.FactoryRegisters())
		r := drive(t, m, e22.Settings{Pins: m, AUX: m, Open: m.Open})
		s := e22.FactoryRegisters()
		s.Channel = 5
		if _, err := r.WriteRegisters(t.Context(), s, e22.Persistent); err != nil {
			t.Fatal(err)
		}
		s.Channel, s.BaudRate = 6, 115200
		if _, err := r.WriteRegisters(t.Context(), s, e22.Volatile); err != nil {
			t.Fatal(err)
		}
		if got := m.Registers(); got.Channel != 6 || got.BaudRate != 115200 {
			t.Errorf("before power-off %+v", got)
		}
		if _, err := r.ReadRegisters(t.Context()); err != nil {
			t.Errorf("read at another speed in normal mode: %v", err)
		}
		m.Unplug()
		time.Sleep(time.Second)
		m.Plug()
		time.Sleep(10 * time.Second)
		got, err := r.ReadRegisters(t.Context())
		if err != nil || got.Channel != 5 || got.BaudRate != 9600 {
			t.Errorf("after power-off %+v, %v", got, err)
		}
	})
}

// After registers changed, the driver speaks as the module now does.
func TestDriverFollowsConfig(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		medium := e22test.NewMedium(e22test.MediumSettings{})
		ma, mb := module(t, medium, e22.FactoryRegisters()), module(t, medium, e22.FactoryRegisters())
		a, b := drive(t, ma, e22.Settings{Pins: ma}), drive(t, mb, e22.Settings{Pins: mb})
		s := fast()
		s.Parity, s.RSSIByte, s.PacketSize = e22.Parity8O1, true, 64
		for _, r := range []*e22.Radio{a, b} {
			if _, err := r.WriteRegisters(t.Context(), s, e22.Persistent); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Send(t.Context(), frame(t, 3, 62)); err != nil {
			t.Fatal(err)
		}
		if err := a.Send(t.Context(), frame(t, 3, 63)); !errors.Is(err, e22.ErrPacketSize) {
			t.Errorf("65 bytes in packets of 64: %v", err)
		}
		frames, failures := drain(t, b)
		if len(frames) != 1 || len(failures) != 0 || !frames[0].HasRSSI {
			t.Errorf("frames %+v, failures %+v", frames, failures)
		}
	})
}

func TestKeyAndProductID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		medium := e22test.NewMedium(e22test.MediumSettings{})
		ma, mb := module(t, medium, fast()), module(t, medium, fast())
		settings := settingsFor(fast())
		settings.Pins = ma
		a := drive(t, ma, settings)
		settings.Pins = mb
		b := drive(t, mb, settings)
		if err := a.WriteKey(t.Context(), 0xBEEF, e22.Persistent); err != nil {
			t.Fatal(err)
		}
		exchange := func() int {
			if err := a.Send(t.Context(), frame(t, 0, 8)); err != nil {
				t.Fatal(err)
			}
			frames, _ := drain(t, b)
			return len(frames)
		}
		if n := exchange(); n != 0 {
			t.Error("heard across different keys")
		}
		if err := b.WriteKey(t.Context(), 0xBEEF, e22.Volatile); err != nil {
			t.Fatal(err)
		}
		if n := exchange(); n != 1 {
			t.Error("not heard with the same key")
		}
		if id, err := a.ProductID(t.Context()); err != nil || id == [e22.ProductIDLen]byte{} {
			t.Errorf("product id % x, %v", id, err)
		}
	})
}

func TestRSSI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		medium := e22test.NewMedium(e22test.MediumSettings{RSSIDBm: -83, NoiseDBm: -107})
		registers := fast()
		registers.RSSIByte = true
		ma, mb := module(t, medium, registers), module(t, medium, registers)
		a, b := drive(t, ma, settingsFor(registers)), drive(t, mb, settingsFor(registers))
		const frames = 40
		stop := make(chan struct{})
		go func() {
			defer close(stop)
			for i := range frames {
				if err := a.Send(t.Context(), frame(t, i, 30)); err != nil {
					t.Error(err)
				}
				time.Sleep(53 * time.Millisecond)
			}
		}()
		time.Sleep(100 * time.Millisecond)
		// Frames and answers come through the same wire at the same time.
		for range 20 {
			got, err := b.RSSI(t.Context())
			if err != nil || got != (e22.RSSI{AmbientDBm: -107, LastPacketDBm: -83}) {
				t.Errorf("RSSI %+v, %v", got, err)
			}
			time.Sleep(31 * time.Millisecond)
		}
		<-stop
		received, failures := drain(t, b)
		if len(received) != frames || len(failures) != 0 {
			t.Errorf("%d frames, failures %v", len(received), failures)
		}
	})
}

func TestRSSINeedsItsRegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := drive(t, module(t, nil, e22.FactoryRegisters()), e22.Settings{})
		_, err := r.RSSI(t.Context())
		if !errors.Is(err, e22.ErrNoAnswer) || !strings.Contains(err.Error(), "ambientrssi") {
			t.Errorf("error %v", err)
		}
	})
}

// A frame that begins as the answer does is still a frame once it goes on
// otherwise, and what only began so is a failure.
func TestRSSIAnswerBeginsLikeAFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		medium := e22test.NewMedium(e22test.MediumSettings{})
		s := fast()
		s.AmbientRSSI = false // b asks in vain while the frame comes
		ma, mb := module(t, medium, fast()), module(t, medium, s)
		a, b := drive(t, ma, settingsFor(fast())), drive(t, mb, settingsFor(s))
		asked := make(chan error)
		go func() {
			_, err := b.RSSI(context.Background())
			asked <- err
		}()
		time.Sleep(50 * time.Millisecond)
		like := frame(t, 0, 0xC1) // C1 00, then the payload
		like[2] = 0x03
		if err := a.Send(t.Context(), like); err != nil {
			t.Fatal(err)
		}
		if err := <-asked; !errors.Is(err, e22.ErrNoAnswer) {
			t.Errorf("RSSI: %v", err)
		}
		frames, _ := drain(t, b)
		if len(frames) != 1 || string(frames[0].Frame) != string(like) {
			t.Errorf("%d frames", len(frames))
		}
	})
}
