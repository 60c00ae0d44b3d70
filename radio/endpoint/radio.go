package endpoint

import (
	"context"
	"errors"
	"flag"

	"github.com/loralink/loralink-go/internal/fielderr"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/udp"
	"github.com/loralink/loralink-go/runspec"
)

// The kinds of radio that [RadioSettings] opens.
const (
	RadioUDP  = "udp"  // datagrams on this machine, see package radio/udp
	RadioUART = "uart" // an E22 module on a serial port, see package radio/e22
	RadioMock = "mock" // the other end runs in this process, see Endpoint.Mock
)

// The default UDP addresses of the two roles.
const (
	DefaultAddressTX = "127.0.0.1:17001"
	DefaultAddressRX = "127.0.0.1:17002"
)

// RadioSettings describe a radio to open. The zero value is the sender's end of a UDP
// link on loopback. A program that has another radio does not need them. Names of
// flags are those of RegisterFlags.
type RadioSettings struct {
	Kind string // RadioUDP, RadioUART or RadioMock; "": RadioUDP. Flag --radio
	// Role is runspec.RoleTX or runspec.RoleRX. It decides which of the default UDP
	// addresses is the local one. "": runspec.RoleTX.
	Role string
	// UDP holds addresses and simulated loss. Empty addresses are replaced by the
	// defaults. Flags --udp-local, --udp-remote, --udp-loss and --udp-seed, which
	// defaults to 1
	UDP udp.Settings
	// Port is the serial port of the module, such as /dev/ttyUSB0 or COM3. Flag
	// --uart-port
	Port string
	// UART holds the settings of the module's driver. Flags --uart-baud and
	// --uart-rssi-byte
	UART e22.Settings
	// Mock holds the settings of the mock radio. Flags --mock-loss-rate and
	// --mock-latency-ms
	Mock MockSettings
}

// The fields that errors name, and their flags.
var (
	fieldKind     = fielderr.Name{Field: "Kind", Flag: "radio"}
	fieldPort     = fielderr.Name{Field: "Port", Flag: "uart-port"}
	fieldBaud     = fielderr.Name{Field: "UART.BaudRate", Flag: "uart-baud"}
	fieldRSSIByte = fielderr.Name{Field: "UART.RSSIByte", Flag: "uart-rssi-byte"}
	fieldLocal    = fielderr.Name{Field: "UDP.Local", Flag: "udp-local"}
	fieldRemote   = fielderr.Name{Field: "UDP.Remote", Flag: "udp-remote"}
	fieldLoss     = fielderr.Name{Field: "UDP.Loss", Flag: "udp-loss"}
)

// RegisterFlags adds the flags that the fields mention. Role must be set before.
func (s *RadioSettings) RegisterFlags(fs *flag.FlagSet) {
	local, remote := s.addresses()
	fs.StringVar(&s.Kind, "radio", RadioUDP, "udp: datagrams on this machine; uart: an E22 module on a serial port; mock: the other end runs in this process")
	fs.StringVar(&s.Port, "uart-port", "", "serial port of the module, such as /dev/ttyUSB0")
	fs.IntVar(&s.UART.BaudRate, "uart-baud", 0, "baud rate of the module's UART, in bit/s; 0: 9600")
	fs.BoolVar(&s.UART.RSSIByte, "uart-rssi-byte", false, "the module appends a byte of signal strength to each packet it receives")
	fs.StringVar(&s.UDP.Local, "udp-local", "", "UDP address of this end; unset: "+local)
	fs.StringVar(&s.UDP.Remote, "udp-remote", "", "UDP address of the other end; unset: "+remote)
	fs.Float64Var(&s.UDP.Loss, "udp-loss", 0, "simulated loss: share of frames that this end drops, 0..1")
	fs.Uint64Var(&s.UDP.Seed, "udp-seed", 1, "seed of --udp-loss: the same seed drops the same frames")
	s.Mock.RegisterFlags(fs)
}

// addresses returns the default UDP addresses of the role.
func (s *RadioSettings) addresses() (local, remote string) {
	if s.Role == runspec.RoleRX {
		return DefaultAddressRX, DefaultAddressTX
	}
	return DefaultAddressTX, DefaultAddressRX
}

// udp returns the UDP settings with defaults for empty addresses.
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

// Check returns an error that wraps [ErrSettings] if a field is out of range, or if
// fields of the kind that is not chosen are set.
func (s *RadioSettings) Check() error {
	if s.Kind != RadioMock && (s.Mock.Loss != 0 || s.Mock.LatencyMs != 0) {
		return fielderr.New(ErrSettings, "%v and %v are for %v %s, want them unset with another", fieldMockLoss, fieldMockLatency, fieldKind, RadioMock)
	}
	switch s.Kind {
	case RadioMock:
		if s.Port != "" || s.UART.BaudRate != 0 || s.UART.RSSIByte || s.UDP.Local != "" || s.UDP.Remote != "" || s.UDP.Loss != 0 {
			return fielderr.New(ErrSettings, "found settings of a UART or of UDP, want them unset with %v %s", fieldKind, RadioMock)
		}
		return s.Mock.Check()
	case "", RadioUDP:
		if s.Port != "" || s.UART.BaudRate != 0 || s.UART.RSSIByte {
			return fielderr.New(ErrSettings, "%v, %v and %v are for %v %s, want them unset with %s",
				fieldPort, fieldBaud, fieldRSSIByte, fieldKind, RadioUART, RadioUDP)
		}
		if err := s.udp().Check(); err != nil {
			return fielderr.New(ErrSettings, "%v", err)
		}
		return nil
	case RadioUART:
		if s.UDP.Local != "" || s.UDP.Remote != "" || s.UDP.Loss != 0 {
			return fielderr.New(ErrSettings, "%v, %v and %v are for %v %s, want them unset with %s",
				fieldLocal, fieldRemote, fieldLoss, fieldKind, RadioUDP, RadioUART)
		}
		if s.Port == "" {
			return fielderr.New(ErrSettings, "%v is missing, want the module's serial port, such as /dev/ttyUSB0", fieldPort)
		}
		err := s.UART.Check()
		if register, ok := errors.AsType[*e22.RegisterError](err); ok && register.Field == "baud" {
			return fielderr.New(ErrSettings, "%v is %s, want %s", fieldBaud, register.Found, register.Want)
		}
		if err != nil {
			return fielderr.New(ErrSettings, "UART: %v", err)
		}
		return nil
	}
	return fielderr.New(ErrSettings, "%v is %q, want %s, %s or %s", fieldKind, s.Kind, RadioUDP, RadioUART, RadioMock)
}

// Open opens the radio of an endpoint, which only RadioMock needs; for the others it may
// be nil. Ctx applies to this call only. The error is that of Check, of e22.Open, of
// udp.Open or of Endpoint.Mock.
func (s *RadioSettings) Open(ctx context.Context, e *Endpoint) (radio.Radio, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if s.Kind == RadioMock && e == nil {
		return nil, fielderr.New(ErrSettings, "%v is %s without an endpoint, want one", fieldKind, RadioMock)
	}
	if s.Kind == RadioMock {
		return e.Mock(&s.Mock)
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
