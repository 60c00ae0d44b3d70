package radio

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// LDRO is the state of a LoRa modem's low data rate optimisation. The zero value is
// LDROAuto.
type LDRO int

// The values of LDRO.
const (
	LDROAuto LDRO = iota // on if a symbol lasts 16.38 ms or longer, as the SX1261/2 datasheet recommends
	LDROOn
	LDROOff
)

// String returns auto, on or off.
func (l LDRO) String() string {
	switch l {
	case LDROAuto:
		return "auto"
	case LDROOn:
		return "on"
	case LDROOff:
		return "off"
	}
	return fmt.Sprintf("LDRO(%d)", int(l))
}

// PHY holds the parameters of a LoRa link's physical layer. Both ends must use the
// same, except for the power. The zero PHY is out of range.
type PHY struct {
	SF             int  // spreading factor, 5..12
	BandwidthHz    int  // in Hz, one of Bandwidths
	CodingRate     int  // 1..4, for 4/5..4/8
	Preamble       int  // in symbols, 1..65535
	CRC            bool // whether frames have a CRC, which the modem checks
	ExplicitHeader bool // whether frames have a LoRa header
	LDRO           LDRO // low data rate optimisation
	TxPowerDBm     int  // in dBm, -9..22
}

var bandwidths = [...]int{7810, 10420, 15630, 20830, 31250, 41670, 62500, 125000, 250000, 500000}

// Bandwidths returns the bandwidths of an SX1261/2 modem in Hz, in ascending
// order.
func Bandwidths() []int { return slices.Clone(bandwidths[:]) }

// ErrPHY is wrapped by every error that [PHY.Check] returns.
var ErrPHY = errors.New("radio: phy out of range")

// PHYError reports one field of a PHY that is out of range.
type PHYError struct {
	Field string // as in the struct: SF, BandwidthHz, ...
	Found int    // its value
	Want  string // the allowed values
}

func (e *PHYError) Error() string {
	return fmt.Sprintf("radio: phy %s: %d, want %s", e.Field, e.Found, e.Want)
}

// Unwrap returns ErrPHY.
func (e *PHYError) Unwrap() error { return ErrPHY }

// Faults returns an error for each field that is out of range, in the order of
// the struct.
func (p PHY) Faults() []*PHYError {
	var faults []*PHYError
	within := func(field string, value, low, high int) {
		if value < low || value > high {
			faults = append(faults, &PHYError{field, value, fmt.Sprintf("%d..%d", low, high)})
		}
	}
	within("SF", p.SF, 5, 12)
	if !slices.Contains(bandwidths[:], p.BandwidthHz) {
		want := strings.Trim(fmt.Sprint(bandwidths), "[]")
		faults = append(faults, &PHYError{"BandwidthHz", p.BandwidthHz, "one of " + want})
	}
	within("CodingRate", p.CodingRate, 1, 4)
	within("Preamble", p.Preamble, 1, 65535)
	within("LDRO", int(p.LDRO), int(LDROAuto), int(LDROOff))
	within("TxPowerDBm", p.TxPowerDBm, -9, 22)
	return faults
}

// Check returns all [PHY.Faults], joined, or nil.
func (p PHY) Check() error {
	var errs []error
	for _, f := range p.Faults() {
		errs = append(errs, f)
	}
	return errors.Join(errs...)
}

// ID returns the name of the PHY in logs, such as
// sf7_bw125000_cr5_pre8_crc0_hdr1_pwr22. The coding rate is written as its
// denominator, 5..8.
//
// The ID does not contain LDRO. Two PHYs of which only one has the optimisation on
// have the same ID, although they do not receive each other's frames. Code that
// compares IDs, such as package radio/runlog, cannot tell them apart.
func (p PHY) ID() string {
	bit := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	return fmt.Sprintf("sf%d_bw%d_cr%d_pre%d_crc%d_hdr%d_pwr%d", p.SF, p.BandwidthHz, p.CodingRate+4,
		p.Preamble, bit(p.CRC), bit(p.ExplicitHeader), p.TxPowerDBm)
}

// SymbolTime returns how long a symbol lasts, 2^SF / bandwidth. It returns 0 if
// the PHY is out of range.
func (p PHY) SymbolTime() time.Duration {
	if len(p.Faults()) > 0 {
		return 0
	}
	return time.Duration((int64(time.Second) << p.SF) / int64(p.BandwidthHz))
}

// LowDataRate reports whether the low data rate optimisation is on, and resolves
// LDROAuto.
func (p PHY) LowDataRate() bool {
	if p.LDRO == LDROAuto {
		return (int64(100_000) << max(p.SF, 0)) >= 1638*int64(p.BandwidthHz)
	}
	return p.LDRO == LDROOn
}

// TimeOnAir returns how long a frame of frameLen bytes, LEN and SEQ included,
// occupies the channel, from the preamble to the last symbol. The formula is that
// of the SX1261/2 datasheet, section 6.1.4. It returns 0 if the PHY is out of
// range.
func (p PHY) TimeOnAir(frameLen int) time.Duration {
	if len(p.Faults()) > 0 {
		return 0
	}
	bits := 8*frameLen - 4*p.SF
	if p.CRC {
		bits += 16
	}
	if p.ExplicitHeader {
		bits += 20
	}
	perBlock := 4 * p.SF
	preambleQuarters := 4*p.Preamble + 25 // preamble + 6.25 symbols
	if p.SF >= 7 {
		bits += 8
		preambleQuarters = 4*p.Preamble + 17 // preamble + 4.25 symbols
		if p.LowDataRate() {
			perBlock -= 8
		}
	}
	blocks := (max(bits, 0) + perBlock - 1) / perBlock
	quarters := int64(preambleQuarters + 4*(8+blocks*(p.CodingRate+4)))
	// There are fewer than 2^19 quarters of a symbol, 2^SF is below 2^13, and a
	// quarter of a second has fewer than 2^28 ns: the product is below 2^63.
	return time.Duration((quarters << p.SF) * int64(time.Second/4) / int64(p.BandwidthHz))
}

// AirDataRate is one of the air data rates of an E22-900T22S module. The module's
// manual does not document their LoRa parameters. The PHY here was calculated from
// measured times, so a time on air derived from it is an estimate.
type AirDataRate struct {
	Index int    // bits 2..0 of the module's register REG0
	Name  string // as in the manual: 2.4k is 2.4 kbit/s
	PHY   PHY    // with a power of 22 dBm
}

// AirDataRates returns the eight air data rates in the order of their indices.
func AirDataRates() []AirDataRate {
	preset := func(index int, name string, sf, khz, cr int) AirDataRate {
		return AirDataRate{index, name, PHY{SF: sf, BandwidthHz: 1000 * khz, CodingRate: cr - 4,
			Preamble: 8, ExplicitHeader: true, TxPowerDBm: 22}}
	}
	return []AirDataRate{
		preset(0, "0.3k", 12, 125, 5),
		preset(1, "1.2k", 10, 250, 8),
		preset(2, "2.4k", 10, 500, 8),
		preset(3, "4.8k", 9, 500, 7),
		preset(4, "9.6k", 5, 125, 8),
		preset(5, "19.2k", 5, 250, 8),
		preset(6, "38.4k", 5, 500, 8),
		preset(7, "62.5k", 5, 500, 5),
	}
}
