package e22

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/loralink/loralink-go/radio"
)

// RegistersLen is how many bytes [Registers] take: addresses 00 to 06.
const RegistersLen = 7

// Broadcast is the address that hears every packet, and that everyone hears.
const Broadcast = 0xFFFF

// Parity is the framing of characters on the UART.
type Parity uint8

// The module knows these three; each has eight data bits and one stop bit.
const (
	Parity8N1 Parity = iota
	Parity8O1
	Parity8E1
)

func (p Parity) String() string {
	if int(p) < len(parities) {
		return parities[p]
	}
	return fmt.Sprintf("Parity(%d)", uint8(p))
}

// What the bits of a register stand for, by their value.
var (
	parities    = []string{"8N1", "8O1", "8E1"}
	baudRates   = []int{1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200}
	airRates    = []int{300, 1200, 2400, 4800, 9600, 19200, 38400, 62500}
	packetSizes = []int{240, 128, 64, 32}
	powersDBm   = []int{22, 17, 13, 10}
)

const maxChannel = 80

// Registers are a module's settings, addresses 00 to 06. On the wire:
//
//	00 ADDH, 01 ADDL   Address
//	02 NETID           NetID
//	03 REG0            7..5 BaudRate, 4..3 Parity, 2..0 AirDataRate
//	04 REG1            7..6 PacketSize, 5 AmbientRSSI, 4..2 Reserved, 1..0 PowerDBm
//	05 REG2            Channel
//	06 REG3            7 RSSIByte, 6 FixedPoint, 5 Repeater, 4 LBT, 3 WORTransmitter, 2..0 WORCycleMs
//
// To change a module, read its Registers, change fields, and write them back.
// The key (07, 08) can only be written: see [Radio.WriteKey].
type Registers struct {
	Address        uint16
	NetID          uint8
	BaudRate       int // bit/s on the UART: 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200
	Parity         Parity
	AirDataRate    int  // bit/s on the air: 300, 1200, 2400, 4800, 9600, 19200, 38400, 62500
	PacketSize     int  // bytes of the largest packet: 240, 128, 64, 32
	AmbientRSSI    bool // answers Radio.RSSI in normal mode
	PowerDBm       int  // 22, 17, 13, 10
	Channel        int  // 0..80; see FrequencyHz
	RSSIByte       bool // appends one byte of signal strength to every packet received
	FixedPoint     bool // takes the destination from the first three bytes written: see Destination
	Repeater       bool
	LBT            bool  // listens before it talks, for at most 2 s
	WORTransmitter bool  // wakes receivers on radio; off, it is such a receiver. Only in WOR mode
	WORCycleMs     int   // 500..4000 in steps of 500
	Reserved       uint8 // bits 4..2 of REG1 as they were read, 0..7; written back, never compared
}

// FactoryRegisters are the settings a module is delivered with.
func FactoryRegisters() Registers {
	return Registers{BaudRate: 9600, AirDataRate: 2400, PacketSize: 240, PowerDBm: 22, Channel: 18, WORCycleMs: 2000}
}

// FrequencyHz is the centre of the channel: 850.125 MHz and 1 MHz a channel.
func (r Registers) FrequencyHz() int { return 850_125_000 + 1_000_000*r.Channel }

// PHY is the physical layer of the air data rate at this power. The manual does not
// give it: it was calculated back from measured times, so treat any time on air
// derived from it as an estimate. It is the zero PHY for a rate the module does
// not have.
func (r Registers) PHY() radio.PHY {
	i := slices.Index(airRates, r.AirDataRate)
	if i < 0 {
		return radio.PHY{}
	}
	phy := radio.AirDataRates()[i].PHY
	phy.TxPowerDBm = r.PowerDBm
	return phy
}

// ErrRegister is behind every value that a register cannot hold.
var ErrRegister = errors.New("e22: setting out of range")

// RegisterError is a value that a register cannot hold.
type RegisterError struct {
	Field string // as Registers.Fields names it
	Value string
	Want  string
}

func (e *RegisterError) Error() string {
	return fmt.Sprintf("e22: %s: %s, want %s", e.Field, e.Value, e.Want)
}

func (e *RegisterError) Unwrap() error { return ErrRegister }

// Check returns every setting that is out of range as a [*RegisterError],
// joined, or nil.
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

// MarshalBinary returns the bytes of registers 00 to 06, or what
// [Registers.Check] has against them.
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

// UnmarshalBinary takes the bytes of registers 00 to 06. Every pattern has a
// meaning (parity 11 is 8N1 again) except a channel above 80, which is kept as
// it is, so that a module in such a state can be read and mended.
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

// charTime is how long a character of ten bits, or eleven with parity, takes
// on the UART.
func charTime(baud int, parity Parity) time.Duration {
	bits := 10
	if parity != Parity8N1 {
		bits = 11
	}
	return time.Duration(bits) * time.Second / time.Duration(baud)
}
