package e22

import (
	"bytes"
	"errors"
	"fmt"
)

// The module's commands, and the start of its answers.
const (
	cmdWriteKept = 0xC0
	cmdRead      = 0xC1 // and the first byte of every answer
	cmdWriteTemp = 0xC2

	addrRegisters = 0x00
	addrKey       = 0x07
	addrProductID = 0x80

	// ProductIDLen is the length of a module's product id, in bytes.
	ProductIDLen = 7
)

var (
	// cmdRSSI asks for the two signal strengths, in normal mode.
	cmdRSSI = []byte{0xC0, 0xC1, 0xC2, 0xC3, 0x00, 0x02}
	// headRSSI is the start of the answer to it. Noise and last packet follow.
	headRSSI = []byte{0xC1, 0x00, 0x02}
	// rejection is the answer to a command that the module does not know.
	rejection = []byte{0xFF, 0xFF, 0xFF}
)

// Why a command failed, for errors.Is. Both come wrapped in an [*AnswerError].
var (
	// ErrNoAnswer says that no complete answer came in time.
	ErrNoAnswer = errors.New("no answer")
	// ErrRejected says that the module answered FF FF FF, which means that it does
	// not know the command.
	ErrRejected = errors.New("command rejected")
)

// AnswerError reports a command that was not answered properly, at several tries.
type AnswerError struct {
	Command []byte
	Want    int    // length of the answer, in bytes
	Found   []byte // what came instead, at the last try
	Hint    string // what may be the reason
	Err     error  // ErrNoAnswer or ErrRejected
}

func (e *AnswerError) Error() string {
	found := "nothing"
	if len(e.Found) > 0 {
		found = fmt.Sprintf("% x", e.Found[:min(len(e.Found), 32)])
	}
	return fmt.Sprintf("e22: %v to % x: want %d bytes from c1, found %s (%s)", e.Err, e.Command, e.Want, found, e.Hint)
}

// Unwrap returns Err.
func (e *AnswerError) Unwrap() error { return e.Err }

// findAnswer looks for C1, addr, n and n bytes in what was received, and returns
// the n bytes. Other bytes may precede the answer.
func findAnswer(in []byte, addr, n byte) (data []byte, ok bool) {
	head := []byte{cmdRead, addr, n}
	i := bytes.Index(in, head)
	if i < 0 || len(in) < i+len(head)+int(n) {
		return nil, false
	}
	i += len(head)
	return in[i : i+int(n)], true
}

// RSSI holds the signal strengths that a module reports.
type RSSI struct {
	AmbientDBm    int // noise on the channel at this moment
	LastPacketDBm int // of the packet received last
}

// dBm converts a byte of signal strength, as byte - 256. Some sources say -byte/2
// instead; a reading above -40 dBm at a distance would support them. This converts
// the answer to [Radio.RSSI]; radio.StreamParser converts the byte after a packet,
// in the same way.
func dBm(b byte) int { return int(b) - 256 }
