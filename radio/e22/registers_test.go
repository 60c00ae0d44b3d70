package e22

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestRegistersBytes(t *testing.T) {
	cases := []struct {
		name, reason string
		registers    Registers
		bytes        []byte
	}{
		{
			"factory", "what the manual says a module is delivered with",
			FactoryRegisters(),
			[]byte{0x00, 0x00, 0x00, 0x62, 0x00, 0x12, 0x03},
		},
		{
			"lowest", "all bits zero",
			Registers{BaudRate: 1200, AirDataRate: 300, PacketSize: 240, PowerDBm: 22, WORCycleMs: 500},
			[]byte{0, 0, 0, 0, 0, 0, 0},
		},
		{
			"highest", "every setting at its largest code",
			Registers{
				Address: 0xFFFF, NetID: 0xFF, BaudRate: 115200, Parity: Parity8E1, AirDataRate: 62500,
				PacketSize: 32, AmbientRSSI: true, PowerDBm: 10, Channel: 80, RSSIByte: true, FixedPoint: true,
				Repeater: true, LBT: true, WORTransmitter: true, WORCycleMs: 4000, Reserved: 7,
			},
			[]byte{0xFF, 0xFF, 0xFF, 0xF7, 0xFF, 0x50, 0xFF},
		},
		{
			"mixed", "each field of REG0, REG1 and REG3 at a code of its own",
			Registers{
				Address: 0x1234, NetID: 0x56, BaudRate: 19200, Parity: Parity8O1, AirDataRate: 9600,
				PacketSize: 128, AmbientRSSI: true, PowerDBm: 13, Channel: 23, RSSIByte: true, LBT: true, WORCycleMs: 1500,
			},
			[]byte{0x12, 0x34, 0x56, 0x8C, 0x62, 0x17, 0x92},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b, err := c.registers.MarshalBinary()
			if err != nil || !bytes.Equal(b, c.bytes) {
				t.Errorf("marshal: % x, %v; want % x (%s)", b, err, c.bytes, c.reason)
			}
			var got Registers
			if err := got.UnmarshalBinary(c.bytes); err != nil || got != c.registers {
				t.Errorf("unmarshal: %+v, %v; want %+v (%s)", got, err, c.registers, c.reason)
			}
		})
	}
}

