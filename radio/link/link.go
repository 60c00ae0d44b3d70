// Package link delivers payloads over a radio that loses frames. It spaces frames
// by their time on air, waits for acknowledgements (ACKs), repeats frames that are
// not acknowledged, and delivers each window once.
//
// A window is what a [Codec] makes a payload of, and a payload is what a frame of
// package radio carries.
//
// [Sender] and [Receiver] are state machines without I/O. Their method Step takes
// the time and an [Input], which is a received frame or a new window, say. It
// returns [Action] values, which are frames to send, events to log and windows to
// deliver, and the time at which it wants to be called again. [Runner] runs a
// machine with a real radio and the real clock. Package radio/sim runs it in
// virtual time, so that tests run the code that runs on the air.
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
// A frame carries one byte of sequence number (SEQ), which counts windows and
// wraps at 256. A repetition keeps its number. The receiver remembers each SEQ for
// [Timing.Memory]; a frame whose SEQ it remembers it acknowledges and does not
// deliver again. The sender gives up a window rather than repeat it after that
// time. A sender that restarts must continue with the next SEQ, or its first
// windows would be taken for repetitions; radio/endpoint stores it in a file.
//
// # Limits of the frame
//
// The frame has no checksum. With the modem's CRC on, what arrives is what was
// sent. Without it, or where bytes get lost between modem and host, a corrupt
// frame may be delivered and acknowledged, or be read as an ACK that was never
// sent. Package radio/sim counts these cases. A payload that its codec refuses to
// decode is not acknowledged, and a codec whose payloads have a check byte refuses
// most corrupt ones.
//
// # Half duplex
//
// LoRa modems do not receive while they transmit. If several frames are in flight
// and the guard is short, ACKs collide with the sender's next frame. Make
// Timing.Guard long enough for an ACK, with its time on air and the radio's
// latency, or keep one frame in flight.
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

// Codec is what the link needs of a codec. A codec.Codec satisfies it. Its methods
// are called from the goroutine that calls Step.
type Codec interface {
	// MaxPayloadLen is the length of the longest payload, in bytes.
	MaxPayloadLen() int
	// AppendEncode appends the payload of a window to dst.
	AppendEncode(dst []byte, window []float64) ([]byte, error)
	// AppendDecode appends the window of a payload to dst.
	AppendDecode(dst []float64, payload []byte) ([]float64, error)
}

// ErrSettings is wrapped by every error about settings of this package.
var ErrSettings = errors.New("link: invalid settings")

// Outbound is a window to be sent.
type Outbound struct {
	ID       int64     // window_id, unique among the windows of a sender
	SensorMs int64     // sensor time of its last sample, ms since 1970; only logged
	Values   []float64 // used until Step returns
}

// Delivery is a window that has arrived for the first time. Its slices are valid
// until the next Step.
type Delivery struct {
	Seq     byte
	Payload []byte
	Window  []float64 // nil if the receiver has no codec
	Time    time.Time
	RSSIdBm int // received signal strength; valid only if HasRSSI
	HasRSSI bool
}

// InputKind says what an [Input] is, and which of its fields are used.
type InputKind int

// The inputs of a machine. A [Receiver] uses InputReceived and ignores the others.
const (
	InputTick     InputKind = iota // time has passed; no field
	InputReceived                  // the radio received something: Reception
	InputOffer                     // a window is to be sent: Window
	InputStalled                   // the radio was late: Stall
	InputShutdown                  // no more windows will come; no field
	InputAbort                     // the run ends now; no field
)

// Input is what a machine is told. Make one with [Tick], [Received], [Offer],
// [Stalled], [Shutdown] or [Abort].
type Input struct {
	Kind      InputKind
	Reception radio.Reception
	Window    Outbound
	Stall     time.Duration
}

// Tick tells a machine that time has passed.
func Tick() Input { return Input{} }

// Received hands a machine what the radio received.
func Received(r radio.Reception) Input { return Input{Kind: InputReceived, Reception: r} }

// Offer adds a window to a sender's queue.
func Offer(w Outbound) Input { return Input{Kind: InputOffer, Window: w} }

// Stalled tells a sender that the radio took the last frame later than its
// latency says, by d, because it was unplugged meanwhile, say. The sender moves
// its waits by as much.
func Stalled(d time.Duration) Input { return Input{Kind: InputStalled, Stall: d} }

// Shutdown tells a sender that no more windows will come. It finishes the ones it
// has, and is then Done.
func Shutdown() Input { return Input{Kind: InputShutdown} }

// Abort tells a sender that the run ends now. It reports every pending window as
// failed, and is then Done.
func Abort() Input { return Input{Kind: InputAbort} }

// ActionKind says what an [Action] is, and which of its fields is used.
type ActionKind int

// The actions that machines ask for.
const (
	ActionLog     ActionKind = iota // log Event
	ActionSend                      // transmit Frame
	ActionDeliver                   // hand over Delivery
)

// Action is something that a machine asks its caller to do. Actions are to be done
// in order: an event about a frame comes before the frame.
type Action struct {
	Kind     ActionKind
	Frame    []byte // valid until the next Step
	Event    Event
	Delivery Delivery
}

// QueuePolicy says what happens to windows that come faster than the air can take
// them.
type QueuePolicy string

// The queue policies. With QueueBlock, the caller must offer a window only if
// [Sender.QueueSpace] is above 0; otherwise the window is dropped.
const (
	QueueBlock      QueuePolicy = "block"       // the caller waits
	QueueDropOldest QueuePolicy = "drop_oldest" // the longest waiting window is dropped
	QueueDropNewest QueuePolicy = "drop_newest" // the offered window is dropped
)
