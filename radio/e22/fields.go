package e22

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Field is one of the [Registers] as text.
type Field struct {
	Name  string // lower case, without spaces, such as channel or power
	Value string
	Unit  string // "" if it has none
}

// fields lists the registers in the order of their addresses: their names, how they
// are converted to text and back, and their allowed values.
var fields = []field{
	numberField("address", "", 16, func(r *Registers) *uint16 { return &r.Address }),
	numberField("netid", "", 8, func(r *Registers) *uint8 { return &r.NetID }),
	choiceField("baud", "bit/s", baudRates, func(r *Registers) *int { return &r.BaudRate }),
	{
		name: "parity",
		get:  func(r *Registers) string { return r.Parity.String() },
		set: func(r *Registers, s string) bool {
			i := slices.Index(parities, strings.ToUpper(s))
			if i >= 0 {
				r.Parity = Parity(i)
			}
			return i >= 0
		},
		want: oneOf(parities),
	},
	choiceField("airrate", "bit/s", airRates, func(r *Registers) *int { return &r.AirDataRate }),
	choiceField("packetsize", "bytes", packetSizes, func(r *Registers) *int { return &r.PacketSize }),
	switchField("ambientrssi", func(r *Registers) *bool { return &r.AmbientRSSI }),
	choiceField("power", "dBm", powersDBm, func(r *Registers) *int { return &r.PowerDBm }),
	{
		name: "channel",
		get:  func(r *Registers) string { return strconv.Itoa(r.Channel) },
		set: func(r *Registers, s string) bool {
			n, err := strconv.Atoi(s)
			if err != nil || n < 0 || n > maxChannel {
				return false
			}
			r.Channel = n
			return true
		},
		want: fmt.Sprintf("0..%d", maxChannel),
	},
	switchField("rssibyte", func(r *Registers) *bool { return &r.RSSIByte }),
	switchField("fixedpoint", func(r *Registers) *bool { return &r.FixedPoint }),
	switchField("repeater", func(r *Registers) *bool { return &r.Repeater }),
	switchField("lbt", func(r *Registers) *bool { return &r.LBT }),
	switchField("wortransmitter", func(r *Registers) *bool { return &r.WORTransmitter }),
	choiceField("worcycle", "ms", []int{500, 1000, 1500, 2000, 2500, 3000, 3500, 4000},
		func(r *Registers) *int { return &r.WORCycleMs }),
}

// field describes one of the registers.
type field struct {
	name, unit, want string
	get              func(*Registers) string
	set              func(*Registers, string) bool // returns false, and changes nothing, if the value is not allowed
}

// check returns a RegisterError if the value of the field is not allowed.
func (f *field) check(r *Registers) error {
	value, scratch := f.get(r), *r
	if f.set(&scratch, value) {
		return nil
	}
	return &RegisterError{f.name, value, f.want}
}

// numberField describes a register that is a number of the given bits.
func numberField[T uint8 | uint16](name, unit string, bits int, ptr func(*Registers) *T) field {
	return field{
		name: name, unit: unit, want: fmt.Sprintf("0..%d, or 0x0..%#x", 1<<bits-1, 1<<bits-1),
		get: func(r *Registers) string { return strconv.FormatUint(uint64(*ptr(r)), 10) },
		set: func(r *Registers, s string) bool {
			n, err := strconv.ParseUint(s, 0, bits)
			if err == nil {
				*ptr(r) = T(n)
			}
			return err == nil
		},
	}
}

// choiceField describes a register that is one of a few numbers.
func choiceField(name, unit string, choices []int, ptr func(*Registers) *int) field {
	texts := make([]string, len(choices))
	for i, c := range choices {
		texts[i] = strconv.Itoa(c)
	}
	return field{
		name: name, unit: unit, want: oneOf(texts),
		get: func(r *Registers) string { return strconv.Itoa(*ptr(r)) },
		set: func(r *Registers, s string) bool {
			n, ok := number(s)
			if !ok || !slices.Contains(choices, n) {
				return false
			}
			*ptr(r) = n
			return true
		},
	}
}

