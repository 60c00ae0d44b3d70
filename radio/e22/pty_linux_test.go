package e22_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/e22/e22test"
)

// These tests go through the operating system's terminals, in real time. None
// depends on how long anything takes, short of a minute; a frame's end may be
// late by a second.

func patient(settings e22.Settings) e22.Settings {
	settings.Silence = time.Second
	return settings
}

func minute(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// open opens a port by its name, which may yet have to appear.
func open(t *testing.T, ctx context.Context, name string, settings e22.Settings) *e22.Radio {
	t.Helper()
	for {
		r, err := e22.Open(ctx, name, settings)
		if err == nil {
			t.Cleanup(func() { r.Close() })
			return r
		}
		if !errors.Is(err, os.ErrNotExist) || ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// transfer sends frames one way and acknowledges them the other, one at a time,
// and checks that all arrive, in order, once and as they were sent.
func transfer(t *testing.T, ctx context.Context, a, b *e22.Radio, count, size int) {
	t.Helper()
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range count {
			got, err := b.Receive(ctx)
			if err != nil || !bytes.Equal(got.Frame, frame(t, i, size)) {
				t.Errorf("frame %d: %+v, %v", i, got, err)
				return
			}
			if err := b.Send(ctx, radio.AppendAck(nil, 0, byte(i))); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for i := range count {
		if err := a.Send(ctx, frame(t, i, size)); err != nil {
			t.Fatal(err)
		}
		got, err := a.Receive(ctx)
		if err != nil || !bytes.Equal(got.Frame, radio.AppendAck(nil, 0, byte(i))) {
			t.Fatalf("ack %d: %+v, %v", i, got, err)
		}
	}
	wg.Wait()
}

func TestOverSocat(t *testing.T) {
	socat, err := exec.LookPath("socat")
	if err != nil {
		t.Skip("socat is not installed")
	}
	left, right := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	cmd := exec.Command(socat, "pty,raw,echo=0,link="+left, "pty,raw,echo=0,link="+right)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	ctx := minute(t)
	settings := patient(e22.Settings{BaudRate: 115200})
	a, b := open(t, ctx, left, settings), open(t, ctx, right, settings)
	transfer(t, ctx, a, b, 500, 16)
}

func serve(t *testing.T, m *e22test.Module) string {
	t.Helper()
	link := filepath.Join(t.TempDir(), "ttyE22")
	stop, err := m.ServePTY(link)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return link
}

func TestOverPTY(t *testing.T) {
	medium := e22test.NewMedium(e22test.MediumSettings{})
	ma, mb := module(t, medium, fast()), module(t, medium, fast())
	ctx := minute(t)
	a, b := open(t, ctx, serve(t, ma), patient(settingsFor(fast()))), open(t, ctx, serve(t, mb), patient(settingsFor(fast())))
	transfer(t, ctx, a, b, 100, 16)
	if got, err := b.RSSI(ctx); err != nil || got.LastPacketDBm != -60 {
		t.Errorf("RSSI %+v, %v", got, err)
	}

	configMode(t, mb)
	want := fast()
	want.Channel = 3
	if found, err := b.WriteRegisters(ctx, want, e22.Persistent); err != nil || found != want {
		t.Errorf("config %+v, %v", found, err)
	}
}

func TestPTYUnplugged(t *testing.T) {
	medium := e22test.NewMedium(e22test.MediumSettings{})
	ma, mb := module(t, medium, fast()), module(t, medium, fast())
	settings := patient(settingsFor(fast()))
	lost, back := make(chan error, 1), make(chan struct{}, 1)
	settings.OnConnection = func(err error) {
		if err != nil {
			lost <- err
		} else {
			back <- struct{}{}
		}
	}
	ctx := minute(t)
	a, b := open(t, ctx, serve(t, ma), settings), open(t, ctx, serve(t, mb), patient(settingsFor(fast())))
	for range 3 {
		transfer(t, ctx, a, b, 3, 16)
		ma.Unplug()
		if err := <-lost; !errors.Is(err, e22.ErrDisconnected) {
			t.Errorf("lost: %v", err)
		}
		ma.Plug()
		<-back
	}
	transfer(t, ctx, a, b, 3, 16)
}

// Close returns even while the operating system blocks a Send, as nobody reads
// at the other end; the Send returns once that end is closed.
func TestCloseWhileWriteBlocks(t *testing.T) {
	ptmx, name := stuckTerminal(t)
	defer ptmx.Close()
	r := open(t, minute(t), name, e22.Settings{BaudRate: 115200})
	var wg sync.WaitGroup
	sent := make(chan struct{}, 1000)
	wg.Go(func() {
		for {
			if err := r.Send(t.Context(), frame(t, 1, 238)); err != nil {
				if !errors.Is(err, radio.ErrClosed) {
					t.Errorf("send: %v", err)
				}
				return
			}
			sent <- struct{}{}
		}
	})
	for full := false; !full; {
		select {
		case <-sent:
		case <-time.After(300 * time.Millisecond): // a frame takes 21
			full = true
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	ptmx.Close()
	wg.Wait()
}

// A terminal that nobody reads blocks a write. The context ends Send all the same, and
// the driver opens the port again.
func TestSendEndsWhenUARTIsGone(t *testing.T) {
	ptmx, name := stuckTerminal(t)
	defer ptmx.Close()
	lost := make(chan error, 10)
	r := open(t, minute(t), name, e22.Settings{BaudRate: 115200, OnConnection: func(err error) { lost <- err }})
	ended, sent := make(chan error, 1), make(chan struct{}, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for {
			if err := r.Send(ctx, frame(t, 1, 238)); err != nil {
				ended <- err
				return
			}
			sent <- struct{}{}
		}
	}()
	for full := false; !full; {
		select {
		case <-sent:
		case <-time.After(300 * time.Millisecond): // a frame takes 21
			full = true
		}
	}
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("send: %v", err)
		}
	case <-minute(t).Done():
		t.Fatal("Send does not end with its context")
	}
	select {
	case err := <-lost:
		if !errors.Is(err, e22.ErrDisconnected) {
			t.Errorf("connection: %v", err)
		}
	case <-minute(t).Done():
		t.Error("the port is not opened again")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}
