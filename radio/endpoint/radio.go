package endpoint

import (
	"context"
	"flag"
	"fmt"

	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/udp"
	"github.com/loralink/loralink-go/runspec"
)

// The kinds of radio that [RadioSettings] opens.
const (
	RadioUDP  = "udp"  // datagrams on this machine, see package radio/udp
	RadioUART = "uart" // an E22 module on a serial port, see package radio/e22
)

// The default UDP addresses of the two roles.
const (
	DefaultAddressTX = "127.0.0.1:17001"
	DefaultAddressRX = "127.0.0.1:17002"
)

// RadioSettings say which radio to open. The zero value is the sender's end of a UDP
// link on loopback. A program that has another radio does not need them.
type RadioSettings struct {
	Kind string // RadioUDP or RadioUART; "": RadioUDP. Flag --radio
	// Role is runspec.RoleTX or runspec.RoleRX, and decides which of the default
	// UDP addresses is the local one. "": runspec.RoleTX.
	Role string
	// UDP holds the addresses and losses on purpose. Empty addresses are replaced
	// by the defaults. Flags --udp-local, --udp-remote, --udp-loss and --udp-seed;
	// the latter is 1 if not given.
	UDP udp.Settings
	// Port is the serial port of the module, as /dev/ttyUSB0 or COM3. Flag
	// --uart-port
	Port string
	// UART holds the settings of the module. Flags --uart-baud and
	// --uart-rssi-byte.
	UART e22.Settings
}

// RegisterFlags adds the flags that the fields mention. Set Role before.
func (s *RadioSettings) RegisterFlags(fs *flag.FlagSet) {
	local, remote := s.addresses()
	fs.StringVar(&s.Kind, "radio", RadioUDP, "udp: datagrams on this machine; uart: an E22 module")
	fs.StringVar(&s.Port, "uart-port", "", "serial port of the module, as /dev/ttyUSB0")
	fs.IntVar(&s.UART.BaudRate, "uart-baud", 0, "speed of the module's UART, in bit/s; 0: 9600")
	fs.BoolVar(&s.UART.RSSIByte, "uart-rssi-byte", false, "the module appends the signal strength to what it receives")
	fs.StringVar(&s.UDP.Local, "udp-local", "", "address of this end; unset: "+local)
	fs.StringVar(&s.UDP.Remote, "udp-remote", "", "address of the other end; unset: "+remote)
	fs.Float64Var(&s.UDP.Loss, "udp-loss", 0, "share of frames that this end loses on purpose, 0..1")
	fs.Uint64Var(&s.UDP.Seed, "udp-seed", 1, "seed of --udp-loss")
}

// addresses returns the default UDP addresses.
func (s *RadioSettings) addresses() (local, remote string) {
	if s.Role == runspec.RoleRX {
		return DefaultAddressRX, DefaultAddressTX
	}
	return DefaultAddressTX, DefaultAddressRX
}

// udp returns the UDP settings with their defaults.
func (s *RadioSettings) udp() udp.Settings {
	u := s.UDP
	local, remote := s.addresses()
	if u.Local == "" {
		u.Local = local
	}
	if u.Remote == "" {
		u.Remote = remote
	}
	return u
}

// Check reports settings that contradict each other, as [ErrSettings]. Settings of
// the kind that is not chosen must not be set.
func (s *RadioSettings) Check() error {
	switch s.Kind {
	case "", RadioUDP:
		if s.Port != "" || s.UART.BaudRate != 0 || s.UART.RSSIByte {
			return fmt.Errorf("%w: uart-port, uart-baud and uart-rssi-byte are for radio %s, want them left out with radio %s", ErrSettings, RadioUART, RadioUDP)
		}
		return wrapCheck(s.udp().Check())
	case RadioUART:
		if s.UDP.Local != "" || s.UDP.Remote != "" || s.UDP.Loss != 0 {
			return fmt.Errorf("%w: udp-local, udp-remote and udp-loss are for radio %s, want them left out with radio %s", ErrSettings, RadioUDP, RadioUART)
		}
		if s.Port == "" {
			return fmt.Errorf("%w: uart-port is missing, want the module's serial port, as /dev/ttyUSB0", ErrSettings)
		}
		return wrapCheck(s.UART.Check())
	}
	return fmt.Errorf("%w: radio is %q, want %s or %s", ErrSettings, s.Kind, RadioUDP, RadioUART)
}

// wrapCheck wraps the error of another package's Check in ErrSettings.
func wrapCheck(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrSettings, err)
}

// Open opens the radio. Ctx applies to the opening only.
func (s *RadioSettings) Open(ctx context.Context) (radio.Radio, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if s.Kind == RadioUART {
		r, err := e22.Open(ctx, s.Port, s.UART)
		if err != nil {
			return nil, err // not a nil *e22.Radio
		}
		return r, nil
	}
	r, err := udp.Open(s.udp())
	if err != nil {
		return nil, err
	}
	return r, nil
}