// number reads a whole number. With a suffix k it is in thousands, such as 2.4k.
func number(s string) (int, bool) {
	if thousands, ok := strings.CutSuffix(s, "k"); ok {
		f, err := strconv.ParseFloat(thousands, 64)
		n := math.Round(1000 * f)
		return int(n), err == nil && n > 0 && n < 1e6
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// switchField describes a register that is on or off.
func switchField(name string, ptr func(*Registers) *bool) field {
	return field{
		name: name, want: "on or off",
		get: func(r *Registers) string {
			if *ptr(r) {
				return "on"
			}
			return "off"
		},
		set: func(r *Registers, s string) bool {
			switch strings.ToLower(s) {
			case "on", "true", "1":
				*ptr(r) = true
			case "off", "false", "0":
				*ptr(r) = false
			default:
				return false
			}
			return true
		},
	}
}

func oneOf(choices []string) string { return "one of " + strings.Join(choices, " ") }

// Fields returns all registers as text, in the order of their addresses. Reserved
// is not among them.
func (r Registers) Fields() []Field {
	all := make([]Field, len(fields))
	for i, f := range fields {
		all[i] = Field{Name: f.name, Value: f.get(&r), Unit: f.unit}
	}
	return all
}

// Set changes the register that [Registers.Fields] lists under that name. The value
// is a number, such as 2400 or 2.4k, a hexadecimal number that begins with 0x, on or
// off, or a parity such as 8N1. If the name is unknown or the value is not allowed, the error is a
// [*RegisterError] and r is unchanged.
func (r *Registers) Set(name, value string) error {
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	if i < 0 {
		names := make([]string, len(fields))
		for j, f := range fields {
			names[j] = f.name
		}
		return &RegisterError{"register", strconv.Quote(name), oneOf(names)}
	}
	if !fields[i].set(r, value) {
		return &RegisterError{name, strconv.Quote(value), fields[i].want}
	}
	return nil
}

// SetAll changes registers by comma-separated name=value pairs, such as
// "channel=18, power=22". It stops at the first pair for which [Registers.Set]
// returns an error; the pairs before it are set. An empty text changes nothing.
func (r *Registers) SetAll(text string) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return &RegisterError{"register", strconv.Quote(strings.TrimSpace(pair)), "name=value"}
		}
		if err := r.Set(strings.TrimSpace(name), strings.TrimSpace(value)); err != nil {
			return err
		}
	}
	return nil
}

// Diff is a register whose value differs from the wanted one.
type Diff struct {
	Field string // its name, as in Registers.Fields
	Found string
	Want  string
}

// Diff returns the registers of found that differ from r, which holds the wanted
// values. It ignores the reserved bits.
func (r Registers) Diff(found Registers) []Diff {
	var diffs []Diff
	for _, f := range fields {
		if want, found := f.get(&r), f.get(&found); want != found {
			diffs = append(diffs, Diff{Field: f.name, Found: found, Want: want})
		}
	}
	return diffs
}

// ErrIgnored is wrapped by every [*IgnoredError].
var ErrIgnored = errors.New("e22: module ignored registers")

// IgnoredError lists the registers whose new value a module acknowledged, but
// ignored. Newer firmware, for example, ignores the air data rates 300 and 1200.
type IgnoredError struct{ Diffs []Diff }

func (e *IgnoredError) Error() string {
	parts := make([]string, len(e.Diffs))
	for i, d := range e.Diffs {
		parts[i] = fmt.Sprintf("%s: found %s, want %s", d.Field, d.Found, d.Want)
	}
	return fmt.Sprintf("%v: %s", ErrIgnored, strings.Join(parts, "; "))
}

// Unwrap returns ErrIgnored.
func (e *IgnoredError) Unwrap() error { return ErrIgnored }
