package e22

import (
	"bytes"
	"errors"
	"fmt"
)

// ProductIDLen is the length of a module's product id, in bytes.
const ProductIDLen = 7

// The module's commands, and the start of its answers.
const (
	cmdWritePersistent = 0xC0
	cmdRead            = 0xC1 // also the first byte of every answer
	cmdWriteVolatile   = 0xC2

	addrRegisters = 0x00
	addrKey       = 0x07
	addrProductID = 0x80
)

var (
	// cmdRSSI asks for the two signal strengths, in normal mode.
	cmdRSSI = []byte{0xC0, 0xC1, 0xC2, 0xC3, 0x00, 0x02}
	// headRSSI is the start of the answer to cmdRSSI. Noise and last packet follow.
	headRSSI = []byte{0xC1, 0x00, 0x02}
	// rejection is the answer to a command that the module does not know.
	rejection = []byte{0xFF, 0xFF, 0xFF}
)

// The reasons why a command failed, for errors.Is. They come wrapped in an
// [*AnswerError].
var (
	// ErrNoAnswer reports that no complete answer came in time.
	ErrNoAnswer = errors.New("e22: no answer")
	// ErrRejected reports that the module answered FF FF FF, which means that it does
	// not know the command.
	ErrRejected = errors.New("e22: command rejected")
)

// AnswerError reports a command that was not answered properly at any of three
// tries.
type AnswerError struct {
	Command []byte
	Want    int    // length of the answer, in bytes
	Found   []byte // what came instead at the last try; nil: nothing
	Hint    string // a possible reason
	Err     error  // ErrNoAnswer or ErrRejected
}

func (e *AnswerError) Error() string {
	found := "nothing"
	if len(e.Found) > 0 {
		found = fmt.Sprintf("% x", e.Found[:min(len(e.Found), 32)])
	}
	return fmt.Sprintf("%v to % x: found %s, want %d bytes that begin with c1 (%s)", e.Err, e.Command, found, e.Want, e.Hint)
}

// Unwrap returns Err.
func (e *AnswerError) Unwrap() error { return e.Err }

// findAnswer looks for C1, addr, n and n bytes in what was received, and returns
// the n bytes. Other bytes may precede the answer.
func findAnswer(received []byte, addr, n byte) (data []byte, ok bool) {
	head := []byte{cmdRead, addr, n}
	i := bytes.Index(received, head)
	if i < 0 || len(received) < i+len(head)+int(n) {
		return nil, false
	}
	i += len(head)
	return received[i : i+int(n)], true
}

// RSSI holds the signal strengths that a module reports, in dBm.
type RSSI struct {
	AmbientDBm    int // noise on the channel at this moment
	LastPacketDBm int // strength of the packet received last
}

// dBm converts a byte of signal strength in the answer to [Radio.RSSI] to dBm:
// byte - 256. Some sources have -byte/2 instead; a reading above -40 dBm at a
// distance would support them. The stream parser of package radio converts the byte
// after a packet in the same way.
func dBm(b byte) int { return int(b) - 256 }
