package quality

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/fielderr"
	"github.com/loralink/loralink-go/internal/table"
)

// StreamSettings are the settings of [Stream]. The zero value is the default.
type StreamSettings struct {
	Settings
	// Counted reports whether a window counts. All windows are sent. Nil: all count.
	Counted func(dataset.Window) bool
	Loss    float64 // share of frames, and of acknowledgements, that are lost. Flag --loss
	// InFlight is the number of windows that await their acknowledgement at once. 0: 1.
	// Flag --inflight
	InFlight int
	// MaxRetries is how often a window is sent again. 0: 8; negative: never. Flag
	// --max-retries
	MaxRetries int
	Seed       uint64 // of losses and epochs. Flag --loss-seed
}

// RegisterFlags adds the flags that the fields mention.
func (s *StreamSettings) RegisterFlags(fs *flag.FlagSet) {
	fs.Float64Var(&s.Loss, "loss", 0, "with a codec that remembers, share of frames lost in each direction, 0..1")
	fs.IntVar(&s.InFlight, "inflight", 1, "with a codec that remembers, windows that await their ACK at once")
	fs.IntVar(&s.MaxRetries, "max-retries", 8, "with a codec that remembers, repetitions of a frame without an ACK; negative: none")
	fs.Uint64Var(&s.Seed, "loss-seed", 1, "seed of the losses")
}

// Check returns an error that names the field, and its flag, if one is out of range.
func (s *StreamSettings) Check() error {
	if !(s.Loss >= 0 && s.Loss <= 1) {
		return fielderr.New(ErrStream, "%v is %v, want 0..1", fielderr.Name{Field: "Loss", Flag: "loss"}, s.Loss)
	}
	if s.InFlight < 0 {
		return fielderr.New(ErrStream, "%v is %d, want 1 or more", fielderr.Name{Field: "InFlight", Flag: "inflight"}, s.InFlight)
	}
	return nil
}

// ErrStream is wrapped by errors about StreamSettings, and by those of a codec without
// memory.
var ErrStream = errors.New("quality: invalid settings of a stream")

// StreamEvaluation has the errors and payloads of a codec with memory, over windows that
// were sent in order. Samples counts the windows that were delivered, and Refused those
// that the codec refused.
type StreamEvaluation struct {
	*Evaluation
	BytesPerSample float64 `json:"bytes_per_sample"` // mean payload of first transmissions, by steps of a window
	Windows        int     `json:"windows"`          // that count and were not refused
	KeyFrames      int     `json:"key_frames"`       // among them
	Transmissions  int     `json:"transmissions"`    // of them, repetitions included
	Undelivered    int     `json:"undelivered"`      // windows that were lost, or that the receiver could not decode
	// BeyondBound is the number of delivered windows with an error beyond the bound that
	// both ends knew. It is 0.
	BeyondBound int     `json:"beyond_bound"`
	Loss        float64 `json:"loss"`
	InFlight    int     `json:"inflight"`
	OneWay      bool    `json:"one_way"`
}

// Stream sends windows, in their order, from an encoder to a decoder over a channel
// that loses frames, and measures what arrives. The codec must be codec.Stateful.
// Frames take one unit of time each; an acknowledgement arrives after InFlight units.
// A codec that is one-way gets no acknowledgements, and every window is sent once. Std
// of the settings must be set, see Settings. Each window must follow the one
// before without overlap.
func Stream(ctx context.Context, c codec.Codec, windows iter.Seq2[dataset.Window, error], settings StreamSettings) (*StreamEvaluation, error) {
	stateful, ok := c.(codec.Stateful)
	if !ok {
		return nil, fmt.Errorf("%w: codec %s has no memory of earlier windows", ErrStream, c.ID())
	}
	if err := settings.Check(); err != nil {
		return nil, err
	}
	filled, err := settings.filled(c)
	if err != nil {
		return nil, err
	}
	s := newStream(c, stateful, settings, &filled)
	for w, err := range until(ctx, windows) {
		if err != nil {
			return nil, err
		}
		s.send(w)
		if s.err != nil {
			return nil, s.err
		}
	}
	for len(s.flight) > 0 {
		s.wait()
	}
	if s.err != nil {
		return nil, s.err
	}
	return s.result(&filled), nil
}

