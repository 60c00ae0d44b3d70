// Package link delivers payloads over a radio that loses frames: it paces them
// to the air, waits for acknowledgements, repeats, and delivers each window
// once.
//
// [Sender] and [Receiver] are state machines without I/O. Time, received frames
// and new windows go into Step; frames to send, events to log, deliveries and
// the time of the next Step come out. [Runner] gives a machine a real radio and
// the real clock; package radio/sim gives it virtual time, so that the code
// under test is the code on the air.
//
//	 Outbound                       Delivery
//	   |                               ^
//	[Sender] -- frame -->  ...  --> [Receiver]
//	   ^ ---------- ACK  <--  ...  <--- |
//	   v                                v
//	 Event                            Event
//
// # Sequence numbers
//
// A frame carries one byte of SEQ, which counts windows and wraps at 256; a
// repetition keeps its number. Where the last run left off is kept by
// [State], so that the first windows of a run are not taken for repetitions
// of the last. The receiver remembers each SEQ for [Timing.Memory], and
// acknowledges what it remembers without delivering it again. A sender gives up
// a window rather than repeat it after that time.
//
// # What the frame cannot do
//
// The frame has no checksum. With the modem's CRC on, what arrives is what was
// sent. With it off, or with bytes lost between modem and host, a corrupt frame
// may be delivered and acknowledged, or an ACK be read where none was; radio/sim
// counts these. A payload that its codec refuses is not acknowledged. A codec
// with a check byte in its payload (contract v2 has one) closes most of what
// remains.
//
// # Half duplex
//
// LoRa modems do not hear while they send. With several frames in flight and
// the usual guard, ACKs meet the sender's next frame; give Guard room for an
// ACK there (its time on air and the radio's latency), or stay with one.
//
// # Events
//
// The machines emit an [Event] for everything that happens. Package radio/runlog
// writes events to a log, reads them back and computes metrics from them.
package link

import (
	"errors"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// Codec is what the link needs of a codec; it is satisfied by codec.Codec. Its
// methods are called from the goroutine that calls Step.
type Codec interface {
	MaxPayloadLen() int
	AppendEncode(dst []byte, window []float64) ([]byte, error)
	AppendDecode(dst []float64, payload []byte) ([]float64, error)
}

// ErrSettings is behind every fault that NewSender and NewReceiver find.
var ErrSettings = errors.New("link: invalid settings")

// Outbound is a window to be sent.
type Outbound struct {
	ID       int64
	SensorMs int64     // sensor time of its last sample, ms since 1970; logged
	Values   []float64 // read during Step only
}

// Delivery is a window that arrived for the first time. Its slices are valid
// until the next Step.
type Delivery struct {
	Seq     byte
	Payload []byte
	Window  []float64 // nil where the receiver has no codec
	At      time.Time
	RSSIdBm int // meaningful where HasRSSI
	HasRSSI bool
}

// InputKind says which fields of an Input count.
type InputKind int

// The inputs of a machine.
const (
	InputTick     InputKind = iota // time has passed
	InputReceived                  // Reception
	InputOffer                     // Window; to a Sender
	InputStalled                   // Stall; to a Sender
	InputShutdown                  // no more windows will come; to a Sender
	InputAbort                     // the run ends now; to a Sender
)

// Input is what happened. Make one with Tick, Received, Offer, Stalled,
// Shutdown or Abort.
type Input struct {
	Kind      InputKind
	Reception radio.Reception
	Window    Outbound
	Stall     time.Duration
}

// Tick says that time has passed.
func Tick() Input { return Input{} }

// Received hands over what the radio received.
func Received(r radio.Reception) Input { return Input{Kind: InputReceived, Reception: r} }

// Offer puts a window into the sender's queue.
func Offer(w Outbound) Input { return Input{Kind: InputOffer, Window: w} }

// Stalled says that the radio took the last frame that much later than its
// latency says (it was being plugged in again, say); waits move along.
func Stalled(d time.Duration) Input { return Input{Kind: InputStalled, Stall: d} }

// Shutdown says that no more windows come: the sender finishes what it has and
// is then Done.
func Shutdown() Input { return Input{Kind: InputShutdown} }

// Abort says that the run ends: what is pending is reported failed.
func Abort() Input { return Input{Kind: InputAbort} }

// ActionKind says which field of an Action counts.
type ActionKind int

// What a machine asks for.
const (
	ActionLog     ActionKind = iota // Event
	ActionSend                      // Frame
	ActionDeliver                   // Delivery
)

// Action is what the machine asks for, in order: an event about a frame comes
// before the frame.
type Action struct {
	Kind     ActionKind
	Frame    []byte // valid until the next Step
	Event    Event
	Delivery Delivery
}

// QueuePolicy says what becomes of windows when the air is slower than their
// source.
type QueuePolicy string

// The queue policies. With QueueBlock whoever offers windows waits for
// [Sender.Room]; what is offered nevertheless is dropped.
const (
	QueueBlock      QueuePolicy = "block"
	QueueDropOldest QueuePolicy = "drop_oldest"
	QueueDropNewest QueuePolicy = "drop_newest"
)
