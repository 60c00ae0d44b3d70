package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/loralink/loralink-go/radio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipe is a radio in memory. What it sends arrives at its peer after a while.
type pipe struct {
	peer   *pipe
	delay  time.Duration
	lose   func(n int) bool // the nth frame, from 0
	stall  func(n int) time.Duration
	fail   error // of Send
	sent   int
	input  chan radio.Reception
	closed chan struct{}
	once   sync.Once
	wg     *sync.WaitGroup
}

func pipes(delay time.Duration) (a, b *pipe) {
	var wg sync.WaitGroup
	end := func() *pipe {
		return &pipe{delay: delay, input: make(chan radio.Reception, 1000), closed: make(chan struct{}), wg: &wg}
	}
	a, b = end(), end()
	a.peer, b.peer = b, a
	return a, b
}

func (p *pipe) Send(ctx context.Context, frame []byte) error {
	if p.fail != nil {
		return p.fail
	}
	n := p.sent
	p.sent++
	if p.stall != nil {
		time.Sleep(p.stall(n))
	}
	if p.lose != nil && p.lose(n) {
		return nil
	}
	frame = slices.Clone(frame)
	p.wg.Go(func() {
		time.Sleep(p.delay)
		p.peer.input <- radio.Reception{Frame: frame, Time: time.Now()}
	})
	return nil
}

func (p *pipe) Receive(ctx context.Context) (radio.Reception, error) {
	select {
	case r := <-p.input:
		return r, nil
	case <-p.closed:
		return radio.Reception{}, radio.ErrClosed
	case <-ctx.Done():
		return radio.Reception{}, ctx.Err()
	}
}

func (p *pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// numbered yields windows 0..n-1.
func numbered(n int) func(context.Context) (Outbound, error) {
	i := 0
	return func(context.Context) (Outbound, error) {
		if i == n {
			return Outbound{}, io.EOF
		}
		i++
		return window(i - 1), nil
	}
}

// counter counts what became of windows.
type counter struct{ sent, acked, failed, retries int }

func (c *counter) add(e Event) {
	switch e.Kind {
	case EventTxSent:
		c.sent++
		if e.Attempt > 1 {
			c.retries++
		}
	case EventAckReceived:
		c.acked++
	case EventTxFailed:
		c.failed++
	}
}

// inTime runs a sender and a receiver over two pipes in a bubble of virtual
// time and returns what was delivered and the sums.
func inTime(t *testing.T, change func(tx, rx *pipe, settings *SenderSettings)) (delivered []int64, n counter) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tx, rx := pipes(41 * time.Millisecond)
		settings := SenderSettings{Timing: Timing{PHY: sf7, Guard: 20 * time.Millisecond, MaxRetries: 4}, Codec: bytesCodec{n: 8}}
		change(tx, rx, &settings)
		s, err := NewSender(settings)
		if err != nil {
			t.Fatal(err)
		}
		r, err := NewReceiver(ReceiverSettings{Timing: settings.Timing, Codec: bytesCodec{n: 8}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			runner := Runner{Radio: rx}
			ended <- runner.Receive(ctx, r, func(d Delivery) error {
				delivered = append(delivered, int64(d.Window[0]))
				return nil
			})
		}()
		runner := Runner{Radio: tx, Log: func(e Event) error { n.add(e); return nil }}
		if err := runner.Send(t.Context(), s, numbered(500)); err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("receiver ended with %v", err)
		}
		tx.wg.Wait()
	})
	return delivered, n
}

func TestRunner(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(tx, rx *pipe, settings *SenderSettings)
		retries int
	}{
		{"nothing lost", func(tx, rx *pipe, settings *SenderSettings) {}, 0},
		{"every fifth frame lost", func(tx, rx *pipe, settings *SenderSettings) { tx.lose = func(n int) bool { return n%5 == 4 } }, 124},
		{"every tenth ACK lost", func(tx, rx *pipe, settings *SenderSettings) { rx.lose = func(n int) bool { return n%10 == 9 } }, 55},
		{"several in flight", func(tx, rx *pipe, settings *SenderSettings) {
			settings.MaxInFlight = 4
			tx.lose = func(n int) bool { return n%5 == 4 }
		}, 124},
		{"a radio unplugged for 5 s", func(tx, rx *pipe, settings *SenderSettings) {
			tx.stall = func(n int) time.Duration {
				if n == 250 {
					return 5 * time.Second
				}
				return 0
			}
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			delivered, n := inTime(t, c.change)
			slices.Sort(delivered)
			for i, id := range delivered {
				if int64(i) != id {
					t.Fatalf("delivery %d is window %d", i, id)
				}
			}
			if len(delivered) != 500 || n.acked != 500 || n.failed != 0 {
				t.Errorf("%d delivered, %d acknowledged, %d failed", len(delivered), n.acked, n.failed)
			}
			if n.retries != c.retries {
				t.Errorf("%d retries, want %d", n.retries, c.retries)
			}
		})
	}
}