// StreamSplit is Stream over all windows, of which those in a subset of a split count
// (dataset.SubsetAll, SubsetTrain or SubsetHoldout). Std are the deviations over the
// training windows. It ranges over windows twice.
func StreamSplit(ctx context.Context, c codec.Codec, windows iter.Seq2[dataset.Window, error], split dataset.Split, subset string, settings StreamSettings) (*StreamEvaluation, error) {
	var stats dataset.Stats
	for w, err := range dataset.Training(until(ctx, windows), split) {
		if err == nil {
			err = stats.Add(w.Values)
		}
		if err != nil {
			return nil, err
		}
	}
	if settings.Std = stats.Std(); stats.Count() == 0 {
		return nil, ErrNoTraining
	}
	settings.Counted = func(w dataset.Window) bool {
		return subset == dataset.SubsetAll || split.InTraining(w) == (subset == dataset.SubsetTrain)
	}
	e, err := Stream(ctx, c, windows, settings)
	if err == nil {
		e.SetSplit(subset, split)
	}
	return e, err
}

// stream is a Stream while it runs.
type stream struct {
	StreamSettings
	codec   codec.Codec
	counted func(dataset.Window) bool
	refers  func([]byte) int
	encoder codec.Encoder
	decoder codec.Decoder
	rng     *rand.Rand
	m       *measurement
	e       StreamEvaluation
	first   int // bytes of first transmissions
	now     int
	seq     byte
	flight  []*inFlight
	err     error
	got     []float64
	bounds  []float64
	angles  []bool
}

// inFlight is a window between its first transmission and the end of its wait.
type inFlight struct {
	window    dataset.Window
	counts    bool
	seq       byte
	payload   []byte
	bounds    []float64
	attempts  int
	due       int // when it is sent again, unless it is acknowledged
	acked     int // when its acknowledgement arrives; 0: none is on its way
	delivered bool
}

func newStream(c codec.Codec, stateful codec.Stateful, settings StreamSettings, filled *Settings) *stream {
	s := &stream{StreamSettings: settings, codec: c, counted: settings.Counted, refers: stateful.Reference, m: newMeasurement(c, filled),
		rng: rand.New(rand.NewPCG(settings.Seed, 1)), decoder: stateful.NewDecoder()}
	if s.angles = s.m.angles; s.angles == nil {
		s.angles = filled.Schema.Angles()
	}
	epochs := rand.New(rand.NewPCG(settings.Seed, 2))
	s.encoder = stateful.NewEncoder(func() uint16 { return uint16(epochs.Uint32()) })
	if s.counted == nil {
		s.counted = func(dataset.Window) bool { return true }
	}
	s.e.OneWay = stateful.OneWay()
	s.InFlight = min(max(s.InFlight, 1), s.encoder.MaxInFlight())
	switch {
	case s.MaxRetries < 0 || s.e.OneWay:
		s.MaxRetries = 0
	case s.MaxRetries == 0:
		s.MaxRetries = 8
	}
	if s.e.OneWay {
		s.InFlight = 1
	}
	s.e.Loss, s.e.InFlight = s.Loss, s.InFlight
	return s
}

// send encodes and sends a window as soon as there is room for it.
func (s *stream) send(w dataset.Window) {
	for s.settle(); len(s.flight) > 0 && (s.resend() || s.full()); s.settle() {
		if s.err != nil {
			return
		}
	}
	f := &inFlight{window: w, counts: s.counted(w), seq: s.seq}
	var err error
	f.payload, err = s.encoder.AppendEncode(nil, f.seq, w.Values)
	if errors.Is(err, codec.ErrValue) {
		if f.counts {
			s.m.refused++
		}
		return
	}
	if err != nil {
		s.err = fmt.Errorf("quality: window %d: %w", w.ID, err)
		return
	}
	f.bounds = s.encoder.AppendBounds(nil)
	s.seq++
	if f.counts {
		s.e.Windows++
		s.m.lengths[len(f.payload)]++
		s.first += len(f.payload)
		if s.refers(f.payload) == 0 {
			s.e.KeyFrames++
		}
	}
	s.flight = append(s.flight, f)
	s.transmit(f)
}

