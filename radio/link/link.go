// Package link delivers payloads over a radio that loses frames. It spaces frames
// by their time on air, waits for acknowledgements (ACKs), repeats frames that are
// not acknowledged, and delivers each window once.
//
// A window is a list of sensor values. A [Codec] turns it into a payload, which a
// frame of package radio carries.
//
// [Sender] and [Receiver] are state machines without I/O. Their method Step takes
// the time and an [Input], such as a received frame or a new window. It returns
// [Action] values, which are frames to send, events to log and windows to deliver,
// and the time at which it must be called again. [Runner] runs a machine with a real
// radio and the real clock. Package radio/sim runs it in virtual time, so that tests
// and simulations run the same code as devices.
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
// [Timing.Memory], and the payload that it delivered. If a frame arrives with both, it
// acknowledges the frame and does not deliver it again. If a frame arrives with that SEQ
// and another payload, it is no repetition: the receiver delivers it, and logs an
// [EventRxConflict]. The sender does not repeat a frame after that
// time; it gives the window up. A sender that restarts must continue with the next
// SEQ, or the receiver could take its first windows for repetitions; package
// radio/endpoint stores the SEQ in a file.
//
// # Codecs with memory
//
// An [Encoder] codes a window as what the earlier ones do not predict. It builds each
// window on one that it knows to be acknowledged, so a sender encodes a window when it
// first sends it. A [Decoder] decodes only what builds on windows it has; a receiver does
// not acknowledge anything else.
//
// # One sender
//
// A link is one sender and one receiver on a channel of their own. Frames have no address:
// if two senders share a channel, an ACK for one counts at the other, and a window can
// count as acknowledged that never arrived. The machines cannot prevent that. The receiver
// detects it, see [EventRxConflict] and [EventRxInterleaved].
//
// # Limits of the frame
//
// The frame has no checksum. With the modem's CRC on, a frame arrives as it was
// sent. Without it, or if bytes are lost between modem and host, a corrupt frame may
// be delivered and acknowledged, or be read as an ACK that was never sent. Package
// radio/sim counts these cases. The receiver does not acknowledge a payload that its
// codec cannot decode; a codec whose payloads have a check byte refuses most corrupt
// ones.
//
// # Half duplex
//
// LoRa modems do not receive while they transmit. If several frames are in flight
// and the guard is short, ACKs collide with the sender's next frame. Make
// Timing.Guard longer than the time on air of an ACK plus the radio's latency, or
// keep one frame in flight.
//
// # Events
//
// The machines report what happens by an [Event]. Package radio/runlog writes events
// to a log, reads them back and computes metrics from them.
package link

import (
	"errors"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// Codec encodes and decodes windows. Every codec.Codec implements it. The machines
// call its methods from the goroutine that calls Step.
type Codec interface {
	// MaxPayloadLen is the length of the longest payload, in bytes.
	MaxPayloadLen() int
	// AppendEncode appends the payload of a window to dst.
	AppendEncode(dst []byte, window []float64) ([]byte, error)
	// AppendDecode appends the window of a payload to dst.
	AppendDecode(dst []float64, payload []byte) ([]float64, error)
}

// ErrSettings is wrapped by every error about settings of this package. The text
// of such an error begins with the name of the field.
var ErrSettings = errors.New("link: invalid settings")

// Outbound is a window to be sent.
type Outbound struct {
	ID       int64     // window_id, unique among the windows of a sender
	SensorMs int64     // sensor time of the last sample, in ms since 1970; it is logged and not sent
	Values   []float64 // must not change until Step returns
}

// Delivery is a window that has arrived for the first time. Its slices are valid
// until the next Step.
type Delivery struct {
	Seq     byte
	Payload []byte
	Window  []float64 // nil if the receiver has no codec
	Time    time.Time // of the Step that delivered it
	RSSIdBm int       // received signal strength in dBm; valid only if HasRSSI is true
	HasRSSI bool
}

// InputKind is the kind of an [Input]. It decides which of its fields are used.
type InputKind int

// The kinds of inputs. A [Receiver] uses InputReceived and ignores the others.
const (
	InputTick     InputKind = iota // time has passed; uses no field
	InputReceived                  // the radio received something; uses Reception
	InputOffer                     // a window is to be sent; uses Window
	InputStalled                   // the radio was late; uses Stall
	InputShutdown                  // no more windows will come; uses no field
	InputAbort                     // the run ends now; uses no field
)

// Input is an input of a machine. Make one with [Tick], [Received], [Offer],
// [Stalled], [Shutdown] or [Abort].
type Input struct {
	Kind      InputKind
	Reception radio.Reception
	Window    Outbound
	Stall     time.Duration
}

// Tick returns an input that only tells a machine the time.
func Tick() Input { return Input{} }

// Received returns an input that passes what the radio received to a machine.
func Received(r radio.Reception) Input { return Input{Kind: InputReceived, Reception: r} }

// Offer returns an input that adds a window to a sender's queue.
func Offer(w Outbound) Input { return Input{Kind: InputOffer, Window: w} }

// Stalled returns an input that tells a sender that sending the last frame took d
// longer than the radio's latency, for example because the radio was unplugged. The
// sender prolongs its waits by d.
func Stalled(d time.Duration) Input { return Input{Kind: InputStalled, Stall: d} }

// Shutdown returns an input that tells a sender that no more windows will come. The
// sender finishes those it has, and is then Done.
func Shutdown() Input { return Input{Kind: InputShutdown} }

// Abort returns an input that tells a sender that the run ends now. The sender
// reports every pending window as failed, and is then Done.
func Abort() Input { return Input{Kind: InputAbort} }

// ActionKind is the kind of an [Action]. It decides which of its fields is used.
type ActionKind int

// The kinds of actions.
const (
	ActionLog     ActionKind = iota // log Event
	ActionSend                      // transmit Frame
	ActionDeliver                   // deliver Delivery
)

// Action is something that a machine asks its caller to do. The caller does actions
// in order; an event about a frame comes before the frame.
type Action struct {
	Kind     ActionKind
	Frame    []byte // valid until the next Step
	Event    Event
	Delivery Delivery
}

// QueuePolicy is the rule for windows that are offered to a full queue.
type QueuePolicy string

// The queue policies. With QueueBlock, the caller must offer a window only if
// [Sender.QueueSpace] is above 0; otherwise the sender drops the window.
const (
	QueueBlock      QueuePolicy = "block"       // the caller waits
	QueueDropOldest QueuePolicy = "drop_oldest" // the sender drops the window that has waited longest
	QueueDropNewest QueuePolicy = "drop_newest" // the sender drops the offered window
)
