package e22

import (
	"bytes"
	"errors"
	"fmt"
)

// The module's commands, and what its answers begin with.
const (
	cmdWriteKept = 0xC0
	cmdRead      = 0xC1 // and the first byte of every answer
	cmdWriteTemp = 0xC2

	addrRegisters = 0x00
	addrKey       = 0x07
	addrProductID = 0x80

	// ProductIDLen is how many bytes a module's product id has.
	ProductIDLen = 7
)

var (
	// cmdRSSI asks in normal mode for the two bytes of RSSI.
	cmdRSSI = []byte{0xC0, 0xC1, 0xC2, 0xC3, 0x00, 0x02}
	// headRSSI begins the answer to it; noise and last packet follow.
	headRSSI = []byte{0xC1, 0x00, 0x02}
	// rejection is the answer to a command the module does not know.
	rejection = []byte{0xFF, 0xFF, 0xFF}
)

// Why a command failed; both come in an [*AnswerError].
var (
	// ErrNoAnswer: in the time allowed, no whole answer came.
	ErrNoAnswer = errors.New("no answer")
	// ErrRejected: the module answered FF FF FF, its way to say it does not
	// know the command.
	ErrRejected = errors.New("command rejected")
)

// AnswerError is a command that was not answered as it should have been, tries
// included.
type AnswerError struct {
	Command []byte
	Want    int    // bytes of the answer
	Found   []byte // what came instead, at the last try
	Hint    string
	Err     error // ErrNoAnswer or ErrRejected
}

func (e *AnswerError) Error() string {
	found := "nothing"
	if len(e.Found) > 0 {
		found = fmt.Sprintf("% x", e.Found[:min(len(e.Found), 32)])
	}
	return fmt.Sprintf("e22: %v to % x: want %d bytes from c1, found %s (%s)", e.Err, e.Command, e.Want, found, e.Hint)
}

func (e *AnswerError) Unwrap() error { return e.Err }

// findAnswer looks for C1 addr n and n bytes among what came in, whatever came
// before it, and returns the n bytes.
func findAnswer(in []byte, addr, n byte) (data []byte, ok bool) {
	head := []byte{cmdRead, addr, n}
	i := bytes.Index(in, head)
	if i < 0 || len(in) < i+len(head)+int(n) {
		return nil, false
	}
	i += len(head)
	return in[i : i+int(n)], true
}

// RSSI are signal strengths the module reports.
type RSSI struct {
	AmbientDBm    int // the channel's noise at this moment
	LastPacketDBm int // of the packet received last
}

// dBm converts a byte of signal strength: byte - 256. Other sources halve the
// byte (-byte/2); a reading above -40 dBm at a distance would speak for them.
// This is the one place for the answer to [Radio.RSSI]; radio.StreamParser
// converts the byte after a packet likewise.
func dBm(b byte) int { return int(b) - 256 }
