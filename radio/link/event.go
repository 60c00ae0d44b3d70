package link

import "time"

// Role is the end of a link a log was written by.
type Role string

// The two ends.
const (
	RoleTX Role = "tx"
	RoleRX Role = "rx"
)

// EventKind is an event's name in the log.
type EventKind string

// The events of a run. Which fields each has is said at [Event].
const (
	EventTxSent      EventKind = "tx_sent"
	EventAckReceived EventKind = "ack_received"
	EventTxFailed    EventKind = "tx_failed"
	EventTxDropped   EventKind = "tx_dropped"
	EventRxOK        EventKind = "rx_ok"
	EventRxParseFail EventKind = "rx_parse_fail"
	EventAckSent     EventKind = "ack_sent"
	EventReconDone   EventKind = "recon_done"
	EventReconFailed EventKind = "recon_failed"
)

// Event is one line of a run's log. Which fields count depends on the kind:
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
	At       time.Time
	Seq      byte // of the window; an ACK's is the one it acknowledges
	WindowID int64
	SensorMs int64 // sensor time, ms since 1970
	Attempt  int   // 1 is the first sending; of tx_failed, how many there were

	FrameBytes   int
	PayloadBytes int    // len(Payload)
	Payload      []byte // as on the air; valid until the next Step

	TimeOnAir  time.Duration // estimated from the PHY
	Guard      time.Duration
	AckTimeout time.Duration // the air's part, see Timing
	Encode     time.Duration // spent encoding
	Age        time.Duration // from offering to this sending
	Queued     time.Duration // from offering to the first sending
	RTT        time.Duration // from the last sending to its ACK
	EndToEnd   time.Duration // from offering to the ACK

	RSSIdBm   int // meaningful where HasRSSI
	HasRSSI   bool
	Duplicate bool // received before, so not delivered again
	Reason    string
	Window    []float64 // reconstructed; valid until the next Step
}