func TestRegistersTolerance(t *testing.T) {
	var r Registers
	if err := r.UnmarshalBinary([]byte{0, 0, 0, 0x62 | 3<<3, 0, 200, 3}); err != nil {
		t.Fatal(err)
	}
	if r.Parity != Parity8N1 || r.Channel != 200 {
		t.Errorf("parity %v, channel %d; want 8N1 for code 3, and channel 200 as it is", r.Parity, r.Channel)
	}
	if _, err := r.MarshalBinary(); !errors.Is(err, ErrRegister) {
		t.Errorf("channel 200 marshals: %v", err)
	}
	for n := range 12 {
		if err := r.UnmarshalBinary(make([]byte, n)); (err == nil) != (n == RegistersLen) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestRegistersValidateNamesEveryFault(t *testing.T) {
	r := Registers{BaudRate: 300, Parity: 3, AirDataRate: 1, PacketSize: 241, PowerDBm: 30, Channel: 81, WORCycleMs: 750, Reserved: 8}
	err := r.Check()
	for _, want := range []string{
		"e22: baud: 300, want one of 1200", "e22: parity: Parity(3), want one of 8N1 8O1 8E1", "e22: airrate: 1, want",
		"e22: packetsize: 241, want", "e22: power: 30, want one of 22 17 13 10", "e22: channel: 81, want 0..80",
		"e22: worcycle: 750, want", "e22: reserved: 8, want 0..7",
	} {
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte(want)) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
	var located *RegisterError
	if !errors.As(err, &located) || located.Field != "baud" {
		t.Errorf("located: %+v", located)
	}
}

func TestRegistersSet(t *testing.T) {
	cases := []struct {
		name, field, value string
		want               func(*Registers) // nil: an error
	}{
		{"hexadecimal", "address", "0xFFFF", func(r *Registers) { r.Address = Broadcast }},
		{"decimal", "netid", "7", func(r *Registers) { r.NetID = 7 }},
		{"choice", "power", "17", func(r *Registers) { r.PowerDBm = 17 }},
		{"range", "channel", "80", func(r *Registers) { r.Channel = 80 }},
		{"parity", "parity", "8e1", func(r *Registers) { r.Parity = Parity8E1 }},
		{"switch on", "lbt", "on", func(r *Registers) { r.LBT = true }},
		{"switch in digits", "rssibyte", "1", func(r *Registers) { r.RSSIByte = true }},
		{"address too large", "address", "65536", nil},
		{"negative channel", "channel", "-1", nil},
		{"channel too large", "channel", "81", nil},
		{"no such choice", "airrate", "2401", nil},
		{"no such parity", "parity", "7N1", nil},
		{"no switch", "lbt", "maybe", nil},
		{"no such setting", "colour", "red", nil},
		{"empty", "power", "", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, want := FactoryRegisters(), FactoryRegisters()
			err := got.Set(c.field, c.value)
			if c.want == nil {
				var located *RegisterError
				if !errors.As(err, &located) || !errors.Is(err, ErrRegister) {
					t.Errorf("error %v, want a RegisterError", err)
				}
			} else {
				c.want(&want)
				if err != nil {
					t.Error(err)
				}
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestRegistersDiff(t *testing.T) {
	want, found := FactoryRegisters(), FactoryRegisters()
	want.AirDataRate, want.LBT = 300, true
	found.Reserved = 5
	diffs := want.Diff(found)
	if len(diffs) != 2 || diffs[0] != (Diff{Field: "airrate", Found: "2400", Want: "300"}) || diffs[1] != (Diff{Field: "lbt", Found: "off", Want: "on"}) {
		t.Errorf("diffs %v", diffs)
	}
	err := &IgnoredError{diffs}
	if got, want := err.Error(), "e22: module ignored registers: airrate: found 2400, want 300; lbt: found off, want on"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRegistersDerived(t *testing.T) {
	r := FactoryRegisters()
	r.PowerDBm = 10
	if got := r.FrequencyHz(); got != 868_125_000 {
		t.Errorf("channel 18: %d Hz, want 868125000", got)
	}
	if phy := r.PHY(); phy.SF != 10 || phy.BandwidthHz != 500_000 || phy.TxPowerDBm != 10 || phy.Check() != nil {
		t.Errorf("2400 bit/s: %+v", phy)
	}
	r.AirDataRate = 1
	if got := r.PHY().TimeOnAir(10); got != 0 {
		t.Errorf("an air data rate that does not exist takes %v", got)
	}
	if got, want := charTime(9600, Parity8E1), 11*time.Second/9600; got != want {
		t.Errorf("11 bits at 9600 baud: %v, want %v", got, want)
	}
}

func TestFindAnswer(t *testing.T) {
	data := []byte{1, 2, 3}
	cases := []struct {
		name, reason string
		input        []byte
		found        bool
	}{
		{"alone", "the usual", []byte{0xC1, 0, 3, 1, 2, 3}, true},
		{"after stray bytes", "noise of the mode switch", []byte{0, 0xFF, 0xFF, 0xFF, 0xC1, 0, 3, 1, 2, 3}, true},
		{"after a stray C1", "the first C1 is not always the answer's", []byte{0xC1, 0xC1, 0, 3, 1, 2, 3}, true},
		{"before more", "bytes can follow", []byte{0xC1, 0, 3, 1, 2, 3, 9, 9}, true},
		{"short", "wait for the rest", []byte{0xC1, 0, 3, 1, 2}, false},
		{"another address", "an earlier command's answer", []byte{0xC1, 7, 3, 1, 2, 3}, false},
		{"another length", "an earlier command's answer", []byte{0xC1, 0, 2, 1, 2, 3}, false},
		{"rejected", "FF FF FF is no answer", []byte{0xFF, 0xFF, 0xFF}, false},
		{"nothing", "", nil, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, ok := findAnswer(c.input, 0, 3)
			if ok != c.found || ok && !bytes.Equal(got, data) {
				t.Errorf("got % x, %v (%s)", got, ok, c.reason)
			}
		})
	}
}

func FuzzRegisters(f *testing.F) {
	f.Add([]byte{0x00, 0x00, 0x00, 0x62, 0x00, 0x12, 0x03})
	f.Add([]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Registers
		if err := r.UnmarshalBinary(b); err != nil {
			if len(b) == RegistersLen {
				t.Fatal(err)
			}
			return
		}
		out, err := r.MarshalBinary()
		if r.Channel > maxChannel {
			if err == nil {
				t.Fatal("channel out of range marshals")
			}
			return
		}
		var again Registers
		if err != nil || again.UnmarshalBinary(out) != nil || again != r {
			t.Fatalf("% x: %+v, then % x: %+v (%v)", b, r, out, again, err)
		}
		var byText Registers
		for _, field := range r.Fields() {
			if err := byText.Set(field.Name, field.Value); err != nil {
				t.Fatal(err)
			}
		}
		if diffs := r.Diff(byText); len(diffs) > 0 {
			t.Fatal(diffs)
		}
	})
}

func FuzzFindAnswer(f *testing.F) {
	f.Add([]byte{0xC1, 0x00, 0x07, 0, 0, 0, 0x62, 0, 0x12, 3}, byte(0), byte(7))
	f.Add([]byte{0xFF, 0xC1, 0xC1, 0x80, 0x07, 1, 2}, byte(0x80), byte(7))
	f.Add([]byte{}, byte(0), byte(0))
	f.Fuzz(func(t *testing.T, input []byte, addr, n byte) {
		data, ok := findAnswer(input, addr, n)
		if ok && (len(data) != int(n) || !bytes.Contains(input, append([]byte{0xC1, addr, n}, data...))) {
			t.Fatalf("found % x in % x", data, input)
		}
		// An answer is found whatever came before it.
		whole := append(bytes.Clone(input), 0xC1, addr, n)
		whole = append(whole, make([]byte, n)...)
		if _, ok := findAnswer(whole, addr, n); !ok {
			t.Fatalf("nothing found in % x", whole)
		}
	})
}

func TestSetAll(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"several", "channel=23, power = 17,lbt=on", ""},
		{"none", " ", ""},
		{"no value", "channel=23,power", `register: "power", want name=value`},
		{"no such setting", "colour=red", "want one of address"},
		{"no such value", "channel=81", `channel: "81", want 0..80`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := FactoryRegisters()
			err := r.SetAll(c.text)
			if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrRegister) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if c.name == "several" && (r.Channel != 23 || r.PowerDBm != 17 || !r.LBT) {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestTables(t *testing.T) {
	before := FactoryRegisters()
	wanted, after := before, before
	wanted.Channel, wanted.AirDataRate, after.Channel = 23, 300, 23
	var b strings.Builder
	before.WriteTable(&b)
	WriteChanges(&b, before, wanted, after)
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{"power 22 dBm", "frequency 868.125 MHz", "about SF10, 500 kHz", "channel 18 23 23 changed", "airrate 2400 300 2400 bit/s IGNORED", "frequency 873.125 MHz"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