// full reports whether no window may be sent besides those in flight, and lets time pass
// if so.
func (s *stream) full() bool {
	if len(s.flight) < s.InFlight && int(s.seq-s.flight[0].seq) < s.encoder.MaxInFlight() {
		return false
	}
	s.now++
	return true
}

// wait lets time pass, and sends what is due.
func (s *stream) wait() {
	if s.settle(); len(s.flight) > 0 && !s.resend() {
		s.now++
	}
}

// settle takes out windows that are acknowledged or given up by now.
func (s *stream) settle() {
	kept := s.flight[:0]
	for _, f := range s.flight {
		switch {
		case f.acked > 0 && f.acked <= s.now:
			s.encoder.Acked(f.seq)
		case f.acked == 0 && f.due <= s.now && f.attempts > s.MaxRetries:
			s.encoder.GivenUp(f.seq)
			if f.counts && !f.delivered {
				s.e.Undelivered++
			}
		default:
			kept = append(kept, f)
		}
	}
	s.flight = kept
}

// resend sends the first window that is due again.
func (s *stream) resend() bool {
	for _, f := range s.flight {
		if f.acked == 0 && f.due <= s.now {
			s.transmit(f)
			return true
		}
	}
	return false
}

// transmit sends a window for one unit of time.
func (s *stream) transmit(f *inFlight) {
	f.attempts++
	f.due = s.now + s.InFlight
	s.now++
	if f.counts {
		s.e.Transmissions++
	}
	lost, lostAck := s.rng.Float64() < s.Loss, s.rng.Float64() < s.Loss
	if lost {
		return
	}
	if !f.delivered {
		var err error
		if s.got, err = s.decoder.AppendDecode(s.got[:0], f.seq, f.payload); err != nil {
			return // not acknowledged
		}
		f.delivered = true
		if f.counts {
			s.measure(f)
		}
	}
	if !lostAck && !s.e.OneWay {
		f.acked = f.due
	}
}

// measure adds the errors of a window that was delivered.
func (s *stream) measure(f *inFlight) {
	if s.bounds = s.decoder.AppendBounds(s.bounds[:0]); !slices.Equal(s.bounds, f.bounds) {
		s.err = fmt.Errorf("quality: window %d: the ends know different bounds", f.window.ID)
		return
	}
	within := newOverTally(f.bounds, s.angles)
	within.add(f.window.Values, s.got)
	if within.within == 0 {
		s.e.BeyondBound++
	}
	s.m.compare(f.window.Values, s.got)
}

func (s *stream) result(filled *Settings) *StreamEvaluation {
	e := s.e
	e.Evaluation = s.m.evaluation(filled)
	if e.Windows > 0 {
		steps := s.codec.WindowLen() / s.m.dims
		e.BytesPerSample = float64(s.first) / float64(e.Windows*steps)
	}
	return &e
}

// WriteStream writes what was sent and delivered, and the errors over tolerance.
func (e *StreamEvaluation) WriteStream(w io.Writer) {
	share := func(n int) float64 { return 100 * float64(n) / float64(max(e.Windows, 1)) }
	fmt.Fprintf(w, "%s bytes a window and %s a sample on average, %d key frames (%.2f %%), %d windows refused.\n",
		table.Digits(e.MeanPayloadBytes), table.Digits(e.BytesPerSample), e.KeyFrames, share(e.KeyFrames), e.Refused)
	fmt.Fprintf(w, "Loss %g, %d in flight: %d windows in %d transmissions; %d windows (%.2f %%) were not delivered.\n",
		e.Loss, e.InFlight, e.Windows, e.Transmissions, e.Undelivered, share(e.Undelivered))
	fmt.Fprintf(w, "zscored.mse %s\n", table.Digits(e.ZScored.MSE))
	e.WriteTolerances(w)
}
