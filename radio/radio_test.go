package radio

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/internal/testenv"
)

func ExamplePHY_TimeOnAir() {
	sf7 := PHY{SF: 7, BandwidthHz: 125000, CodingRate: 1, Preamble: 8, ExplicitHeader: true, TxPowerDBm: 22}
	sf12 := sf7
	sf12.SF = 12
	for _, p := range []PHY{sf7, sf12} {
		fmt.Println(p.ID(), p.TimeOnAir(HeaderLen+8))
	}
	// Output:
	// sf7_bw125000_cr5_pre8_crc0_hdr1_pwr22 36.096ms
	// sf12_bw125000_cr5_pre8_crc0_hdr1_pwr22 991.232ms
}

func ExampleStreamParser() {
	p := NewStreamParser(StreamSettings{Silence: SilenceForBaud(9600)})
	now := time.UnixMilli(0)
	// A frame of two payload bytes, then one whose last byte got lost.
	found := p.Push(nil, []byte{2, 7, 'h', 'i', 2, 8, 'x'}, now)
	found = p.Push(found, []byte{2, 9, 'y', 'o'}, now.Add(50*time.Millisecond))
	for _, r := range found {
		fmt.Println(r.Frame, r.Err)
	}
	// Output:
	// [2 7 104 105] <nil>
	// [] radio: frame is cut short: found 3 bytes, want 4
	// [2 9 121 111] <nil>
}

