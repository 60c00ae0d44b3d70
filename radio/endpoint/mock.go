package endpoint

import (
	"context"
	"flag"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/fielderr"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/runspec"
)

// MockSettings are the settings of [Endpoint.Mock]. The zero value is a channel without
// loss or latency. Names of flags are those of RegisterFlags.
type MockSettings struct {
	Loss      float64 // share of frames that are lost, in each direction, 0..1. Flag --mock-loss-rate
	LatencyMs int     // time from one end to the other, in ms, 0..60000. Flag --mock-latency-ms
	Seed      uint64  // seed of the loss
	// Windows is how many windows the other end of a receiver sends; 0: the RunSpec's
	// tx.max_windows or, if it has none, 20.
	Windows int
	// OnDone is called when the other end of a receiver has sent all windows, and each is
	// acknowledged or given up. It may be nil.
	OnDone func()
}

var (
	fieldMockLoss    = fielderr.Name{Field: "Loss", Flag: "mock-loss-rate"}
	fieldMockLatency = fielderr.Name{Field: "LatencyMs", Flag: "mock-latency-ms"}
)

// RegisterFlags adds the flags that the fields mention.
func (s *MockSettings) RegisterFlags(fs *flag.FlagSet) {
	fs.Float64Var(&s.Loss, "mock-loss-rate", 0, "radio mock: share of frames that are lost in each direction, 0..1")
	fs.IntVar(&s.LatencyMs, "mock-latency-ms", 0, "radio mock: time from one end to the other, in ms")
}

// Check returns an error that wraps [ErrSettings] if a field is out of range.
func (s *MockSettings) Check() error {
	switch {
	case !(s.Loss >= 0 && s.Loss <= 1):
		return fielderr.New(ErrSettings, "%v is %g, want 0..1", fieldMockLoss, s.Loss)
	case s.LatencyMs < 0 || s.LatencyMs > 60_000:
		return fielderr.New(ErrSettings, "%v is %d, want 0..60000", fieldMockLatency, s.LatencyMs)
	case s.Windows < 0:
		return fmt.Errorf("%w: Windows is %d, want 0 or more", ErrSettings, s.Windows)
	}
	return nil
}

// mockWindows is the default number of windows of a mock sender.
const mockWindows = 20

