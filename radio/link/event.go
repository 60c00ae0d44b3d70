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

// The events that the machines emit. [Event] lists the fields of each.
const (
	EventTxSent      EventKind = "tx_sent"       // a data frame was sent
	EventAckReceived EventKind = "ack_received"  // a window was acknowledged
	EventTxFailed    EventKind = "tx_failed"     // a window was given up
	EventTxDropped   EventKind = "tx_dropped"    // the queue dropped a window
	EventRxOK        EventKind = "rx_ok"         // a data frame was received
	EventRxParseFail EventKind = "rx_parse_fail" // bytes were received that are not a frame
	EventAckSent     EventKind = "ack_sent"      // an ACK was sent
	EventReconDone   EventKind = "recon_done"    // a window was reconstructed from its payload
	EventReconFailed EventKind = "recon_failed"  // the codec refused a payload
)

// Event is something that happened at one end of a link. Which fields are used
// depends on the kind, besides Kind and At:
//
//	tx_sent        Seq WindowID SensorMs Attempt Payload FrameBytes TimeOnAir Guard AckTimeout Age Encode
//	ack_received   Seq WindowID RTT Queued EndToEnd Encode RSSIdBm
//	tx_failed      Seq WindowID Reason Attempt
//	tx_dropped     WindowID Reason
//	rx_ok          Seq Payload FrameBytes RSSIdBm Duplicate
//	rx_parse_fail  Reason
//	ack_sent       Seq TimeOnAir
//	recon_done     Seq Window
//	recon_failed   Seq Reason
type Event struct {
	Kind     EventKind
	Time     time.Time
	Seq      byte // of the window; an ACK's is the one that it acknowledges
	WindowID int64
	SensorMs int64 // sensor time of the window's last sample, ms since 1970
	Attempt  int   // 1 is the first sending; of tx_failed, how many there were

	FrameBytes   int
	PayloadBytes int    // len(Payload)
	Payload      []byte // as on the air; valid until the next Step

	TimeOnAir  time.Duration // estimated from the PHY
	Guard      time.Duration
	AckTimeout time.Duration // without the radio's latency, see Timing.AckTimeoutFor
	Encode     time.Duration // time spent encoding
	Age        time.Duration // from offering the window to this sending
	Queued     time.Duration // from offering the window to its first sending
	RTT        time.Duration // from the last sending to its ACK
	EndToEnd   time.Duration // from offering the window to its ACK

	RSSIdBm   int // received signal strength; valid only if HasRSSI
	HasRSSI   bool
	Duplicate bool      // the window was received before, so it is not delivered again
	Reason    string    // why something failed
	Window    []float64 // reconstructed; valid until the next Step
}
