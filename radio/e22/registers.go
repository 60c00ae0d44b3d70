package e22

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// RegistersLen is the length of [Registers] in bytes, addresses 00 to 06.
const RegistersLen = 7

// Broadcast is an address. A module with it receives all packets, and all modules
// receive a packet with it.
const Broadcast = 0xFFFF

// Parity is the framing of characters on the UART.
type Parity uint8

// The parities of a module's UART. Each has eight data bits and one stop bit.
const (
	Parity8N1 Parity = iota
	Parity8O1
	Parity8E1
)

// String returns 8N1, 8O1 or 8E1.
func (p Parity) String() string {
	if int(p) < len(parities) {
		return parities[p]
	}
	return fmt.Sprintf("Parity(%d)", uint8(p))
}

// The values that the bits of a register stand for.
var (
	parities    = []string{"8N1", "8O1", "8E1"}
	baudRates   = []int{1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200}
	airRates    = []int{300, 1200, 2400, 4800, 9600, 19200, 38400, 62500}
	packetSizes = []int{240, 128, 64, 32}
	powersDBm   = []int{22, 17, 13, 10}
)

const maxChannel = 80

// Registers hold a module's registers by name, addresses 00 to 06. Their bytes are:
//
//	00 ADDH, 01 ADDL   Address
//	02 NETID           NetID
//	03 REG0            7..5 BaudRate, 4..3 Parity, 2..0 AirDataRate
//	04 REG1            7..6 PacketSize, 5 AmbientRSSI, 4..2 Reserved, 1..0 PowerDBm
//	05 REG2            Channel
//	06 REG3            7 RSSIByte, 6 FixedPoint, 5 Repeater, 4 LBT, 3 WORTransmitter, 2..0 WORCycleMs
//
// To change a module, read its Registers, change fields, and write them back. The
// key at addresses 07 and 08 can only be written, see [Radio.WriteKey]. The zero
// value is out of range; [FactoryRegisters] is a start.
type Registers struct {
	Address     uint16 // Broadcast: the module receives all packets
	NetID       uint8  // number of the network; modules of different networks do not receive each other
	BaudRate    int    // of the UART, in bit/s: 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200
	Parity      Parity // of the UART
	AirDataRate int    // in bit/s: 300, 1200, 2400, 4800, 9600, 19200, 38400, 62500
	PacketSize  int    // length of the longest packet, in bytes: 240, 128, 64, 32
	AmbientRSSI bool   // whether the module answers Radio.RSSI in normal mode
	PowerDBm    int    // in dBm: 22, 17, 13, 10
	Channel     int    // 0..80; see FrequencyHz
	RSSIByte    bool   // whether the module appends a byte of signal strength to each packet it receives
	FixedPoint  bool   // whether the first three bytes of a packet are its Destination

	// Repeater makes the module forward packets between the two networks whose
	// NetIDs are the bytes of its Address. It then sends and receives nothing itself.
	Repeater bool
	// LBT, listen before talk, makes the module wait until the channel is free, for
	// at most 2 s.
	LBT bool
	// WORTransmitter matters in wake-on-radio mode (M0 high, M1 low). If it is set, the
	// module wakes others; otherwise it sleeps, listens once per cycle and can be
	// woken.
	WORTransmitter bool
	WORCycleMs     int // cycle of wake-on-radio in ms, 500..4000 in steps of 500; the same for both ends

	Reserved uint8 // bits 4..2 of REG1 as they were read, 0..7; they are written back
}

// FactoryRegisters returns the registers of a new module.
func FactoryRegisters() Registers {
	return Registers{BaudRate: 9600, AirDataRate: 2400, PacketSize: 240, PowerDBm: 22, Channel: 18, WORCycleMs: 2000}
}

// FrequencyHz returns the centre frequency of the channel in Hz: 850.125 MHz plus
// 1 MHz per channel.
func (r Registers) FrequencyHz() int { return 850_125_000 + 1_000_000*r.Channel }