// Mock returns a radio whose other end runs in this process, so that one end of a link
// can be tried alone. The other end of a sender is a receiver, which acknowledges. That
// of a receiver is a sender with the same codec, of simulated samples or, if the RunSpec's
// windows do not consist of motion samples, of one window again and again. It writes no log.
// Close of the radio ends it. Settings may be nil.
func (e *Endpoint) Mock(settings *MockSettings) (radio.Radio, error) {
	s := MockSettings{}
	if settings != nil {
		s = *settings
	}
	if err := s.Check(); err != nil {
		return nil, err
	}
	near, far := newMockPair(time.Duration(s.LatencyMs)*time.Millisecond, s.Loss, s.Seed)
	run, err := e.mockReceiver(far)
	if e.spec.Role == runspec.RoleRX {
		run, err = e.mockSender(far, &s)
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	near.end = sync.OnceFunc(func() {
		cancel()
		far.Close()
		near.peer.Wait()
	})
	near.peer.Go(func() { run(ctx) })
	return near, nil
}

// mockReceiver returns the program of a receiver.
func (e *Endpoint) mockReceiver(r radio.Radio) (func(context.Context), error) {
	receiver, err := link.NewReceiver(e.ReceiverSettings(r))
	if err != nil {
		return nil, err
	}
	runner := link.Runner{Radio: r}
	return func(ctx context.Context) {
		_ = runner.Receive(ctx, receiver, func(link.Delivery) error { return nil }) // it ends with the radio
	}, nil
}

// mockSender returns the program of a sender.
func (e *Endpoint) mockSender(r radio.Radio, s *MockSettings) (func(context.Context), error) {
	settings := e.SenderSettings(r)
	settings.Clock = time.Now
	sender, err := link.NewSender(settings)
	if err != nil {
		return nil, err
	}
	windows, err := e.mockWindows()
	if err != nil {
		return nil, err
	}
	limit := s.Windows
	if limit == 0 {
		limit = e.spec.TX.MaxWindows
	}
	if limit == 0 {
		limit = mockWindows
	}
	runner := link.Runner{Radio: r}
	return func(ctx context.Context) {
		next, stop := iter.Pull2(dataset.Limit(windows(ctx), limit))
		defer stop()
		err := runner.Send(ctx, sender, func(context.Context) (link.Outbound, error) {
			w, err, ok := next()
			if !ok {
				return link.Outbound{}, io.EOF
			}
			return link.Outbound{ID: w.ID, SensorMs: w.TsMs, Values: w.Values}, err
		})
		if err == nil && s.OnDone != nil {
			s.OnDone()
		}
	}, nil
}

// mockWindows returns what a mock sender sends.
func (e *Endpoint) mockWindows() (func(context.Context) iter.Seq2[dataset.Window, error], error) {
	if e.spec.Window.Dims == sensor.MotionDims {
		return (&SamplerSettings{Kind: SamplerDummy}).Windows(e.spec)
	}
	values := someWindow(e.codec)
	return func(context.Context) iter.Seq2[dataset.Window, error] {
		return func(yield func(dataset.Window, error) bool) {
			for id := int64(0); yield(dataset.Window{ID: id, TsMs: id, Values: values}, nil); id++ {
			}
		}
	}, nil
}

// someWindow returns a window that the codec is likely to encode: what it decodes from the
// shortest payload of zeros or, if it decodes none, zeros.
func someWindow(c codec.Codec) []float64 {
	for n := range c.MaxPayloadLen() + 1 {
		if values, err := c.AppendDecode(nil, make([]byte, n)); err == nil && len(values) == c.WindowLen() {
			return values
		}
	}
	return make([]float64, c.WindowLen())
}

// mockRadio is one end of a pair of radios in memory.
type mockRadio struct {
	out, in chan mockFrame
	latency time.Duration
	loss    float64
	mu      sync.Mutex
	random  *rand.Rand

	closed chan struct{}
	close  func()
	peer   sync.WaitGroup
	end    func() // nil at the other end
}

// mockFrame is a frame and when it arrives.
type mockFrame struct {
	frame []byte
	due   time.Time
}

// newMockPair returns two radios that hear each other.
func newMockPair(latency time.Duration, loss float64, seed uint64) (a, b *mockRadio) {
	const onTheWay = 256 // frames; more than any number in flight
	ab, ba := make(chan mockFrame, onTheWay), make(chan mockFrame, onTheWay)
	one := func(out, in chan mockFrame, stream uint64) *mockRadio {
		r := &mockRadio{out: out, in: in, latency: latency, loss: loss, random: rand.New(rand.NewPCG(seed, stream)), closed: make(chan struct{})}
		r.close = sync.OnceFunc(func() { close(r.closed) })
		return r
	}
	return one(ab, ba, 1), one(ba, ab, 2)
}

func (r *mockRadio) ended(ctx context.Context) error {
	select {
	case <-r.closed:
		return radio.ErrClosed
	default:
		return ctx.Err()
	}
}

// Send delivers the frame to the other end after the latency, or loses it.
func (r *mockRadio) Send(ctx context.Context, frame []byte) error {
	if err := r.ended(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	lost := r.random.Float64() < r.loss
	r.mu.Unlock()
	if lost {
		return nil
	}
	select {
	case r.out <- mockFrame{append([]byte(nil), frame...), time.Now().Add(r.latency)}:
		return nil
	case <-r.closed:
		return radio.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Receive returns the next frame.
func (r *mockRadio) Receive(ctx context.Context) (radio.Reception, error) {
	if err := r.ended(ctx); err != nil {
		return radio.Reception{}, err
	}
	var f mockFrame
	select {
	case f = <-r.in:
	case <-r.closed:
		return radio.Reception{}, radio.ErrClosed
	case <-ctx.Done():
		return radio.Reception{}, ctx.Err()
	}
	timer := time.NewTimer(time.Until(f.due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return radio.Reception{Frame: f.frame, Time: time.Now()}, nil
	case <-r.closed:
		return radio.Reception{}, radio.ErrClosed
	case <-ctx.Done():
		return radio.Reception{}, ctx.Err()
	}
}

// Latency returns the latency of the settings.
func (r *mockRadio) Latency(int) time.Duration { return r.latency }

// Close also ends the other end.
func (r *mockRadio) Close() error {
	r.close()
	if r.end != nil {
		r.end()
	}
	return nil
}
