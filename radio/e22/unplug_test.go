package e22_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/e22/e22test"
)

// The sender's adapter, then the receiver's, is out for five seconds in the
// middle of a transfer that is repeated until it is acknowledged. All arrives.
func TestUnpluggedForFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		medium := e22test.NewMedium(e22test.MediumSettings{Loss: 0.1, Seed: 1})
		registers := fast()
		registers.RSSIByte = true
		ma, mb := module(t, medium, registers), module(t, medium, registers)
		station := func(m *e22test.Module) *e22.Radio {
			settings := settingsFor(registers)
			settings.Open, settings.AUX = m.Open, nil
			return drive(t, m, settings)
		}
		a, b := station(ma), station(mb)

		const count = 100
		delivered := map[byte]int{}
		var wg sync.WaitGroup
		wg.Go(func() { // acknowledges whatever it hears
			for {
				got, err := b.Receive(t.Context())
				if errors.Is(err, radio.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				if got.Err != nil {
					continue
				}
				if !bytes.Equal(got.Frame, frame(t, int(got.Frame[1]), 30)) {
					t.Errorf("damaged: % x", got.Frame)
				}
				delivered[got.Frame[1]]++
				if err := b.Send(t.Context(), radio.AppendAck(nil, 0, got.Frame[1])); err != nil && !errors.Is(err, radio.ErrClosed) {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for _, m := range []*e22test.Module{ma, mb} {
				time.Sleep(2 * time.Second)
				m.Unplug()
				time.Sleep(5 * time.Second)
				m.Plug()
			}
		})
		for seq := range count {
			for try := 0; ; try++ {
				if err := a.Send(t.Context(), frame(t, seq, 30)); err != nil {
					t.Fatal(err)
				}
				if acknowledged(t, a, byte(seq)) {
					break
				}
				if try == 100 {
					t.Fatalf("frame %d was never acknowledged", seq)
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Second)
		b.Close()
		wg.Wait()
		if len(delivered) != count {
			t.Errorf("%d of %d frames arrived", len(delivered), count)
		}
	})
}

func acknowledged(t *testing.T, r *e22.Radio, seq byte) bool {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	for {
		got, err := r.Receive(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
		if got.Err != nil {
			continue
		}
		if f, err := radio.ParseFrame(got.Frame); err == nil {
			if acked, ok := f.Acked(); ok && acked == seq {
				return true
			}
		}
	}
}

// Without the port, Send waits for as long as its context allows, and says so.
func TestSendWhileUnplugged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		medium := e22test.NewMedium(e22test.MediumSettings{})
		ma := module(t, medium, fast())
		b := drive(t, module(t, medium, fast()), settingsFor(fast()))
		settings := settingsFor(fast())
		settings.Open = ma.Open
		var changes []error
		settings.OnConnection = func(err error) { changes = append(changes, err) }
		a := drive(t, ma, settings)
		ma.Unplug()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := a.Send(ctx, frame(t, 1, 9)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("send for three seconds: %v", err)
		}
		go func() {
			time.Sleep(2 * time.Second)
			ma.Plug()
		}()
		if err := a.Send(t.Context(), frame(t, 2, 9)); err != nil {
			t.Errorf("send until it is back: %v", err)
		}
		if got, err := b.Receive(t.Context()); err != nil || got.Frame[1] != 2 {
			t.Errorf("received %+v, %v", got, err)
		}
		a.Close()
		if len(changes) != 2 || !errors.Is(changes[0], e22test.ErrUnplugged) || !errors.Is(changes[0], e22.ErrDisconnected) || changes[1] != nil {
			t.Errorf("heard of %v", changes)
		}
	})
}

// A frame cut off half way is sent again from its start.
func TestUnpluggedInMidFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		medium := e22test.NewMedium(e22test.MediumSettings{})
		ma := module(t, medium, e22.FactoryRegisters())
		b := drive(t, module(t, medium, e22.FactoryRegisters()), e22.Settings{})
		a := drive(t, ma, e22.Settings{Open: ma.Open})
		go func() {
			time.Sleep(100 * time.Millisecond) // of 250 on the UART
			ma.Unplug()
			time.Sleep(time.Second)
			ma.Plug()
		}()
		if err := a.Send(t.Context(), frame(t, 1, 238)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		frames, failures := drain(t, b)
		if len(frames) != 1 || len(failures) != 0 {
			t.Errorf("%d frames, failures %v", len(frames), failures)
		}
	})
}

// A module that loses the connection while it hands over a frame costs that
// frame alone.
func TestReceiverUnpluggedInMidFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		medium := e22test.NewMedium(e22test.MediumSettings{})
		registers := e22.FactoryRegisters()
		registers.BaudRate = 1200
		ma, mb := module(t, medium, registers), module(t, medium, registers)
		a := drive(t, ma, settingsFor(registers))
		settings := settingsFor(registers)
		settings.Open = mb.Open
		b := drive(t, mb, settings)
		onAir := registers.PHY().TimeOnAir(102)
		if err := a.Send(t.Context(), frame(t, 1, 100)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(onAir + 300*time.Millisecond)
		mb.Unplug()
		time.Sleep(time.Second)
		mb.Plug()
		time.Sleep(5 * time.Second)
		if err := a.Send(t.Context(), frame(t, 2, 100)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(onAir + 3*time.Second)
		frames, failures := drain(t, b)
		if len(frames) != 1 || len(failures) != 1 || !errors.Is(failures[0].Err, radio.ErrTruncated) {
			t.Errorf("%d frames, failures %v", len(frames), failures)
		}
	})
}

func TestUnpluggedForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := module(t, nil, fast())
		r := drive(t, m, settingsFor(fast())) // no Open
		m.Unplug()
		for name, call := range map[string]func() error{
			"receive":      func() error { _, err := r.Receive(t.Context()); return err },
			"send":         func() error { return r.Send(t.Context(), frame(t, 1, 3)) },
			"rssi":         func() error { _, err := r.RSSI(t.Context()); return err },
			"write config": func() error { _, err := r.WriteRegisters(t.Context(), fast(), e22.Persistent); return err },
		} {
			if err := call(); !errors.Is(err, e22.ErrDisconnected) || !errors.Is(err, e22test.ErrUnplugged) {
				t.Errorf("%s: %v", name, err)
			}
		}
		r.Close()
		if _, err := r.Receive(t.Context()); !errors.Is(err, radio.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}

// The configuration fails clearly where the port goes meanwhile, and works again
// with the port.
func TestUnpluggedWhileConfiguring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := module(t, nil, fast())
		settings := settingsFor(fast())
		settings.Open, settings.Pins = m.Open, m
		r := drive(t, m, settings)
		go func() {
			time.Sleep(70 * time.Millisecond)
			m.Unplug()
			time.Sleep(time.Second)
			m.Plug()
		}()
		if _, err := r.ReadRegisters(t.Context()); !errors.Is(err, e22.ErrDisconnected) {
			t.Errorf("meanwhile: %v", err)
		}
		if got, err := r.ReadRegisters(t.Context()); err != nil || got != fast() {
			t.Errorf("afterwards: %+v, %v", got, err)
		}
	})
}