// PHY returns the physical layer of the air data rate, with the power. The manual
// does not document it. It was calculated from measured times, so a time on air
// derived from it is an estimate. PHY returns the zero PHY if the module does not
// have the rate.
func (r Registers) PHY() radio.PHY {
	i := slices.Index(airRates, r.AirDataRate)
	if i < 0 {
		return radio.PHY{}
	}
	phy := radio.AirDataRates()[i].PHY
	phy.TxPowerDBm = r.PowerDBm
	return phy
}

// ErrRegister is wrapped by every [*RegisterError].
var ErrRegister = errors.New("e22: register out of range")

// RegisterError reports a register whose value is not allowed.
type RegisterError struct {
	Field string // its name, as in Registers.Fields
	Found string // its value
	Want  string // the allowed values
}

func (e *RegisterError) Error() string {
	return fmt.Sprintf("e22: %s: %s, want %s", e.Field, e.Found, e.Want)
}

// Unwrap returns ErrRegister.
func (e *RegisterError) Unwrap() error { return ErrRegister }

// Check returns a [*RegisterError] for each register that is out of range, joined,
// or nil.
func (r Registers) Check() error {
	var errs []error
	for _, f := range fields {
		if err := f.check(&r); err != nil {
			errs = append(errs, err)
		}
	}
	if r.Reserved > 7 {
		errs = append(errs, &RegisterError{"reserved", fmt.Sprint(r.Reserved), "0..7"})
	}
	return errors.Join(errs...)
}

// MarshalBinary returns the bytes of registers 00 to 06. The error is that of
// [Registers.Check].
func (r Registers) MarshalBinary() ([]byte, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	bit := func(b bool, n int) byte {
		if b {
			return 1 << n
		}
		return 0
	}
	index := func(values []int, v int) byte { return byte(slices.Index(values, v)) }
	return []byte{
		byte(r.Address >> 8), byte(r.Address),
		r.NetID,
		index(baudRates, r.BaudRate)<<5 | byte(r.Parity)<<3 | index(airRates, r.AirDataRate),
		index(packetSizes, r.PacketSize)<<6 | bit(r.AmbientRSSI, 5) | r.Reserved<<2 | index(powersDBm, r.PowerDBm),
		byte(r.Channel),
		bit(r.RSSIByte, 7) | bit(r.FixedPoint, 6) | bit(r.Repeater, 5) | bit(r.LBT, 4) |
			bit(r.WORTransmitter, 3) | byte(r.WORCycleMs/500-1),
	}, nil
}

// UnmarshalBinary sets r from the bytes of registers 00 to 06. Every bit pattern has
// a meaning (parity 11 is 8N1 again), except for a channel above 80. Such a channel
// is kept as it is, so that a module in that state can be read and repaired.
func (r *Registers) UnmarshalBinary(b []byte) error {
	if len(b) != RegistersLen {
		return fmt.Errorf("e22: %d bytes of registers, want %d", len(b), RegistersLen)
	}
	reg0, reg1, reg3 := b[3], b[4], b[6]
	*r = Registers{
		Address:        uint16(b[0])<<8 | uint16(b[1]),
		NetID:          b[2],
		BaudRate:       baudRates[reg0>>5],
		Parity:         Parity(reg0 >> 3 & 3 % 3),
		AirDataRate:    airRates[reg0&7],
		PacketSize:     packetSizes[reg1>>6],
		AmbientRSSI:    reg1&(1<<5) != 0,
		Reserved:       reg1 >> 2 & 7,
		PowerDBm:       powersDBm[reg1&3],
		Channel:        int(b[5]),
		RSSIByte:       reg3&(1<<7) != 0,
		FixedPoint:     reg3&(1<<6) != 0,
		Repeater:       reg3&(1<<5) != 0,
		LBT:            reg3&(1<<4) != 0,
		WORTransmitter: reg3&(1<<3) != 0,
		WORCycleMs:     500 * (int(reg3&7) + 1),
	}
	return nil
}

// charTime returns how long a character takes on the UART: ten bits, or eleven with
// parity.
func charTime(baud int, parity Parity) time.Duration {
	bits := 10
	if parity != Parity8N1 {
		bits = 11
	}
	return time.Duration(bits) * time.Second / time.Duration(baud)
}