func TestTimeOnAir(t *testing.T) {
	phy := func(sf, bw, cr, preamble int, crc bool) PHY {
		return PHY{SF: sf, BandwidthHz: bw, CodingRate: cr, Preamble: preamble, CRC: crc, ExplicitHeader: true}
	}
	with := func(p PHY, change func(*PHY)) PHY { change(&p); return p }
	for _, c := range []struct {
		name string
		phy  PHY
		len  int
		want time.Duration
	}{
		{"published SF12 500 kHz, 1 byte", phy(12, 500000, 1, 8, true), 1, 206848 * time.Microsecond},
		{"published SF12 500 kHz, 64 bytes, long preamble", phy(12, 500000, 1, 12, true), 64, 649216 * time.Microsecond},
		{"published SF8 4/6, 253 bytes", phy(8, 125000, 2, 8, true), 253, 827904 * time.Microsecond},
		{"published SF5, no CRC, short preamble", phy(5, 500000, 1, 2, false), 1, 1360 * time.Microsecond},
		{"published SF9, 13 bytes", phy(9, 125000, 1, 8, true), 13, 164864 * time.Microsecond},
		{"published SF7, 21 bytes", phy(7, 125000, 1, 8, true), 21, 56576 * time.Microsecond},
		{"SF11 125 kHz is optimised by itself", phy(11, 125000, 1, 8, true), 20,
			with(phy(11, 125000, 1, 8, true), func(p *PHY) { p.LDRO = LDROOn }).TimeOnAir(20)},
		{"SF11 250 kHz is not", phy(11, 250000, 1, 8, true), 20,
			with(phy(11, 250000, 1, 8, true), func(p *PHY) { p.LDRO = LDROOff }).TimeOnAir(20)},
		{"an empty frame is preamble and one block of 8 symbols", with(phy(12, 125000, 1, 8, false),
			func(p *PHY) { p.ExplicitHeader = false }), 0, 663552 * time.Microsecond},
		{"a PHY that cannot be has no time on air", PHY{}, 10, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.phy.TimeOnAir(c.len); (got - c.want).Abs() > time.Microsecond {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestCheckListsEveryFault(t *testing.T) {
	err := PHY{SF: 13, BandwidthHz: 100, CodingRate: 5, Preamble: 0, LDRO: 3, TxPowerDBm: 30}.Check()
	if !errors.Is(err, ErrPHY) {
		t.Fatalf("%v is no ErrPHY", err)
	}
	for _, field := range []string{"SF: 13, want 5..12", "BandwidthHz: 100, want one of 7810", "CodingRate: 5, want 1..4",
		"Preamble: 0, want 1..65535", "LDRO: 3", "TxPowerDBm: 30, want -9..22"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%q is not in %q", field, err)
		}
	}
	for _, a := range AirDataRates() {
		if err := a.PHY.Check(); err != nil {
			t.Errorf("air data rate %s: %v", a.Name, err)
		}
	}
}

func TestFrame(t *testing.T) {
	long := bytes.Repeat([]byte{7}, MaxPayloadLen)
	for _, c := range []struct {
		name    string
		payload []byte
		want    error
	}{
		{"smallest data", []byte{1, 2}, nil},
		{"longest data", long, nil},
		{"an ACK's payload", []byte{200}, ErrPayloadLen},
		{"nothing", nil, ErrPayloadLen},
		{"one byte too many", append(long, 7), ErrPayloadLen},
	} {
		t.Run(c.name, func(t *testing.T) {
			dst := []byte("before")
			b, err := AppendFrame(dst, 255, c.payload)
			if !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if err != nil {
				if string(b) != "before" {
					t.Errorf("dst changed to %q", b)
				}
				return
			}
			f, err := ParseFrame(b[len(dst):])
			if err != nil || f.Seq != 255 || !bytes.Equal(f.Payload, c.payload) {
				t.Errorf("parsed %v, %v", f, err)
			}
		})
	}
	f, err := ParseFrame(AppendAck(nil, 3, 250))
	if acked, ok := f.Acked(); err != nil || !ok || acked != 250 || f.Seq != 3 {
		t.Errorf("ACK parsed as %v, %v", f, err)
	}
	for _, c := range []struct {
		name  string
		frame []byte
		want  error
	}{
		{"no bytes", nil, ErrTruncated},
		{"LEN alone", []byte{4}, ErrTruncated},
		{"payload cut", []byte{4, 0, 1, 2, 3}, ErrTruncated},
		{"a byte too many", []byte{2, 0, 1, 2, 3}, ErrTrailing},
		{"LEN 0", []byte{0, 0}, ErrPayloadLen},
		{"LEN 239", append([]byte{239, 0}, make([]byte, 239)...), ErrPayloadLen},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseFrame(c.frame)
			var located *FrameError
			if !errors.Is(err, c.want) || !errors.As(err, &located) || located.Found != len(c.frame) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func TestStreamParser(t *testing.T) {
	type chunk struct {
		atMs  int
		bytes string
	}
	for _, c := range []struct {
		name   string
		rssi   bool
		chunks []chunk
		want   string // frames by payload, failures as !, RSSI in brackets; time in ms
	}{
		{"one frame", false, []chunk{{0, "\x02\x01ab"}}, "ab@0"},
		{"two merged", false, []chunk{{0, "\x02\x01ab\x02\x02cd"}}, "ab@0 cd@0"},
		{"in chunks of an adapter", false, []chunk{{0, "\x03"}, {16, "\x01a"}, {32, "bc"}}, "abc@32"},
		{"cut by silence", false, []chunk{{0, "\x03\x01a"}, {100, "\x02\x02cd"}}, "!@0 cd@100"},
		{"a stray byte after a frame costs no frame", false, []chunk{{0, "\x02\x01ab\xc0"}, {50, "\x02\x02cd"}}, "ab@0 !@0 cd@50"},
		{"stray zero loses the burst, not the next", false, []chunk{{0, "\x00\x02\x01ab"}, {41, "\x02\x02cd"}}, "!@0 cd@41"},
		{"a burst that stays out of step is one failure", false, []chunk{{0, "\xff\x01"}, {30, "\x02\x01ab"}, {60, "\x02\x01ab"}, {100, "\x02\x02cd"}}, "!@0 cd@100"},
		{"RSSI bytes", true, []chunk{{0, "\x02\x01ab\xa0\x02\x02cd\x9c"}}, "ab@0(-96) cd@0(-100)"},
		{"RSSI byte in the next chunk", true, []chunk{{0, "\x02\x01ab"}, {16, "\xa0"}}, "ab@16(-96)"},
		{"RSSI byte missing", true, []chunk{{0, "\x02\x01ab"}, {40, "\x02\x02cd\x9c"}}, "ab@0 cd@40(-100)"},
		{"RSSI byte missing at the end", true, []chunk{{0, "\x02\x01ab"}, {1000, ""}}, "ab@0"},
		{"half a frame at the end", true, []chunk{{0, "\x02"}, {39, ""}, {40, ""}, {80, ""}}, "!@0"},
		{"a clock that steps back", false, []chunk{{100, "\x02\x01a"}, {0, "b\x02"}, {139, "\x02cd"}}, "ab@100 cd@139"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := NewStreamParser(StreamSettings{RSSIByte: c.rssi})
			var got []string
			for _, ch := range c.chunks {
				for _, r := range p.Push(nil, []byte(ch.bytes), time.UnixMilli(int64(ch.atMs))) {
					s := fmt.Sprintf("!@%d", r.Time.UnixMilli())
					if r.Err == nil {
						f, err := ParseFrame(r.Frame)
						if err != nil {
							t.Fatalf("handed out %x: %v", r.Frame, err)
						}
						s = fmt.Sprintf("%s@%d", f.Payload, r.Time.UnixMilli())
					}
					if r.HasRSSI {
						s += fmt.Sprintf("(%d)", r.RSSIdBm)
					}
					got = append(got, s)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q", strings.Join(got, " "), c.want)
			}
		})
	}
}

func TestSilenceForBaud(t *testing.T) {
	for baud, want := range map[int]time.Duration{
		0: 40 * time.Millisecond, 115200: 40 * time.Millisecond, 9600: 40 * time.Millisecond,
		1200: 166666666 * time.Nanosecond,
	} {
		if got := SilenceForBaud(baud); got != want {
			t.Errorf("at %d baud: %v, want %v", baud, got, want)
		}
	}
}

func FuzzParseFrame(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0})
	f.Add([]byte{1, 5, 250})
	f.Add([]byte{2, 255, 'a', 'b'})
	f.Add([]byte{3, 1, 'a', 'b'})
	f.Add(append([]byte{238, 9}, make([]byte, 238)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := ParseFrame(b)
		if err != nil {
			return
		}
		var again []byte
		if acked, ok := frame.Acked(); ok {
			again = AppendAck(nil, frame.Seq, acked)
		} else {
			again, err = AppendFrame(nil, frame.Seq, frame.Payload)
		}
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%x came back as %x, %v", b, again, err)
		}
	})
}

// FuzzStreamParser cuts data into chunks whose gaps the second argument gives,
// in milliseconds a byte, and asks for what must hold on any stream: only whole
// frames come out, no more failures than bursts, and a frame after a silence is
// always found.
func FuzzStreamParser(f *testing.F) {
	f.Add([]byte{2, 7, 'h', 'i', 2, 8, 'x'}, []byte{0, 50}, false)
	f.Add([]byte{2, 7, 'h', 'i', 0xa0, 0, 1, 2}, []byte{39, 40, 41}, true)
	f.Add([]byte{0xff, 0xff, 1, 1, 1}, []byte{}, true)
	f.Fuzz(func(t *testing.T, data, gapsMs []byte, rssi bool) {
		p := NewStreamParser(StreamSettings{RSSIByte: rssi})
		now := time.UnixMilli(0)
		var got []Reception
		bursts := 1
		for i, c := range data {
			if len(gapsMs) > 0 {
				gap := gapsMs[i%len(gapsMs)]
				now = now.Add(time.Duration(gap) * time.Millisecond)
				if gap >= 40 {
					bursts++
				}
			}
			got = p.Push(got, []byte{c}, now)
		}
		now = now.Add(minSilence)
		got = p.Tick(got, now)
		failures := 0
		for _, r := range got {
			if r.Err != nil {
				failures++
			} else if _, err := ParseFrame(r.Frame); err != nil {
				t.Errorf("handed out %x: %v", r.Frame, err)
			}
		}
		if failures > bursts {
			t.Errorf("%d failures in %d bursts", failures, bursts)
		}
		got = p.Tick(p.Push(nil, []byte{2, 1, 'o', 'k'}, now), now.Add(minSilence))
		if len(got) != 1 || string(got[0].Frame) != "\x02\x01ok" {
			t.Errorf("after a silence: %v", got)
		}
	})
}

// The table of the module's air data rates in the docs is what the formula gives.
func TestDocsTable(t *testing.T) {
	b, err := os.ReadFile(testenv.Repo("docs", "radio.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range AirDataRates() {
		ms := func(payload int) string {
			return fmt.Sprintf("%.1f", float64(a.PHY.TimeOnAir(HeaderLen+payload).Microseconds())/1000)
		}
		row := fmt.Sprintf("| %d | %s | %d | %d | 4/%d | %s | %s | %s | %s |", a.Index, a.Name, a.PHY.SF, a.PHY.BandwidthHz/1000,
			a.PHY.CodingRate+4, ms(1), ms(8), ms(30), ms(238))
		if !strings.Contains(string(b), row) {
			t.Errorf("docs/radio.md lacks the row\n%s", row)
		}
	}
}
