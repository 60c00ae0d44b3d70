package link

import "time"

// Role is one of the two ends of a link.
type Role string

// The roles.
const (
	RoleTX Role = "tx" // the sender
	RoleRX Role = "rx" // the receiver
)

// EventKind is the name of an event in the log.
type EventKind string

// The kinds of events. [Event] lists the fields of each.
const (
	EventTxSent      EventKind = "tx_sent"       // a data frame was sent
	EventAckReceived EventKind = "ack_received"  // a window was acknowledged
	EventTxFailed    EventKind = "tx_failed"     // the sender gave a window up
	EventTxDropped   EventKind = "tx_dropped"    // the queue dropped a window
	EventRxOK        EventKind = "rx_ok"         // a data frame was received
	EventRxParseFail EventKind = "rx_parse_fail" // bytes were received that are not a frame
	EventAckSent     EventKind = "ack_sent"      // an ACK was sent
	EventReconDone   EventKind = "recon_done"    // a window was decoded
	EventReconFailed EventKind = "recon_failed"  // the codec could not decode a payload

	// EventRxConflict reports a frame with the SEQ of a window that the receiver
	// remembers, but with another payload. The receiver delivers it as a new window. There
	// is a second sender, or the sender restarted with an older SEQ, or a repetition was
	// damaged.
	EventRxConflict EventKind = "rx_conflict"
	// EventRxInterleaved reports that the SEQs of new windows jump back and forth between
	// two counters, as those of two senders do. It is logged once, and then at intervals.
	EventRxInterleaved EventKind = "rx_interleaved"
)

// Event is something that happened at one end of a link. Kind and Time are always
// set. A field that is not listed for a kind has its zero value; PayloadBytes belongs
// to Payload, and HasRSSI to RSSIdBm:
//
//	tx_sent        Seq WindowID SensorMs Attempt Payload FrameBytes TimeOnAir Guard AckTimeout Age Encode Bounds
//	ack_received   Seq WindowID RTT Queued EndToEnd Encode RSSIdBm
//	tx_failed      Seq WindowID Reason Attempt
//	tx_dropped     WindowID Reason
//	rx_ok          Seq Payload FrameBytes RSSIdBm Duplicate
//	rx_parse_fail  Reason Omitted
//	ack_sent       Seq TimeOnAir
//	recon_done     Seq Window Bounds
//	recon_failed   Seq Reason
//	rx_conflict    Seq Reason
//	rx_interleaved Seq Reason
type Event struct {
	Kind     EventKind
	Time     time.Time
	Seq      byte // of the window; an ACK's is the one that it acknowledges
	WindowID int64
	SensorMs int64 // sensor time of the window's last sample, in ms since 1970
	Attempt  int   // 1 for the first sending; for tx_failed, the number of sendings, which may be 0

	FrameBytes   int    // length of the frame, header included
	PayloadBytes int    // length of Payload, known even if a log lacks Payload
	Payload      []byte // as on the air; valid until the next Step

	TimeOnAir  time.Duration // of the frame, estimated from the PHY
	Guard      time.Duration // Timing.Guard
	AckTimeout time.Duration // without the radio's latency, see Timing.AckTimeoutFor
	Encode     time.Duration // time spent encoding; 0 without SenderSettings.Clock
	Age        time.Duration // from offering the window to this sending
	Queued     time.Duration // from offering the window to its first sending
	RTT        time.Duration // from the last sending to its ACK
	EndToEnd   time.Duration // from offering the window to its ACK

	RSSIdBm   int       // received signal strength in dBm; valid only if HasRSSI is true
	HasRSSI   bool      // for kinds that list RSSIdBm
	Duplicate bool      // whether the window was received before; it is then not delivered again
	Reason    string    // why something failed
	Omitted   int       // events of this kind that were left out of the log before this one
	Window    []float64 // the decoded window; valid until the next Step
	Bounds    []float64 // the largest error of each value of a step; nil unless LogBounds is set; valid until the next Step
}