func TestRunnerFlushesWhenItsContextEnds(t *testing.T) {
	for _, c := range []struct {
		name          string
		flush         time.Duration
		acked, failed int
	}{
		{"with time", time.Minute, 10, 0},
		{"by default", 0, 10, 0},
		{"without", NoFlush, 3, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tx, rx := pipes(10 * time.Millisecond)
				settings := SenderSettings{Timing: Timing{PHY: sf7}, Codec: bytesCodec{n: 8}, QueueLen: 7}
				s, err := NewSender(settings)
				if err != nil {
					t.Fatal(err)
				}
				r, err := NewReceiver(ReceiverSettings{Timing: settings.Timing})
				if err != nil {
					t.Fatal(err)
				}
				rxCtx, stopRX := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- (&Runner{Radio: rx}).Receive(rxCtx, r, nil) }()

				ctx, cancel := context.WithCancel(t.Context())
				var n counter
				var seqs []byte
				runner := Runner{Radio: tx, Flush: c.flush,
					OnSeq: func(next byte) error { seqs = append(seqs, next); return nil },
					Log: func(e Event) error {
						n.add(e)
						if e.Kind == EventAckReceived && n.acked == 3 {
							cancel()
						}
						return nil
					}}
				if err := runner.Send(ctx, s, numbered(1000)); !errors.Is(err, context.Canceled) {
					t.Errorf("ended with %v", err)
				}
				if n.acked < c.acked || n.acked > c.acked+1 || n.failed < c.failed || n.failed > c.failed+1 || s.Pending() != 0 {
					t.Errorf("%d acknowledged, %d failed, %d pending", n.acked, n.failed, s.Pending())
				}
				if fmt.Sprint(seqs[:3]) != "[1 2 3]" {
					t.Errorf("next SEQs %v", seqs)
				}
				stopRX()
				<-ended
				tx.wg.Wait()
			})
		})
	}
}

func TestRunnerErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name   string
		runner func(*pipe) Runner
		next   func(context.Context) (Outbound, error)
		want   error
	}{
		{"log", func(p *pipe) Runner { return Runner{Radio: p, Log: func(Event) error { return broken }} }, numbered(3), broken},
		{"state", func(p *pipe) Runner { return Runner{Radio: p, OnSeq: func(byte) error { return broken }} }, numbered(3), broken},
		{"send", func(p *pipe) Runner { p.fail = broken; return Runner{Radio: p} }, numbered(3), broken},
		{"receive", func(p *pipe) Runner { p.Close(); return Runner{Radio: p} }, numbered(3), radio.ErrClosed},
		{"source", func(p *pipe) Runner { return Runner{Radio: p} },
			func(context.Context) (Outbound, error) { return Outbound{}, broken }, broken},
		{"a source that waits", func(p *pipe) Runner { p.Close(); return Runner{Radio: p} },
			func(ctx context.Context) (Outbound, error) { <-ctx.Done(); return Outbound{}, ctx.Err() }, radio.ErrClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tx, _ := pipes(0)
				s, err := NewSender(SenderSettings{Timing: Timing{PHY: sf7}, Codec: bytesCodec{n: 8}})
				if err != nil {
					t.Fatal(err)
				}
				runner := c.runner(tx)
				if err := runner.Send(t.Context(), s, c.next); !errors.Is(err, c.want) {
					t.Errorf("ended with %v, want %v", err, c.want)
				}
				tx.wg.Wait()
			})
		})
	}
}

// deaf is a radio whose modem takes no bytes: Send returns when its context ends.
type deaf struct{ *pipe }

func (d deaf) Send(ctx context.Context, _ []byte) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestSendEndsWhenTheRadioTakesNothing(t *testing.T) {
	for _, c := range []struct {
		name        string
		flush, want time.Duration // after the context has ended
	}{
		{"by default", 0, DefaultFlush},
		{"with time", time.Minute, time.Minute},
		{"without", NoFlush, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tx, _ := pipes(0)
				s, err := NewSender(SenderSettings{Timing: Timing{PHY: sf7}, Codec: bytesCodec{n: 8}})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				var n counter
				runner := Runner{Radio: deaf{tx}, Flush: c.flush, Log: func(e Event) error { n.add(e); return nil }}
				start := time.Now()
				err = runner.Send(ctx, s, numbered(5))
				if took := time.Since(start) - time.Hour; !errors.Is(err, context.DeadlineExceeded) || took != c.want {
					t.Errorf("ended with %v, %v after its context, want %v", err, took, c.want)
				}
				if n.failed == 0 || s.Pending() != 0 {
					t.Errorf("%d reported as failed, %d pending", n.failed, s.Pending())
				}
			})
		})
	}
}
